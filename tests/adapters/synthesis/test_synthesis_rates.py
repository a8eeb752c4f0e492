"""The processes come out at the plan's local figures: counted from the ledger's events and, where an extract shows it, from the extracts.

Bounds are four standard errors of a binomial with the plan's share: one seed is fixed, so a test that passes always passes.
"""

from math import sqrt

import pandas as pd
import pytest

from adapters.synthesis import rates
from tests.adapters.synthesis.conftest import SCALE, Invented

FORCES = ("Cleveland", "Durham")
FIRST, LAST = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")
ENTRIES = ("CUSTODY", "SUSPENDED", "COMMUNITY", "REFERRAL", "FINE", "DISCHARGE", "OTHER", "CAUTION")
PROVEN = ("CONVICTED", "CAUTION", "YOUTH_CAUTION", "CONDITIONAL_CAUTION")
SATISFIED, NOT_SATISFIED = ("COMPLETELY", "VERY", "FAIRLY"), ("NEITHER", "FAIRLY_DIS", "VERY_DIS", "COMPLETELY_DIS")


def assert_share(found: pd.Series, share: float, least: int) -> None:
    """That a share of the rows is true, within sampling error, and that there are enough rows for it to say something."""
    count = len(found)
    assert count >= least
    assert abs(found.mean() - share) < 4 * sqrt(share * (1 - share) / count), (found.mean(), share, count)


COURTS = (
    (("B17JA", "B11JP", "B11KF", "B11EI"), 94 / 225, 1_000),
    (("C11DU",), 11 / 20, 90),
    (("C17TE",), 24 / 53, 250),
)


@pytest.mark.parametrize(("courts", "share", "least"), COURTS, ids=["magistrates", "Durham Crown", "Teesside Crown"])
def test_trials_that_go_ahead(invented: Invented, courts: tuple[str, ...], share: float, least: int) -> None:
    listings = invented.ledger("listings")
    counted = listings[listings["court"].isin([rates.COURTS.index(court) for court in courts]) & (listings["end"] <= 2)]
    assert_share(counted["end"] == 0, share, least)

    rows = invented.read("hmcts_trials", ("case_urn", "court_code", "listed_date", "trial_outcome"))
    listed = rows[rows["court_code"].isin(courts) & rows["trial_outcome"].isin(["E", "C", "I"])]
    once = listed.drop_duplicates(["case_urn", "listed_date"])
    assert_share(once["trial_outcome"] == "E", share, least)


@pytest.mark.parametrize(("force", "share"), [("Cleveland", 0.69), ("Durham", 0.679)])
def test_guilty_pleas_at_the_first_hearing(invented: Invented, force: str, share: float) -> None:
    episodes = invented.ledger("episodes").set_index("event")
    ended = invented.ledger("prosecutions").join(episodes["force"], on="episode")
    pleas = ended[(ended["court"] != "CC") & (ended["force"] == FORCES.index(force)) & (ended["plea"] != "")]
    pleas = pleas[pleas["completion_day"].between(FIRST, LAST)]
    assert_share(pleas["plea"] == "FIRST", share, 2_000)

    rows = invented.read("cps_completed", ("police_area", "court_type", "plea_stage"))
    lower = rows[(rows["police_area"] == force) & (rows["court_type"] != "CC") & rows["plea_stage"].notna()]
    assert_share(lower["plea_stage"] == "FIRST", share, 2_000)


@pytest.mark.parametrize(("force", "share"), [("Cleveland", 0.289), ("Durham", 0.355)])
def test_prosecutions_lost_because_of_a_victim_or_witness(invented: Invented, force: str, share: float) -> None:
    rows = invented.read("cps_completed", ("police_area", "outcome", "unsuccessful_reason"))
    lost = rows[(rows["police_area"] == force) & rows["unsuccessful_reason"].notna()]
    assert set(lost["outcome"]) <= {"ACQUITTED", "NO_CASE", "DISCONTINUED", "WITHDRAWN", "NO_EVIDENCE_OFFERED", "LEFT_ON_FILE"}
    assert_share(lost["unsuccessful_reason"].str.startswith(("VICTIM", "WITNESS")), share, 500)


@pytest.mark.parametrize(("supplier", "share"), [("cleveland-police", 0.83), ("durham-constabulary", 0.87)])
def test_victims_satisfied_with_the_police(invented: Invented, supplier: str, share: float) -> None:
    rows = invented.read("victim_survey", ("satisfaction",))
    valid = rows[(rows["supplier"] == supplier) & rows["satisfaction"].isin(SATISFIED + NOT_SATISFIED)]
    assert_share(valid["satisfaction"].isin(SATISFIED), share, 250)


def test_needs_assessments_of_the_first_year(invented: Invented) -> None:
    rows = invented.read("vcas_cases", ("assessed_date",))
    first = rows[pd.to_datetime(rows["assessed_date"]) < "2023-01-01"]
    expected = 3_924 * SCALE
    assert abs(len(first) - expected) < 4 * sqrt(expected)


def test_witnesses_who_would_attend_again(invented: Invented) -> None:
    rows = invented.read("witness_answers", ("would_attend_again",))
    assert_share(rows["would_attend_again"].dropna() == "YES", 0.55, 1_000)


def reoffenders(episodes: pd.DataFrame, offences: pd.DataFrame, start: str) -> pd.Series:
    """For each person of the cohort of a year, whether they reoffended: the definition of MR1, read off dated events."""
    window = (pd.Timestamp(start), pd.Timestamp(start) + pd.DateOffset(years=1))
    entries = episodes[episodes["entry"].isin(ENTRIES) & (episodes["entry_day"] >= window[0]) & (episodes["entry_day"] < window[1])]
    first = entries.groupby("person")["entry_day"].min()
    counted = offences[offences["recordable"] & ~offences["breach"]].join(episodes[["person", "disposal", "disposal_day"]], on="episode")
    counted = counted[counted["disposal"].isin(PROVEN)].join(first.rename("entered"), on="person", how="inner")
    committed = (counted["day"] > counted["entered"]) & (counted["day"] <= counted["entered"] + pd.DateOffset(years=1))
    proven = counted["disposal_day"] <= counted["entered"] + pd.DateOffset(months=18)
    return pd.Series(first.index.isin(counted[committed & proven]["person"]), first.index)


@pytest.mark.parametrize("start", ["2022-01-01", "2022-04-01", "2022-10-01", "2023-01-01"])
def test_proven_reoffending(invented: Invented, start: str) -> None:
    episodes = invented.ledger("episodes").set_index("event")
    assert_share(reoffenders(episodes, invented.ledger("offences"), start), 0.248, 3_000)


def test_reoffending_can_be_read_from_the_extracts_by_true_person(invented: Invented) -> None:
    """The extracts hold the same cohort as the ledger, save what is entered late or written twice: charges and prison releases alone."""
    charges = invented.read(
        "police_charges", ("recordable", "breach", "offence_date", "charge_date", "disposal", "disposal_date", "sentence_type")
    )
    releases = invented.read("prison_movements", ("movement", "movement_date", "sentence_band"))
    out = releases[(releases["movement"] == "D") & (releases["sentence_band"] != "REMAND")]
    free = charges[charges["disposal"].isin(PROVEN) & (charges["sentence_type"] != "CUSTODY")]
    entries = pd.concat(
        [
            out[["person", "movement_date"]].set_axis(["person", "day"], axis=1),
            free[["person", "disposal_date"]].set_axis(["person", "day"], axis=1),
        ]
    )
    entries["day"] = pd.to_datetime(entries["day"])
    first = entries[(entries["day"] >= "2022-01-01") & (entries["day"] < "2023-01-01")].groupby("person")["day"].min().rename("entered")
    again = charges[charges["disposal"].isin(PROVEN) & (charges["recordable"] == "Y") & (charges["breach"] == "N")].join(
        first, on="person", how="inner"
    )
    offence, proof = pd.to_datetime(again["offence_date"]), pd.to_datetime(again["disposal_date"])
    soon = (offence > again["entered"]) & (offence <= again["entered"] + pd.DateOffset(years=1))
    found = pd.Series(first.index.isin(again[soon & (proof <= again["entered"] + pd.DateOffset(months=18))]["person"]), first.index)
    assert_share(found, 0.248, 3_000)


def test_volumes_are_those_of_two_forces(invented: Invented) -> None:
    months = 36 * SCALE
    per_month = {name: sum(line["rows"] for line in invented.extracts(name)) / months for name in ("police_victims", "cps_completed")}
    assert 12_000 < per_month["police_victims"] < 17_000
    assert 1_600 < per_month["cps_completed"] < 2_400
    crimes = invented.ledger("street")
    assert 13_500 < (crimes["crime"] >= 0).sum() / months < 16_500
