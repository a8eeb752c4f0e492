"""Sealing keys come and go by the week; submissions go on their day, for ever, whatever breaks on the way."""

import gc
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Gone
from exchange.log.tables import EntryRow
from exchange.submissions import holdings, retention, sealing
from exchange.submissions.tables import HeldPartRow, PartRow, SealingKeyRow
from keys.errors import KeyDestroyed
from keys.sign import Use, verify_document
from tests.exchange.standing import CLEVELAND, OPERATOR, REFERENCE, World, crimes, problem
from tests.folders import content_of, lying, put_there


def rotate(world: World) -> None:
    with writing(world.hub.engine) as session:
        sealing.rotate(session, world.hub.keyring, OPERATOR, world.clock())


def keys_of(world: World) -> list[SealingKeyRow]:
    with reading(world.hub.engine) as session:
        return list(session.execute(select(SealingKeyRow).order_by(SealingKeyRow.issued_at)).scalars())


def said(world: World) -> list[str]:
    with reading(world.hub.engine) as session:
        return [str(entry["what"]) for entry in session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars() if entry]


def test_a_new_key_comes_after_a_week_and_the_old_goes_after_two(world: World) -> None:
    rotate(world)
    assert len(keys_of(world)) == 1
    first = world.sealing_notice()["id"]
    world.clock.forward(days=7)
    rotate(world)
    second = world.sealing_notice()["id"]
    assert first != second
    world.clock.forward(days=7)
    rotate(world)
    assert [row.destroyed_at is not None for row in keys_of(world)] == [True, False, False]
    with pytest.raises(KeyDestroyed):
        world.hub.keyring.store.get(f"sealing/{first}")
    assert world.hub.keyring.store.get(f"sealing/{second}")
    assert said(world)[-1] == "sealing key destroyed"


def test_the_notice_is_signed_by_the_hub_key_that_the_agreement_names(world: World) -> None:
    hub = world.agreement.operator.hub
    assert hub is not None
    signed = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()["sealing_key"]
    assert verify_document(signed, Use.SEALING_KEY, hub.identity)["expires"] == "2026-12-06T09:30:00Z"


def test_what_was_sealed_with_a_destroyed_key_lapses_and_is_pushed_again(world: World) -> None:
    opened, complete = world.prepare([crimes()]), world.prepare([crimes(4)])
    world.open(opened)
    world.send(complete)
    late = world.prepare([crimes(5)])
    world.clock.forward(days=14)
    problem(world.open(late), 422, "sealing-key-expired")
    rotate(world)
    problem(world.put(opened, 1), 409, "sealing-key-expired")
    problem(world.complete(opened), 409, "sealing-key-expired")
    assert world.process(complete.id) == "lapsed"
    assert world.row(complete.id).receipt is None
    world.hold([crimes(4)])


def test_nothing_to_seal_to_is_said(world: World) -> None:
    world.clock.forward(days=15)
    with writing(world.hub.engine) as session:
        for row in session.execute(select(SealingKeyRow)).scalars():
            row.destroyed_at = world.clock()
    answer = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND)
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"]


DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # 30 April in London


def test_nothing_is_due_before_its_day_and_everything_on_it(world: World) -> None:
    held = world.hold()
    follower = world.hold([crimes(4)], after=held.id)
    with reading(world.hub.engine) as session:
        assert retention.due(session, date(2031, 4, 29)) == []
        assert {row.id for row in retention.due(session, date(2031, 4, 30))} == {held.id, follower.id}
    world.clock.now = DUE.replace(minute=0, hour=22)
    schedule.dispose_due(world.hub)
    assert world.row(held.id).state == "superseded"
    world.clock.now = DUE
    schedule.dispose_due(world.hub)
    assert [world.row(one.id).state for one in (held, follower)] == ["disposed", "disposed"]


def dispose(world: World, submission: str) -> dict[str, Any]:
    hub = world.hub
    return retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())


def gone(world: World, submission: str, batches: list[holdings.Batch]) -> None:
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    with pytest.raises(KeyDestroyed):
        world.hub.keyring.store.get(f"submission/{submission}")
    with reading(world.hub.engine) as session:
        assert holdings.live(session, REFERENCE, "crimes") == []
        assert not session.execute(select(HeldPartRow)).scalars().all()
        assert not session.execute(select(PartRow)).scalars().all()
        assert holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, world.agreement, dataset).count_rows() == 0
    assert not lying(world.settings, "objects")
    gc.collect()


def test_destruction_is_certified_logged_and_final(world: World) -> None:
    held = world.hold()
    world.clock.now = DUE
    with reading(world.hub.engine) as session:
        batches = holdings.live(session, REFERENCE, "crimes")
    certificate = dispose(world, held.id)
    hub = world.agreement.operator.hub
    assert hub is not None
    document = verify_document(certificate, Use.CERTIFICATE, hub.receipts)
    assert (document["submission"], document["due"], document["destroyed"]) == (held.id, "2031-04-30", "2031-04-29T23:00:00Z")
    assert document["key"] == f"submission/{held.id}"
    gone(world, held.id, batches)
    assert said(world)[-2:] == ["disposal begun", "submission destroyed"]
    again = dispose(world, held.id)
    assert again == certificate
    assert said(world).count("submission destroyed") == 1
    # The receipt remains true of its time, and the same content is not taken again.
    assert world.receipt(held.id).outcome == "held"
    rotate(world)
    problem(world.open(world.prepare([crimes()])), 403, "refused-by-agreement")


def test_a_copy_of_the_data_kept_aside_cannot_be_read_once_the_key_is_gone(world: World) -> None:
    held = world.hold()
    with reading(world.hub.engine) as session:
        batches = holdings.live(session, REFERENCE, "crimes")
        rows = {row.number: (row.object, row.wrapped_key, row.aad, row.rows) for row in session.execute(select(HeldPartRow)).scalars()}
    held_parts = world.hub.places.held
    objects = {name: content_of(held_parts, name) for name in held_parts.names()}
    assert objects
    dispose(world, held.id)
    for name, content in objects.items():
        put_there(held_parts, name, content)
    with writing(world.hub.engine) as session:
        for number, (name, wrapped, aad, count) in rows.items():
            session.add(HeldPartRow(submission=held.id, number=number, object=name, wrapped_key=wrapped, aad=aad, rows=count))
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    with reading(world.hub.engine) as session, pytest.raises(Gone, match="cannot be read by anyone"):
        holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, world.agreement, dataset)


class Crash(Exception):
    """The power goes."""


@pytest.mark.parametrize("step", ["destroy", "delete", "sign"])
def test_a_crash_between_the_steps_is_finished_by_the_next_run(world: World, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = world.hold()
    world.clock.now = DUE
    with reading(world.hub.engine) as session:
        batches = holdings.live(session, REFERENCE, "crimes")

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        match step:
            case "destroy":
                patch.setattr(world.hub.keyring.store, "destroy", crash)
            case "delete":
                patch.setattr(world.hub.places.held, "remove", crash)
            case _:
                patch.setattr(retention, "sign_document", crash)
        with pytest.raises(Crash):
            dispose(world, held.id)
    with reading(world.hub.engine) as session:
        assert holdings.live(session, REFERENCE, "crimes") == []  # from the first step on, no release sees it
    schedule.dispose_due(world.hub)
    assert world.row(held.id).state == "disposed"
    assert world.row(held.id).certificate is not None
    gone(world, held.id, batches)
    assert said(world).count("disposal begun") == 1


def test_what_never_was_held_is_disposed_of_as_well(world: World) -> None:
    opened = world.prepare([crimes()])
    world.open(opened)
    world.put(opened, 1)
    assert list(world.hub.places.staging.names())
    dispose(world, opened.id)
    assert not list(world.hub.places.staging.names())
    problem(world.complete(opened), 409, "not-open") if world.complete(opened).status_code == 409 else None
    assert world.row(opened.id).state == "disposed"
