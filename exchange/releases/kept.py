"""Exact counts of an edition, and the proof of its protection, each sealed under a key of its own, from its draft until its earliest input goes.

A new edition over the same people is protected together with the exact counts of those before it (``history``), and the rows of these
may have been superseded and destroyed. The keys are in the keystore and nowhere else, as submissions' keys are: what the database and its backups
hold of counts is unreadable once they are destroyed. That happens as with rows, in steps that may be repeated: the sealed content goes,
in the transaction that decides it, and the log says so; then the key is destroyed; then the log says that.

They go when the draft is dropped; on the first day on which a submission they were counted from, or one that took its place, is
destroyed; and as soon as a row of one of these may have been erased. Under a legal hold on any of them they neither go nor are used;
what was to go meanwhile goes when it ends.
"""

import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.db import reading, writing
from exchange.disclosure import Files
from exchange.keyring import Keyring, kept_name
from exchange.log.record import Event, Operation, append, moment
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases.tables import OUT, EditionRow, EditionState, KeptRow
from exchange.submissions import holdings
from exchange.times import Clock
from keys.errors import CannotOpen, KeyDestroyed, UnknownKey
from keys.once import open_once, seal_once

COUNTS, PROOF = "counts", "proof"
BEGUN, DONE = "exact counts to be destroyed", "exact counts destroyed"
LATER = "exact counts to be destroyed after legal holds"
"""What the log says; its details say of which of the two, and the name of the key."""
Fates = Mapping[str, holdings.Fate]
_ITS_DAY = "a submission that it was counted from, or one that took its place, is destroyed"
_ERASED = "rows that it was counted from were erased, or may have been"
DROPPED = "its draft is dropped"
AGAIN = "it was destroyed before a backup brought it back"
_COVERED = "it proves what cannot be told without exact counts that are destroyed"


def keep(session: Session, keyring: Keyring, edition: str, exact: Files, proof: Files) -> None:
    """Seal an edition's exact tables, and what proves their protection where there is such a thing. Their keys are made durable first.

    A crash before the caller's commit leaves keys that seal nothing.
    """
    for what, files in ((COUNTS, exact), (PROOF, proof)):
        if files:
            name = kept_name(edition, what)
            sealed = seal_once(keyring.store.create(name), _packed(files), name)
            session.add(KeptRow(edition=edition, what=what, key=name, sealed=sealed))
    session.flush()


def opened(session: Session, keyring: Keyring, row: EditionRow, what: str = COUNTS) -> Files | None:
    """What is kept of an edition; None where it was destroyed, is to be, or may not be used for a legal hold on what it was made from."""
    found = session.get(KeptRow, (row.id, what))
    fates = _fates(session, row)
    if (
        found is None
        or found.sealed is None
        or found.because is not None
        or _held(session, row, fates)
        or _reason(row, fates, date.min) is not None
    ):
        return None
    try:
        return _unpacked(open_once(keyring.store.get(found.key), found.sealed, found.key))
    except (CannotOpen, KeyDestroyed, UnknownKey):
        return None


def remain(session: Session, edition: str) -> bool:
    """Whether the exact counts of an edition that somebody has opened are still kept."""
    found = session.get(KeptRow, (edition, COUNTS), populate_existing=True)
    return found is not None and found.sealed is not None and found.because is None


def _packed(files: Files) -> bytes:
    return zlib.compress(json.dumps({name: content.decode() for name, content in files.items()}, ensure_ascii=False).encode())


def _unpacked(content: bytes) -> dict[str, bytes]:
    return {name: text.encode() for name, text in json.loads(zlib.decompress(content)).items()}


# ------------------------------------------------------------------------------------------------------------ the first step


def let_go(session: Session, row: EditionRow, because: str, now: datetime) -> list[str]:
    """Begin the destruction of all that is kept of an edition, and of proofs of later ones that cover it; what was done, in words."""
    done = [_begin(session, row, kept, because, now) for kept in _sealed(session, KeptRow.edition == row.id)]
    if done:
        for kept in _sealed(session, KeptRow.what == PROOF):
            later = session.get_one(EditionRow, kept.edition)
            if row.id in later.draft.get("history", []):
                done.append(_begin(session, later, kept, _COVERED, now))
    return done


def let_go_for_erasure(
    session: Session, reference: str, supplier: str, datasets: Collection[str], safe: Collection[str], now: datetime
) -> list[str]:
    """The same for editions from which a person's rows are to go whom a supplier has named.

    Args:
        safe: submissions in which the person is known not to be. One that was superseded and destroyed cannot be searched: counts made
            from it go, since the person may be in them; under a legal hold, when that ends.
    """
    done = []
    for row in _keeping(session, reference):
        mine = {one["submission"] for one in row.draft["inputs"] if one["supplier"] == supplier and one["dataset"] in datasets}
        if not mine <= set(safe):
            held = _held(session, row, _fates(session, row))
            done += put_off(session, row, now) if held else let_go(session, row, _ERASED, now)
    return done


def put_off(session: Session, row: EditionRow, now: datetime) -> list[str]:
    """Have what is kept of an edition go for an erasure when no legal hold covers it any more: nobody will ask again for rows that are gone."""
    done = []
    for kept in _sealed(session, KeptRow.edition == row.id):
        if kept.because is None:
            kept.because = _ERASED
            done.append(_record(session, row, kept, LATER, {"because": _ERASED}, now))
    return done


def _sealed(session: Session, which: ColumnElement[bool]) -> list[KeptRow]:
    """Whoever changes one of these holds the log's head: no other lock is needed, and none may be taken after it."""
    query = select(KeptRow).where(which, KeptRow.sealed.is_not(None)).order_by(KeptRow.edition, KeptRow.what)
    return list(session.execute(query.execution_options(populate_existing=True)).scalars())


def _keeping(session: Session, reference: str | None) -> Iterator[EditionRow]:
    """Editions of which something is kept sealed."""
    some = select(KeptRow.edition).where(KeptRow.sealed.is_not(None))
    query = select(EditionRow).where(EditionRow.id.in_(some)).order_by(EditionRow.id)
    yield from session.execute(query if reference is None else query.where(EditionRow.reference == reference)).scalars()


def _begin(session: Session, row: EditionRow, kept: KeptRow, because: str, now: datetime) -> str:
    kept.sealed, kept.because = None, because
    return _record(session, row, kept, BEGUN, {"because": because}, now)


# ------------------------------------------------------------------------------------------------------------ when


def _fates(session: Session, *rows: EditionRow) -> Fates:
    return holdings.fates(session, {one["submission"] for row in rows for one in row.draft["inputs"]})


def _held(session: Session, row: EditionRow, fates: Fates) -> bool:
    """Whether a legal hold covers a submission that an edition was made from, or one that took its place."""
    inputs = [one["submission"] for one in row.draft["inputs"]]
    lines = {one for name in inputs if name in fates for one in fates[name].line}
    return bool(holdings.under_hold(session, [*lines, *inputs]))


def _reason(row: EditionRow, fates: Fates, on: date) -> str | None:
    """Why what is kept of an edition must go, if this is the day; None while it may stay."""
    if row.state == EditionState.DROPPED:
        return DROPPED
    found = [(fates.get(one["submission"]), one["rows_digest"]) for one in row.draft["inputs"]]
    if any(one is None or not one.stands or one.rows_digest != read for one, read in found):
        return _ERASED
    if min([row.dispose_on, *(one.day for one, _ in found if one is not None)]) <= on:
        return _ITS_DAY
    return None


def days(session: Session) -> list[tuple[EditionRow, date]]:
    """Editions that were published, of which something is kept sealed, each with the day on which it goes as things stand."""
    rows = [row for row in _keeping(session, None) if row.state in OUT]
    fates = _fates(session, *rows)
    found = []
    for row in rows:
        inputs = {one["submission"] for one in row.draft["inputs"]}
        found.append((row, min([row.dispose_on, *(fates[name].day for name in inputs & set(fates))])))
    return found


# ------------------------------------------------------------------------------------------------------------ the job


def settle(engine: Engine, keyring: Keyring, clock: Clock, reference: str | None = None) -> list[str]:
    """Let go of what must go, and destroy the keys of all that was let go of; what was done, in words. Safe to repeat."""
    with reading(engine) as session:
        rows = list(_keeping(session, reference))
        fates = _fates(session, *rows)
        waiting = [row.id for row in rows if _due(session, row, fates, today(clock()))]
    done = []
    for edition in waiting:
        with writing(engine) as session:
            agreements.by_digest(session, session.get_one(EditionRow, edition).agreement, lock=True)
            query = select(EditionRow).where(EditionRow.id == edition).with_for_update()
            row = session.execute(query.execution_options(populate_existing=True)).scalar_one()
            now = moment(session, clock)
            if (
                because := _due(session, row, _fates(session, row), today(now))
            ) is not None:  # no hold has been placed, and nobody has done it, meanwhile
                done += let_go(session, row, because, now)
    return [*done, *finish(engine, keyring, clock)]


def _due(session: Session, row: EditionRow, fates: Fates, on: date) -> str | None:
    because = _reason(row, fates, on) or _put_off(session, row)
    return None if because is None or (because != DROPPED and _held(session, row, fates)) else because


def _put_off(session: Session, row: EditionRow) -> str | None:
    marked = (KeptRow.edition == row.id, KeptRow.sealed.is_not(None), KeptRow.because.is_not(None))
    return session.execute(select(KeptRow.because).where(*marked).limit(1)).scalar_one_or_none()


def finish(engine: Engine, keyring: Keyring, clock: Clock) -> list[str]:
    """The other steps for all that was let go of: the key, and the log's word for it."""
    with reading(engine) as session:
        begun = KeptRow.sealed.is_(None) & KeptRow.destroyed_at.is_(None)
        waiting = [(row.edition, row.what, row.key) for row in session.execute(select(KeptRow).where(begun)).scalars()]
    done = []
    for edition, what, key in sorted(waiting):
        keyring.store.destroy(key)
        with writing(engine) as session:
            now = moment(session, clock)
            query = select(KeptRow).where(KeptRow.edition == edition, KeptRow.what == what)
            kept = session.execute(query.execution_options(populate_existing=True)).scalar_one()
            if kept.destroyed_at is None:  # no other process has said so
                kept.destroyed_at = now
                done.append(_record(session, session.get_one(EditionRow, edition), kept, DONE, {"because": kept.because or ""}, now))
    return done


def _record(session: Session, row: EditionRow, kept: KeptRow, what: str, more: Mapping[str, str], now: datetime) -> str:
    session.flush()
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    details = {"release": row.release, "version": agreement.version, "what": kept.what, "key": kept.key, **more}
    append(session, Event(Operation.ERASURE, "hub", agreement.operator.id, row.reference, what, row.id, details=details), now)
    return f"{what} ({kept.what}): {row.id}"
