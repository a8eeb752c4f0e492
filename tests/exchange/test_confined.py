"""The process that opens what strangers send: how much processor and talk it is allowed, and what its end says about the parts."""

import json
import subprocess
import sys
from typing import Any

import pytest

from exchange.errors import Unavailable
from exchange.submissions import confined

START = "import json, os, sys; from exchange.submissions import opener; json.load(sys.stdin); opener.confine(600 << 20, {seconds}, os.getppid()); "
OK = {"outcome": "ok", "rows": 1, "rows_digest": "sha256:0", "totals": {"a": 0}, "codes": {"a": [1]}}


def program(monkeypatch: pytest.MonkeyPatch, body: str, seconds: int = 30) -> None:
    monkeypatch.setattr(confined, "_OPENER", START.format(seconds=seconds) + body)


def test_it_starts_without_pandas() -> None:
    """It would be half of its start, and a quarter of its memory."""
    loads = "import numpy, pyarrow, sys; pyarrow.array(numpy.arange(3)); raise SystemExit('DataFrame' in dir(sys.modules.get('pandas')))"
    started, mark, _ = confined._OPENER.partition("opener.main()")  # what is really run
    assert mark
    assert subprocess.run([sys.executable, "-c", started + loads], check=False).returncode == 0


def test_what_burns_the_processor_is_the_fault_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "[None for _ in iter(int, 1)]", seconds=1)
    assert confined.run({}) == {"outcome": "part", "reason": "the parts take far more work to open than honest ones"}


def test_each_part_is_granted_time_of_its_own_and_never_more_than_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        "import resource; opener.grant(7); print(json.dumps({'outcome': 'part', 'reason': str(resource.getrlimit(resource.RLIMIT_CPU))}))"
    )
    program(monkeypatch, body, seconds=1000)
    soft, hard = json.loads(confined.run({})["reason"].replace("(", "[").replace(")", "]"))
    assert 14 <= soft <= 20
    assert hard == 1005
    program(monkeypatch, body, seconds=3)
    assert confined.run({})["reason"] == "(8, 8)"


def test_a_machine_that_is_only_slow_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, f"import time; time.sleep(2); sys.stdout.write({json.dumps(OK)!r})", seconds=1)
    assert confined.run({}) == OK


def test_no_more_is_read_than_an_honest_result_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "[sys.stdout.write('x' * 65536) for _ in iter(int, 1)]")
    assert "led astray" in confined.run({})["reason"]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        5,
        {},
        {"outcome": "held"},
        {"outcome": "part"},
        {"outcome": "part", "reason": ""},
        {"outcome": "part", "reason": "x" * 501},
        {"outcome": "rows", "errors": []},
        {"outcome": "rows", "errors": [{"field": "a", "rule": 5, "count": 1}]},
        {"outcome": "rows", "errors": ["a"]},
        {**OK, "rows": "1"},
        {**OK, "totals": {"a": "0"}},
        {**OK, "codes": {"a": 1}},
        {**OK, "codes": None},
    ],
    ids=lambda told: json.dumps(told)[:40],
)
def test_a_result_of_no_form_that_it_may_have_refuses_the_parts(monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
    monkeypatch.setattr(confined, "_talk", lambda *_: (0, json.dumps(told).encode()))
    assert confined.run({}) == {"outcome": "part", "reason": "the process that opens parts was led astray by them"}


@pytest.mark.parametrize("told", [b"", b"{", b"\\xff", b"[" * 100_000], ids=lambda told: repr(told[:9]))
def test_junk_refuses_the_parts(monkeypatch: pytest.MonkeyPatch, told: bytes) -> None:
    monkeypatch.setattr(confined, "_talk", lambda *_: (0, told))
    assert confined.run({})["outcome"] == "part"


def test_an_honest_result_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = {"outcome": "rows", "errors": [{"field": "a", "rule": "r", "rows": [1], "count": 1}]}
    for told in (OK, errors, {"outcome": "part", "reason": "part 1 does not open"}):
        monkeypatch.setattr(confined, "_talk", lambda *_, told=told: (0, json.dumps(told).encode()))
        assert confined.run({}) == told


def test_a_process_that_ends_by_itself_says_nothing_about_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_OPENER", "import os; os._exit(3)")
    with pytest.raises(Unavailable, match="status 3"):
        confined.run({"much": "x" * 1_000_000})  # more than a pipe holds: nobody reads it
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable, match="could not be started"):
        confined.run({})
