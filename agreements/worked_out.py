"""What a release works out of each unit's rows: numbers, and the derived values that dimensions are cut by. Values only; nothing runs from here."""

from dataclasses import dataclass
from enum import StrEnum

Where = tuple[tuple[str, tuple[str, ...]], ...]
"""(field, codes): the field holds one of the codes. All pairs must hold; a field that is absent holds none."""


class Number(StrEnum):
    """How a number of a unit is worked out."""

    AMOUNT = "amount"
    CHANGE = "change"
    DAYS = "days_between"
    EVENTS = "events"


@dataclass(frozen=True)
class Value:
    """A whole number of each unit, for sums, means, quartiles and bands; absent where what it needs is.

    ``sources``: of an amount one ``dataset.field``, and after it another if the amount only counts where that is there too; of a change, two of them, the second less the first; of days between, the two dates, the first less than the second where days are positive;
    of events the name of one event of the cohort, of which it is how many there were.
    """

    name: str
    number: Number
    sources: tuple[str, ...]

    @property
    def beside(self) -> tuple[str, ...]:
        """Of the sources, those that need only be there."""
        return self.sources[1:] if self.number is Number.AMOUNT else ()


class Show(StrEnum):
    """What is worked out of a value for every cell of a table, beside the count of its units."""

    SUM = "sum"
    MEAN = "mean"
    QUARTILES = "quartiles"


@dataclass(frozen=True)
class FirstOf:
    """A derived value: the first of these that is present, else ``otherwise``. Sources are ``dataset.field``."""

    name: str
    first_of: tuple[str, ...]
    otherwise: str


@dataclass(frozen=True)
class Band:
    """Whole numbers up to and including ``up_to``, under one label."""

    label: str
    up_to: int


@dataclass(frozen=True)
class MonthsBetween:
    """A derived value: whole months from one month to another, in bands; ``beyond`` the last band, ``before`` nought, ``otherwise`` absent."""

    name: str
    start: str
    end: str
    bands: tuple[Band, ...]
    beyond: str
    before: str
    otherwise: str


@dataclass(frozen=True)
class Banded:
    """A derived value: a number (a :class:`Value`, by name) in bands; ``beyond`` the last band, ``before`` nought, ``otherwise`` absent."""

    name: str
    value: str
    bands: tuple[Band, ...]
    beyond: str
    before: str
    otherwise: str


@dataclass(frozen=True)
class Matched:
    """A derived value: whether the lookup in this dataset found a row, ``true`` or ``false``."""

    name: str
    dataset: str


@dataclass(frozen=True)
class Case:
    """``label`` where all of ``when`` hold. What is asked are ``dataset.field`` and derived values named earlier."""

    label: str
    when: Where


@dataclass(frozen=True)
class Cases:
    """A derived value: the label of the first case that holds, else ``otherwise``."""

    name: str
    cases: tuple[Case, ...]
    otherwise: str


Derived = FirstOf | MonthsBetween | Banded | Matched | Cases
