"""Extracts of fixed width: lines of one length, columns by position, between a header record and a trailer record that counts them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from adapters.errors import InvalidSource, ValidationFailed, rows_refused
from adapters.files import CHUNK, Reading, not_encoded, reading
from adapters.source import Seen, Source

Span = tuple[int, int]
Octets = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
_FIRST_LINES = 1 << 16


@dataclass(frozen=True)
class Layout:
    """One record type: how long its lines are, and native header → where the column stands (first position from 1, length)."""

    width: int
    at: Mapping[str, Span]


class FixedWidthSource(Source):
    """A source whose extract is lines of fixed width in a single-byte encoding.

    The first line is the header record, the last the trailer record, which says how many lines stand between them. Those are all of one
    record type, which says their layout.

    Attributes:
        layouts: record type, as written → its layout.
        kind: where the record type stands, in every line.
        header_record: the type of the first line.
        trailer_record: the type of the last line.
        count: where the trailer says how many records there are.
    """

    layouts: ClassVar[Mapping[str, Layout]]
    kind: ClassVar[Span] = (1, 3)
    header_record: ClassVar[str] = "HDR"
    trailer_record: ClassVar[str] = "TRL"
    count: ClassVar[Span] = (4, 9)
    encodings: ClassVar[tuple[str, ...]] = ("ascii", "latin-1")
    packed_dates: ClassVar[bool] = True

    @classmethod
    def check_format(cls, place: str) -> None:
        for kind, layout in cls.layouts.items():
            if len(kind) != cls.kind[1]:
                raise InvalidSource(f"{place}: the record type {kind} is not {cls.kind[1]} characters long.")
            if not set(layout.at) <= set(cls.columns):
                raise InvalidSource(f"{place}: the layout {kind} places a column that is not declared.")
            taken = sorted([cls.kind, *layout.at.values()])
            beyond = any(start < 1 or length < 1 or start + length - 1 > layout.width for start, length in taken)
            if beyond or any(one[0] + one[1] > two[0] for one, two in pairwise(taken)):
                raise InvalidSource(f"{place}: columns of the layout {kind} overlap or lie beyond its width.")

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        kind = self._kind_of(path, encoding)
        return list(self.layouts[kind].at) if kind else list(self.columns)

    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        kind = self._kind_of(path, encoding)
        first = 0
        with reading(path, encoding) as stream:
            lines = _Lines(stream)
            lines.header()
            for block in lines.bodies():
                if not kind:
                    raise self._no_trailer(path)
                rows = self._rows(block, kind, first)
                stream.finished()
                yield pa.RecordBatch.from_arrays(
                    [_column(rows, self.layouts[kind].at[header], path, encoding) for header in headers], names=list(headers)
                )
                first += len(rows)
                if seen:
                    seen(stream.done, stream.total)
            self._check_trailer(path, lines.last, first)

    def _kind_of(self, path: Path, encoding: str) -> str:
        """The record type of the first record; empty where there is no record. Refuses a file that is none of this source's."""
        with reading(path, encoding) as stream:
            lines = stream.read(_FIRST_LINES).split(b"\n", 2)
        if self._type(lines[0]) != self.header_record:
            raise ValidationFailed(
                f"{path.name}: {self.not_header} of {self.name}.",
                why=f"It begins with {self.header_record}.",
                remedy="Export the file with its header record, or name the dataset that it belongs to.",
            )
        kind = self._type(lines[1]) if len(lines) > 1 else ""
        if kind in self.layouts:
            return kind
        if kind != self.trailer_record:
            raise rows_refused("", f"a record of {' or '.join(self.layouts)}", [0])
        return ""

    def _type(self, line: bytes) -> str:
        start, length = self.kind
        return line[start - 1 : start - 1 + length].decode("latin-1")

    def _rows(self, block: bytes, kind: str, first: int) -> Octets:
        """The lines of a block as a table of bytes, one line a row. Lines of another length or type are refused."""
        width = self.layouts[kind].width
        octets = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(octets == ord("\n"))
        starts = np.concatenate(([0], ends[:-1] + 1))
        ends = ends - ((ends > starts) & (octets[ends - 1] == ord("\r")))
        if len(wrong := np.flatnonzero(ends - starts != width)):
            raise rows_refused("", f"a line of {width:,} characters", wrong + first)
        rows: Octets = octets[starts[:, None] + np.arange(width)]
        start, length = self.kind
        other = (rows[:, start - 1 : start - 1 + length] != np.frombuffer(kind.encode(), np.uint8)).any(axis=1)
        if other.any():
            raise rows_refused("", f"a record of {kind}, as the first does", np.flatnonzero(other) + first)
        return rows

    def _check_trailer(self, path: Path, line: bytes, rows: int) -> None:
        start, length = self.count
        said = line[start - 1 : start - 1 + length].strip()
        if self._type(line) != self.trailer_record or not said.isdigit():
            raise self._no_trailer(path)
        if int(said) != rows:
            raise ValidationFailed(
                f"{path.name}: there are {rows:,} records, and its trailer record counts another number.",
                why="Lines are missing, or stand there twice.",
                remedy="Export the file again.",
            )

    def _no_trailer(self, path: Path) -> ValidationFailed:
        return ValidationFailed(
            f"{path.name}: the last line is not the trailer record of {self.name}, with its count.",
            why="The file may break off before its end.",
            remedy="Export it again.",
        )


class _Lines:
    """The lines of a file in blocks: the first, blocks of whole lines, and the last, which is known only at the end."""

    def __init__(self, stream: Reading) -> None:
        self._stream = stream
        self._held = b""
        self.last = b""

    def header(self) -> None:
        """Leave the first line behind."""
        while b"\n" not in self._held and (data := self._stream.read(CHUNK)):
            self._held += data
        self._held = self._held.partition(b"\n")[2]

    def bodies(self) -> Iterator[bytes]:
        while True:
            # The last whole line is kept back: it may be the trailer.
            end = self._held.rfind(b"\n", 0, max(self._held.rfind(b"\n"), 0)) + 1
            if end:
                yield self._held[:end]
                self._held = self._held[end:]
            data = self._stream.read(CHUNK)
            if not data:
                break
            self._held += data
        body, _, self.last = self._held.removesuffix(b"\n").rpartition(b"\n")
        if body:
            yield body + b"\n"


def _column(rows: Octets, span: Span, path: Path, encoding: str) -> pa.Array:
    """One column of a table of bytes as strings; blanks around them stay."""
    start, length = span
    part = np.ascontiguousarray(rows[:, start - 1 : start - 1 + length])
    if (part < 0x80).all():
        starts = np.arange(0, (len(part) + 1) * length, length, dtype=np.int32)
        return pa.Array.from_buffers(pa.string(), len(part), [None, pa.py_buffer(starts), pa.py_buffer(part)])
    if encoding in {"ascii", "utf-8"} or ((part >= 0x80) & (part < 0xA0)).any():
        raise not_encoded(path, encoding)
    return pa.array([row.tobytes().decode(encoding) for row in part], pa.string())
