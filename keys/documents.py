"""Strict JSON documents as frozen dataclasses: each member's type carries its check, and an invalid document cannot be built."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self, get_type_hints

from keys.encoding import unb64
from keys.errors import BadFormat

# A check takes a member's value, as JSON or already in its Python form, and returns the Python form; it raises BadFormat without the value.
Check = Callable[[Any], Any]


class Document:
    """Base of the formats. `document()` is the JSON form, `parse` the strict way back; both directions pass the same checks."""

    def __post_init__(self) -> None:
        for name, check in _checks(type(self)).items():
            try:
                value = check(getattr(self, name))
            except BadFormat as error:
                raise BadFormat(f"{name}: {error}") from None
            object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    @classmethod
    def parse(cls, document: object) -> Self:
        """Read a JSON object with exactly this document's members. BadFormat names the first member that is wrong."""
        if not isinstance(document, Mapping):
            raise BadFormat(f"{cls.__name__}: not an object")
        members = _checks(cls).keys()
        for name in sorted(members - document.keys()):
            raise BadFormat(f"{name}: missing")
        if document.keys() - members:
            raise BadFormat(f"{cls.__name__}: a member that it does not have")
        return cls(**document)

    def document(self) -> dict[str, Any]:
        """The JSON form: only dicts, lists, text, integers and None."""
        return {name: _plain(getattr(self, name)) for name in _checks(type(self))}


_CHECKS: dict[type, dict[str, Check]] = {}


def _checks(cls: type[Document]) -> dict[str, Check]:
    """Member → check of a document class, read from its annotations once."""
    if cls not in _CHECKS:
        hints = get_type_hints(cls, include_extras=True)
        _CHECKS[cls] = {name: hints[name].__metadata__[0] for name in getattr(cls, "__dataclass_fields__", ())}
    return _CHECKS[cls]


def _plain(value: Any) -> Any:
    if isinstance(value, Document):
        return value.document()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


# ---------------------------------------------------------------------------------------------------------------- checks


def text(pattern: str, meaning: str) -> Check:
    """Text that matches a whole regular expression; `meaning` completes "not …"."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise BadFormat(f"not {meaning}")
        return value

    return check


def one_of(*words: str) -> Check:
    """One of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise BadFormat(f"not one of {', '.join(words)}")
        return str(value)

    return check


def integer(least: int, most: int = 2**53 - 1) -> Check:
    """An integer from `least` to `most`; true, false and 1.0 are not integers."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise BadFormat(f"not an integer from {least} to {most}")
        return value

    return check


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""
    return lambda value: None if value is None else check(value)


def encoded(length: int | None = None) -> Check:
    """Base64url text (see `keys.encoding.b64`), of `length` bytes if given."""

    def check(value: Any) -> str:
        if not unb64(value, length):
            raise BadFormat("empty")
        return str(value)

    return check


def items(cls: type[Document]) -> Check:
    """A list of documents, as a tuple."""

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise BadFormat("not a list")
        return tuple(item if isinstance(item, cls) else cls.parse(item) for item in value)

    return check


def names(value: Any) -> tuple[str, ...]:
    """A list of names, as a tuple."""
    if not isinstance(value, list | tuple):
        raise BadFormat("not a list")
    return tuple(_name(item) for item in value)


def counts(value: Any) -> dict[str, int]:
    """An object of non-negative integers."""
    if not isinstance(value, Mapping):
        raise BadFormat("not an object")
    check = integer(0)
    return {_name(name): check(count) for name, count in value.items()}


def instant(value: Any) -> str:
    """An RFC 3339 time in UTC, ending in Z, with at most six decimals."""
    written: str = _instant(value)
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise BadFormat("not a time of the calendar") from None
    return written


def day(value: Any) -> str:
    """A calendar day, YYYY-MM-DD."""
    written: str = _day(value)
    try:
        date.fromisoformat(written)
    except ValueError:
        raise BadFormat("not a day of the calendar") from None
    return written


def period(value: Any) -> str:
    """YYYY, YYYY-Qn (calendar quarter), YYYY-MM or YYYY-MM-DD."""
    written: str = _period(value)
    return day(written) if len(written) == len("YYYY-MM-DD") else written


_instant = text(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z", "a UTC time (RFC 3339, ending in Z)")
_day = text(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day (YYYY-MM-DD)")
_period = text(r"[0-9]{4}(-(Q[1-4]|(0[1-9]|1[0-2])(-[0-9]{2})?))?", "a period (YYYY, YYYY-Qn, YYYY-MM or YYYY-MM-DD)")
_name = text(r"[^\x00-\x1f\x7f]{1,200}", "a name (1 to 200 characters, none of them control characters)")
_sentence = text(r"[^\x00-\x08\x0b-\x1f\x7f]{1,2000}", "a text of 1 to 2000 characters")

# The types of members: what mypy sees, and what the documents check.
Name = Annotated[str, _name]
OptionalName = Annotated[str | None, optional(_name)]
Names = Annotated[tuple[str, ...], names]
Sentence = Annotated[str, _sentence]
OptionalSentence = Annotated[str | None, optional(_sentence)]
Hex16 = Annotated[str, text(r"[0-9a-f]{16}", "16 lower-case hexadecimal digits")]
Hex32 = Annotated[str, text(r"[0-9a-f]{32}", "32 lower-case hexadecimal digits")]
Sha256 = Annotated[str, text(r"sha256:[0-9a-f]{64}", "a digest (sha256: and 64 lower-case hexadecimal digits)")]
XWingPrint = Annotated[str, text(r"xwing:[0-9a-f]{64}", "an X-Wing key fingerprint")]
Count = Annotated[int, integer(0)]
Positive = Annotated[int, integer(1)]
Counts = Annotated[dict[str, int], counts]
Base64 = Annotated[str, encoded()]
Instant = Annotated[str, instant]
Day = Annotated[str, day]
OptionalDay = Annotated[str | None, optional(day)]
Period = Annotated[str, period]
