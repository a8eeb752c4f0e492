"""Access tokens: an assertion counts once, from its own key, for this hub, for a short while; a revoked key counts for nothing."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from exchange.access import Caller, Role, issue
from exchange.db import writing
from exchange.register import partners
from keys.encoding import b64
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, TEAM, URL, World, print_of, problem

LIST = "/v1/agreements"


def part(value: object) -> str:
    return b64(json.dumps(value).encode())


def test_a_client_that_shows_its_key_gets_a_token_that_opens_its_own_doors(world: World) -> None:
    answer = world.authenticate(world.assertion(CLEVELAND))
    assert answer.get_json()["token_type"] == "Bearer"
    assert answer.get_json()["expires_in"] == 300
    found = world.call("get", LIST, CLEVELAND).get_json()["agreements"]
    assert [one["reference"] for one in found] == [REFERENCE]
    assert world.authenticate(world.assertion(CLEVELAND), client_id=CLEVELAND).status_code == 200
    assert world.authenticate(world.assertion(CLEVELAND, aud=[f"{URL}/oauth2/token"])).status_code == 200


def test_an_assertion_counts_once_even_after_a_restart(world: World) -> None:
    assertion = world.assertion(CLEVELAND)
    assert world.authenticate(assertion).status_code == 200
    problem(world.authenticate(assertion), 401, "replayed-assertion")
    again = world.restarted()
    problem(again.authenticate(assertion), 401, "replayed-assertion")
    again.clock.forward(seconds=119)
    problem(again.authenticate(assertion), 401, "replayed-assertion")
    again.clock.forward(seconds=1)
    problem(again.authenticate(assertion), 401, "expired-assertion")
    assert again.authenticate(again.assertion(CLEVELAND)).status_code == 200  # the used ones are pruned here
    problem(again.authenticate(assertion), 401, "expired-assertion")


def test_the_same_jti_of_two_clients_is_two(world: World) -> None:
    for client in (CLEVELAND, DURHAM):
        assert world.authenticate(world.assertion(client, jti="the-same-for-both")).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": URL}, "bad-audience"),
        ({"aud": [f"{URL}/oauth2/token", "http://other.test"]}, "bad-audience"),
        ({"aud": None}, "bad-audience"),
        ({"iss": DURHAM}, "unknown-client"),
        ({"sub": DURHAM}, "unknown-client"),
        ({"sub": None}, "unknown-client"),
        ({"exp": None}, "expired-assertion"),
        ({"iat": None}, "expired-assertion"),
        ({"exp": "soon"}, "expired-assertion"),
        ({"exp": True}, "expired-assertion"),
        ({"exp": 1e300}, "bad-signature"),  # beyond what JSON holds exactly (RFC 7493)
        ({"exp": 2**70}, "bad-signature"),
        ({"exp": 2**52}, "expired-assertion"),
        ({"iat": -(2**70)}, "bad-signature"),
        ({"iat": -(2**52)}, "expired-assertion"),
        ({"nbf": "soon"}, "expired-assertion"),
        ({"nbf": True}, "expired-assertion"),
        ({"nbf": 2**40}, "expired-assertion"),
        ({"jti": None}, "bad-signature"),
        ({"jti": "short"}, "bad-signature"),
        ({"jti": "x" * 201}, "bad-signature"),
        ({"jti": 12345678}, "bad-signature"),
        ({"jti": "a\x00b\x00c\x00d\x00e"}, "bad-signature"),
        ({"jti": "é" * 20}, "bad-signature"),
    ],
)
def test_what_an_assertion_says_must_be_right(world: World, claims: dict[str, Any], code: str) -> None:
    problem(world.authenticate(world.assertion(CLEVELAND, **claims)), 401, code)


@pytest.mark.parametrize(
    ("issued", "life", "good"), [(0, 300, True), (0, 301, False), (-300, 241, True), (-360, 300, False), (61, 60, False)]
)
def test_an_assertion_lives_five_minutes_at_most(world: World, issued: int, life: int, good: bool) -> None:
    now = int(world.clock().timestamp())
    answer = world.authenticate(world.assertion(CLEVELAND, iat=now + issued, exp=now + issued + life))
    assert answer.status_code == (200 if good else 401)
    if not good:
        problem(answer, 401, "expired-assertion")


def test_no_algorithm_but_the_registered_one(world: World) -> None:
    key = world.signing(f"{CLEVELAND}/client")
    _, claims, signature = world.assertion(CLEVELAND).split(".")
    for head in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "EdDSA"}, {}, {"alg": ["Ed25519"]}, {"alg": None}):
        header = part({"typ": "JWT", "kid": key.public.fingerprint, **head})
        for forged in (f"{header}.{claims}.{signature}", f"{header}.{claims}."):
            assert world.authenticate(forged).status_code == 401
    # The public key taken as an HMAC secret: the classic confusion.
    secret = OctKey.import_key(key.public.raw)
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    for algorithm in ("HS256", "HS512"):
        confused = jwt.encode({"alg": algorithm, "kid": key.public.fingerprint}, body, secret, algorithms=[algorithm])
        problem(world.authenticate(confused), 401, "unknown-client")


def test_a_key_speaks_for_its_owner_only(world: World) -> None:
    durham = world.signing(f"{DURHAM}/client")
    problem(world.authenticate(world.assertion(CLEVELAND, key=durham)), 401, "unknown-client")
    problem(world.authenticate(world.assertion(DURHAM), client_id=CLEVELAND), 401, "unknown-client")
    # Another client's kid over one's own signature, and a stranger's key altogether.
    own = world.signing(f"{CLEVELAND}/client")
    problem(world.authenticate(world.assertion(CLEVELAND, key=durham, header={"kid": own.public.fingerprint})), 401, "bad-signature")
    problem(world.authenticate(world.assertion(CLEVELAND, key=SigningKey.generate())), 401, "unknown-client")
    # A registered key of another use is no client key.
    problem(world.authenticate(world.assertion(CLEVELAND, key=world.signing(f"{CLEVELAND}/manifest"))), 401, "unknown-client")


@pytest.mark.parametrize("change", ["=", "==", "\n", " ", ".", "x"])
def test_a_token_has_one_spelling(world: World, change: str) -> None:
    assertion = world.assertion(CLEVELAND)
    assert world.authenticate(assertion + change).status_code == 401
    assert world.authenticate(assertion.replace(".", f"{change}.", 1)).status_code == 401
    assert world.authenticate(assertion).status_code == 200


@pytest.mark.parametrize(
    "form",
    [{"grant_type": "password"}, {"client_assertion_type": "urn:x"}],
)
def test_only_client_credentials_are_taken(world: World, form: dict[str, str]) -> None:
    problem(world.authenticate(world.assertion(CLEVELAND), **form), 401, "unsupported-grant")


HEADERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "x"]), inner, max_size=4)
    ),
    max_leaves=6,
)


def test_nothing_that_a_stranger_sends_breaks_the_door(world: World) -> None:
    @settings(max_examples=60)
    @given(header=HEADERS, claims=HEADERS, raw=st.text("abcdefAB_-.01=", max_size=40))
    def check(header: object, claims: object, raw: str) -> None:
        for attempt in (f"{part(header)}.{part(claims)}.{part('x')}", raw, f"{part(header)}.{raw}.{raw}"):
            answer = world.authenticate(attempt)
            assert answer.status_code in (401, 422), answer.text

    check()


def test_a_known_clients_odd_header_does_not_break_the_door(world: World) -> None:
    for header in ({"kid": "\ud800"}, {"kid": ["a"]}, {"kid": None}, {"crit": ["x"], "x": 1}, {"b64": False, "crit": ["b64"]}):
        whole = {"alg": "Ed25519", "kid": world.signing(f"{CLEVELAND}/client").public.fingerprint, **header}
        assert world.authenticate(f"{part(whole)}.{part({})}.{part('x')}").status_code == 401
    signed = world.signing(f"{CLEVELAND}/client")
    for payload in (b"[]", b'"x"', b"5", b"null", b"{", b"\xff"):
        head = f"{part({'alg': 'Ed25519', 'kid': signed.public.fingerprint})}.{b64(payload)}"
        assert world.authenticate(f"{head}.{b64(signed.sign_raw(head.encode()))}").status_code == 401
    claims = {**json.loads(base64.urlsafe_b64decode(world.assertion(CLEVELAND).split(".")[1] + "==")), "jti": "\ud800" * 20}
    head = f"{part({'alg': 'Ed25519', 'kid': signed.public.fingerprint})}.{part(claims)}"
    problem(world.authenticate(f"{head}.{b64(signed.sign_raw(head.encode()))}"), 401, "bad-signature")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "no-token"),
        ("", "no-token"),
        ("Bearer", "no-token"),
        ("Basic", "no-token"),
        ("Basic YTpi", "bad-token"),  # its password would be a token of one release
        ("Digest YTpi", "no-token"),
        ("Bearer x", "bad-token"),
        ("Bearer a.b.c", "bad-token"),
        ("Bearer é.é.é", "bad-token"),
        ("Bearer " + "." * 5000, "bad-token"),
    ],
)
def test_without_a_token_of_the_hub_there_is_no_way_in(world: World, authorization: str | None, code: str) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    found = world.call("get", LIST, headers=headers)
    problem(found, 401, code)
    assert found.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_the_hub_did_not_make_is_refused(world: World) -> None:
    caller = Caller(CLEVELAND, Role.SUPPLIER, print_of(world.keys[f"{CLEVELAND}/client"]))
    forged = issue(b"another secret of 32 bytes......", caller, world.clock())
    problem(world.call("get", LIST, headers={"Authorization": f"Bearer {forged}"}), 401, "bad-token")
    head, claims, _ = issue(world.hub.keyring.tokens, caller, world.clock()).split(".")
    none = f"{part({'alg': 'none'})}.{claims}."
    for attempt in (none, f"{head}.{claims}.", f"{head}.{part({'sub': TEAM})}.{b64(bytes(32))}"):
        problem(world.call("get", LIST, headers={"Authorization": f"Bearer {attempt}"}), 401, "bad-token")
    # A client's own assertion is no access token.
    problem(world.call("get", LIST, headers={"Authorization": f"Bearer {world.assertion(CLEVELAND)}"}), 401, "bad-token")


def test_a_token_ends_after_five_minutes(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token(CLEVELAND)}"}
    world.clock.now += timedelta(seconds=299)
    assert world.call("get", LIST, headers=headers).status_code == 200
    world.clock.now += timedelta(seconds=1)
    problem(world.call("get", LIST, headers=headers), 401, "expired-token")


def test_a_revoked_key_bites_at_once(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token(CLEVELAND)}"}
    assert world.call("get", LIST, headers=headers).status_code == 200
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/client"]), "lost", world.clock())
    problem(world.call("get", LIST, headers=headers), 401, "revoked-key")
    problem(world.authenticate(world.assertion(CLEVELAND)), 401, "unknown-client")
    assert world.authenticate(world.assertion(DURHAM)).status_code == 200
