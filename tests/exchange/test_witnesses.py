"""Cosigned heads at the hub: only its own, only of those whom an agreement names, never older, and shown only to who shares an agreement."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from exchange.db import reading, writing
from exchange.errors import Unavailable
from exchange.keyring import make_next
from exchange.log.record import Event, Operation, append, size
from exchange.log.tables import HeadRow
from exchange.log.witnesses import WitnessRow, cosigned
from exchange.register import agreements, partners
from keys.checkpoint import Checkpoint, cosign, cosigned_at, sign_checkpoint, verify_checkpoint, witness_name
from keys.merkle import verify_consistency
from keys.sign import SigningKey
from tests.exchange.standing import CLEVELAND, DURHAM, TEAM, World, card_of, problem

ORIGIN = "lcjp-exchange/test"


def head_of(world: World, client: str = CLEVELAND) -> str:
    return world.call("get", "/v1/log/checkpoint", client).text


def post(world: World, note: Any, client: str = CLEVELAND) -> TestResponse:
    return world.call("post", "/v1/log/cosignatures", client, json={"note": note})


def signed(world: World, note: str, party: str = CLEVELAND, *, key: SigningKey | None = None, late: float = 0) -> str:
    at = int(world.clock().timestamp() + late)
    return cosign(note, witness_name(ORIGIN, party), key or world.signing(f"{party}/witness"), at)


def listed(world: World, client: str, of: int) -> dict[str, dict[str, Any]]:
    answer = world.call("get", f"/v1/log/witnesses?of={of}", client)
    assert answer.status_code == 200, answer.text
    return {one["party"]: one for one in answer.get_json()["witnesses"]}


def grow(world: World, count: int = 1) -> None:
    for _ in range(count):
        with writing(world.hub.engine) as session:
            append(session, Event(Operation.SECURITY, "who", "organisation", "", "something happened", "subject"), world.clock())


def test_what_one_witness_cosigned_is_shown_to_the_others_with_proof(world: World) -> None:
    note = signed(world, head_of(world))
    answer = post(world, note)
    assert answer.status_code == 201, answer.text
    grow(world, 3)
    log = world.hub.keyring.signing("log").public
    now = verify_checkpoint(head_of(world, DURHAM), ORIGIN, log)
    for client in (DURHAM, TEAM, CLEVELAND):
        line = listed(world, client, now.size)[CLEVELAND]
        then = verify_checkpoint(line["note"], ORIGIN, log)
        assert then.size == answer.get_json()["size"] == now.size - 3
        verify_consistency(then.size, now.size, then.root, now.root, [bytes.fromhex(step) for step in line["proof"]])
        key = world.signing(f"{CLEVELAND}/witness").public
        assert cosigned_at(line["note"], witness_name(ORIGIN, CLEVELAND), key) == int(world.clock().timestamp())
    problem(world.call("get", f"/v1/log/witnesses?of={now.size + 1}", DURHAM), 404, "no-such-size")


def test_the_newest_is_kept_and_an_older_one_is_refused(world: World) -> None:
    old = signed(world, head_of(world))
    grow(world)
    new = signed(world, head_of(world))
    assert post(world, new).status_code == post(world, new).status_code == 201
    problem(post(world, old), 409, "cosignature-older")
    problem(post(world, signed(world, head_of(world), late=-60)), 409, "cosignature-older")
    with reading(world.hub.engine) as session:
        assert [(row.party, row.size) for row in cosigned(session)] == [(CLEVELAND, size(session))]


def test_only_a_head_that_this_log_has_had(world: World) -> None:
    log, note = world.hub.keyring.signing("log"), head_of(world)
    head = verify_checkpoint(note, ORIGIN, log.public)
    strange = [Checkpoint(ORIGIN, head.size, bytes(32)), Checkpoint(ORIGIN, head.size + 1, head.root), Checkpoint(ORIGIN, 0, head.root)]
    for one in strange:
        problem(post(world, signed(world, sign_checkpoint(one, log))), 422, "not-our-head")
    forged = sign_checkpoint(head, SigningKey.generate())
    problem(post(world, signed(world, forged)), 422, "bad-cosignature")
    other = sign_checkpoint(Checkpoint("another/log", head.size, head.root), log)
    problem(post(world, signed(world, other)), 422, "bad-cosignature")


def test_only_by_a_witness_whom_an_agreement_names(world: World) -> None:
    note, mine = head_of(world), world.signing(f"{CLEVELAND}/witness")
    problem(post(world, note), 422, "unknown-witness")
    problem(post(world, signed(world, note, key=SigningKey.generate())), 422, "unknown-witness")
    problem(post(world, signed(world, note, key=world.signing(f"{CLEVELAND}/manifest"))), 422, "unknown-witness")
    problem(post(world, signed(world, note), DURHAM), 422, "unknown-witness")  # Durham cannot hand in what Cleveland signed
    problem(post(world, signed(world, note), TEAM), 403, "forbidden")
    spoilt = signed(world, note).replace("witness/cleveland-police ", "witness/cleveland-police AAAA", 1)
    assert post(world, spoilt).status_code == 422
    with writing(world.hub.engine) as session:
        partners.revoke(session, mine.public.fingerprint, "lost", world.clock())
    problem(post(world, signed(world, note)), 422, "unknown-witness")


@pytest.mark.parametrize("late", [-25 * 3600, 11 * 60, 10**12])
def test_only_about_now(world: World, late: float) -> None:
    problem(post(world, signed(world, head_of(world), late=late)), 422, "cosignature-time")


@pytest.mark.parametrize("body", [{}, {"note": 5}, {"note": "x"}, {"note": "x\n\n— y z\n"}, {"note": "", "more": 1}])
def test_what_is_no_note_is_refused(world: World, body: dict[str, Any]) -> None:
    assert world.call("post", "/v1/log/cosignatures", CLEVELAND, json=body).status_code == 422


def test_nobody_elses_lines_travel_with_a_note(world: World) -> None:
    note = signed(world, signed(world, head_of(world), DURHAM), CLEVELAND) + "— somebody AAAAAAAA\n"
    assert post(world, note).status_code == 201
    assert listed(world, DURHAM, 1)[CLEVELAND]["note"] == signed(world, head_of(world))


def test_a_party_of_another_agreement_is_not_shown(world: World) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    stranger = SigningKey.generate()
    with writing(world.hub.engine) as session:
        for role in ("client", "manifest"):
            key = stranger if role == "client" else SigningKey.generate()
            partners.register(session, card_of(f"stranger/{role}", key), world.clock())
    token = world.authenticate(world.assertion("stranger", key=stranger)).get_json()["access_token"]
    answer = world.call("get", "/v1/log/witnesses?of=1", headers={"Authorization": f"Bearer {token}"})
    assert answer.get_json()["witnesses"] == []
    note = cosign(head_of(world), witness_name(ORIGIN, "stranger"), stranger, int(world.clock().timestamp()))
    refused = world.call("post", "/v1/log/cosignatures", json={"note": note}, headers={"Authorization": f"Bearer {token}"})
    problem(refused, 422, "unknown-witness")


def test_an_agreement_that_has_ended_names_no_witness(world: World) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    world.clock.now += timedelta(days=365 * 20)
    with writing(world.hub.engine) as session:
        agreements.advance(session, world.clock())
    assert listed(world, DURHAM, 1) == {}
    problem(post(world, signed(world, head_of(world))), 422, "unknown-witness")


def test_a_restored_note_of_a_log_that_was_succeeded_is_not_shown(world: World) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    assert set(listed(world, DURHAM, 1)) == {CLEVELAND}
    with writing(world.hub.engine) as session:  # the backup was older than the succession, and the second store brought its name back
        session.execute(select(HeadRow)).scalar_one().origin = f"{ORIGIN}-2"
        session.execute(update(WitnessRow).values(size=10**6))
    assert listed(world, DURHAM, 1) == {}
    note = cosign(
        head_of(world), witness_name(f"{ORIGIN}-2", CLEVELAND), world.signing(f"{CLEVELAND}/witness"), int(world.clock().timestamp())
    )
    assert post(world, note).status_code == 201
    assert set(listed(world, DURHAM, 1)) == {CLEVELAND}


def test_while_its_key_is_renewed_a_head_verifies_by_either_and_afterwards_by_the_new(world: World) -> None:
    make_next(world.hub.keyring.store, "log")
    old, new = world.hub.keyring.every("log")
    assert post(world, signed(world, head_of(world))).status_code == 201
    grow(world)
    [line] = listed(world, DURHAM, 1).values()
    for key in (old, new):
        assert verify_checkpoint(line["note"], ORIGIN, key.public).size
    world.hub.keyring.store.destroy(world.hub.keyring.names("log")[0])
    [line] = listed(world, DURHAM, 1).values()
    assert verify_checkpoint(line["note"], ORIGIN, new.public).size
    assert post(world, signed(world, head_of(world))).status_code == 201


def test_no_head_is_shown_that_the_second_store_lacks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restored database grows back to what the second store has: a witness who had seen more would take it for a rollback."""
    before = verify_checkpoint(head_of(world), ORIGIN, world.hub.keyring.signing("log").public)

    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch, world.unwritten() if world.s3 else nullcontext():
        patch.setattr(
            "exchange.log.folder_store.write_durably", full
        )  # a folder that is away would be found out before anything is committed
        with pytest.raises(Unavailable):
            grow(world)
        with reading(world.hub.engine) as session:
            assert size(session) == before.size + 1
        problem(world.call("get", "/v1/log/checkpoint", CLEVELAND), 503, "second-store")
    assert verify_checkpoint(head_of(world), ORIGIN, world.hub.keyring.signing("log").public).size == before.size + 1
    assert world.hub.second.size() == before.size + 1
    grow(world)
    assert verify_checkpoint(head_of(world), ORIGIN, world.hub.keyring.signing("log").public).size == before.size + 2
