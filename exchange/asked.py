"""What API and pages alike read of a request."""

from typing import Any

from flask import request

from exchange.errors import Unacceptable
from keys.encoding import parse_json


def json_object(limit: int) -> dict[str, Any]:
    """The request's JSON object of at most ``limit`` bytes, strictly read: no repeated member, no NaN, no depth without end."""
    if request.mimetype != "application/json":
        raise Unacceptable("the body must be application/json.", code="unsupported-media-type")
    parsed = parse_json(request.get_data(cache=False), limit=limit)
    if not isinstance(parsed, dict):
        raise Unacceptable("the body must be a JSON object.", code="bad-format")
    return parsed
