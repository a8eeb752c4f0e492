"""Errors as problem documents: each with its code, in the documentation, and none that quotes what was sent."""

import ast
import errno
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from agreements.decisions import Refusal, Refused
from agreements.errors import InvalidDocument, RowsAtFault
from exchange import errors
from exchange.db import reading
from exchange.errors import ExchangeError, RefusedByAgreement
from exchange.log.tables import EntryRow
from exchange.problems import as_exchange_error
from exchange.releases import life
from keys.errors import BadFormat, BadSignature, CannotOpen, KeystoreUnreadable
from tests.exchange.standing import CLEVELAND, ROOT, World, problem

CANARY = "Zebedee Quillfeather"
REFUSED = Refused("LCJP-MV7 version 1, term", "the agreement expired.", "Sign a new version.")
CLASSES = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ExchangeError)]
FORESEEN = [
    (Refusal(REFUSED), 403, "refused-by-agreement"),
    (BadFormat("rows: missing"), 422, "bad-format"),
    (InvalidDocument(["x: y"]), 422, "bad-agreement"),
    (RowsAtFault({"a": ("rule", [1], 1)}), 422, "bad-agreement"),
    (CannotOpen(), 422, "bad-cryptography"),
    (BadSignature("no"), 422, "bad-cryptography"),
    (KeystoreUnreadable("no"), 503, "unavailable"),
    (OSError(errno.ENOSPC, "full"), 503, "no-space"),
    (OSError(errno.EDQUOT, "quota"), 503, "no-space"),
    (OperationalError("select", {}, Exception("locked")), 503, "unavailable"),
    (OSError(errno.EIO, CANARY), 500, "internal-error"),
    (ValueError(CANARY), 500, "internal-error"),
    (KeyError(CANARY), 500, "internal-error"),
]


def raising(world: World, error: Exception) -> None:
    def fail() -> str:
        raise error

    world.app.view_functions["service.health"] = fail


def made(kind: type[ExchangeError]) -> ExchangeError:
    return kind(REFUSED) if issubclass(kind, RefusedByAgreement) else kind("a detail.", remedy="Do this.")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_of_error_is_a_problem_document(world: World, kind: type[ExchangeError]) -> None:
    error = made(kind)
    raising(world, error)
    found = problem(world.call("get", "/health"), kind.status, kind.code)
    assert found["instance"] == "/health"
    if isinstance(error, RefusedByAgreement):
        assert found["clause"] == REFUSED.clause
        assert found["remedy"] == REFUSED.remedy


@pytest.mark.parametrize(
    ("error", "status", "code"), FORESEEN, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else ""
)
def test_what_comes_from_below_is_a_problem_document_too(
    world: World, error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    raising(world, error)
    with caplog.at_level(logging.DEBUG):
        answer = world.call("get", "/health")
    problem(answer, status, code)
    assert CANARY not in answer.text
    assert all(CANARY not in str(vars(record)) for record in caplog.records)
    assert as_exchange_error(error).code == code


def test_every_class_of_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def raised(tree: ast.Module) -> Iterator[str]:
    """Every problem code that a module of the hub can raise: ``code=…``, a class's ``code = …``, and the token endpoint's own helper."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                yield code
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                yield code
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and name.id == "code" and isinstance(value, ast.Constant):
                        yield str(value.value)
            case ast.Call(func=ast.Name(id="_refuse"), args=[_, _, ast.Constant(value=str(code))]):
                yield code


def test_every_code_that_is_raised_stands_in_the_documentation_and_no_other() -> None:
    known = {
        code for path in sorted((ROOT / "exchange").rglob("*.py")) for code in raised(ast.parse(Path(path).read_text(encoding="utf-8")))
    }
    assert len(known) > 40
    table = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("## Problem codes", 1)[1].split("\n## ", 1)[0]
    documented = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(set(documented))
    assert known - set(documented) == set()
    # Flask's own, and those that are raised by the name of a constant.
    named = {life.WITHDRAWN, life.DRAFTED}
    assert set(documented) - known <= {"method-not-allowed", "request-entity-too-large", "unprocessable-entity", "bad-request"} | named


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("get", f"/v1/log/consistency?old={CANARY}&new=1", {}),
        ("get", f"/v1/log/consistency?old=1&new=1&colour={CANARY}", {}),
        ("get", f"/v1/agreements/LCJP-MV7?version={CANARY}", {}),
        ("post", "/v1/submissions", {"json": {"document": {"agreement": CANARY}}}),
        ("post", "/v1/submissions", {"json": {CANARY: 1}}),
        ("post", "/v1/agreements/LCJP-MV7/envelopes", {"json": {"document": {"issuer": CANARY}}}),
        ("post", "/oauth2/token", {"data": {"grant_type": CANARY}}),
        ("post", "/oauth2/token", {"data": {"grant_type": "client_credentials", "client_assertion_type": "x", "client_assertion": CANARY}}),
    ],
    ids=["number", "unknown parameter", "version", "manifest", "member", "envelope", "form", "assertion"],
)
def test_no_answer_quotes_what_was_sent(world: World, method: str, path: str, more: dict[str, object]) -> None:
    answer = world.call(method, path, CLEVELAND if "oauth2" not in path else None, **more)
    assert 400 <= answer.status_code < 500
    assert answer.content_type == "application/problem+json"
    assert CANARY not in answer.text


def test_a_refusal_by_an_agreement_is_logged_by_itself(world: World) -> None:
    problem(world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND), 404, "unknown-agreement")
    with reading(world.hub.engine) as session:
        entry = session.execute(select(EntryRow.entry).order_by(EntryRow.number.desc()).limit(1)).scalar_one()
    assert entry is not None
    assert (entry["what"], entry["who"], entry["subject"]) == ("refused", CLEVELAND, "/v1/agreements/<string:reference>")
