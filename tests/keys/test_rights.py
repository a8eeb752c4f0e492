"""What a request about people's rights seals, by vectors and by law; and the documents' own rules."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import errors
from keys.errors import BadFormat
from keys.pseudonym import WIDTH, exclusion_key, pseudonymise
from keys.rights import MOST, RIGHTS, RightsReceipt, RightsRequest, digest_after, pack, unpack
from tests.keys.examples import RIGHTS_RECEIPT, RIGHTS_REQUEST
from tests.keys.shared import vector

VECTORS = vector("rights")
PSEUDONYMS = st.frozensets(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=5)


@pytest.mark.parametrize("case", VECTORS["pack"], ids=lambda case: case["name"])
def test_what_is_sealed(case: dict[str, Any]) -> None:
    people = {int(epoch): [bytes.fromhex(one) for one in values] for epoch, values in case["pseudonyms"].items()}
    assert pack(people).hex() == case["packed"]
    assert unpack(bytes.fromhex(case["packed"])) == {epoch: frozenset(values) for epoch, values in people.items()}


@pytest.mark.parametrize("case", VECTORS["unpack"], ids=lambda case: case["name"])
def test_what_nobody_would_have_sealed(case: dict[str, Any]) -> None:
    with pytest.raises(getattr(errors, case["error"])):
        unpack(bytes.fromhex(case["packed"]))


def test_names_of_rows_after_an_erasure() -> None:
    [case] = VECTORS["digest_after"]
    assert digest_after(case["before"], case["request"], case["rows"]) == case["after"]
    assert len({digest_after(case["before"], case["request"], rows) for rows in range(9)}) == 9


def test_marks_of_an_exclusion_list() -> None:
    case = VECTORS["exclusion"]
    key = exclusion_key(bytes.fromhex(case["secret"]), case["kind"])
    assert key.hex() == case["key"]
    assert pseudonymise(pa.array([case["identifier"]]), case["kind"], key)[0].as_py().hex() == case["mac"]
    with pytest.raises(BadFormat):
        exclusion_key(bytes.fromhex(case["secret"]), "no kind")


@given(st.dictionaries(st.integers(0, 2**32 - 1), PSEUDONYMS, min_size=1, max_size=4))
def test_it_goes_both_ways_and_has_one_form(people: dict[int, frozenset[bytes]]) -> None:
    assert unpack(pack(people)) == people
    assert pack(unpack(pack(people))) == pack(people)


@given(st.binary(max_size=90))
def test_whatever_opens_was_packed(plain: bytes) -> None:
    try:
        found = unpack(plain)
    except BadFormat:
        return
    assert pack(found) == plain


def test_there_is_somebody_and_not_everybody() -> None:
    many = {1: [number.to_bytes(WIDTH, "big") for number in range(MOST + 1)]}
    nobody: list[dict[int, list[bytes]]] = [{}, {1: []}, {1: [b"short"]}, many]
    for people in nobody:
        with pytest.raises(BadFormat):
            pack(people)
    with pytest.raises(BadFormat):
        unpack(pack({1: many[1][:MOST]}) + pack({2: many[1][:1]}))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("datasets", []),
        ("datasets", ["crimes", "crimes"]),
        ("epochs", []),
        ("epochs", [RIGHTS_REQUEST["epochs"][0], {**RIGHTS_REQUEST["epochs"][0], "key_check": "f" * 16}]),
        ("right", "forgetting"),
    ],
)
def test_a_request_that_means_nothing_is_none(member: str, value: Any) -> None:
    with pytest.raises(BadFormat, match=f"^{member}"):
        RightsRequest.parse({**RIGHTS_REQUEST, member: value})


def test_a_receipt_adds_up() -> None:
    assert {RightsReceipt.parse({**RIGHTS_RECEIPT, "right": right}).right for right in RIGHTS} == set(RIGHTS)
    with pytest.raises(BadFormat, match=r"^rows: not the sum"):
        RightsReceipt.parse({**RIGHTS_RECEIPT, "rows": 3})
