"""A cohort: linked people who came in by an event of their own, and what happened to them before and after. Values only.

Sources of a release that counts a cohort: ``cohort.window`` (its period dimension), ``cohort.entry`` (the label of the entry by which somebody came
in), ``events.<name>`` (``true`` or ``false``: whether there was such an event), ``attributes.<name>``, and derived values made of these.
"""

from dataclasses import dataclass

from agreements.periods import Duration, PeriodKind
from agreements.worked_out import Where

WINDOW, ENTRY = "cohort.window", "cohort.entry"
EVENTS, ATTRIBUTES = "events", "attributes"
"""What sources of a cohort begin with."""


@dataclass(frozen=True)
class Entry:
    """A way into the cohort: rows of a dataset where ``where`` holds, on their ``date``. Of two on one day, the one named first counts."""

    label: str
    dataset: str
    date: str
    where: Where = ()


@dataclass(frozen=True)
class Event:
    """Rows of a dataset about the same person, in a window beside the entry.

    After the entry: on a later day than the entry, and no later than ``within`` after it; with ``proven``, a second date of the row, no later than
    ``proven_within`` after the entry, too. ``before``: on the entry's day or earlier, by no more than ``within``, and another row than the
    entry; such an event may lie beside any entry of the person in the window. ``differs``: fields in which the row and the entry, of the same
    dataset, both hold a value, and not the same.
    """

    name: str
    dataset: str
    date: str
    within: Duration
    where: Where = ()
    before: bool = False
    proven: str = ""
    proven_within: Duration | None = None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attribute:
    """What a dataset says of the person as at entry: ``field`` of the latest row on the entry's day or earlier, by no more than ``within``;

    of rows of one day the least value. ``otherwise``: said where there is none, or it says nothing. ``since``, ``until``: dates of the row; it counts only where
    the first is there and not after the entry, and the second absent or not before it. ``field`` may be empty: then it says ``true`` where there is such a row, else ``otherwise``.
    """

    name: str
    dataset: str
    date: str
    field: str
    within: Duration
    otherwise: str
    where: Where = ()
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Cohort:
    """Everybody with an entry in a window, once, from the first entry there; later entries never start the clock again.

    Attributes:
        window: month, quarter or year: how long a window is. Somebody may count once in each.
        entries: the ways in.
        events: what is looked for beside the entry.
        attributes: what is known of people as at entry.
    """

    window: PeriodKind
    entries: tuple[Entry, ...]
    events: tuple[Event, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset it reads, those of entries first, each once."""
        read = (*self.entered, *(one.dataset for one in self.events), *(one.dataset for one in self.attributes))
        return tuple(dict.fromkeys(read))

    @property
    def entered(self) -> tuple[str, ...]:
        """The datasets through which people come in."""
        return tuple(dict.fromkeys(one.dataset for one in self.entries))
