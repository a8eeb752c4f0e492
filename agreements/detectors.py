"""Leak detectors: does kept text look like an identifier of a person? They read each distinct value once and name kinds, never values.

Check characters are worked out wherever a number has one, so that a code of the same form is taken for an identifier once in eleven or
twenty-three times and not always: NHS numbers and pupil numbers by python-stdnum, PNC ids and CRO numbers by the rule of the
partnership's table of identifiers. How often they err is measured in docs/security.md.
"""

import re
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc
from stdnum.gb import nhs, upn

from agreements.names import looks_like_a_name

CHECK_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
# Not within what may be one long number in hexadecimal digits: digests hold ten digits in a row by chance.
_BEFORE, _AFTER = "(?<![0-9A-Fa-f])", "(?![0-9A-Fa-f])"
_NHS = re.compile(rf"{_BEFORE}\d{{3}}[ -]?\d{{3}}[ -]?\d{{4}}{_AFTER}")
_PUPIL = re.compile(r"(?<![A-Z0-9])[A-Z]\d{11}[0-9A-Z](?![A-Z0-9])", re.IGNORECASE)
_PNC = re.compile(rf"{_BEFORE}(?:(\d{{2}}|\d{{4}})/(\d{{1,7}})|((?:19|20)\d{{2}})(\d{{7}}))([A-Z])(?![A-Z0-9])", re.IGNORECASE)
_CRO = re.compile(r"(?<![A-Z0-9])(?:SF(\d{2})/?(\d{1,6})|(\d{1,6})/(\d{2}))([A-Z])(?![A-Z0-9])", re.IGNORECASE)
# The 124 postcode areas: a code of the form alone is taken for a postcode far more often.
_AREAS = (
    "A[BL]|B[ABDHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?"
    "|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "an arrest or summons number": re.compile(
        # Two digits of the year, force and unit, system, serial; with strokes the serial's noughts may be left out.
        r"(?<![A-Z0-9])\d{2}(?:/[A-Z0-9]{4,5}/[A-Z0-9]{2}/\d{1,11}|[A-Z0-9]{6,7}\d{11})[A-HJ-NP-RT-Z](?![A-Z0-9])",
        re.IGNORECASE,
    ),
    "a National Insurance number": re.compile(
        r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", re.IGNORECASE
    ),
    "a prison number": re.compile(r"(?<![A-Z0-9])[A-Z]\d{4}[A-Z]{2}(?![A-Z0-9])"),
    "a probation case number": re.compile(r"(?<![A-Z0-9])[A-Z]\d{6}(?![A-Z0-9])"),
    "an e-mail address": re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}"),
    "a telephone number": re.compile(rf"{_BEFORE}(?<!\+)(?:\+44 ?(?:\(0\) ?)?|0)(?:\d[ -]?){{9,10}}{_AFTER}"),
    "a full postcode": re.compile(rf"\b(?:{_AREAS})\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{{2}}\b", re.IGNORECASE),
}


def _nhs(value: str) -> bool:
    return any(nhs.is_valid(found) for found in _NHS.findall(value))


def _pupil(value: str) -> bool:
    return any(upn.is_valid(found) for found in _PUPIL.findall(value))


def _pnc(value: str) -> bool:
    for short_year, short_serial, year, serial, letter in _PNC.findall(value):
        if check_letter((short_year or year)[-2:], (short_serial or serial).zfill(7)) == letter.upper():
            return True
    return False


def _cro(value: str) -> bool:
    for file_year, file_serial, serial, year, letter in _CRO.findall(value):
        if check_letter(file_year or year, file_serial or serial.zfill(6)) == letter.upper():
            return True
    return False


def check_letter(year: str, serial: str) -> str:
    """The check letter of a PNC id or CRO number: two digits of the year, and the serial as the form pads it (PNC 7, CRO 6, file as is)."""
    return CHECK_LETTERS[int(year + serial) % 23]


def _by_pattern(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.search(value) is not None


DETECTORS: Mapping[str, Callable[[str], bool]] = {
    "an NHS number": _nhs,
    "a PNC id": _pnc,
    "a CRO number": _cro,
    "a pupil number": _pupil,
    **{kind: _by_pattern(pattern) for kind, pattern in _PATTERNS.items()},
    "a person's name": looks_like_a_name,
}


def leaks(column: pa.Array) -> dict[str, pa.Array]:
    """Kind of identifier → mask of the rows that look like one, for the kinds found. ``column`` is text."""
    distinct = pc.unique(column.drop_null()).to_pylist()
    found = {kind: [value for value in distinct if looks(value)] for kind, looks in DETECTORS.items()}
    return {kind: pc.is_in(column, value_set=pa.array(values, pa.string())) for kind, values in found.items() if values}
