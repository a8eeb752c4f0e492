"""Operational logs: only named members are ever written, so that a value that strays into a record goes no further."""

import ast
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from exchange import problems
from exchange.logs import ALLOWED, LONGEST, AsJson
from tests.exchange.standing import ROOT, World, problem

CANARY = "Zebedee Quillfeather"
ALWAYS = {"time", "level", "logger", "message"}


def line(record: logging.LogRecord) -> dict[str, Any]:
    written = AsJson().format(record)
    assert "\n" not in written
    assert CANARY not in written
    found: dict[str, Any] = json.loads(written)
    return found


def record(name: str = "exchange.intake", message: object = "processed", *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.getLogger(name).makeRecord(name, logging.INFO, "a.py", 1, message, arguments, None, extra=dict(extra))
    assert isinstance(made, logging.LogRecord)
    return made


def test_a_member_that_is_not_named_is_dropped() -> None:
    """What would happen if somebody logged a row, a path of a person's or a token."""
    found = line(record(submission="sub-1", row=CANARY, token=CANARY, error=ValueError(CANARY), values=[CANARY]))
    assert set(found) == ALWAYS | {"submission"}
    assert (found["submission"], found["message"]) == ("sub-1", "processed")


@pytest.mark.parametrize("name", ["exchange.intake", "sqlalchemy.engine", "authlib", "gunicorn.error", "werkzeug"])
def test_arguments_never_get_into_the_words(name: str) -> None:
    assert line(record(name, "this was read: %s", CANARY))["message"] == "this was read: %s"
    assert line(record(name, ValueError(CANARY)))["message"] == "ValueError"


def test_a_value_is_short_and_plain() -> None:
    found = line(record(what="x" * 5_000, files=3, state={"name": CANARY}, job=[CANARY], kind=timedelta(1)))
    assert found["what"] == "x" * LONGEST
    assert (found["files"], found["state"], found["job"], found["kind"]) == (3, "dict", "list", "timedelta")
    written = AsJson().format(record(what='a"\n{"level": "critical"}'))
    assert len(written.splitlines()) == 1
    assert json.loads(written)["level"] == "info"


def test_an_error_is_its_kind_and_its_place() -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(AsJson())
    logger = logging.getLogger("exchange.test-of-logs")
    logger.propagate = False
    logger.addHandler(handler)
    try:
        int(CANARY)
    except ValueError:
        logger.exception("it did not work")
    assert CANARY not in stream.getvalue()
    found = json.loads(stream.getvalue())
    assert found["kind"] == "ValueError"
    assert found["place"].startswith("test_logs.py:")


@pytest.mark.parametrize(
    "code",
    [
        f"int({CANARY!r})",
        f"import threading; t = threading.Thread(target=lambda: int({CANARY!r})); t.start(); t.join()",
        f"class A:\n    def __del__(self): int({CANARY!r})\nA()",
        f"import warnings; warnings.warn({CANARY!r})",
    ],
    ids=["at the top", "in a thread", "at an object's end", "a warning"],
)
def test_what_nobody_catches_says_no_more(code: str) -> None:
    whole = f"from exchange.logs import configure\nconfigure()\n{code}"
    done = subprocess.run([sys.executable, "-c", whole], cwd=ROOT, capture_output=True, text=True, check=False)
    assert CANARY not in done.stdout + done.stderr
    (said,) = [json.loads(one) for one in done.stderr.splitlines()]
    assert said.get("kind") == "ValueError" or said["message"] == "a library gave a warning"


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a logger in the hub."""
    for path in sorted((ROOT / "exchange").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))):
                    yield f"{path.name}:{node.lineno}", node


def test_every_line_that_is_logged_has_fixed_words_and_named_members() -> None:
    found = list(calls())
    assert len(found) > 8
    for where, call in found:
        assert len(call.args) == 1, where
        assert isinstance(call.args[0], ast.Constant), where
        for keyword in call.keywords:
            if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
                names = {key.value for key in keyword.value.keys if isinstance(key, ast.Constant)}
                assert names <= set(ALLOWED), where


def test_hooks_of_the_tests_are_as_they_were() -> None:
    """Nothing above set them in this process."""
    assert sys.excepthook.__module__ != "exchange.logs"
    assert threading.excepthook.__module__ != "exchange.logs"


def test_a_request_has_one_id_in_its_answer_its_problem_and_every_line_logged_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(AsJson())
    problems.logger.addHandler(handler)

    def fails(*_: object) -> None:
        raise ValueError(CANARY)

    with monkeypatch.context() as patched:
        patched.setattr(world.hub.limits, "stranger", fails)
        answers = [world.call("get", "/v1/agreements", headers={"X-Request-Id": CANARY}) for _ in range(2)]
    problems.logger.removeHandler(handler)
    told = [json.loads(line)["request"] for line in stream.getvalue().splitlines()]
    assert told == [answer.headers["X-Request-Id"] for answer in answers] == [answer.get_json()["request"] for answer in answers]
    assert len({*told}) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in told)
    assert CANARY not in stream.getvalue()
    assert world.call("get", "/health").headers["X-Request-Id"]
    nowhere = world.call("get", "/v1/nowhere")
    assert problem(nowhere, 404, "not-found")["request"] == nowhere.headers["X-Request-Id"]
