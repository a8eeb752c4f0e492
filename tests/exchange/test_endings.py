"""When an agreement changes or ends: the stricter retention, what lapses, what is destroyed at once or on its day, and the last keys."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from agreements.document import read
from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.signing import Capacity, Voice
from exchange import schedule, settling
from exchange.db import reading
from exchange.errors import RefusedByAgreement, Unacceptable
from exchange.log.record import append
from exchange.log.tables import EntryRow
from exchange.register.tables import EnvelopeRow, EpochRow
from exchange.submissions import endings
from keys.errors import KeyDestroyed
from keys.keystore import SealedFileKeystore
from tests.exchange.releases.drafted import ask
from tests.exchange.standing import CLEVELAND, DURHAM, KEY_CHECK, REFERENCE, World, crimes, problem

DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY
REKEY = f"rekey/{REFERENCE}/published_crime/1"
TODAY = date(2026, 11, 22)


def settle(world: World) -> list[str]:
    hub = world.hub
    return endings.settle(hub.engine, hub.keyring, hub.places, world.clock)


def agree(world: World, agreement: Agreement) -> Agreement:
    world.enter(agreement)
    world.sign_all(agreement)
    return agreement


def terminate(world: World, about: Agreement | None = None) -> None:
    assert world.say(DURHAM, SIGNATORY, Voice.TERMINATE, about) == State.TERMINATED


def expire(world: World) -> None:
    world.clock.now = datetime(2036, 11, 1, tzinfo=UTC)
    schedule.advance_agreements(world.hub)


def logged(world: World, *whats: str) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [entry for entry in found if entry and entry["what"] in whats]


def days(world: World, *pushed: str) -> list[date]:
    return [world.row(one).dispose_on for one in pushed]


# ------------------------------------------------------------------------------------------------------------ retention


def test_rows_already_held_follow_the_stricter_retention_and_never_a_longer_one(world: World) -> None:
    first = world.hold()
    second = world.hold([crimes(4)], after=first.id)
    receipt = world.receipt(second.id)
    agree(world, world.version(2, retention='"P7Y"'))
    assert len(settle(world)) == 2
    assert days(world, first.id, second.id) == [date(2028, 4, 30)] * 2  # superseded and held alike
    assert settle(world) == []
    agree(world, world.version(3, retention='"P12Y"'))
    assert settle(world) == []
    assert days(world, first.id, second.id) == [date(2028, 4, 30)] * 2
    entries = logged(world, "destruction brought forward")
    assert {entry["subject"] for entry in entries} == {first.id, second.id}
    assert {(entry["details"]["from"], entry["details"]["to"], entry["organisation"]) for entry in entries} == {
        ("2031-04-30", "2028-04-30", CLEVELAND)
    }
    assert world.receipt(second.id) == receipt
    assert receipt.dispose_on == "2031-04-30"
    world.clock.now = datetime(2028, 4, 29, 23, 0, tzinfo=UTC)
    schedule.dispose_due(world.hub)
    assert [world.row(one.id).state for one in (first, second)] == ["disposed"] * 2


def test_a_stricter_version_counts_though_it_was_replaced_before_anybody_looked(world: World) -> None:
    held = world.hold()
    agree(world, world.version(2, retention='"P7Y"'))
    agree(world, world.version(3, retention='"P8Y"'))
    settle(world)
    assert days(world, held.id) == [date(2028, 4, 30)]


def test_a_dataset_that_is_gone_is_read_by_nobody_and_kept_till_its_day(world: World) -> None:
    held = world.hold()
    words = world.words(version="2").replace('"crimes"', '"offences"').replace('"crimes.', '"offences.')
    second = agree(world, read(words))
    assert settle(world) == []
    assert days(world, held.id) == [date(2031, 4, 30)]
    assert second.dataset("crimes") is None
    with pytest.raises(Unacceptable, match="offences has not been submitted"):
        ask(world)
    found = problem(world.open(world.prepare([crimes(4)], after=held.id)), 403, "refused-by-agreement")
    assert "admits less of the dataset crimes" in found["detail"]


def test_nothing_is_brought_forward_before_the_new_version_is_in_force(world: World) -> None:
    held = world.hold()
    later = world.version(2, retention='"P7Y"', in_force_from="2026-12-01")
    agree(world, later)
    assert settle(world) == []
    world.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert days(world, held.id) == [date(2028, 4, 30)]


# ------------------------------------------------------------------------------------------------------------ the end


@pytest.mark.parametrize("end", [terminate, expire])
def test_at_the_end_everything_is_destroyed_with_certificates_and_the_last_keys_go(world: World, end: Callable[[World], None]) -> None:
    if end is expire:  # what was sent long ago, to be kept beyond the end
        agree(world, world.version(2, retention='"P30Y"'))
    about = world.version(2, retention='"P30Y"') if end is expire else world.agreement
    held = world.hold(about=about)
    opened, complete = world.prepare([crimes(5)], supplier=DURHAM, about=about), world.prepare([crimes(6)], period="2021-05", about=about)
    if end is terminate:  # ten years on, what was not finished has long lapsed with its sealing key
        world.open(opened, DURHAM)
        world.put(opened, 1, DURHAM)
        world.send(complete)
    end(world)
    on = world.clock().date()
    settle(world)
    assert days(world, held.id) == [on]
    if end is terminate:
        assert world.row(opened.id).state == "lapsed"
        found = problem(world.complete(opened, DURHAM), 409, "sealing-key-expired")
        assert "its agreement has ended" in found["detail"]
        assert world.hub.keyring.store.get(REKEY)  # something is still held
        schedule.process_pending(world.hub)
        assert world.receipt(complete.id).outcome == "refused"
    assert list(world.hub.places.staging.names()) == []
    schedule.dispose_due(world.hub)
    assert world.row(held.id).certificate is not None
    assert list(world.hub.places.held.names()) == []
    assert f"re-key keys destroyed: {REFERENCE}" in settle(world)
    with pytest.raises(KeyDestroyed):
        world.hub.keyring.store.get(REKEY)
    with reading(world.hub.engine) as session:
        assert session.execute(select(EnvelopeRow)).first() is None
        assert [row.retired_at for row in session.execute(select(EpochRow)).scalars()] == [world.clock()]
    schedule.dispose_due(world.hub)
    assert settle(world) == []
    assert len(logged(world, "re-key keys destroyed")) == 1
    assert len(logged(world, "submission destroyed")) == (3 if end is terminate else 1)  # with the refused and the lapsed one


def test_kept_until_due_nothing_moves_and_the_day_stays(world: World) -> None:
    second = agree(world, world.version(2, after_end='"keep-until-due"'))
    held = world.hold(about=second)
    waiting, opened = world.prepare([crimes(6)], period="2021-05", about=second), world.prepare([crimes(5)], supplier=DURHAM, about=second)
    world.send(waiting)
    world.open(opened, DURHAM)
    world.put(opened, 1, DURHAM)
    terminate(world, second)
    settle(world)
    assert world.row(opened.id).state == "lapsed"
    assert world.process(waiting.id) == "refused"
    assert list(world.hub.places.staging.names()) == []
    assert days(world, held.id) == [date(2031, 4, 30)]
    with pytest.raises(RefusedByAgreement, match="the agreement is terminated"):
        ask(world)
    schedule.dispose_due(world.hub)
    assert settle(world) == []
    assert world.row(held.id).state == "held"
    assert world.hub.keyring.store.get(REKEY)
    world.clock.now = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)
    schedule.dispose_due(world.hub)
    assert world.row(held.id).state == "disposed"
    assert settle(world) == [f"re-key keys destroyed: {REFERENCE}"]


def test_an_older_epoch_is_spent_when_nothing_is_held_under_it_any_more(world: World) -> None:
    old = world.hold()
    assert world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope(epoch=2)).status_code == 201
    assert settle(world) == []  # something is held under the first
    new = world.hold([crimes(4)], after=old.id, epoch=2)
    assert world.row(old.id).state == "superseded"
    keep = [name for name in world.hub.keyring.store.names("rekey/") if name.endswith("/2")]
    world.clock.forward(days=1)
    settling.settle(world.hub)
    schedule.dispose_due(world.hub)
    assert world.row(old.id).state == "disposed"
    assert settle(world) == [f"re-key keys destroyed: {REFERENCE}"]
    assert world.hub.keyring.store.names("rekey/") == keep
    assert keep
    with reading(world.hub.engine) as session:
        assert [(row.epoch, row.retired_at is None) for row in session.execute(select(EpochRow).order_by(EpochRow.epoch)).scalars()] == [
            (1, False),
            (2, True),
        ]
        assert {row.epoch for row in session.execute(select(EnvelopeRow)).scalars()} == {2}
    assert (settle(world), world.row(new.id).state) == ([], "held")
    assert logged(world, "re-key keys destroyed")[0]["details"]["epochs"] == [1]
    again = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope(epoch=1))
    problem(again, 409, "epoch-retired")


def test_nothing_ends_while_another_version_lives_or_waits_for_its_day(world: World) -> None:
    held = world.hold()
    second = agree(world, world.version(2, in_force_from="2026-12-01"))
    terminate(world)
    assert settle(world) == []
    assert days(world, held.id) == [date(2031, 4, 30)]
    terminate(world, second)
    settle(world)
    assert days(world, held.id) == [TODAY]


def test_an_agreement_signed_again_after_its_end_needs_a_new_linkage_secret(world: World) -> None:
    before = world.hold()
    terminate(world)
    settle(world)
    schedule.dispose_due(world.hub)
    settle(world)
    second = agree(world, world.version(2))
    problem(world.open(world.prepare([crimes()], about=second)), 422, "linkage-mismatch")
    again = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope())
    found = problem(again, 409, "epoch-retired")
    assert "--epoch 2" in found["remedy"]
    issued = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope(epoch=2))
    assert issued.status_code == 201, issued.text
    world.hold([crimes()], about=second, epoch=2, key_check=KEY_CHECK, after=before.id)  # the line of the month goes on
    assert world.hub.keyring.store.get(REKEY.removesuffix("1") + "2")


class Crash(Exception):
    """The power goes."""


@pytest.mark.parametrize("after", range(4))
def test_a_crash_anywhere_is_finished_by_a_repeat_and_nothing_is_said_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    held = [world.hold(), world.hold([crimes(4)], supplier=DURHAM)]
    opened = world.prepare([crimes(5)], period="2021-05")
    world.open(opened)
    world.put(opened, 1)
    terminate(world)
    calls = 0
    real_append, real_destroy = append, SealedFileKeystore.destroy

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            found = real(*arguments)
            if calls == after + 1:
                raise Crash
            return found

        return call

    with monkeypatch.context() as patch:
        patch.setattr(endings, "append", counted(real_append))
        if after < 3:  # two brought forward, one lapsed
            with pytest.raises(Crash):
                settle(world)
            assert days(world, *(one.id for one in held)) == [date(2031, 4, 30)] * 2
    settle(world)
    assert days(world, *(one.id for one in held)) == [TODAY] * 2
    assert list(world.hub.places.staging.names()) == []
    schedule.dispose_due(world.hub)
    with monkeypatch.context() as patch:
        calls = after
        patch.setattr(SealedFileKeystore, "destroy", counted(real_destroy))
        with pytest.raises(Crash):
            settle(world)
    with reading(world.hub.engine) as session:
        assert session.execute(select(EpochRow.retired_at)).scalar_one() is None
    assert settle(world) == [f"re-key keys destroyed: {REFERENCE}"]
    assert settle(world) == []
    for what, times in (("destruction brought forward", 2), ("submission lapsed", 1), ("re-key keys destroyed", 1)):
        assert len(logged(world, what)) == times
