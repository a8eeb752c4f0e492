"""The questions asked of an agreement: every refusal by name, every edge of its term, and nothing that tells a stranger it exists."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from agreements.decisions import Allowed, Decision, Refusal, Refused, first_refusal, require
from agreements.lifecycle import State
from agreements.model import Agreement, Standing
from agreements.periods import Duration, Period
from agreements.rules import (
    GRACE,
    LONDON,
    UNKNOWN,
    dispose_on,
    in_force,
    known_to,
    may_check,
    may_hold,
    may_receive,
    may_request,
    may_submit,
    may_tabulate,
    today,
)
from tests.agreements import papers

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
APRIL = Period.parse("2021-04")
CLEVELAND, OPERATOR, TEAM, RELEASE = "cleveland-police", "lcjp-operator", "lcjp-performance-team", "mv7-outcomes"
AGREEMENT = papers.agreement()
STANDING = Standing(AGREEMENT, State.IN_FORCE)


def submit(
    standing: Standing | None = STANDING, *, who: str = CLEVELAND, dataset: str = "crimes", period: Period = APRIL, now: datetime = NOW
) -> Decision:
    return may_submit(standing, who, dataset, period, "replace", now)


def refused(decision: Decision) -> Refused:
    assert isinstance(decision, Refused)
    assert not decision
    return decision


def test_a_supplier_submits_under_an_agreement_in_force() -> None:
    assert submit()
    assert may_hold(STANDING, "crimes", APRIL, NOW)
    assert may_tabulate(STANDING, RELEASE, NOW)


def test_to_a_stranger_an_agreement_and_no_agreement_are_the_same() -> None:
    assert submit(None) is UNKNOWN
    assert submit(who="stranger") is UNKNOWN
    assert submit(Standing(AGREEMENT, State.SUSPENDED), who="stranger") is UNKNOWN
    assert known_to(None, "stranger") is known_to(STANDING, "stranger") is UNKNOWN
    assert may_hold(None, "crimes", APRIL, NOW) is UNKNOWN
    assert may_tabulate(None, RELEASE, NOW) is UNKNOWN
    assert may_receive(None, RELEASE, "stranger", NOW) is may_receive(STANDING, RELEASE, "stranger", NOW) is UNKNOWN
    assert may_receive(STANDING, "nothing", TEAM, NOW) is UNKNOWN
    assert in_force(None, NOW) is UNKNOWN
    assert may_request(None, RELEASE, "key", NOW) is may_check(None, RELEASE, "key", "", NOW) is UNKNOWN


@pytest.mark.parametrize(
    ("decision", "clause", "reason"),
    [
        (submit(who=OPERATOR), "dataset crimes, suppliers", "not a supplier"),
        (submit(dataset="cats"), "datasets", "no such dataset"),
        (may_submit(STANDING, CLEVELAND, "crimes", APRIL, "append", NOW), "dataset crimes, mode", "mode replace"),
        (submit(period=Period.parse("2021")), "dataset crimes, period", "period is a month"),
        (submit(period=Period.parse("2026-12")), "dataset crimes, period", "has not begun"),
        (submit(period=Period.parse("2020-12")), "dataset crimes, period", "from before 2021-01"),
        (submit(Standing(AGREEMENT, State.SUSPENDED)), "suspension", "the agreement is suspended"),
        (submit(Standing(AGREEMENT, State.IN_FORCE, frozenset({"crimes"}))), "suspension", "dataset crimes is suspended"),
        (submit(Standing(AGREEMENT, State.TERMINATED)), "term", "is terminated"),
        (submit(Standing(AGREEMENT, State.EXPIRED)), "term", "is expired"),
        (submit(Standing(AGREEMENT, State.PROPOSED)), "term", "is proposed, not in force"),
        (submit(Standing(AGREEMENT, State.DRAFT)), "term", "is draft, not in force"),
        (submit(Standing(AGREEMENT, State.SIGNED)), "term", "is signed, not in force"),
        (submit(Standing(AGREEMENT, "nonsense")), "term", "not in force"),
        (submit(now=datetime(2026, 10, 31, tzinfo=UTC)), "term", "not in force before 1 November 2026"),
        (submit(now=datetime(2036, 11, 2, tzinfo=UTC)), "term", "expired on 1 November 2036"),
        (submit(now=datetime(2031, 4, 30, tzinfo=UTC)), "dataset crimes, retention", "were due for destruction on 30 April 2031"),
        (may_hold(STANDING, "cats", APRIL, NOW), "datasets", "no such dataset"),
        (may_hold(STANDING, "crimes", APRIL, datetime(2031, 4, 30, tzinfo=UTC)), "retention", "due for destruction"),
        (may_tabulate(STANDING, "mv8", NOW), "releases", "no such release"),
        (may_tabulate(Standing(AGREEMENT, State.IN_FORCE, frozenset({"outcomes"})), RELEASE, NOW), "suspension", "dataset outcomes"),
        (may_request(STANDING, RELEASE, "ed25519:" + "0" * 64, NOW), "requests", "nobody the agreement names"),
        (may_check(STANDING, RELEASE, papers.fingerprint("cleveland-police/dpo"), "", NOW), "output checkers", "no output checker"),
    ],
)
def test_every_refusal_names_its_clause_and_what_to_do(decision: Decision, clause: str, reason: str) -> None:
    found = refused(decision)
    assert found.clause.startswith("LCJP-MV7 version 1, ")
    assert clause in found.clause
    assert reason in found.reason
    assert found.remedy or clause == "datasets"
    assert str(found).startswith(found.clause)
    with pytest.raises(Refusal) as caught:
        require(found)
    assert caught.value.refused is found


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        # 1 November is winter time: London's midnight is UTC's.
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 1, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), False),
        (datetime(2036, 10, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2036, 11, 1, 0, 0, tzinfo=UTC), False),
    ],
)
def test_the_term_begins_and_ends_at_londons_midnight(moment: datetime, open_: bool) -> None:
    assert bool(in_force(STANDING, moment)) is open_


@pytest.mark.parametrize(
    ("first", "moment", "open_"),
    [
        # Clocks go forward on 29 March 2026, back on 25 October 2026: in summer London's day begins at 23:00 UTC of the day before.
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, 30, tzinfo=UTC), False),
        (date(2026, 3, 29), datetime(2026, 3, 29, 0, 0, tzinfo=UTC), True),
        (date(2026, 3, 30), datetime(2026, 3, 29, 22, 59, tzinfo=UTC), False),
        (date(2026, 3, 30), datetime(2026, 3, 29, 23, 0, tzinfo=UTC), True),
        (date(2026, 10, 25), datetime(2026, 10, 24, 22, 59, tzinfo=UTC), False),
        (date(2026, 10, 25), datetime(2026, 10, 24, 23, 0, tzinfo=UTC), True),
        (date(2026, 10, 26), datetime(2026, 10, 25, 23, 30, tzinfo=UTC), False),
        (date(2026, 10, 26), datetime(2026, 10, 26, 0, 0, tzinfo=UTC), True),
    ],
)
def test_summer_time_moves_the_edge_of_the_day(first: date, moment: datetime, open_: bool) -> None:
    begins = Standing(replace(AGREEMENT, in_force_from=first), State.IN_FORCE)
    assert bool(in_force(begins, moment)) is open_
    ends = Standing(replace(AGREEMENT, in_force_from=date(2020, 1, 1), expires=first), State.IN_FORCE)
    assert bool(in_force(ends, moment)) is not open_
    assert (today(moment) >= first) is open_


def test_a_replaced_version_is_accepted_for_a_day_and_no_longer() -> None:
    replaced = replace(STANDING, replaced_at=NOW)
    assert submit(replaced, now=NOW)
    assert submit(replaced, now=NOW + GRACE - timedelta(microseconds=1))
    late = refused(submit(replaced, now=NOW + GRACE))
    assert late.clause.endswith("versions")
    assert "newer version" in late.reason
    assert timedelta(hours=24) == GRACE


def version(number: int, edit: papers.Edit = len) -> Agreement:
    def change(parsed: papers.Document) -> None:
        parsed["agreement"]["version"] = number
        edit(parsed)

    return papers.edited(change)


def shorter(parsed: papers.Document) -> None:
    parsed["datasets"][0]["retention"] = "P6Y"


def test_there_is_no_day_of_grace_where_the_new_version_lets_less_through() -> None:
    for newer, refusal in ((version(2), False), (version(2, shorter), True)):
        replaced = replace(STANDING, replaced_at=NOW, successor=newer)
        for moment in (NOW, NOW + GRACE - timedelta(microseconds=1)):
            decision = submit(replaced, now=moment)
            assert isinstance(decision, Refused) is refusal
            if isinstance(decision, Refused):
                assert decision.clause == "LCJP-MV7 version 1, versions"
                assert "version 2, a newer version now in force, admits less of the dataset crimes" in decision.reason
                assert decision.remedy
        assert bool(submit(replaced, dataset="outcomes", now=NOW))
        assert not submit(replaced, now=NOW + GRACE)


def test_a_version_that_was_replaced_does_not_outlive_the_one_that_replaced_it() -> None:
    newer = version(2, lambda parsed: parsed["agreement"].update(expires=date(2026, 11, 23), review=date(2026, 11, 22)))
    replaced = replace(STANDING, replaced_at=NOW, successor=newer)
    last = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert submit(replaced, now=last)
    assert "expired on 23 November 2026" in refused(submit(replaced, now=last + timedelta(seconds=1))).reason
    assert not may_receive(replaced, RELEASE, TEAM, last + timedelta(seconds=1))


def test_a_version_that_was_replaced_makes_no_new_editions_but_what_it_published_is_received() -> None:
    replaced = replace(STANDING, replaced_at=NOW, successor=version(2))
    checker = papers.fingerprint("cleveland-police/checker")
    for decision in (
        may_tabulate(replaced, RELEASE, NOW),
        may_request(replaced, RELEASE, checker, NOW),
        may_check(replaced, RELEASE, checker, "ed25519:" + "0" * 64, NOW),
    ):
        answer = refused(decision)
        assert answer.clause == "LCJP-MV7 version 1, versions"
        assert "makes no new editions" in answer.reason
        assert answer.remedy
    assert may_receive(replaced, RELEASE, TEAM, NOW)


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 3, 29), date(2027, 10, 31), date(2027, 11, 1)])
def test_it_ends_to_the_second_in_london_whatever_is_asked(day: date) -> None:
    """The clocks go forward on 28 March 2027 and back on 31 October 2027, both at 01:00 UTC."""
    standing = Standing(replace(AGREEMENT, expires=day), State.IN_FORCE)
    midnight = datetime.combine(day, time(), tzinfo=LONDON)
    checker, dpo = papers.fingerprint("cleveland-police/checker"), papers.fingerprint("cleveland-police/dpo")

    def answers(now: datetime) -> list[Decision]:
        return [
            in_force(standing, now),
            in_force(standing, now, "crimes"),
            submit(standing, now=now),
            may_hold(standing, "crimes", APRIL, now),
            may_tabulate(standing, RELEASE, now),
            may_request(standing, RELEASE, dpo, now),
            may_check(standing, RELEASE, checker, dpo, now),
            may_receive(standing, RELEASE, TEAM, now),
        ]

    # In absolute time: adding to a London time would step over the hour that the clocks skip or repeat.
    last = (midnight.astimezone(UTC) - timedelta(seconds=1)).astimezone(LONDON)
    assert (last.hour, last.minute, last.second) == (23, 59, 59)
    assert all(answers(last))
    for decision in answers(midnight):
        assert f"the agreement expired on {day.day} {day:%B %Y}" in refused(decision).reason
        assert refused(decision).clause == "LCJP-MV7 version 1, term"


def test_data_from_before_the_agreement_may_be_sent_as_far_back_as_it_says() -> None:
    assert submit(period=Period.parse("2021-01"))
    assert not submit(period=Period.parse("2020-12"))


def test_a_period_may_be_sent_from_its_first_day() -> None:
    december = Period.parse("2026-12")
    assert not submit(period=december, now=datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert submit(period=december, now=datetime(2026, 12, 1, 0, 0, tzinfo=UTC))


def test_data_are_overdue_from_the_day_of_their_destruction() -> None:
    dataset = papers.dataset()
    assert dispose_on(dataset, APRIL) == date(2031, 4, 30)
    assert submit(now=datetime(2031, 4, 29, 22, 59, tzinfo=UTC))
    assert not submit(now=datetime(2031, 4, 29, 23, 0, tzinfo=UTC))  # London is an hour ahead in April
    short = replace(AGREEMENT, datasets=tuple(replace(one, retention=Duration.parse("P1M")) for one in AGREEMENT.datasets))
    assert not submit(Standing(short, State.IN_FORCE))
    assert submit(Standing(short, State.IN_FORCE), period=Period.parse("2026-10"))


def test_a_period_at_the_end_of_the_calendar_is_refused_and_breaks_nothing() -> None:
    assert "has not begun" in refused(submit(period=Period.parse("9999-12"))).reason


def test_whoever_asks_does_not_check() -> None:
    checker = papers.fingerprint("cleveland-police/checker")
    assert may_request(STANDING, RELEASE, checker, NOW)
    assert may_check(STANDING, RELEASE, checker, papers.fingerprint("lcjp-operator/checker"), NOW)
    assert "cannot check it" in refused(may_check(STANDING, RELEASE, checker, checker, NOW)).reason
    assert not may_check(Standing(AGREEMENT, State.SUSPENDED), RELEASE, checker, "", NOW)
    assert may_request(STANDING, RELEASE, papers.fingerprint("lcjp-performance-team/client"), NOW)


def test_a_recipient_receives_while_the_agreement_is_in_force() -> None:
    assert may_receive(STANDING, RELEASE, TEAM, NOW)
    assert not may_receive(Standing(AGREEMENT, State.SUSPENDED), RELEASE, TEAM, NOW)
    for dataset in ("crimes", "outcomes"):
        stopped = refused(may_receive(Standing(AGREEMENT, State.IN_FORCE, frozenset({dataset})), RELEASE, TEAM, NOW))
        assert f"the dataset {dataset} is suspended" in stopped.reason
    assert may_receive(Standing(AGREEMENT, State.IN_FORCE, frozenset({"another"})), RELEASE, TEAM, NOW)


def test_nothing_to_check_means_refused() -> None:
    assert isinstance(first_refusal(), Refused)
    assert first_refusal(Allowed("a"), Allowed("b")) == Allowed("b")
    no = Refused("c", "because")
    assert first_refusal(Allowed("a"), no, UNKNOWN) is no
    assert require(Allowed("a")) == Allowed("a")
