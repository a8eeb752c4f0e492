"""Field rules: what may leave of a column. Each is applied at the agency, verified at the hub, and says itself in English.

A rule is a frozen class with four methods. To add one, write the class and give it a row in ``agreements.rule_table``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agreements.codes import CodeList, agreed
from agreements.errors import InvalidRule


class FieldType(StrEnum):
    """What a source column holds, before its rule. A month is held as its first day."""

    TEXT = "text"
    INTEGER = "integer"
    DATE = "date"
    MONTH = "month"


ARROW: Mapping[FieldType, pa.DataType] = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.DATE: pa.date32(),
    FieldType.MONTH: pa.date32(),
}

UNLISTED = "\x00unlisted"
"""What ``map`` makes of a code nobody agreed on. Agreed values hold no control characters, so it is never one of them."""

Pseudonymise = Callable[[pa.Array, str], pa.Array]


@dataclass(frozen=True)
class Means:
    """What rules need from outside: how to pseudonymise a column under a kind, and the code lists at hand."""

    pseudonymise: Pseudonymise
    lists: Mapping[str, CodeList]


class Rule(Protocol):
    """What every field rule answers."""

    def output(self, source: FieldType) -> pa.DataType:
        """The Arrow type that leaves; :class:`InvalidRule` where the rule does not suit the type."""

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        """The column as it may leave. Values the rule does not admit stay as they are, for :meth:`faults` to find."""

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        """True where a value (nulls aside) is not one that :meth:`apply` may produce."""

    def describe(self) -> str:
        """The rule in English, to stand after “the field is …”."""


def _suits(rule: str, source: FieldType, *types: FieldType) -> None:
    if source not in types:
        raise InvalidRule(f"{rule} does not suit a field of type {source}: it takes {' or '.join(types)}.")


def quoted(values: Sequence[str], between: str = ", ") -> str:
    """Values in quotation marks, every one of them: who reads a rule reads all that it lets through."""
    return between.join(f"“{value}”" for value in values)


def none_of(column: pa.Array) -> pa.BooleanArray:
    """False for every row."""
    return pa.array(np.zeros(len(column), dtype=bool))


def not_floored(column: pa.Array, unit: str) -> pa.BooleanArray:
    """True where a date is present and not the first day of its month, quarter or year."""
    return pc.fill_null(pc.not_equal(column, floored(column, unit)), fill_value=False)


def floored(column: pa.Array, unit: str) -> pa.Array:
    """Each date's first day of its month, quarter or year."""
    return pc.floor_temporal(column, unit=unit).cast(pa.date32())


def not_in(column: pa.Array, values: Sequence[str]) -> pa.BooleanArray:
    """True where a value is present and not one of ``values``."""
    return pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, value_set=pa.array(values, column.type))))


@dataclass(frozen=True)
class KeepValues:
    """``keep``: text, only the values of a list written in the agreement."""

    values: tuple[str, ...]

    def output(self, source: FieldType) -> pa.DataType:
        _suits("keep by values", source, FieldType.TEXT)
        return pa.string()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return not_in(column, self.values)

    def describe(self) -> str:
        return (
            f"kept as it is, and may only be one of {len(self.values)} values: {quoted(self.values)}"
            if len(self.values) > 1
            else f"kept as it is, and may only be {quoted(self.values)}"
        )


@dataclass(frozen=True)
class KeepPattern:
    """``keep``: text, only what an anchored pattern admits as a whole. Leak detectors read what this rule keeps."""

    pattern: str

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.pattern)
        except re.error as error:
            raise InvalidRule("keep by pattern: the pattern is not a regular expression.") from error
        if not (self.pattern.startswith("^") and self.pattern.endswith("$")) or compiled.match(""):
            raise InvalidRule("keep by pattern: the pattern must begin with ^, end with $ and not admit the empty text.")

    def output(self, source: FieldType) -> pa.DataType:
        _suits("keep by pattern", source, FieldType.TEXT)
        return pa.string()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        distinct = pc.unique(column.drop_null())
        admitted = re.compile(self.pattern)
        bad = [value for value in distinct.to_pylist() if not admitted.fullmatch(value)]
        return pc.fill_null(pc.is_in(column, value_set=pa.array(bad, pa.string())), fill_value=False)

    def describe(self) -> str:
        return f"kept as it is where it has exactly the form {self.pattern}"


@dataclass(frozen=True)
class KeepRange:
    """``keep``: whole numbers or dates, both ends included."""

    low: int | date
    high: int | date

    def __post_init__(self) -> None:
        if type(self.low) is not type(self.high) or type(self.low) not in (int, date):
            raise InvalidRule("keep by range: “from” and “to” are two whole numbers or two dates.")
        if self.low > self.high:  # type: ignore[operator]  # one type: checked first
            raise InvalidRule("keep by range: “from” must not lie after “to”.")

    def output(self, source: FieldType) -> pa.DataType:
        dated = isinstance(self.low, date)
        _suits("keep by range", source, *((FieldType.DATE, FieldType.MONTH) if dated else (FieldType.INTEGER,)))
        return ARROW[source]

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return column

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        low, high = (pa.scalar(end, column.type) for end in (self.low, self.high))
        outside = pc.or_(pc.less(column, low), pc.greater(column, high))
        return pc.fill_null(outside, fill_value=False)

    def describe(self) -> str:
        return f"kept as it is where it lies from {self.low} to {self.high}"


@dataclass(frozen=True)
class PseudonymiseRule:
    """``pseudonymise``: an identifier becomes 16 bytes that only the agencies' linkage secret can produce."""

    kind: str

    def output(self, source: FieldType) -> pa.DataType:
        _suits("pseudonymise", source, FieldType.TEXT)
        return pa.binary(16)

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return means.pseudonymise(column, self.kind)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return none_of(column)

    def describe(self) -> str:
        return f"replaced, before it leaves the agency, by a pseudonym of kind {self.kind} that the hub cannot undo"


@dataclass(frozen=True)
class Map:
    """``map``: every source code becomes an agreed value; unlisted codes become ``otherwise``, blanks become ``blank``."""

    codes: tuple[tuple[str, str], ...]
    list_name: str
    list_digest: str
    values: tuple[str, ...]
    otherwise: str | None
    blank: str | None

    def output(self, source: FieldType) -> pa.DataType:
        _suits("map", source, FieldType.TEXT)
        return pa.string()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        codes = agreed(means.lists, self.list_name, self.list_digest).codes if self.list_name else dict(self.codes)
        encoded = column.dictionary_encode()
        # An unlisted code without “otherwise” becomes a mark that no rule can produce, so that faults() refuses the row: neither is the
        # row lost in silence, nor does a code that happens to read like an agreed value pass for it.
        rest = UNLISTED if self.otherwise is None else self.otherwise
        mapped = [codes.get(value, rest) if value else None for value in encoded.dictionary.to_pylist()]
        out = pa.array(mapped, pa.string()).take(encoded.indices)
        return pc.fill_null(out, self.blank) if self.blank is not None else out

    def _told(self) -> str:
        """Which codes become what, as far as people will read it."""
        becomes: dict[str, list[str]] = {}
        for code, value in self.codes:
            becomes.setdefault(value, []).append(code)
        return "; ".join(f"{', '.join(codes)} → {value}" for value, codes in becomes.items())

    @property
    def products(self) -> tuple[str, ...]:
        """Every value the rule may produce."""
        listed = self.values if self.list_name else tuple(dict.fromkeys(value for _, value in self.codes))
        return tuple(dict.fromkeys((*listed, *(value for value in (self.otherwise, self.blank) if value is not None))))

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return not_in(column, self.products)

    def describe(self) -> str:
        by = f"by the code list {self.list_name}" if self.list_name else f"by a list of codes ({self._told()})"
        rest = f"; any other code becomes “{self.otherwise}”" if self.otherwise is not None else "; any other code is refused"
        blank = f"; a blank becomes “{self.blank}”" if self.blank is not None else ""
        return f"replaced {by} with one of {len(self.products)} values: {quoted(self.products)}{rest}{blank}"
