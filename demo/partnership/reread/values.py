"""What stands in a native extract, as `docs/sources.md` says that it is read: days, codes, identifiers; age on a day."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from adapters.native_codes import Codes
from adapters.source import Column
from agreements.fields import FieldType

_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MISSING = ("NULL", "N/A", "-", "UNKNOWN")
Read = Callable[[str], Any]


def each(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    """Values one by one; what stands often is read once."""
    known = {value: read(value) for value in set(values)}
    return [known[value] for value in values]


def if_any(read: Read) -> Callable[[str | None], Any]:
    """A reading of what there is; of nothing it is nothing."""
    return lambda value: None if value is None else read(value)


def reading_of(column: Column) -> Callable[[str | None], Any]:
    """How one column of a source is read: without the blanks around what is written, and blanks alone are nothing."""
    read = _reading_of(column)
    return if_any(lambda value: read(bare) if (bare := value.strip()) else None)


def _reading_of(column: Column) -> Read:
    if column.type in {FieldType.DATE, FieldType.MONTH}:
        return day
    if column.type is FieldType.INTEGER:
        return int
    if column.identifier:
        return lambda value: None if value.upper() in _MISSING else _IDENTIFIERS[column.identifier](value.upper().strip())
    if column.codes is not None:
        return _code(column.codes)
    if column.name in {"surname", "forename"}:
        return lambda value: None if value.upper() in _MISSING else value
    return str


def _code(codes: Codes) -> Read:
    """A listed code, or one no longer issued, as what it is delivered as; any other in capitals."""
    known = {**codes.retired, **codes.current}
    return lambda value: known.get(value.upper(), value.upper())


@cache
def day(value: str) -> date:
    """YYYY-MM-DD, DD/MM/YYYY or DD-MON-YYYY, perhaps with a time of day after it; YYYYMMDD; of YYYY-MM the first."""
    text, *_ = re.split(r"(?<=\d)[T ]", value, maxsplit=1)
    if "/" in text:
        first, second, third = text.split("/")
        return date(int(third), int(second), int(first))
    if text.isdigit():
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    first, second, *rest = text.split("-")
    if second.upper() in _MONTHS:
        return date(int(rest[0]), _MONTHS.index(second.upper()) + 1, int(first))
    return date(int(first), int(second), int(rest[0]) if rest else 1)


@cache
def _pnc(value: str) -> str | None:
    """Year, serial of seven digits, and the letter that checks them."""
    found = re.fullmatch(r"(\d{4})/?(\d{7})([A-Z])", value, re.ASCII) or re.fullmatch(r"(\d\d)/?(\d{1,7})([A-Z])", value, re.ASCII)
    if found is None:
        return None
    year, serial = found[1], found[2].zfill(7)
    full = year if len(year) == 4 else ("20" if int(year) <= date.today().year % 100 else "19") + year  # noqa: DTZ011 - a year, of an agency's clock
    right = int(serial) and full[:2] in {"19", "20"} and _LETTERS[int(full[2:] + serial) % 23] == found[3]
    return f"{full}/{serial}{found[3]}" if right else None


def _cro(value: str) -> str | None:
    """Serial, year and the letter that checks them; or SF, year and serial."""
    if found := re.fullmatch(r"SF(\d\d)/?(\d{1,6})([A-Z])", value, re.ASCII):
        year, serial, form = found[1], found[2].lstrip("0"), "SF{year}/{serial}{letter}"
    elif found := re.fullmatch(r"(\d{1,6})/?(\d\d)([A-Z])", value, re.ASCII):
        year, serial, form = found[2], found[1].zfill(6), "{serial}/{year}{letter}"
    else:
        return None
    right = int(serial or 0) and _LETTERS[int(year + serial) % 23] == found[3]
    return form.format(year=year, serial=serial, letter=found[3]) if right else None


def _formed(form: str, without: str = "") -> Callable[[str], str | None]:
    """What has a form once blanks are taken out, and is not of noughts."""

    def read(value: str) -> str | None:
        bare = re.sub(rf"[\s{without}]", "", value)
        return bare if re.fullmatch(form, bare, re.ASCII) and not re.fullmatch(r"\d{4}-\d\d-\d\d", bare) else None

    return read


_REFERENCE = r"(?=.*[1-9])[A-Z0-9][A-Z0-9/.-]{2,28}[A-Z0-9]"
_IDENTIFIERS: Mapping[str, Callable[[str], str | None]] = {
    "pnc": _pnc,
    "cro": _cro,
    "asn": _formed(".+"),
    "nhs": _formed(".+"),
    "urn": _formed(r"\d\d[A-Z0-9]{2}\d{7}", "/"),
    "noms": _formed(r"(?=.*[1-9])[A-Z]\d{4}[A-Z]{2}"),
    "crn": _formed(r"(?=.*[1-9])[A-Z]\d{6}"),
    "crime_reference": _formed(_REFERENCE),
    "incident_reference": _formed(_REFERENCE),
}
"""Of numbers that no agreement takes (``asn``, ``nhs``) whatever is written."""


def age(born: date | None, on: date | None) -> int | None:
    """Whole years on a day; nobody's before the birth."""
    if born is None or on is None or on < born:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
