"""The story of an edition: link, tabulate, protect, attack, and wait for two people.

A first transaction asks the agreement and writes in the log what is about to be read. Then the rows are read and the tables made outside any
transaction, from inputs that are named; one transaction at the end asks the agreement
again, under its lock, makes sure that the inputs still stand, and keeps only what would be published. Exact small counts live in this
process's memory while it runs, and sealed (``kept``), and nowhere else.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from agreements.checkers import checkable
from agreements.decisions import Decision, Refused
from agreements.model import Agreement, Standing
from agreements.periods import Period, months
from agreements.release import Release
from agreements.rules import UNKNOWN, may_request, may_tabulate
from agreements.waiting import may_make
from exchange.db import reading, writing
from exchange.disclosure import Files
from exchange.errors import Conflict, NotFound, RefusedByAgreement, UnknownAgreement
from exchange.keyring import Keyring
from exchange.log.record import Event, Operation, append, moment
from exchange.objects import Store
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import frozen, history, kept, life, noted, others, overrides, perturbing, series, spans, uniqueness
from exchange.releases.contents import file_digests, file_rows
from exchange.releases.counting import people, require_complete, require_first, require_told_apart
from exchange.releases.definition import Relations
from exchange.releases.earlier import reaching
from exchange.releases.engine import Engine as TabulationEngine
from exchange.releases.engine import OnSpark, Power
from exchange.releases.errors import Unconnected
from exchange.releases.formats import published
from exchange.releases.gate import advice, guard, proof_in
from exchange.releases.of_units import protected_units
from exchange.releases.past import Past
from exchange.releases.reading import linkage_used
from exchange.releases.remaking import Rows, rows_of
from exchange.releases.tables import EditionRow, EditionState
from exchange.releases.tabulate import Tabulated, table_set, tabulate
from exchange.submissions.holdings import Batch
from exchange.times import Clock
from exchange.version import code_version
from keys.formats import digest

FORMAT = 1


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: a release of an agreement, for the periods from first to last, in whose name (a key's fingerprint), and why."""

    reference: str
    release: str
    first: Period
    last: Period
    requester: str
    reason: str = ""

    @property
    def periods(self) -> list[Period]:
        """The months asked for."""
        return months(self.first, self.last)

    def said(self) -> dict[str, str]:
        """What is asked for, as the log says it."""
        return {"release": self.release, "first": self.first.name, "last": self.last.name}


@dataclass(frozen=True)
class Inputs:
    """The agreement as it stands, the batches an edition is made from (by dataset, the base first), and what named persons said of their linkage."""

    standing: Standing
    release: Release
    batches: Mapping[str, Sequence[Batch]]
    said: Sequence[overrides.Kept] = ()

    @property
    def agreement(self) -> Agreement:
        """The agreement."""
        return self.standing.agreement

    @property
    def linkage(self) -> str:
        """The linkage by which rows are joined or people counted; empty where there is none."""
        return self.release.base if self.release.linked else linkage_used(self.release, self.agreement)

    def lineage(self) -> list[dict[str, Any]]:
        """What was read, as an edition says it."""
        return [
            {
                "submission": batch.submission,
                "dataset": batch.dataset,
                "supplier": batch.supplier,
                "period": batch.period,
                "rows_digest": batch.rows_digest,
            }
            for batches in self.batches.values()
            for batch in batches
        ]

    def marks(self) -> tuple[Any, ...]:
        """What must be the same for what was made of it to stand."""
        return self.lineage(), [one.id for one in self.said]


def require(decision: Decision) -> None:
    """Raise what a refusal means at a door."""
    if isinstance(decision, Refused):
        raise UnknownAgreement(decision) if decision is UNKNOWN else RefusedByAgreement(decision)


def draft(engine: Engine, keyring: Keyring, held: Store, wanted: Wanted, clock: Clock, *, memory: Power, advised: bool = False) -> str:
    """Make an edition and leave it to be checked; returns its id. What cannot be protected is refused, and nothing is kept.

    Beside the draft stands, for its checkers alone, how far kept fields single rows out (``uniqueness``) and, where ``advised``, what
    every method of protection would hide and cost.
    """
    identity = f"ed-{secrets.token_hex(8)}"
    with writing(engine) as session:
        current = agreements.current(session, wanted.reference)
        row = agreements.by_digest(session, current.digest, lock=True) if current else None
        now = moment(session, clock)
        inputs = gather(session, wanted, row, now)
        earlier = history.read(session, keyring, inputs.agreement, inputs.release, populations(inputs, wanted), inputs.lineage())
        batches = [batch for found in inputs.batches.values() for batch in found]
        noted.read_for(session, identity, inputs.agreement, batches, who=wanted.requester, details=wanted.said(), now=now)
        noted.counts_for(session, identity, history.opened(earlier), who=wanted.requester, now=now)
    with reading(engine) as session:
        rows = rows_of(session, keyring, held, inputs.agreement, inputs.batches, refer=isinstance(memory, OnSpark))
    made = make(keyring, inputs, rows, wanted, earlier, memory=memory, advised=advised)
    with writing(engine) as session:
        row = agreements.by_digest(session, inputs.agreement.digest, lock=True)
        now = moment(session, clock)
        replaced = row is None or row.replaced_at is not None
        if replaced or gather(session, wanted, row, now).marks() != inputs.marks() or not _alone(session, inputs, wanted, earlier):
            raise Conflict(
                "the agreement, the submissions it reads, or what is published of them have changed meanwhile.",
                remedy="Ask for the edition again.",
                code="inputs-changed",
            )
        return _keep(session, keyring, identity, wanted, inputs, made=made, now=now)


@dataclass(frozen=True)
class _Made:
    """What an edition would publish and its checkers see, the editions it is protected with, and its exact counts and their proof, to be sealed."""

    files: Files
    report: Mapping[str, Any]
    earlier: Sequence[str]
    exact: Files
    proof: Files


def make(
    keyring: Keyring, inputs: Inputs, rows: Rows, wanted: Wanted, earlier: Sequence[history.Published], *, memory: Power, advised: bool
) -> _Made:
    """Count, protect and attack, over the rows of the inputs and the counts of earlier editions."""
    release, agreement, periods = inputs.release, inputs.agreement, wanted.periods
    looked: list[uniqueness.Finding] = []
    counted: list[Tabulated] = []

    def beside(connection: TabulationEngine, known: Relations) -> None:
        looked.extend(uniqueness.look(connection, release, agreement, known, periods))

    said = overrides.opened(keyring, inputs.said)
    if release.by_unit:
        made = protected_units(release, agreement, rows, periods, memory=memory, said=said, beside=beside)
        report = {**made.report, "uniqueness": {**uniqueness.sealed(looked, secrets.token_hex(16)), **made.beside}}
        # There is no second edition over the same window that would need the exact counts: none are kept.
        return _Made(published(release, agreement, periods, made.files, figures=made.figures), report, [], {}, {})
    if release.known_people:
        exact, more = people(release, agreement, rows, periods, memory=memory, beside=beside, said=said)
    else:
        key, more = perturbing.key_for(keyring, agreement, release, compared=advised), {}
        exact = tabulate(release, agreement, rows, periods, memory=memory, beside=beside, tell=counted.append, record_key=key)
    if earlier:
        protected, report = _together(inputs, counted[0], [one.past(inputs.lineage()) for one in earlier])
    else:
        protected, report = guard(exact, release)
    report["uniqueness"] = {**uniqueness.sealed(looked, secrets.token_hex(16)), **more}
    if advised and not release.known_people:
        report["advice"] = advice(table_set(release, counted[0], keyed=bool(counted[0].keys)), release)
    files = published(release, agreement, periods, protected)
    sealed = (exact, proof_in(protected)) if release.terms.method in perturbing.SEVERAL else ({}, {})
    return _Made(files, report, [one.edition for one in earlier], *sealed)


def _together(inputs: Inputs, counted: Tabulated, pasts: Sequence[Past]) -> tuple[Files, dict[str, Any]]:
    """The edition's own tables, protected and attacked together with all that was published before."""
    try:
        exact = series.joined(inputs.release, counted, pasts)
        strictest = series.strictest(inputs.release, pasts)
        protected, report = guard(exact, strictest)
        others.require_kept(strictest, counted, pasts, exact, protected)
        return {**series.newest(inputs.release, counted, pasts, protected), **proof_in(protected)}, report
    except Unconnected as error:
        raise history.refusal(inputs.agreement, inputs.release, pasts[-1].edition, str(error)) from None


def _alone(session: Session, inputs: Inputs, wanted: Wanted, earlier: Sequence[history.Published]) -> bool:
    """Whether nothing more has been published of these populations meanwhile, and no exact counts that were used have been let go of."""
    found = history.editions_over(session, inputs.agreement, inputs.release, populations(inputs, wanted))
    return found == [one.edition for one in earlier] and all(one.made is None or kept.remain(session, one.edition) for one in earlier)


def gather(session: Session, wanted: Wanted, row: AgreementRow | None, now: datetime) -> Inputs:
    """What an edition would be made from now; whatever it would be refused for before a row is read is raised here."""
    standing = agreements.standing(row)
    require(may_tabulate(standing, wanted.release, now))
    require(may_request(standing, wanted.release, wanted.requester, now))
    release = standing.agreement.release(wanted.release) if standing else None
    if standing is None or release is None:
        raise UnknownAgreement(UNKNOWN)
    require(may_make(standing, wanted.release, wanted.last, now))
    found = spans.batches(session, standing.agreement, release, wanted.periods)
    inputs = Inputs(standing, release, found, overrides.for_edition(session, standing.agreement, release, found))
    frozen.require_free(session, inputs.agreement, spans.spans(inputs.agreement, release, wanted.periods))
    require_told_apart(inputs.agreement, release)
    require_complete(inputs.agreement, release, found, wanted.periods)
    if (refused := reaching(session, inputs.agreement, release, found)) is not None:
        require(refused)
    require_first(session, inputs.agreement, release, populations(inputs, wanted))
    require(checkable(inputs.agreement, {one["supplier"] for one in inputs.lineage()}))
    life.place(session, wanted, inputs.agreement)
    return inputs


def populations(inputs: Inputs, wanted: Wanted) -> list[history.Population]:
    """What the edition counts: (adapter, supplier, period) of every batch of its own periods whose rows are counted."""
    return history.counted(inputs.agreement, inputs.release, wanted.first, wanted.last, inputs.lineage())


def _keep(session: Session, keyring: Keyring, identity: str, wanted: Wanted, inputs: Inputs, *, made: _Made, now: datetime) -> str:
    place = life.place(session, wanted, inputs.agreement)
    document = {**_document(identity, wanted, inputs, made.files, made.report), "history": list(made.earlier)}
    document |= place.facts(inputs.release, now)
    row = EditionRow(
        id=identity,
        **place.columns(),
        agreement=inputs.agreement.digest,
        overrides=[one.id for one in inputs.said],
        state=EditionState.AWAITING_CHECK,
        requested_at=now,
        draft=document,
        draft_digest=digest(document),
        report=dict(made.report),
        dispose_on=min(batch.dispose_on for batches in inputs.batches.values() for batch in batches),
    )
    row.files = file_rows(made.files)
    session.add(row)
    session.flush()
    kept.keep(session, keyring, identity, made.exact, made.proof)
    details, operator = {**wanted.said(), "inputs": len(document["inputs"])}, inputs.agreement.operator.id
    what = "edition drafted"
    append(session, Event(Operation.COMBINATION, wanted.requester, operator, wanted.reference, what, identity, details=details), now)
    return identity


def _document(identity: str, wanted: Wanted, inputs: Inputs, files: Files, report: Mapping[str, Any]) -> dict[str, Any]:
    release = inputs.release
    return {
        "format": FORMAT,
        "edition": identity,
        "reference": wanted.reference,
        "version": inputs.agreement.version,
        "agreement": inputs.agreement.digest,
        "release": release.name,
        "measure": release.measure,
        "title": release.title,
        "first_period": wanted.first.name,
        "last_period": wanted.last.name,
        "terms": perturbing.terms(release.terms),
        "inputs": inputs.lineage(),
        "code": code_version(),
        "files": file_digests(files),
        "uniqueness": digest(report["uniqueness"]),
        **({"linkage": {"name": inputs.linkage, "overrides": len(inputs.said)}} if inputs.linkage else {}),
    }


def find(session: Session, edition: str, *, lock: bool = False) -> EditionRow:
    """An edition, whatever its state: for the hub's own people. ``lock``: nobody else changes it until the transaction ends."""
    query = select(EditionRow).where(EditionRow.id == edition)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such edition.", remedy="List them with: exchange release list")
    return row
