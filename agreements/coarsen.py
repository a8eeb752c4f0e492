"""Field rules that coarsen: dates to months, numbers to bands, postcodes to districts. Same four methods as ``agreements.fields``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from agreements.errors import InvalidRule
from agreements.fields import ARROW, FieldType, Map, Means, floored, none_of, not_floored, not_in, quoted

_POSTCODE = r"^(?P<district>[A-Z]{1,2}[0-9][A-Z0-9]?) ?(?P<digit>[0-9])[A-Z]{2}$"
_DISTRICT = re.compile(r"^[A-Z]{1,2}[0-9][A-Z0-9]?$")
_SECTOR = re.compile(r"^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9]$")


class Coarse(StrEnum):
    """What ``generalise`` may make of a date or a postcode."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DISTRICT = "district"
    SECTOR = "sector"


_TAKES: Mapping[Coarse, FieldType] = {
    Coarse.MONTH: FieldType.DATE,
    Coarse.QUARTER: FieldType.DATE,
    Coarse.YEAR: FieldType.DATE,
    Coarse.DISTRICT: FieldType.TEXT,
    Coarse.SECTOR: FieldType.TEXT,
}


def _require(rule: str, source: FieldType, wanted: FieldType) -> None:
    if source is not wanted:
        raise InvalidRule(f"{rule} does not suit a field of type {source}: it takes {wanted}.")


@dataclass(frozen=True)
class Generalise:
    """``generalise``: a date to the first day of its month, quarter or year; a postcode to its district or sector."""

    to: Coarse

    def output(self, source: FieldType) -> pa.DataType:
        wanted = _TAKES[self.to]
        if not (source is FieldType.MONTH and self.to in (Coarse.QUARTER, Coarse.YEAR)):
            _require(f"generalise to {self.to}", source, wanted)
        return ARROW[wanted]

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        if _TAKES[self.to] is FieldType.DATE:
            return floored(column, str(self.to))
        found = pc.extract_regex(pc.utf8_upper(pc.utf8_trim_whitespace(column)), _POSTCODE)
        district, digit = pc.struct_field(found, "district"), pc.struct_field(found, "digit")
        out = district if self.to is Coarse.DISTRICT else pc.binary_join_element_wise(district, digit, " ")
        # What is no postcode stays as it was, and is then refused by faults(); a blank is a blank.
        kept = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        return pc.coalesce(out, kept)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        if _TAKES[self.to] is FieldType.DATE:
            return not_floored(column, str(self.to))
        form = _DISTRICT if self.to is Coarse.DISTRICT else _SECTOR
        bad = [value for value in pc.unique(column.drop_null()).to_pylist() if not form.fullmatch(value)]
        return pc.fill_null(pc.is_in(column, value_set=pa.array(bad, pa.string())), fill_value=False)

    def describe(self) -> str:
        if _TAKES[self.to] is FieldType.DATE:
            return f"made coarser: only the {self.to} of the date leaves, as its first day"
        return f"made coarser: only the {self.to} of the postcode leaves"


AREAS = ("ward", "authority")


@dataclass(frozen=True)
class GeneraliseArea(Map):
    """``generalise``: a neighbourhood (LSOA) code becomes its ward or local authority, by an agreed code list."""

    to: str

    def describe(self) -> str:
        what = "local authority" if self.to == "authority" else self.to
        return f"made coarser: only the {what} of the neighbourhood leaves, {super().describe()}"


@dataclass(frozen=True)
class BandEdges:
    """``band``: a whole number becomes the label of the band it falls in: ``under 18``, ``18 to 24``, ``25 and over``."""

    edges: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.edges) < 1 or list(self.edges) != sorted(set(self.edges)):
            raise InvalidRule("band: the edges must be whole numbers, rising, at least one.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The bands' labels, lowest first."""
        pairs = zip(self.edges, self.edges[1:], strict=False)
        middle = (f"{low} to {high - 1}" if high - 1 > low else f"{low}" for low, high in pairs)
        return (f"under {self.edges[0]}", *middle, f"{self.edges[-1]} and over")

    def output(self, source: FieldType) -> pa.DataType:
        _require("band", source, FieldType.INTEGER)
        return pa.string()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        above = [pc.greater_equal(column, edge).cast(pa.int64()) for edge in self.edges]
        index = above[0]
        for more in above[1:]:
            index = pc.add(index, more)
        return pa.array(self.labels, pa.string()).take(index)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return not_in(column, self.labels)

    def describe(self) -> str:
        return f"replaced by a band: {', '.join(self.labels)}"


@dataclass(frozen=True)
class Flag:
    """``flag``: true where the value is one of a list, false where it is another; the value itself does not leave."""

    values: tuple[str, ...]

    def output(self, source: FieldType) -> pa.DataType:
        _require("flag", source, FieldType.TEXT)
        return pa.bool_()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        found = pc.is_in(column, value_set=pa.array(self.values, pa.string()))
        blank = pc.or_kleene(pc.is_null(column), pc.equal(column, ""))
        return pc.if_else(blank, pa.scalar(None, pa.bool_()), found)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return none_of(column)

    def describe(self) -> str:
        return f"replaced by yes or no: whether it is {quoted(self.values, ' or ')}"


@dataclass(frozen=True)
class Round:
    """``round``: a whole number to the nearest multiple of a step (halves away from nought)."""

    step: int

    def __post_init__(self) -> None:
        if self.step < 2:
            raise InvalidRule("round: the step must be a whole number of 2 or more.")

    def output(self, source: FieldType) -> pa.DataType:
        _require("round", source, FieldType.INTEGER)
        return pa.int64()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return pc.round_to_multiple(column, pa.scalar(self.step, pa.int64()), round_mode="half_towards_infinity").cast(pa.int64())

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        whole = pc.multiply(pc.divide(column, self.step), self.step)
        return pc.fill_null(pc.not_equal(column, whole), fill_value=False)

    def describe(self) -> str:
        return f"rounded to the nearest {self.step}"


@dataclass(frozen=True)
class TopCode:
    """``top_code``: a whole number above the limit becomes the limit."""

    limit: int

    def output(self, source: FieldType) -> pa.DataType:
        _require("top_code", source, FieldType.INTEGER)
        return pa.int64()

    def apply(self, column: pa.Array, means: Means) -> pa.Array:
        return pc.if_else(pc.greater(column, self.limit), pa.scalar(self.limit, pa.int64()), column)

    def faults(self, column: pa.Array) -> pa.BooleanArray:
        return pc.fill_null(pc.greater(column, self.limit), fill_value=False)

    def describe(self) -> str:
        return f"capped: anything above {self.limit} leaves as {self.limit}"
