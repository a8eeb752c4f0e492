"""The measures of the framework as values: which published cells make which figure. Data; nothing of it runs."""

from dataclasses import dataclass
from enum import StrEnum


class Workstream(StrEnum):
    """The three workstreams of the plan."""

    EFFECTIVENESS = "effectiveness"
    VICTIMS = "victims"
    REOFFENDING = "reoffending"

    @property
    def words(self) -> str:
        """As pages call it."""
        return _TITLES[self]


_TITLES = {
    Workstream.EFFECTIVENESS: "Effectiveness and efficiency",
    Workstream.VICTIMS: "Victims and witnesses",
    Workstream.REOFFENDING: "Reducing reoffending",
}


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Kind(StrEnum):
    """What a figure is: share and rate have a numerator and a denominator, a count one of them; the others are published as they are."""

    SHARE = "share"
    RATE = "rate"
    COUNT = "count"
    MEAN = "mean"
    MEDIAN = "median"
    SUM = "sum"

    @property
    def divided(self) -> bool:
        """Whether it is a numerator over a denominator."""
        return self in (Kind.SHARE, Kind.RATE)


@dataclass(frozen=True)
class Cells:
    """Which cells of a published table: ``where`` names codes by dimension, whose counts are added; a dimension that is not named stands at its total."""

    release: str
    table: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    column: str = "count"


@dataclass(frozen=True)
class National:
    """The series of the national baseline that stands beside a figure, by the words of ``adapters.national_baseline``."""

    publication: str
    measure: str
    area: str
    category: str = ""


@dataclass(frozen=True)
class Figure:
    """One figure of a measure.

    Attributes:
        per: by what the quotient is multiplied: 100 for a share in per cent.
        by: the dimension whose categories are the areas; empty for none.
    """

    name: str
    title: str
    kind: Kind
    unit: str
    headline: bool
    per: int
    by: str
    numerator: Cells | None = None
    denominator: Cells | None = None
    value: Cells | None = None
    national: National | None = None

    @property
    def cells(self) -> tuple[Cells, ...]:
        """Everything it reads."""
        return tuple(one for one in (self.numerator, self.denominator, self.value) if one is not None)


@dataclass(frozen=True)
class Break:
    """From this period on, figures cannot be compared with those before: ``[b]``."""

    period: str
    says: str


@dataclass(frozen=True)
class Printed:
    """A figure that the plan prints: shown beside ours, never reproduced."""

    what: str
    value: str
    period: str


@dataclass(frozen=True)
class Measure:
    """One measure of the framework. ``serves``: the plan's priorities."""

    id: str
    workstream: Workstream
    title: str
    question: str
    definition: str
    direction: Direction
    serves: tuple[str, ...]
    caveats: tuple[str, ...]
    agreement: str
    breaks: tuple[Break, ...]
    plan: tuple[Printed, ...]
    figures: tuple[Figure, ...]

    @property
    def headline(self) -> Figure:
        """The figure that stands for the measure."""
        return next(one for one in self.figures if one.headline)

    @property
    def releases(self) -> frozenset[str]:
        """Every release it reads."""
        return frozenset(cells.release for figure in self.figures for cells in figure.cells)

    def figure(self, name: str) -> Figure | None:
        """The figure of this name."""
        return next((one for one in self.figures if one.name == name), None)
