"""What the lost entries lead to: holds, populations, people, versions, rows erased; each on the side of caution."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from agreements.lifecycle import State
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Conflict
from exchange.log.record import Operation
from exchange.log.redaction import redact
from exchange.log.tables import EntryRow
from exchange.people import people
from exchange.people.tables import InvitationRow, PersonRow, SessionRow
from exchange.register import agreements
from exchange.releases.tables import EditionRow, EditionState, PopulationRow
from exchange.restore import editions, reapply
from exchange.restore.lost import Edition, Lost, read
from exchange.submissions import holds
from exchange.submissions.holds import Over
from exchange.submissions.tables import SubmissionState
from tests.exchange.releases.drafted import ask, row
from tests.exchange.restoring import Two, held_world, month, of, put_over, replayed, rows_of, saved, two
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, print_of
from tests.exchange.web.signed_in import enter
from tests.folders import refill

__all__ = ["held_world", "two"]  # fixtures


def entry(operation: Operation, what: str, subject: str, **details: Any) -> dict[str, Any]:
    said = {"number": 1, "at": "2026-11-22T09:30:00.000Z", "who": "hub", "organisation": CLEVELAND, "purpose": REFERENCE, "recipient": ""}
    return {**said, "operation": operation.value, "what": what, "subject": subject, "details": details}


# ------------------------------------------------------------------------------------------------------------ reading


def test_nothing_lost_leads_to_nothing() -> None:
    assert read([]) == Lost()


def test_what_only_people_can_do_again_is_counted_in_the_logs_words() -> None:
    unknown = entry(Operation.AGREEMENT, "agreement proposed", "sha256:1")
    again = read([unknown, unknown, entry(Operation.SECURITY, "signed in", "per-1")]).again
    assert again == {"agreement proposed": 2}


def test_a_submission_is_followed_to_the_last_that_was_done_with_it() -> None:
    opened = entry(Operation.COLLECTION, "submission opened", "sub-1", upload="ab", dataset="crimes", period="2021-04", rows=3)
    found = read([opened, entry(Operation.COLLECTION, "submission acknowledged", "sub-1", rows=3)]).uploads["sub-1"]
    assert vars(found) == {
        "submission": "sub-1", "supplier": CLEVELAND, "reference": REFERENCE,
        "upload": "ab", "dataset": "crimes", "period": "2021-04", "had": "acknowledged",
    }  # fmt: skip


def test_the_earliest_day_counts_and_both_keys_of_an_erasure_are_known() -> None:
    days = [
        entry(Operation.ALTERATION, "destruction brought forward", "sub-1", to=day) for day in ("2027-03-01", "2027-02-01", "2028-01-01")
    ]
    erased = entry(Operation.ERASURE, "rows erased", "sub-2", request="r", key="new", replaced="old")
    lost = read([*days, erased, entry(Operation.ERASURE, "rights request: erasure", "r")])
    assert lost.forward == {"sub-1": date(2027, 2, 1)}
    assert (lost.rewritten, lost.replaced, lost.for_good) == ({"sub-2": "r"}, {"old"}, {"r"})


# ------------------------------------------------------------------------------------------------------------ in a restored hub


def test_a_legal_hold_placed_since_stands_again(two: Two, tmp_path: Path) -> None:
    world, first, _ = two
    copy = saved(world, tmp_path / "backup")
    with writing(world.hub.engine) as session:
        who = print_of(world.keys[f"{DURHAM}/dpo"])
        over = Over("", "", submission=first)
        placed = holds.place(session, over, reason="an inquiry", person=who, until=date(2032, 1, 31), clock=world.clock)
    done = replayed(world, put_over(world, copy))
    assert done.holds == 1
    with reading(world.restarted().hub.engine) as session:
        found = holds.held(session, [first])[first]
    assert (found.id, found.until, found.person) == (placed.id, placed.until, placed.person)
    assert "lost the reason" in found.reason


def test_what_a_lost_submission_took_the_place_of_stays_superseded(two: Two, tmp_path: Path) -> None:
    world, first, _ = two
    copy = saved(world, tmp_path / "backup")
    later = world.hold(**of(4, 7), after=first)
    replayed(world, put_over(world, copy))
    again = world.restarted()
    assert again.row(first).state == SubmissionState.SUPERSEDED
    assert (rows_of(again, first), rows_of(again, later.id)) == (0, 0)
    assert rows_of(again, again.hold(**of(4, 7), after=first).id) == 7  # pushed again, it follows what it followed


def test_rows_erased_since_do_not_come_back_and_neither_does_their_content(two: Two, tmp_path: Path) -> None:
    world, first, second = two
    saved(world, tmp_path / "backup")
    dead = set(world.hub.keyring.store.tombstones())
    lost = read([
        entry(Operation.ERASURE, "rows erased", first, request="r", key="new", replaced=f"submission/{first}"),
        entry(Operation.ERASURE, "rights request: erasure", "r"),
    ])  # fmt: skip
    with writing(world.hub.engine) as session:
        found = reapply.lock(session, lost, dead=dead, certified=(), unread=(), staged=())
        done = reapply.submissions(session, lost, found, world.clock())
    assert [one["submission"] for one in done.lost] == [first]
    left = world.row(first)
    assert (left.state, left.never_again, left.held) == (SubmissionState.LAPSED, True, [])
    assert world.row(second).state == SubmissionState.HELD


def test_an_entry_redacted_since_stays_redacted(two: Two, tmp_path: Path) -> None:
    world, first, _ = two
    copy = saved(world, tmp_path / "backup")
    with reading(world.hub.engine) as session:
        number = session.execute(select(EntryRow.number).where(EntryRow.subject == first).order_by(EntryRow.number)).scalars().first()
    assert number is not None
    with writing(world.hub.engine) as session:
        redact(session, number, "a person", "a name in it", world.clock)
    replayed(world, put_over(world, copy))
    again = world.restarted()
    with reading(again.hub.engine) as session:
        empty = session.get_one(EntryRow, number)
        assert (empty.salt, empty.entry, empty.subject) == (None, None, "")
    assert "entry" not in next(again.hub.second.lines(number))


def test_a_published_edition_that_is_lost_keeps_its_populations_and_a_dropped_draft_stays_dropped(two: Two) -> None:
    world, _, _ = two
    lost = [Edition("ed-1", REFERENCE, RELEASE, 1, "2021-04", "2021-05", published=True), Edition("ed-2", REFERENCE, RELEASE, 1)]
    nowhere = Edition("ed-3", "NOWHERE", RELEASE, 1, "2021-04", "2021-04", published=True)
    with writing(world.hub.engine) as session:
        assert editions.keep_taken(session, [*lost, nowhere], world.clock()) == ["ed-3"]
        assert editions.keep_taken(session, lost, world.clock()) == []  # once more is the same
    with reading(world.hub.engine) as session:
        taken = {(one.supplier, one.period) for one in session.execute(select(PopulationRow)).scalars()}
        [stub] = session.execute(select(EditionRow)).scalars()
    assert taken == {(supplier, period) for supplier in (CLEVELAND, DURHAM) for period in ("2021-04", "2021-05")}
    assert (stub.id, stub.state) == ("ed-1", EditionState.DROPPED)
    world.hold(supplier=DURHAM)
    with pytest.raises(Conflict, match="were published in ed-1"):
        ask(world)
    with writing(world.hub.engine) as session:
        session.execute(delete(PopulationRow))
    drafted = ask(world)
    lost_ones = read([entry(Operation.ERASURE, "edition dropped", drafted, release=RELEASE, version=1)]).editions
    with writing(world.hub.engine) as session:
        editions.keep_taken(session, lost_ones.values(), world.clock())
    assert (row(world, drafted).state, row(world, drafted).files) == (EditionState.DROPPED, [])


def test_who_was_ended_since_is_ended_and_nobody_is_signed_in(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    stays, goes = (enter(world, CLEVELAND, "dpo", name=name) for name in ("Stays Here", "Goes Away"))
    stays.client()
    copy = saved(world, tmp_path / "backup")
    with writing(world.hub.engine) as session:
        people.end(session, goes.id, "hub", world.clock())
    done = replayed(world, put_over(world, copy))
    assert goes.id in done.revoked
    with reading(world.restarted().hub.engine) as session:
        assert session.get_one(PersonRow, goes.id).ended_at is not None
        assert session.get_one(PersonRow, stays.id).ended_at is None
        assert all(one.ended_at is not None for one in session.execute(select(SessionRow)).scalars())
        assert session.execute(select(InvitationRow)).first() is None


def test_a_signed_version_that_was_ended_since_does_not_come_into_force(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    second = world.version(2, in_force_from="2027-01-01")
    world.enter(second)
    assert world.sign_all(second) == State.SIGNED
    copy = saved(world, tmp_path / "backup")
    assert world.say(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE, second) == State.TERMINATED
    replayed(world, put_over(world, copy))
    again = world.restarted()
    with reading(again.hub.engine) as session:
        states = {one.version: one.state for one in agreements.everything(session)}
    assert states == {1: State.SUSPENDED, 2: State.TERMINATED}
    assert again.say(OPERATOR, Capacity.SIGNATORY, Voice.RESUME) == State.IN_FORCE


def test_an_upload_of_which_the_parts_are_gone_goes_on_or_is_pushed_again(two: Two, tmp_path: Path) -> None:
    world, _, _ = two
    begun, whole = world.prepare(**of(6, 4)), world.prepare(**of(7, 4))
    world.open(begun)
    world.put(begun, 1)
    world.send(whole)
    copy = saved(world, tmp_path / "backup")
    settings = put_over(world, copy)
    refill(settings, "staging", {})
    done = replayed(world, settings)
    assert [(one["submission"], one["had"]) for one in done.lost] == [(whole.id, "complete")]
    again = world.restarted()
    assert again.call("get", f"/v1/submissions/{begun.id}", CLEVELAND).get_json()["missing"] == [1]
    again.put(begun, 1)
    again.complete(begun)
    assert again.process(begun.id) == "held"
    assert again.process(whole.id) == SubmissionState.LAPSED
    assert rows_of(again, month(again, 7, 4)) == 4
