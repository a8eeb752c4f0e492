"""What the security documentation promises: tests that are there, lists of materials that are whole, an audit that does not lie."""

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import dev

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
THREATS = 49


def functions(path: Path) -> set[str]:
    """Every test of a file, those in state machines' classes included."""
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def rows() -> list[list[str]]:
    """The table of threats: number, threat, control, test."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"^\| \d+ \|", line)]
    return [row for row in found if len(row) == 4]


def test_every_test_that_the_document_names_is_there() -> None:
    named = NAMED.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert len(named) > 60
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert not name or name in functions(ROOT / path), f"{path}::{name}"


def test_every_threat_has_a_control_and_a_test_or_says_that_it_has_none() -> None:
    found = rows()
    assert [int(row[0]) for row in found] == list(range(1, THREATS + 1))
    for number, _, control, shown in found:
        assert len(control) > 20, number
        assert NAMED.search(shown) or "not met in software" in shown.lower(), number


def test_every_place_in_the_code_that_the_document_names_is_there() -> None:
    for name in re.findall(r"`((?:exchange|agreements|keys|adapters)/[\w/]+\.py)`", DOCUMENT.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


# ------------------------------------------------------------------------------------------------------- dependencies


@pytest.mark.parametrize("lock", dev.AUDITED)
def test_a_list_of_materials_names_every_locked_package_with_its_hashes(lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / lock).write_bytes((ROOT / lock).read_bytes())
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    command = [str(part) for part in dev.materials(lock)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    (made,) = (tmp_path / "build").glob("*.json")
    first = made.read_bytes()
    found = json.loads(first)
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
    assert {one["name"].lower(): one["version"] for one in found["components"]} == {
        name.lower(): version for name, version in pinned.items()
    }
    for one in found["components"]:
        hashes = [each for reference in one["externalReferences"] for each in reference.get("hashes", [])]
        assert hashes, one["name"]
        assert {each["alg"] for each in hashes} == {"SHA-256"}
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    assert made.read_bytes() == first


SOUND = {"name": "click", "version": "8.5.1", "vulns": []}
WEAK = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}, {"id": "PYSEC-2", "fix_versions": []}]}
UNKNOWN = {"name": "ours", "version": "1", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([], 0, "not audited: no vulnerability service reachable"),
        ([UNKNOWN], 0, "not audited: no vulnerability service reachable"),
        ([SOUND], 0, "1 packages audited, 0 of them weak"),
        ([SOUND, UNKNOWN], 0, "1 packages audited; not audited, since the service does not know them: ours"),
        ([SOUND, WEAK], 1, "flask 0.1: PYSEC-1 (mended in 3.1), PYSEC-2 (mended in no release)"),
        ([WEAK, UNKNOWN], 1, "PYSEC-1"),
    ],
    ids=["nobody answers", "nobody knows", "sound", "partly known", "weak", "weak and partly known"],
)
def test_a_finding_fails_and_silence_is_said(found: list[dict[str, Any]], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.told(found) == code
    assert said in capsys.readouterr().out


def test_an_audit_without_its_tool_or_a_network_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a machine without a way out has it: the tool ends with words and no answer."""
    (tmp_path / "pip-audit").write_text("#!/bin/sh\necho no connection >&2\nexit 1\n")
    (tmp_path / "pip-audit").chmod(0o755)
    monkeypatch.setattr(dev, "BIN", tmp_path)
    assert dev.audit() == 0
    assert "not audited" in capsys.readouterr().out
