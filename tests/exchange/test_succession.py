"""A log that was lost goes on under another name, only with everybody's signature; and a restore of it keeps that name."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from exchange.db import reading, writing
from exchange.errors import Conflict, RefusedByAgreement, Unacceptable
from exchange.keyring import make_next
from exchange.log import record, redaction
from exchange.log.record import Event, Operation, append, checkpoint
from exchange.log.tables import SUCCEEDED, EntryRow, HeadRow, NodeRow
from exchange.log.witnesses import cosigned
from exchange.register import succession
from exchange.settings_checks import SANDBOX
from keys.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from keys.encoding import b64
from keys.errors import BadSignature
from keys.formats import Succession
from keys.sign import SigningKey, Use, sign_document
from keys.succession import bundle
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, World
from tests.exchange.test_witnesses import ORIGIN, grow, head_of, post, signed

NEW = f"{ORIGIN}-2"
PARTIES = (CLEVELAND, DURHAM, OPERATOR)


def lost_note(world: World, more: int = 3) -> str:
    """A head of a log with more entries than there are: what a witness kept of what was lost."""
    with reading(world.hub.engine) as session:
        now = checkpoint(session)
    return sign_checkpoint(Checkpoint(ORIGIN, now.size + more, bytes(32)), world.hub.keyring.signing("log"))


def draft(world: World, *notes: str, origin: str = NEW) -> Succession:
    with reading(world.hub.engine) as session:
        return succession.draft(session, notes, world.hub.keyring.every("log"), origin, "Burnt.", world.clock())


def begin(world: World, made: Succession, parties: tuple[str, ...] = PARTIES, **keys: SigningKey) -> None:
    said = [sign_document(made.document(), Use.LOG_SUCCESSION, keys.get("other") or world.signing(f"{one}/signatory")) for one in parties]
    with writing(world.hub.engine) as session:
        succession.begin(session, bundle(said), [key.public for key in world.hub.keyring.every("log")], world.clock)


def test_no_real_log_goes_on_as_a_sandboxs(world: World) -> None:
    with pytest.raises(Unacceptable, match="stays a sandbox's, or a real one's"):
        draft(world, lost_note(world), origin=f"{SANDBOX}/x")
    made = draft(world, lost_note(world))  # drafted by somebody who leaves that check out
    begins = verify_checkpoint(made.begins, NEW, world.hub.keyring.signing("log").public)
    smuggled = sign_checkpoint(Checkpoint(f"{SANDBOX}/x", begins.size, begins.root), world.hub.keyring.signing("log"))
    with pytest.raises(Unacceptable, match="stays a sandbox's, or a real one's"):
        begin(world, replace(made, begins=smuggled))


def test_it_goes_on_with_what_is_left_and_says_so_in_its_first_entry(world: World) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    note = lost_note(world)
    made = draft(world, note, lost_note(world, 2))
    assert made.ended == note
    with reading(world.hub.engine) as session:
        before = checkpoint(session)
    grow(world)  # between draft and beginning
    begin(world, made)
    begin(world, made)  # again: nothing happens
    with reading(world.hub.engine) as session:
        after, entry = checkpoint(session), session.get_one(EntryRow, before.size + 1).entry
        assert cosigned(session) == []
    assert (after.origin, after.size) == (NEW, before.size + 2)
    assert isinstance(entry, dict)
    assert entry["what"] == SUCCEEDED
    details: Any = entry["details"]
    assert (details["lost"], details["entries seen"], details["goes on from"], details["origin"]) == (
        ORIGIN,
        before.size + 3,
        before.size,
        NEW,
    )
    log = world.hub.keyring.signing("log").public
    assert verify_checkpoint(head_of(world), NEW, log) == after
    assert verify_checkpoint(made.begins, NEW, log).root == before.root


def test_nothing_is_succeeded_while_nothing_is_lost(world: World) -> None:
    note = signed(world, head_of(world))
    assert post(world, note).status_code == 201
    for notes in ((), (note,)):
        with pytest.raises(Conflict, match="nothing is lost"):
            draft(world, *notes)
    stranger = sign_checkpoint(Checkpoint(ORIGIN, 10**6, bytes(32)), SigningKey.generate())
    for bad in (stranger, "no note", sign_checkpoint(Checkpoint("another", 10**6, bytes(32)), world.hub.keyring.signing("log"))):
        with pytest.raises(Unacceptable):
            draft(world, bad)


def test_a_note_under_a_key_that_was_destroyed_does_not_stand_in_the_way(world: World) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    ring = world.hub.keyring
    make_next(ring.store, "log")
    ring.store.destroy(ring.names("log")[0])
    note = lost_note(world)
    assert draft(world, note).ended == note


@pytest.mark.parametrize("missing", PARTIES)
def test_everybody_signs_or_nothing_happens(world: World, missing: str) -> None:
    made = draft(world, lost_note(world))
    with pytest.raises(RefusedByAgreement, match=missing):
        begin(world, made, tuple(one for one in PARTIES if one != missing))
    with pytest.raises(RefusedByAgreement):
        begin(world, made, other=SigningKey.generate())
    with reading(world.hub.engine) as session:
        assert checkpoint(session).origin == ORIGIN


def test_a_succession_of_another_log_is_refused(world: World) -> None:
    key, made = world.hub.keyring.signing("log"), draft(world, lost_note(world))
    with reading(world.hub.engine) as session:
        now = checkpoint(session)
    for begins in (Checkpoint(NEW, now.size, bytes(32)), Checkpoint(NEW, now.size + 1, now.root)):
        with pytest.raises(Conflict):
            begin(world, Succession.parse({**made.document(), "begins": sign_checkpoint(begins, key)}))
    other = sign_checkpoint(Checkpoint("another", now.size, now.root), key)
    with pytest.raises(Conflict):
        begin(world, Succession.parse({**made.document(), "ended": other}))
    with pytest.raises(BadSignature):
        begin(world, Succession.parse({**made.document(), "begins": sign_checkpoint(Checkpoint(NEW, 1, now.root), SigningKey.generate())}))


def test_a_restore_puts_the_new_name_back_with_the_entry(world: World) -> None:
    made = draft(world, lost_note(world))
    begin(world, made)
    with reading(world.hub.engine) as session:
        whole = checkpoint(session)
        row = session.execute(select(EntryRow).where(EntryRow.what == SUCCEEDED)).scalar_one()
        line = {"number": row.number, "leaf": b64(row.leaf), "salt": b64(row.salt or b""), "entry": row.entry}
    with writing(world.hub.engine) as session, pytest.raises(Conflict, match="stays"):
        redaction.redact(session, row.number, "somebody", "because", world.clock)
    with writing(world.hub.engine) as session:  # as a backup from before would have it
        head = session.execute(select(HeadRow)).scalar_one()
        head.origin, head.size = ORIGIN, row.number
        session.delete(session.get_one(EntryRow, row.number))
        for node in world_nodes(session, row.number):
            session.delete(node)
        session.flush()
        record.put_back(session, json.loads(json.dumps(line)))
    with reading(world.hub.engine) as session:
        assert checkpoint(session) == whole
    with writing(world.hub.engine) as session:
        append(session, Event(Operation.SECURITY, "who", "organisation", "", "something happened", "subject"), world.clock())


def world_nodes(session: Any, number: int) -> list[Any]:
    """The nodes that the entry of this number completed."""
    return [node for node in session.execute(select(NodeRow)).scalars() if (node.index + 1) << node.level == number + 1]
