"""Who is silent and what is late: each supplier's own, noted once; and the scorecard, made of a supplier's own submissions alone."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from agreements.periods import Period, PeriodKind
from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.commands import attendance as told
from exchange.db import reading, writing
from exchange.log.tables import EntryRow
from exchange.submissions import attendance, scorecard
from exchange.submissions.attendance import Overdue, Silent, periods
from exchange.submissions.attendance_tables import HeardRow
from exchange.submissions.scorecard import moved
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, crimes
from tests.exchange.web.signed_in import sign_in

DAYS = st.dates(date(2019, 1, 1), date(2031, 12, 31))


@given(kind=st.sampled_from(PeriodKind), first=DAYS, days=st.integers(0, 800))
def test_periods_are_whole_in_order_and_none_is_left_out(kind: PeriodKind, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = list(periods(kind, first, last))
    assert all(one.kind is kind and first <= one.end <= last for one in found)
    assert found == sorted(found)
    for before, after in pairwise(found):
        assert after.start == before.end + timedelta(days=1)
    ends = {one.end for one in found}
    for day in (first + timedelta(days=n) for n in range(days + 1)):
        name = {
            PeriodKind.DAY: f"{day}",
            PeriodKind.MONTH: f"{day:%Y-%m}",
            PeriodKind.QUARTER: f"{day.year}-Q{(day.month + 2) // 3}",
            PeriodKind.YEAR: f"{day.year}",
        }[kind]
        assert (day in ends) == (Period.parse(name).end == day)


def late(world: World, supplier: str | None = None) -> list[Overdue]:
    with reading(world.hub.engine) as session:
        return attendance.overdue(session, world.clock(), supplier)


def quiet(world: World, supplier: str | None = None) -> list[Silent]:
    with reading(world.hub.engine) as session:
        return attendance.silent(session, world.clock(), supplier)


def entries(world: World, what: str) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        every = [row.entry or {} for row in session.execute(select(EntryRow).order_by(EntryRow.number)).scalars()]
    return [one for one in every if one.get("what") == what]


def test_a_period_is_late_from_the_day_after_its_day_until_it_is_held(world: World) -> None:
    due_days = next(one.due_days for one in world.agreement.datasets if one.name == "crimes")
    start = world.clock().date()
    assert late(world) == []  # what was due before the agreement was in force is back-fill
    ends = date(2026, 11, 30)
    due = ends + timedelta(days=due_days)
    world.clock.forward(days=(due - start).days)
    assert [one for one in late(world, CLEVELAND) if one.period == "2026-11"] == []  # the day itself is in time
    world.clock.forward(days=1)
    mine = [one for one in late(world, CLEVELAND) if (one.dataset, one.period) == ("crimes", "2026-11")]
    assert mine == [Overdue(REFERENCE, "crimes", CLEVELAND, "2026-11", due, 1)]
    assert {one.supplier for one in late(world, CLEVELAND)} == {CLEVELAND}
    assert {one.supplier for one in late(world)} == {CLEVELAND, DURHAM}
    rows = crimes(month=date(2026, 11, 1))
    schedule.rotate_sealing_keys(world.hub)
    world.hold([rows], period="2026-11")
    assert [one for one in late(world, CLEVELAND) if (one.dataset, one.period) == ("crimes", "2026-11")] == []
    assert [one for one in late(world, DURHAM) if (one.dataset, one.period) == ("crimes", "2026-11")] != []


def test_what_is_stopped_is_late_for_nobody(world: World) -> None:
    world.clock.forward(days=150)
    assert late(world) != []
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.SUSPEND)
    assert late(world) == []


def test_a_token_is_a_sign_of_life_and_silence_is_counted_from_the_last(world: World) -> None:
    world.token(DURHAM)
    world.clock.forward(days=3)
    assert quiet(world) == []
    world.token(DURHAM)
    world.clock.forward(seconds=1)
    assert [one.supplier for one in quiet(world)] == [CLEVELAND]
    assert quiet(world, DURHAM) == []
    world.clock.forward(days=3)
    assert [one.supplier for one in quiet(world)] == [CLEVELAND, DURHAM]
    world.token(CLEVELAND)
    assert [one.supplier for one in quiet(world)] == [DURHAM]


def test_two_first_tokens_at_once_are_one_sign_of_life(world: World) -> None:
    with writing(world.hub.engine) as session:
        attendance.heard(session, "somebody-new", world.clock())
        attendance.heard(session, "somebody-new", world.clock())
        assert session.get_one(HeardRow, "somebody-new").heard_at is not None


def test_each_is_noted_once_in_its_suppliers_own_name(world: World) -> None:
    world.token(CLEVELAND)
    world.token(DURHAM)
    world.clock.forward(days=100)
    schedule.notice_what_is_late(world.hub)
    noted, silent = entries(world, "submission overdue"), entries(world, "client silent")
    assert {one["organisation"] for one in noted} == {one["organisation"] for one in silent} == {CLEVELAND, DURHAM}
    assert len(noted) == len({(one["organisation"], one["subject"]) for one in noted}) == len(late(world))
    schedule.notice_what_is_late(world.hub)
    assert (entries(world, "submission overdue"), entries(world, "client silent")) == (noted, silent)
    world.token(CLEVELAND)  # heard of again, and silent again: that is another silence
    world.clock.forward(days=4)
    schedule.notice_what_is_late(world.hub)
    assert [one["organisation"] for one in entries(world, "client silent")].count(CLEVELAND) == 2
    assert [one["organisation"] for one in entries(world, "client silent")].count(DURHAM) == 1


def test_figures_name_suppliers_and_count(world: World) -> None:
    world.clock.forward(days=100)
    with reading(world.hub.engine) as session:
        text = told.metrics(session, world.clock())
        standing = told.found(session, world.clock())
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    crimes_of = f'lcjp_exchange_overdue_periods{{reference="{REFERENCE}",dataset="crimes",supplier="{CLEVELAND}"}}'
    assert int(samples[crimes_of]) == sum(one.dataset == "crimes" for one in late(world, CLEVELAND)) > 0
    assert samples[f'lcjp_exchange_silent_clients{{supplier="{DURHAM}"}}'] == "1"
    assert any("late: LCJP-MV7 crimes of cleveland-police" in line for line in told.lines(standing))


# ------------------------------------------------------------------------------------------------------------ the scorecard


def push(world: World, month: int, kinds: list[str], supplier: str = CLEVELAND) -> None:
    rows = crimes(len(kinds), month=date(2021, month, 1), seed=month)
    world.hold([rows.set_column(3, "crime_type", pa.array(kinds, pa.string()))], supplier=supplier, period=f"2021-{month:02d}")


def card(world: World, supplier: str) -> scorecard.Card:
    with reading(world.hub.engine) as session:
        return next(one for one in scorecard.cards(session, supplier, world.clock(), REFERENCE) if one.dataset == "crimes")


def test_a_card_counts_what_is_filled_in_a_period_at_a_time(world: World) -> None:
    for month in range(1, 6):
        push(world, month, ["Drugs"] * 10)
    found = card(world, CLEVELAND)
    assert [one.period for one in found.periods] == ["2021-05", "2021-04", "2021-03", "2021-02", "2021-01"]
    newest = found.periods[0]
    assert newest.present == {"crime": 10, "month": 10, "authority": 10, "crime_type": 10, "last_outcome": 0}
    assert newest.completeness == 0.8
    assert (newest.late_by_days, newest.back_fill, newest.refused) == (0, True, 0)
    assert found.trend == {"completeness": "same", "conformance": found.trend["conformance"], "timeliness": "too few"}


def test_nothing_of_it_depends_on_another_supplier(world: World) -> None:
    push(world, 1, ["Drugs"] * 10)
    world.clock.forward(days=1)
    before = card(world, CLEVELAND).as_json()
    push(world, 1, ["Robbery"] * 77, supplier=DURHAM)
    push(world, 2, ["Robbery"] * 3, supplier=DURHAM)
    assert card(world, CLEVELAND).as_json() == before
    answer = world.call("get", "/v1/scorecard", CLEVELAND)
    assert DURHAM not in answer.get_data(as_text=True)
    assert next(one for one in answer.get_json()["cards"] if one["dataset"] == "crimes") == before


def test_what_was_refused_counts_by_field_and_rule(world: World) -> None:
    bad = crimes(4, month=date(2021, 4, 1), crime_type="Piracy")
    world.send(world.prepare([bad]))
    schedule.process_pending(world.hub)
    [only] = card(world, CLEVELAND).periods
    assert (only.period, only.submission, only.refused, only.late_by_days) == ("2021-04", "", 1, None)
    [rule] = only.rules
    assert (rule["field"], rule["count"]) == ("crime_type", 4)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.9, 0.8, 0.8, 0.8], "better"),
        ([0.7, 0.8, 0.8, 0.8], "worse"),
        ([0.805, 0.8, 0.1, 0.9], "same"),
        ([0.9, 0.8, 0.8], "too few"),
        ([None, 0.8, 0.8, 0.8, 0.8], "too few"),
    ],
)
def test_a_trend_is_the_newest_against_the_middle_of_the_earlier(values: list[float | None], words: str) -> None:
    assert moved(values, 0.01) == words


def test_the_api_answers_a_supplier_with_its_own(world: World) -> None:
    push(world, 4, ["Drugs"] * 3)
    found = world.call("get", f"/v1/scorecard?reference={REFERENCE}", CLEVELAND).get_json()["cards"]
    [crimes_card] = [one for one in found if one["dataset"] == "crimes"]
    assert crimes_card["periods"][0]["rows"] == 3
    assert world.call("get", "/v1/scorecard?reference=LCJP-OTHER", CLEVELAND).get_json() == {"cards": []}
    assert world.call("get", "/v1/scorecard", TEAM).status_code == 403


def test_the_pages_show_each_its_own_and_the_operator_what_is_late(world: World) -> None:
    world.clock.forward(days=100)
    mine = sign_in(world, CLEVELAND, "dpo").get("/scorecard").get_data(as_text=True)
    assert "Late</strong> 2026-11 was due on" in mine
    assert DURHAM not in mine
    assert "late" in sign_in(world, CLEVELAND, "dpo").get("/").get_data(as_text=True)
    operators = sign_in(world, OPERATOR, "operator").get("/scorecard").get_data(as_text=True)
    assert f"crimes of {CLEVELAND}" in operators
    assert f"crimes of {DURHAM}" in operators
    assert "Filled in" not in operators  # late, and no scorecard of anybody else
