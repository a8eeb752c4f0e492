"""The log: how fast entries are appended, and how long the proof takes that one of a million is in it.

Entries are appended by ``exchange.log.record.append`` to a real hub's database and its second store: one transaction each, from one thread and
from eight, and a hundred in one; and one transaction each without the second store, to see what that costs. The tree of
a million is made by the same ``keys.merkle.grow`` and written in bulk; proofs are then read from the database entry by entry, as the hub
reads them, and each is verified against the root.

    .venv/bin/python -m benchmarks.log --entries 1000000
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sqlalchemy import delete, insert, update

from benchmarks.measure import Result, peak_mb
from benchmarks.rig import build
from exchange.db import make_engine, reading, writing
from exchange.hub import Hub
from exchange.log import record
from exchange.log.record import Event, Operation
from exchange.log.tables import HeadRow, NodeRow
from keys import merkle

LIMIT_MS = 1.0
EVENT = Event(Operation.COLLECTION, "hub", "durham-constabulary", "LCJP-MV7", "submission held", "sub-0", details={"rows": 1})


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=1_000)
    given = parser.parse_args()
    run(given.entries, given.proofs).show()


def run(entries: int, proofs: int) -> Result:
    """Append, then prove."""
    with tempfile.TemporaryDirectory() as scratch:
        hub = build(Path(scratch) / "hub").hub
        alone, together, eight = append_rate(hub, 300, 1), append_rate(hub, 30, 100), threaded_rate(hub, 8, 50)
        bare = append_rate(replace(hub, engine=make_engine(hub.settings.database_url)), 300, 1)
        grow_to(hub, entries)
        times = sorted(prove(hub, entries, proofs))
    middle, late = statistics.median(times), times[len(times) * 99 // 100]
    return Result(
        "log",
        f"an inclusion proof of 1 in {entries:,}",
        f"{middle:.2f} ms (99 in a hundred under {late:.2f} ms; appends, each durable twice: {alone:,.0f}/s alone, {eight:,.0f}/s from eight threads, "
        f"{together:,.0f}/s a hundred together; {bare:,.0f}/s alone without the second store)",
        f"{LIMIT_MS:.0f} ms",
        middle / LIMIT_MS,
        f"proof < {LIMIT_MS:.0f} ms",
        middle < LIMIT_MS,
        peak_mb(),
        {
            "entries": entries,
            "proof_ms": middle,
            "proof_99_ms": late,
            "appends_alone": alone,
            "appends_together": together,
            "appends_from_eight": eight,
            "appends_without_second": bare,
        },
    )


def append_rate(hub: Hub, transactions: int, each: int) -> float:
    """Entries a second, durable."""
    begun = time.perf_counter()
    for _ in range(transactions):
        with writing(hub.engine) as session:
            for _ in range(each):
                record.append(session, EVENT, hub.clock())
    return transactions * each / (time.perf_counter() - begun)


def threaded_rate(hub: Hub, threads: int, each: int) -> float:
    """Entries a second, durable, from several threads at once: those who wait share a flush."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: append_rate(hub, each, 1), range(threads)))
    return threads * each / (time.perf_counter() - begun)


def grow_to(hub: Hub, entries: int) -> None:
    """Put a tree of made-up leaves in place of the log's own, nodes in bulk. Nothing else of the hub is used afterwards."""
    with writing(hub.engine) as session:
        session.execute(delete(NodeRow))
        known: dict[tuple[int, int], bytes] = {}
        for start in range(0, entries, 50_000):
            leaves = [os.urandom(32) for _ in range(min(50_000, entries - start))]
            nodes = merkle.grow(start, leaves, lambda level, index: known[level, index])
            known.update(
                {(level, index): value for level, index, value in nodes if level >= 10 or index == (start + len(leaves) >> level) - 1}
            )
            session.execute(insert(NodeRow), [{"level": level, "index": index, "hash": value} for level, index, value in nodes])
        session.execute(update(HeadRow).values(size=entries))


def prove(hub: Hub, entries: int, proofs: int) -> Iterator[float]:
    """Milliseconds of each proof, every one of them verified."""
    choose = random.Random(20_261_122)  # noqa: S311  # which entries are asked for, not a key
    with reading(hub.engine) as session:
        root = record.checkpoint(session).root
    for _ in range(proofs):
        number = choose.randrange(entries)
        with reading(hub.engine) as session:
            leaf = session.get_one(NodeRow, (0, number)).hash
            session.expunge_all()
            begun = time.perf_counter()
            path = record.inclusion(session, number, entries)
            yield (time.perf_counter() - begun) * 1000
        merkle.verify_inclusion(leaf, number, entries, path, root)


if __name__ == "__main__":
    main()
