"""Tokens that read one release, for tools that know no signed assertions: Power BI, Excel, a line of R or Python.

Long, random, shown once, kept as a digest, read-only, of one release of one agreement, for at most a year, and good from named networks alone if
so wished. A token is its recipient's: what it pulls is disclosed to the recipient, and it falls with the recipient's client key.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Recipient
from agreements.rules import UNKNOWN, in_force
from exchange.errors import NotFound, RefusedByAgreement, Unacceptable, Unauthenticated, UnknownAgreement
from exchange.log.record import Event, Operation, append, hold
from exchange.register import agreements, partners
from exchange.register.dataset_token_tables import DatasetTokenRow
from exchange.times import rfc3339

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
PREFIX = "lcjp-dt_"
REVOKED = "dataset token revoked"
_WRITTEN = re.compile(r"lcjp-dt_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_ROWS = DatasetTokenRow.__table__.c
_FIND = select(DatasetTokenRow.__table__).where(_ROWS.id == bindparam("id"))


@dataclass(frozen=True)
class Reader:
    """Who a token shows its bearer to be, and the one release that it reads."""

    token: str
    recipient: str
    key: str
    reference: str
    release: str


@dataclass(frozen=True)
class Asked:
    """What a token is to be for."""

    reference: str
    release: str
    recipient: str
    purpose: str
    life: timedelta = USUAL
    networks: Sequence[str] = ()


def issue(session: Session, asked: Asked, who: str, now: datetime) -> tuple[DatasetTokenRow, str]:
    """A new token in the recipient's name: its row, and the token itself, which is not to be had again.

    Raises:
        UnknownAgreement, RefusedByAgreement: there is no such agreement in force, release, or recipient of it.
        Unacceptable: the time is too long, a network is none, or the recipient has no registered key.
    """
    if not timedelta() < asked.life <= LONGEST:
        raise Unacceptable(f"a token is good for at most {LONGEST.days} days.", remedy="Ask for fewer.", code="bad-token-request")
    networks = [_network(one) for one in asked.networks]
    recipient = _recipient(session, asked, now)
    identity, word = secrets.token_hex(8), secrets.token_urlsafe(32)
    made = DatasetTokenRow(
        id=identity,
        digest=_digest(word),
        recipient=recipient.id,
        organisation=recipient.party,
        key=recipient.client,
        reference=asked.reference,
        release=asked.release,
        purpose=asked.purpose[:200],
        networks=networks,
        issued_at=now,
        expires_at=now + asked.life,
    )
    session.add(made)
    session.flush()
    _note(
        session,
        made,
        "dataset token issued",
        who,
        {"expires": rfc3339(made.expires_at), "networks": networks, "purpose": made.purpose},
        now,
    )
    return made, f"{PREFIX}{identity}_{word}"


def _recipient(session: Session, asked: Asked, now: datetime) -> Recipient:
    """Whom the agreement, which must be in force, names for the release, with a key that is registered."""
    standing = agreements.standing(agreements.current(session, asked.reference))
    if standing is None:
        raise UnknownAgreement(UNKNOWN)
    if isinstance(refused := in_force(standing, now), Refused):
        raise RefusedByAgreement(refused)
    agreement = standing.agreement
    release = agreement.release(asked.release)
    found = next((one for one in agreement.recipients if release is not None and one.id == asked.recipient in release.recipients), None)
    if found is None:
        clause = agreement.clause("releases") if release is None else agreement.clause(f"release {asked.release}", "recipients")
        raise RefusedByAgreement(Refused(clause, "the agreement names no such recipient of such a release.", "Name those that it names."))
    if not partners.is_live(session, found.client):
        detail = "the recipient's client key is not registered, or was revoked."
        raise Unacceptable(detail, remedy="Run: exchange partner add", code="bad-token-request")
    return found


def revoke(session: Session, identity: str, who: str, reason: str, now: datetime) -> DatasetTokenRow:
    """End a token: it opens nothing from now on. Twice is once."""
    hold(session)  # of two who revoke it at once, one does
    row = session.get(DatasetTokenRow, identity, populate_existing=True)
    if row is None:
        raise NotFound("there is no such token.", remedy="List them with: exchange dataset-token list")
    if row.revoked_at is None:
        row.revoked_at = now
        session.flush()
        _note(session, row, REVOKED, who, {"reason": reason}, now)
    return row


def everything(session: Session) -> list[DatasetTokenRow]:
    """Every token there was, newest first; none of them says its word."""
    return list(session.execute(select(DatasetTokenRow).order_by(DatasetTokenRow.issued_at.desc(), DatasetTokenRow.id)).scalars())


def looks_like_one(text: str) -> bool:
    """Whether something sent as a token is meant to be one of these."""
    return text.startswith(PREFIX)


def reader(session: Session | Connection, token: str, address: str | None, now: datetime) -> Reader:
    """Whose token this is, and what it reads. ``address``: from where it comes.

    Raises:
        Unauthenticated: it is none of ours, has expired, was revoked, comes from elsewhere, or its recipient's key was revoked.
    """
    written = _WRITTEN.fullmatch(token)
    row = session.execute(_FIND, {"id": written[1]}).mappings().first() if written else None
    word, kept = (written[2] if written else ""), (str(row["digest"]) if row else "0" * 64)
    if not hmac.compare_digest(_digest(word), kept) or row is None:
        raise _refuse("the token is not one of this hub's.", "Copy it again, whole, or ask the operator for a new one.", "bad-token")
    if row["revoked_at"] is not None:
        raise _refuse("this token was revoked.", "Ask the operator for a new one.", "revoked-token")
    if now >= row["expires_at"]:
        raise _refuse("this token has expired.", "Ask the operator for a new one.", "expired-token")
    if row["networks"] and not _within(address, row["networks"]):
        raise _refuse("this token is not good from this address.", "Use it where it was issued for, or ask for another.", "wrong-network")
    if not partners.is_live(session, row["key"]):
        raise _refuse("the recipient's key, with which this token stands, was revoked.", "Ask the operator.", "revoked-key")
    return Reader(row["id"], row["recipient"], row["key"], row["reference"], row["release"])


def _refuse(detail: str, remedy: str, code: str) -> Unauthenticated:
    return Unauthenticated(detail, remedy=remedy, code=code)


def _digest(word: str) -> str:
    """A word of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(word.encode()).hexdigest()


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        remedy = "Write 192.0.2.0/24 or 2001:db8::/32, with no bits beyond the prefix."
        raise Unacceptable("a network is not written as one.", remedy=remedy, code="bad-token-request") from None


def _within(address: str | None, networks: Sequence[str]) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in ipaddress.ip_network(one) for one in networks)


def _note(session: Session, row: DatasetTokenRow, what: str, who: str, details: dict[str, object], now: datetime) -> None:
    told = {"release": row.release, **details}
    append(session, Event(Operation.SECURITY, who, row.organisation, row.reference, what, row.id, row.recipient, told), now)
