"""``exchange-agency check`` on every sample, under the example agreements: what would leave, from which columns, and that nothing else is read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from adapters.agency.commands import check
from adapters.registry import find
from adapters.source import wanted_fields
from agreements.model import Dataset
from tests.adapters.conftest import Answer, Desk
from tests.adapters.contract import DATA
from tests.adapters.hostile import CANARY
from tests.adapters.partnership import Partnership
from tests.adapters.standin import StandIn
from tests.agreements.examples import PATHS, WORKSTREAMS, agreement

# Datasets whose sample is not named after their adapter alone.
OTHER = {"prison_population": "prison_population.txt"}


@pytest.fixture(autouse=True)
def then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples are of one month, and what is old must not be sent: the day on which check asks the agreement is fixed."""
    monkeypatch.setattr(check, "utc_now", lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))


@cache
def signed(name: str) -> Partnership:
    """The partnership of an example agreement, with keys of everybody in it."""
    return Partnership(edit=lambda _: PATHS[name].read_text(encoding="utf-8"))


def datasets() -> Iterator[tuple[str, Dataset]]:
    return ((name, dataset) for name in WORKSTREAMS for dataset in agreement(name).datasets)


def sample(dataset: Dataset) -> Path:
    return DATA / OTHER.get(dataset.name, "") if dataset.name in OTHER else next(DATA.glob(f"{dataset.adapter}.*"))


def checked(name: str, dataset: Dataset, path: Path, home: Path, capture: pytest.CaptureFixture[str]) -> Answer:
    partnership, supplier = signed(name), dataset.suppliers[0]
    hub = StandIn(partnership)
    with hub.serving() as address:
        desk = Desk(partnership.install(home / supplier, supplier, address), capture)
        return desk("check", dataset.name, path, "--period", "2026-05", "--json")


@pytest.mark.parametrize(("name", "dataset"), list(datasets()), ids=lambda value: value if isinstance(value, str) else value.name)
def test_check_shows_the_agreed_columns_and_no_value(
    name: str, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, source = sample(dataset), find(dataset.adapter)
    answer = checked(name, dataset, path, tmp_path, capsys)
    assert answer.code == 0, answer.out + answer.err
    assert CANARY not in answer.out + answer.err
    told = answer.json["agreements"][0]
    assert (told["reference"], told["dataset"]) == (agreement(name).reference, dataset.name)
    assert [(field["field"], field["source"]) for field in told["fields"]] == [(field.name, field.source) for field in dataset.fields]
    assert told["rows"] > 2
    encoding = "latin-1" if path.suffix == ".txt" else "utf-8"
    read = {header for header, column in source.columns.items() if column.name in source.needed(wanted_fields(dataset))}
    # Every column of the extract is either read for an agreed field, or never looked at.
    assert set(told["unread"]) == {header for header in source.headers(path, encoding=encoding) if header} - read
    assert set(told["read_only"]) == {header for header in read if source.columns[header].name not in wanted_fields(dataset)}


def test_a_code_that_the_agreement_does_not_know_is_refused_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = agreement("effectiveness").dataset("cps_completed")
    assert dataset is not None
    path = tmp_path / "cps_cases.csv"
    path.write_text(sample(dataset).read_text(encoding="utf-8").replace("Jury acquittal", CANARY), encoding="utf-8")
    answer = checked("effectiveness", dataset, path, tmp_path, capsys)
    assert answer.code == 6
    assert CANARY not in answer.out + answer.err
    assert answer.json["report"][0]["rows"] == [3]
