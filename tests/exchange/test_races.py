"""Races on both engines: what is accepted is accepted before a suspension or not at all, and what may happen once happens once."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from agreements.lifecycle import State
from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.errors import RefusedByAgreement
from exchange.log import record
from exchange.log.tables import EntryRow
from exchange.register import agreements, partners, reminders
from exchange.submissions import process, retention, sealing
from exchange.submissions.tables import SubmissionRow
from tests.exchange.quicker import one_token_each, open_here
from tests.exchange.racing import Story, entries, head_start, race, so_far, verify_log
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, SUPPLIERS, Pushed, World, card_of, crimes, problem

RACES = 50
DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY
STOPPED, ACCEPTED, HELD = "statement: suspend", "submission acknowledged", "submission held"


@pytest.fixture
def chance() -> random.Random:
    return random.Random(3)


@pytest.fixture(autouse=True)
def tokens_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for a token twice: that would be most of the work of these tests."""
    one_token_each(monkeypatch)


@pytest.fixture
def opened_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener, without a process of its own for each submission."""
    open_here(monkeypatch)


def arrived(world: World, supplier: str, seed: int, month: date = date(2021, 4, 1), after: str | None = None) -> Pushed:
    """A submission all of whose parts are here."""
    pushed = world.prepare([crimes(seed=seed, month=month)], supplier=supplier, period=f"{month:%Y-%m}", after=after)
    assert world.open(pushed, supplier).status_code == 201
    assert world.put(pushed, 1, supplier).status_code == 201
    return pushed


def suspend(world: World, party: str = DURHAM) -> None:
    world.say(party, DPO, Voice.SUSPEND)


def resume(world: World, party: str = DURHAM) -> str:
    return world.say(party, SIGNATORY, Voice.RESUME)


def caller(world: World, client: str) -> dict[str, str]:
    """A token got beforehand: getting one is a transaction of its own, and would blunt the race."""
    return {"Authorization": f"Bearer {world.token(client)}"}


def finish(world: World, pushed: Pushed, headers: dict[str, str]) -> TestResponse:
    """The word that it is complete."""
    return world.call("post", f"/v1/submissions/{pushed.id}/complete", headers=headers)


def waiting(world: World) -> list[str]:
    return process.pending(world.hub.engine, world.clock())


def test_fifty_races_between_suspend_and_complete_have_no_third_outcome(world: World, chance: random.Random) -> None:
    seen: set[str] = set()
    accepted: list[str] = []
    for number in range(RACES):
        begun = so_far(world)
        pushed = {supplier: arrived(world, supplier, number) for supplier in SUPPLIERS}
        tokens = {supplier: caller(world, supplier) for supplier in SUPPLIERS}
        runners = [lambda one=one, token=tokens[supplier]: finish(world, one, token) for supplier, one in pushed.items()]
        *answers, _ = race(*runners, lambda: suspend(world), delays=head_start(number, chance, 3))
        (stopped,) = entries(world, STOPPED, since=begun)
        for one, answer in zip(pushed.values(), answers, strict=True):
            said = entries(world, ACCEPTED, one.id, since=begun)
            state = world.row(one.id).state
            if answer.status_code == 202:
                seen.add("accepted")
                assert state == "complete"
                assert len(said) == 1
                assert said[0] < stopped
                accepted.append(one.id)
            else:
                seen.add("refused")
                assert "suspension: the agreement is suspended" in problem(answer, 403, "refused-by-agreement")["detail"]
                assert (state, said) == ("open", [])
            assert world.process(one.id) == state  # while it is suspended, what was accepted stays sealed
            assert world.complete(one, one.manifest.supplier).status_code == answer.status_code
        assert waiting(world) == []
        assert resume(world) == State.IN_FORCE
        assert sorted(waiting(world)) == sorted(accepted)
    assert seen == {"accepted", "refused"}
    verify_log(world)


def test_what_is_being_opened_is_held_before_the_suspension_or_stays_sealed(world: World, chance: random.Random, opened_here: None) -> None:
    seen: set[str] = set()
    head: str | None = None
    for number in range(20):
        pushed = arrived(world, CLEVELAND, number, after=head)
        assert world.complete(pushed).status_code == 202
        race(partial(world.process, pushed.id), lambda: suspend(world), delays=head_start(number, chance, 2))
        (stopped,) = entries(world, STOPPED)[number:]
        said, state = entries(world, HELD, pushed.id), world.row(pushed.id).state
        seen.add(state)
        assert state == ("held" if said else "complete")
        assert all(one < stopped for one in said)
        assert len(list(world.hub.places.held.names())) == number + len(said)
        resume(world)
        assert world.process(pushed.id) == "held"
        assert len(entries(world, HELD, pushed.id)) == 1
        head = pushed.id
    assert seen == {"held", "complete"}
    verify_log(world)


@contextmanager
def stopped_by_another(world: World) -> Iterator[None]:
    """Inside, somebody else's suspension holds its locks and has not been committed."""
    with writing(world.hub.engine) as session:
        agreements.record(session, world.statement(DURHAM, DPO, Voice.SUSPEND), world.clock)
        yield


def in_a_thread(story: Story) -> tuple[threading.Thread, list[Any]]:
    """Begun, and given the time to come as far as it can; and where its answer will be."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(race(story)))
    thread.start()
    time.sleep(0.3)
    return thread, found


def test_complete_waits_for_a_suspension_under_way_and_obeys_it(world: World) -> None:
    pushed = arrived(world, CLEVELAND, 1)
    token = caller(world, CLEVELAND)
    with stopped_by_another(world):
        thread, found = in_a_thread(lambda: finish(world, pushed, token))
        assert thread.is_alive()
    thread.join()
    problem(found[0], 403, "refused-by-agreement")


def test_a_row_known_before_the_lock_is_read_again_under_it(world: World) -> None:
    with writing(world.hub.engine) as session:
        known = agreements.current(session, REFERENCE) if world.server else None
        if known is not None:
            assert known.state == State.IN_FORCE
            suspend(world)
        row = agreements.by_digest(session, world.agreement.digest, lock=True)
        assert row is not None
        assert row.state == (State.SUSPENDED if world.server else State.IN_FORCE)


def test_the_clock_is_read_when_nothing_is_left_to_wait_for(world: World) -> None:
    pushed, token = arrived(world, CLEVELAND, 1), caller(world, CLEVELAND)
    with writing(world.hub.engine) as session:
        agreements.lock_versions(session, [REFERENCE])
        thread, found = in_a_thread(lambda: finish(world, pushed, token))
        assert thread.is_alive()
        world.clock.now = datetime.combine(world.agreement.expires, datetime.min.time(), UTC)
    thread.join()
    assert "expired" in problem(found[0], 403, "refused-by-agreement")["detail"]
    assert world.row(pushed.id).state == "open"
    assert entries(world, ACCEPTED, pushed.id) == []


def test_a_stop_says_in_the_log_how_long_it_took(world: World) -> None:
    signed = world.statement(DURHAM, DPO, Voice.SUSPEND)
    with writing(world.hub.engine) as session:
        received = world.clock()
        world.clock.forward(seconds=1.2345)
        agreements.record(session, signed, world.clock, received=received)
    with writing(world.hub.engine) as session:
        entry = session.execute(select(EntryRow).order_by(EntryRow.number.desc()).limit(1)).scalar_one().entry
    assert entry is not None
    details = entry["details"]
    assert isinstance(details, dict)
    assert {name: details[name] for name in ("received", "effective", "milliseconds")} == {
        "received": "2026-11-22T09:30:00.000+00:00",
        "effective": "2026-11-22T09:30:01.234+00:00",
        "milliseconds": 1235,
    }


def test_suspend_and_resume_by_two_parties(world: World, chance: random.Random) -> None:
    for number in range(10):
        suspend(world, CLEVELAND)
        race(lambda: resume(world, CLEVELAND), lambda: suspend(world, DURHAM), delays=head_start(number, chance, 2))
        with pytest.raises(RefusedByAgreement, match="has not suspended"):
            resume(world, CLEVELAND)
        assert waiting(world) == []
        assert resume(world, DURHAM) == State.IN_FORCE
        race(*(lambda party=party: suspend(world, party) for party in (CLEVELAND, DURHAM, OPERATOR)))
        states = race(*(lambda party=party: resume(world, party) for party in (CLEVELAND, DURHAM, OPERATOR)))
        assert sorted(states) == [State.IN_FORCE, State.SUSPENDED, State.SUSPENDED]
    verify_log(world)


def test_one_statement_recorded_twice_at_once_counts_once(world: World) -> None:
    signed = world.statement(CLEVELAND, DPO, Voice.SUSPEND)

    def record() -> str:
        with writing(world.hub.engine) as session:
            return agreements.record(session, signed, world.clock)[0].state

    found = race(record, record, record)
    assert sorted(isinstance(one, RefusedByAgreement) for one in found) == [False, True, True]
    assert len(entries(world, STOPPED)) == 1


def test_the_last_two_signatures_at_once_bring_it_into_force_once(world: World) -> None:
    parties = [party.id for party in world.agreement.parties]
    for number in range(2, 7):
        version = world.version(number)
        world.enter(version)
        for party in parties:
            world.say(party, DPO, Voice.ADVISE_FOR, version)
        for party in parties[:-2]:
            world.say(party, SIGNATORY, Voice.SIGN, version)
        states = race(*(lambda party=party, version=version: world.say(party, SIGNATORY, Voice.SIGN, version) for party in parties[-2:]))
        assert sorted(states) == [State.IN_FORCE, State.PROPOSED]
        assert len(entries(world, "agreement in force", version.digest)) == 1
    verify_log(world)


def test_equal_manifests_at_once_are_one_submission(world: World) -> None:
    for number in range(10):
        pushed = world.prepare([crimes(seed=number)])
        token = caller(world, CLEVELAND)
        answers = race(*[lambda pushed=pushed, token=token: world.call("post", "/v1/submissions", headers=token, json=pushed.signed)] * 4)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert len({answer.get_json()["submission"] for answer in answers}) == 1
    with writing(world.hub.engine) as session:
        assert session.execute(select(func.count()).select_from(SubmissionRow)).scalar_one() == 10
    assert len(entries(world, "submission opened")) == 10


def test_complete_at_once_is_acknowledged_once(world: World) -> None:
    pushed = arrived(world, CLEVELAND, 1)
    token = caller(world, CLEVELAND)
    answers = race(*[lambda: finish(world, pushed, token)] * 4)
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({str(answer.get_json()["acknowledgement"]) for answer in answers}) == 1
    assert len(entries(world, ACCEPTED, pushed.id)) == 1


def test_one_part_put_at_once_and_completed_meanwhile(world: World) -> None:
    pushed = world.prepare([crimes(seed=1), crimes(seed=2)])
    assert world.open(pushed).status_code == 201
    world.put(pushed, 1)
    token = caller(world, CLEVELAND)
    *puts, done = race(*[lambda: world.put(pushed, 2)] * 3, lambda: finish(world, pushed, token), delays=[0, 0, 0, 0.02])
    assert {answer.status_code for answer in puts} <= {200, 201}
    assert done.status_code in (202, 409)
    assert world.complete(pushed).status_code == 202


def test_of_two_for_one_period_at_once_one_is_held(world: World, opened_here: None) -> None:
    for month in range(4, 10):
        both = [arrived(world, CLEVELAND, 10 * month + seed, month=date(2021, month, 1)) for seed in range(2)]
        for pushed in both:
            assert world.complete(pushed).status_code == 202
        states = race(*(lambda one=one.id: world.process(one) for one in both))
        assert sorted(states) == ["held", "refused"]
        (refused,) = [one.id for one, state in zip(both, states, strict=True) if state == "refused"]
        assert "held first" in world.receipt(refused).reasons[0].reason
    verify_log(world)


def test_one_submission_processed_twice_at_once_is_decided_once(world: World, opened_here: None) -> None:
    pushed = arrived(world, CLEVELAND, 1)
    world.complete(pushed)
    assert race(*[lambda: world.process(pushed.id)] * 3) == ["held"] * 3
    assert len(entries(world, HELD, pushed.id)) == 1
    assert len(list(world.hub.places.held.names())) == 1


def test_what_is_destroyed_while_it_is_opened_stays_destroyed(world: World, chance: random.Random, opened_here: None) -> None:
    hub, head = world.hub, None
    for number in range(8):
        pushed = arrived(world, CLEVELAND, number, after=head)
        world.complete(pushed)
        delays = head_start(number, chance, 2)

        def destroy(one: str = pushed.id) -> object:
            return retention.dispose(hub.engine, hub.keyring, hub.places, one, world.clock())

        def work(one: str = pushed.id) -> object:
            try:
                return world.process(one)
            except Exception as error:  # noqa: BLE001  # its key is gone under its hands: the job fails, and finds it destroyed next time
                return error

        race(work, destroy, delays=delays)
        assert world.row(pushed.id).state == "disposed"
        assert world.process(pushed.id) == "disposed"
        assert len(entries(world, "submission destroyed", pushed.id)) == 1
        # Destroyed once it was held, it stays the period's head; destroyed before that, it never was one.
        head = pushed.id if world.row(pushed.id).place is not None else head


def test_a_sealing_key_ends_while_submissions_are_made_with_it(world: World) -> None:
    hub = world.hub
    pushed = [world.prepare([crimes(seed=number)]) for number in range(6)]
    world.clock.forward(days=14)

    def rotate() -> None:
        with writing(hub.engine) as session:
            sealing.rotate(session, hub.keyring, OPERATOR, world.clock())

    *answers, _ = race(*(lambda one=one: world.open(one) for one in pushed), rotate)
    assert {answer.status_code for answer in answers} == {422}
    with writing(hub.engine) as session:
        assert session.execute(select(func.count()).select_from(SubmissionRow)).scalar_one() == 0


def test_a_card_and_an_assertion_at_once(world: World) -> None:
    place = f"{DURHAM}/client"

    def register() -> str:
        with writing(world.hub.engine) as session:
            return partners.register(session, card_of(place.replace("client", "archive"), key), world.clock()).fingerprint

    key = world.signing(place).generate()
    assert len(set(race(register, register, register))) == 1
    assertion = world.assertion(CLEVELAND)
    answers = race(*[lambda: world.authenticate(assertion)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    verify_log(world)


def test_a_reminder_and_a_suspension_at_one_moment_wait_for_each_other_in_one_order(world: World) -> None:
    world.clock.now = datetime(*world.agreement.review.timetuple()[:3], 12, tzinfo=UTC)
    failed: list[Exception] = []

    def reminding() -> None:
        try:
            with writing(world.hub.engine) as session:
                reminders.remind(session, world.clock())
        except Exception as error:  # noqa: BLE001  # a deadlock, were there one
            failed.append(error)

    thread = threading.Thread(target=reminding)
    with writing(world.hub.engine) as session:
        agreements.lock_versions(session, [REFERENCE])
        thread.start()
        thread.join(0.5)  # by now it has what it can have
        record.hold(session)
    thread.join()
    assert failed == []
    assert len(entries(world, "review due")) == 1
