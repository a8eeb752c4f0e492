"""The parts by themselves: numbers with check characters, slips of the keyboard, formats that say back what was written, chance by name."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.identifiers import IDENTIFIERS
from adapters.registry import SOURCES
from adapters.synthesis import numbers
from adapters.synthesis.native import Sheet
from adapters.synthesis.recorded import slip
from adapters.synthesis.streams import Streams, chosen
from adapters.synthesis.writers import suffix, write

SERIALS = st.integers(0, numbers.MOST - 1)
YEARS = st.integers(1975, 2026)


@given(serial=SERIALS, year=YEARS)
def test_every_number_is_one_of_its_kind_in_canonical_form(serial: int, year: int) -> None:
    one, when, force = np.array([serial]), np.array([year]), np.array([serial % 2])
    made = {
        "pnc": numbers.pnc_ids(one, when),
        "cro": numbers.cro_numbers(one, when),
        "noms": numbers.noms_numbers(one),
        "crn": numbers.probation_numbers(one),
        "nhs": numbers.health_numbers(one),
        "urn": numbers.case_urns(one, force, when),
        "asn": numbers.arrest_numbers(one, force, when),
        "crime_reference": numbers.crime_references(one, force, when),
        "incident_reference": numbers.incident_references(one, force, one % 20_000),
    }
    for kind, column in made.items():
        value = column[0].as_py()
        assert IDENTIFIERS[kind].read(value, 2026) is not None, kind
        if kind not in ("crime_reference", "incident_reference"):
            assert IDENTIFIERS[kind].read(value, 2026) == value, kind


def test_running_numbers_never_meet() -> None:
    serials = np.arange(numbers.MOST)
    for made in (
        numbers.noms_numbers(serials),
        numbers.probation_numbers(serials),
        numbers.cro_numbers(serials, np.full(len(serials), 2020)),
    ):
        assert len(made.unique()) == numbers.MOST
    assert len(numbers.case_urns(np.arange(300_000), np.zeros(300_000, int), np.full(300_000, 2022)).unique()) == 300_000


def test_health_numbers_never_meet() -> None:
    assert len(numbers.health_numbers(np.arange(numbers.MOST)).unique()) == numbers.MOST


@given(name=st.text("abcdefghijklmnopqrstuvwxyz'-", min_size=3, max_size=20), place=st.floats(0, 0.999), kind=st.floats(0, 0.999))
def test_a_slip_is_small(name: str, place: float, kind: float) -> None:
    written = slip(name, place, kind)
    assert abs(len(written) - len(name)) <= 1
    assert written[:1] == name[:1]
    assert sorted(set(written) - set(name)) in ([], *([letter] for letter in "abcdefghijklmnopqrstuvwxyz"))


def test_luck_depends_on_seed_name_and_number_alone() -> None:
    luck = Streams(7).luck("a", np.arange(100_000))
    assert np.array_equal(luck[50:60], Streams(7).luck("a", np.arange(50, 60)))
    assert not np.array_equal(luck[:10], Streams(7).luck("b", np.arange(10)))
    assert not np.array_equal(luck[:10], Streams(8).luck("a", np.arange(10)))
    assert abs(luck.mean() - 0.5) < 0.005
    assert 0 <= luck.min() < luck.max() < 1


def test_a_process_draws_the_same_whatever_others_draw() -> None:
    streams = Streams(3)
    alone = streams.named("trials").random(5)
    streams.named("pleas").random(1_000)
    assert np.array_equal(streams.named("trials").random(5), alone)


def test_choices_follow_their_weights() -> None:
    found = chosen(Streams(1).named("choice"), (1, 0, 3), 40_000)
    assert set(found.tolist()) == {0, 2}
    assert abs((found == 2).mean() - 0.75) < 0.01


# What a value may be in any of the formats: no control characters, nothing but text; and for the narrow record of prisons, letters.
VALUES = st.lists(
    st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "S")), min_size=1, max_size=12).map(str.strip).filter(bool),
    min_size=1,
    max_size=6,
)
FORMATS = {
    "police_charges": "surname",
    "hmcts_trials": "surname",
    "ecins_cases": "surname",
    "prison_movements": "surname",
    "victim_survey": "comment",
}


@pytest.mark.parametrize("adapter", FORMATS)
@given(values=VALUES)
def test_what_is_written_is_read_back(adapter: str, values: list[str]) -> None:
    source, name = SOURCES[adapter], FORMATS[adapter]
    header = next(header for header, column in source.columns.items() if column.name == name)
    records = source.layouts["MOV"].at if hasattr(source, "layouts") else source.columns
    sheet = Sheet(
        {one: pa.array(values if one == header else [None] * len(values), pa.string()) for one in source.columns if one in records}
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"extract.{suffix(source)}"
        write(source, "hmcts", sheet, path)
        read = [
            batch.column(header)
            for batch in source.texts(path, [header], encoding=source.encodings[-1] if adapter == "prison_movements" else "utf-8")
        ]
    assert [value.strip() for column in read for value in column.to_pylist()] == values
