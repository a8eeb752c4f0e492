"""A release definition: what may be made of the data, as a value. No code runs from it but ours."""

from dataclasses import dataclass
from enum import StrEnum


class Zeros(StrEnum):
    """Whether a count of nought is always shown, or may be hidden like a small count."""

    PUBLISHED = "published"
    SUPPRESSIBLE = "suppressible"


class Level(StrEnum):
    """Protection asked for; ``docs/disclosure.md`` says what each promises. C unless every party signs a lower one."""

    A = "A"
    B = "B"
    C = "C"


class Method(StrEnum):
    """How small counts are kept from being worked out."""

    SUPPRESS = "suppress"
    ROUNDING = "rounding"
    TEN_FIVE = "ten-five"
    CELL_KEY = "cell-key"


@dataclass(frozen=True)
class Lookup:
    """At most one row of another dataset for each row of the base, matched within a supplier on one pseudonym.

    Of several matching rows the one with the greatest ``latest_by`` is taken; of those the one whose ``then_by`` value stands
    first in ``order``, so that the choice never depends on the order of rows.
    """

    dataset: str
    on: str
    latest_by: str
    then_by: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class FirstOf:
    """A derived value: the first of these that is present, else ``otherwise``. Sources are ``dataset.field``."""

    name: str
    first_of: tuple[str, ...]
    otherwise: str


@dataclass(frozen=True)
class Band:
    """Whole months up to and including ``up_to``, under one label."""

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


Derived = FirstOf | MonthsBetween


@dataclass(frozen=True)
class Dimension:
    """One way of cutting a table.

    Attributes:
        source: ``supplier``, a derived value's name, or ``dataset.field``.
        categories: (code as held, label as shown), in the order shown. Empty for the period dimension, whose categories are the
            edition's own months.
        total: the label of all categories together.
    """

    name: str
    title: str
    source: str
    categories: tuple[tuple[str, str], ...]
    total: str


@dataclass(frozen=True)
class Table:
    """One published table: counts of the unit by these dimensions, totals included. ``unit``: where it counts something else than its release."""

    name: str
    title: str
    dimensions: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Terms:
    """Disclosure terms: the smallest count shown, what becomes of zeros, the level of protection, and the method.

    ``base``: with rounding, the number of which every count shown is a multiple; else 0. With cell-key, else 0 all three: ``bound``, the most
    that noise changes a count; ``variance`` of the noise; ``smallest``, the smallest count but nought that is ever shown.
    """

    threshold: int
    zeros: Zeros
    level: Level
    method: Method = Method.SUPPRESS
    base: int = 0
    bound: int = 0
    variance: int = 0
    smallest: int = 0

    @property
    def noise(self) -> tuple[int, int, int]:
        """What the noise is like: whoever perturbs the same people twice keeps to one."""
        return self.bound, self.variance, self.smallest

    @property
    def known_min(self) -> int:
        """The least that an intruder may assume of a hidden count."""
        return 0 if self.level is Level.B else 1

    @property
    def min_width(self) -> int:
        """How many whole numbers, less one, every hidden small count must be able to be."""
        return 1 if self.level is Level.A else self.threshold - 1


@dataclass(frozen=True)
class Release:
    """What is released: unit, datasets, joins, dimensions, tables, protection, and to whom.

    ``earlier_rows``: it reads rows held under an earlier version though that did not have it, or not for these recipients.
    ``linked``: where ``base`` is a linkage, the datasets whose records it links (``agreements.linked``); else empty.
    """

    name: str
    measure: str
    title: str
    question: str
    unit: str
    base: str
    present: tuple[str, ...]
    period_dimension: str
    lookups: tuple[Lookup, ...]
    derived: tuple[Derived, ...]
    dimensions: tuple[Dimension, ...]
    tables: tuple[Table, ...]
    terms: Terms
    recipients: tuple[str, ...]
    caveats: tuple[str, ...]
    public: bool
    permission: str
    earlier_rows: bool
    linked: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[str, ...]:
        """The datasets whose rows of an edition's periods are counted: the base, or all that a linkage links."""
        return self.linked or (self.base,)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset the release reads, what it counts first."""
        return (*self.counted, *(lookup.dataset for lookup in self.lookups))

    def dimension(self, name: str) -> Dimension:
        """The dimension of that name; KeyError if there is none."""
        return {dimension.name: dimension for dimension in self.dimensions}[name]
