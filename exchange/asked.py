"""What API and pages alike read of a request, and what of it is refused before anybody looks at it."""

from collections.abc import Collection
from typing import Any

from flask import request
from werkzeug.sansio.utils import host_is_trusted

from exchange.errors import AddressTooLong, HeadersTooLarge, LengthRequired, Unacceptable, WrongHost, WrongMedia
from keys.encoding import parse_json

JSON, FORM, OCTETS = "application/json", "application/x-www-form-urlencoded", "application/octet-stream"
ADDRESS_LIMIT = 2_048  # characters of path and question
HEADERS_LIMIT = 16 << 10  # bytes of names and values
HEADERS = 64


def require_sound(hosts: Collection[str], anybodys: Collection[str]) -> None:
    """Refuse what no client of ours sends, by its outside: another host's name, an endless address, a heap of headers, a body
    without its length or packed.

    ``anybodys``: endpoints that may be asked by any name, since whoever watches over a hub asks its bare address.
    """
    if request.endpoint not in anybodys and not host_is_trusted(request.host, list(hosts)):
        raise WrongHost("the hub has another name.", remedy="Use the address you were given; the operator's setting is “hosts”.")
    if len(request.full_path) > ADDRESS_LIMIT:
        raise AddressTooLong(f"an address has at most {ADDRESS_LIMIT} characters.", remedy="Ask for less at once.")
    sizes = [len(name) + len(value) for name, value in request.headers]
    if len(sizes) > HEADERS or sum(sizes) > HEADERS_LIMIT:
        raise HeadersTooLarge(f"a request has at most {HEADERS} headers of {HEADERS_LIMIT} bytes together.", remedy="Send fewer.")
    if "Transfer-Encoding" in request.headers:  # else one body could have two lengths, and a cap would cut it off in silence
        raise LengthRequired("a body is sent whole, with Content-Length and without Transfer-Encoding.", remedy="Send it so.")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise WrongMedia("no packed body is taken: parts are packed inside their seal.", remedy="Send it without Content-Encoding.")


def require_type(accepted: Collection[str]) -> None:
    """Refuse a body of another type than these."""
    if request.mimetype not in accepted:
        raise WrongMedia(
            f"the body must be {' or '.join(sorted(filter(None, accepted)))}.", remedy="Send it so, and say so in Content-Type."
        )


def json_object(limit: int) -> dict[str, Any]:
    """The request's JSON object of at most ``limit`` bytes, strictly read: no repeated member, no NaN, no depth without end."""
    require_type({JSON})
    parsed = parse_json(request.get_data(cache=False), limit=limit)
    if not isinstance(parsed, dict):
        raise Unacceptable("the body must be a JSON object.", code="bad-format")
    return parsed
