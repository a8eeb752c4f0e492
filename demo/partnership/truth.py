"""What truly is so, counted from the ledger that the hub never sees: who is known to how many sources, and who is known to another source."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from demo.partnership.cast import Extract, Stage


@dataclass(frozen=True)
class Truth:
    """Of some datasets together.

    Attributes:
        people: number of datasets → people who are known to as many.
        known: (dataset, supplier) → people in its records.
        elsewhere: (dataset, supplier) → those of them who are also in the records of another supplier or dataset.
    """

    people: Mapping[int, int]
    known: Mapping[tuple[str, str], int]
    elsewhere: Mapping[tuple[str, str], int]


def truth(stage: Stage, extracts: Sequence[Extract], sources: Collection[tuple[str, str]]) -> Truth:
    """Count the records of these sources, (dataset, supplier), by whom the ledger says they are about."""
    places = {one.number: (one.dataset, one.supplier) for one in extracts}
    source = {number: place for number, place in places.items() if place in sources}
    rows = pq.read_table(stage.ledger / "rows.parquet", columns=["extract", "person"])
    seen: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for extract, person in zip(rows["extract"].to_pylist(), rows["person"].to_pylist(), strict=True):
        if extract in source and person >= 0:
            seen[person].add(source[extract])
    people = Counter(len({dataset for dataset, _ in places}) for places in seen.values())
    known = Counter(place for places in seen.values() for place in places)
    return Truth(people, known, Counter(place for places in seen.values() if len(places) > 1 for place in places))
