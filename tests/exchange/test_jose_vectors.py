"""Tokens as the hub reads them, against Wycheproof's JOSE vectors (C2SP, Apache-2.0): one registered key, its own algorithm and no other.

Those for ES256 on P-256 are read by the very code that reads a client's assertion; the others by the library that reads the hub's own access tokens.
Nothing that the vectors call invalid is accepted. What they call valid and is refused all the same is listed, with the reason.
"""

from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from exchange.api import tokens
from exchange.errors import Unauthenticated
from exchange.register.tables import KeyRow
from keys.encoding import b64, parse_json, unb64
from keys.errors import BadFormat
from keys.formats import Card
from tests.keys.shared import wycheproof

KINDS: dict[str, Any] = {"oct": OctKey, "EC": ECKey, "RSA": RSAKey}


def accepts(token: str, key: dict[str, Any]) -> bool:
    """Read a compact token as the hub does: strictly spelt, strict JSON in its header, and the algorithm of the registered key alone."""
    if not tokens._COMPACT.fullmatch(token):
        return False
    try:
        segments = [unb64(segment) for segment in token.split(".")]
        header = parse_json(segments[0])
        if not isinstance(header, dict) or "crit" in header or key.get("alg") in (None, "none"):
            return False
        if key.get("use", "sig") != "sig" or header.get("kid") not in (None, key.get("kid")):
            return False
        if (key["alg"], key.get("crv")) == ("ES256", "P-256"):
            return header.get("alg") == tokens._ALGORITHMS["es256"] and holds(token, key)
        jws.deserialize_compact(token, KINDS[key["kty"]].import_key(key), algorithms=[key["alg"]])
    except (JoseError, BadFormat, ValueError, KeyError, TypeError):
        return False
    return True


def holds(token: str, key: dict[str, Any]) -> bool:
    card = Card("es256", "somebody", "client", b64(b"\x04" + unb64(key["x"], 32) + unb64(key["y"], 32)))
    try:
        tokens._verify(token, KeyRow(fingerprint=card.fingerprint, kind=card.kind, public=card.raw))
    except Unauthenticated:
        return False
    return True


def members(group: dict[str, Any]) -> list[dict[str, Any]]:
    found = group.get("public") or group["private"]
    return list(found["keys"]) if "keys" in found else [found]


# Accepted though called invalid: the token is, letter for letter, a valid one (367, 370: the padding that the comment speaks of is not there);
# an RSA key that can be factored (46) and a set of mixed keys (47) are matters of registering keys: the hub registers clients' keys of Ed25519 and P-256 alone, each one by name.
ACCEPTED = {"json_web_signature": {367, 370}, "json_web_crypto": {46, 47}}
# Refused though called valid: an empty payload is no claims (259 to 325); the algorithm is not the one the key is for (346 to 351); a
# character that is not of base64url (372, 373).
REFUSED: dict[str, set[int]] = {
    "json_web_signature": {259, 264, 268, 272, 320, 325, 346, 347, 350, 351, 372, 373},
    "json_web_crypto": set(),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("name", ["json_web_signature", "json_web_crypto"])
def test_nothing_invalid_is_accepted(name: str) -> None:
    ran, accepted, refused = 0, set[int](), set[int]()
    for group, test in wycheproof(name):
        if not isinstance(token := test.get("jws"), str):
            continue  # an encrypted token: the hub knows none
        ran += 1
        held = any(accepts(token, key) for key in members(group))
        if held != (test["result"] == "valid"):
            (accepted if held else refused).add(test["tcId"])
    assert ran > 30
    assert accepted == ACCEPTED[name]
    assert refused == REFUSED[name]
