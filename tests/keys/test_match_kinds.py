"""Kinds of match keys: what each takes, and that none takes a name or a date alone."""

import pyarrow as pa
import pytest

from keys.errors import BadIdentifier
from keys.pseudonym import normalise

TAKEN = {
    "person_name_dob": "SMITH|JOHN|1990-02-01",
    "person_sound_dob": "S530|J|1990-02-01",
    "person_letters_dob": "HJN|HMST|1990-02-01",
    "person_name_postcode": "SMITH|J|1990|DH13HQ",
    "person_dob_postcode": "1990-02-01|DH13HQ",
    "person_letters_postcode": "HJN|HMST|DH13HQ",
}


@pytest.mark.parametrize(("kind", "value"), TAKEN.items())
def test_a_key_is_taken_in_capitals_without_outer_blanks(kind: str, value: str) -> None:
    assert normalise(pa.array([value, f" {value.lower()}\n", "", None]), kind).to_pylist() == [value, value, None, None]


LESS = [
    "SMITH",
    "1990-02-01",
    "DH13HQ",
    "SMITH|JOHN",
    "SMITH||1990-02-01",
    "|JOHN|1990-02-01",
    "SMITH|JOHN|1990-02",
    "SMITH|JOHN|",
    "É|É|1990-02-01",
]


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("value", LESS)
def test_less_than_all_parts_is_refused(kind: str, value: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        normalise(pa.array([TAKEN[kind], value]), kind)
    assert (refused.value.rows, refused.value.count) == ([1], 1)
    assert value not in str(refused.value)


@pytest.mark.parametrize("kind", TAKEN)
def test_no_kind_takes_the_key_of_another(kind: str) -> None:
    for other, value in TAKEN.items():
        # Names and their consonants are both letters: those two forms are one, and only the key of each kind parts them.
        if other != kind and {kind, other} != {"person_name_dob", "person_letters_dob"}:
            with pytest.raises(BadIdentifier):
                normalise(pa.array([value]), kind)
