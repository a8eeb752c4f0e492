"""The story of a request about people's rights: find their rows, take them out, answer with a signed receipt, and forget whom it was about.

The search and the writing are done outside any transaction; one transaction at the end makes sure, under its locks, that nothing has
moved, puts the new parts in the place of the old, and signs. After it the old keys are destroyed and the old objects removed: what is
to go stands in the database, so that whoever comes after a crash goes on. Killed anywhere, a submission can be read by exactly one key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from agreements.rights import FOR_GOOD, Right, recipients
from exchange.db import reading, writing
from exchange.errors import Conflict, Unavailable
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Places
from exchange.register import agreements
from exchange.submissions import finding, holds, leftovers
from exchange.submissions.editions import Editions
from exchange.submissions.finding import Found, Kept, Moved
from exchange.submissions.holds import Hold
from exchange.submissions.rights import Asked, versions
from exchange.submissions.rights_tables import ReplacedKeyRow, RightsRow
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.times import Clock, rfc3339
from keys.rights import FORMAT, BatchChanged, Deferred, EditionAffected, RightsReceipt, Series, digest_after
from keys.sign import Use, sign_document

TRIES = 5
STAGED = (SubmissionState.OPEN, SubmissionState.COMPLETE)


def carry_out(engine: Engine, keyring: Keyring, places: Places, asked: Asked, editions: Editions, clock: Clock) -> dict[str, Any]:
    """Do what is asked, once, and return the signed receipt; of a request that was answered, the receipt it was given.

    Raises:
        Conflict: the request's id was used for another request.
        Unavailable: what is held moved again and again while it was searched.
    """
    for _ in range(TRIES):
        with reading(engine) as session:
            receipt = _known(session, asked)
        receipt = receipt or _attempt(engine, keyring, places, asked, editions, clock)
        if receipt is not None:
            finish(engine, keyring, places, clock)
            return receipt
    detail = "what is held changed again and again while it was searched; nothing was done."
    raise Unavailable(detail, remedy="Try again in a minute.")


def _known(session: Session, asked: Asked) -> dict[str, Any] | None:
    row = session.get(RightsRow, asked.request.request)
    if row is not None and (row.supplier, row.asked) != (asked.request.supplier, asked.asked):
        detail = "this id was used for another request."
        raise Conflict(detail, remedy="Ask again, under a new id.", code="request-conflict")
    return row.receipt if row else None


def _attempt(engine: Engine, keyring: Keyring, places: Places, asked: Asked, editions: Editions, clock: Clock) -> dict[str, Any] | None:
    """One search and one decision; None where what was found had moved by then."""
    made: list[Found] = []
    try:
        with reading(engine) as session:
            shown = finding.look(session, asked)
            spared = holds.held(session, [one.id for one in shown.kept])
        with writing(engine) as session:
            finding.begun(session, asked, shown, clock)
        for one in finding.search(keyring, places.held, asked, shown):
            removes = asked.removes and one.kept.id not in spared
            made.append(finding.rewrite(keyring, places.held, asked, one) if removes else one)
        with writing(engine) as session:
            return _Decision(session, keyring, asked, clock).take(shown, made, editions)
    except Moved:  # the transaction, if there was one, has been rolled back: nothing refers to what was written
        finding.discard(places.held, made)
        return None


@dataclass
class _Decision:
    """The one transaction that decides."""

    session: Session
    keyring: Keyring
    asked: Asked
    clock: Clock

    def take(self, shown: finding.Shown, found: Sequence[Found], editions: Editions) -> dict[str, Any]:
        """Put in place what was found, if nothing has moved; returns the signed receipt. Moved otherwise."""
        request = self.asked.request
        agreements.by_digest(self.session, request.agreement, lock=True)
        locked = finding.reached(self.asked).with_for_update().execution_options(populate_existing=True)
        rows = {row.id: row for row in self.session.execute(locked).scalars()}
        editions.lock(self.session, request.reference, [one.kept.id for one in found])
        now = moment(self.session, self.clock)
        if _known(self.session, self.asked) is not None or finding.mark(list(rows.values())) != shown.mark:
            raise Moved
        under = holds.held(self.session, list(rows))
        if self.asked.removes and any(bool(one.key) == (one.kept.id in under) for one in found):
            raise Moved  # a legal hold was placed or has ended since
        changed = [one for one in found if one.kept.id not in under or not self.asked.removes]
        staged = [row for row in rows.values() if row.state in STAGED and not (self.asked.removes and row.id in under)]
        by_id = {one.kept.id: one.total for one in changed}
        told = editions.affected(self.session, request.reference, by_id, now, drop=self.asked.removes)
        if self.asked.removes:
            safe = _searched(self.asked, shown) - {one.kept.id for one in found}
            editions.let_go(self.session, request.reference, request.supplier, request.datasets, safe, now)
        receipt = self._receipt(rows, shown, found, under, told, now)
        terms = agreements.of(self.session, request.agreement)
        signed = sign_document(receipt.document(), Use.RIGHTS_RECEIPT, self.keyring.signing_for("receipts", terms))
        self._keep(signed, receipt, now)
        if self.asked.removes:
            for one in changed:
                self._replace(rows[one.kept.id], one)
            for row in staged:
                row.state = SubmissionState.LAPSED
        self.session.flush()
        self._record(rows, changed, staged, receipt, now)
        return signed

    # ------------------------------------------------------------------------------------------------------------ the answer

    def _receipt(
        self,
        rows: Mapping[str, SubmissionRow],
        shown: finding.Shown,
        found: Sequence[Found],
        under: Mapping[str, Hold],
        told: tuple[EditionAffected, ...],
        now: datetime,
    ) -> RightsReceipt:
        request = self.asked.request
        spared, theirs = under if self.asked.removes else {}, {one.kept.id for one in found}
        batches = tuple(self._batch(rows[one.kept.id], one) for one in found if one.kept.id not in spared)
        staged = [row for row in rows.values() if row.state in STAGED and row.id not in spared]
        words = [one.agreement for one in versions(self.session, request.reference)]
        return RightsReceipt(
            format=FORMAT,
            request=request.request,
            asked=self.asked.asked,
            supplier=request.supplier,
            reference=request.reference,
            version=request.version,
            agreement=request.agreement,
            right=request.right,
            kind=request.kind,
            grounds=self.asked.grounds,
            searched=len(_searched(self.asked, shown)),
            rows=sum(batch.rows for batch in batches),
            batches=batches,
            deferred=(
                *(self._on_hold(rows[one], hold) for one, hold in spared.items() if one in theirs or rows[one].state in STAGED),
                *(_other_epoch(kept) for kept in shown.kept if kept.epoch not in self.asked.pseudonyms),
                *(self._unopened(row) for row in staged if not self.asked.removes),
            ),
            push_again=self._push_again(batches, staged),
            recipients=recipients(words[:1], request.datasets),
            editions=told,
            decided=rfc3339(now),
        )

    def _batch(self, row: SubmissionRow, one: Found) -> BatchChanged:
        now_held, before = row.rows - row.erased_rows, row.held_digest or row.rows_digest
        removed = one.total if self.asked.removes else 0
        return BatchChanged(
            submission=row.id,
            dataset=row.dataset,
            period=row.period,
            state=str(row.state),
            rows=one.total,
            left=now_held - removed,
            rows_digest=digest_after(before, self.asked.request.request, removed) if removed else before,
            key=one.key if removed else row.key,
            replaced=row.key if removed else None,
            dispose_on=row.dispose_on.isoformat(),
        )

    def _unopened(self, row: SubmissionRow) -> Deferred:
        clause = agreements.of(self.session, row.agreement).clause(f"dataset {row.dataset}", "sealed parts")
        return Deferred(row.id, row.dataset, row.period, clause, "it is sealed, and not opened yet. Ask again when it is held.")

    def _on_hold(self, row: SubmissionRow, hold: Hold) -> Deferred:
        clause = agreements.of(self.session, row.agreement).clause(f"dataset {row.dataset}", "retention")
        until = f"a legal hold stands on it until {hold.until.isoformat()}"
        reason = f"{until}: nothing of it may be destroyed, and no release reads it meanwhile. Ask again when it has ended."
        return Deferred(row.id, row.dataset, row.period, clause, reason)

    def _push_again(self, batches: Sequence[BatchChanged], staged: Sequence[SubmissionRow]) -> tuple[Series, ...]:
        """What lapsed; and after a rectification, what lacks the rows that are to be put right."""
        wanted = {(row.dataset, row.period) for row in staged if self.asked.removes}
        if self.asked.right is Right.RECTIFICATION:
            wanted |= {(one.dataset, one.period) for one in batches if one.state == SubmissionState.HELD}
        return tuple(Series(*one) for one in sorted(wanted))

    # ------------------------------------------------------------------------------------------------------------ the change

    def _keep(self, signed: Mapping[str, Any], receipt: RightsReceipt, now: datetime) -> None:
        said = {"id": receipt.request, "asked": receipt.asked, "supplier": receipt.supplier, "reference": receipt.reference}
        row = RightsRow(**said, agreement=receipt.agreement, right=receipt.right, rows=receipt.rows, decided_at=now, receipt=dict(signed))
        self.session.add(row)
        self.session.flush()  # before the rows that refer to it

    def _replace(self, row: SubmissionRow, one: Found) -> None:
        """The new parts in the place of the old, and every other part's data key under the submission's new key."""
        store, old = self.keyring.store, []
        store.get_or_create(one.key)  # durable before anything is wrapped under it; one that a crash left behind has wrapped nothing
        for part in row.held:
            made = one.parts.get(part.number)
            if made is None:
                part.wrapped_key = store.wrap(one.key, store.unwrap(row.key, part.wrapped_key))
            else:
                old.append(part.object)
                part.object, part.rows, part.wrapped_key = made.object, made.rows, store.wrap(one.key, made.data_key)
        request = self.asked.request.request
        self.session.add(ReplacedKeyRow(key=row.key, submission=row.id, request=request, objects=old))
        row.held_digest = digest_after(row.held_digest or row.rows_digest, request, one.total)
        row.key, row.erased_rows = one.key, row.erased_rows + one.total
        row.never_again = row.never_again or self.asked.right in FOR_GOOD

    def _record(
        self,
        rows: Mapping[str, SubmissionRow],
        changed: Sequence[Found],
        staged: Sequence[SubmissionRow],
        receipt: RightsReceipt,
        now: datetime,
    ) -> None:
        who, reference = receipt.supplier, receipt.reference
        lines: list[tuple[Operation, str, str, dict[str, Any]]] = []
        said = {"request": receipt.request, "agreement": receipt.agreement}
        if self.asked.removes:
            for row, one in ((rows[one.kept.id], one) for one in changed):
                keys = {"key": one.key, "replaced": one.kept.key}
                details = {**said, "dataset": row.dataset, "period": row.period, "rows": one.total, **keys}
                lines.append((Operation.ERASURE, "rows erased", row.id, details))
            because = "rows were to be erased before it was opened"
            lines += [(Operation.ALTERATION, "submission lapsed", row.id, {**said, "because": because}) for row in staged]
        operation = Operation.ERASURE if self.asked.removes else Operation.CONSULTATION
        counts = {"rows": receipt.rows, "submissions": len(receipt.batches), "deferred": len(receipt.deferred)}
        named = {"kind": receipt.kind, "datasets": list(self.asked.request.datasets), "editions": len(receipt.editions)}
        about = {**counts, **named, "agreement": receipt.agreement}
        lines.append((operation, f"rights request: {receipt.right}", receipt.request, about))
        for operation, what, subject, details in lines:
            append(self.session, Event(operation, who, who, reference, what, subject, details=details), now)


def _searched(asked: Asked, shown: finding.Shown) -> set[str]:
    return {kept.id for kept in shown.kept if kept.epoch in asked.pseudonyms}


def _other_epoch(kept: Kept) -> Deferred:
    clause = kept.agreement.clause(f"dataset {kept.dataset.name}", "linkage")
    reason = f"its pseudonyms are of linkage epoch {kept.epoch}, of which the request holds none: it was not searched."
    remedy = "Ask with that epoch's secret, or push the period again under the present one."
    return Deferred(kept.id, kept.dataset.name, kept.period, clause, f"{reason} {remedy}")


# ------------------------------------------------------------------------------------------------------------ afterwards


def finish(engine: Engine, keyring: Keyring, places: Places, clock: Clock) -> list[str]:
    """Destroy the keys that erasures have replaced and remove the objects they opened; the submissions they were of. Safe to repeat."""
    leftovers.clear_lapsed(engine, places)
    with reading(engine) as session:
        waiting = (
            session.execute(select(ReplacedKeyRow).where(ReplacedKeyRow.done_at.is_(None)).order_by(ReplacedKeyRow.key)).scalars().all()
        )
    for one in waiting:
        keyring.store.destroy(one.key)
        for name in one.objects:
            places.held.delete(name)
        with writing(engine) as session:
            _done(session, one.key, clock)
    return [one.submission for one in waiting]


def _done(session: Session, key: str, clock: Clock) -> None:
    query = select(ReplacedKeyRow).where(ReplacedKeyRow.key == key).with_for_update()
    row = session.execute(query.execution_options(populate_existing=True)).scalar_one()
    now = moment(session, clock)
    if row.done_at is not None:
        return  # another process has said so
    row.done_at = now
    submission = session.get_one(SubmissionRow, row.submission)
    session.flush()
    details = {"request": row.request, "key": row.key, "objects": len(row.objects)}
    event = Event(
        Operation.ERASURE, "hub", submission.supplier, submission.reference, "replaced key destroyed", submission.id, details=details
    )
    append(session, event, now)
