"""What agreements, the log and people's rights are asked, and refused."""

import secrets
from typing import Any

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.register import partners
from exchange.register.tables import EpochRow
from keys.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from tests.exchange import asking
from tests.exchange.provoked.scene import EVERY, ask, away, bearer
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, TEAM, World, crimes, print_of
from tests.exchange.test_witnesses import ORIGIN, grow, head_of, post, signed
from tests.folders import folder_of

HERE = f"/v1/agreements/{REFERENCE}"


def unknown(world: World) -> None:
    """Agreements, datasets, releases and submissions of which the caller may not know."""
    shown = {client: bearer(world.token(client)) for client in (CLEVELAND, TEAM)}
    for way in EVERY:
        mine = shown[way.client] if way.client else {}
        ask(world, way, mine, path=way.path.replace(REFERENCE, "LCJP-NONE"), **({"json": {}} if way.method == "post" else {}))
    world.call("post", "/v1/agreements/LCJP-NONE/envelopes", CLEVELAND, json=world.envelope())
    world.call("get", f"{HERE}/difference?from=1&to=9", CLEVELAND)
    world.call("get", f"{HERE}/rehearsal?version=9", CLEVELAND)
    world.call("get", f"{HERE}/datasets/none/contract", CLEVELAND)
    world.call("get", f"{HERE}/explain?operation=submit", CLEVELAND)
    world.call("get", f"{HERE}/explain?operation=submit&dataset=crimes&period=never&mode=replace", CLEVELAND)


def second_keys(world: World) -> None:
    """A client key that no agreement names, wherever it is looked at; submissions and editions have scenes of their own."""
    second = world.other_key(CLEVELAND)
    for path in ("/datasets/crimes/contract", "/envelopes", "/rehearsal?version=1"):
        world.call("get", f"{HERE}{path}", headers=second)
    world.call("get", f"/v1/rights?agreement={world.agreement.digest}", headers=second)
    world.call("post", f"{HERE}/envelopes", headers=second, json=world.envelope())
    world.call("post", "/v1/rights", headers=second, json=asking.request(world, "access", [asking.pseudonym(0)]))


def envelopes(world: World) -> None:
    """Linkage secrets that are not relayed."""

    def leave(envelope: dict[str, Any]) -> None:
        world.call("post", f"{HERE}/envelopes", headers=headers, json=envelope)

    headers = bearer(world.token(CLEVELAND))
    leave(world.envelope(check="f" * 16))
    leave(world.envelope(issuer=DURHAM, recipient=CLEVELAND))
    leave(world.envelope(recipient=CLEVELAND) | {"use": "manifest"})
    elsewhere = world.keys[f"{DURHAM}/encryption"]
    world.keys = {**world.keys, f"{DURHAM}/encryption": type(elsewhere).generate()}
    leave(world.envelope(epoch=2))
    world.keys = {**world.keys, f"{DURHAM}/encryption": elsewhere}
    with writing(world.hub.engine) as session:
        session.get_one(EpochRow, (REFERENCE, 1)).retired_at = world.clock()
    leave(world.envelope())
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/manifest"]), "lost", world.clock())
    leave(world.envelope(epoch=2))


def log(world: World) -> None:
    """Sizes that the log never had."""
    for question in ("consistency?old=1&new=9999", "entries?after=0&of=9999", "witnesses?of=9999"):
        world.call("get", f"/v1/log/{question}", CLEVELAND)


def cosignatures(world: World) -> None:
    """Heads that are not kept for their witness."""
    note, key = head_of(world), world.hub.keyring.signing("log")
    head = verify_checkpoint(note, ORIGIN, key.public)
    post(world, note)
    post(world, signed(world, sign_checkpoint(Checkpoint(ORIGIN, head.size, bytes(32)), key)))
    post(world, signed(world, sign_checkpoint(head, world.signing(f"{CLEVELAND}/manifest"))))
    post(world, signed(world, note, late=11 * 60))
    post(world, 5)
    old = signed(world, note)
    grow(world)
    post(world, signed(world, head_of(world)))
    post(world, old)


def rights(world: World) -> None:
    """Requests about people that are not carried out."""

    def exercise(right: str = "erasure", **members: Any) -> None:
        signed = asking.request(world, right, [asking.pseudonym(1)], **members)
        world.call("post", "/v1/rights", headers=headers, json=signed)

    world.hold([crimes(5)])
    headers = bearer(world.token(CLEVELAND))
    exercise(agreement=f"sha256:{'0' * 64}")
    exercise(kind="person")
    exercise(normaliser=2)
    exercise(sealing_key="seal-20200101-00000000")
    exercise(sealed="AAAA")
    exercise(key=f"{CLEVELAND}/client")
    number = secrets.token_hex(16)
    exercise(request=number)
    exercise("access", request=number)


def without_second_store(world: World) -> None:
    """The log's second store cannot be written: nothing that must be in the log is done."""
    token = {client: bearer(world.token(client)) for client in (CLEVELAND, TEAM)}
    pushed, half = world.prepare([crimes()]), world.prepare([crimes(2)], period="2021-05")
    gone = world.prepare([crimes(3)], period="2021-06")
    for one in (half, gone):
        world.open(one)
    world.put(half, 1)
    cosigned, envelope = signed(world, head_of(world)), world.envelope(epoch=2)
    exercised = asking.request(world, "access", [asking.pseudonym(0)])
    with away(folder_of(world.settings.second_store)):
        mine = token[CLEVELAND]
        world.call("post", "/v1/submissions", headers=mine, json=pushed.signed)
        world.call("post", f"/v1/submissions/{half.id}/complete", headers=mine)
        world.call("delete", f"/v1/submissions/{gone.id}", headers=mine)
        world.call("post", f"{HERE}/envelopes", headers=mine, json=envelope)
        world.call("post", "/v1/rights", headers=mine, json=exercised)
        world.call("post", "/v1/log/cosignatures", headers=mine, json={"note": cosigned})
        world.call("get", "/v1/log/checkpoint", headers=mine)
        # A refusal is an entry of the log too: what cannot be logged is not answered otherwise.
        unknown(world)


def stopped(world: World) -> None:
    """What a suspended agreement no longer answers."""
    world.say(OPERATOR, Capacity.DPO, Voice.SUSPEND)
    world.call("get", f"{HERE}/explain?operation=tabulate&release={RELEASE}", CLEVELAND)
    world.call("get", f"{HERE}/datasets/crimes/contract", CLEVELAND)


SCENES = (unknown, second_keys, envelopes, log, cosignatures, rights, without_second_store, stopped)
