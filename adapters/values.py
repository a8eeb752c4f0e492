"""From the text of a column to the Arrow type of its field. What cannot be read is refused by row number, never by value."""

import re
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import ValidationFailed
from adapters.source import Column
from agreements.fields import FieldType

MOST_ROWS = 20
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_FORMS: Mapping[FieldType, str] = {
    FieldType.MONTH: "a month (YYYY-MM)",
    FieldType.DATE: "a date (YYYY-MM-DD)",
    FieldType.INTEGER: "a whole number",
}


def typed(text: pa.Array, column: Column, first_row: int = 0) -> pa.Array:
    """The column in the Arrow type of its field type; nulls stay null.

    Args:
        text: a string column.
        first_row: how many rows of the extract lie before it, so that rows are counted from its beginning.
    Raises:
        ValidationFailed: with the numbers (from 1) of rows that do not have the form.
    """
    if column.type is FieldType.TEXT:
        return text
    values, wrong = _READ[column.type](text)
    if wrong.any():
        rows = [int(row) + first_row + 1 for row in np.flatnonzero(wrong)[:MOST_ROWS]]
        raise ValidationFailed(
            f"Column {column.name}: row {rows[0]:,} does not hold {_FORMS[column.type]}.",
            why=f"So far {int(wrong.sum()):,} such row(s); reading stopped there.",
            remedy="Nothing was sent. Correct the export.",
            report=[{"field": column.name, "rule": f"must be {_FORMS[column.type]}", "rows": rows, "count": int(wrong.sum())}],
        )
    return values


Read = tuple[pa.Array, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]


def _days(text: pa.Array, read: Callable[[str], date | None]) -> Read:
    """Dates repeat, so each distinct text is read once."""
    encoded = text.dictionary_encode()
    values = pa.array([read(value) for value in encoded.dictionary.to_pylist()], pa.date32()).take(encoded.indices)
    return values, _lost(text, values)


def _month(value: str) -> date | None:
    found = _MONTH.fullmatch(value)
    return _day(found[1], found[2], "01") if found else None


def _date(value: str) -> date | None:
    found = _DATE.fullmatch(value)
    return _day(found[1], found[2], found[3]) if found else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _integers(text: pa.Array) -> Read:
    fits = pc.match_substring_regex(text, r"^-?[0-9]{1,18}$")
    values = pc.if_else(fits, text, pa.scalar(None, pa.string())).cast(pa.int64())
    return values, _lost(text, values)


def _lost(text: pa.Array, values: pa.Array) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    lost: np.ndarray[tuple[int], np.dtype[np.bool_]] = pc.and_(text.is_valid(), values.is_null()).to_numpy(zero_copy_only=False)
    return lost


_READ: Mapping[FieldType, Callable[[pa.Array], Read]] = {
    FieldType.MONTH: lambda text: _days(text, _month),
    FieldType.DATE: lambda text: _days(text, _date),
    FieldType.INTEGER: _integers,
}
