"""People and their passkeys: who is there, with which keys they speak, and how either ends at once."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound, Unacceptable
from exchange.log.record import Event, Operation, append
from exchange.people.tables import IdentityRow, PasskeyRow, PersonRow, SessionRow
from exchange.register.tables import KeyRow
from keys.encoding import b64
from keys.formats import Card
from keys.passkey import Passkey, Registered

_PARTY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
TEXT = 200
REASON = 500


class Post(StrEnum):
    """As what a person uses the hub. One person may hold several."""

    DPO = "dpo"
    SIGNATORY = "signatory"
    CHECKER = "checker"
    ANALYST = "analyst"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Person:
    """A person, as doors and screens know one."""

    id: str
    party: str
    name: str
    position: str
    roles: frozenset[Post]

    def holds(self, *posts: Post) -> bool:
        """Whether the person holds any of these."""
        return bool(self.roles & set(posts))


def person_of(row: PersonRow) -> Person:
    """The row as a value."""
    return Person(row.id, row.party, row.name, row.position, frozenset(map(Post, row.roles)))


def create(session: Session, *, party: str, name: str, position: str, roles: Iterable[str], who: str, now: datetime) -> PersonRow:
    """Enter a person. ``who``: the operator's person who does it, or ``hub`` at the command line."""
    wanted = _posts(roles)
    if not is_party(party):
        raise Unacceptable("a party's id is small letters, digits and hyphens.", remedy="Use the id that the agreement uses.")
    said = [_text("name", name), _text("position", position)]
    row = PersonRow(id=f"per-{secrets.token_hex(8)}", party=party, name=said[0], position=said[1], roles=wanted, created_at=now)
    session.add(row)
    session.flush()
    append(session, Event(Operation.SECURITY, who, party, "", "person entered", row.id, details={"roles": wanted}), now)
    return row


def is_party(party: str) -> bool:
    """Whether this can be the id of a party."""
    return len(party) <= 80 and _PARTY.fullmatch(party) is not None


def _posts(roles: Iterable[str]) -> list[str]:
    given = set(roles)
    if not given or not given <= set(Post):
        raise Unacceptable("a person holds one role at least, of those there are.", remedy=f"There are: {', '.join(Post)}.")
    return sorted(given)


def _text(what: str, text: str) -> str:
    found = " ".join(text.split())
    if not 0 < len(found) <= TEXT or _UNSEEN.search(found):
        raise Unacceptable(f"a {what} is 1 to {TEXT} characters that can be seen.", remedy=f"Write the {what} again.")
    return found


def reasoned(reason: str, remedy: str) -> str:
    """A named person's reason as it is kept, on one line; Unacceptable with this remedy where it is none."""
    said = " ".join(reason.split())
    if not 0 < len(said) <= REASON or not said.isprintable():
        raise Unacceptable(f"a reason is 1 to {REASON} characters that can be seen.", remedy=remedy)
    return said


def find(session: Session, person: str) -> PersonRow:
    """The person with this id, ended or not."""
    row = session.get(PersonRow, person)
    if row is None:
        raise NotFound("there is no such person.", remedy="List them with: exchange person list")
    return row


def everyone(session: Session, party: str | None = None) -> list[PersonRow]:
    """Everyone, or everyone of a party; those who have ended too."""
    query = select(PersonRow).order_by(PersonRow.party, PersonRow.name, PersonRow.id)
    return list(session.execute(query if party is None else query.where(PersonRow.party == party)).scalars())


def end(session: Session, person: str, who: str, now: datetime) -> PersonRow:
    """End a person: all passkeys and sessions with them, at once."""
    row = find(session, person)
    if row.ended_at is not None:
        return row
    row.ended_at = now
    mine = live_passkeys(session, person)
    for passkey in mine:
        _revoke(session, row, passkey, now)
    _end_sessions(session, SessionRow.person == person, now)
    session.flush()
    details = {"passkeys": [one.fingerprint for one in mine]}
    append(session, Event(Operation.SECURITY, who, row.party, "", "person ended", row.id, details=details), now)
    return row


def add_passkey(session: Session, person: str, registered: Registered, label: str, now: datetime) -> PasskeyRow:
    """Add a passkey that its owner has just shown to work."""
    owner = find(session, person)
    found = registered.passkey.fingerprint
    taken = select(PasskeyRow.id).where((PasskeyRow.credential == registered.credential_id) | (PasskeyRow.fingerprint == found))
    if owner.ended_at is not None or session.execute(taken).first() is not None or session.get(KeyRow, found) is not None:
        raise Conflict("this passkey is known here already.", remedy="Make a new one.", code="key-in-use")
    row = PasskeyRow(
        id=f"key-{secrets.token_hex(8)}",
        person=person,
        credential=registered.credential_id,
        fingerprint=found,
        public=registered.passkey.raw,
        sign_count=registered.sign_count,
        label=_text("label", label)[:80],
        created_at=now,
    )
    session.add(row)
    session.flush()
    append(session, Event(Operation.SECURITY, person, owner.party, "", "passkey enrolled", found), now)
    return row


def revoke_passkey(session: Session, person: str, passkey: str, who: str, now: datetime) -> PasskeyRow:
    """Revoke a person's passkey: it opens nothing and signs nothing any more, and sessions begun with it end."""
    row = session.get(PasskeyRow, passkey)
    if row is None or row.person != person:
        raise NotFound("this person has no such passkey.", remedy="Look at the list again.")
    if row.revoked_at is None:
        owner = find(session, person)
        _revoke(session, owner, row, now)
        session.flush()
        append(session, Event(Operation.SECURITY, who, owner.party, "", "passkey revoked", row.fingerprint), now)
    return row


def _revoke(session: Session, owner: PersonRow, passkey: PasskeyRow, now: datetime) -> None:
    """Mark it here and in the register, where every statement's key is looked up."""
    passkey.revoked_at = now
    _end_sessions(session, SessionRow.passkey == passkey.id, now)
    key = session.get(KeyRow, passkey.fingerprint)
    if key is None:
        key = KeyRow(fingerprint=passkey.fingerprint, kind="passkey", owner=owner.party, role="passkey", public=passkey.public)
        key.registered_at = passkey.created_at
        session.add(key)
    key.revoked_at = key.revoked_at or now


def _end_sessions(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    session.execute(update(SessionRow).where(which, SessionRow.ended_at.is_(None)).values(ended_at=now))


def passkeys(session: Session, person: str) -> list[PasskeyRow]:
    """A person's passkeys, revoked ones too, oldest first."""
    query = select(PasskeyRow).where(PasskeyRow.person == person).order_by(PasskeyRow.created_at, PasskeyRow.id)
    return list(session.execute(query).scalars())


def live_passkeys(session: Session, person: str) -> list[PasskeyRow]:
    """Those that count: revoked neither here nor in the register, and their owner not ended."""
    return [row for row in passkeys(session, person) if counts(session, row)]


def counts(session: Session, passkey: PasskeyRow) -> bool:
    """Whether a passkey counts for anything now."""
    owner, key = session.get(PersonRow, passkey.person), session.get(KeyRow, passkey.fingerprint)
    return passkey.revoked_at is None and owner is not None and owner.ended_at is None and (key is None or key.revoked_at is None)


def speaker(session: Session, key: str) -> str:
    """Whose passkey this is, ended and revoked ones too: an account's id; the key itself where it is no account's."""
    return session.execute(select(PasskeyRow.person).where(PasskeyRow.fingerprint == key)).scalar_one_or_none() or key


def fingerprints(session: Session, person: str) -> set[str]:
    """With which keys a person speaks: in the browser, for an agreement, exactly where it names one of these."""
    return {row.fingerprint for row in live_passkeys(session, person)}


def by_credential(session: Session, credential: bytes) -> PasskeyRow | None:
    """The passkey of this credential id, if it counts."""
    row = session.execute(select(PasskeyRow).where(PasskeyRow.credential == credential)).scalar_one_or_none()
    return row if row is not None and counts(session, row) else None


def passkey_of(row: PasskeyRow) -> Passkey:
    """The public key of a row."""
    return Passkey.parse(row.public)


def card(session: Session, person: str, post: str, fingerprint: str | None = None) -> Card:
    """The public-key card of a person's passkey, for the agreement that is to name it. The newest, unless one is named."""
    owner = find(session, person)
    if post not in owner.roles:
        raise Unacceptable("this person does not hold that role.", remedy=f"The person holds: {', '.join(owner.roles)}.")
    mine = [row for row in live_passkeys(session, person) if fingerprint in (None, row.fingerprint)]
    if not mine:
        raise NotFound("this person has no such passkey in use.", remedy="Invite the person to enrol one.")
    return Card("passkey", owner.party, post, b64(mine[-1].public))


def link(session: Session, person: str, issuer: str, subject: str, now: datetime) -> IdentityRow:
    """Let a person sign in at an OpenID provider. One identity is one person."""
    owner = find(session, person)
    found = session.get(IdentityRow, (issuer, subject))
    if found is not None and found.person != person:
        raise Conflict("this identity is linked to another person.", remedy="Check issuer and subject.", code="identity-linked")
    if found is None:
        found = IdentityRow(issuer=_text("issuer", issuer), subject=_text("subject", subject), person=person, linked_at=now)
        session.add(found)
        session.flush()
        append(session, Event(Operation.SECURITY, "hub", owner.party, "", "identity linked", person), now)
    return found


def identified(session: Session, issuer: str, subject: str) -> PersonRow | None:
    """Who is linked to this identity, if that person has not ended."""
    found = session.get(IdentityRow, (issuer, subject))
    row = session.get(PersonRow, found.person) if found else None
    return row if row is not None and row.ended_at is None else None
