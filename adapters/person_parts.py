"""What match keys are made of: names, dates of birth and postcodes in one form for all agencies, and two codes that survive misspelling.

Every form here reaches the hub only inside a pseudonym, so that a change of any of them is a change of `keys.pseudonym.NORMALISER`.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from adapters.nicknames import FULL_NAME

# Letters that no accent comes off: as they are written where a keyboard lacks them.
_LETTERS = str.maketrans(
    {"Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "ẞ": "SS", "Ħ": "H", "Ŧ": "T", "Ŋ": "NG"}
)
_TITLES = frozenset(["MR", "MRS", "MS", "MISS", "MX", "MASTER", "DR", "PROF", "REV", "REVD", "SIR", "LADY", "LORD", "DAME"])
_AFTER = frozenset(["JR", "JNR", "JUNIOR", "SR", "SNR", "SENIOR", "ESQ", "ESQUIRE"])
_NOBODY = frozenset(
    [
        "UNKNOWN",
        "NOTKNOWN",
        "UNK",
        "NK",
        "NULL",
        "NONE",
        "NA",
        "NOTAVAILABLE",
        "NOTAPPLICABLE",
        "NOTSTATED",
        "NOTGIVEN",
        "NOTRECORDED",
        "NOTPROVIDED",
        "REFUSED",
        "TBC",
        "TBA",
        "ANON",
        "ANONYMOUS",
        "UNNAMED",
        "NONAME",
        "NAMEUNKNOWN",
        "WITHHELD",
        "REDACTED",
    ]
)
# Of several words any of these says it: “Unknown Male”. A forename that only says what somebody is stands for many: “Baby”.
_UNKNOWN = frozenset(["UNKNOWN", "UNNAMED", "UNIDENTIFIED", "ANONYMOUS", "REDACTED", "WITHHELD"])
_NO_FORENAME = _UNKNOWN | {"BABY", "INFANT", "UNBORN", "MALE", "FEMALE"}
_FILLED = re.compile(r"XX?|ZZ|(.)\1\1+")
_LONGEST_NAME = 100  # what is longer is a text that went astray
_WORDS = re.compile(r"[A-Z]+")
_MAC = re.compile(r"^MAC(?=[BCDFGHJLMNPQRSTVWXZ][A-Z]{2}|$)")
_VOWELS = frozenset("AEIOU")
_CLASSES = {letter: digit for digit, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for letter in letters}
_SOUND = 4
_POSTCODE = re.compile(r"(?=.*\d)[A-Z0-9]{4,8}", re.ASCII)
# Area, district (its own letter is never O or I), sector, unit.
_BRITISH = re.compile(r"([A-Z]{1,2})([\dOI][A-Z\d]?[\dOI])([A-Z01]{2})", re.ASCII)
_AS_DIGIT, _AS_LETTER = str.maketrans("OI", "01"), str.maketrans("01", "OI")
# An outward code, or that and a sector: half of Durham. No area has these letters, and no country these numbers.
_NO_PLACE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\d?|(?:AA|XX)\d.*|ZZ99.*|0+|9+", re.ASCII)
_REMEMBERED = 1 << 16  # names and places come back in every batch, and in every key
_FIRST_BIRTH = date(1900, 1, 2)


@lru_cache(_REMEMBERED)
def surname(value: str) -> str | None:
    """A surname in letters A to Z: accents, blanks, hyphens, apostrophes, titles and what follows a name gone; MAC before a consonant is MC.

    A name of two parts is one name however it is joined: SMITH-JONES, Smith Jones. None where no name is left, or none was known, or it has
    letters of another script.
    """
    words = _words(value)
    if not _UNKNOWN.isdisjoint(words):
        return None
    if words[:1] == ["SAINT"] and len(words) > 1:
        words[0] = "ST"
    return _known("".join(_MAC.sub("MC", word) for word in words))


@lru_cache(_REMEMBERED)
def forename(value: str) -> str | None:
    """The first forename in letters A to Z, a short form as the name it is short for (`adapters.nicknames`). None as for a surname."""
    whole = _known("".join(_words(value)))
    if whole is None:
        return None
    first = _words(value)[0]
    return None if first in _NO_FORENAME else FULL_NAME.get(first, first)


@lru_cache(_REMEMBERED)
def postcode(value: str) -> str | None:
    """A postcode without blanks in capitals; O and I where a digit must stand are 0 and 1, and the other way round.

    None for what is no postcode (4 to 8 letters and digits, a digit among them), for the beginning of one (TS10), and for those that stand for
    no place (ZZ99, no fixed abode; XX1 1XX, 0000).
    """
    text = re.sub(r"[\s.-]+", "", value.upper())
    if not _POSTCODE.fullmatch(text) or _NO_PLACE.fullmatch(text):
        return None
    if found := _BRITISH.fullmatch(text):
        area, numbers, letters = found.groups()
        return area + numbers.translate(_AS_DIGIT) + letters.translate(_AS_LETTER)
    return text


@lru_cache(_REMEMBERED)
def sound(name: str) -> str:
    """American Soundex of a name in letters A to Z: the first letter and three digits for the consonants that follow.

    As the United States National Archives write it: letters of one class side by side, or with H or W between them, count once; a vowel parts them.
    """
    code, last = name[:1], _CLASSES.get(name[:1])
    for letter in name[1:]:
        digit = _CLASSES.get(letter)
        if digit and digit != last:
            code += str(digit)
        if letter not in "HW":
            last = digit
    return code[:_SOUND].ljust(_SOUND, "0")


@lru_cache(_REMEMBERED)
def consonants(name: str) -> str:
    """The different consonants of a name in letters A to Z, in alphabetical order; a name of vowels alone is its first letter.

    Letters that changed places, were doubled or, being vowels, were left out make no difference: MORRIS, MOSRIR and MORIS are MRS.
    """
    return "".join(sorted(set(name) - _VOWELS)) or name[:1]


def births(days: pa.Array, latest: date | None = None) -> pa.Array:
    """Dates of birth as text, YYYY-MM-DD.

    Days before 2 January 1900 are null, and those to come: systems write 1 January 1900 or 31 December 9999 where they know none.

    Args:
        latest: the last day on which somebody can have been born; today if left out.
    """
    born = pc.and_(
        pc.greater_equal(days, pa.scalar(_FIRST_BIRTH)), pc.less_equal(days, pa.scalar(latest or datetime.now(UTC).date(), pa.date32()))
    )
    return pc.if_else(born, days, pa.scalar(None, pa.date32())).cast(pa.string())


def years(days: pa.Array) -> pa.Array:
    """Years of birth as text; null as `births`."""
    return pc.utf8_slice_codeunits(births(days), 0, 4)


def each(column: pa.Array, read: Callable[[str], str | None]) -> pa.Array:
    """A string column read value by value; names and places repeat, so each distinct one is read once."""
    encoded = column.dictionary_encode()
    read_once = [read(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(read_once, pa.string()).take(encoded.indices)


def _words(value: str) -> list[str]:
    """The words of a name in letters A to Z, without accents, apostrophes, titles before it and what is written after it.

    None of a name with a letter of another script: what is left of it would be somebody else's.
    """
    if len(value) > _LONGEST_NAME:
        return []
    bare = unicodedata.normalize("NFKD", value.upper()).upper().translate(_LETTERS)
    # Apostrophes of every make join: O'Brien is one word. Everything else that is no letter parts.
    joined = re.sub(r"['`´’‘ʻʼ\u0300-\u036f]", "", bare)
    if not joined.isascii() and any(letter.isalpha() and not letter.isascii() for letter in joined):
        return []
    words = _WORDS.findall(joined)
    while len(words) > 1 and words[0] in _TITLES:
        del words[0]
    while len(words) > 1 and words[-1] in _AFTER:
        del words[-1]
    return words


def _known(name: str) -> str | None:
    return None if not name or name in _NOBODY or _FILLED.fullmatch(name) else name
