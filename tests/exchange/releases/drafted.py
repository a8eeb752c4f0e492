"""What the tests of editions and of their checking share: asking, saying yes or no, and receiving."""

import secrets
from typing import Any

from agreements.periods import Period
from exchange.db import reading, writing
from exchange.releases import checking, edition
from exchange.releases.tables import EditionRow
from keys.sign import SigningKey, Use, sign_document
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, World, print_of

APRIL = Period.parse("2021-04")
REASON = "Outcomes were corrected."
REQUESTER = f"{OPERATOR}/checker"
CHECKERS = (f"{CLEVELAND}/checker", f"{DURHAM}/checker")


def ask(world: World, requester: str = REQUESTER, first: Period = APRIL, last: Period = APRIL, release: str = RELEASE) -> str:
    hub = world.hub
    wanted = edition.Wanted(REFERENCE, release, first, last, print_of(world.keys[requester]), REASON)
    return edition.draft(hub.engine, hub.keyring, hub.places.held, wanted, world.clock, memory="512MB")


def row(world: World, identity: str) -> EditionRow:
    with reading(world.hub.engine) as session:
        found = session.get_one(EditionRow, identity)
        len(found.files), len(found.votes)  # read while the session is open
        return found


def vote(
    world: World, identity: str, checker: str, decision: str = checking.APPROVE, *, key: SigningKey | None = None, **members: Any
) -> dict[str, Any]:
    """A signed decision of the person who holds this key."""
    people = {person.key: person.name for party in world.agreement.parties for person in party.checkers}
    named = people.get(print_of(world.keys[checker]), "Nobody")
    document = checking.vote_document(
        row(world, identity), person=named, decision=decision, comment="", made=world.clock(), nonce=secrets.token_hex(16)
    )
    return sign_document({**document, **members}, Use.OUTPUT_CHECK, key or world.signing(checker))


def record(world: World, signed: dict[str, Any]) -> str:
    with writing(world.hub.engine) as session:
        return checking.record(session, world.hub.keyring, signed, world.clock).state


def publish(world: World, identity: str) -> None:
    for checker in CHECKERS:
        record(world, vote(world, identity, checker))
