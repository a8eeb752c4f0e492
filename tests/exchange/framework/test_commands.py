"""The commands: targets and baselines entered by a person, and the export, on a hub that ``exchange init`` made."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from exchange.commands.root import cli
from exchange.db import writing
from exchange.errors import Misconfigured, Unacceptable
from exchange.hub import open_hub
from exchange.people import people
from exchange.settings import read_settings
from tests.exchange.framework.conftest import MEASURES
from tests.exchange.framework.test_targets import BOARD, row, series


@pytest.fixture
def hub(tmp_path: Path) -> tuple[Path, str]:
    """Settings of a new hub with the measures of these tests, and an analyst's id."""
    ask(None, "init", str(tmp_path / "hub"))
    config = tmp_path / "hub" / "hub.toml"
    config.write_text(config.read_text(encoding="utf-8") + f'measures = "{MEASURES}"\n', encoding="utf-8")
    here = open_hub(read_settings(config))
    with writing(here.engine) as session:
        row = people.create(
            session, party="lcjp-operator", name="Robin", position="Analyst", roles=["analyst"], who="hub", now=here.clock()
        )
    here.engine.dispose()
    return config, row.id


def ask(config: Path | None, *arguments: str) -> str:
    found = CliRunner().invoke(cli, [*(("--config", str(config)) if config else ()), *arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_targets_are_entered_listed_and_ended(hub: tuple[Path, str]) -> None:
    config, person = hub
    said = ("--decided", BOARD, "--person", person)
    assert "MV7 charged: 18 by 2027-03-31." in ask(config, "measure", "target", "mv7", "--value", "18", "--by", "2027-03-31", *said)
    assert "no target any more" in ask(config, "measure", "target", "MV7", "--none", *said)
    listed = json.loads(ask(config, "--json", "measure", "targets"))["targets"]
    assert [(one["value"], one["by"], one["person"]) for one in listed] == [("18", "2027-03-31", person), (None, None, person)]
    for wrong in (("MV1", "--none"), ("MV7",), ("MV7", "--none", "--value", "1")):
        with pytest.raises(Unacceptable):
            ask(config, "measure", "target", *wrong, *said)


def test_a_baseline_is_entered_and_measures_are_listed(hub: tuple[Path, str], tmp_path: Path) -> None:
    config, person = hub
    (tmp_path / "series.csv").write_bytes(series(row(), row(area="Wales")))
    assert "1 of 2 figures" in ask(config, "measure", "baseline", str(tmp_path / "series.csv"), "--person", person)
    assert [one["id"] for one in json.loads(ask(config, "--json", "measure", "list"))["measures"]] == ["MV7", "ME9", "MR9"]


def test_an_export_takes_no_folder_that_holds_something(hub: tuple[Path, str], tmp_path: Path) -> None:
    config, _ = hub
    out = tmp_path / "site"
    assert json.loads(ask(config, "--json", "framework", "export", "--out", str(out)))["measures"] == []
    assert sorted(one.name for one in out.iterdir()) == ["favicon.svg", "framework.css", "index.html"]
    with pytest.raises(Misconfigured, match="holds something already"):
        ask(config, "framework", "export", "--out", str(out))
    assert json.loads(ask(config, "--json", "framework", "draw")) == {"charts": 0}
