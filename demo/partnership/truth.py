"""What truly is so, counted from the ledger that the hub never sees: who is known to how many sources, and whose records could be linked."""

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
        records: (dataset, supplier) → records about a person.
        elsewhere: (dataset, supplier) → those of them whose person is also in the records of another supplier or dataset.
    """

    people: Mapping[int, int]
    records: Mapping[tuple[str, str], int]
    elsewhere: Mapping[tuple[str, str], int]


def truth(stage: Stage, extracts: Sequence[Extract], sources: Collection[tuple[str, str]]) -> Truth:
    """Count the records of these sources, (dataset, supplier), by whom the ledger says they are about."""
    places = {one.number: (one.dataset, one.supplier) for one in extracts}
    source = {number: place for number, place in places.items() if place in sources}
    rows = pq.read_table(stage.ledger / "rows.parquet", columns=["extract", "person"])
    about = [
        (source[extract], person)
        for extract, person in zip(rows["extract"].to_pylist(), rows["person"].to_pylist(), strict=True)
        if extract in source and person >= 0
    ]
    seen: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for place, person in about:
        seen[person].add(place)
    people = Counter(len({dataset for dataset, _ in places}) for places in seen.values())
    return Truth(people, Counter(place for place, _ in about), Counter(place for place, person in about if len(seen[person]) > 1))
