"""The national case, by simulation: 43 forces' areas push monthly for ten years; how long a push waits, how busy workers are, what is held.

    python -m benchmarks.scale_national [--small] [--workers 1,2,4,8] [--hosts 2] [--years 10] [--seed 1]

A simulation by events, seeded, over the cost model of docs/scale.md. Each area is an agreement of its own, as the partnerships are. A push is one month of
one dataset of one supplier; it arrives on a working day around the due day, most of them in its last hours, is opened by the first worker that is free (one
of the agreement that fewest others work on), and takes the processor time of its rows. Workers are processes with a core each, spread over hosts, of which one is
away in the hours before each due day; a fourth of the rest is lost to all else. Once more with a first load: everybody's ten years pushed in one week.
"""

import argparse
import heapq
import json
import math
import random
from collections import defaultdict
from dataclasses import dataclass, field

AREAS, DATASETS = 43, 17
ROWS_A_YEAR = 80_000_000
"""Assumed of England and Wales, over all datasets: ten to twelve rows for each of some 6.7 million recorded crimes."""
DAY, AWAY = 86_400.0, 7_200.0


@dataclass(frozen=True)
class Costs:
    """What a row costs: processor seconds, as measured (docs/scale.md); and what is assumed: bytes held, the seconds that any push or edition takes at
    least, and the part of a core that a worker can use.
    """

    intake: float = 1.4e-6
    edition: float = 0.9e-6
    bytes: float = 40.0
    least: float = 0.5
    usable: float = 0.75


@dataclass
class Told:
    """What happened over the years, with so many workers."""

    workers: int
    waits: list[float] = field(default_factory=list)
    busy: float = 0.0
    seconds: float = 0.0
    backlog: int = 0
    rows: float = 0.0
    editions: list[float] = field(default_factory=list)


def sizes(chance: random.Random) -> list[float]:
    """Each area's share of all rows: the largest has some twenty times the smallest, as police forces do."""
    weights = [math.exp(chance.gauss(0.0, 0.65)) for _ in range(AREAS)]
    return [weight / sum(weights) for weight in weights]


def arrivals(shares: list[float], months: int, chance: random.Random, *, at_once: bool) -> list[tuple[float, int, float]]:
    """(second, area, rows) of every push: mostly on the last two days before the due day, in working hours; ``at_once``: all in one week's."""
    split = [chance.expovariate(1.0) for _ in range(DATASETS)]
    found = []
    for month in range(months):
        due = (month + 1) * 30.4 * DAY
        for area, share in enumerate(shares):
            for part in split:
                early = min(chance.expovariate(1 / 1.5), 15.0)
                if at_once:
                    due, early = 7 * DAY, chance.uniform(0, 5)
                second = (math.floor(due / DAY - early) + chance.uniform(9, 18) / 24) * DAY
                found.append((second, area, ROWS_A_YEAR / 12 * share * part / sum(split)))
    return sorted(found)


def simulate(workers: int, hosts: int, years: int, seed: int, costs: Costs, *, at_once: bool = False) -> Told:
    """Every push of the years, in order of time; waits are from its arrival to its receipt."""
    chance = random.Random(seed)  # noqa: S311  # a simulation, which must be the same again
    pushes = arrivals(sizes(chance), years * 12, chance, at_once=at_once)
    # A host is away from three until five on the day before each due day; whoever waits is looked at again when it is back.
    away = [
        (math.floor((month + 1) * (7 * DAY if at_once else 30.4 * DAY) / DAY) - 1) * DAY + 15 * 3600.0
        for month in range(1 if at_once else years * 12)
    ]
    pushes = sorted([*pushes, *((begin + AWAY, -1, 0.0) for begin in away)])
    told = Told(workers)
    waiting: dict[int, list[tuple[float, float]]] = defaultdict(list)
    at_work: dict[int, int] = defaultdict(int)
    ends: list[tuple[float, int, float]] = []  # when a worker is free, of which area, and when what it does arrived
    place = queued = 0
    while place < len(pushes) or ends:
        if place < len(pushes) and (not ends or pushes[place][0] <= ends[0][0]):
            now, area, rows = pushes[place]
            place += 1
            if area < 0:
                away.pop(0)
            else:
                heapq.heappush(waiting[area], (now, rows))
                queued += 1
                told.rows += rows
        else:
            now, area, came = heapq.heappop(ends)
            at_work[area] -= 1
            told.waits.append(now - came)
        there = workers - (-(-workers // hosts) if away and away[0] <= now < away[0] + AWAY else 0)
        while queued and len(ends) < there:
            area = min((one for one in waiting if waiting[one]), key=lambda one: (at_work[one], waiting[one][0]))
            came, rows = heapq.heappop(waiting[area])
            queued -= 1
            took = (costs.least + rows * costs.intake) / costs.usable
            told.busy += took
            at_work[area] += 1
            heapq.heappush(ends, (now + took, area, came))
        told.backlog = max(told.backlog, queued)
        told.seconds = now
    told.editions = [(costs.least + months / 12 * ROWS_A_YEAR * costs.edition) / costs.usable for months in (12, years * 12)]
    return told


def main() -> None:
    """Simulate with each number of workers; one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--workers", default="1,2,4,8")
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    costs, years, rows, worst = Costs(), 1 if given.small else given.years, [], {}
    counts = list(map(int, given.workers.split(",")))
    for workers, at_once in [(one, False) for one in counts] + [(one, True) for one in counts]:
        told = simulate(workers, min(given.hosts, workers), years, given.seed, costs, at_once=at_once)
        waits = sorted(told.waits)
        worst[workers] = waits[len(waits) * 95 // 100]
        rows.append(
            {
                "pushed": f"{years} years in a week" if at_once else "monthly",
                "workers": str(workers),
                "pushes": f"{len(waits):,}",
                "rows": f"{told.rows / 1e6:,.0f} M",
                "held": f"{told.rows * costs.bytes / 1e9:,.0f} GB",
                "busy": f"{100 * told.busy / told.seconds / workers:.2f} %",
                "receipt, median": f"{waits[len(waits) // 2]:.1f} s",
                "95 in 100": f"{waits[len(waits) * 95 // 100]:.0f} s",
                "worst": f"{waits[-1]:.0f} s",
                "most waiting": str(told.backlog),
                "one core: edition of a year, of all": " and ".join(f"{seconds / 60:.1f} min" for seconds in told.editions),
            }
        )
    least, most = sorted(worst)[min(1, len(worst) - 1)], max(worst)  # with one worker, its host's absence is all that shows
    print(json.dumps({"rows": rows, "ratios": {f"95 in 100 of a first load, {least} workers over {most}": worst[least] / worst[most]}}))


if __name__ == "__main__":
    main()
