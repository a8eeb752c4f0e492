"""Every problem document that a hub answers while something runs: of hubs in this process, and of those that are asked over HTTP."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

import requests
from flask import Flask, Response, request, request_finished
from flask_smorest.spec.plugins import FlaskPlugin
from requests.adapters import HTTPAdapter

from exchange.api import documented
from exchange.problems import PROBLEM


class Seen(NamedTuple):
    """One problem document: ``operation`` as the OpenAPI names it, “get /v1/agreements”."""

    operation: str
    status: int
    code: str
    document: dict[str, Any]


def _operation(method: str, path: str) -> str:
    return f"{'get' if method == 'HEAD' else method.lower()} {path}"


def _here() -> str:
    """The operation of the API that is being answered in this process; empty where it is none."""
    if request.url_rule is None or request.blueprint in (None, "service", "api-docs", "web"):
        return ""
    return _operation(request.method, str(FlaskPlugin.flaskpath2openapi(request.url_rule.rule)))


@contextmanager
def watching() -> Iterator[list[Seen]]:
    """What is answered at operations of the API by hubs in this process while the block runs."""
    found: list[Seen] = []

    def note(_app: Flask, response: Response, **_more: Any) -> None:
        if response.mimetype == PROBLEM and (where := _here()):
            document = json.loads(response.get_data())
            found.append(Seen(where, response.status_code, str(document["code"]), document))

    with request_finished.connected_to(note):
        yield found


@contextmanager
def watching_http() -> Iterator[list[Seen]]:
    """What this process is answered over HTTP, at addresses of the API, while the block runs."""
    found: list[Seen] = []
    send = HTTPAdapter.send

    def sent(self: HTTPAdapter, asked: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        answer = send(self, asked, *args, **more)
        if answer.headers.get("Content-Type", "") == PROBLEM and "X-Request-Id" in answer.headers:
            document = answer.json()
            found.append(Seen(_named(str(asked.method), str(asked.url)), answer.status_code, str(document["code"]), document))
        return answer

    with patch.object(HTTPAdapter, "send", sent):
        yield found


def _named(method: str, url: str) -> str:
    """The operation of an address; of several the one with the fewest places to fill. Empty where it is none."""
    path = urlsplit(url).path
    fits = [one for one in documented.operations() if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(one.partition(" ")[2])), path)]
    mine = [one for one in fits if one.partition(" ")[0] == _operation(method, "").strip()]
    return min(mine, key=lambda one: one.count("{"), default="")


def undocumented(found: Iterable[Seen]) -> list[tuple[str, int, str]]:
    """Of these, what the served OpenAPI does not list at its operation, nor as what may befall any."""
    anywhere, known = documented.anywhere(), documented.operations()
    return sorted(
        {
            (one.operation, one.status, one.code)
            for one in found
            if one.code not in anywhere and one.operation in known and one.code not in known[one.operation].get(str(one.status), {})
        }
    )
