"""A release definition: what may be made of the data, as a value. No code runs from it but ours."""

from dataclasses import dataclass
from enum import StrEnum

from agreements.cohort import ATTRIBUTES, EVENTS, Cohort
from agreements.periods import Duration, PeriodKind
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number, Show, Value, Where


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
    """At most one row of another dataset for each row of the base, or of ``of``, an earlier lookup: matched on one pseudonym.

    Of several matching rows the one with the greatest ``latest_by`` is taken (``earliest``: the least); of those the one whose ``then_by`` value
    stands first in ``order``, so that the choice never depends on the order of rows.

    Attributes:
        across: rows of every supplier of the dataset may match, and not only the base row's own.
        also_on: what must agree besides: pseudonyms by their name, or the person, by the name of a linkage.
        where: rows that may match.
    """

    dataset: str
    on: str
    latest_by: str
    then_by: str = ""
    order: tuple[str, ...] = ()
    of: str = ""
    across: bool = False
    earliest: bool = False
    also_on: tuple[str, ...] = ()
    where: Where = ()


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
    """One published table: counts of the unit by these dimensions, totals included. ``unit``: where it counts something else than its release.

    ``of``, ``show``: values of which these figures stand beside each count, over those of its units that have the value.
    """

    name: str
    title: str
    dimensions: tuple[str, ...]
    unit: str = ""
    of: tuple[str, ...] = ()
    show: tuple[Show, ...] = ()


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

    Attributes:
        where: rows of the base that are counted.
        earlier_rows: it reads rows held under an earlier version though that did not have it, or not for these recipients.
        linked: where ``base`` is a linkage, the datasets whose records it links (``agreements.linked``); else empty.
        cohort: where people of the linkage are counted by how they came in and what followed.
        cadence: how often an edition is made by itself: of each month, quarter or year whose data are complete; None: when asked for.
        provisional: so long after its last day an edition is provisional; and nothing is made before ``wait`` after its last day.
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
    where: Where = ()
    values: tuple[Value, ...] = ()
    cohort: Cohort | None = None
    cadence: PeriodKind | None = None
    provisional: Duration | None = None
    wait: Duration | None = None

    @property
    def counted(self) -> tuple[str, ...]:
        """The datasets whose rows of an edition's periods are counted: the base, those by which a cohort comes in, or all that a linkage links."""
        return self.cohort.entered if self.cohort else self.linked or (self.base,)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset the release reads, what it counts first."""
        if self.cohort:
            return self.cohort.datasets
        return (*self.counted, *(lookup.dataset for lookup in self.lookups))

    @property
    def known_people(self) -> bool:
        """Whether it counts linked people by who knows them, with the linkage report."""
        return bool(self.linked) and self.cohort is None

    @property
    def joined(self) -> tuple[str, ...]:
        """The dimensions that rest on rows of several suppliers: what one of them has named another may tell of."""
        return tuple(one.name for one in self.dimensions if self._across(one.source))

    @property
    def by_unit(self) -> bool:
        """Whether units are looked at one by one: they are joined across suppliers, or have numbers."""
        return self.cohort is not None or any(one.across for one in self.lookups) or bool(self.values)

    def _across(self, source: str) -> bool:
        """Whether a source, or what it is made of, lies beyond the supplier of the unit."""
        derived = next((one for one in self.derived if one.name == source), None)
        value = next((one for one in self.values if one.name == source), None)
        match derived or value:
            case None:
                start = source.partition(".")[0]
                return start in {EVENTS, ATTRIBUTES} if self.cohort else any(one.across and one.dataset == start for one in self.lookups)
            case FirstOf(first_of=sources):
                return any(map(self._across, sources))
            case MonthsBetween(start=start, end=end):
                return self._across(start) or self._across(end)
            case Banded(value=name):
                return self._across(name)
            case Matched(dataset=name):
                return self._across(f"{name}.")
            case Cases(cases=cases):
                return any(self._across(asked) for case in cases for asked, _ in case.when)
            case Value(number=Number.EVENTS):
                return True
            case Value(sources=sources):
                return any(map(self._across, sources))

    def dimension(self, name: str) -> Dimension:
        """The dimension of that name; KeyError if there is none."""
        return {dimension.name: dimension for dimension in self.dimensions}[name]
