"""The vectors of every signed document: each is read as it stands, and each wrong one ends with the error that its vector names."""

from typing import Any

import pytest

from keys import errors
from keys.encoding import digest
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.keys.examples import EXAMPLES
from tests.keys.shared import vector

VECTORS = vector("documents")
CASES = {case["name"]: case for case in VECTORS["cases"]}


def test_every_document_has_a_vector() -> None:
    assert set(CASES) == set(EXAMPLES)
    assert {case["document"] for case in VECTORS["negative"]} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_document_reads_and_signs_as_its_vector_says(name: str) -> None:
    case, (kind, _) = CASES[name], EXAMPLES[name]
    found = verify_document(case["signed"], Use(case["use"]), VECTORS["fingerprint"])
    assert kind.parse(found).document() == found
    assert digest(found) == case["canonical_sha256"]
    assert sign_document(found, Use(case["use"]), SigningKey.from_seed(bytes.fromhex(VECTORS["seed"]))) == case["signed"]


@pytest.mark.parametrize("name", CASES)
def test_wrong_documents_end_with_the_error_that_is_named(name: str) -> None:
    kind, signed = EXAMPLES[name][0], CASES[name]["signed"]
    for case in (one for one in VECTORS["negative"] if one["document"] == name):
        members: dict[str, Any] = {**signed["document"], **case.get("replace", {})}
        members.pop(case.get("remove", ""), None)
        with pytest.raises(getattr(errors, case["error"])):
            kind.parse(verify_document(signed, Use(case["as_use"]), VECTORS["fingerprint"]) if "as_use" in case else members)
