"""The six match keys of a record, by the rules of `docs/linkage.md` read once more: names, dates of birth and postcodes in one form."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache, cached_property
from itertools import pairwise

from adapters.nicknames import FULL_NAME
from demo.partnership.reread.values import each, if_any
from demo.stage import Failed

_SPELT = str.maketrans({"Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "ẞ": "SS", "Ħ": "H", "Ŧ": "T", "Ŋ": "NG"})
_BEFORE = ("MR", "MRS", "MS", "MISS", "MX", "MASTER", "DR", "PROF", "REV", "REVD", "SIR", "LADY", "LORD", "DAME")
_AFTER = ("JR", "JNR", "JUNIOR", "SR", "SNR", "SENIOR", "ESQ", "ESQUIRE")
_NOBODY = frozenset(
    re.findall(
        "[A-Z]+",
        "UNKNOWN NOTKNOWN UNK NK NULL NONE NA NOTAVAILABLE NOTAPPLICABLE NOTSTATED NOTGIVEN NOTRECORDED NOTPROVIDED REFUSED TBC TBA ANON "
        "ANONYMOUS UNNAMED NONAME NAMEUNKNOWN WITHHELD REDACTED",
    )
)
_SAYS_UNKNOWN = {"UNKNOWN", "UNNAMED", "UNIDENTIFIED", "ANONYMOUS", "REDACTED", "WITHHELD"}
_SOUNDS = {letter: str(number) for number, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for letter in letters}
Texts = Sequence[str | None]


class Records:
    """Records of people, one in each place: what is written of their names, birth and home. A column that a source has not is left empty."""

    def __init__(self, surnames: Texts, forenames: Texts, births: Sequence[date | None], postcodes: Texts = ()) -> None:
        self._written = (surnames, forenames, births, postcodes)

    def keys(self, name: str) -> list[str | None]:
        """One match key of every record, its parts joined by strokes; none where a part is missing."""
        return [None if None in one else "|".join(map(str, one)) for one in zip(*self._parts(name), strict=True)]

    def _parts(self, name: str) -> Sequence[Texts]:
        match name:
            case "name_dob":
                return self._lasts, self._firsts, self._days
            case "letters_dob":
                return *self._letters, self._days
            case "name_postcode":
                return self._lasts, _each(self._firsts, _initial), _each(self._days, _year), self._places
            case "sound_dob":
                return _each(self._lasts, sound), _each(self._firsts, _initial), self._days
            case "dob_postcode":
                return self._days, self._places
            case "letters_postcode":
                return *self._letters, self._places
        raise Failed(f"The match key “{name}” has no reading of its own.")

    @cached_property
    def _lasts(self) -> Texts:
        return _each(self._written[0], surname)

    @cached_property
    def _firsts(self) -> Texts:
        return _each(self._written[1], forename)

    @cached_property
    def _days(self) -> Texts:
        return [birth(day) for day in self._written[2]]

    @cached_property
    def _places(self) -> Texts:
        return _each(self._written[3], postcode)

    @cached_property
    def _letters(self) -> tuple[Texts, Texts]:
        """The consonants of both names, the lesser first; of two names or none."""
        pairs = zip(_each(self._lasts, consonants), _each(self._firsts, consonants), strict=True)
        both = [(None, None) if one is None or other is None else (min(one, other), max(one, other)) for one, other in pairs]
        return [one for one, _ in both], [other for _, other in both]


def _initial(name: str) -> str:
    return name[0]


def _year(day: str) -> str:
    return day[:4]


def _each(values: Texts, read: Callable[[str], str | None]) -> list[str | None]:
    return each(values, if_any(read))


@cache
def surname(written: str) -> str | None:
    """Letters A to Z; both parts of a double name together."""
    words = _words(written)
    if _SAYS_UNKNOWN.intersection(words):
        return None
    if len(words) > 1 and words[0] == "SAINT":
        words[0] = "ST"
    return _somebody("".join(re.sub(r"^MAC(?=[BCDFGHJLMNPQRSTVWXZ][A-Z]{2}|$)", "MC", word) for word in words))


@cache
def forename(written: str) -> str | None:
    """The first one; of a short form the full name."""
    words = _words(written)
    if _somebody("".join(words)) is None or words[0] in _SAYS_UNKNOWN | {"BABY", "INFANT", "UNBORN", "MALE", "FEMALE"}:
        return None
    return FULL_NAME.get(words[0], words[0])


@cache
def birth(day: date | None) -> str | None:
    """YYYY-MM-DD; before 2 January 1900 and to come there is none."""
    return day.isoformat() if day is not None and date(1900, 1, 1) < day <= datetime.now(UTC).date() else None


@cache
def postcode(written: str) -> str | None:
    """Without blanks; letters that stand for digits, and digits that stand for letters, put right; beginnings and defaults are none."""
    text = re.sub(r"[\s.-]", "", written.upper())
    if not re.fullmatch(r"(?=.*[0-9])[A-Z0-9]{4,8}", text) or re.fullmatch(
        r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9]?|(AA|XX)[0-9].*|ZZ99.*|0+|9+", text
    ):
        return None
    found = re.fullmatch(r"([A-Z]{1,2})([0-9OI][A-Z0-9]?[0-9OI])([A-Z01]{2})", text)
    if found is None:
        return text
    return found[1] + found[2].replace("O", "0").replace("I", "1") + found[3].replace("0", "O").replace("1", "I")


@cache
def sound(name: str) -> str:
    """American Soundex: H and W part nothing, vowels do."""
    digits = [_SOUNDS.get(letter, "") for letter in name[0] + re.sub("[HW]", "", name[1:])]
    kept = [digit for before, digit in pairwise(digits) if digit not in {"", before}]
    return (name[0] + "".join(kept) + "000")[:4]


@cache
def consonants(name: str) -> str:
    """The different consonants in alphabetical order; of vowels alone the first."""
    return "".join(sorted(set(name).difference("AEIOU"))) or name[0]


def _words(written: str) -> list[str]:
    """Words of letters A to Z, without accents, apostrophes, titles before and what is written after; none of a name in another script."""
    spelt = unicodedata.normalize("NFKD", written.upper()).upper().translate(_SPELT)
    joined = "".join(letter for letter in spelt if not unicodedata.combining(letter) and letter not in "'`´’‘ʻʼ")
    if len(written) > 100 or any(letter.isalpha() and not letter.isascii() for letter in joined):
        return []
    words = re.findall("[A-Z]+", joined)
    while len(words) > 1 and words[0] in _BEFORE:
        words = words[1:]
    while len(words) > 1 and words[-1] in _AFTER:
        words = words[:-1]
    return words


def _somebody(name: str) -> str | None:
    return None if not name or name in _NOBODY or re.fullmatch(r"XX?|ZZ|(.)\1\1+", name) else name
