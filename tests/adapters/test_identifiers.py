"""Identifiers against the shared vectors, the partnership's table, and the kinds of pseudonym that take their canonical forms."""

import csv
import gzip

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.identifiers import IDENTIFIERS
from agreements.detectors import DETECTORS, check_letter
from keys.pseudonym import normalise
from tests.adapters.contract import SHARED

KINDS = {
    "pnc": "person_pnc",
    "cro": "person_cro",
    "noms": "person_noms",
    "crn": "person_crn",
    "urn": "case",
    "crime_reference": "crime",
    "incident_reference": "incident",
}


def canonical(name: str, *values: str | None, latest: int = 2026) -> list[str | None]:
    found: list[str | None] = IDENTIFIERS[name].canonical(pa.array(values, pa.string()), latest=latest).to_pylist()
    return found


VECTORS = [
    ("pnc", "81/34U", "1981/0000034U"),
    ("pnc", " 2001/0171310w ", "2001/0171310W"),
    ("pnc", "033Y", "2003/0000003Y"),
    ("pnc", "20020073319Z", "2002/0073319Z"),
    ("pnc", "2001/0171310S", None),
    ("pnc", "1801/0171310W", None),
    ("pnc", "2001/171310W", None),
    ("pnc", "٢٠٠١/0171310W", None),
    ("cro", "65656/91H", "065656/91H"),
    ("cro", "065656/91h", "065656/91H"),
    ("cro", "SF83/50058Z", "SF83/50058Z"),
    ("cro", "sf83/050058z", "SF83/50058Z"),
    ("cro", "85227/65G", None),
    ("asn", "1101ZD0100000410780J", "1101ZD0100000410780J"),
    ("asn", "11/01ZD/01/410780J", "1101ZD0100000410780J"),
    ("asn", "11/01ZD/01/00000410780/J", "1101ZD0100000410780J"),
    ("asn", "11A01ZD0100000410780J", "11A01ZD0100000410780J"),
    ("asn", "1101ZD0100000410780I", None),  # neither I, O nor S ends one
    ("asn", "1101ZD010000041078J", None),
    ("asn", "0800PP0111111111111A", None),  # dummies, from here on
    ("asn", "1812LN0011111111111A", None),
    ("asn", "1806SS0011111111111A", None),
    ("asn", "1850SJ0011111111111A", None),
    ("urn", "01zd0303208", "01ZD0303208"),
    ("urn", "01ZD/03032/08", "01ZD0303208"),
    ("urn", "01ZD 03032 08", "01ZD0303208"),
    ("urn", "01ZD030320", None),
    ("noms", "a1234bc", "A1234BC"),
    ("noms", "A12345BC", None),
    ("crn", "x123456", "X123456"),
    ("crn", "XX12345", None),
    ("pnc", "00/0000000Z", None),  # noughts in the serial's place have a right letter, and stand for everybody without a number
    ("pnc", "2000/0000000Z", None),
    ("cro", "000000/00Z", None),
    ("cro", "SF00/0Z", None),
    ("noms", "A0000AA", None),
    ("crn", "X000000", None),
    ("nhs", "0000000000", None),
    ("nhs", "9999999999", None),
    ("crime_reference", "00/000000", None),
    ("crime_reference", "2018-07-04", None),  # what a spreadsheet makes of 04/07/2018, whatever it was
    ("crime_reference", "2018-07-04A", "2018-07-04A"),
    ("nhs", "943-476-5870", "9434765870"),
    ("nhs", "943 476 5870", "9434765870"),
    ("nhs", "9434765871", None),
    ("crime_reference", "cri 00123456/18", "CRI00123456/18"),
    ("crime_reference", "A" * 10, None),
    ("crime_reference", "0" * 64, None),  # what police.uk publishes is no reference of a force
    ("incident_reference", "DHM-20180704-0123", "DHM-20180704-0123"),
    ("incident_reference", "12", None),
]


@pytest.mark.parametrize(("name", "written", "expected"), VECTORS)
def test_the_canonical_form(name: str, written: str, expected: str | None) -> None:
    assert canonical(name, written) == [expected]


def test_the_shared_vectors() -> None:
    path = SHARED / "data" / "ref" / "identifier_test_vectors.csv.gz"
    if not path.is_file():
        pytest.skip("the shared data are not here")
    names = {"PNC": "pnc", "CRO": "cro", "NHS": "nhs"}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["identifier"] in names]
    assert len(rows) >= 29
    for row in rows:
        assert canonical(names[row["identifier"]], row["value"]) == [row["canonical"] or None], row


def test_a_year_of_two_digits_lies_in_the_last_century_until_it_has_begun() -> None:
    letter = check_letter("27", "0000001")
    assert canonical("pnc", f"27/1{letter}", latest=2026) == [f"1927/0000001{letter}"]
    assert canonical("pnc", f"27/1{letter}", latest=2027) == [f"2027/0000001{letter}"]


def test_nulls_stay_null_and_every_label_reads_in_a_sentence() -> None:
    for name, identifier in IDENTIFIERS.items():
        assert canonical(name, None, None) == [None, None]
        assert canonical(name) == []
        assert identifier.doubt.startswith(("not a ", "not an "))


@pytest.mark.parametrize("name", IDENTIFIERS)
@given(values=st.lists(st.none() | st.sampled_from([written for _, written, _ in VECTORS]) | st.text(max_size=16), max_size=12))
def test_a_column_at_once_is_as_value_by_value_and_again_the_same(name: str, values: list[str | None]) -> None:
    together = canonical(name, *values)
    assert together == [canonical(name, value)[0] for value in values]
    assert canonical(name, *together) == together


@given(year=st.integers(1950, 2026), serial=st.integers(0, 9_999_999), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_pnc_ids_in_canonical_form_are_those_with_the_right_letter(year: int, serial: int, letter: str) -> None:
    value = f"{year}/{serial:07}{letter}"
    right = letter == check_letter(f"{year}"[2:], f"{serial:07}")
    assert canonical("pnc", value) == [value if right and serial else None]
    assert DETECTORS["a PNC id"](value) is right


@given(st.integers(0, 999_999_999))
def test_nhs_numbers_have_one_check_digit_at_most(number: int) -> None:
    stem = f"{number:09}"
    digit = 11 - sum((10 - place) * int(one) for place, one in enumerate(stem)) % 11
    good = [f"{stem}{digit % 11}"] if digit != 10 and len({*f"{stem}{digit % 11}"}) > 1 else []
    assert [found for found in canonical("nhs", *(f"{stem}{last}" for last in range(10))) if found] == good


def test_the_kinds_of_pseudonym_take_every_canonical_form() -> None:
    for name, written, expected in VECTORS:
        if name in KINDS and expected:
            column = IDENTIFIERS[name].canonical(pa.array([written]))
            assert normalise(column, KINDS[name]).to_pylist() == [expected]
