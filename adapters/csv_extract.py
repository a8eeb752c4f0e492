"""Extracts written as CSV: read once, block by block, only the columns that are wanted, plain or gzip.

Nothing here repeats what the extract says: Arrow's own messages quote rows, so they are never passed on, chained or logged.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.csv as pcsv

from adapters.errors import MOST_ROWS, ValidationFailed, rows_refused
from adapters.files import BOM, is_gzip, not_encoded, reading, unreadable
from adapters.source import Seen, Source

BLOCK = 2 << 20
_HEADER_LIMIT = 1 << 16
_UNFINISHED = (csv.Error, OSError, EOFError, zlib.error)  # what ends the second reading of a file that is not even rows
_BLANK = "\x00{}"  # no header of a text file is named so


class CsvSource(Source):
    """A source whose extract is a comma-separated file with a header line.

    Columns without a header may stand at the end of the lines while nothing stands in them.

    Attributes:
        delimiter: what stands between values.
        newlines_in_values: whether quoted text may run over several lines.
    """

    delimiter: ClassVar[str] = ","
    newlines_in_values: ClassVar[bool] = False

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        return read_header(path, encoding, self.delimiter)

    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        present = self.headers(path, encoding=encoding)
        parse = pcsv.ParseOptions(delimiter=self.delimiter, newlines_in_values=self.newlines_in_values)
        first = 0
        for batch in _Reading(path, present, headers, encoding, parse, seen).batches():
            _refuse_nameless(batch, len(headers), first)
            yield batch.select(range(len(headers)))
            first += batch.num_rows


def read_header(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[str]:
    """The names in the first line. ValidationFailed if there is no file or no line, NotThisEncoding if it is not such text."""
    with reading(path) as stream:
        start = stream.read(_HEADER_LIMIT)
    line = start.removeprefix(BOM).splitlines()[:1]
    try:
        text = b"".join(line).decode(encoding)
    except UnicodeDecodeError:
        raise not_encoded(path, encoding) from None
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(text), delimiter=delimiter), [])]
    except csv.Error:
        names = []
    if not any(names) or len(start) == _HEADER_LIMIT == len(b"".join(line)):
        raise ValidationFailed(f"{path.name}: there is no header line.", remedy="A nil return is a file with its header line alone.")
    return names


def _refuse_nameless(batch: pa.RecordBatch, named: int, first: int) -> None:
    """Refuse values in columns without a header: nobody declared what they are."""
    for column in batch.columns[named:]:
        if column.null_count < len(column):
            filled = column.is_valid().to_numpy(zero_copy_only=False).nonzero()[0]
            raise rows_refused("", "as many values as there are headers", filled + first, why="A column without a header must be empty.")


@dataclass(frozen=True)
class _Reading:
    """One pass over a file. `batches` yields text columns by their native headers."""

    path: Path
    present: Sequence[str]
    headers: Sequence[str]
    encoding: str
    parse: pcsv.ParseOptions
    seen: Seen | None

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self.path.open("rb") as raw:
            total, rows, text = self.path.stat().st_size, 0, _Counted(_decompressed(raw))
            for batch in self._translated(self._stream(text)):
                rows += batch.num_rows
                if self.seen:
                    self.seen(min(raw.tell(), total), total)
                yield batch
        if not self.parse.newlines_in_values and text.lines != rows + 1:
            self._refuse_swallowed()

    def _refuse_swallowed(self) -> None:
        """Refuse rows that stand on several lines: to Arrow everything between two stray quotes is one value, and the rows in it are gone."""
        try:
            rows = [row - 1 for row, _, lines in self._rows() if lines > 1]
        except _UNFINISHED:
            raise _no_csv(self.path) from None
        if rows:
            raise rows_refused(
                "", "a record on one line", rows, why="A quote that is not closed takes what follows it for part of its value."
            )

    def _stream(self, text: "_Counted") -> Iterator[pa.RecordBatch]:
        names = [header or _BLANK.format(place) for place, header in enumerate(self.present)]
        chosen = [*self.headers, *(name for name, header in zip(names, self.present, strict=True) if not header)]
        # The names are given, not read: in the file blanks may stand around them.
        read = pcsv.ReadOptions(block_size=BLOCK, encoding=_arrow_name(self.encoding), column_names=names, skip_rows=1)
        convert = pcsv.ConvertOptions(
            include_columns=chosen,
            column_types=dict.fromkeys(chosen, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        yield from pcsv.open_csv(pa.PythonFile(text, mode="r"), read_options=read, parse_options=self.parse, convert_options=convert)

    def _translated(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches; whatever Arrow raises becomes one of ours, without its words, for they may quote a row."""
        while True:
            try:
                batch = next(batches, None)
            except UnicodeDecodeError:
                raise not_encoded(self.path, self.encoding) from None
            except pa.ArrowInvalid as error:
                raise self._refusal(str(error)) from None
            except OSError as error:
                raise unreadable(self.path, error) from None
            if batch is None:
                return
            yield batch

    def _refusal(self, said: str) -> ValidationFailed:
        if "invalid UTF8" in said:
            return not_encoded(self.path, self.encoding)
        if not said.startswith("CSV parse error: Expected"):
            return _no_csv(self.path)
        try:
            rows = list(islice((row for row, values, _ in self._rows() if values != len(self.present)), MOST_ROWS))
        except UnicodeDecodeError:
            return not_encoded(self.path, self.encoding)
        except _UNFINISHED:
            rows = []
        return _not_rectangular(self.path, rows) if rows else _no_csv(self.path)

    def _rows(self) -> Iterator[tuple[int, int, int]]:
        """The number of each row, of its values and of its lines: a second, slow reading, where something is wrong or lines are empty."""
        with self.path.open("rb") as raw, io.TextIOWrapper(_unpacked(raw), encoding=self.encoding, newline="") as text:
            next(text)
            read, row, before = csv.reader(_bounded(text), delimiter=self.parse.delimiter), 0, 0
            for values in read:
                if values:
                    row += 1
                    yield row, len(values), read.line_num - before
                before = read.line_num


def _bounded(text: io.TextIOBase) -> Iterator[str]:
    """The lines of a text, none of which is longer than what Arrow would read."""
    while line := text.readline(BLOCK):
        if len(line) == BLOCK:
            raise csv.Error
        yield line


class _Counted:
    """A stream that counts its lines as it is read; the last one counts without its end as well."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ends = 0
        self._open = False
        self.closed = False

    @property
    def lines(self) -> int:
        """Lines so far, empty ones among them."""
        return self._ends + self._open

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = bytes(self._stream.read(size))
        self._ends += data.count(b"\n")
        self._open = not data.endswith(b"\n") if data else self._open
        return data

    def close(self) -> None:
        """Nothing: who opened the stream closes it."""


def _not_rectangular(path: Path, rows: Sequence[int]) -> ValidationFailed:
    return ValidationFailed(
        f"{path.name}: row {rows[0]:,} does not have as many values as the header has columns.",
        why=f"Found at rows {', '.join(f'{row:,}' for row in rows)}{' and perhaps more' if len(rows) == MOST_ROWS else ''}.",
        remedy="Export it again: commas and quotes inside values must be quoted.",
        report=[{"field": "", "rule": "as many values as columns", "rows": list(rows), "count": len(rows)}],
    )


def _no_csv(path: Path) -> ValidationFailed:
    return ValidationFailed(f"{path.name}: this is not CSV.", remedy="Export the file again; quotes must be closed.")


def _unpacked(raw: BinaryIO) -> Any:
    return gzip.GzipFile(fileobj=raw) if is_gzip(raw) else raw


def _decompressed(raw: BinaryIO) -> Any:
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "gzip") if is_gzip(raw) else raw


def _arrow_name(encoding: str) -> str:
    return "utf8" if encoding == "utf-8" else encoding
