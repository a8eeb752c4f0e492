"""The log's second store on an S3-compatible service, for any number of hosts: :mod:`exchange.log.second` without a folder or a lock.

Each flush is an object of its own, named by the number of its first line counted down from the largest, so that the newest is listed
first; it is written only where there is none (If-None-Match), so that of two hosts at one number one is told, and looks again. Nothing is
ever appended to or torn. In a bucket that can lock objects nobody, the owner included, can remove what was flushed before its days are over
(COMPLIANCE); a redaction then puts a new version over it at once, and what it hides is removed when its lock has run out.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from exchange.errors import Misconfigured, NotFound
from exchange.log.second import SEGMENT, GapError, SecondStore, forked
from exchange.log.segments import Line, damaged, read_line, write_line

LARGEST = 10**12 - 1
WAIT = 0.5  # seconds that a host which committed earlier lines may take to write them, before they are read from the database instead
_SUFFIX = ".jsonl"


class Space(Protocol):
    """What of ``exchange.bucket.Space`` is needed here."""

    @property
    def locks(self) -> bool:
        """See there."""
        ...

    @property
    def versioned(self) -> bool:
        """See there."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See there."""
        ...

    def create(self, name: str, data: bytes, *, locked: timedelta | None = None) -> str | None:
        """See there."""
        ...

    def swap(self, name: str, data: bytes, stamp: str) -> str | None:
        """See there."""
        ...

    def try_put(self) -> None:
        """See there."""
        ...

    def listed(self, prefix: str, *, most: int = 0, after: str = "") -> Iterator[tuple[str, int, timedelta]]:
        """See there."""
        ...

    def read_each(self, names: Iterator[str]) -> Iterator[tuple[bytes, str] | None]:
        """See there."""
        ...

    def erase_older(self, name: str) -> int:
        """See there."""
        ...


class SharedStore(SecondStore):
    """See the module. ``lock``: for how long what is flushed cannot be removed; none where the bucket does not lock."""

    def __init__(self, space: Space, lock: timedelta) -> None:
        super().__init__()
        self._space, self._lock = space, lock
        self._one = Lock()
        self._size: int | None = None

    def size(self) -> int:
        """See :meth:`SecondStore.size`."""
        with self._alone():
            return self._newest()

    def lines(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """See :meth:`SecondStore.lines`: read a few objects at a time, oldest first."""
        wanted: list[str] = []
        for name, _, _ in self._space.listed(""):
            wanted.append(name)
            if _first(name) <= after:
                break
        wanted.reverse()
        number = _first(wanted[0]) if wanted else 0
        for name, found in zip(wanted, self._space.read_each(iter(wanted)), strict=True):
            if found is None or _first(name) != number:
                raise damaged(Path(name), number)
            for line in _read(name, found[0]):
                if line["number"] >= after:
                    yield line
                number += 1

    def redact(self, number: int) -> bool:
        """See :meth:`SecondStore.redact`."""
        while True:
            name = next((name for name, _, _ in self._space.listed("", most=1, after=_name(number + 1))), "")
            found = self._space.read(name) if name else None
            lines = _read(name, found[0]) if found else []
            if found is None or number - _first(name) >= len(lines):
                raise NotFound(f"the second store has no entry {number}.")
            line = lines[number - _first(name)]
            gone = "entry" not in line
            if not gone:
                lines[number - _first(name)] = {"number": number, "leaf": line["leaf"]}
                if self._space.swap(name, _written(lines), found[1]) is None:
                    continue
            if self._space.versioned:
                self._space.erase_older(name)
            return not gone

    def probe(self) -> None:
        """See :meth:`SecondStore.probe`: nothing is written, for in a bucket that locks what is put each try would stay for days."""
        self._space.try_put()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._one:
            yield

    def _newest(self) -> int:
        """How many lines there are, by the newest object."""
        name = next((name for name, _, _ in self._space.listed("", most=1)), "")
        found = self._space.read(name) if name else None
        size = _first(name) + len(_read(name, found[0])) if found else 0
        if self._size is not None and size < self._size:
            raise FileNotFoundError("the second store was there and is gone")
        self._size = size
        return size

    def _add(self, lines: Sequence[Line]) -> None:
        until = time.monotonic() + WAIT
        first = int(lines[0]["number"])
        size = first if self._size == first else self._newest()
        while True:
            if lines[0]["number"] < size:
                self._require_same(lines)
            if lines[-1]["number"] < size:
                return
            if run := self._run(size):
                if self._space.create(_name(size), _written(run), locked=self._locked()) is not None:
                    self._size = size = size + len(run)
                    continue
            elif time.monotonic() > until:
                raise GapError
            else:
                time.sleep(0.02)
            size = self._newest()

    def _run(self, number: int) -> list[Line]:
        """The lines that wait in this process, from this number on."""
        with self._guard:
            waiting = dict(self._waiting)
        run: list[Line] = []
        while number in waiting and len(run) < SEGMENT:
            run.append(waiting[number])
            number += 1
        return run

    def _locked(self) -> timedelta | None:
        return self._lock if self._lock and self._space.locks else None

    def _require_same(self, lines: Sequence[Line]) -> None:
        mine = {int(line["number"]): line["leaf"] for line in lines}
        for line in self.lines(min(mine)):
            if mine.get(line["number"], line["leaf"]) != line["leaf"]:
                raise forked(line["number"])
            if line["number"] >= max(mine):
                return


def _name(first: int) -> str:
    return f"{LARGEST - first:012d}{_SUFFIX}"


def _first(name: str) -> int:
    digits = name.removesuffix(_SUFFIX)
    if len(digits) != 12 or not digits.isdecimal():
        raise Misconfigured(
            f"the second store of the log holds {name}, which is none of its objects.", remedy="Give it a prefix of its own."
        )
    return LARGEST - int(digits)


def _read(name: str, content: bytes) -> list[dict[str, Any]]:
    return [read_line(raw, number, Path(name)) for number, raw in enumerate(content.splitlines(keepends=True), _first(name))]


def _written(lines: Sequence[Line]) -> bytes:
    return b"".join(write_line(line) for line in lines)
