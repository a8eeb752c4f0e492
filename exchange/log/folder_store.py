"""The log's second store in a folder: :mod:`exchange.log.second` as segments of :data:`SEGMENT` lines.

Lines are added under a lock on the folder (flock), so that several processes may share it. A line without its end was never acknowledged to
anybody: it is what a crash left, and is taken away.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.errors import NotFound
from exchange.log.second import SEGMENT, GapError, SecondStore, forked
from exchange.log.segments import Line, read_line, scan, write_durably, write_line
from exchange.objects import sync_folder

_NAME = re.compile(r"([0-9]{12})\.jsonl")


@dataclass(frozen=True)
class _End:
    """What is known of the end: the last segment as it was last seen, the next number, and the leaves of the segment's lines."""

    path: Path
    inode: int
    length: int
    size: int
    leaves: Mapping[int, str]


class FolderStore(SecondStore):
    """See the module."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._end: _End | None = None

    def size(self) -> int:
        """How many lines it holds, durably."""
        with self._alone():
            return self._look().size

    def lines(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The lines from number ``after`` on, in order."""
        segments = self._segments()
        begins = max((first for first, _ in segments if first <= after), default=0)
        expected = begins
        for first, path in segments:
            if first < begins:
                continue
            with path.open("rb") as file:
                for raw in file:
                    if not raw.endswith(b"\n") and path == segments[-1][1]:
                        return
                    found = read_line(raw, expected, path)
                    expected += 1
                    if found["number"] >= after:
                        yield found

    def redact(self, number: int) -> bool:
        """Take salt and entry of one line away: its segment is written anew and put in place of the old. False if they were gone already."""
        with self._alone():
            self._look()
            first, path = max(((first, path) for first, path in self._segments() if first <= number), default=(0, None))
            raw = path.read_bytes().splitlines(keepends=True) if path else []
            if path is None or not 0 <= number - first < len(raw):
                raise NotFound(f"the second store has no entry {number}.")
            line = read_line(raw[number - first], number, path)
            if "entry" not in line:
                return False
            raw[number - first] = write_line({"number": number, "leaf": line["leaf"]})
            draft = path.with_suffix(".draft")
            write_durably(draft, b"".join(raw), os.O_TRUNC)
            draft.replace(path)
            sync_folder(self.folder)
            return True

    def probe(self) -> None:
        """Raise what writing to it would raise now: a block is written beside the segments, durably, and taken away again."""
        path = self.folder / f"probe-{os.getpid()}"
        try:
            write_durably(path, bytes(512), os.O_TRUNC)
        finally:
            with suppress(OSError):
                path.unlink()

    # ------------------------------------------------------------------------------------------------------- under the lock

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._end is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _segments(self) -> list[tuple[int, Path]]:
        found = ((_NAME.fullmatch(path.name), path) for path in self.folder.glob("*.jsonl"))
        return sorted((int(match[1]), path) for match, path in found if match)

    def _look(self) -> _End:
        """Where the store ends now. What another process wrote is read, and flushed again: it may have died before it did so itself."""
        segments, known = self._segments(), self._end
        if not segments:
            if known is not None and known.size:
                raise FileNotFoundError("the second store was there and is gone")
            return _End(self.folder / _name(0), 0, 0, 0, {})
        first, path = segments[-1]
        state = path.stat()
        if known is not None and (path, state.st_ino, state.st_size) == (known.path, known.inode, known.length):
            return known
        leaves, length = scan(path, first)
        with path.open("r+b") as file:
            if length < state.st_size:
                file.truncate(length)
            os.fsync(file.fileno())
        sync_folder(self.folder)
        self._end = _End(path, state.st_ino, length, first + len(leaves), leaves)
        return self._end

    def _add(self, lines: Sequence[Line]) -> None:
        end = self._look()
        for line in lines:
            if line["number"] < end.size and end.leaves.get(line["number"], line["leaf"]) != line["leaf"]:
                raise forked(int(line["number"]))
        if lines[-1]["number"] < end.size:
            return
        with self._guard:
            waiting = dict(self._waiting)
        number, run = end.size, []
        while number in waiting:
            run.append(waiting[number])
            number += 1
        if not run:
            raise GapError
        while run:
            end = self._write(end, run)
            run = run[end.size - run[0]["number"] :]
        self._end = end

    def _write(self, end: _End, run: Sequence[Line]) -> _End:
        """Write as many as the segment takes, or begin the next one."""
        path, leaves, length = end.path, dict(end.leaves), end.length
        if len(leaves) >= SEGMENT:
            path, leaves, length = self.folder / _name(end.size), {}, 0
        taken = run[: SEGMENT - len(leaves)]
        try:
            write_durably(path, b"".join(write_line(line) for line in taken), os.O_APPEND)
            if not length:
                sync_folder(self.folder)
        except BaseException:
            # What may be half written must not be believed by the next: it was acknowledged to nobody.
            with suppress(OSError):
                os.truncate(path, length)
            raise
        leaves.update({int(line["number"]): str(line["leaf"]) for line in taken})
        state = path.stat()
        return _End(path, state.st_ino, state.st_size, end.size + len(taken), leaves)


def _name(first: int) -> str:
    return f"{first:012d}.jsonl"
