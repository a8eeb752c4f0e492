"""Extracts written as CSV: read once, block by block, only the columns that are wanted, plain or gzip.

Nothing here repeats what the extract says: Arrow's own messages quote rows, so they are never passed on, chained or logged.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.csv as pcsv

from adapters.errors import NotThisEncoding, ValidationFailed
from adapters.source import Seen, Source
from adapters.values import typed

BLOCK = 2 << 20
MOST_ROWS = 20
_HEADER_LIMIT = 1 << 16
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class CsvSource(Source):
    """A source whose extract is a comma-separated file with a header line.

    Attributes:
        newlines_in_values: whether quoted text may run over several lines.
    """

    newlines_in_values: ClassVar[bool] = False

    def extract(
        self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8", seen: Seen | None = None
    ) -> Iterator[pa.RecordBatch]:
        headers = self._headers(path, frozenset(wanted), encoding)
        reading = _Reading(path, headers, encoding, self.newlines_in_values, seen)
        first = 0
        for batch in reading.batches():
            columns = [typed(batch.column(header), self.columns[header], first) for header in headers]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema(wanted))
            first += batch.num_rows

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        return read_header(path, encoding)

    def _headers(self, path: Path, wanted: frozenset[str], encoding: str) -> list[str]:
        """The native headers of the wanted columns, once the file's header is what the source declares."""
        present = read_header(path, encoding)
        if len(self.columns.keys() & set(present)) * 2 < len(self.columns):
            # Perhaps there is no header at all, and this line is somebody's record: none of it may be repeated.
            raise ValidationFailed(
                f"{path.name}: the first line is not the header of {self.name}.",
                why=f"It begins with: {', '.join(list(self.columns)[:3])}, …",
                remedy="Export the file with its header line, or name the dataset that it belongs to.",
            )
        for place, header in enumerate(present, 1):
            if header not in self.columns:
                raise ValidationFailed(
                    f"{path.name}: column {place}, “{header}”, is unknown to {self.name}.",
                    why="A column that nobody declared may hold anything, so the extract is refused.",
                    remedy="Take the column out of the export.",
                )
            if present.count(header) > 1:
                raise ValidationFailed(f"{path.name}: the column “{header}” stands twice.", remedy="Export each column once.")
        chosen = [header for header, column in self.columns.items() if column.name in wanted]
        for header in chosen:
            if header not in present:
                raise ValidationFailed(
                    f"{path.name}: the column “{header}” is missing.",
                    why="The agreement makes a field from it.",
                    remedy="Put the column into the export.",
                )
        return chosen


def read_header(path: Path, encoding: str = "utf-8") -> list[str]:
    """The names in the first line. ValidationFailed if there is no file or no line, NotThisEncoding if it is not such text."""
    try:
        with _opened(path) as stream:
            start = bytes(stream.read(_HEADER_LIMIT))
    except OSError as error:
        raise _unreadable(path, error) from None
    line = start.removeprefix(_BOM).splitlines()[:1]
    try:
        text = b"".join(line).decode(encoding)
    except UnicodeDecodeError:
        raise _not_encoded(path, encoding) from None
    names = next(csv.reader(io.StringIO(text)), [])
    if not names or len(start) == _HEADER_LIMIT == len(b"".join(line)):
        raise ValidationFailed(f"{path.name}: there is no header line.", remedy="A nil return is a file with its header line alone.")
    return [name.strip() for name in names]


@dataclass
class _Reading:
    """One pass over a file. `batches` yields text columns by their native headers."""

    path: Path
    headers: list[str]
    encoding: str
    newlines: bool
    seen: Seen | None
    ragged: list[int | None] = field(default_factory=list)

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self.path.open("rb") as raw:
            total = self.path.stat().st_size
            for batch in _translated(self.path, self.encoding, self._stream(raw, threads=True)):
                if self.ragged:
                    raise self._not_rectangular()
                if self.seen:
                    self.seen(min(raw.tell(), total), total)
                yield batch
        if self.ragged:
            raise self._not_rectangular()

    def _stream(self, raw: Any, *, threads: bool) -> Iterator[pa.RecordBatch]:
        names = {header: pa.string() for header in self.headers}
        read = pcsv.ReadOptions(block_size=BLOCK, use_threads=threads, encoding=_arrow_name(self.encoding))
        parse = pcsv.ParseOptions(newlines_in_values=self.newlines, invalid_row_handler=self._note)
        convert = pcsv.ConvertOptions(
            include_columns=self.headers,
            column_types=names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        yield from pcsv.open_csv(_decompressed(raw), read_options=read, parse_options=parse, convert_options=convert)

    def _note(self, row: Any) -> str:
        self.ragged.append(row.number)
        return "skip"

    def _not_rectangular(self) -> ValidationFailed:
        """Row numbers are known only to a reader without threads: the file is read once more, for the report alone."""
        self.ragged = []
        with self.path.open("rb") as raw:
            for _ in _translated(self.path, self.encoding, self._stream(raw, threads=False)):
                if len(self.ragged) >= MOST_ROWS:
                    break
        rows = [number - 1 for number in self.ragged[:MOST_ROWS] if number]
        return ValidationFailed(
            f"{self.path.name}: row {rows[0]:,} does not have as many values as the header has columns.",
            why=f"Found at rows {', '.join(f'{row:,}' for row in rows)}{' and perhaps more' if len(rows) == MOST_ROWS else ''}.",
            remedy="Export it again: commas and quotes inside values must be quoted.",
            report=[{"field": "", "rule": "as many values as columns", "rows": rows, "count": len(rows)}],
        )


def _opened(path: Path) -> Any:
    with path.open("rb") as raw:
        compressed = raw.read(2) == _GZIP
    return pa.input_stream(str(path), compression="gzip" if compressed else None)


def _decompressed(raw: Any) -> Any:
    compressed = raw.read(2) == _GZIP
    raw.seek(0)
    file = pa.PythonFile(raw, mode="r")
    return pa.CompressedInputStream(file, "gzip") if compressed else file


def _translated(path: Path, encoding: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches; whatever Arrow raises becomes one of ours, without its words, for they may quote a row."""
    while True:
        try:
            batch = next(batches, None)
        except UnicodeDecodeError:
            raise _not_encoded(path, encoding) from None
        except pa.ArrowInvalid as error:
            if "invalid UTF8" in str(error):
                raise _not_encoded(path, encoding) from None
            raise ValidationFailed(f"{path.name}: this is not CSV.", remedy="Export the file again; quotes must be closed.") from None
        except OSError as error:
            raise _unreadable(path, error) from None
        if batch is None:
            return
        yield batch


def _not_encoded(path: Path, encoding: str) -> NotThisEncoding:
    return NotThisEncoding(f"{path.name}: the text is not {encoding}.", remedy="Export it as UTF-8 or as Windows-1252.")


def _unreadable(path: Path, error: OSError) -> ValidationFailed:
    reasons: Mapping[type[OSError], str] = {FileNotFoundError: "there is no such file", PermissionError: "it may not be read"}
    reason = reasons.get(type(error), "it breaks off or is damaged (gzip says so, or the disk)")
    return ValidationFailed(f"{path.name}: {reason}.", remedy="Nothing was sent. Copy or export the file again.")


def _arrow_name(encoding: str) -> str:
    return "utf8" if encoding == "utf-8" else encoding
