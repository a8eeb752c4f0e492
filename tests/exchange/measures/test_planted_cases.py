"""Each planted case is counted as its purpose says: ordinary courses of events that a measure can get wrong."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from demo.partnership.reread import effectiveness, reoffending, victims
from tests.exchange.measures import counting, people
from tests.exchange.measures.held import Held, Invented

Rows = list[tuple[Any, ...]]
WHOLE = date(2022, 1, 1), date(2024, 12, 31)


def ledger(invented: Invented, question: str) -> Rows:
    """Asked of the ledger's tables, each a view of its name."""
    with duckdb.connect() as engine:
        for path in (invented.folder / "ledger").glob("*.parquet"):
            engine.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM read_parquet('{path}')")
        return engine.execute(question).fetchall()


def planted(invented: Invented, kind: str) -> list[dict[str, Any]]:
    found = [case for case in invented.planted() if case["kind"] == kind]
    assert found, kind
    return found


def asked(held: Held, question: str, edition: tuple[date, date] = WHOLE) -> Rows:
    """Asked of the agreed datasets, with people told apart as they truly are."""
    with held.connect(held.people) as engine:
        counting.between(engine, *edition)
        return engine.execute(question).fetchall()


def cohort() -> str:
    return reoffending.ONCE.format(entries=reoffending.ENTRIES)


def test_what_is_proven_in_month_19_is_no_proven_reoffence(invented: Invented, held: Callable[[str], Held]) -> None:
    cases = planted(invented, "proven-in-month-19")
    proven = asked(held("reoffending"), f"SELECT person, day, event FROM ({reoffending.PROVEN.format(cohort=cohort())})")
    late = 0
    for case in cases:
        entry, back = case["events"]
        [(day, committed, ended)] = ledger(
            invented,
            f"SELECT was.entry_day, is_.offence_day, is_.disposal_day FROM episodes was, episodes is_ WHERE was.event = {entry} AND is_.event = {back}",
        )
        assert 0 < (committed - day).days <= 366
        assert (ended - day).days == 563
        offences = {event for (event,) in ledger(invented, f"SELECT event FROM offences WHERE episode = {back}")}
        assert not offences & {event for person, when, event in proven if person == case["person"] and when == day}
        with_longer = reoffending.PROVEN.replace("INTERVAL 18 MONTH", "INTERVAL 19 MONTH").format(cohort=cohort())
        late += bool(
            offences
            & {
                event
                for person, when, event in asked(held("reoffending"), f"SELECT person, day, event FROM ({with_longer})")
                if when == day
            }
        )
    assert late, "a month later some of them would have counted"


def test_three_entries_in_a_year_count_once_from_the_first(invented: Invented, held: Callable[[str], Held]) -> None:
    year = cohort().replace("year(day) || '-Q' || quarter(day)", "year(day)::VARCHAR")
    for case in planted(invented, "repeat-entries"):
        days = [
            day for (day,) in ledger(invented, f"SELECT entry_day FROM episodes WHERE event IN {tuple(case['events'])} ORDER BY entry_day")
        ]
        edition = (days[0], days[-1])
        found = asked(held("reoffending"), f"SELECT day FROM ({year}) WHERE person = {case['person']} ORDER BY day", edition)
        windows = {day.year for day in days}
        assert len(found) <= len(windows), "once a window"
        assert found[0] == (days[0],), "from the first"


def test_a_breach_is_no_reoffence(invented: Invented, held: Callable[[str], Held]) -> None:
    breaches = {event for case in planted(invented, "breach") for event in case["events"]}
    proven = reoffending.PROVEN.format(cohort=cohort())
    counted = {event for (event,) in asked(held("reoffending"), f"SELECT event FROM ({proven})")}
    assert counted
    assert not breaches & counted
    anyhow = {event for (event,) in asked(held("reoffending"), f"SELECT event FROM ({proven.replace('AND NOT later.breach', '')})")}
    assert {event for (event,) in ledger(invented, "SELECT event FROM offences WHERE breach")} & anyhow, (
        "without the rule breaches would count"
    )


def test_a_vacated_listing_is_beside_and_the_next_one_counts(invented: Invented, held: Callable[[str], Held]) -> None:
    question = f"""SELECT t.event, u.effectiveness FROM (SELECT *, row_number() OVER () AS n FROM trials) t JOIN ({effectiveness.TRIALS.replace("SELECT strftime", "SELECT row, strftime")}) u ON u.row = t.row"""
    units: dict[int, str] = dict(asked(held("effectiveness"), question))
    for case in planted(invented, "vacated-relisting"):
        vacated, later = (
            {
                units[event]
                for (event,) in ledger(invented, f"SELECT event FROM defendant_listings WHERE listing = {listing} AND NOT further")
                if event in units
            }
            for listing in case["events"]
        )
        assert vacated == {"Vacated"}
        assert later <= {"Effective", "Cracked", "Ineffective", "Vacated"}
        assert len(later) == 1


def test_one_listing_is_one_unit_however_many_stand_in_the_dock(invented: Invented, held: Callable[[str], Held]) -> None:
    [(listings,)] = ledger(
        invented,
        """SELECT count(DISTINCT d.listing) FROM rows r JOIN defendant_listings d ON d.event = r.event JOIN listings l ON l.event = d.listing
        WHERE NOT d.further AND l.said AND r.extract IN (""" + ", ".join(str(one["number"]) for one in invented.index if "trials" in one["datasets"]) + ")",
    )  # fmt: skip
    [(rows,)] = asked(held("effectiveness"), "SELECT count(*) FROM trials WHERE effectiveness IS NOT NULL")
    [(units,)] = asked(held("effectiveness"), f"SELECT count(*) FROM ({effectiveness.TRIALS})")
    assert units == listings < rows


def test_an_open_case_stands_beside_and_in_no_median(invented: Invented, held: Callable[[str], Held]) -> None:
    rows = held("effectiveness")
    for case in planted(invented, "open-case"):
        [episode] = case["events"]
        [(completed,)] = asked(
            rows,
            f"SELECT count(*) FROM cps_completed WHERE event IN ({_prosecutions(invented, episode)}) AND outcome <> 'Sent to the Crown Court'",
        )
        [(beside,)] = asked(rows, f"SELECT count(*) FROM cps_open WHERE event IN ({_prosecutions(invented, episode)})")
        assert completed == 0 < beside


def _prosecutions(invented: Invented, episode: int) -> str:
    return ", ".join(str(event) for (event,) in ledger(invented, f"SELECT event FROM prosecutions WHERE episode = {episode}"))


def test_two_crimes_of_one_incident_are_no_repeat(invented: Invented, held: Callable[[str], Held]) -> None:
    """Unless the person was a victim of yet another incident."""
    alone = 0
    for case in planted(invented, "same-incident"):
        [(first, last)] = ledger(invented, f"SELECT min(day), max(day) FROM victims WHERE event IN {tuple(case['events'])}")
        others = ledger(
            invented,
            f"""SELECT count(*) FROM victims v JOIN crimes c ON c.event = v.crime WHERE v.person = {case["person"]} AND v.event NOT IN {tuple(case["events"])}
            AND v.day BETWEEN DATE '{first}' - 365 AND DATE '{last}'""",
        )
        if others == [(0,)]:
            alone += 1
            assert asked(held("victims"), f"SELECT repeat FROM ({victims.REPEATS}) WHERE person = {case['person']}", (first, last)) == [
                ("false",)
            ]
    assert alone


def test_an_organisation_is_nobody(invented: Invented, held: Callable[[str], Held]) -> None:
    rows = held("victims")
    theirs = [event for case in planted(invented, "organisation") for event in case["events"]]
    found = asked(rows, f"SELECT victim_kind, person FROM victims WHERE event IN ({', '.join(map(str, theirs))})")
    assert found
    assert set(found) == {("Organisation", None)}
    [(counted,)] = asked(rows, f"SELECT count(*) FROM ({victims.REPEATS}) WHERE person IS NULL")
    assert counted == 0
    linked = people.numbered(rows, "person", ["victims"])
    with rows.connect(linked) as engine:
        assert engine.execute("SELECT count(person) FROM victims WHERE victim_kind = 'Organisation'").fetchall() == [(0,)]


def test_one_person_misspelt_by_six_agencies_is_one(invented: Invented, held: Callable[[str], Held]) -> None:
    rows = held("reoffending")
    datasets = ["charges", "prison_movements", "nps_caseload", "crc_caseload", "yos_interventions", "ecins_cases"]
    linked = people.numbered(rows, "person", datasets)
    for case in planted(invented, "six-agencies"):
        numbers: dict[int | None, set[str]] = {}
        for place, found in linked.items():
            for number, person in zip(found, rows.truth[place]["person"].to_pylist(), strict=True):
                if person == case["person"]:
                    numbers.setdefault(number, set()).add(place[1])
        assert None not in numbers
        most = max(numbers.values(), key=len)
        assert len(most) == len(set().union(*numbers.values())), "somebody whom all of them know"


@pytest.mark.parametrize("value", ["2.5", "3.49", "-2.5"])
def test_halves_go_up(value: str) -> None:
    assert counting.half_up(Decimal(value), 0) == {"2.5": 3, "3.49": 3, "-2.5": -2}[value]
