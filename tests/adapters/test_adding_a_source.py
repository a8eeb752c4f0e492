"""The page on adding a source works: what it says to write is written here, word for word, and run."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

from adapters.doubts import Doubts
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
    text = block("from adapters.xml_extract")
    source = declared(block('"""Tags fitted').partition("\n\n\nclass")[0], text)
    path = tmp_path / "tags.xml"
    path.write_text('<Tags><Tag id="7"><Person><PNC>81/34U</PNC></Person><Fitted>01/05/2024</Fitted></Tag></Tags>', encoding="utf-8")
    assert read(source, path, "tag_number", "pnc_id").to_pylist() == [{"tag_number": "7", "pnc_id": "1981/0000034U"}]
    path.write_text('<Tags><Tag id="CANARY"><Fitted/><Shoe>CANARY</Shoe></Tag></Tags>', encoding="utf-8")
    with nothing_said() as caught:
        read(source, path, "tag_number")
    assert "“Shoe”, is unknown" in caught[0].what
