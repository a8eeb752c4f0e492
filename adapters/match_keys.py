"""Match keys: what two agencies that share no number for a person derive from the record's own name, date of birth and postcode.

Each key joins several parts, and is null where a part is missing: none is ever a name or a date alone. They leave the agency only as
pseudonyms. What each adds, and what it risks, is measured in docs/linkage.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

from adapters.derived import Derived
from adapters.person_parts import births, consonants, each, forename, postcode, sound, surname, years
from agreements.fields import FieldType

_BETWEEN = "|"


@dataclass(frozen=True)
class MatchKey(ABC):
    """A key derived from columns of one record. Text columns in, `date_of_birth` a DATE; a `string` column out."""

    @property
    def type(self) -> FieldType:
        return FieldType.TEXT

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def make(self, parts: Sequence[pa.Array]) -> pa.Array:
        return pc.binary_join_element_wise(*self.joined(*parts), _BETWEEN)  # null where a part is null

    @abstractmethod
    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        """What the key joins, from the columns in the order of its arguments."""


@dataclass(frozen=True)
class NameDob(MatchKey):
    """Surname, first forename, date of birth: SMITH|JOHN|1990-02-01."""

    surname: str
    forename: str
    date_of_birth: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        last, first, born = parts
        return each(last, surname), each(first, forename), births(born)


@dataclass(frozen=True)
class SoundDob(MatchKey):
    """Sound of the surname, first letter of the forename, date of birth: S530|J|1990-02-01. Found where a name was written as it was heard."""

    surname: str
    forename: str
    date_of_birth: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        last, first, born = parts
        return each(last, _then(surname, sound)), each(first, _then(forename, _initial)), births(born)


@dataclass(frozen=True)
class LettersDob(MatchKey):
    """Consonants of both names in either order, date of birth: HJN|HMST|1990-02-01. Found where letters or the two names changed places."""

    surname: str
    forename: str
    date_of_birth: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        last, first, born = parts
        return (*_letters(last, first), births(born))


@dataclass(frozen=True)
class NamePostcode(MatchKey):
    """Surname, first letter of the forename, year of birth, postcode: SMITH|J|1990|DH13HQ. Found where day or month of birth is wrong."""

    surname: str
    forename: str
    date_of_birth: str
    postcode: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        last, first, born, place = parts
        return each(last, surname), each(first, _then(forename, _initial)), years(born), each(place, postcode)


@dataclass(frozen=True)
class DobPostcode(MatchKey):
    """Date of birth and postcode: 1990-02-01|DH13HQ. Found where a name was changed, or one of the two is missing."""

    date_of_birth: str
    postcode: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        born, place = parts
        return births(born), each(place, postcode)


@dataclass(frozen=True)
class LettersPostcode(MatchKey):
    """Consonants of both names in either order, postcode: HJN|HMST|DH13HQ. Found where the date of birth is wrong or missing."""

    surname: str
    forename: str
    postcode: str

    def joined(self, *parts: pa.Array) -> tuple[pa.Array, ...]:
        last, first, place = parts
        return (*_letters(last, first), each(place, postcode))


def match_keys(surname: str, forename: str, date_of_birth: str, *, postcode: str | None = None) -> Mapping[str, Derived]:
    """The match keys of a source, by the name of the field, from the names of its columns; without a postcode, those that need none."""
    who = (surname, forename, date_of_birth)
    named: dict[str, Derived] = {"name_dob": NameDob(*who), "sound_dob": SoundDob(*who), "letters_dob": LettersDob(*who)}
    if postcode is not None:
        named["name_postcode"] = NamePostcode(*who, postcode)
        named["dob_postcode"] = DobPostcode(date_of_birth, postcode)
        named["letters_postcode"] = LettersPostcode(surname, forename, postcode)
    return named


def _then(read: Callable[[str], str | None], code: Callable[[str], str]) -> Callable[[str], str | None]:
    def both(value: str) -> str | None:
        name = read(value)
        return None if name is None else code(name)

    return both


def _initial(name: str) -> str:
    return name[:1]


def _letters(last: pa.Array, first: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The consonants of both names, the lesser first, so that it makes no difference which was taken for the surname.

    The forename is read as a forename and the surname as a surname all the same: a double-barrelled one that changed places is not found.
    """
    one, two = each(last, _then(surname, consonants)), each(first, _then(forename, consonants))
    swapped = pc.less(two, one)
    return pc.if_else(swapped, two, one), pc.if_else(swapped, one, two)
