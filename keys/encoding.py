"""Bytes and JSON: canonical form (RFC 8785), a strict reader, base64url, and length-prefixed framing."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, cast

import rfc8785

from keys.errors import BadFormat

MAX_DEPTH = 32
MAX_NUMBER = 2**53 - 1  # I-JSON (RFC 7493 section 2.2): beyond it, not every integer is a number of its own
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def canonical(document: object) -> bytes:
    """The one UTF-8 form of a JSON value (RFC 8785). Raises BadFormat for what `parse_json` would not read back, its length apart."""
    try:
        _check(document)
        return rfc8785.dumps(cast("Any", document))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise BadFormat("not a value that JSON can hold exactly") from error


def digest(document: object) -> str:
    """`sha256:` and the hex SHA-256 of a document's canonical form: how documents name each other."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def parse_json(data: bytes, *, limit: int = 1 << 20) -> Any:
    """Read one JSON value strictly (RFC 8259, I-JSON RFC 7493).

    Refuses, with BadFormat: more than `limit` bytes, anything but UTF-8, repeated member names, NaN and infinities, numbers beyond
    2**53 - 1, lone surrogates, nesting deeper than 32.
    """
    if len(data) > limit:
        raise BadFormat(f"longer than {limit} bytes")
    try:
        value = json.loads(bytes(data).decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse_constant)
        _check(value)
    except UnicodeError as error:
        raise BadFormat("not UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # ValueError: bad syntax, or an integer of more than 4,300 digits
        raise BadFormat("not JSON, or nested too deeply") from error
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadFormat("a member name is repeated")
    return members


def _refuse_constant(_name: str) -> None:
    raise BadFormat("NaN and infinities are not JSON")


def _check(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise BadFormat(f"nested deeper than {MAX_DEPTH}")


def _children(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return [*item, *item.values()]
    if isinstance(item, list | tuple):
        return item
    if isinstance(item, str):
        item.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, which parse_json reports
    elif isinstance(item, int | float) and not abs(item) <= MAX_NUMBER:  # so written, NaN is refused too
        raise BadFormat("a number is beyond 2**53 - 1")
    return ()


def b64(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: object, length: int | None = None) -> bytes:
    """The reverse of `b64`, accepting only what `b64` writes, of exactly `length` bytes if given; BadFormat otherwise."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise BadFormat("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise BadFormat("not base64url without padding") from error
    if b64(data) != text:  # spare bits set in the last character: two texts for one value
        raise BadFormat("not canonical base64url")
    if length is not None and len(data) != length:
        raise BadFormat(f"not {length} bytes")
    return data


def framed(*items: str | int | bytes) -> bytes:
    """Join values so that no two lists give the same bytes: per item a tag (s, i or b), a big-endian u32 length, the bytes.

    Text is UTF-8; an integer is eight bytes, big-endian, unsigned. BadFormat for anything else.
    """
    return b"".join(_frame(item) for item in items)


def _frame(item: object) -> bytes:
    if isinstance(item, str):
        tag, body = b"s", item.encode("utf-8")
    elif isinstance(item, bytes):
        tag, body = b"b", item
    elif isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 1 << 64:
        tag, body = b"i", item.to_bytes(8, "big")
    else:
        raise BadFormat("only text, bytes and unsigned 64-bit integers can be framed")
    return tag + len(body).to_bytes(4, "big") + body
