"""Leak detectors against published vectors: those of the partnership's collection where it is there, a few that ship always."""

import csv
import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.detectors import DETECTORS, leaks

KINDS = {"NHS": "an NHS number", "PNC": "a PNC id", "NINO": "a National Insurance number"}
# Published examples: HMCTS's PNC tests, python-stdnum's NHS number, GOV.UK's rules for National Insurance numbers.
SHIPPED = [
    ("NHS", "943-476-5870", True),
    ("NHS", "943 476 5870", True),
    ("NHS", "9434765870", True),
    ("NHS", "9434765871", False),
    ("PNC", "81/34U", True),
    ("PNC", "2002/0073319Z", True),
    ("PNC", "20020073319Z", True),
    ("PNC", "2001/0171310S", False),
    ("PNC", "1923/1234567AA", False),
    ("NINO", "AB 12 34 56 C", True),
    ("NINO", "ab123456c", True),
    ("NINO", "QQ123456C", False),
    ("NINO", "GB123456A", False),
    ("NINO", "AB123456E", False),
]


@pytest.mark.parametrize(("kind", "value", "valid"), SHIPPED)
def test_shipped_vectors(kind: str, value: str, valid: bool) -> None:
    for text in (value, f"see {value}", f"{value}.", f"({value})"):
        assert DETECTORS[KINDS[kind]](text) is valid


def test_the_collections_vectors(shared_data: Path) -> None:
    with gzip.open(shared_data / "ref" / "identifier_test_vectors.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["identifier"] in KINDS]
    assert len(rows) > 25
    wrong = [
        (row["identifier"], row["value"])
        for row in rows
        if DETECTORS[KINDS[row["identifier"]]](row["value"]) is not (row["valid"] == "True")
    ]
    # Short PNC ids without a stroke are any digits and a letter: one case reference in twenty-three would look like one.
    assert wrong == [("PNC", "0273319Z"), ("PNC", "79163001B"), ("PNC", "033Y")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("an e-mail address", "write to jane.doe+x@police.example.uk now"),
        ("a telephone number", "01642 326 326"),
        ("a telephone number", "+44 7700 900 123"),
        ("a telephone number", "07700900123"),
        ("a full postcode", "at TS1 2AA"),
        ("a full postcode", "dh13le"),
    ],
)
def test_other_kinds_are_found(kind: str, text: str) -> None:
    assert DETECTORS[kind](text)


@pytest.mark.parametrize(
    "text", ["", "TS1", "E01011949", "2021-04", "Burglary", "Under investigation", "51A", "1234567", "AB12", "a@b", "Ω≈ç"]
)
def test_codes_and_labels_are_not_taken_for_people(text: str) -> None:
    assert [kind for kind, looks in DETECTORS.items() if looks(text)] == []


@given(st.text(max_size=60))
def test_no_text_makes_a_detector_fail(text: str) -> None:
    for looks in DETECTORS.values():
        assert looks(text) in (True, False)


@given(st.lists(st.none() | st.sampled_from(["9434765870", "plain", "", "x@y.example"]), max_size=20))
def test_rows_are_marked_and_nothing_but_kinds_is_said(values: list[str | None]) -> None:
    found = leaks(pa.array(values, pa.string()))
    assert set(found) <= set(DETECTORS)
    wanted = {"an NHS number": "9434765870", "an e-mail address": "x@y.example"}
    assert {kind: mask.to_pylist() for kind, mask in found.items()} == {
        kind: [value == one for value in values] for kind, one in wanted.items() if one in values
    }
