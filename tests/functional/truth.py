"""What must be true of a hub, worked out again from the raw files: rows, empties, contents, receipts, heads, log."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.agency.linkage import LinkageStore
from adapters.agency.prepare import means, pseudonym_fields
from adapters.agency.session import Agency
from adapters.agency.settings import load
from adapters.registry import find
from adapters.source import wanted_fields
from agreements.columns import minimise
from agreements.model import Dataset
from demo.cast import REFERENCE
from exchange.db import reading
from exchange.hub import Hub
from exchange.log.record import checkpoint, consistency
from exchange.log.tables import EntryRow
from exchange.register import agreements
from exchange.submissions import holdings
from exchange.submissions.tables import HeldPartRow, SubmissionRow, SubmissionState
from keys.checkpoint import Checkpoint
from keys.formats import Receipt
from keys.merkle import verify_consistency
from keys.pseudonym import rekey
from keys.rows import RowsDigest
from keys.sign import Use, verify_document
from tests.folders import names_in
from tests.functional.world import World, agency

KEPT = (SubmissionState.HELD, SubmissionState.SUPERSEDED)


@dataclass(frozen=True)
class Extract:
    """One raw file, and whose it is."""

    supplier: str
    dataset: str
    period: str
    path: Path

    @property
    def argument(self) -> str:
        """As ``exchange-agency push`` names it."""
        return f"{self.path}:{self.period}"

    def counts(self) -> tuple[int, dict[str, int]]:
        """Rows, and empties of what is agreed, counted from the text by nothing of ours."""
        columns = {"crime": "Crime ID", "last_outcome": "Last outcome category", "outcome": "Outcome type", "crime_type": "Crime type"}
        with gzip.open(self.path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        empty = {ours: sum(row[theirs] == "" for row in rows) for ours, theirs in columns.items() if theirs in rows[0]}
        return len(rows), empty


def dataset_of(hub: Hub, name: str) -> Dataset:
    """A dataset, as the agreement in force has it."""
    with reading(hub.engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        found = agreements.parsed(row.canonical).dataset(name)
    assert found is not None
    return found


def minimised(world: World, extract: Extract, dataset: Dataset) -> pa.Table:
    """The rows as they must have left the agency: read whole and minimised, in the file's order."""
    one = Agency(load(world.home(extract.supplier)))
    secret = LinkageStore(one.settings.linkage).get(REFERENCE, 1)
    rules = means(REFERENCE, 1, secret, one.code_lists(), set(pseudonym_fields(dataset).values()))
    batches = find(dataset.adapter).extract(extract.path, wanted_fields(dataset))
    return pa.Table.from_batches([minimise(batch, dataset, rules) for batch in batches], dataset.schema)


def digest_of(table: pa.Table) -> str:
    """The rows digest of a whole table."""
    digest = RowsDigest(table.schema)
    for batch in table.to_batches():
        digest.update(batch)
    return digest.hexdigest()


def rekeyed(hub: Hub, table: pa.Table, dataset: Dataset) -> pa.Table:
    """The rows as the hub must hold them, in a fixed order."""
    for name, kind in pseudonym_fields(dataset).items():
        place = table.schema.get_field_index(name)
        column = rekey(table.column(name).combine_chunks(), hub.keyring.rekey(REFERENCE, kind, 1))
        table = table.set_column(place, dataset.schema.field(name), column)
    return table


def multiset(table: pa.Table) -> "Counter[tuple[Any, ...]]":
    """Rows without their order, each with how often it stands there."""
    return Counter(zip(*(table.column(name).to_pylist() for name in table.schema.names), strict=True))


def held(hub: Hub, session: Session, row: SubmissionRow, dataset: Dataset) -> pa.Table:
    """What is held of one submission, read as releases read it."""
    batch = holdings.Batch(row.id, row.supplier, row.dataset, row.period, row.rows, row.rows_digest, row.dispose_on)
    table: pa.Table = holdings.rows(
        session, hub.keyring, hub.places.held, [batch], holdings.origins(session, [batch])[row.id].agreement, dataset
    ).to_table()
    return table


def receipts(world: World, party: str) -> dict[str, Receipt]:
    """Every receipt that an agency keeps, verified with the hub's receipts key, by submission."""
    key = world.hub().keyring.signing("receipts").public.fingerprint
    signed = [json.loads(path.read_bytes()) for path in sorted(world.home(party).glob("receipts/*/receipt.json"))]
    found = [Receipt.parse(verify_document(one, Use.RECEIPT, {key})) for one in signed]
    return {one.submission: one for one in found}


def check_everything(world: World, extracts: Sequence[Extract], parties: Sequence[str]) -> None:
    """All of it. ``extracts`` in the order they were pushed: of two for one period the last is the head."""
    hub = world.hub()
    kept = {submission: one for party in parties for submission, one in receipts(world, party).items()}
    with reading(hub.engine) as session:
        rows = {row.id: row for row in session.execute(select(SubmissionRow)).scalars()}
        _every_submission_ended(rows, kept)
        _every_receipt_is_true(world, hub, session, rows, kept, extracts)
        _one_head_a_series(rows, extracts)
        _no_object_too_many(hub, session)
    verify_offline(world, parties)


def _every_submission_ended(rows: Mapping[str, SubmissionRow], kept: Mapping[str, Receipt]) -> None:
    assert {row.state for row in rows.values()} <= set(KEPT), "something was refused, or is still under way"
    assert set(rows) == set(kept), "a submission without a receipt at its agency, or a receipt of nothing"


def _every_receipt_is_true(
    world: World, hub: Hub, session: Session, rows: Mapping[str, SubmissionRow], kept: Mapping[str, Receipt], extracts: Sequence[Extract]
) -> None:
    by_content = {(one.supplier, one.dataset, one.period, one.rows_digest): one for one in kept.values()}
    assert len(by_content) == len(kept) == len(extracts), "the same content was held twice, or not at all"
    for extract in extracts:
        dataset = dataset_of(hub, extract.dataset)
        expected = minimised(world, extract, dataset)
        receipt = by_content[extract.supplier, extract.dataset, extract.period, digest_of(expected)]
        found = held(hub, session, rows[receipt.submission], dataset)
        count, empty = extract.counts()
        assert (receipt.outcome, receipt.rows, found.num_rows) == ("held", count, count)
        assert {name: found.column(name).null_count for name in empty if name in found.schema.names} == {
            name: number for name, number in empty.items() if name in found.schema.names
        }
        assert multiset(found) == multiset(rekeyed(hub, expected, dataset)), "not row for row what was pushed"


def held_once(world: World, hub: Hub, session: Session, sent: Mapping[str, Extract]) -> None:
    """Each submission that was sent is held, acknowledged and has its receipt, row for row what was sent; and there is no other."""
    rows = {row.id: row for row in session.execute(select(SubmissionRow)).scalars()}
    assert set(rows) == set(sent)
    for submission, extract in sent.items():
        row, dataset = rows[submission], dataset_of(hub, extract.dataset)
        assert (row.supplier, row.dataset, row.period) == (extract.supplier, extract.dataset, extract.period)
        assert row.acknowledgement is not None
        assert row.receipt is not None
        assert multiset(held(hub, session, row, dataset)) == multiset(rekeyed(hub, minimised(world, extract, dataset), dataset))


def _one_head_a_series(rows: Mapping[str, SubmissionRow], extracts: Sequence[Extract]) -> None:
    heads = Counter((row.supplier, row.dataset, row.period) for row in rows.values() if row.state == SubmissionState.HELD)
    assert heads == Counter({(one.supplier, one.dataset, one.period): 1 for one in extracts})
    for row in rows.values():
        if row.after is not None:
            assert rows[row.after].state == SubmissionState.SUPERSEDED


def _no_object_too_many(hub: Hub, session: Session) -> None:
    referred = sorted(session.execute(select(HeldPartRow.object)).scalars())
    assert sorted(name.rpartition("/")[2] for name in names_in(hub.settings, "objects")) == referred
    assert names_in(hub.settings, "staging") == []


def verify_offline(world: World, parties: Sequence[str]) -> None:
    """Receipts, acknowledgements and manifests by the agencies' own command; the log by the hub's, from an export alone."""
    for party in parties:
        files = sorted(world.home(party).glob("receipts/*/receipt.json"))
        assert files
        ended = agency("verify", *files, "--home", world.home(party))
        assert ended.code == 0, ended.err
    exported = world.places.run / "log.export.jsonl"
    key = json.loads(world.exchange("--json", "log", "export", exported))["key"]
    assert "The log holds" in world.exchange("log", "verify", exported, "--key", key)


def log_entries(hub: Hub) -> list[dict[str, Any]]:
    """Every entry of the log."""
    with reading(hub.engine) as session:
        return [dict(row.entry or {}) for row in session.execute(select(EntryRow).order_by(EntryRow.number)).scalars()]


def seen(hub: Hub) -> Checkpoint:
    """The log's present head."""
    with reading(hub.engine) as session:
        return checkpoint(session)


def grew_only(hub: Hub, heads: Sequence[Checkpoint]) -> None:
    """Each head that was seen is a beginning of the next, by the hub's own proofs, verified here."""
    assert heads
    for old, new in zip(heads, [*heads[1:], seen(hub)], strict=True):
        with reading(hub.engine) as session:
            proof = consistency(session, old.size, new.size)
        verify_consistency(old.size, new.size, old.root, new.root, proof)
