"""Many workers: how much more two hold than one, on one PostgreSQL; and how soon another takes over when one is killed.

Submissions of made-up charges wait, none of them due; the workers start, and once all are there everything becomes due at one moment.
Timed is from then until the last is held: leases, confined processes, checks, encrypted Parquet, receipts and log included. The machine's
cores are shared by PostgreSQL, by each worker and by the confined process in which it has a part opened, so that one worker takes up more
than one core.

    .venv/bin/python -m benchmarks.scale_workers --submissions 8 --rows 50000
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.intake import stage
from benchmarks.measure import ROOT, children_peak_mb
from benchmarks.rig import build
from tests.postgres import Postgres, programs

COMMAND = "from exchange.commands import main; main()"


def main() -> None:
    """Measure; one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--submissions", type=int, default=8, help="at most 12: a month each")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rows = given.rows or (20_000 if given.small else 50_000)
    times, took, lease = measured(min(given.submissions, 12), rows, 1 if given.small else given.repeats)
    one, two = (statistics.median(times[workers]) for workers in (1, 2))
    line = {
        "submissions": f"{given.submissions} of {rows:,} rows",
        "cores": str(os.cpu_count()),
        "one worker": f"{one:.1f} s",
        "two workers": f"{two:.1f} s",
        "taken over from one killed": f"{took:.1f} s, of which the lease {lease:.1f} s",
        "most resident": f"{children_peak_mb()} MB",
    }
    ratio = statistics.median(one / two for one, two in zip(times[1], times[2], strict=True))
    print(json.dumps({"rows": [line], "ratios": {"two workers over one": ratio}, "measured": times}))


def measured(submissions: int, rows: int, repeats: int) -> tuple[dict[int, list[float]], float, float]:
    """Seconds of one worker and of two, in turn; then until another holds what a killed worker was at, and those that its lease still had."""
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL's programs are nowhere on this machine. As root: apt-get install postgresql")
    server, times = Postgres(found), {1: list[float](), 2: list[float]()}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            made, database = Path(scratch) / "made", server.create()
            rig = build(made, "http://127.0.0.1:8080", "--database-url", database)
            for number in range(submissions):
                stage(rig, rows, f"2021-{number + 1:02}")
            rig.hub.engine.dispose()
            for number in range(repeats):
                for workers, seconds in times.items():
                    with copied(server, made, database, Path(scratch) / f"copy-{number}-{workers}") as (config, address):
                        seconds.append(held(config, address, workers))
            with copied(server, made, database, Path(scratch) / "killed") as (config, address):
                return times, *taken_over(config, address)
    finally:
        server.close()


@contextmanager
def copied(server: Postgres, made: Path, database: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """The hub again, in another folder and database; its settings file and the address of its database."""
    shutil.copytree(made, folder)
    address, config = server.create(like=database), folder / "hub.toml"
    config.write_text(config.read_text(encoding="utf-8").replace(database, address), encoding="utf-8")
    try:
        yield config, address.replace("+psycopg", "")
    finally:
        server.drop(address)
        shutil.rmtree(folder)


@contextmanager
def working(config: Path, address: str, workers: int) -> "Iterator[dict[str, subprocess.Popen[bytes]]]":
    """So many workers, each of a host of its own, by their hosts' ids; all of them there, and nothing due yet."""
    ask(address, "UPDATE submissions SET retry_at = now() + interval '1 day'")
    homes = [config.parent / f"host-{number}" for number in range(workers)]
    running = []
    for home in homes:
        mine = config.with_name(f"{home.name}.toml")
        mine.write_text(f'home = "{home}"\n' + config.read_text(encoding="utf-8"), encoding="utf-8")
        command = [sys.executable, "-c", COMMAND, "--config", str(mine), "worker"]
        running.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True))
    try:
        there = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lcjp %' AND datname = current_database()"
        until(lambda: ask(address, there) == workers)
        yield {(home / "host").read_text(): one for home, one in zip(homes, running, strict=True)}
    finally:
        for one in running:
            one.send_signal(signal.SIGTERM)
        for one in running:
            one.wait(60)


def held(config: Path, address: str, workers: int) -> float:
    """The seconds that so many workers take to hold everything."""
    with working(config, address, workers):
        ask(address, "UPDATE submissions SET retry_at = NULL")
        return until(lambda: ask(address, "SELECT count(*) FROM submissions WHERE state <> 'held'") == 0)


def taken_over(config: Path, address: str) -> tuple[float, float]:
    """Kill the one of two workers that is at the only submission due: the seconds until the other holds it; and those of a lease."""
    with working(config, address, 2) as workers:
        ask(address, "UPDATE submissions SET retry_at = NULL WHERE id = (SELECT min(id) FROM submissions)")
        until(lambda: ask(address, "SELECT count(*) FROM leases") == 1)
        with psycopg.connect(address, autocommit=True) as connection:
            query = (
                "SELECT split_part(holder, '/', 1), extract(epoch FROM until - clock_timestamp() AT TIME ZONE 'UTC')::float8 FROM leases"
            )
            found = connection.execute(query).fetchone()
        if found is None:
            raise SystemExit("the submission was held before anybody could be killed over it: give more --rows")
        os.killpg(workers[found[0]].pid, signal.SIGKILL)
        return until(lambda: ask(address, "SELECT count(*) FROM submissions WHERE state = 'held'") == 1), float(found[1])


def ask(address: str, statement: str) -> float:
    """The one figure of the answer, 0 where there is none."""
    with psycopg.connect(address, autocommit=True) as connection:
        answer = connection.execute(statement.encode())
        row = answer.fetchone() if answer.description else None
        return float(row[0]) if row else 0.0


def until(true: Callable[[], bool], seconds: float = 900) -> float:
    """Wait until it is true; how many seconds that took."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() > begun + seconds:
            raise SystemExit("the workers did not get on")
        time.sleep(0.02)
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
