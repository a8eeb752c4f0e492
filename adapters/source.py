"""What a source is: a declaration of one native extract, checked when its class is defined."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from inspect import isabstract
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from adapters.errors import ConfigError, InvalidSource
from agreements.fields import ARROW, FieldType
from agreements.model import Dataset

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_WORDS = ("system", "grain", "format")
Seen = Callable[[int, int], None]


@dataclass(frozen=True)
class Column:
    """One column of a native extract: the name agreements know it by, and what it holds."""

    name: str
    type: FieldType


class Source(ABC):
    """One kind of extract of one system.

    Attributes:
        name: by which agreements call this adapter.
        system: the native system, for people.
        grain: what one row is.
        format: how the extract is written.
        columns: native header → the source field. Whatever the agreement does not name is not read past the header.
        encodings: of text, in the order in which they are tried.
    """

    name: ClassVar[str]
    system: ClassVar[str]
    grain: ClassVar[str]
    format: ClassVar[str]
    columns: ClassVar[Mapping[str, Column]]
    encodings: ClassVar[tuple[str, ...]] = ("utf-8", "cp1252")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:  # a format's base class (CsvSource) declares no source
            _check_declaration(cls)

    @abstractmethod
    def extract(
        self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8", seen: Seen | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Read an extract once, in bounded memory.

        Args:
            path: the extract.
            wanted: source field names to parse; no other column is looked at.
            encoding: of the text.
            seen: told (bytes read, bytes in all) as reading goes on.
        Yields:
            Batches of the wanted columns in the order of `columns`, in the Arrow types of their field types; empty text is null.
        Raises:
            ValidationFailed: a column is missing or unknown, or values are not of their type (row numbers, never values).
            NotThisEncoding: the text is not in this encoding.
        """

    @abstractmethod
    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        """The native headers that an extract has, in its order. Raises as `extract` does."""

    def unread(self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8") -> list[str]:
        """The headers of an extract whose columns are not looked at."""
        present = self.headers(path, encoding=encoding)
        return [header for header in present if header in self.columns and self.columns[header].name not in wanted]

    def schema(self, wanted: Collection[str]) -> pa.Schema:
        """The Arrow schema of the batches that `extract` yields for these fields."""
        return pa.schema([pa.field(column.name, ARROW[column.type]) for column in self.columns.values() if column.name in wanted])

    def require(self, dataset: Dataset, clause: str) -> None:
        """Refuse, with ConfigError, a dataset that this source cannot supply."""
        types = {column.name: column.type for column in self.columns.values()}
        for field in dataset.fields:
            if types.get(field.source) is not field.type:
                raise ConfigError(
                    f"The agreement makes “{field.name}” from a {field.type} “{field.source}”, which the adapter {self.name} does not read.",
                    why=f"{clause}.",
                    remedy="Install the version of exchange-agency that knows this column, or correct the agreement.",
                )


def wanted_fields(dataset: Dataset) -> frozenset[str]:
    """The source fields that a dataset is made from."""
    return frozenset(field.source for field in dataset.fields)


def _check_declaration(cls: type[Source]) -> None:
    place = f"source {cls.__name__}"
    if isabstract(cls):
        raise InvalidSource(f"{place}: extract() is missing.")
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
        if not isinstance(column, Column) or not _NAME.fullmatch(column.name) or not isinstance(column.type, FieldType):
            raise InvalidSource(f"{place}: the column “{header}” is not declared as Column(name, FieldType).")
    names = [column.name for column in columns.values()]
    if len(set(names)) != len(names):
        raise InvalidSource(f"{place}: a source field name stands twice.")
