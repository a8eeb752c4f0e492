"""The planted cases are what they say, found again by reading the ledger alone."""

import pandas as pd
import pytest

from tests.adapters.synthesis.conftest import Invented

KINDS = (
    "proven-in-month-19",
    "repeat-entries",
    "vacated-relisting",
    "same-incident",
    "organisation",
    "open-case",
    "six-agencies",
    "breach",
)
FOLLOW_UP, PROOF = pd.DateOffset(years=1), pd.DateOffset(months=18)


def planted(invented: Invented, kind: str) -> list[tuple[int, str, list[int]]]:
    """Person, table and events of each case of a kind."""
    cases = pd.read_csv(invented.folder / "ledger" / "planted.csv", dtype=str)
    found = cases[cases["kind"] == kind]
    return [
        (int(person), table, [int(event) for event in events.split()])
        for person, table, events in zip(found["person"], found["table"], found["events"], strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_some_of_each_kind(invented: Invented, kind: str) -> None:
    assert len(planted(invented, kind)) == 5


def test_an_offence_proven_in_month_19_is_in_follow_up_and_not_proven_in_time(invented: Invented) -> None:
    episodes = invented.ledger("episodes").set_index("event")
    for person, table, (entry, again) in planted(invented, "proven-in-month-19"):
        entered = episodes.loc[entry, "entry_day"]
        assert (table, episodes.loc[entry, "person"], episodes.loc[again, "person"]) == ("episodes", person, person)
        assert entered < episodes.loc[again, "offence_day"] <= entered + FOLLOW_UP
        assert entered + PROOF < episodes.loc[again, "disposal_day"] <= entered + pd.DateOffset(months=19)
        assert episodes.loc[again, "disposal"] == "CONVICTED"
        assert episodes.loc[again, "charge_day"] <= episodes.loc[again, "hearing_day"] <= episodes.loc[again, "completion_day"]


def test_repeat_entries_fall_into_one_year(invented: Invented) -> None:
    episodes = invented.ledger("episodes").set_index("event")
    for person, _, events in planted(invented, "repeat-entries"):
        days = episodes.loc[events, "entry_day"]
        assert set(episodes.loc[events, "person"]) == {person}
        assert (len(events), days.is_monotonic_increasing) == (3, True)
        assert days.max() - days.min() < pd.Timedelta(days=365)


def test_a_vacated_listing_is_followed_by_another_of_the_same_case_and_both_are_in_the_extracts(invented: Invented) -> None:
    listings = invented.ledger("listings").set_index("event")
    rows = invented.read("hmcts_trials", ("trial_outcome",))
    rows = rows.merge(invented.ledger("defendant_listings")[["event", "listing"]], on="event")
    for _, _, (vacated, after) in planted(invented, "vacated-relisting"):
        assert listings.loc[vacated, "case"] == listings.loc[after, "case"]
        assert listings.loc[vacated, "day"] < listings.loc[after, "day"]
        assert set(rows[rows["listing"] == vacated]["trial_outcome"].dropna()) <= {"V"}
        assert set(rows[rows["listing"].isin([vacated, after])]["listing"]) == {vacated, after}


def test_victims_of_one_incident_and_organisations(invented: Invented) -> None:
    victims, crimes = invented.ledger("victims").set_index("event"), invented.ledger("crimes").set_index("event")
    for person, _, (one, other) in planted(invented, "same-incident"):
        assert set(victims.loc[[one, other], "person"]) == {person}
        assert victims.loc[one, "crime"] != victims.loc[other, "crime"]
        assert crimes.loc[victims.loc[[one, other], "crime"], "incident"].nunique() == 1
    kinds = invented.read("police_victims", ("victim_kind",)).set_index("event")["victim_kind"]
    for _, _, (event,) in planted(invented, "organisation"):
        assert victims.loc[event, "person"] == -1
        assert set(kinds.loc[[event]]) <= {"O"}


def test_an_open_case_is_open_in_the_last_snapshot_and_nowhere_completed(invented: Invented) -> None:
    prosecutions = invented.ledger("prosecutions").set_index("event")
    standing = invented.read("cps_open", ("case_urn",), lambda line: line["period"] == "2024-12")
    ended = invented.read("cps_completed", ("outcome",))
    in_order, done = prosecutions.loc[standing["event"], "episode"], ended[ended["outcome"] != "SENT_TO_CROWN"]
    for _, _, (episode,) in planted(invented, "open-case"):
        assert episode in set(in_order)
        assert episode not in set(prosecutions.loc[done["event"], "episode"])


def test_a_breach_is_marked_in_the_charges(invented: Invented) -> None:
    charges = invented.read("police_charges", ("breach",)).set_index("event")["breach"]
    for _, _, (event,) in planted(invented, "breach"):
        assert set(charges.loc[[event]]) == {"Y"}


def test_one_person_is_seen_by_many_agencies_under_several_names(invented: Invented) -> None:
    index = pd.DataFrame(invented.index).set_index("number")
    rows = pd.read_parquet(invented.folder / "ledger" / "rows.parquet").join(index["supplier"], on="extract")
    names = (
        "police_charges",
        "cps_completed",
        "hmcts_trials",
        "prison_movements",
        "nps_caseload",
        "crc_caseload",
        "ecins_cases",
        "liaison_diversion",
    )
    written = pd.concat([invented.read(name, ("surname",)) for name in names])
    for person, _, _ in planted(invented, "six-agencies"):
        assert rows[rows["person"] == person]["supplier"].nunique() >= 6
        assert written[written["person"] == person]["surname"].str.upper().nunique() >= 3


# ------------------------------------------------------------------------- what the extracts deliver follows from the ledger exactly

READ = pd.Timestamp("2025-01-15")


def differing(found: pd.Series, true: pd.Series) -> int:
    """Rows in which two columns of text differ, "" being nothing."""
    return int((found.fillna("").astype(str) != true.fillna("").astype(str)).sum())


def test_results_of_trials_are_those_of_the_ledger(invented: Invented) -> None:
    rows = invented.read("hmcts_trials", ("trial_outcome", "reason_code"))
    rows = rows.merge(invented.ledger("defendant_listings")[["event", "listing", "further"]], on="event")
    rows = rows.merge(
        invented.ledger("listings")[["event", "end", "reason", "said"]].rename(columns={"event": "listing", "reason": "why"}), on="listing"
    )
    told = rows["said"] & ~rows["further"]
    assert differing(rows["trial_outcome"], rows["end"].map(dict(enumerate("ECIV"))).where(told)) == 0
    assert differing(rows["reason_code"], rows["why"].where(told)) == 0


def test_disposals_and_sentences_are_those_known_on_the_day_of_reading(invented: Invented) -> None:
    rows = invented.read("police_charges", ("disposal", "sentence_type", "disposal_date", "recordable", "breach"))
    offences = (
        invented.ledger("offences")[["event", "episode", "recordable", "breach"]]
        .add_suffix("_true")
        .rename(columns={"event_true": "event"})
    )
    rows = rows.merge(offences, on="event")
    episodes = invented.ledger("episodes").set_index("event")[["disposal", "sentence", "disposal_day"]].add_suffix("_of")
    rows = rows.join(episodes, on="episode_true")
    known = rows["disposal_day_of"] <= READ
    assert differing(rows["disposal"], rows["disposal_of"].where(known)) == 0
    assert differing(rows["sentence_type"], rows["sentence_of"].where(known)) == 0
    assert (pd.to_datetime(rows["disposal_date"]).fillna(READ) == rows["disposal_day_of"].where(known).fillna(READ)).all()
    assert ((rows["recordable"] == "Y") == rows["recordable_true"]).all()
    assert ((rows["breach"] == "Y") == rows["breach_true"]).all()


def test_movements_and_the_population_are_those_of_the_spells(invented: Invented) -> None:
    spells = invented.ledger("spells").set_index("event")
    rows = invented.read("prison_movements", ("movement", "movement_date", "establishment", "release_accommodation"))
    release = rows["event"] >= len(spells)
    true = spells.loc[rows["event"] % len(spells)].reset_index()
    assert ((rows["movement"] == "D") == release).all()
    assert (pd.to_datetime(rows["movement_date"]) == true["release_day"].where(release, true["reception_day"])).all()
    assert differing(rows["establishment"], true["prison"]) == 0
    assert differing(rows["release_accommodation"], true["home"].where(release)) == 0
    once = rows[~rows["repeated"]]
    between = [spells[day].between("2022-01-01", "2024-12-31").sum() for day in ("reception_day", "release_day")]
    assert [int((once["movement"] == kind).sum()) for kind in ("R", "D")] == between
    held = invented.read("prison_population", ("noms_number",), lambda line: line["period"] == "2024-06")
    inside = (spells["reception_day"] <= "2024-06-30") & ~(spells["release_day"] <= "2024-06-30")
    assert len(held) == inside.sum()
    assert set(held["event"]) == set(spells.index[inside])


def test_rows_that_an_extract_has_twice_stand_next_to_each_other_and_are_few(invented: Invented) -> None:
    rows = invented.read("police_victims", ("crime_reference", "surname"))
    again = rows.index[rows["repeated"]]
    assert 0.001 < len(again) / len(rows) < 0.003
    assert (rows.loc[again, "event"].to_numpy() == rows.loc[again - 1, "event"].to_numpy()).all()
    assert differing(rows.loc[again, "surname"].reset_index(drop=True), rows.loc[again - 1, "surname"].reset_index(drop=True)) == 0


def test_what_is_entered_late_is_missing_from_the_last_months_alone(invented: Invented) -> None:
    victims, crimes = invented.ledger("victims"), invented.ledger("crimes").set_index("event")
    victims["reported"] = victims["crime"].map(crimes["report_day"])
    told = victims[victims["reported"].between("2022-01-01", "2024-12-31")]
    there = set(invented.read("police_victims", ("crime_reference",))["event"])
    missing = told[~told["event"].isin(there)]
    assert 0 < len(missing) < 0.06 * len(told)
    assert (missing["reported"] > "2024-12-01").mean() > 0.4
