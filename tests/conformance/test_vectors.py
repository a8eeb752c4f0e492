"""The vectors of the kit: exported whole, described, and true of the hub that answers."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.clauses import Deviates
from conformance.vectors import ROOT, export, found
from exchange.api.tokens import _ALGORITHMS, _check, _parsed, _verify
from exchange.errors import Unauthenticated
from exchange.register.tables import KeyRow
from keys.encoding import b64, canonical, unb64
from keys.sign import SigningKey

OWN = ROOT / "conformance/vectors_own"
ASSERTION: dict[str, Any] = json.loads((OWN / "client_assertion.json").read_text(encoding="utf-8"))
HEADERS: dict[str, Any] = json.loads((OWN / "digest_headers.json").read_text(encoding="utf-8"))


def test_every_vector_is_exported_as_it_is_and_described(tmp_path: Path) -> None:
    assert export(tmp_path / "out") == 0
    readme = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    names = {path.name for path in found()}
    assert {path.name for path in (tmp_path / "out").glob("*.json")} == names
    assert {"manifest.json", "seal.json", "documents.json", "checkpoint.json", "log_proof.json", "client_assertion.json"} <= names
    for path in found():
        assert f"`{path.name}`" in readme
        assert hashlib.sha256((tmp_path / "out" / path.name).read_bytes()).hexdigest() in readme
    with pytest.raises(Deviates):
        export(tmp_path / "out")


def judged(assertion: str) -> str:
    """What the hub's own checks say of an assertion by the registered key of the vector: a problem code, or nothing."""
    key = SigningKey.from_seed(bytes.fromhex(ASSERTION["seed"])).public
    row = KeyRow(fingerprint=key.fingerprint, kind="ed25519", owner=ASSERTION["client"], role="client", public=key.raw)
    try:
        header, claims = _parsed(assertion)
        if header["kid"] != row.fingerprint or header["alg"] != _ALGORITHMS[row.kind]:
            return "unknown-client"
        _verify(assertion, row)
        _check(claims, row.owner, ASSERTION["audience"], datetime.fromtimestamp(ASSERTION["now"], UTC))
    except Unauthenticated as refused:
        return refused.code
    return ""


def test_the_assertion_is_the_one_that_the_kit_makes_and_the_hub_takes() -> None:
    header, claims = (b64(canonical(ASSERTION[name])) for name in ("header", "claims"))
    signature = SigningKey.from_seed(bytes.fromhex(ASSERTION["seed"])).sign_raw(f"{header}.{claims}".encode())
    assert ASSERTION["assertion"] == f"{header}.{claims}.{b64(signature)}"
    assert judged(ASSERTION["assertion"]) == ""


@pytest.mark.parametrize("case", ASSERTION["negative"], ids=lambda case: str(case["why"]))
def test_a_false_assertion_gets_the_code_that_the_vector_names(case: dict[str, str]) -> None:
    assert judged(case["assertion"]) == case["code"]


def test_the_headers_are_those_of_the_bodies() -> None:
    for case in HEADERS["cases"]:
        body = unb64(case["body"])
        digest = hashlib.sha256(body)
        said = "sha-256=:" + base64.b64encode(digest.digest()).decode() + ":"
        assert (case["content_digest"], case["repr_digest"], case["content_length"]) == (said, said, len(body))
        assert case["etag"] == f'"{digest.hexdigest()}"'
    for case in HEADERS["negative"]:
        right = "sha-256=:" + base64.b64encode(hashlib.sha256(unb64(case["body"])).digest()).decode() + ":"
        assert case["content_digest"] != right
