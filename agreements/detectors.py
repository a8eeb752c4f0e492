"""Leak detectors: does kept text look like an identifier of a person? They read each distinct value once and name kinds, never values.

Check characters follow the rules in the partnership's table of identifiers: NHS number modulo 11, PNC id modulo 23.
"""

import re
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

_PNC_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
_NHS = re.compile(r"(?<!\d)(\d{3})[ -]?(\d{3})[ -]?(\d{4})(?!\d)")
_PNC = re.compile(r"(?<!\d)(?:(\d{2}|\d{4})/(\d{1,7})|((?:19|20)\d{2})(\d{7}))([A-Z])(?![A-Z])", re.IGNORECASE)
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "a National Insurance number": re.compile(
        r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", re.IGNORECASE
    ),
    "an e-mail address": re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}"),
    "a telephone number": re.compile(r"(?<![\d+])(?:\+44 ?|0)(?:\d[ -]?){9,10}(?!\d)"),
    "a full postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b", re.IGNORECASE),
}


def _nhs(value: str) -> bool:
    for groups in _NHS.findall(value):
        digits = [int(digit) for digit in "".join(groups)]
        check = 11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False)) % 11
        if check % 11 == digits[9] and check != 10:
            return True
    return False


def _pnc(value: str) -> bool:
    for short_year, short_serial, year, serial, letter in _PNC.findall(value):
        if _PNC_LETTERS[int((short_year or year)[-2:] + (short_serial or serial).zfill(7)) % 23] == letter.upper():
            return True
    return False


def _by_pattern(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.search(value) is not None


DETECTORS: Mapping[str, Callable[[str], bool]] = {
    "an NHS number": _nhs,
    "a PNC id": _pnc,
    **{kind: _by_pattern(pattern) for kind, pattern in _PATTERNS.items()},
}


def leaks(column: pa.Array) -> dict[str, pa.Array]:
    """Kind of identifier → mask of the rows that look like one, for the kinds found. ``column`` is text."""
    distinct = pc.unique(column.drop_null()).to_pylist()
    found = {kind: [value for value in distinct if looks(value)] for kind, looks in DETECTORS.items()}
    return {kind: pc.is_in(column, value_set=pa.array(values, pa.string())) for kind, values in found.items() if values}
