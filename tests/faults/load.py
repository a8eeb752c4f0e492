"""Many agencies pushing at once, through the real client and the real server on loopback: nothing is lost, and memory stays flat.

``python -m tests.faults.load [--minutes 5] [--agencies 50]``
"""

import argparse
import csv
import gzip
import json
import logging
import multiprocessing
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, linear_regression, quantiles
from typing import Any

import requests
from sqlalchemy import select

from adapters.agency.lock import only_run
from adapters.agency.run import Extract as Given
from adapters.agency.run import Run
from adapters.agency.session import Agency
from adapters.agency.settings import load
from adapters.errors import AdapterError
from agreements.document import read
from agreements.periods import Period
from demo.cast import AGENCIES
from exchange.db import reading
from exchange.hub import Hub
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.formats import Receipt
from keys.sign import Use, verify_document
from tests.faults import invariants
from tests.faults.known import Known
from tests.faults.partnership import agencies, build
from tests.functional.truth import Extract, dataset_of, held, minimised, multiset, rekeyed
from tests.functional.world import Server, World, alive

DATASET, ROWS = "crimes", 60
MONTHS = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
CLIENTS = 4  # processes, each with a thread for every agency of its own
TOGETHER = 4  # extracts of one command
ALLOWED = (429, 503)  # what a hub under load may say, with the time to come again
SLOPE, RISE, OPEN = 3.0, 0.08, 12  # MiB a minute; of what it was after the warm-up; descriptors more than then


@dataclass
class Seen:
    """What one agency saw: its receipts by the file they are of, how long things took, how it was answered."""

    party: str
    pushed: list[tuple[str, str, str]] = field(default_factory=list)  # period, file, submission
    requests: list[float] = field(default_factory=list)
    pushes: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    without_time: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """The hub's processes at a moment."""

    at: float
    memory: float  # MiB, all of its lasting processes
    open: int  # descriptors


# ------------------------------------------------------------------------------------------------------------ the agencies


def extract(folder: Path, source: Path, month: str, number: int) -> Path:
    """Some real rows with ids that nobody else has, as a file of this month."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))[: 1 + ROWS]
    dated, named = header.index("Month"), header.index("Crime ID")
    path = folder / f"{month}-{number}.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for line in lines:
            line[dated] = month
            line[named] = random.randbytes(32).hex() if line[named] else ""  # an invented id
            writer.writerow(line)
    return path


def one_agency(home: Path, until: float, seed: int) -> Seen:
    """Push command after command, as the client's own ``push`` does, until the time is over."""
    seen, agency = Seen(home.name), Agency(load(home))
    chosen, folder = random.Random(seed), home / "extracts"
    folder.mkdir(exist_ok=True)
    source = AGENCIES[seed % 2].files("street")[0]
    number = 0
    while time.time() < until:
        months = chosen.sample(MONTHS, TOGETHER)
        given = [Given(extract(folder, source, month, number + place), Period.parse(month)) for place, month in enumerate(months)]
        number += TOGETHER
        client = agency.client()
        client.session.hooks["response"].append(lambda answer, *_, **__: _note(seen, answer))
        try:
            with only_run(home):
                run = Run(agency, client)
                verified = run.verified()
                run.watch(verified)
                run.resume()
                for one in given:
                    begun = time.monotonic()
                    for outcome in run.push(DATASET, one, verified, nil=False, wait=True):
                        seen.pushed.append((one.period.name, str(one.path), outcome.submission))
                    seen.pushes.append(time.monotonic() - begun)
                    if time.time() > until:
                        break
        except AdapterError as error:
            seen.failures.append(f"{type(error).__name__}: {error}")
    return seen


def _note(seen: Seen, answer: requests.Response) -> None:
    seen.requests.append(answer.elapsed.total_seconds())
    status = str(answer.status_code)
    seen.statuses[status] = seen.statuses.get(status, 0) + 1
    if answer.status_code in ALLOWED and not answer.headers.get("Retry-After"):
        seen.without_time += 1


def client_process(homes: Sequence[str], minutes: float, out: str, all_ready: Any) -> None:
    """Several agencies, a thread each; they begin when all are ready."""
    logging.disable(logging.CRITICAL)
    all_ready.wait()
    until = time.time() + minutes * 60
    found: list[Seen] = []
    threads = [
        threading.Thread(target=lambda home=home, seed=seed: found.append(one_agency(Path(home), until, seed)))
        for seed, home in enumerate(homes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path(out).write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ the hub, watched


def sample(group: int) -> Sample:
    """Memory and descriptors of the hub's lasting processes: those that open parts come and go, and are capped by themselves."""
    memory, opened = 0.0, 0
    for pid in alive(group):
        place = Path(f"/proc/{pid}")
        try:
            if b"opener" in (place / "cmdline").read_bytes():
                continue
            memory += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
            opened += len(list((place / "fd").iterdir()))
        except OSError:
            continue
    return Sample(time.time(), memory, opened)


def watch(group: int, working: Sequence[Any]) -> list[Sample]:
    """A sample a second, as long as anybody works."""
    samples = []
    while any(one.is_alive() for one in working):
        samples.append(sample(group))
        time.sleep(1)
    return samples


# ------------------------------------------------------------------------------------------------------------ what must hold


def lost(world: World, seen: Sequence[Seen]) -> Iterator[str]:
    """Whatever was receipted and is not held, held and never pushed, or not row for row what was pushed."""
    hub = world.hub()
    agreement = read(world.places.agreement.read_text(encoding="utf-8"))
    keys = agreement.operator.hub
    assert keys is not None
    signed = {
        path.parent.name: json.loads(path.read_bytes()) for one in seen for path in world.home(one.party).glob("receipts/*/receipt.json")
    }
    known = Known(agreement, receipts=signed).saw(hub)
    with reading(hub.engine) as session:
        rows = {row.id: row for row in session.execute(select(SubmissionRow)).scalars()}
        for name, document in signed.items():
            receipt = Receipt.parse(verify_document(document, Use.RECEIPT, {keys.receipts}))
            if receipt.submission != name or receipt.outcome != "held" or name not in rows:
                yield f"{name}: its receipt says {receipt.outcome}, and it is {'there' if name in rows else 'not there'}"
        pushed = {submission for one in seen for _, _, submission in one.pushed}
        yield from (f"{name} was pushed and has no receipt" for name in pushed - set(signed))
        yield from (
            f"{row.id} is {row.state}" for row in rows.values() if row.state not in (SubmissionState.HELD, SubmissionState.SUPERSEDED)
        )
        for check in (*invariants.ALWAYS, *invariants.AT_REST):
            if check not in (invariants.every_held_row_is_held_once, invariants.what_was_acknowledged_is_there):
                yield from (f"{invariants.plain(check)}: {what}" for what in check(session, hub, known))
    yield from _rows(world, hub, rows, {submission: (one.party, period, file) for one in seen for period, file, submission in one.pushed})


def _rows(world: World, hub: Hub, rows: dict[str, SubmissionRow], files: dict[str, tuple[str, str, str]]) -> Iterator[str]:
    """What stands, row for row what its file says; worked out again from the file."""
    dataset = dataset_of(hub, DATASET)
    with reading(hub.engine) as session:
        for name, (party, period, file) in files.items():
            if rows[name].state != SubmissionState.HELD:
                continue
            expected = minimised(world, Extract(party, DATASET, period, Path(file)), dataset)
            if multiset(held(hub, session, rows[name], dataset)) != multiset(rekeyed(hub, expected, dataset)):
                yield f"{name}: not row for row what was pushed"


def grown(samples: Sequence[Sample]) -> tuple[list[str], str]:
    """Whether memory or descriptors grew after the warm-up, which is the first third; and the figures in words."""
    after = samples[len(samples) // 3 :]
    minutes = [(one.at - samples[0].at) / 60 for one in after]
    slope = linear_regression(minutes, [one.memory for one in after]).slope
    half = len(after) // 2
    before, since = fmean(one.memory for one in after[:half]), fmean(one.memory for one in after[half:])
    opened = max(one.open for one in after[half:]) - max(one.open for one in samples[: -half or None])
    wrong = []
    if slope > SLOPE and since > before * (1 + RISE):
        wrong.append(f"memory grows: {slope:.1f} MiB a minute")
    if opened > OPEN:
        wrong.append(f"{opened} descriptors more at the end than before")
    said = f"memory {samples[0].memory:.0f} MiB at the start, {before:.0f} warm, {since:.0f} at the end ({slope:+.1f} MiB a minute)"
    return wrong, f"{said}; descriptors {samples[0].open} to {max(one.open for one in samples)}, {samples[-1].open} at the end"


def answers(seen: Sequence[Seen]) -> tuple[list[str], str]:
    """How the hub answered."""
    statuses = sum((Counter(one.statuses) for one in seen), Counter[str]())
    wrong = [f"{count} answers {status}" for status, count in statuses.items() if status >= "500" and int(status) not in ALLOWED]
    if missing := sum(one.without_time for one in seen):
        wrong.append(f"{missing} answers 429 or 503 without Retry-After")
    failures = Counter(re.sub(r"\d+", "…", failure) for one in seen for failure in one.failures)
    wrong += [f"{count} commands failed: {what}" for what, count in failures.items()]
    return wrong, ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))


def _quantiles(values: Sequence[float]) -> str:
    if len(values) < 2:
        return "-"
    cut = quantiles(values, n=100)
    return f"p50 {cut[49] * 1000:,.0f} ms, p99 {cut[98] * 1000:,.0f} ms"


# ------------------------------------------------------------------------------------------------------------ the run


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def push_together(world: World, parties: Sequence[str], minutes: float) -> tuple[list[Seen], list[Sample]]:
    """Everybody pushes until the time is over and what was begun is receipted."""
    shared: dict[int, list[str]] = defaultdict(list)
    for number, party in enumerate(parties):
        shared[number % CLIENTS].append(str(world.home(party)))
    with Server(world) as server:
        server.start()
        outs = [world.places.run / f"seen-{number}.json" for number in shared]
        spawned = multiprocessing.get_context("spawn")
        all_ready = spawned.Barrier(len(shared) + 1)
        working = [
            spawned.Process(target=client_process, args=(homes, minutes, str(out), all_ready))
            for homes, out in zip(shared.values(), outs, strict=True)
        ]
        for one in working:
            one.start()
        all_ready.wait(120)
        samples = watch(server.groups[0], working)
        settled = sample(server.groups[0])
    return [Seen(**one) for out in outs for one in json.loads(out.read_text(encoding="utf-8"))], [*samples, settled]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load and print what came of it; 1 where something was lost or grew."""
    parser = argparse.ArgumentParser(prog="dev.py faults --load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--agencies", type=int, default=50)
    parser.add_argument("--setting", action="append", default=[], metavar="LINE", help="a line for the hub's settings")
    asked = parser.parse_args(arguments)
    parties = agencies(asked.agencies)
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        begun = time.monotonic()
        world = build(Path(folder) / "run", parties, *asked.setting)
        say(f"load: {len(parties)} agencies made ready in {time.monotonic() - begun:.0f} s; they push for {asked.minutes:g} minutes")
        begun = time.monotonic()
        seen, samples = push_together(world, parties, asked.minutes)
        seconds = time.monotonic() - begun
        wrong, answered = answers(seen)
        growth, memory = grown(samples)
        wrong += [*growth, *lost(world, seen)]
    done = sum(len(one.pushed) for one in seen)
    asked_of = [one for every in seen for one in every.requests]
    say(
        f"   {done:,} submissions receipted in {seconds:.0f} s ({done / seconds * 60:,.0f} a minute, {done * ROWS:,} rows); answers {answered}"
    )
    say(f"   requests: {len(asked_of):,} ({len(asked_of) / seconds:,.0f} a second), {_quantiles(asked_of)}")
    say(f"   a push, to its receipt: {_quantiles([one for every in seen for one in every.pushes])}")
    say(f"   {memory}")
    for one in wrong[:40]:
        say(f"   {one}")
    say(f"load: {len(wrong)} things wrong" if wrong else "load: nothing lost, memory flat")
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    sys.exit(main())
