"""A legal hold keeps what it covers beyond its day, from everybody, until it ends; and not an hour longer."""

from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.log import record
from exchange.log.tables import EntryRow
from exchange.people import people
from exchange.questions import due
from exchange.register import partners
from exchange.register.tables import KeyRow
from exchange.submissions import holdings, holds, retention
from exchange.submissions.holds import Hold, Over
from keys.sign import SigningKey, Use, verify_document
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes, print_of

DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # 30 April in London
CANARY = "Zebedee Quillfeather"


def place(world: World, over: Over | str, *, until: date = date(2032, 1, 31), person: str | None = None, reason: str = "") -> Hold:
    over = Over("", "", submission=over) if isinstance(over, str) else over
    who = person or print_of(world.keys[f"{DURHAM}/dpo"])
    with writing(world.hub.engine) as session:
        return holds.place(session, over, reason=reason or f"an inquiry about {CANARY}", person=who, until=until, clock=world.clock)


def lift(world: World, hold: str, person: str | None = None) -> Hold:
    with writing(world.hub.engine) as session:
        return holds.lift(session, hold, person or print_of(world.keys[f"{CLEVELAND}/signatory"]), world.clock)


def logged(world: World, subject: str) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [dict(entry) for entry in found if entry and entry["subject"] == subject]


def states(world: World, *submissions: str) -> list[str]:
    return [world.row(one).state for one in submissions]


def live(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        return [one.submission for one in holdings.live(session, REFERENCE, "crimes")]


def test_what_is_under_a_hold_outlives_its_day_and_goes_when_the_hold_ends_by_itself(world: World) -> None:
    held, other = world.hold(), world.hold([crimes(4)], supplier=DURHAM)
    placed = place(world, held.id, until=date(2031, 6, 30))
    assert live(world) == [other.id]
    world.clock.now = DUE
    schedule.dispose_due(world.hub)
    assert states(world, held.id, other.id) == ["held", "disposed"]
    world.clock.now = datetime(2031, 6, 30, 22, 59, tzinfo=UTC)
    schedule.dispose_due(world.hub)
    assert states(world, held.id) == ["held"]
    world.clock.now = datetime(2031, 6, 30, 23, 0, tzinfo=UTC)
    schedule.dispose_due(world.hub)
    assert states(world, held.id) == ["disposed"]
    hub = world.agreement.operator.hub
    certificate = world.row(held.id).certificate
    assert hub is not None
    assert certificate is not None
    document = verify_document(certificate, Use.CERTIFICATE, hub.receipts)
    assert (document["due"], document["destroyed"], document["delayed_by"]) == ("2031-04-30", "2031-06-30T23:00:00Z", [placed.id])
    assert CANARY not in str(document)
    assert world.receipt(held.id).dispose_on == "2031-04-30"
    other_certificate = world.row(other.id).certificate
    assert other_certificate is not None
    assert other_certificate["document"]["delayed_by"] == []


def test_the_log_says_who_and_over_what_and_not_why(world: World) -> None:
    held = world.hold()
    placed = place(world, held.id)
    lifted = lift(world, placed.id)
    first, second = logged(world, placed.id)
    assert (first["operation"], first["what"], first["who"]) == ("alteration", "legal hold placed", print_of(world.keys[f"{DURHAM}/dpo"]))
    assert (first["organisation"], first["purpose"]) == (DURHAM, REFERENCE)
    assert first["details"] == {
        "submission": held.id, "dataset": "crimes", "supplier": CLEVELAND, "period": "2021-04", "until": "2032-01-31",
    }  # fmt: skip
    assert (second["what"], second["organisation"]) == ("legal hold lifted", CLEVELAND)
    assert CANARY not in str([first, second])
    assert lifted.ended_at == world.clock()
    assert lift(world, placed.id).ended_at == lifted.ended_at
    assert len(logged(world, placed.id)) == 2


def test_a_series_holds_what_arrives_in_it_later_and_nothing_beside_it(world: World) -> None:
    first = world.hold()
    place(world, Over(REFERENCE, "crimes", CLEVELAND))
    later = world.hold([crimes(4, month=date(2021, 5, 1))], period="2021-05")
    other = world.hold([crimes(5)], supplier=DURHAM)
    assert live(world) == [other.id]
    with reading(world.hub.engine) as session:
        assert [one.submission for one in holdings.kept_from(session, REFERENCE, "crimes")] == [first.id, later.id]
        assert set(holds.held(session, [first.id, later.id, other.id])) == {first.id, later.id}
        assert holds.on(session, world.row(other.id)) is None
    world.clock.now = DUE + timedelta(days=60)
    schedule.dispose_due(world.hub)
    assert states(world, first.id, later.id, other.id) == ["held", "held", "disposed"]


def test_a_series_is_as_wide_as_it_says(world: World) -> None:
    held = world.hold()
    for over, covered in (
        (Over(REFERENCE, "crimes"), True),
        (Over(REFERENCE, "crimes", "", "2021-04"), True),
        (Over(REFERENCE, "crimes", CLEVELAND, "2021-04"), True),
        (Over(REFERENCE, "crimes", DURHAM), False),
        (Over(REFERENCE, "crimes", CLEVELAND, "2021-05"), False),
        (Over(REFERENCE, "outcomes"), False),
    ):
        placed = place(world, over)
        with reading(world.hub.engine) as session:
            found = holds.on(session, world.row(held.id))
        assert (found == placed) is covered
        assert (live(world) == []) is covered
        lift(world, placed.id)


def test_of_several_holds_each_counts_and_all_that_delayed_it_are_named(world: World) -> None:
    held = world.hold()
    short, long = place(world, held.id, until=date(2031, 5, 10)), place(world, Over(REFERENCE, "crimes"), until=date(2031, 5, 20))
    over_before = place(world, held.id, until=date(2031, 4, 1))
    for day, state in ((date(2031, 5, 11), "held"), (date(2031, 5, 20), "held"), (date(2031, 5, 21), "disposed")):
        world.clock.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        schedule.dispose_due(world.hub)
        assert states(world, held.id) == [state]
    certificate = world.row(held.id).certificate
    assert certificate is not None
    assert certificate["document"]["delayed_by"] == sorted([short.id, long.id])
    assert over_before.id not in certificate["document"]["delayed_by"]


def test_lifted_it_goes_at_the_next_run_and_feeds_releases_until_its_day(world: World) -> None:
    held = world.hold()
    placed = place(world, held.id)
    lift(world, placed.id)
    assert live(world) == [held.id]
    again = place(world, held.id)
    world.clock.now = DUE
    schedule.dispose_due(world.hub)
    assert states(world, held.id) == ["held"]
    lift(world, again.id)
    schedule.dispose_due(world.hub)
    assert states(world, held.id) == ["disposed"]


def test_under_a_hold_nobody_destroys_it_by_hand_and_what_was_begun_is_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, held = world.hub, world.hold()
    place(world, held.id)
    with pytest.raises(Conflict, match="under legal hold") as caught:
        retention.dispose(hub.engine, hub.keyring, hub.places, held.id, world.clock())
    assert (caught.value.code, caught.value.extra["clause"]) == ("under-hold", f"{REFERENCE}, dataset crimes, retention")
    assert states(world, held.id) == ["held"]
    other = world.hold([crimes(4)], supplier=DURHAM)
    with monkeypatch.context() as patch:
        patch.setattr(retention, "_certify", _crash)
        with pytest.raises(RuntimeError):
            retention.dispose(hub.engine, hub.keyring, hub.places, other.id, world.clock())
    place(world, Over(REFERENCE, "crimes"))  # too late for it: its key is gone
    with pytest.raises(Conflict, match="no rows left to keep"):
        place(world, other.id)
    schedule.dispose_due(hub)
    assert states(world, held.id, other.id) == ["held", "disposed"]


def _crash(*_: object) -> None:
    raise RuntimeError


def test_only_people_whom_the_agreement_names_or_accounts_of_its_parties_hold_and_lift(world: World) -> None:
    held = world.hold()
    with writing(world.hub.engine) as session:
        made: dict[str, Any] = {"name": "Robin Example", "position": "Head of Things", "roles": ["dpo"], "who": "hub", "now": world.clock()}
        known = people.create(session, party=CLEVELAND, **made).id
        ended = people.create(session, party=CLEVELAND, **made).id
        people.end(session, ended, "hub", world.clock())
        stranger = people.create(session, party="another-force", **made).id
    revoked = print_of(world.keys[f"{DURHAM}/checker"])
    with writing(world.hub.engine) as session:
        row = session.get(KeyRow, revoked)
        assert row is not None
        row.revoked_at = world.clock()
        partners.require_not_revoked(session, print_of(world.keys[f"{DURHAM}/dpo"]))
    machine = print_of(world.keys[f"{DURHAM}/client"])
    placed = place(world, held.id, person=known)
    assert logged(world, placed.id)[0]["organisation"] == CLEVELAND
    for nobody in ("per-0000000000000000", "Robin Example", ended, stranger, machine, SigningKey.generate().public.fingerprint, revoked):
        with pytest.raises(Unacceptable) as caught:
            place(world, held.id, person=nobody)
        assert caught.value.code in ("unknown-person", "revoked-key")
        with pytest.raises(Unacceptable):
            lift(world, placed.id, person=nobody)
    with reading(world.hub.engine) as session:
        assert [one.id for one in holds.everything(session)] == [placed.id]


def test_what_cannot_be_held_is_refused(world: World) -> None:
    held = world.hold()
    for over, kind, words in (
        ("sub-0", NotFound, "no such submission"),
        (Over("LCJP-OTHER", "crimes"), NotFound, "no such dataset"),
        (Over(REFERENCE, "burglaries"), NotFound, "no such dataset"),
        (Over(REFERENCE, "crimes", "another-force"), NotFound, "supplies this dataset"),
    ):
        with pytest.raises(kind, match=words):
            place(world, over)
    for day in (date(2026, 11, 21), date(2126, 11, 22), date.max):
        with pytest.raises(Unacceptable, match="a day to come"):
            place(world, held.id, until=day)
    for period in (
        "2021-4",
        "April",
        "2021-04 ",
        "2021-13",
        "2021",
        "2021-Q2",
        "2021-04-01",
        "2" * 200,
    ):  # of which nothing is, or ever will be
        with pytest.raises(Unacceptable) as caught:
            place(world, Over(REFERENCE, "crimes", "", period))
        assert "--period" in caught.value.remedy
    for reason in ("   ", "x" * 501, "hid\u202eden"):
        with pytest.raises(Unacceptable, match="a reason is"):
            place(world, held.id, reason=reason)
    with pytest.raises(NotFound, match="no such hold"):
        lift(world, "hold-0")
    today = place(world, held.id, until=date(2026, 11, 22))
    assert today.until == date(2026, 11, 22)


def test_the_due_list_says_what_waits_for_what_and_what_is_late(world: World) -> None:
    held, other = world.hold(), world.hold([crimes(4)], supplier=DURHAM)
    follower = world.hold([crimes(5)], after=held.id)
    bad = world.prepare([crimes(3, crime_type="Piracy", month=date(2021, 5, 1))], period="2021-05")
    world.send(bad)
    assert world.process(bad.id) == "refused"
    placed = place(world, other.id, until=date(2031, 5, 9))

    def listed(by: date, on: date) -> dict[tuple[str, str], due.Due]:
        with reading(world.hub.engine) as session:
            return {(one.kind, one.id): one for one in due.everything(session, by, on, REFERENCE)}

    now = listed(date(2026, 11, 22), date(2026, 11, 22))
    assert set(now) == {("submission", bad.id), ("submission", held.id)}  # refused, and superseded with no draft that needs it
    assert now["submission", bad.id].expected == date(2026, 11, 22)
    later = listed(date(2031, 4, 30), date(2026, 11, 22))
    assert set(later) == {("submission", one) for one in (bad.id, held.id, other.id, follower.id)}
    found = later["submission", other.id]
    assert (found.due, found.expected, found.hold, found.until) == (date(2031, 4, 30), date(2031, 5, 10), placed.id, date(2031, 5, 9))
    late = listed(date(2031, 5, 12), date(2031, 5, 12))
    assert [late["submission", one].late for one in (follower.id, other.id)] == [12, 2]
    with reading(world.hub.engine) as session:
        assert due.everything(session, date(2031, 5, 12), date(2031, 5, 12), "LCJP-OTHER") == []
    world.clock.now = datetime(2031, 5, 12, tzinfo=UTC)
    schedule.dispose_due(world.hub)
    assert listed(date(2031, 5, 30), date(2031, 5, 12)) == {}
    [report] = listed(date(2031, 5, 31), date(2031, 5, 12)).values()
    assert (report.kind, report.id, report.expected) == ("report", bad.id, date(2031, 5, 31))


def test_a_hold_and_a_destruction_at_one_moment_wait_for_each_other_in_one_order(world: World) -> None:
    held = world.hold()
    failed: list[Exception] = []

    def placing() -> None:
        try:
            place(world, held.id)
        except Exception as error:  # noqa: BLE001  # a deadlock, were there one
            failed.append(error)

    thread = Thread(target=placing)
    with writing(world.hub.engine) as session:
        retention._locked(session, held.id)
        thread.start()
        thread.join(0.5)  # by now it has what it can have
        record.hold(session)
    thread.join()
    assert failed == []
    assert live(world) == []
