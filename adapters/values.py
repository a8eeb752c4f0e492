"""From the text of a column to the Arrow type of its field. What cannot be read is refused by row number, never by value."""

import re
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import rows_refused
from agreements.fields import FieldType
from keys.columns import offsets

ABSENT = frozenset({"NULL", "N/A", "-", "UNKNOWN"})
"""What people write, in any case, where an identifier or a name is missing."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_TIME = r"(?:(?:T| +)[0-2]?\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?Z|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{2}})-(\d{{2}}){_TIME}", re.ASCII)
_STROKES = re.compile(rf"(\d{{2}})/(\d{{2}})/(\d{{4}}){_TIME}", re.ASCII)
_NAMED = re.compile(rf"(\d{{2}})-({'|'.join(_MONTHS)})-(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE)
_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_FORMS: Mapping[FieldType, str] = {
    FieldType.MONTH: "a month (YYYY-MM)",
    FieldType.DATE: "a date (YYYY-MM-DD, DD/MM/YYYY or DD-MON-YYYY)",
    FieldType.INTEGER: "a whole number",
}
# What the second byte of a letter of Latin-1 becomes, after the first has become Ã; and the beginning of a curved quote or a dash.
_MISREAD = "Ã(?:[\u00a0-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ])|â€"
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def stripped(text: pa.Array) -> pa.Array:
    """The string column without white space at either end of a value; what is empty then is null."""
    if not _ends_blank(text):
        return text
    bare = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(pc.binary_length(bare), 0), pa.scalar(None, pa.string()), bare)


def _ends_blank(text: pa.Array) -> bool:
    """Whether a value may have white space at an end: a look at the first and last bytes, for almost every column there is."""
    if len(text) == text.null_count:
        return False
    present = text.drop_null() if text.null_count else text
    ends = offsets(present)
    if (ends[1:] == ends[:-1]).any():
        return True
    octets = np.frombuffer(present.buffers()[2], np.uint8)
    # Beyond ASCII a character may be one of Unicode's blanks: such columns are looked at in full.
    return bool(((octets[ends[:-1]] - 33 > 93) | (octets[ends[1:] - 1] - 33 > 93)).any())


def misread(text: pa.Array) -> int:
    """How many values look like UTF-8 that somebody took for Windows-1252: “SiÃ¢n” for “Siân”, here or long ago in the system."""
    present = text.drop_null()
    ends = offsets(present)
    if not len(present) or (np.frombuffer(present.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]] < 0x80).all():
        return 0
    return int(pc.sum(pc.match_substring_regex(present, _MISREAD)).as_py() or 0)


def present(text: pa.Array) -> pa.Array:
    """The string column with null where somebody wrote that there is no value (ABSENT, in any case)."""
    told = pc.is_in(pc.utf8_upper(text), value_set=pa.array(sorted(ABSENT)))
    return pc.if_else(told, pa.scalar(None, pa.string()), text)


def typed(text: pa.Array, name: str, kind: FieldType, first_row: int = 0, *, packed: bool = False) -> pa.Array:
    """The column in the Arrow type of its field type; nulls stay null. A time of day after a date is cut off.

    Args:
        text: a string column, blanks stripped.
        name: of the column, for errors.
        first_row: how many rows of the extract lie before it, so that rows are counted from its beginning.
        packed: whether dates may be written YYYYMMDD as well.
    Raises:
        ValidationFailed: with the numbers (from 1) of rows that do not have the form.
    """
    if kind is FieldType.TEXT:
        return text
    values = _READ[kind](text) if not (packed and kind is FieldType.DATE) else _days(text, _packed)
    if values.null_count > text.null_count:
        lost: Mask = pc.and_(text.is_valid(), values.is_null()).to_numpy(zero_copy_only=False)
        raise rows_refused(name, _FORMS[kind], np.flatnonzero(lost) + first_row)
    return values


def _days(text: pa.Array, read: Callable[[str], date | None]) -> pa.Array:
    """Dates repeat, so each distinct text is read once."""
    encoded = text.dictionary_encode()
    return pa.array([read(value) for value in encoded.dictionary.to_pylist()], pa.date32()).take(encoded.indices)


def _month(value: str) -> date | None:
    found = _MONTH.fullmatch(value)
    return _day(found[1], found[2], "01") if found else None


def _date(value: str) -> date | None:
    if found := _ISO.fullmatch(value):
        return _day(found[1], found[2], found[3])
    if found := _STROKES.fullmatch(value):
        return _day(found[3], found[2], found[1])
    found = _NAMED.fullmatch(value)
    return _day(found[3], str(_MONTHS.index(found[2].upper()) + 1), found[1]) if found else None


def _packed(value: str) -> date | None:
    found = _PACKED.fullmatch(value)
    return _day(found[1], found[2], found[3]) if found else _date(value)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _integers(text: pa.Array) -> pa.Array:
    fits = pc.match_substring_regex(text, r"^-?[0-9]{1,18}$")
    return pc.if_else(fits, text, pa.scalar(None, pa.string())).cast(pa.int64())


_READ: Mapping[FieldType, Callable[[pa.Array], pa.Array]] = {
    FieldType.MONTH: lambda text: _days(text, _month),
    FieldType.DATE: lambda text: _days(text, _date),
    FieldType.INTEGER: _integers,
}
