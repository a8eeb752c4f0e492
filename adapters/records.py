"""Extracts of records that each name their values (XML, JSON): every path found in them is a header, and a record may leave values out."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from adapters.errors import InvalidSource, ValidationFailed, rows_refused
from adapters.files import Reading
from adapters.source import Seen, Source

ROWS = 1 << 12
_UNKNOWN = 64
_RARE = "?"


class RecordSource(Source):
    """A source whose records name their values by paths. The file is read twice: once for the paths there are, once for the values.

    Attributes:
        sparse: headers that the system leaves out of a record when they are empty, and so perhaps out of a whole extract. Any other that
            is wanted and that no record has is missing. An extract without records has every header.
    """

    sparse: ClassVar[frozenset[str]] = frozenset()
    not_header: ClassVar[str] = "its records are not those"

    @classmethod
    def check_format(cls, place: str) -> None:
        if unknown := cls.sparse - set(cls.columns):
            raise InvalidSource(f"{place}: sparse names {', '.join(sorted(unknown))}, which is no column.")

    @abstractmethod
    def records(self, path: Path, encoding: str, seen: Seen | None = None) -> Iterator[Mapping[str, str | None]]:
        """The records one by one, path → text, null and empty values among them. Raises as `headers` does."""

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        found: Counter[str] = Counter()
        count = 0
        for record in self.records(path, encoding):
            found.update(record.keys())
            count += 1
            if len(found) > len(self.columns) + _UNKNOWN:
                break  # refused in any case, and not to be collected without end
        known = [header for header in self.columns if header in found or header in self.sparse or not count]
        # A name that few records have, or a record that stands alone, may be a value gone astray: it is not repeated.
        return known + [header if many * 2 > count > 1 else _RARE for header, many in found.items() if header not in self.columns]

    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        waiting: list[Mapping[str, str | None]] = []
        first = 0
        for record in self.records(path, encoding, seen):
            waiting.append(record)
            if len(waiting) == ROWS:
                yield _batch(waiting, headers, first)
                first += ROWS
                waiting = []
        if waiting:
            yield _batch(waiting, headers, first)


def groups(headers: Iterable[str], separator: str) -> frozenset[str]:
    """The paths of which others are continuations: those of groups of values, not of values."""
    parts = (header.split(separator) for header in headers)
    return frozenset(separator.join(path[:depth]) for path in parts for depth in range(1, len(path)))


def tell(stream: Reading, seen: Seen | None) -> None:
    """A record is finished, and who watches may know how far we are."""
    stream.finished()
    if seen:
        seen(stream.done, stream.total)


def malformed(path: Path, kind: str, row: int) -> ValidationFailed:
    """The file stops being of its format after so many whole records."""
    return ValidationFailed(
        f"{path.name}: this is not {kind}.", why=f"{row:,} whole record(s) could be read before that.", remedy="Export the file again."
    )


def _batch(records: Sequence[Mapping[str, str | None]], headers: Sequence[str], first: int) -> pa.RecordBatch:
    columns = []
    for header in headers:
        values = [record.get(header) or None for record in records]
        try:
            columns.append(pa.array(values, pa.string()))
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and no text can hold
            wrong = [first + row for row, value in enumerate(values) if value and not _is_text(value)]
            raise rows_refused(header, "text", wrong) from None
    return pa.RecordBatch.from_arrays(columns, names=list(headers))


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
