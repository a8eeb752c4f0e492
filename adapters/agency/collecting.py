"""Watched folders: take each file once, when it is whole, and let no file stop the others.

A file is whole when it has the size and the time of change that it had at a look at least its quiet seconds ago: its own time of change alone
says nothing, for a copy may carry that of the original from its first byte. What was sent is remembered in ``collected.json`` by name, size
and time; nothing in the folder is written, moved or deleted, so it may be mounted read-only. A file that changes is sent again: a correction.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.agency.folders import Folder
from adapters.agency.push import Outcome
from adapters.agency.run import Extract, Stamp, stamp
from adapters.errors import AdapterError, AgreementRefused, ConfigError, ServerRefused, ValidationFailed
from agreements.periods import Period
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat
from keys.files import replace

FILE = "collected.json"
LIMIT = 64 << 20
ONE_FILE = (AgreementRefused, ConfigError, ServerRefused, ValidationFailed)
"""What is wrong with one file, and says nothing of the others. Everything else ends the run."""


@dataclass(frozen=True)
class Candidate:
    """A file that the folder map knows."""

    folder: Folder
    path: Path
    period: Period
    stamp: Stamp

    @property
    def name(self) -> str:
        """By which it is remembered: one file may serve several datasets."""
        return f"{self.folder.dataset} {self.folder.agreement} {self.path}"

    def __str__(self) -> str:
        return f"{self.path.name} ({self.folder.dataset} {self.period})"


@dataclass(frozen=True)
class Look:
    """What lies in the folders: what the map knows, in the order of periods; what it does not; folders that are not there."""

    candidates: Sequence[Candidate]
    unknown: Sequence[Path]
    absent: Sequence[Path]


def look(folders: Sequence[Folder]) -> Look:
    """Look once. Hidden files are nobody's business, and folders inside are not entered."""
    found: list[Candidate] = []
    known: set[Path] = set()
    unknown: dict[Path, None] = {}
    absent: dict[Path, None] = {}
    for one in folders:
        try:
            names = sorted(entry.name for entry in os.scandir(one.folder) if entry.is_file() and not entry.name.startswith("."))
        except OSError:
            absent[one.folder] = None
            continue
        for name in names:
            path, period = one.folder / name, one.period_of(name)
            if period is None:
                unknown[path] = None
            elif (now := stamp(path)) is not None:
                known.add(path)
                found.append(Candidate(one, path, period, now))
    found.sort(key=lambda one: (one.folder.dataset, one.period, one.path))
    return Look(found, [path for path in unknown if path not in known], list(absent))


@dataclass
class Collected:
    """Keeps ``collected.json``: every file's size and time of change, since when they stand, and what became of it."""

    home: Path
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = self.home / FILE
        try:
            found = parse_json(path.read_bytes(), limit=LIMIT) if path.exists() else {}
        except BadFormat:
            found = None
        if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
            remedy = "Delete the file: what was sent before is looked at again, and the hub knows it."
            raise ConfigError(f"{path}: the memory of the watched folders is damaged.", remedy=remedy)
        self._known = found

    def note(self, seen: Look, now: float) -> None:
        """Take down how the files are now (``now``: seconds; kept as milliseconds). One that has changed, or is new, is quiet from now on at the earliest."""
        for one in seen.candidates:
            if self._known.get(one.name, {}).get("stamp") != _text(one.stamp):
                self._known[one.name] = {"stamp": _text(one.stamp), "since": math.ceil(now * 1000), "sent": []}
        if not seen.absent:  # what a folder held that is only not mounted is not forgotten
            here = {one.name for one in seen.candidates}
            self._known = {name: known for name, known in self._known.items() if name in here}
        self._save()

    def is_sent(self, one: Candidate) -> bool:
        """Whether it went out as it is now."""
        known = self._known.get(one.name, {})
        return known.get("stamp") == _text(one.stamp) and bool(known.get("sent"))

    def rests(self, one: Candidate, now: float) -> float:
        """Seconds for which it must go on being quiet; none or less: it is whole. The clock may have been set back meanwhile."""
        since = self._known.get(one.name, {}).get("since", now * 1000) / 1000
        return one.folder.quiet - max(0.0, now - float(since))

    def sent(self, one: Candidate, outcomes: Sequence[Outcome]) -> None:
        """Remember that it went out."""
        self._known[one.name] = {**self._known.get(one.name, {}), "sent": [outcome.submission for outcome in outcomes]}
        self._save()

    def _save(self) -> None:
        replace(self.home / FILE, canonical(self._known) + b"\n")


def _text(stamp: Stamp) -> str:
    return " ".join(map(str, stamp))


@dataclass(frozen=True)
class Taken:
    """What became of one file: what was sent of it, and the error that ended it, if one did."""

    file: Candidate
    outcomes: Sequence[Outcome]
    error: AdapterError | None = None


def take(ready: Sequence[Candidate], collected: Collected, push: Callable[[Candidate], Iterator[Outcome]]) -> Iterator[Taken]:
    """Push the files one after another, remembering each that went out. What is wrong with one is told, and the next is taken."""
    for one in ready:
        outcomes: list[Outcome] = []
        try:
            for outcome in push(one):
                outcomes.append(outcome)  # noqa: PERF402 - what went out before an error is kept
        except ONE_FILE as error:
            yield Taken(one, outcomes, error)
            continue
        collected.sent(one, outcomes)
        yield Taken(one, outcomes)


def extract(one: Candidate) -> Extract:
    """It, as a run pushes it: as it was when it was looked at."""
    return Extract(one.path, one.period, one.stamp)
