"""Every invented extract is one that its source reads and the example agreements accept, and says of people what an agency would know."""

import filecmp
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters.agency.cli import run
from adapters.agency.commands.check import Findings, _read
from adapters.errors import NotThisEncoding, UsageError
from adapters.identifiers import IDENTIFIERS
from adapters.registry import SOURCES, find
from adapters.source import Source
from adapters.synthesis.calendar import Window
from adapters.synthesis.story import synthesise
from agreements.codes import CodeList, read_lists
from agreements.model import Dataset
from agreements.periods import Period
from tests.adapters.synthesis.conftest import CODES, Invented, window
from tests.agreements.examples import PATHS, agreement

AGREED = [(name, dataset) for name in PATHS for dataset in agreement(name).datasets]
SERVED: dict[str, list[Dataset]] = defaultdict(list)
for _, agreed in AGREED:
    SERVED[agreed.name].append(agreed)


def chosen(numbers: set[int]) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["number"] in numbers


def findings(source: Source, path: Path, dataset: Dataset, period: str, lists: dict[str, CodeList]) -> Findings:
    for encoding in source.encodings:
        try:
            return _read(source, path, dataset, Period.parse(period), lists, encoding)
        except NotThisEncoding:
            continue
    raise AssertionError(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    """As the demonstration makes it, but shorter."""
    folder = tmp_path_factory.mktemp("small") / "partnership"
    synthesise(folder, window(0.02, "2024-01", "2024-06"), 3, CODES)
    return Invented(folder, json.loads((folder / "manifest.json").read_text())["extracts"])


def test_every_supplier_of_every_dataset_has_an_extract_for_every_month(small: Invented) -> None:
    there = Counter((dataset, line["supplier"]) for line in small.index for dataset in line["datasets"])
    assert there == {(dataset.name, supplier): 6 for _, dataset in AGREED for supplier in dataset.suppliers}
    assert {line["adapter"] for line in small.index} == {dataset.adapter for _, dataset in AGREED}


def test_every_extract_is_accepted_as_it_is(small: Invented) -> None:
    lists = read_lists(CODES)
    for line in small.index:
        source, path = find(line["adapter"]), small.folder / line["path"]
        for dataset in (one for name in line["datasets"] for one in SERVED[name]):
            source.require(dataset, "schedule 1")
            found = findings(source, path, dataset, line["period"], lists)
            assert (found.breaches, found.rows) == ({}, line["rows"]), line


def test_no_declared_column_is_always_empty(invented: Invented) -> None:
    """But two that the published files leave empty, and the survey's comment, which nobody invents."""
    filled: dict[str, set[str]] = defaultdict(set)
    for name in {line["path"].split("/")[1] for line in invented.index}:
        lines = [line for line in invented.extracts(name) if line["rows"]]
        numbers = {line["number"] for line in (*lines[:1], *lines[-1:])}
        source = find(lines[0]["adapter"])
        headers = source.headers(invented.folder / lines[0]["path"], encoding=source.encodings[-1])
        columns = tuple(source.columns[header].name for header in headers if header in source.columns)
        frame = invented.read(name, columns, chosen(numbers))
        filled[source.name] |= {column for column in columns if frame[column].notna().any()}
    empty = {(source, column.name) for source in filled for column in SOURCES[source].columns.values()} - {
        (source, column) for source, columns in filled.items() for column in columns
    }
    assert empty <= {("police_crimes", "context"), ("victim_survey", "comment")}


@pytest.mark.parametrize(
    ("name", "column", "truth"),
    [
        ("police_charges", "pnc_id", "pnc_id"),
        ("police_charges", "cro_number", "cro_number"),
        ("prison_movements", "noms_number", "noms_number"),
        ("nps_caseload", "crn", "crn"),
        ("liaison_diversion", "nhs_number", "nhs_number"),
    ],
)
def test_a_number_in_an_extract_is_that_of_the_true_person(invented: Invented, name: str, column: str, truth: str) -> None:
    people = invented.ledger("people").set_index("person")
    rows = invented.read(name, (column,)).dropna(subset=[column]).join(people[truth].rename("true"), on="person")
    # A slip that still has its check letter is rare: one in 23 of the few that there are.
    assert len(rows) > 100
    assert (rows[column] == rows["true"]).mean() > 0.995


def test_identifiers_of_people_have_their_check_characters_and_are_nobody_elses(invented: Invented) -> None:
    people = pd.read_parquet(invented.folder / "ledger" / "people.parquet")
    for column, kind in (("pnc_id", "pnc"), ("cro_number", "cro"), ("noms_number", "noms"), ("crn", "crn"), ("nhs_number", "nhs")):
        held = people[people["offender"]][column]
        assert people[~people["offender"]][column].isna().all()
        assert held.is_unique
        assert all(IDENTIFIERS[kind].read(value, 2026) == value for value in held.head(3_000)), kind


def test_what_agencies_write_is_nearly_what_is_true_and_differs_where_the_ledger_says_so(invented: Invented) -> None:
    people = invented.ledger("people").set_index("person")
    rows = invented.read("crc_caseload", ("surname", "forename", "date_of_birth"))
    true = people[["surname", "forename", "married", "birth_day"]].rename(columns={"surname": "surname_true", "forename": "forename_true"})
    rows = rows.join(true, on="person")
    plain = rows[rows["slips"] == 0]
    assert ((plain["surname"] == plain["surname_true"].str.upper()) | (plain["surname"] == plain["married"].str.upper())).all()
    assert (plain["forename"] == plain["forename_true"]).all()
    assert (pd.to_datetime(plain["date_of_birth"]) == plain["birth_day"]).all()
    slipped = rows[rows["slips"] & 1 == 1].drop_duplicates("event")
    assert 0.005 < len(slipped) / rows["event"].nunique() < 0.06
    assert (slipped["surname"] != slipped["surname_true"].str.upper()).mean() > 0.95


def test_a_record_met_again_next_month_is_written_the_same(invented: Invented) -> None:
    rows = invented.read("nps_caseload", ("surname", "forename", "date_of_birth", "pnc_id"))
    rows = rows.join(invented.ledger("people").set_index("person")["married"], on="person")
    rows = rows[rows["married"] == ""]  # who took another name is written down anew
    assert (rows.groupby("event")[["surname", "forename", "date_of_birth", "pnc_id"]].nunique(dropna=False) == 1).all(axis=None)


def test_nothing_in_an_extract_comes_after_the_day_it_was_read(invented: Invented) -> None:
    end = pd.Timestamp("2025-01-15")
    charges = invented.read("police_charges", ("offence_date", "charge_date", "disposal_date"))
    assert all(pd.to_datetime(charges[column]).max() <= end for column in ("offence_date", "charge_date", "disposal_date"))
    support = invented.read("vcas_cases", ("assessed_date", "closed_date"))
    assert pd.to_datetime(support["closed_date"]).max() <= end


def test_events_follow_one_another(invented: Invented) -> None:
    episodes = invented.ledger("episodes")
    charged = episodes[episodes["charged"]]
    assert (episodes["offence_day"] <= episodes["charge_day"]).all()
    assert (charged["charge_day"] <= charged["hearing_day"]).all()
    ended = charged.dropna(subset=["completion_day"])
    assert (ended["hearing_day"] <= ended["completion_day"]).all()
    freed = episodes.dropna(subset=["release_day"])
    assert (freed["reception_day"] <= freed["release_day"]).all()
    again = episodes[episodes["parent"] >= 0]
    assert (again["offence_day"].to_numpy() > episodes.loc[again["parent"], "entry_day"].to_numpy()).all()
    assert (again["person"].to_numpy() == episodes.loc[again["parent"], "person"].to_numpy()).all()


def test_courts_sit_on_weekdays_and_people_are_old_enough(invented: Invented) -> None:
    assert (invented.ledger("listings")["day"].dt.day_of_week < 5).all()
    assert (invented.ledger("defendant_listings")["day"].dt.day_of_week < 5).all()
    people = invented.ledger("people").set_index("person")
    offenders = people[people["offender"]]
    age = (offenders["since_day"] - offenders["birth_day"]).dt.days / 365.2425
    assert age.min() > 9.99
    assert (offenders["pnc_id"].str[:4].astype(int) <= offenders["since_day"].dt.year.clip(lower=offenders["birth_day"].dt.year + 11)).all()


def test_a_case_has_one_urn_and_co_defendants_share_it_and_its_days(invented: Invented) -> None:
    rows = invented.read("cps_completed", ("case_urn", "completion_date", "outcome"))
    rows = rows.merge(invented.ledger("prosecutions")[["event", "episode"]], on="event")
    rows["case"] = rows["episode"].map(invented.ledger("episodes").set_index("event")["case"])
    assert (rows.groupby("case")["case_urn"].nunique() == 1).all()
    assert (rows.groupby("case_urn")["case"].nunique() == 1).all()
    final = rows[rows["outcome"] != "SENT_TO_CROWN"]
    shared = final.groupby("case").filter(lambda case: case["episode"].nunique() > 1)
    assert len(shared) > 100
    assert (shared.groupby("case")["completion_date"].nunique() == 1).all()


# ------------------------------------------------------------------------------------------------------------------- seeds


def same(one: Path, other: Path) -> bool:
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    return files == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file()) and all(
        filecmp.cmp(one / path, other / path, shallow=False) for path in files
    )


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    short = Window.between("2024-01", "2024-03", 0.01)
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        synthesise(tmp_path / folder, short, seed, CODES)
    assert same(tmp_path / "a", tmp_path / "b")
    crimes = "cleveland-police/police_crimes/2024-01.csv"
    assert (tmp_path / "a" / crimes).read_bytes() != (tmp_path / "c" / crimes).read_bytes()


def test_choosing_sources_changes_nothing_in_them(tmp_path: Path) -> None:
    short = Window.between("2024-01", "2024-02", 0.01)
    synthesise(tmp_path / "all", short, 5, CODES)
    few = synthesise(tmp_path / "few", short, 5, CODES, ["hmcts_trials", "vcas_cases"])
    assert {one.adapter for one in few} == {"hmcts_trials", "vcas_cases"}
    assert all((tmp_path / "few" / one.path).read_bytes() == (tmp_path / "all" / one.path).read_bytes() for one in few)
    for table in ("people", "episodes", "victims"):
        assert filecmp.cmp(
            tmp_path / "few" / "ledger" / f"{table}.parquet", tmp_path / "all" / "ledger" / f"{table}.parquet", shallow=False
        )


def test_the_command_says_what_it_wrote_and_does_not_mix_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "synthesise",
        "--out",
        str(tmp_path / "out"),
        "--people",
        "10000",
        "--from",
        "2024-01",
        "--to",
        "2024-01",
        "--codes",
        str(CODES),
    ]
    assert run([*asked, "--sources", "rj_referrals", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["extracts"], said["suppliers"], said["ok"]) == (1, 1, True)
    assert run(asked) == UsageError.exit_code
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ("--from", "2024-13"),
        ("--from", "2024-02", "--to", "2024-01"),
        ("--scale", "0"),
        ("--scale", "0.1", "--people", "5000"),
        ("--sources", "national_baseline"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    assert run(["synthesise", "--out", str(tmp_path / "out"), "--codes", str(CODES), *wrong]) == UsageError.exit_code
    assert not (tmp_path / "out").exists()
