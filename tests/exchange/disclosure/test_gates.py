"""Limits of time and memory on large generated sets, hostile input from the shell, and whether the list of the seventeen tests is true."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exchange.disclosure.commands.attacking import attack_command
from exchange.disclosure.commands.protecting import protect_command
from tests.exchange.disclosure import generate
from tests.exchange.disclosure.generate import Files
from tests.exchange.disclosure.tables import change

HERE = Path(__file__).parent
SECONDS = {"c1": 2.0, "c2": 10.0, "c3": 20.0}
MOST_MEMORY = 2_000  # MB


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("level", "ABC")
@pytest.mark.parametrize("name", SECONDS)
def test_large_sets_in_time_and_memory(name: str, level: str) -> None:
    """Processor seconds of one thread; a machine half as fast as the one the limits are said for is let pass."""
    command = [sys.executable, "-m", "benchmarks.disclosure", name, "--levels", level, "--here"]
    found = json.loads(subprocess.run(command, cwd=HERE.parents[2], capture_output=True, check=True, text=True).stdout)
    assert found["safe"]
    assert found["seconds"]["protect"] < 2 * SECONDS[name]
    assert found["seconds"]["attack"] < 2 * SECONDS[name]
    assert found["peak_mb"] < MOST_MEMORY


def _spec(**changes: Any) -> Callable[[Files], Files]:
    return lambda files: generate.respec(files, **changes)


def _column(name: str, text: str) -> Callable[[Files], Files]:
    def apply(files: Files) -> Files:
        header, *rows = files["T.csv"].decode().splitlines()
        return {**files, "T.csv": "\n".join([f"{header},{name}", *(f"{row},{text}" for row in rows)]).encode()}

    return apply


def _tree(children: dict[str, list[str]]) -> Callable[[Files], Files]:
    return lambda files: generate.respec(
        files, hierarchies={"d0": {"root": "Total", "children": children}, "d1": {"root": "Total", "children": {}}}
    )


HOSTILE: dict[str, Callable[[Files], Files]] = {
    "half a surrogate pair": lambda files: {**files, "spec.json": files["spec.json"].replace(b'"T.csv"', b'"\\ud800.csv"')},
    "deeply nested": lambda files: {**files, "spec.json": b"[" * 100_000},
    "a list": lambda files: {**files, "spec.json": b"[]"},
    "huge threshold": _spec(threshold=10**30),
    "huge width": _spec(min_width=10**30),
    "rules that are none": _spec(rules="all"),
    "an unknown rule": _spec(rules=[{"rule": "magic"}]),
    "dominance without its column": _spec(rules=[{"rule": "dominance", "n": 1, "k": 80}]),
    "p% without its columns": _spec(rules=[{"rule": "p_percent", "p": 10}]),
    "contributors without their column": _spec(rules=[{"rule": "min_contributors", "n": 3}]),
    "group disclosure with published zeros": _spec(rules=[{"rule": "group", "column": "d0"}]),
    "a sum of nothing": _spec(sums=[{"total": "T", "parts": []}]),
    "a sum of itself": _spec(sums=[{"total": "T", "parts": ["T"]}]),
    "a figure of an unknown kind": _spec(derived={"R": {"file": "R.csv", "kind": "mode"}}),
    "a figure without its file": _spec(
        derived={"R": {"file": "R.csv", "kind": "ratio", "numerator": "T", "denominator": "T", "per": 100, "decimals": 1}}
    ),
    "a circle": _tree({"Total": ["a"], "a": ["b"], "b": ["a"]}),
    "a root below itself": _tree({"Total": ["Total"]}),
    "too deep": _tree({("Total" if level == 0 else f"n{level}"): [f"n{level + 1}"] for level in range(10_000)}),
    "a table of forty thousand million cells": _spec(
        hierarchies={f"d{axis}": {"root": "Total", "children": {"Total": [f"{axis}.{code}" for code in range(200_000)]}} for axis in (0, 1)}
    ),
    "negative cost": _column("cost", "-1"),
    "infinite cost": _column("cost", "inf"),
    "flags that are none": _column("primary", "2"),
    "a margin missing": lambda files: {**files, "T.csv": b"\n".join(files["T.csv"].split(b"\n")[:1] + files["T.csv"].split(b"\n")[2:])},
    "a row twice": lambda files: {**files, "T.csv": files["T.csv"] + files["T.csv"].splitlines()[3] + b"\n"},
    "no rows": lambda files: {**files, "T.csv": files["T.csv"].splitlines()[0]},
    "a stray quote": lambda files: change(files, "\nr.1,", '\n"r.1,'),
    "a NUL": lambda files: change(files, "r.1,", "r\0.1,"),
    "UTF-16": lambda files: {**files, "T.csv": files["T.csv"].decode().encode("utf-16")},
}


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_input_exits_2_with_a_plain_message(how: str, tmp_path: Path) -> None:
    for name, content in HOSTILE[how](generate.two_way(6)).items():
        (tmp_path / name).write_bytes(content)
    refused = CliRunner().invoke(protect_command, [str(tmp_path), "--out", str(tmp_path / "out")])
    assert refused.exit_code == 2, refused.stderr
    assert refused.stderr.startswith("bad input: ")
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


GOOD: dict[str, Callable[[Files], Files]] = {
    "a byte order mark": lambda files: {**files, "T.csv": b"\xef\xbb\xbf" + files["T.csv"]},
    "lines of Windows": lambda files: {**files, "T.csv": files["T.csv"].replace(b"\n", b"\r\n")},
    "no last line end": lambda files: {**files, "T.csv": files["T.csv"].rstrip(b"\n")},
    "quotes": lambda files: {**files, "T.csv": b"\n".join(b'"' + row.replace(b",", b'","') + b'"' for row in files["T.csv"].splitlines())},
    "codes of any kind": lambda files: {name: content.replace(b"r.1", "Ärea ✓ 日本 =1+1".encode()) for name, content in files.items()},
    "nothing costs": _column("cost", "0"),
}


@pytest.mark.parametrize("how", GOOD)
def test_odd_input_is_still_input(how: str, tmp_path: Path) -> None:
    for name, content in GOOD[how](generate.two_way(6)).items():
        (tmp_path / name).write_bytes(content)
    out = str(tmp_path / "out")
    assert CliRunner().invoke(protect_command, [str(tmp_path), "--out", out]).exit_code == 0
    assert CliRunner().invoke(attack_command, [str(tmp_path), "--protected", out]).exit_code == 0


def test_every_one_of_the_seventeen_tests_exists() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(range(1, 18))
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) > 17
    for file, name in named:
        assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8"), (file, name)
