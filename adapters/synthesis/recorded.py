"""People as an agency has written them down: nicknames, former names, slips of the keyboard, dates of birth turned round, numbers missing.

A record's mistakes depend on the agency and the record alone, so that a record met again (in next month's snapshot) has the same ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from adapters.synthesis.calendar import dates
from adapters.synthesis.frames import NEVER, Array
from adapters.synthesis.numbers import masked
from adapters.synthesis.people import People, home_on
from adapters.synthesis.streams import Streams


@dataclass(frozen=True)
class Care:
    """How often, as shares of records, an agency's records of people are wrong or lack something."""

    surname_slip: float = 0.012
    forename_slip: float = 0.010
    nickname: float = 0.05
    former_name: float = 0.25  # of those who changed their name
    old_home: float = 0.25  # of those who moved
    birth_turned: float = 0.006
    birth_wrong: float = 0.008
    no_birth: float = 0.004
    no_postcode: float = 0.02
    no_number: float = 0.04
    number_slip: float = 0.006


CARE: Mapping[str, Care] = {
    "cleveland-police": Care(),
    "durham-constabulary": Care(nickname=0.04, no_number=0.03),
    "cps-north-east": Care(surname_slip=0.006, forename_slip=0.005, nickname=0.02, no_number=0.09),
    "tees-wear-prisons": Care(surname_slip=0.008, nickname=0.02, no_birth=0.0, no_number=0.10),
    "national-probation-service": Care(nickname=0.03, no_birth=0.001, no_number=0.08),
    "durham-tees-valley-crc": Care(surname_slip=0.02, forename_slip=0.018, nickname=0.08, no_number=0.30, number_slip=0.02),
    "vcas": Care(surname_slip=0.02, forename_slip=0.02, nickname=0.12, no_birth=0.06, no_postcode=0.05),
    "witness-care-units": Care(no_birth=0.30, no_postcode=0.10),
    "rj-hub": Care(surname_slip=0.02, nickname=0.10, no_birth=0.05),
    "nhs-liaison-diversion": Care(surname_slip=0.015, nickname=0.06, no_birth=0.01, no_number=0.12),
    "drug-alcohol-services": Care(surname_slip=0.02, nickname=0.15, no_birth=0.02, no_number=0.45),
}
COUNCIL = Care(surname_slip=0.015, nickname=0.08, no_birth=0.0, no_number=0.35)
SLIPS = tuple(field.name for field in fields(Care))  # a record's slips are kept as bits, in this order
_KEYS = "qwertyuiop asdfghjkl zxcvbnm"


@dataclass
class Recorded:
    """Records of people: columns by source column name, and each record's slips as bits."""

    columns: dict[str, pa.Array]
    slips: Array


def care_of(agency: str) -> Care:
    """The care an agency takes."""
    return CARE.get(agency, COUNCIL)


class Writer:
    """Writes people down for one agency. `key` names the record; `day` is when it was made."""

    def __init__(self, people: People, streams: Streams, agency: str, forced: Array) -> None:
        self.people, self.streams, self.agency, self.forced = people, streams, agency, forced

    def write(self, person: Array, day: Array, key: Array) -> Recorded:
        """Surname, forename, date of birth, postcode and sex of people; person -1 is nobody, and all columns are null."""
        frame, care = self.people.frame, care_of(self.agency)
        nobody, who = person < 0, np.maximum(person, 0)
        slips = np.zeros(len(person), np.uint16)

        def happens(name: str, among: Array | None = None) -> Array:
            luck = self.streams.luck(f"{self.agency}/{name}", key) < getattr(care, name)
            found: Array = luck & ~nobody if among is None else luck & among & ~nobody
            slips[found] |= np.uint16(1 << SLIPS.index(name))
            return found

        changed = (frame["married_day"][who] <= day) & (frame["married"][who] != "")
        former = happens("former_name", changed)
        surname = np.where(changed & ~former, frame["married"][who], frame["surname"][who])
        nickname = frame["nickname"][who] != frame["forename"][who]
        forename = np.where(happens("nickname", nickname), frame["nickname"][who], frame["forename"][who])
        forced = np.isin(person, self.forced)
        slips[forced] |= np.uint16(1)
        surname = self._mistyped(surname, happens("surname_slip") | forced, key, "surname")
        forename = self._mistyped(forename, happens("forename_slip"), key, "forename")
        birth = self._birth(frame["birth"][who], happens)
        moved = frame["moved_day"][who] <= day
        stale = happens("old_home", moved)
        _, postcode = home_on(frame, who, np.where(stale, -1, day))
        sex = np.where(frame["female"][who], "2", "1")
        columns = {
            "surname": pa.array(surname, pa.string(), mask=nobody),
            "forename": pa.array(forename, pa.string(), mask=nobody),
            "date_of_birth": dates(np.where(nobody, NEVER, birth)),
            "postcode": pa.array(postcode, pa.string(), mask=nobody | happens("no_postcode")),
            "sex": pa.array(sex.astype(object), pa.string(), mask=nobody),
            "ethnicity": pa.array(frame["ethnicity"][who], pa.string(), mask=nobody),
        }
        return Recorded(columns, slips)

    def _birth(self, birth: Array, happens: Callable[..., Array]) -> Array:
        turned = happens("birth_turned")
        written = birth.astype("datetime64[D]")
        month = written.astype("datetime64[M]")
        day_of = (written - month.astype("datetime64[D]")).astype(int) + 1
        month_of = month.astype(int) % 12 + 1
        swapped = month.astype("datetime64[Y]").astype("datetime64[M]") + (day_of - 1) % 12
        other = swapped.astype("datetime64[D]").astype(np.int64) + month_of - 1
        birth = np.where(turned & (day_of <= 12), other, birth)
        birth = np.where(happens("birth_wrong"), birth + np.where(birth % 2 == 0, 1, 365), birth)
        return np.where(happens("no_birth"), NEVER, birth)

    def _mistyped(self, names: Array, which: Array, key: Array, field: str) -> Array:
        rows = np.flatnonzero(which)
        if not len(rows):
            return names
        names = names.copy()
        where = self.streams.luck(f"{self.agency}/{field}/where", key[rows])
        how = self.streams.luck(f"{self.agency}/{field}/how", key[rows])
        for row, place, kind in zip(rows.tolist(), where.tolist(), how.tolist(), strict=True):
            names[row] = slip(names[row], place, kind)
        return names

    def numbers(self, column: pa.Array, person: Array, key: Array, name: str) -> pa.Array:
        """An identifier of people: some missing, some with two digits changed places."""
        care = care_of(self.agency)
        luck = self.streams.luck(f"{self.agency}/{name}", key)
        missing = (person < 0) | (luck < care.no_number)
        values = column.take(pa.array(np.maximum(person, 0)))
        rows = np.flatnonzero(~missing & (luck > 1 - care.number_slip))
        if len(rows):
            text = values.to_numpy(zero_copy_only=False)
            text[rows] = [_turned(value) for value in text[rows]]
            values = pa.array(text, pa.string())
        return masked(values, missing)


def slip(name: str, place: float, kind: float) -> str:
    """A name as mistyped: two letters turned round, one left out, one doubled, or the key beside it. Shares in [0, 1) say where and how."""
    if len(name) < 3:
        return name + name[-1:]
    at = 1 + int(place * (len(name) - 2))
    if kind < 0.3 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if kind < 0.55:
        return name[:at] + name[at + 1 :]
    if kind < 0.75:
        return name[:at] + name[at] + name[at:]
    beside = _KEYS.find(name[at].lower())
    other = _KEYS[beside + 1].strip() if 0 <= beside < len(_KEYS) - 1 else ""
    return name[:at] + (other or "e") + name[at + 1 :]


def _turned(value: str) -> str:
    digits = [at for at in range(len(value) - 1) if value[at : at + 2].isdigit() and value[at] != value[at + 1]]
    at = digits[-1] if digits else 0
    return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
