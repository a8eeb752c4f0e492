"""Identifiers of people, cases and crimes: is a value one, and what is its one canonical form?

Rules and check letters are those of the partnership's table of identifiers (the check letters themselves stand in
`agreements.detectors`); NHS numbers are checked by python-stdnum. A number whose serial is all noughts stands for many people, and is none.
A canonical form is what `keys.pseudonym` takes for the kind.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from stdnum.exceptions import ValidationError
from stdnum.gb import nhs

from agreements.detectors import CHECK_LETTERS, check_letter

_PNC_LONG = re.compile(r"((?:19|20)\d\d)/?(\d{7})([A-Z])", re.ASCII)
_PNC_SHORT = re.compile(r"(\d\d)/?(\d{1,7})([A-Z])", re.ASCII)
_CRO_FILE = re.compile(r"SF(\d\d)/?(\d{1,6})([A-Z])", re.ASCII)
_CRO = re.compile(r"(\d{1,6})/?(\d\d)([A-Z])", re.ASCII)
_ASN = re.compile(r"(\d\d[A-Z0-9]{6,7})(\d{11})([A-HJ-NP-RT-Z])", re.ASCII)
_ASN_STROKES = re.compile(r"(\d\d)/([A-Z0-9]{4,5})/([A-Z0-9]{2})/(\d{1,11})/?([A-HJ-NP-RT-Z])", re.ASCII)
# Numbers made up where there was no arrest: they stand for many people. Year, then what follows it.
_DUMMY_ASN = re.compile(
    r"08(?:00[NP]P01\d{11}.)|\d{4}NRPR.{12}"
    r"|\d\d(?:12LN00\d{11}|00NP00\d{11}|6300\d{13}|06SS..\d{11}|00XX..\d{11}|50(?:11|12|21|41|42|43|OF|SJ)..\d{11})."
)
_SOMEBODY = "[1-9]"
_REFERENCE = "[A-Z0-9][A-Z0-9/.-]{2,28}[A-Z0-9]"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"  # what a spreadsheet makes of a reference that looks like one
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Identifier:
    """One kind of identifier: what it is called, and the canonical form of one value in capitals without outer blanks, if it has one.

    `read` is told the last year of which there can be identifiers (four digits). `plain`, where there is one, finds the rows that are in
    canonical form already, a whole column at once: those are most of a large extract.
    """

    label: str
    read: Callable[[str, int], str | None]
    plain: Callable[[pa.Array], pa.Array] | None = None

    @property
    def doubt(self) -> str:
        """What is said of values that are none."""
        return f"not {self.label}, counted as missing"

    def canonical(self, column: pa.Array, *, latest: int | None = None) -> pa.Array:
        """The column in canonical form, null where a value is not of this kind; each distinct value is looked at once.

        Args:
            column: strings.
            latest: the last year of which there can be identifiers; this year if left out.
        """
        year = latest or datetime.now(UTC).year
        capitals = pc.utf8_upper(pc.utf8_trim_whitespace(column))
        if self.plain is None:
            return self._read(capitals, year)
        odd = pc.fill_null(pc.invert(self.plain(capitals)), fill_value=False)
        return pc.replace_with_mask(capitals, odd, self._read(capitals.filter(odd), year)) if pc.any(odd).as_py() else capitals

    def _read(self, capitals: pa.Array, latest: int) -> pa.Array:
        encoded = capitals.dictionary_encode()
        return pa.array([self.read(value, latest) for value in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _pnc(value: str, latest: int) -> str | None:
    """Year and serial of seven digits, as YYYY/NNNNNNNL. A year of two digits lies in the last century if it is not over yet."""
    if found := _PNC_LONG.fullmatch(value):
        year = found[1]
    elif found := _PNC_SHORT.fullmatch(value):
        year = f"{20 if int(found[1]) <= latest % 100 else 19}{found[1]}"
    else:
        return None
    serial = found[2].zfill(7)
    return f"{year}/{serial}{found[3]}" if int(serial) and check_letter(year[2:], serial) == found[3] else None


def _pnc_plain(capitals: pa.Array) -> pa.Array:
    fits = pc.match_substring_regex(capitals, "^(?:19|20)[0-9]{2}/[0-9]{7}[A-Z]$")
    mine = pc.fill_null(fits, fill_value=False)
    long = capitals.filter(mine)
    digits = pc.binary_join_element_wise(pc.utf8_slice_codeunits(long, 2, 4), pc.utf8_slice_codeunits(long, 5, 12), "").cast(pa.int64())
    remainders = pa.array(digits.to_numpy(zero_copy_only=False) % len(CHECK_LETTERS))
    right = pc.equal(pa.array(list(CHECK_LETTERS)).take(remainders), pc.utf8_slice_codeunits(long, 12, 13))
    somebody = pc.not_equal(pc.utf8_slice_codeunits(long, 5, 12), "0000000")
    return pc.replace_with_mask(fits, mine, pc.and_(right, somebody))


def _cro(value: str, _: int) -> str | None:
    """NNNNNN/YYL, or SFYY/N…L of a file that was never on microfiche, whose serial is not padded."""
    if found := _CRO_FILE.fullmatch(value):
        year, serial, letter = found[1], found[2].lstrip("0"), found[3]
        return f"SF{year}/{serial}{letter}" if serial and check_letter(year, serial) == letter else None
    if found := _CRO.fullmatch(value):
        serial, year, letter = found[1].zfill(6), found[2], found[3]
        return f"{serial}/{year}{letter}" if int(serial) and check_letter(year, serial) == letter else None
    return None


def _asn(value: str, _: int) -> str | None:
    """20 or 21 characters without strokes; dummies are none."""
    if found := _ASN_STROKES.fullmatch(value):
        value = f"{found[1]}{found[2]}{found[3]}{found[4].zfill(11)}{found[5]}"
    return value if _ASN.fullmatch(value) and not _DUMMY_ASN.fullmatch(value) else None


def _nhs(value: str, _: int) -> str | None:
    try:
        found = str(nhs.validate(value))
    except ValidationError:
        return None
    return found if len(set(found)) > 1 else None  # one digit ten times has a right check digit, and is nobody's


def _by_form(label: str, form: str, holding: str = "", never: str = "", strokes: str = "") -> Identifier:
    """Of a form alone, once blanks within are taken out, and the characters of `strokes`.

    Args:
        form: of the whole, in the syntax that Arrow and Python share, as the other two are.
        holding: what must be found in it.
        never: the form of what is none all the same.
    """
    whole, within, none = map(re.compile, (form, holding, never))
    without = dict.fromkeys(map(ord, strokes))

    def read(value: str, _: int) -> str | None:
        bare = _BLANKS.sub("", value).translate(without)
        return bare if whole.fullmatch(bare) and within.search(bare) and not none.fullmatch(bare) else None

    def plain(capitals: pa.Array) -> pa.Array:
        fits = pc.match_substring_regex(capitals, f"^(?:{form})$")
        if holding:
            fits = pc.and_(fits, pc.match_substring_regex(capitals, holding))
        return pc.and_not(fits, pc.match_substring_regex(capitals, f"^(?:{never})$")) if never else fits

    return Identifier(label, read, plain)


IDENTIFIERS: Mapping[str, Identifier] = MappingProxyType(
    {
        "pnc": Identifier("a PNC id", _pnc, _pnc_plain),
        "cro": Identifier("a CRO number", _cro),
        "asn": Identifier("an arrest or summons number, or one made up where there was no arrest", _asn),
        "urn": _by_form("a case URN", "[0-9]{2}[A-Z0-9]{2}[0-9]{7}", strokes="/"),
        "noms": _by_form("a NOMS number", "[A-Z][0-9]{4}[A-Z]{2}", _SOMEBODY),
        "crn": _by_form("a probation case number", "[A-Z][0-9]{6}", _SOMEBODY),
        "nhs": Identifier("an NHS number", _nhs),
        "crime_reference": _by_form("a crime reference", _REFERENCE, _SOMEBODY, never=_DATE),
        "incident_reference": _by_form("an incident reference", _REFERENCE, _SOMEBODY, never=_DATE),
    }
)
