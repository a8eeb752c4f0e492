"""The page on adding a source works: what it says to write is written here, word for word, and run."""

import json
import re
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pytest

from adapters import native_codes
from adapters.agency.cli import run
from adapters.doubts import Doubts
from adapters.registry import SOURCES
from adapters.source import Source
from tests.adapters.contract import read
from tests.adapters.hostile import CANARY, nothing_said
from tests.agreements.papers import ROOT

PAGE = (ROOT / "docs" / "adding-a-source.md").read_text(encoding="utf-8")
BLOCKS = [dedent(block) for block in re.findall(r"(?:^    .*\n|^\n+(?=    ))+", PAGE, re.MULTILINE)]


def block(begins: str) -> str:
    """The one block of the page that begins so."""
    found = [one.strip("\n") + "\n" for one in BLOCKS if one.strip("\n").startswith(begins)]
    assert len(found) == 1, begins
    return found[0]


def declared(*texts: str) -> Source:
    """The source that is declared, of a module with this text."""
    module: dict[str, Any] = {}
    for text in texts:
        exec(compile(text, "the page", "exec"), module)
    source = module["TagEvents"]()
    assert isinstance(source, Source)
    return source


def test_the_example_reads_its_sample(tmp_path: Path) -> None:
    source, path, doubts = declared(block('"""Tags fitted')), tmp_path / "tag_events.csv", Doubts()
    path.write_text(block("PNC;Surname"), encoding="utf-8")
    rows = read(source, path, doubts=doubts).to_pylist()
    assert [row["removed_date"] is None for row in rows] == [False, False, True, True]
    assert [row["pnc_id"] for row in rows] == ["1981/0000034U", "1981/0000034U", None, None]
    assert [row["reason"] for row in rows] == ["CURFEW", "CURFEW", "HDC", "BAIL"]
    assert [row["age"] for row in rows] == [34, 34, 38, None]
    assert [row["name_dob"] is None for row in rows] == [False, False, False, True]
    assert {column for column, _, _ in doubts.items()} == {"pnc_id", "reason"}
    assert all(CANARY in row["forename"] for row in rows)


def test_the_test_of_the_example_is_one_of_the_contract() -> None:
    text = block("from adapters.tag_events import TagEvents\nfrom tests")
    compile(text, "the page", "exec")
    assert "class TestTagEvents(SourceContract):" in text
    assert "rows = 4" in text


def test_the_example_as_xml_is_another_base_class(tmp_path: Path) -> None:
    source, path, doubts = declared(block('"""The tags')), tmp_path / "tags.xml", Doubts()
    text = block("<?xml")
    path.write_text(text, encoding="utf-8")
    rows = read(source, path, doubts=doubts).to_pylist()
    assert [row["pnc_id"] for row in rows] == ["1981/0000034U", None]
    assert [row["removed_date"] for row in rows] == [date(2024, 5, 31), None]
    assert [row["age"] for row in rows] == [34, 38]
    assert all(row["name_dob"] and CANARY in row["tag_number"] for row in rows)
    assert doubts.items() == []
    tag = '<Tag id="CANARY"><Fitted/><Shoe>CANARY</Shoe></Tag>'
    path.write_text(f"<Tags>{tag * 2}</Tags>", encoding="utf-8")
    with nothing_said() as caught:
        read(source, path, "tag_number")
    assert "“Shoe”, is unknown" in caught[0].what


@pytest.mark.parametrize(("left_out", "missing"), [("<PNC>81/34U</PNC>", ""), ("<Fitted>.*?</Fitted>", "“Fitted” is missing")])
def test_what_no_record_has_is_missing_unless_it_is_sparse(tmp_path: Path, left_out: str, missing: str) -> None:
    source, path = declared(block('"""The tags')), tmp_path / "tags.xml"
    path.write_text(re.sub(left_out, "", block("<?xml")), encoding="utf-8")
    with nothing_said() as caught:
        assert read(source, path, "pnc_id", "fitted_date")["pnc_id"].null_count == 2
    assert [missing in one.what for one in caught] == ([True] if missing else [])


def test_the_forms_that_the_page_names_are_there() -> None:
    named = re.findall(r"`codes=(Codes\(form=[A-Z_]+\))`", PAGE)
    assert named
    assert all(eval(one, vars(native_codes)).form for one in named)
    assert {"HOME_OFFICE_CLASS", "COURT_CODE"} <= vars(native_codes).keys()


def test_what_the_page_says_to_run_is_there() -> None:
    """But for the two files that the page itself says to write."""
    written = {"adapters/tag_events.py", "tests/adapters/test_tag_events.py"}
    paths = set(re.findall(r"(?<= )(?:adapters|tests)/[a-z_/]+\.py(?=[ \n])", "\n".join(BLOCKS)))
    assert written < paths
    assert all((ROOT / path).is_file() for path in paths - written)


@pytest.fixture
def tagging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command of step 6, with the agreement that the page says to write, the source registered and its sample there."""
    source = declared(block('"""Tags fitted'))
    monkeypatch.setitem(cast("dict[str, Source]", SOURCES), source.name, source)
    shipped = (ROOT / "config" / "agreements" / "mv7.toml").read_text(encoding="utf-8")
    listed = re.search(r'`(datasets = \[.*"tags"\])`', PAGE)
    assert listed is not None
    assert shipped.count('datasets = ["crimes", "outcomes"]\nregime') == 3
    words = shipped.replace('datasets = ["crimes", "outcomes"]\nregime', f"{listed[1]}\nregime")
    (tmp_path / "tagging.toml").write_text(words.replace("# Schedule 2", f"{block('[[datasets]]')}\n# Schedule 2"), encoding="utf-8")
    sample = tmp_path / "tests" / "adapters" / "data" / "tag_events.csv"
    sample.parent.mkdir(parents=True)
    sample.write_text(block("PNC;Surname"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return [*block(".venv/bin/exchange-agency").split()[1:], "--home", str(tmp_path / "none")]


def test_the_example_is_checked_under_a_draft(tagging: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*tagging, "--json"]) == 0
    [shown] = json.loads(capsys.readouterr().out)["agreements"]
    assert (shown["draft"], shown["dataset"], shown["rows"]) == (True, "tags", 4)
    assert [(one["field"], one["source"], one["empty"]) for one in shown["fields"]] == [
        ("fitted_month", "fitted_date", 0),
        ("person_name_dob", "name_dob", 1),
    ]
    assert shown["read_only"] == ["Surname", "Forename", "Born"]
    assert shown["unread"] == ["PNC", "Removed", "Reason", "Complied", "Pounds a day"]
    assert run(tagging) == 0
    said = capsys.readouterr().out
    assert said.startswith("tagging.toml: a draft that nobody signed.")
    assert CANARY not in said
    assert not (tmp_path / "none").exists()
