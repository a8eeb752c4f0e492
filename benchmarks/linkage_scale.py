"""Linking five million records of six sources: time, processor time and memory, in a process of its own.

    python -m benchmarks.linkage_scale 5000000 [THREADS]

The people are made up. Some have many records; numbers are missing, keys misspelt, postcodes left behind, and one person in a
hundred shares the sound of the name and the birthday with another. Pseudonyms are as the hub holds them, and hold nothing but who and which key.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np
import pyarrow as pa

from agreements.linkage import Linkage
from benchmarks.linkage_sets import RULES
from benchmarks.measure import Stopwatch, peak_mb
from exchange.releases.engine import Engine
from exchange.releases.linking import PERSON, ROW, SOURCE, Records, link
from keys.columns import fixed_binary
from keys.pseudonym import rekey

SHARES = {
    ("charges", "cleveland"): 0.34,
    ("charges", "durham"): 0.26,
    ("movements", "prisons"): 0.12,
    ("orders", "probation"): 0.13,
    ("orders", "company"): 0.12,
    ("interventions", "councils"): 0.03,
}
NUMBERS = {"person_pnc": 0.85, "person_noms": 0.35}  # how many of a person's records carry them
MISSPELT, NO_POSTCODE, MOVED, TWINS = 0.06, 0.2, 0.15, 100
RECORDS_A_PERSON, MOST = 12, 1_000
Longs = np.ndarray[Any, np.dtype[np.int64]]


def main() -> None:
    """Make, link, and print the figures as JSON."""
    rows, threads = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2
    tables, owners = made(rows)
    before = peak_mb()
    with Engine(memory="2GB", threads=threads) as engine:
        records = [
            Records(dataset, supplier, engine.register(table), {kind: kind for kind in table.column_names})
            for (dataset, supplier), table in zip(SHARES, tables, strict=True)
        ]
        linkage = Linkage("person", "People", (*NUMBERS, *RULES), tuple(NUMBERS), MOST)
        with Stopwatch() as watch:
            found = link(engine, linkage, records)
        people = engine.run(found.people)
    who = labels(people, [len(owner) for owner in owners])
    figures = {
        "records": len(who),
        "sources": len(SHARES),
        "threads": threads,
        "seconds": round(watch.seconds, 1),
        "processor_seconds": round(watch.processor, 1),
        "peak_mb": peak_mb(),
        "rows_alone_mb": before,
        "people": len(people[PERSON].unique()),
        "refused": sum(found.report.refused.values()),
        "too_common": sum(found.report.too_common.values()),
        "largest": found.report.largest,
        "digest": hashlib.sha256(who.tobytes()).hexdigest()[:16],
        "pairs": score(who, np.concatenate(owners)),
    }
    print(json.dumps(figures))


def made(rows: int) -> tuple[list[pa.Table], list[Longs]]:
    """A table of pseudonyms a source, and of each of its rows whose it is."""
    dice = np.random.default_rng(20_261_122)
    people = max(100, rows // RECORDS_A_PERSON)
    tables, owners = [], []
    for share in SHARES.values():
        # Some have three times as many records as most, as those under supervision for years do.
        owner = ((dice.beta(1.0, 3.0, round(rows * share)) * people).astype(np.int64) * 7_919) % people
        columns = {kind: _column(dice, kind, owner, known) for kind, known in NUMBERS.items()}
        moved = np.where(dice.random(len(owner)) < MOVED, owner + people * dice.integers(1, 3, len(owner)), owner)
        twins = np.where(owner % TWINS == 0, (owner + 1) % people, owner)
        for kind in RULES:
            meant = moved if "postcode" in kind else twins if kind == "person_sound_dob" else owner
            wrong = np.where(dice.random(len(owner)) < MISSPELT, dice.integers(1 << 40, 1 << 41, len(owner)), meant)
            columns[kind] = _column(dice, kind, wrong, 1 - NO_POSTCODE if "postcode" in kind else 0.98)
        tables.append(pa.table(columns))
        owners.append(owner)
    return tables, owners


def _column(dice: np.random.Generator, kind: str, numbers: Longs, known: float) -> pa.Array:
    """Numbers as pseudonyms of a kind, some missing: sixteen bytes each, permuted under a key of the kind."""
    values = np.zeros((len(numbers), 2), np.int64)
    values[:, 0] = numbers
    column = fixed_binary(values.view(np.uint8), dice.random(len(numbers)) < known)
    return rekey(column, hashlib.sha256(kind.encode()).digest())


def labels(people: pa.Table, sizes: list[int]) -> Longs:
    """Of every row the number of its person; those that nothing can be said of are people of their own."""
    begins = np.concatenate([[0], np.cumsum(sizes)])
    rows = begins[people[SOURCE].to_numpy()] + people[ROW].to_numpy()
    person = people[PERSON].to_numpy().astype(np.int64)
    found = np.arange(begins[-1]) + len(person)
    found[rows] = person
    return found


def score(found: Longs, true: Longs) -> dict[str, float]:
    """Pairs of records: precision, recall and F1."""
    width = int(true.max()) + 1
    taken, real, right = (_pairs(values) for values in (found, true, found * width + true))
    return {"precision": round(right / taken, 5), "recall": round(right / real, 5), "f1": round(2 * right / (taken + real), 5)}


def _pairs(values: Longs) -> int:
    counts = np.unique(values, return_counts=True)[1].astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())


if __name__ == "__main__":
    main()
