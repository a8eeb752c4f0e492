"""The lives of the hub's own keys: made beside the old, named by the next versions of agreements, destroyed when nothing names them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.lifecycle import State
from exchange.errors import Conflict, NotFound
from exchange.keyring import OWN, USES, Keyring, make_next
from exchange.log.record import Event, Operation, append, hold
from exchange.register import agreements
from exchange.register.partners import register
from exchange.register.tables import AgreementRow, KeyRow
from keys.encoding import b64
from keys.formats import Card
from keys.keystore import Keystore
from keys.sign import SigningKey

OVER = (State.EXPIRED, State.TERMINATED)


@dataclass(frozen=True)
class HubKey:
    """One live signing key of the hub: its use, fingerprint, name in the keystore, and which versions name it."""

    use: str
    fingerprint: str
    name: str
    named_by: tuple[str, ...]


def inventory(session: Session, keyring: Keyring, kept: Collection[str] = ()) -> list[HubKey]:
    """Every live signing key, oldest first of each use, with the versions that name it: those that are not over, and `kept`, by digest."""
    naming: dict[str, list[str]] = {}
    for row in session.execute(select(AgreementRow).order_by(AgreementRow.reference, AgreementRow.version)).scalars():
        hub = agreements.parsed(row.canonical).operator.hub
        if hub and ((row.state not in OVER and row.replaced_at is None) or row.digest in kept):
            for use in USES:
                naming.setdefault(getattr(hub, use), []).append(f"{row.reference} version {row.version}")
    found = []
    for use in USES:
        for name, key in zip(keyring.names(use), keyring.every(use), strict=True):
            fingerprint = key.public.fingerprint
            found.append(HubKey(use, fingerprint, name, tuple(naming.get(fingerprint, ()))))
    return found


def owner(session: Session, keyring: Keyring) -> str:
    """The party that runs the hub, by the card of the hub's own key; empty before that is registered."""
    mine = keyring.signing("identity").public.fingerprint
    return session.execute(select(KeyRow.owner).where(KeyRow.fingerprint == mine)).scalar_one_or_none() or ""


def make(session: Session, keyring: Keyring, use: str, now: datetime) -> Card:
    """One more signing key of a use, registered for the operator; its card, for the next versions of agreements."""
    hold(session)
    # Durable before anybody can name it; one that is then not registered is named by nothing, and destroyed like any other.
    key = SigningKey.from_seed(keyring.store.get(make_next(keyring.store, use)))
    card = Card("ed25519", owner(session, keyring), use, b64(key.public.raw))
    register(session, card, now)
    return card


def destroy(session: Session, keyring: Keyring, fingerprint: str, kept: Collection[str], reason: str, now: datetime) -> HubKey:
    """Destroy a signing key that no version names any more, and that is not the last of its use.

    Raises:
        NotFound: the hub has no live key of this fingerprint.
        Conflict: a version that is not over, or one of `kept` (digests of versions under which something is still held), names it.
    """
    hold(session)
    found = next((one for one in inventory(session, keyring, kept) if one.fingerprint == fingerprint), None)
    if found is None:
        raise NotFound("the hub has no live key of this fingerprint.", remedy="List them with: exchange keys list")
    if found.named_by:
        detail = f"this key is named by {', '.join(found.named_by)}."
        raise Conflict(
            detail, remedy="Bring versions into force that name its successor, and wait until nothing is held under the old ones."
        )
    if len(keyring.names(found.use)) == 1:
        raise Conflict(f"this is the hub's only {found.use} key.", remedy=f"First: exchange keys rotate {found.use}")
    row = session.get(KeyRow, fingerprint)
    if row is not None and row.revoked_at is None:
        row.revoked_at = now
    session.flush()
    whose, details = (row.owner if row else "hub"), {"use": found.use, "reason": reason}
    append(session, Event(Operation.SECURITY, "hub", whose, "", "hub key destroyed", fingerprint, details=details), now)
    keyring.store.destroy(found.name)  # after the entry: without the one there is not the other
    return found


def renew(session: Session, store: Keystore, use: str, operator: str, reason: str, now: datetime) -> None:
    """A new key of those that only the hub checks, in the place of the old, which counts for nothing from now on."""
    if use not in OWN:
        raise NotFound(f"the hub has no key for {use}.", remedy=f"There are: {', '.join((*USES, *OWN))}.")
    hold(session)
    old = Keyring(store).names(use)
    append(session, Event(Operation.SECURITY, "hub", operator, "", f"hub key renewed: {use}", "hub", details={"reason": reason}), now)
    make_next(store, use)
    for name in old:
        store.destroy(name)
