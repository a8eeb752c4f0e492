"""Units one by one: what releases with numbers, with rows joined across suppliers, or with a cohort are counted from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exchange.releases.cells import Counts
from exchange.releases.errors import BadRelease
from exchange.releases.linking import Report


@dataclass(frozen=True)
class Units:
    """Every unit of an edition. Exact, and of single people: in this process's memory, and nowhere else.

    Attributes:
        places: used dimension → (units,) place among its categories, from 0, as the release's axis orders them.
        values: value → (units,) the whole number; ``ABSENT`` where a unit has none.
        suppliers: who may have named a unit, in the order of the bits below.
        named: (units,) who has named it, a bit a supplier: by the unit's own row, or by one that was joined to it.
        evidence: what was found → (units,) who sent a row that says so, a bit a supplier, 0 where nothing was found: ``("found", dataset)`` of a lookup
            across suppliers, ``("events", name)`` and ``("attributes", name)`` of a cohort.
        sent: (units,) place among ``suppliers`` of the one whose row the unit is; of a cohort, whose row the entry is.
        report: counts of the linkage, where people were linked.
    """

    places: Mapping[str, Counts] = field(repr=False)
    values: Mapping[str, Counts] = field(repr=False)
    suppliers: tuple[str, ...]
    named: Counts = field(repr=False)
    sent: Counts = field(repr=False)
    evidence: Mapping[tuple[str, str], Counts] = field(default_factory=dict, repr=False)
    report: Report | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.named)


def require_few(release: str, suppliers: Sequence[str]) -> None:
    """Raise BadRelease where more suppliers may name a unit than can be told apart."""
    if len(suppliers) > MOST_SUPPLIERS:
        raise BadRelease(f"release {release}: it reads rows of {len(suppliers)} suppliers; the most is {MOST_SUPPLIERS}.")


MOST_SUPPLIERS = 62
"""A bit a supplier, in one whole number with a sign."""

ABSENT = -(2**62)
"""In ``Units.values``: no number. No number of a unit comes near it."""
