"""The problem documents of each operation, as the served OpenAPI lists them: seen at a real hub, and kept in a file.

The file is written by ``python -m tests.exchange.errors_seen``, never by hand; a test plays everything again and holds that it says so still.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "examples" / "problems.json"
_SCHEMA = {"$ref": "#/components/schemas/Problem"}


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def operations() -> dict[str, dict[str, dict[str, str]]]:
    """“get /v1/agreements” → status → code → the name of its example."""
    found: dict[str, dict[str, dict[str, str]]] = _table()["operations"]
    return found


def anywhere() -> dict[str, str]:
    """What may befall any operation: code → the name of its example."""
    found: dict[str, str] = _table()["anywhere"]
    return found


def examples() -> dict[str, dict[str, Any]]:
    """Every example by its name, for the document's components."""
    return {name: {"summary": one["detail"], "value": one} for name, one in _table()["examples"].items()}


def answers(path: str, method: str) -> dict[str, dict[str, Any]]:
    """The responses of an operation that are problem documents, by status, with an example for each code; ``default`` is what may befall any."""
    found = operations().get(f"{method} {path}", {})
    made = {status: _answer(f"A problem document: {', '.join(codes)}.", codes) for status, codes in found.items()}
    return {**made, "default": _answer("A problem document (RFC 9457): code, clause, what to do.", anywhere())}


def _answer(description: str, codes: dict[str, str]) -> dict[str, Any]:
    named = {code: {"$ref": f"#/components/examples/{name}"} for code, name in codes.items()}
    return {"description": description, "content": {"application/problem+json": {"schema": _SCHEMA, "examples": named}}}
