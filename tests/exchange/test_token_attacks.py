"""What is known to be tried against signed tokens (RFC 8725, RFC 9700), tried over the application: none of it opens a door, or holds one up."""

import base64
import json
import secrets
import time
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from sqlalchemy import event, select, text

from exchange.access import Caller, Role, identify, issue
from exchange.api.tokens import LARGEST
from exchange.db import reading, writing
from exchange.errors import Unauthenticated
from exchange.register import partners
from exchange.register.tables import AssertionRow
from exchange.submissions.attendance_tables import HeardRow
from keys.encoding import b64
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, TEAM, URL, World, print_of, problem

LIST = "/v1/agreements"


def segment(value: object) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def claims_of(world: World, **claims: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(world.assertion(CLEVELAND, **claims).split(".")[1] + "=="))
    return found


def signed(key: SigningKey, header: object, claims: object) -> str:
    """A compact token over these very bytes, whatever a library would make of them."""
    head = f"{segment(header)}.{segment(claims)}"
    return f"{head}.{b64(key.sign_raw(head.encode()))}"


def header_of(key: SigningKey, **more: object) -> dict[str, object]:
    return {"alg": "Ed25519", "typ": "JWT", "kid": key.public.fingerprint, **more}


# ------------------------------------------------------------------------------------------------- algorithms and keys


def test_no_other_kind_of_key_passes_for_the_registered_one(world: World) -> None:
    client, claims = world.signing(f"{CLEVELAND}/client"), claims_of(world)
    tried: dict[str, RSAKey | ECKey | OKPKey | OctKey] = {
        "RS256": RSAKey.generate_key(2048),
        "PS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "Ed25519": OKPKey.generate_key("Ed25519"),
        "HS256": OctKey.import_key(client.public.raw),
        "HS384": OctKey.import_key(client.public.fingerprint),
    }
    for algorithm, key in tried.items():
        for named in (algorithm, "Ed25519"):
            made = jws.serialize_compact(
                {"alg": algorithm, "kid": client.public.fingerprint}, json.dumps(claims).encode(), key, [algorithm]
            )
            forged = f"{segment(header_of(client, alg=named))}.{made.split('.', 1)[1]}"
            for attempt in (made, forged):
                assert world.authenticate(attempt).status_code == 401, (algorithm, named)


def test_keys_in_the_header_are_not_looked_at_and_no_address_in_it_is_asked(world: World) -> None:
    """The tests allow no connection elsewhere: one that was tried would fail here."""
    thief, client = SigningKey.generate(), world.signing(f"{CLEVELAND}/client")
    own = {"kty": "OKP", "crv": "Ed25519", "x": b64(thief.public.raw)}
    addresses = {"jku": "http://127.0.0.1:9/keys", "x5u": "http://169.254.169.254/latest"}
    for more in ({"jwk": own}, addresses, {"x5c": ["AAAA"]}, {"jwk": own, **addresses}):
        answer = world.authenticate(signed(thief, header_of(client, **more), claims_of(world)))
        problem(answer, 401, "bad-signature")
    # A genuine one is what it is, whatever else its header says of keys.
    assert world.authenticate(signed(client, header_of(client, jku="http://127.0.0.1:9/keys"), claims_of(world))).status_code == 200


@pytest.mark.parametrize(
    "kid",
    [
        "../../../dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 1 --",
        "ed25519:" + "0" * 64 + "' --",
        "%",
        "*",
        "",
        "\x00",
        "ed25519:" + "A" * 64,
        "/etc/passwd",
    ],
)
def test_a_key_is_found_by_its_exact_name_alone(world: World, kid: str) -> None:
    client = world.signing(f"{CLEVELAND}/client")
    problem(world.authenticate(signed(client, header_of(client, kid=kid), claims_of(world))), 401, "unknown-client")


def test_a_token_says_what_it_is(world: World) -> None:
    client = world.signing(f"{CLEVELAND}/client")
    for kind, good in (
        (None, True),
        ("JWT", True),
        ("client-authentication+jwt", True),
        ("at+jwt", False),
        ("dpop+jwt", False),
        (7, False),
    ):
        header = header_of(client, typ=kind)
        if kind is None:
            del header["typ"]
        assert world.authenticate(signed(client, header, claims_of(world))).status_code == (200 if good else 401), kind


# ----------------------------------------------------------------------------------------------------------- its writing


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (b'{"alg":"none","alg":"Ed25519","kid":KID}', None),
        (b'{"alg":"Ed25519","kid":"x","kid":KID}', None),
        (None, b'{"iss":"durham-constabulary",REST'),
        (None, b'{"exp":9999999999,REST'),
        (None, b'{"jti":"another-name-for-it",REST'),
    ],
    ids=["algorithm", "key", "issuer", "expiry", "jti"],
)
def test_no_member_stands_twice(world: World, header: bytes | None, claims: bytes | None) -> None:
    client = world.signing(f"{CLEVELAND}/client")
    head = header.replace(b"KID", json.dumps(client.public.fingerprint).encode()) if header else header_of(client)
    rest = json.dumps(claims_of(world)).encode()[1:]
    answer = world.authenticate(signed(client, head, claims.replace(b"REST", rest) if claims else claims_of(world)))
    problem(answer, 401, "bad-signature")


def test_the_size_of_a_token_has_an_end(world: World) -> None:
    client = world.signing(f"{CLEVELAND}/client")
    for filling in (LARGEST - 1_000, 5_000):
        problem(world.authenticate(signed(client, header_of(client), claims_of(world, note="x" * filling))), 401, "bad-signature")
    assert world.authenticate("x" * (70 << 10)).status_code == 413
    problem(world.authenticate("A" * 8_000 + ".A.A"), 401, "bad-signature")
    problem(world.authenticate("A" * (60 << 10)), 422, "unprocessable-entity")
    deep = b'{"a":' * 500 + b"1" + b"}" * 500
    problem(world.authenticate(signed(client, header_of(client), deep)), 401, "bad-signature")


def test_a_second_spelling_of_a_used_assertion_is_the_same_assertion(world: World) -> None:
    """What counts once is client and jti; a library that takes padding, or new bytes over the same claims, changes nothing."""
    client, claims = world.signing(f"{CLEVELAND}/client"), claims_of(world)
    assert world.authenticate(signed(client, header_of(client), claims)).status_code == 200
    again = signed(client, header_of(client), dict(reversed(claims.items())))
    problem(world.authenticate(again), 401, "replayed-assertion")
    problem(world.restarted().authenticate(again), 401, "replayed-assertion")
    later = {**claims, "exp": claims["exp"] + 5}
    problem(world.authenticate(signed(client, header_of(client), later)), 401, "replayed-assertion")
    # The last character of a signature has spare bits: another letter there is another spelling, and none.
    head, _, end = signed(client, header_of(client), claims_of(world)).rpartition(".")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = letters[letters.index(end[-1]) ^ 1]
    assert world.authenticate(f"{head}.{end[:-1]}{spare}").status_code == 401


# ------------------------------------------------------------------------------------------------------- access tokens


def test_a_token_of_another_hub_is_none_of_this(world: World, first_world: World) -> None:
    caller = Caller(CLEVELAND, Role.SUPPLIER, print_of(world.keys[f"{CLEVELAND}/client"]))
    elsewhere = issue(secrets.token_bytes(32), caller, world.clock())
    problem(world.call("get", LIST, headers={"Authorization": f"Bearer {elsewhere}"}), 401, "bad-token")
    problem(world.authenticate(world.assertion(CLEVELAND, aud="https://other-hub.example/oauth2/token")), 401, "bad-audience")
    problem(world.authenticate(world.assertion(CLEVELAND, aud=f"{URL}/oauth2/token/")), 401, "bad-audience")


def test_an_access_token_has_one_spelling_and_says_what_it_is(world: World) -> None:
    secret, moment = world.hub.keyring.tokens, world.clock()
    caller = Caller(CLEVELAND, Role.SUPPLIER, print_of(world.keys[f"{CLEVELAND}/client"]))
    good = issue(secret, caller, moment)
    with reading(world.hub.engine) as session:
        assert identify(session, secret, f"Bearer {good}", moment) == caller
        claims = jwt.decode(good, OctKey.import_key(secret), algorithms=["HS256"]).claims
        others = [
            jwt.encode({"alg": "HS256", "typ": kind}, claims, OctKey.import_key(secret), algorithms=["HS256"])
            for kind in ("JWT", "at", "AT+JWT")
        ]
        others += [good + "=", good.replace(".", "=.", 1), good + "\n", " " + good, good + "." + good, good.upper(), good + "A" * 2_000]
        others += [jwt.encode({"alg": "HS512", "typ": "at+jwt"}, claims, OctKey.import_key(secret), algorithms=["HS512"])]
        for other in others:
            with pytest.raises(Unauthenticated):
                identify(session, secret, f"Bearer {other}", moment)


def test_roles_and_keys_are_the_registers_and_not_the_tokens_holders(world: World) -> None:
    """A recipient's token does not become a supplier's, and the key's life is looked up at every call."""
    token = {"Authorization": f"Bearer {world.token(TEAM)}"}
    problem(world.call("post", "/v1/submissions", headers=token, json={}), 403, "forbidden")
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{TEAM}/client"]), "lost", world.clock())
    problem(world.call("get", LIST, headers=token), 401, "revoked-key")
    problem(world.authenticate(world.assertion(TEAM)), 401, "unknown-client")


# ------------------------------------------------------------------------------------------------- who holds up whom


def attempts(world: World) -> list[str]:
    thief = SigningKey.generate()
    return [
        "x",
        "a.b.c",
        world.assertion(CLEVELAND, key=thief),
        world.assertion(CLEVELAND, key=thief, header={"kid": world.signing(f"{CLEVELAND}/client").public.fingerprint}),
        world.assertion(CLEVELAND, aud="elsewhere"),
        world.assertion(CLEVELAND, exp=1),
        world.assertion(CLEVELAND, key=world.signing(f"{DURHAM}/client")),
    ]


def test_a_stranger_never_waits_to_write_on_sqlite(world: World) -> None:
    """While somebody else writes, every refusal is immediate: a transaction that might write would wait for thirty seconds."""
    used = world.assertion(CLEVELAND)
    assert world.authenticate(used).status_code == 200
    with world.hub.engine.connect() as connection, connection.begin():
        connection.execute(text("select 1"))  # BEGIN IMMEDIATE: the one writer
        begun = time.monotonic()
        for attempt in [*attempts(world), used]:
            assert world.authenticate(attempt).status_code == 401
        assert time.monotonic() - begun < 5


def test_nothing_is_written_but_a_genuine_assertions_name_and_that_its_client_was_heard_of(world: World) -> None:
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "BEGIN", "SET", "SHOW")):
            written.append(statement)

    event.listen(world.hub.engine, "before_cursor_execute", note)
    for attempt in attempts(world):
        assert world.authenticate(attempt).status_code == 401
    assert written == []
    assert world.authenticate(world.assertion(CLEVELAND)).status_code == 200
    event.remove(world.hub.engine, "before_cursor_execute", note)
    assert {statement.replace("INTO ", "").replace("FROM ", "").split()[1] for statement in written} == {
        AssertionRow.__tablename__,
        HeardRow.__tablename__,
    }
    with reading(world.hub.engine) as session:
        assert session.execute(select(AssertionRow.client)).scalars().all()[-1] == CLEVELAND
