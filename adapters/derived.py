"""Fields made from other columns of the same record, at the agency: the columns themselves need not be named by any agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from agreements.fields import FieldType


@runtime_checkable
class Derived(Protocol):
    """A field made from other columns; implementations are frozen dataclasses whose arguments are names of the source's columns."""

    @property
    def type(self) -> FieldType:
        """What it holds."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the columns it is made from, in the order in which ``make`` takes them."""

    def make(self, parts: Sequence[pa.Array]) -> pa.Array:
        """The field, in the Arrow type of its field type, from its parts in theirs; as many rows."""


@dataclass(frozen=True)
class Age:
    """Whole years from a date of birth to another day, both DATE columns; null where either is missing or the day lies before the birth.

    Who was born on 29 February is a year older on 1 March of a year without that day.
    """

    born: str
    at: str

    @property
    def type(self) -> FieldType:
        return FieldType.INTEGER

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.born, self.at)

    def make(self, parts: Sequence[pa.Array]) -> pa.Array:
        born, at = parts
        # The birthday as MMDD: it compares as the day of the year does, whatever the year.
        early = pc.less(_month_day(at), _month_day(born))
        years = pc.subtract(pc.subtract(pc.year(at), pc.year(born)), early.cast(pa.int64()))
        return pc.if_else(pc.greater_equal(years, 0), years, pa.scalar(None, pa.int64()))


def _month_day(days: pa.Array) -> pa.Array:
    return pc.add(pc.multiply(pc.month(days), 100), pc.day(days))
