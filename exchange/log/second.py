"""The second store of the log: every entry once more, in files of lines, flushed before what it records is answered for.

The database is the log; this is what tells an operator who has restored it from a backup which entries came after the backup
(DESIGN section 8). It lies in a folder of its own, best on another disk, or in a bucket: runs of lines, each named by the number of
its first, a JSON object a line: ``{"number", "leaf", "salt", "entry"}``, bytes in base64url; of a redacted entry number and leaf alone.
Lines are only added. Whatever does not fit is damage, and said to be.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import Misconfigured
from exchange.log.segments import Line
from exchange.log.tables import EntryRow, HeadRow
from keys.encoding import b64

SEGMENT = 4096
COMPARED = 1000


@dataclass(frozen=True)
class Same:
    """Both hold the same entries."""

    size: int


@dataclass(frozen=True)
class Behind:
    """The store lacks the newest entries of the database: a crash between the two, or a new store. It may be caught up."""

    store: int
    database: int


@dataclass(frozen=True)
class Ahead:
    """The database lacks entries that the store holds: it was restored from a backup."""

    store: int
    database: int


@dataclass(frozen=True)
class Forked:
    """They hold different entries under one number: they are not the same log, or one of them was altered. ``number``: the first found."""

    number: int


Comparison = Same | Behind | Ahead | Forked


class GapError(Exception):
    """Lines that lie between the end of the store and those that were to be added are missing."""


def line_of(row: EntryRow) -> dict[str, Any]:
    """The line of an entry, as the store and an exported log have it."""
    found: dict[str, Any] = {"number": row.number, "leaf": b64(row.leaf)}
    return found if row.salt is None else {**found, "salt": b64(row.salt), "entry": row.entry}


class SecondStore(ABC):
    """The store: a folder (``exchange.log.folder_store``), or part of a bucket (``exchange.log.shared_store``).

    Safe to use from threads and processes at once; raises ``OSError`` as it comes, ``Misconfigured`` for damage.

    ``sure``: this process has compared it with the database, and nothing has failed since. ``failed``: what was committed may not be in it.
    """

    def __init__(self) -> None:
        self.sure, self.failed = False, False
        self._waiting: dict[int, Line] = {}
        self._guard = threading.Lock()

    @abstractmethod
    def size(self) -> int:
        """How many lines it holds, durably."""

    @abstractmethod
    def lines(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The lines from number ``after`` on, in order."""

    def extend(self, lines: Sequence[Line]) -> None:
        """Add consecutive lines, and return when they are durable: whoever waits at the same time shares one flush.

        Lines that are there already are left out if they are the same, and ``Misconfigured`` otherwise. ``GapError``: earlier ones are missing.
        """
        if not lines:
            return
        with self._guard:
            self._waiting.update({int(line["number"]): line for line in lines})
        try:
            with self._alone():
                self._add(lines)
        finally:
            with self._guard:
                for line in lines:
                    self._waiting.pop(int(line["number"]), None)

    @abstractmethod
    def redact(self, number: int) -> bool:
        """Take salt and entry of one line away. False if they were gone already."""

    @abstractmethod
    def probe(self) -> None:
        """Raise what using it would raise now, as far as that can be tried without an entry."""

    @abstractmethod
    def _alone(self) -> AbstractContextManager[None]:
        """Keep out whoever else would add lines, as far as the store can."""

    @abstractmethod
    def _add(self, lines: Sequence[Line]) -> None:
        """Add those of these lines, and of all that wait, that follow its end. GapError; Misconfigured where it has another line of a number."""


def compare(session: Session, store: SecondStore, *, whole: bool = False) -> Comparison:
    """How the store stands to the database, by their sizes and the leaves of the last common entries (of all, if ``whole``).

    An entry's leaf has a random salt of its own, so logs that parted differ in every entry since: the last common ones tell. The session
    must be a fresh one: the store is read first, so that what is appended meanwhile cannot make it look ahead.
    """
    held = store.size()
    known = session.execute(select(HeadRow.size)).scalar_one_or_none() or 0
    common = min(held, known)
    begins = 0 if whole else max(0, common - COMPARED)
    rows = session.execute(
        select(EntryRow.number, EntryRow.leaf).where(EntryRow.number >= begins, EntryRow.number < common).order_by(EntryRow.number)
    )
    for (number, leaf), line in zip(rows, store.lines(begins), strict=False):
        if line["number"] != number or line["leaf"] != b64(leaf):
            return Forked(number)
    if held == known:
        return Same(held)
    return Behind(held, known) if held < known else Ahead(held, known)


def forked(number: int) -> Misconfigured:
    """What is said where the store has another entry of a number."""
    return Misconfigured(
        f"entry {number} of the log is another one in the second store.",
        remedy="The database is not the one that this store belongs to, or one of them was altered: see docs/log.md.",
    )
