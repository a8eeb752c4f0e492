"""Match keys against vectors that pin every normalisation, against the kinds of pseudonym that take them, and the laws they keep."""

import json
import string
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.derived import Derived
from adapters.match_keys import match_keys
from adapters.nicknames import FULL_NAME
from adapters.person_parts import births, consonants, each, forename, postcode, sound, surname
from agreements.fields import FieldType
from keys.pseudonym import KINDS, NORMALISER, normalise, pseudonym_key, pseudonymise

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "match_keys.json").read_text(encoding="utf-8"))
READ = {"surname": surname, "forename": forename, "postcode": postcode, "sound": sound, "consonants": consonants}
ALL = match_keys("surname", "forename", "date_of_birth", postcode="postcode")


def made(key: Derived, records: list[dict[str, Any]]) -> list[str | None]:
    """The key of each record, as the adapters derive it."""
    columns = {name: pa.array([record[name] for record in records], pa.string()) for name in ("surname", "forename", "postcode")}
    days = [record["date_of_birth"] and date.fromisoformat(record["date_of_birth"]) for record in records]
    columns["date_of_birth"] = pa.array(days, pa.date32())
    column = key.make([columns[part] for part in key.parts])
    assert column.type == pa.string()
    found: list[str | None] = column.to_pylist()
    return found


@pytest.mark.parametrize("what", list(READ))
def test_normalisation_by_vectors(what: str) -> None:
    assert {text: READ[what](text) for text in VECTORS[what]} == VECTORS[what]


@pytest.mark.parametrize("name", list(ALL))
def test_keys_by_vectors(name: str) -> None:
    records = VECTORS["records"]
    assert made(ALL[name], records) == [record["keys"][name] for record in records]


def test_vectors_are_of_the_normaliser_in_use() -> None:
    """Whoever changes a form changes the vectors, and must raise the number that manifests carry: older pseudonyms would match nobody's."""
    assert VECTORS["normaliser"] == NORMALISER
    secret, record = bytes(range(32)), VECTORS["records"][0]
    for name, key in ALL.items():
        kind = f"person_{name}"
        found = pseudonymise(pa.array(made(key, [record])), kind, pseudonym_key(secret, "LCJP-VECTORS", kind, 1))
        assert found[0].as_py().hex() == VECTORS["pseudonyms"][kind]


def test_without_a_postcode_only_the_keys_that_need_none() -> None:
    few = match_keys("last", "first", "born")
    assert list(few) == ["name_dob", "sound_dob", "letters_dob"]
    assert all(key.parts == ("last", "first", "born") and key.type is FieldType.TEXT for key in few.values())


texts = st.none() | st.text(max_size=12) | st.sampled_from(["Smith", "O'Neill", "van Dyke", "Łoś", "MacRae", "", "-", "UNKNOWN"])
places = st.none() | st.text(max_size=9) | st.sampled_from(["DH1 3HQ", "ts1 1aa", "ZZ99 3VZ"])
days = st.none() | st.dates(date(1850, 1, 1), date(2030, 1, 1)).map(date.isoformat)
records = st.fixed_dictionaries({"surname": texts, "forename": texts, "date_of_birth": days, "postcode": places})


@given(st.lists(records, max_size=6))
def test_every_key_is_one_that_its_kind_takes_as_it_is(rows: list[dict[str, Any]]) -> None:
    for name, key in ALL.items():
        found = made(key, rows)
        assert normalise(pa.array(found, pa.string()), f"person_{name}").to_pylist() == found


@given(records)
def test_no_key_stands_on_a_name_or_a_date_alone(record: dict[str, Any]) -> None:
    """Each is null when any of its parts is, so that it is never less than all of them."""
    for name, key in ALL.items():
        for part in key.parts:
            assert made(key, [record | {part: None}]) == [None], (name, part)
        assert len(key.parts) >= 2
        if found := made(key, [record])[0]:
            assert len(found.split("|")) >= 2


@given(records, st.sampled_from(["surname", "forename", "postcode"]), st.sampled_from([str.upper, str.lower, "  {} ".format, "{}.".format]))
def test_case_blanks_and_full_stops_make_no_difference(record: dict[str, Any], part: str, change: Any) -> None:
    # Capitals of a few letters have several small ones (or are written with two): the law is of those that come back.
    value = record[part]
    if value is None or value.upper().lower().upper() != value.lower().upper():
        return
    for key in ALL.values():
        assert made(key, [record | {part: change(value)}]) == made(key, [record | {part: value}])


names = st.text(string.ascii_uppercase, min_size=2, max_size=10)


@given(names, names, st.dates(date(1930, 1, 1), date(2015, 1, 1)).map(date.isoformat))
def test_names_that_changed_places_have_the_letters_keys_of_the_right_order(one: str, other: str, born: str) -> None:
    plain = [name for name in (one, other) if surname(name) == name == forename(name)]
    if len(plain) < 2:
        return  # a nickname, a Mac or no name at all: read differently as a surname and as a forename
    right = {"surname": one, "forename": other, "date_of_birth": born, "postcode": "DH1 3HQ"}
    swapped = right | {"surname": other, "forename": one}
    for name in ("letters_dob", "letters_postcode"):
        assert made(ALL[name], [right]) == made(ALL[name], [swapped]) != [None]


@given(names, st.randoms(use_true_random=False))
def test_consonants_forget_order_doubling_and_vowels(name: str, dice: Any) -> None:
    letters = [*name, *name[:2], *dice.choices("AEIOU", k=2)]
    dice.shuffle(letters)
    if set(name) - set("AEIOU"):
        assert consonants("".join(letters)) == consonants(name)


@given(names)
def test_a_sound_is_a_letter_and_three_digits(name: str) -> None:
    code = sound(name)
    assert (code[0], len(code)) == (name[0], 4)
    assert set(code[1:]) <= set("0123456")
    assert sound(name[0] + name) == code  # the first letter, doubled, is one sound


def test_each_short_form_stands_for_one_name_and_full_names_for_themselves() -> None:
    from_lines = [form for form in FULL_NAME if FULL_NAME[form] == form]
    assert set(FULL_NAME.values()) == set(from_lines)
    assert all(form.isascii() and form.isalpha() and form.isupper() for form in FULL_NAME)
    lines = (Path(__file__).parents[2] / "adapters" / "nicknames.py").read_text(encoding="utf-8").split('"""')[3]
    assert len(lines.split()) == len(set(lines.split())) == len(FULL_NAME)


def test_a_day_before_1900_and_the_day_written_for_unknown_are_missing() -> None:
    found = births(pa.array([date(1899, 12, 31), date(1900, 1, 1), date(1900, 1, 2), None], pa.date32()))
    assert found.to_pylist() == [None, None, "1900-01-02", None]


def test_a_day_to_come_is_missing() -> None:
    days = pa.array([date(2018, 7, 4), date(2018, 7, 5), date(9999, 12, 31), None], pa.date32())
    assert births(days, date(2018, 7, 4)).to_pylist() == ["2018-07-04", None, None, None]
    assert births(days).to_pylist() == ["2018-07-04", "2018-07-05", None, None]


def test_each_distinct_value_is_read_once() -> None:
    asked: list[str] = []

    def read(value: str) -> str | None:
        asked.append(value)
        return value or None

    assert each(pa.array(["a", None, "a", "", "b"]), read).to_pylist() == ["a", None, "a", None, "b"]
    assert sorted(asked) == ["", "a", "b"]


def test_every_key_has_its_kind() -> None:
    assert {f"person_{name}" for name in ALL} <= KINDS.keys()
