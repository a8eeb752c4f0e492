"""Clients that sign with ES256: what an Ed25519 client does, they do; neither kind passes for the other, and no other key is of this kind."""

import hmac
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from joserfc.jwk import ECKey
from sqlalchemy import select

from agreements.document import read
from agreements.model import Agreement
from exchange.commands.partner import read_card
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.register import partners
from exchange.register.tables import KeyRow
from keys.encoding import b64, canonical, unb64
from keys.errors import BadFormat
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, TEAM, World, crimes, es256_card, print_of, problem

LIST = "/v1/agreements"
CONTRACT = f"{LIST}/{REFERENCE}/datasets/crimes/contract"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY = ECKey.generate_key("P-256")


@pytest.fixture
def client(world: World) -> World:
    """Cleveland has an ES256 client key registered beside its Ed25519 one."""
    world.register(es256_card(CLEVELAND, KEY))
    return world


def naming(world: World, party: str, card: str) -> Agreement:
    """Version 2, which names this key for the client of the party or recipient."""
    words = world.words(version="2").replace(print_of(world.keys[f"{party}/client"]), card)
    return read(words)


def bearing(world: World, client: str, key: ECKey = KEY) -> dict[str, str]:
    answer = world.authenticate(world.assertion(client, key=key))
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def numbers(signature: str) -> tuple[int, int]:
    raw = unb64(signature, 64)
    return int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")


def pair(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def over(text: bytes, key: ECKey, hashed: HashAlgorithm | None = None) -> bytes:
    """The key's signature over these very bytes, whatever a library would make of them."""
    private = key.private_key
    assert private is not None
    r, s = decode_dss_signature(private.sign(text, ECDSA(hashed or SHA256())))
    length = (private.key_size + 7) // 8
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def mac(secret: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, text, "sha256")


# -------------------------------------------------------------------------------------------------------------- its doors


def test_it_gets_a_token_that_counts_once_and_ends_with_the_key(client: World) -> None:
    assertion = client.assertion(CLEVELAND, key=KEY)
    assert client.authenticate(assertion, client_id=CLEVELAND).status_code == 200
    problem(client.authenticate(assertion), 401, "replayed-assertion")
    headers = bearing(client, CLEVELAND)
    assert client.call("get", LIST, headers=headers).status_code == 200
    with writing(client.hub.engine) as session:
        partners.revoke(session, es256_card(CLEVELAND, KEY).fingerprint, "lost", client.clock())
    problem(client.call("get", LIST, headers=headers), 401, "revoked-key")
    problem(client.authenticate(client.assertion(CLEVELAND, key=KEY)), 401, "unknown-client")


def test_it_moves_what_the_agreement_that_names_it_says_and_nothing_before(client: World) -> None:
    problem(client.call("get", CONTRACT, headers=bearing(client, CLEVELAND)), 403, "wrong-client-key")
    second = naming(client, CLEVELAND, es256_card(CLEVELAND, KEY).fingerprint)
    client.enter(second)
    assert client.sign_all(second) == "in-force"
    headers = bearing(client, CLEVELAND)
    assert client.call("get", CONTRACT, headers=headers).status_code == 200
    problem(client.call("get", CONTRACT, CLEVELAND), 403, "wrong-client-key")
    handed_out = client.call("get", f"{LIST}/{REFERENCE}", DURHAM).get_json()["keys"]
    assert handed_out[es256_card(CLEVELAND, KEY).fingerprint] == es256_card(CLEVELAND, KEY).public


def test_a_recipients_may_be_of_this_kind(world: World) -> None:
    world.register(es256_card(TEAM, KEY))
    second = naming(world, TEAM, es256_card(TEAM, KEY).fingerprint)
    world.enter(second)
    assert world.sign_all(second) == "in-force"
    headers = bearing(world, TEAM)
    assert world.call("get", f"/v1/editions?reference={REFERENCE}&release=mv7-outcomes", headers=headers).status_code == 200
    problem(world.call("post", "/v1/submissions", headers=headers, json={}), 403, "forbidden")


def test_a_second_signature_of_the_same_assertion_is_the_same_assertion(client: World) -> None:
    """Of every ES256 signature there is a twin that verifies too, and anybody can make it."""
    assertion = client.assertion(CLEVELAND, key=KEY)
    head, _, signature = assertion.rpartition(".")
    r, s = numbers(signature)
    twin = f"{head}.{b64(pair(r, ORDER - s))}"
    assert twin != assertion
    assert client.authenticate(twin).status_code == 200
    for again in (assertion, twin):
        problem(client.authenticate(again), 401, "replayed-assertion")


# ------------------------------------------------------------------------------------------------------------- its attacks


def test_a_signature_has_one_form(client: World) -> None:
    assertion = client.assertion(CLEVELAND, key=KEY)
    head, _, signature = assertion.rpartition(".")
    r, s = numbers(signature)
    others = {
        "DER": encode_dss_signature(r, s),
        "nought": pair(0, 0),
        "r nought": pair(0, s),
        "s nought": pair(r, 0),
        "the order": pair(ORDER, ORDER),
        "exchanged": pair(s, r),
        "short": pair(r, s)[:-1],
        "long": pair(r, s) + b"\0",
        "33 bytes each": b"\0" + r.to_bytes(32, "big") + b"\0" + s.to_bytes(32, "big"),
        "all bits": b"\xff" * 64,
        "one byte": b"\0",
    }
    for other in others.values():
        problem(client.authenticate(f"{head}.{b64(other)}"), 401, "bad-signature")
    assert client.authenticate(assertion).status_code == 200


def test_neither_kind_passes_for_the_other(client: World) -> None:
    """One client, a key of each kind: no signature over any header opens anything but with its own key's name and algorithm."""
    edwards, es256 = client.signing(f"{CLEVELAND}/client"), es256_card(CLEVELAND, KEY)
    claims = client.assertion(CLEVELAND).split(".")[1]
    secrets = (es256.raw, es256.public.encode(), es256.fingerprint.encode(), edwards.public.raw, b"")
    signers: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("Ed25519", edwards.sign_raw),
        ("ES256", lambda text: over(text, KEY)),
        ("stranger", SigningKey.generate().sign_raw),
        *(("stranger", partial(over, key=ECKey.generate_key(curve))) for curve in ("P-256", "P-384", "secp256k1")),
        ("other hash", lambda text: over(text, KEY, SHA384())),
        *(("secret", partial(mac, secret)) for secret in secrets),
        ("nothing", lambda _text: b"\0"),
    ]
    opened = []
    for who, sign in signers:
        for name in (es256.fingerprint, edwards.public.fingerprint):
            for said in ("Ed25519", "EdDSA", "ES256", "ES384", "ES256K", "RS256", "HS256", "none", "", "es256", None, ["ES256"]):
                text = f"{b64(json.dumps({'alg': said, 'kid': name}).encode())}.{claims}"
                answer = client.authenticate(f"{text}.{b64(sign(text.encode()))}")
                if answer.status_code == 200 or answer.get_json()["code"] == "replayed-assertion":
                    opened.append((who, said, name.partition(":")[0]))
    assert opened == [("Ed25519", "Ed25519", "ed25519"), ("ES256", "ES256", "es256")]


def test_a_key_speaks_for_its_owner_only(client: World) -> None:
    problem(client.authenticate(client.assertion(DURHAM, key=KEY)), 401, "unknown-client")
    problem(client.authenticate(client.assertion(CLEVELAND, key=KEY), client_id=DURHAM), 401, "unknown-client")
    kid = es256_card(CLEVELAND, KEY).fingerprint
    problem(client.authenticate(client.assertion(CLEVELAND, key=ECKey.generate_key("P-256"), header={"kid": kid})), 401, "bad-signature")
    for name in ("ed25519" + kid[5:], kid.upper(), kid + "0", "es384" + kid[5:], " " + kid):
        problem(client.authenticate(client.assertion(CLEVELAND, key=KEY, header={"kid": name})), 401, "unknown-client")


@pytest.mark.parametrize("key", [KEY, None], ids=["ES256", "Ed25519"])
def test_the_signature_has_one_spelling(client: World, key: ECKey | None) -> None:
    """64 bytes end in a letter with four spare bits; every other letter that decodes to the same bytes is refused."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assertion = client.assertion(CLEVELAND, key=key)
    for spare in range(1, 16):
        other = assertion[:-1] + letters[letters.index(assertion[-1]) ^ spare]
        problem(client.authenticate(other), 401, "bad-signature")
    assert client.authenticate(assertion).status_code == 200


# -------------------------------------------------------------------------------------------------------------- its places


@pytest.mark.parametrize("role", ["manifest", "encryption", "witness", "dpo", "signatory", "checker", "receipts"])
def test_a_card_for_another_role_is_not_registered(world: World, tmp_path: Path, role: str) -> None:
    with pytest.raises(BadFormat, match="client alone"):
        es256_card(CLEVELAND, KEY, role)
    file = tmp_path / "card.json"
    file.write_bytes(canonical({**es256_card(CLEVELAND, KEY).document(), "role": role}))
    with pytest.raises(Unacceptable, match="client alone"):
        read_card(str(file))
    file.write_bytes(canonical(es256_card(CLEVELAND, KEY).document()))
    world.register(read_card(str(file)))
    with reading(world.hub.engine) as session:
        [row] = session.execute(select(KeyRow).where(KeyRow.kind == "es256")).scalars()
        assert (row.owner, row.role, row.fingerprint) == (CLEVELAND, "client", es256_card(CLEVELAND, KEY).fingerprint)


def test_a_manifest_is_signed_as_before(client: World) -> None:
    """With a client of this kind, rows are still a supplier's by its Ed25519 manifest key."""
    second = naming(client, CLEVELAND, es256_card(CLEVELAND, KEY).fingerprint)
    client.enter(second)
    client.sign_all(second)
    pushed = client.prepare([crimes()], about=second)
    answer = client.call("post", "/v1/submissions", headers=bearing(client, CLEVELAND), json=pushed.signed)
    assert answer.status_code == 201, answer.text
