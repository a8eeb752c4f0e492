"""What a source is: a declaration of one native extract, checked when its class is defined, and how any of them is read."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import isabstract
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from adapters.derived import Derived
from adapters.doubts import Doubts
from adapters.errors import ConfigError, InvalidSource, ValidationFailed, rows_refused
from adapters.files import state
from adapters.identifiers import IDENTIFIERS
from adapters.native_codes import Codes
from adapters.values import misread, present, stripped, typed
from agreements.fields import ARROW, FieldType
from agreements.model import Dataset

NAMES = frozenset({"surname", "forename"})
"""Columns of a person's name: what stands there for “missing” is null, as in a column of identifiers."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_WORDS = ("system", "grain", "format")
_LONGEST_SAID = 60
_MISREAD = "perhaps not spelt so: letters as a wrong encoding makes them, delivered as written"
Seen = Callable[[int, int], None]


@dataclass(frozen=True)
class Column:
    """One column of a native extract: the name agreements know it by, what it holds, and how what is written there is read.

    Attributes:
        codes: how native codes are read; TEXT only.
        identifier: the name of one of IDENTIFIERS; TEXT only. The column is delivered in canonical form, null where a value is none.
    """

    name: str
    type: FieldType
    codes: Codes | None = None
    identifier: str = ""

    def read(self, text: pa.Array, first_row: int = 0, doubts: Doubts | None = None, *, packed: bool = False) -> pa.Array:
        """A text column of the extract as it is delivered, in the Arrow type of the field type.

        Args:
            first_row: rows of the extract before it.
            packed: whether dates may be written YYYYMMDD.
        Raises:
            ValidationFailed: values are not of the type, or codes not listed; by row number.
        """
        text = stripped(text)
        if self.type is not FieldType.TEXT:
            return typed(text, self.name, self.type, first_row, packed=packed)
        if self.identifier:
            return self._identified(present(text), doubts)
        if self.codes is not None:
            return self.codes.delivered(text, self.name, first_row, doubts)
        if self.name not in NAMES:
            return text
        if doubts is not None:
            doubts.add(self.name, _MISREAD, misread(text))
        return present(text)

    def _identified(self, text: pa.Array, doubts: Doubts | None) -> pa.Array:
        identifier = IDENTIFIERS[self.identifier]
        canonical = identifier.canonical(text)
        if doubts is not None:
            doubts.add(self.name, identifier.doubt, canonical.null_count - text.null_count)
        return canonical


class Source(ABC):
    """One kind of extract of one system. A format's base class says how it is written; the declaration, what it holds.

    Attributes:
        name: by which agreements call this adapter.
        system: the native system, for people.
        grain: what one row is.
        format: how the extract is written.
        columns: native header → the source field. An extract may lack columns of which the agreement names none; what the agreement does
            not name is not read past the header.
        derived: source field → how it is made from other columns.
        encodings: of text, in the order in which they are tried.
        packed_dates: whether dates may be written YYYYMMDD.
        not_header: what is said of an extract of something else.
    """

    name: ClassVar[str]
    system: ClassVar[str]
    grain: ClassVar[str]
    format: ClassVar[str]
    columns: ClassVar[Mapping[str, Column]]
    derived: ClassVar[Mapping[str, Derived]] = MappingProxyType({})
    encodings: ClassVar[tuple[str, ...]] = ("utf-8", "cp1252")
    packed_dates: ClassVar[bool] = False
    not_header: ClassVar[str] = "the first line is not the header"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:  # a format's base class (CsvSource) declares no source
            _check_declaration(cls)
            cls.check_format(f"source {cls.__name__}")

    @classmethod  # noqa: B027 - most formats have nothing of their own to check
    def check_format(cls, place: str) -> None:
        """Refuse, with InvalidSource, a declaration that this format cannot read. `place` begins the message."""

    @abstractmethod
    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        """The native headers that an extract has, in its order; an empty one is a column without a header.

        Raises:
            ValidationFailed: there is no such file, or it is not of this format.
            NotThisEncoding: the text is not in this encoding.
        """

    @abstractmethod
    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        """Read an extract once, in bounded memory: batches of string columns, named and ordered as `headers`, empty text null.

        Raises as `headers` does.
        """

    def extract(
        self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8", seen: Seen | None = None, doubts: Doubts | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read an extract once, in bounded memory.

        Args:
            path: the extract.
            wanted: source fields to deliver; besides them, only the parts of derived ones are looked at.
            encoding: of the text.
            seen: told (bytes read, bytes in all) as reading goes on.
            doubts: told what is accepted and doubtful.
        Yields:
            Batches as `schema` says: wanted columns in the order of `columns`, then wanted derived fields in the order of `derived`.
        Raises:
            ValidationFailed: a column is missing or unknown, or values are not of their type (row numbers, never values); the file changed
                while it was read.
            NotThisEncoding: the text is not in this encoding.
        """
        before = state(path)
        needed = {header: column for header, column in self.columns.items() if column.name in self.needed(wanted)}
        self._check_header(path, self.headers(path, encoding=encoding), needed)
        schema, first = self.schema(wanted), 0
        for batch in self.texts(path, list(needed), encoding=encoding, seen=seen):
            _refuse_header_again(batch, first)
            read = {
                column.name: column.read(batch.column(header), first, doubts, packed=self.packed_dates) for header, column in needed.items()
            }
            for name, derived in self.derived.items():
                if name in wanted:
                    read[name] = derived.make([read[part] for part in derived.parts])
            yield pa.RecordBatch.from_arrays([read[name] for name in schema.names], schema=schema)
            first += batch.num_rows
        if state(path) != before:  # the header, or the paths, may have been another file's
            raise ValidationFailed(f"{path.name}: the file changed while it was read.", remedy="Wait until the export is finished.")

    def needed(self, wanted: Collection[str]) -> frozenset[str]:
        """The names of the columns that are read to deliver these source fields."""
        parts = (set(derived.parts) for name, derived in self.derived.items() if name in wanted)
        return frozenset(wanted).union(*parts) & {column.name for column in self.columns.values()}

    def unread(self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8") -> list[str]:
        """The headers of an extract whose columns are not looked at."""
        state(path)
        needed = self.needed(wanted)
        found = self.headers(path, encoding=encoding)
        return [header for header in found if header in self.columns and self.columns[header].name not in needed]

    def types(self) -> dict[str, FieldType]:
        """Every source field and what it holds: columns, then derived fields."""
        columns = {column.name: column.type for column in self.columns.values()}
        return columns | {name: derived.type for name, derived in self.derived.items()}

    def schema(self, wanted: Collection[str]) -> pa.Schema:
        """The Arrow schema of the batches that `extract` yields for these fields."""
        return pa.schema([pa.field(name, ARROW[kind]) for name, kind in self.types().items() if name in wanted])

    def require(self, dataset: Dataset, clause: str) -> None:
        """Refuse, with ConfigError, a dataset that this source cannot supply."""
        types = self.types()
        for field in dataset.fields:
            if types.get(field.source) is not field.type:
                raise ConfigError(
                    f"The agreement makes “{field.name}” from a {field.type} “{field.source}”, which the adapter {self.name} does not read.",
                    why=f"{clause}.",
                    remedy="Install the version of exchange-agency that knows this column, or correct the agreement.",
                )

    def _check_header(self, path: Path, found: Sequence[str], needed: Collection[str]) -> None:
        """Refuse an extract whose header is not what the source declares, or lacks a column that is needed."""
        named = [header for header in found if header]
        if sum(header in self.columns for header in named) * 2 <= len(named):
            # Perhaps there is no header at all, and this line is somebody's record: none of it may be repeated.
            raise ValidationFailed(
                f"{path.name}: {self.not_header} of {self.name}.",
                why=f"Its columns are: {', '.join(list(self.columns)[:3])}, …",
                remedy="Export the file with its header line, or name the dataset that it belongs to.",
            )
        for place, header in enumerate(found, 1):
            if header not in self.columns and any(found[place - 1 :]):
                raise ValidationFailed(
                    f"{path.name}: column {place}, “{_said(header)}”, is unknown to {self.name}.",
                    why="A column that nobody declared may hold anything, so the extract is refused.",
                    remedy="Take the column out of the export.",
                )
            if header and named.count(header) > 1:
                raise ValidationFailed(f"{path.name}: the column “{header}” stands twice.", remedy="Export each column once.")
        for header in needed:
            if header not in named:
                raise ValidationFailed(
                    f"{path.name}: the column “{header}” is missing.",
                    why="The agreement makes a field from it.",
                    remedy="Put the column into the export.",
                )


def wanted_fields(dataset: Dataset) -> frozenset[str]:
    """The source fields that a dataset is made from."""
    return frozenset(field.source for field in dataset.fields)


def _said(header: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in header)
    return shown if len(shown) <= _LONGEST_SAID else f"{shown[:_LONGEST_SAID]}…"


def _refuse_header_again(batch: pa.RecordBatch, first: int) -> None:
    """Refuse records in which every column holds its own header: one extract was put behind another, and the line is nobody's record."""
    names = batch.schema.names
    if not names:
        return
    alike = pc.indices_nonzero(pc.ends_with(batch.column(len(names) - 1), pattern=names[-1])).to_pylist()
    rows = [row for row in alike if all(_bare(batch.column(at)[row].as_py()) == name for at, name in enumerate(names))]
    if rows:
        raise rows_refused(
            "", "a record: it is the header again", [first + row for row in rows], why="It seems that one extract was put behind another."
        )


def _bare(value: str | None) -> str:
    """A value as a header is compared: a second file may begin with a byte-order mark."""
    return (value or "").strip().removeprefix("\ufeff").strip()


def _check_declaration(cls: type[Source]) -> None:
    place = f"source {cls.__name__}"
    if isabstract(cls):
        raise InvalidSource(f"{place}: nothing says how an extract is read: headers() or texts() is missing.")
    if not _NAME.fullmatch(str(cls.name)):
        raise InvalidSource(f"{place}: name must be lower-case words joined by _.")
    for word in _WORDS:
        if not isinstance(getattr(cls, word, None), str) or not getattr(cls, word).strip():
            raise InvalidSource(f"{place}: {word} is missing.")
    columns = getattr(cls, "columns", None)
    if not isinstance(columns, Mapping) or not columns:
        raise InvalidSource(f"{place}: columns is missing or empty.")
    for header, column in columns.items():
        if not isinstance(header, str) or not header.strip() or header != header.strip():
            raise InvalidSource(f"{place}: a native header is empty or has space around it.")
        _check_column(place, header, column)
    names = [column.name for column in columns.values()] + list(cls.derived)
    if len(set(names)) != len(names):
        raise InvalidSource(f"{place}: a source field name stands twice.")
    _check_derived(cls, place)


def _check_column(place: str, header: str, column: object) -> None:
    if not isinstance(column, Column) or not _NAME.fullmatch(column.name) or not isinstance(column.type, FieldType):
        raise InvalidSource(f"{place}: the column “{header}” is not declared as Column(name, FieldType).")
    if (column.codes or column.identifier) and column.type is not FieldType.TEXT:
        raise InvalidSource(f"{place}: “{header}” has codes or an identifier, and is not TEXT.")
    if column.codes and column.identifier:
        raise InvalidSource(f"{place}: “{header}” cannot have codes and be an identifier.")
    if column.identifier and column.identifier not in IDENTIFIERS:
        raise InvalidSource(f"{place}: “{header}” is no identifier of {', '.join(IDENTIFIERS)}.")


def _check_derived(cls: type[Source], place: str) -> None:
    names = {column.name for column in cls.columns.values()}
    for name, derived in cls.derived.items():
        if not _NAME.fullmatch(name) or not isinstance(derived, Derived):
            raise InvalidSource(f"{place}: the derived field “{name}” is not declared as one of Derived.")
        if missing := [part for part in derived.parts if part not in names]:
            raise InvalidSource(f"{place}: “{name}” is made from {', '.join(missing)}, which is no column.")
