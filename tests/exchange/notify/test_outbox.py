"""Who is told of what: exactly what the log says happened, to parties alone, once under one id, and never what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import NotFound, Unacceptable
from exchange.notify import outbox, subscriptions
from exchange.notify.kinds import CHOICES, ITS_OWN, OF_THE_HUB, WORDS, Kind, kind_of, may_know
from exchange.notify.message import Notice
from exchange.notify.outbox import AFTER, next_try
from exchange.notify.subscriptions import Wanted, Way
from exchange.notify.tables import DeliveryRow, TailRow
from exchange.register import agreements
from exchange.restore.standing import mark
from exchange.submissions import retention
from exchange.watch import telling
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, World, crimes

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def tell(world: World, party: str, *kinds: Kind, named: bool = True) -> str:
    with writing(world.hub.engine) as session:
        wanted = Wanted(party, Way.MAIL, f"{party}@police.example", kinds or CHOICES, named)
        return subscriptions.add(session, wanted, "operator", world.clock()).id


def gathered(world: World) -> list[tuple[str, str, str]]:
    with writing(world.hub.engine) as session:
        outbox.gather(session, world.clock())
    with reading(world.hub.engine) as session:
        rows = session.execute(select(DeliveryRow).order_by(DeliveryRow.at, DeliveryRow.id)).scalars()
        return [(row.subscription, row.kind, row.reference) for row in rows]


def ids(world: World) -> set[str]:
    with reading(world.hub.engine) as session:
        return set(session.execute(select(DeliveryRow.id)).scalars())


# ------------------------------------------------------------------------------------------------------------------- rules


@given(st.integers(1, 30))
def test_every_try_is_later_than_the_one_before_and_some_day_it_is_given_up(tries: int) -> None:
    after = next_try(tries, NOW)
    assert (after is None) is (tries > len(AFTER))
    if after is not None and tries > 1:
        before = next_try(tries - 1, NOW)
        assert before is not None
        assert after > before > NOW


@given(
    party=st.sampled_from([CLEVELAND, DURHAM, OPERATOR, "nobody"]),
    kind=st.sampled_from(CHOICES),
    whose=st.sampled_from([CLEVELAND, DURHAM]),
)
def test_to_someone_who_is_no_party_nothing_is_told(first_world: World, party: str, kind: Kind, whose: str) -> None:
    told = may_know(kind, party, whose, first_world.agreement)
    assert not may_know(kind, party, whose, None)
    if party == "nobody":
        assert not told
    elif kind in ITS_OWN:
        assert told is (party in (whose, OPERATOR))


@given(st.sampled_from(Kind), st.sampled_from(["", REFERENCE]))
def test_a_message_says_its_kind_the_reference_if_wanted_and_where_to_sign_in(kind: Kind, reference: str) -> None:
    notice = Notice("msg_1", kind, reference, NOW, "https://hub.example")
    shown = {f',"reference":"{reference}"'} if reference else set()
    body = notice.body.decode()
    for part in (*shown, f'"{kind.value}"', '"https://hub.example"', "2026-11-22T09:30:00Z"):
        body = body.replace(part, "", 1)
    assert body == '{"data":{"link":},"timestamp":"","type":}'
    assert WORDS[kind] in notice.text
    assert (REFERENCE in notice.text) is bool(reference)
    assert REFERENCE not in notice.subject


def test_every_kind_comes_from_the_log_or_from_the_condition() -> None:
    said = ["statement: sign", "agreement in force", "statement: suspend", "statement: resume", "statement: terminate", "review due"]
    said += [
        "submission overdue",
        "submission refused",
        "submission destroyed",
        "edition drafted",
        "edition published",
        "edition withdrawn",
    ]
    assert {kind_of(what) for what in said} | OF_THE_HUB == set(CHOICES)
    assert kind_of("submission held") is None


# ------------------------------------------------------------------------------------------------------ from log to outbox


def test_what_happens_is_told_to_each_party_that_asked_and_to_nobody_else(world: World) -> None:
    mine, theirs = tell(world, CLEVELAND), tell(world, DURHAM, Kind.SUSPENDED)
    strangers = tell(world, "some-council")
    assert gathered(world) == []  # what was before is not told
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.SUSPEND)
    world.clock.forward(seconds=5)
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.RESUME)
    found = gathered(world)
    assert sorted(found[:2]) == sorted([(mine, "agreement.suspended", REFERENCE), (theirs, "agreement.suspended", REFERENCE)])
    assert found[2:] == [(mine, "agreement.resumed", REFERENCE)]
    assert strangers not in {one for one, *_ in found}


def test_a_suppliers_own_trouble_is_told_to_it_and_to_the_operator_alone(world: World) -> None:
    every = {party: tell(world, party, Kind.REFUSED, Kind.DESTROYED) for party in (CLEVELAND, DURHAM, OPERATOR)}
    bad = world.prepare([crimes(crime_type="Nonsense")])
    world.send(bad, CLEVELAND)
    assert world.process(bad.id) == "refused"
    assert {one for one, *_ in gathered(world)} == {every[CLEVELAND], every[OPERATOR]}
    held = world.hold([crimes(4)], supplier=DURHAM).id
    world.clock.now = datetime(2031, 5, 2, 9, tzinfo=UTC)
    with writing(world.hub.engine) as session:
        session.execute(update(DeliveryRow).values(next_at=None))
    retention.dispose(world.hub.engine, world.hub.keyring, world.hub.places, held, world.clock())
    new = gathered(world)[2:]
    assert {(one, kind) for one, kind, _ in new} == {(every[DURHAM], "submission.destroyed"), (every[OPERATOR], "submission.destroyed")}


def test_what_is_rolled_back_is_told_to_nobody(world: World) -> None:
    tell(world, CLEVELAND)
    gathered(world)

    signed = world.statement(CLEVELAND, Capacity.SIGNATORY, Voice.SUSPEND)
    with writing(world.hub.engine) as session:
        agreements.record(session, signed, world.clock)
        session.rollback()
    assert gathered(world) == []


def test_gathered_again_it_is_the_same_notice_and_after_a_restore_too(world: World) -> None:
    tell(world, CLEVELAND)
    gathered(world)
    world.say(DURHAM, Capacity.SIGNATORY, Voice.SUSPEND)
    assert len(gathered(world)) == 1
    assert len(gathered(world)) == 1
    before = ids(world)
    with writing(world.hub.engine) as session:  # the outbox as an older backup has it, beside the log as it was continued
        session.execute(delete(DeliveryRow))
        session.execute(update(TailRow).values(next=0))
    gathered(world)
    assert ids(world) == before


def test_an_edition_to_check_is_told_to_parties_with_checkers(world: World) -> None:
    checking = {party.id for party in world.agreement.parties if party.checkers}
    for party in world.agreement.parties:
        assert may_know(Kind.TO_CHECK, party.id, OPERATOR, world.agreement) is (party.id in checking)
    assert checking


def test_late_data_and_reviews_are_told(world: World) -> None:
    mine = tell(world, CLEVELAND, Kind.LATE, Kind.REVIEW)
    gathered(world)
    world.clock.now = datetime.combine(world.agreement.review, datetime.min.time(), UTC) - timedelta(days=50)
    schedule.notice_what_is_late(world.hub)
    schedule.remind_of_reviews(world.hub)
    for _ in range(3):
        gathered(world)
    assert {kind for one, kind, _ in gathered(world) if one == mine} == {"data.late", "agreement.review-due"}


# --------------------------------------------------------------------------------------------------------- the hub's condition


def test_a_worsened_condition_is_told_once_and_so_is_a_mended_one(world: World) -> None:
    tell(world, OPERATOR, *OF_THE_HUB)
    tell(world, CLEVELAND, Kind.SUSPENDED)
    assert telling.tell(world.hub) == []
    mark(world.hub.settings).touch()
    assert telling.tell(world.hub) == [Kind.WORSENED]
    world.clock.forward(minutes=5)
    assert telling.tell(world.hub) == []
    mark(world.hub.settings).unlink()
    assert telling.tell(world.hub) == [Kind.MENDED]
    assert [kind for _, kind, _ in gathered(world)] == ["hub.worsened", "hub.mended"]


# ------------------------------------------------------------------------------------------------------------ subscriptions


NONE: list[Any] = [
    ("No Party", Way.MAIL, "a@b.example", CHOICES),
    ("party", Way.MAIL, "no address", CHOICES),
    ("party", Way.MAIL, "a@b.example\nBcc: c@d.example", CHOICES),
    ("party", Way.MAIL, "a@localhost", CHOICES),
    ("party", Way.WEBHOOK, "http://hooks.example/x", CHOICES),
    ("party", Way.WEBHOOK, "https://user:word@hooks.example/x", CHOICES),
    ("party", Way.WEBHOOK, "https://hooks.example/x\r\nHost: y", CHOICES),
    ("party", Way.MAIL, "a@b.example", []),
    ("party", Way.MAIL, "a@b.example", ["hub.test"]),
]


def test_what_cannot_be_told_is_refused(world: World) -> None:
    for wanted in NONE:
        with writing(world.hub.engine) as session, pytest.raises(Unacceptable):
            subscriptions.add(session, Wanted(*wanted), "operator", world.clock())


def test_an_end_ends_what_waits_and_both_are_in_the_log(world: World) -> None:
    mine = tell(world, CLEVELAND)
    gathered(world)
    world.say(DURHAM, Capacity.SIGNATORY, Voice.SUSPEND)
    gathered(world)
    with pytest.raises(NotFound), writing(world.hub.engine) as session:
        subscriptions.end(session, mine, "per-x", world.clock(), person="per-x")  # it is not that person's own
    with writing(world.hub.engine) as session:
        subscriptions.end(session, mine, "operator", world.clock())
    with reading(world.hub.engine) as session:
        assert outbox.waiting(session) == 0
        assert outbox.given_up(session) == 0
        assert subscriptions.every(session) == []
