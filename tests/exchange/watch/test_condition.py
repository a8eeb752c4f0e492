"""What is the matter, as a rule over facts: nothing without a fact, more facts never less, and a name never where anybody may read it."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exchange.watch.condition import FAILED, QUIET, UNBACKED, UNOPENED, Cause, Facts, Job, Room, Severity, Share, findings, ready, worst

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NAME = "zz-secret-name"
PAST = st.none() | st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda ago: NOW - ago)
NAMES = st.lists(st.just(NAME), max_size=3).map(tuple)
FACTS = st.builds(
    Facts,
    now=st.just(NOW),
    began=PAST,
    database=st.booleans(),
    schema=st.booleans(),
    keystore=st.booleans(),
    rootless=st.sampled_from(["", NAME]),
    restored=NAMES,
    unlogged=st.sampled_from(["", NAME]),
    rooms=st.lists(st.builds(Room, st.just(NAME), st.integers(0, 9), st.integers(0, 9)), max_size=3),
    clock=st.sampled_from(["", NAME]),
    beat=PAST,
    jobs=st.lists(st.builds(Job, st.just(NAME), st.integers(0, 9), PAST, st.just(NAME)), max_size=3),
    unopened=PAST,
    stuck=st.integers(0, 3),
    overdue=st.integers(0, 3),
    sealing=st.none() | st.timedeltas(timedelta(days=-20), timedelta(days=20)).map(lambda ahead: NOW + ahead),
    backup=PAST,
    shares=st.lists(st.builds(Share, st.just(NAME), st.floats(0, 2)), max_size=3),
    turned_away=PAST,
    given_up=st.integers(0, 3),
    expiring=NAMES,
    reviews=NAMES,
    checks=st.integers(0, 3),
    late=NAMES,
    silent=NAMES,
)
WELL = Facts(NOW)
ONE_BY_ONE = {
    Cause.DATABASE: {"database": False},
    Cause.SCHEMA: {"schema": False},
    Cause.KEYSTORE: {"keystore": False},
    Cause.RESTORED: {"restored": (NAME,)},
    Cause.LOG: {"unlogged": NAME},
    Cause.ROOTS: {"rootless": NAME},
    Cause.ROOM: {"rooms": (Room(NAME, 1, 2),)},
    Cause.CLOCK: {"clock": NAME},
    Cause.SCHEDULE: {"beat": NOW - QUIET - timedelta(seconds=1)},
    Cause.JOB: {"jobs": (Job(NAME, FAILED, NOW, "OSError"),)},
    Cause.OVERDUE: {"overdue": 1},
    Cause.OPENING: {"unopened": NOW - UNOPENED - timedelta(seconds=1)},
    Cause.SEALING: {"sealing": NOW + timedelta(days=5)},
    Cause.BACKUP: {"backup": NOW - UNBACKED - timedelta(seconds=1)},
    Cause.QUOTA: {"shares": (Share(NAME, 0.8),)},
    Cause.LIMIT: {"turned_away": NOW},
    Cause.NOTICES: {"given_up": 1},
    Cause.EXPIRY: {"expiring": (NAME,)},
    Cause.REVIEW: {"reviews": (NAME,)},
    Cause.CHECKS: {"checks": 1},
    Cause.LATE: {"late": (NAME,)},
    Cause.SILENT: {"silent": (NAME,)},
}


def test_each_cause_is_found_by_its_own_fact_and_by_no_other() -> None:
    assert set(ONE_BY_ONE) == set(Cause)
    assert findings(WELL) == []
    for cause, fact in ONE_BY_ONE.items():
        assert [one.cause for one in findings(replace(WELL, **fact))] == [cause]  # type: ignore[arg-type]


def test_just_within_what_is_allowed_nothing_is_the_matter() -> None:
    edges = replace(
        WELL,
        began=NOW - timedelta(days=400),
        beat=NOW - QUIET,
        unopened=NOW - UNOPENED,
        backup=NOW - UNBACKED,
        sealing=NOW + timedelta(days=5, seconds=1),
        rooms=(Room("staging", 2, 2),),
        jobs=(Job("draw charts", FAILED - 1, NOW, "OSError"),),
        shares=(Share(NAME, 0.79),),
    )
    assert findings(edges) == []


@given(FACTS)
def test_every_finding_says_what_to_do_and_no_name_but_to_the_operator(facts: Facts) -> None:
    found = findings(facts)
    for one in found:
        assert one.words.endswith((".", "more."))
        assert one.remedy
        assert NAME not in one.words + one.remedy
    assert [one.severity for one in found] == sorted((one.severity for one in found), reverse=True)
    stopped = {Cause.DATABASE, Cause.SCHEMA, Cause.KEYSTORE, Cause.RESTORED, Cause.LOG}
    assert ready(found) is not any(one.cause in stopped for one in found)
    assert (worst(found) is Severity.STOPPED) is not ready(found)


@given(FACTS, st.sampled_from([field.name for field in fields(Facts) if field.name not in {"now", "began"}]))
def test_a_fact_that_is_mended_brings_no_new_cause(facts: Facts, name: str) -> None:
    """Only one thing hides another: while the clock is ahead, what is overdue waits on purpose."""
    mended = {"beat": NOW, "backup": NOW, name: getattr(WELL, name)} if name not in {"beat", "backup"} else {name: NOW}
    after = {one.cause for one in findings(replace(facts, **mended))}
    before = {one.cause for one in findings(facts)}
    assert after <= before | ({Cause.OVERDUE} if name == "clock" else set())


@given(FACTS)
def test_what_is_younger_than_an_age_has_neglected_nothing(facts: Facts) -> None:
    causes = {one.cause for one in findings(replace(facts, began=NOW, beat=None, backup=None))}
    assert not causes & {Cause.SCHEDULE, Cause.BACKUP}
