"""From the words people sign to the values the software enforces, and back to the bytes that are signed.

A TOML document is read, its shape checked, its consistency checked, and its canonical form taken: RFC 8785 JSON of exactly what
the document says (dates as ISO text), identified by its SHA-256. Comments and layout are not part of what is signed.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast

import rfc8785
from marshmallow import ValidationError

from agreements.consistency import asked_of_new, problems
from agreements.errors import InvalidDocument
from agreements.linked import completed
from agreements.model import Agreement
from agreements.schemas import AgreementSchema

LIMIT = 1 << 20
_PLACEHOLDER = re.compile(r'"@([a-z0-9-]+/[a-z0-9-]+)"')


def read(text: str) -> Agreement:
    """The agreement a TOML document says; :class:`InvalidDocument` lists every fault found, by its place."""
    if len(text) > LIMIT or len(text.encode(errors="surrogatepass")) > LIMIT:
        raise InvalidDocument(["the document is larger than 1 MiB."])
    try:
        parsed = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, or a number of more than 4,300 digits
        raise InvalidDocument(["this is not TOML: check quotes and brackets near the place an editor marks."]) from error
    return require_new(_build(parsed))


def read_canonical(data: bytes) -> Agreement:
    """The agreement a canonical JSON document says. Refused unless it is byte for byte in canonical form.

    It may have been signed long ago: what is asked of new words alone (:func:`require_new`) is not asked of it.
    """
    if len(data) > LIMIT:
        raise InvalidDocument(["the document is larger than 1 MiB."])
    try:
        parsed = json.loads(data)
        again = _bytes(parsed)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(["this is not JSON that can be written canonically."]) from error
    if not isinstance(parsed, dict) or again != data:
        raise InvalidDocument(["this is not in canonical form (RFC 8785)."])
    return _build(_with_dates(parsed))


def require_new(agreement: Agreement) -> Agreement:
    """The agreement, if its words may be entered today; else :class:`InvalidDocument`."""
    if found := asked_of_new(agreement):
        raise InvalidDocument(found)
    return agreement


def canonical(agreement: Agreement) -> bytes:
    """The bytes that are signed."""
    return rfc8785.dumps(agreement.document)


def placeholders(text: str) -> list[str]:
    """The key cards a template still waits for: ``party/use``, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill(text: str, fingerprints: Mapping[str, str]) -> str:
    """Put fingerprints in the places of a template; those without one stay, and will be refused when read."""
    return _PLACEHOLDER.sub(lambda found: f'"{fingerprints.get(found[1], "@" + found[1])}"', text)


def read_draft(text: str) -> Agreement:
    """A template whose keys need not be filled in yet: each place still waiting gets an invented fingerprint of its own.

    It shows what the words say of datasets and fields. Nothing can be signed or sent under it: its digest is not that of the words, and
    nobody holds those keys. :class:`InvalidDocument` as :func:`read`.
    """
    return read(fill(text, {place: _invented(place) for place in placeholders(text)}))


def _invented(place: str) -> str:
    kind = "xwing" if place.endswith("/encryption") else "ed25519"
    return f"{kind}:{hashlib.sha256(place.encode()).hexdigest()}"


def _build(parsed: dict[str, Any]) -> Agreement:
    try:
        loaded = cast(dict[str, Any], AgreementSchema().load(parsed))
        document = _without_dates(parsed)
        digest = "sha256:" + hashlib.sha256(_bytes(document)).hexdigest()
    except ValidationError as error:
        raise InvalidDocument(_flatten(error.messages)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(
            ["a value cannot be written canonically: a time of day, a number that is not whole, or too deep a nesting."]
        ) from error
    words = loaded["linkages"], loaded["datasets"], loaded["parties"]
    loaded["releases"] = tuple(completed(one, *words) for one in loaded["releases"])
    agreement = Agreement(**loaded.pop("agreement"), **loaded, digest=digest, document=document)
    if found := problems(agreement):
        raise InvalidDocument(found)
    return agreement


def _bytes(document: Any) -> bytes:
    """RFC 8785; ValueError (of which UnicodeError and rfc8785's own are kinds) for what it cannot say."""
    return rfc8785.dumps(document)


def _flatten(messages: Any, place: str = "") -> list[str]:
    if isinstance(messages, dict):
        return [line for key, value in messages.items() for line in _flatten(value, f"{place}.{key}" if place else str(key))]
    return [f"{place}: {message}" for message in messages]


def _without_dates(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _without_dates(member) for key, member in value.items()}
    return [_without_dates(member) for member in value] if isinstance(value, list) else value


def _with_dates(parsed: dict[str, Any]) -> dict[str, Any]:
    head = parsed.get("agreement")
    if not isinstance(head, dict):
        return parsed
    dated = {key: _day(value) if key in ("in_force_from", "expires", "review") else value for key, value in head.items()}
    return {**parsed, "agreement": dated}


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value
