"""What must be true of a hub's folder at any moment after a restart, each by itself under a plain name.

Every function looks at the hub through its database, its files and its keystore, compares with what is known outside (``Known``), and
returns what is wrong, in words; nothing, where it holds. None of them changes anything.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement, Dataset
from exchange.db import reading
from exchange.errors import ExchangeError
from exchange.hub import Hub
from exchange.keyring import rekey_name
from exchange.keystores import place_of, roots_of
from exchange.log.second import Same, compare
from exchange.log.tables import EntryRow, HeadRow, NodeRow
from exchange.objects import Store
from exchange.register import agreements
from exchange.register.tables import AgreementRow, StatementRow, SuspensionRow
from exchange.releases.checking import FALLEN, SEALED
from exchange.releases.contents import file_digests
from exchange.releases.tables import OUT, EditionRow, EditionState, KeptRow
from exchange.submissions import holdings, intake
from exchange.submissions.finding import next_key
from exchange.submissions.rights_tables import ReplacedKeyRow, RightsRow
from exchange.submissions.tables import HeldPartRow, PartRow, SealingKeyRow, SubmissionRow, SubmissionState
from exchange.where import Place
from keys import merkle
from keys.checkpoint import log_leaf
from keys.errors import KeysError
from keys.formats import Acknowledgement, Manifest, Receipt, digest
from keys.generation import Generation
from keys.pseudonym import rekey
from keys.sign import Use, verify_document
from tests.faults.known import Known

Found = Iterator[str]
Check = Callable[[Session, Hub, Known], Found]
S = SubmissionState
READABLE, WAITING, NEVER_HELD = (S.HELD, S.SUPERSEDED), (S.OPEN, S.COMPLETE), (S.REFUSED, S.LAPSED, S.REPEATED)


def _submissions(session: Session) -> list[SubmissionRow]:
    return list(session.execute(select(SubmissionRow).order_by(SubmissionRow.id)).scalars())


# ------------------------------------------------------------------------------------------------------------ what was said


def what_was_acknowledged_is_there(session: Session, hub: Hub, known: Known) -> Found:
    rows = {row.id: row for row in _submissions(session)}
    for submission, signed in known.acknowledged.items():
        row, said = rows.get(submission), Acknowledgement.parse(signed["document"])
        if row is None:
            yield f"{submission} was acknowledged and is not there"
        elif (row.upload, row.manifest_digest) != (said.upload, said.manifest) or row.acknowledgement != signed or row.state == S.OPEN:
            yield f"{submission} was acknowledged otherwise than it stands ({row.state})"
        if said.upload not in known.sent:
            yield f"{submission}: an upload was acknowledged that nobody sent"


def what_was_acknowledged_is_decided(session: Session, hub: Hub, known: Known) -> Found:
    """Unless its agreement is stopped: then it waits, sealed, for as long."""
    for row in _submissions(session):
        if agreements.is_stopped(session.get_one(AgreementRow, row.agreement), row.dataset):
            continue
        if row.state == S.COMPLETE or (row.acknowledgement is not None and row.receipt is None and row.state not in (S.LAPSED, S.REPEATED)):
            yield f"{row.id} was acknowledged and is {row.state}, without a receipt"


def signed_documents_are_true(session: Session, hub: Hub, known: Known) -> Found:
    """Acknowledgements, receipts and certificates: signed by the agreed key, true of their row, and never changed once given."""
    keys = known.agreement.operator.hub
    assert keys is not None
    rows = _submissions(session)
    for row in rows:
        try:
            manifest = Manifest.parse(row.manifest["document"])
            if row.manifest_digest != digest(manifest.document()) or manifest.upload != row.upload:
                yield f"{row.id}: not the manifest that was signed"
            if row.acknowledgement is not None:
                said = Acknowledgement.parse(verify_document(row.acknowledgement, Use.ACKNOWLEDGEMENT, keys.receipts))
                if (said.submission, said.upload, said.manifest) != (row.id, row.upload, row.manifest_digest):
                    yield f"{row.id}: its acknowledgement is another's"
            if row.receipt is not None:
                yield from _receipt(row, manifest, Receipt.parse(verify_document(row.receipt, Use.RECEIPT, keys.receipts)))
            if row.certificate is not None:
                said_of = verify_document(row.certificate, Use.CERTIFICATE, keys.receipts)
                if (said_of["submission"], said_of["key"]) != (row.id, row.key):
                    yield f"{row.id}: its certificate is another's"
        except KeysError as error:
            yield f"{row.id}: {error}"
    stored = {row.id: row for row in rows}
    for name, given in (("receipt", known.receipts), ("certificate", known.certificates)):
        for submission, signed in given.items():
            if submission not in stored or getattr(stored[submission], name) != signed:
                yield f"{submission}: the {name} that was given is not the one that is kept"


def _receipt(row: SubmissionRow, manifest: Manifest, receipt: Receipt) -> Found:
    said = (receipt.submission, receipt.upload, receipt.manifest, receipt.rows, receipt.rows_digest, receipt.period)
    if said != (row.id, row.upload, row.manifest_digest, manifest.rows, manifest.rows_digest, manifest.period):
        yield f"{row.id}: its receipt is not true of it"
    refused = row.state == S.REFUSED
    if row.state in WAITING or (row.state in READABLE and receipt.outcome != "held") or (refused and receipt.outcome != "refused"):
        yield f"{row.id} is {row.state}, and its receipt says {receipt.outcome}"


# ------------------------------------------------------------------------------------------------------------ rows


def every_held_row_is_held_once(session: Session, hub: Hub, known: Known) -> Found:
    """What can be read of each submission is row for row what was sent, re-keyed; and no content stands twice."""
    rows = [row for row in _submissions(session) if row.state in READABLE]
    for row in rows:
        sent = known.sent.get(row.upload)
        if sent is None:
            yield f"{row.id} is held, and nobody sent it"
            continue
        agreement, dataset = _dataset(session, row)
        batch = holdings.Batch(row.id, row.supplier, row.dataset, row.period, row.rows, row.rows_digest, row.dispose_on)
        try:
            found = holdings.rows(session, hub.keyring, hub.places.held, [batch], agreement, dataset).to_table()
            # Once rows of it have been erased, confirmed or not, all that were asked for are gone; until then every one is there.
            gone = known.asked if row.erased_rows else known.erased
            expected = _rekeyed(hub, row, dataset, without(sent.rows, gone))
        except (OSError, pa.ArrowException, ExchangeError, KeysError) as error:
            yield f"{row.id} is {row.state} and cannot be read ({type(error).__name__})"
            continue
        if _multiset(found) != expected or found.num_rows != sent.rows.num_rows - row.erased_rows:
            yield f"{row.id}: {found.num_rows} rows are held, and not each of the {sent.rows.num_rows} that were sent once"
    heads = Counter((row.supplier, row.dataset, row.period, row.rows_digest) for row in rows if row.state == S.HELD)
    yield from (f"the same content stands {count} times for {' '.join(one[:3])}" for one, count in heads.items() if count > 1)


def without(rows: pa.Table, erased: frozenset[bytes]) -> pa.Table:
    """Rows but for those of erased pseudonyms."""
    return rows.filter(pa.array([one not in erased for one in rows.column("crime").to_pylist()], pa.bool_())) if erased else rows


def _dataset(session: Session, row: SubmissionRow) -> tuple[Agreement, Dataset]:
    agreement = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    dataset = agreement.dataset(row.dataset)
    assert dataset is not None
    return agreement, dataset


def _rekeyed(hub: Hub, row: SubmissionRow, dataset: Dataset, table: pa.Table) -> "Counter[tuple[Any, ...]]":
    epoch = Manifest.parse(row.manifest["document"]).epoch
    for field in dataset.fields:
        if isinstance(field.rule, PseudonymiseRule) and table.num_rows:
            key = hub.keyring.store.get(rekey_name(row.reference, field.rule.kind, epoch))
            place = table.schema.get_field_index(field.name)
            table = table.set_column(place, table.schema.field(place), rekey(table.column(place).combine_chunks(), key))
    return _multiset(table)


def _multiset(table: pa.Table) -> "Counter[tuple[Any, ...]]":
    return Counter(zip(*(table.column(name).to_pylist() for name in table.schema.names), strict=True))


def one_head_a_series(session: Session, hub: Hub, known: Known) -> Found:
    """Where each submission replaces the last, all that were ever taken in stand in one line, and only its end is what counts."""
    series: dict[tuple[str, ...], list[SubmissionRow]] = {}
    for row in _submissions(session):
        if _taken(row):
            series.setdefault((row.supplier, row.dataset, row.period), []).append(row)
    for name, rows in series.items():
        if any(row.manifest["document"]["mode"] != "replace" for row in rows):
            continue
        followed = Counter(row.after for row in rows)
        ends = [row for row in rows if row.id not in followed]
        if len(ends) != 1 or max(followed.values()) > 1 or ends[0].state == S.SUPERSEDED:
            yield f"{' '.join(name)} has {len(ends)} ends, the first {ends[0].state if ends else 'nowhere'}"
        yield from (f"{row.id} has been replaced and counts still" for row in rows if row.id in followed and row.state == S.HELD)


def _taken(row: SubmissionRow) -> bool:
    return row.receipt is not None and row.receipt["document"]["outcome"] == "held"


# ------------------------------------------------------------------------------------------------------------ files and keys


def every_object_is_somebodys_and_there(session: Session, hub: Hub, known: Known) -> Found:
    """An object a row and a row an object; but what is being destroyed goes piece by piece, once nobody can read it any more."""
    going = (S.DISPOSING, S.DISPOSED)
    parts = [(part.object, row) for part, row in session.execute(select(HeldPartRow, SubmissionRow).join(SubmissionRow))]
    referred, wanted = {name for name, _ in parts}, {name for name, row in parts if row.state not in going}
    there = _there(hub.settings.objects, hub.places.held)
    yield from (f"an object that no row names: {name}" for name in sorted(there - referred))
    yield from (f"a row whose object is not there: {name}" for name in sorted(wanted - there))
    yield from (f"{row.id} is {row.state} and has held parts" for _, row in parts if row.state not in (*READABLE, *going))


def _there(place: Place, store: Store) -> set[str]:
    """Every object; in a folder whatever else lies there too."""
    return {path.name for path in place.rglob("*") if path.is_file()} if isinstance(place, Path) else set(store.names())


def what_is_destroyed_is_cleared_away(session: Session, hub: Hub, known: Known) -> Found:
    for part, row in session.execute(select(HeldPartRow, SubmissionRow).join(SubmissionRow)):
        if row.state in (S.DISPOSING, S.DISPOSED):
            yield f"{row.id} is {row.state} and something of it is there still: {part.object}"
    for row in _submissions(session):
        if row.state in NEVER_HELD and row.key in hub.keyring.store.names("submission/"):
            yield f"{row.id} was never held and its key lives"
    for one in session.execute(select(ReplacedKeyRow)).scalars():
        if one.done_at is None:
            yield f"{one.submission}: a key that was replaced is not recorded as destroyed"


def every_sealed_part_is_awaited_and_there(session: Session, hub: Hub, known: Known) -> Found:
    """Sealed parts are there as long as a submission waits for them; what is decided has none."""
    there = _there(hub.settings.staging, hub.places.staging)
    awaited = {}
    for part, row in session.execute(select(PartRow, SubmissionRow).join(SubmissionRow)):
        if row.state in WAITING:
            awaited[intake.part_name(row.id, part.number)] = part.sha256
    yield from (f"a sealed part that nobody waits for: {name}" for name in sorted(there - set(awaited)))
    yield from (f"a sealed part that is not there: {name}" for name in sorted(set(awaited) - there))
    for name in set(awaited) & there:
        with hub.places.staging.at_hand([name]) as [file]:
            if "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest() != awaited[name]:
                yield f"a sealed part that is not the one that arrived: {name}"


def every_key_has_an_owner(session: Session, hub: Hub, known: Known) -> Found:
    store, rows = hub.keyring.store, {row.key: row for row in _submissions(session)}
    live = set(store.names("submission/"))
    replaced = set(session.execute(select(ReplacedKeyRow.key).where(ReplacedKeyRow.done_at.is_(None))).scalars())
    coming = {next_key(name) for name in rows}  # made before the transaction that begins to use it, and used by the next one
    yield from (f"a key that no submission owns: {name}" for name in sorted(live - set(rows) - replaced - coming))
    wanting = {row.key for row in rows.values() if row.state in READABLE and row.held}
    yield from (f"{rows[name].id} is held and its key is not there" for name in sorted(wanting - live))
    # One that has run out goes before its row says so: a crash between leaves no key that anybody would still use.
    issued = session.execute(select(SealingKeyRow)).scalars()
    sealing = {f"sealing/{row.id}" for row in issued if row.destroyed_at is None and row.expires_at > hub.clock()}
    yield from (f"a sealing key in use is not there: {name}" for name in sorted(sealing - set(store.names("sealing/"))))
    yield from _roots(hub)


def _roots(hub: Hub) -> Found:
    """One root key; in a bucket also such as a host that was killed or outrun had made, which go with the next destruction."""
    place = hub.settings.keystore
    if isinstance(place, Path):
        roots = [path.name for path in hub.settings.roots.iterdir()]
        yield from (f"left behind in the keystore: {path.name}" for path in place.glob(".writing-*"))
    else:
        current = Generation.root_of(place_of(hub.settings).read()[0])
        roots = [root for root in roots_of(hub.settings).ids() if root == current or root[:16] < current[:16]]
    if len(roots) != 1:
        yield f"there are {len(roots)} root keys, and not one"


def ended_submissions_have_no_key(session: Session, hub: Hub, known: Known) -> Found:
    """Whatever is certified as destroyed, and whatever key another has taken the place of, cannot open anything."""
    live = set(hub.keyring.store.names("submission/"))
    for row in _submissions(session):
        if row.certificate is not None and row.key in live:
            yield f"{row.id} is destroyed and its key lives"
    for one in session.execute(select(ReplacedKeyRow)).scalars():
        if one.done_at is not None and one.key in live:
            yield f"{one.submission}: a key that was replaced and destroyed lives"


def destroyed_stays_destroyed(session: Session, hub: Hub, known: Known) -> Found:
    rows = {row.id: row for row in _submissions(session)}
    for submission in known.certificates:
        if submission not in rows or rows[submission].state not in (S.DISPOSED, *NEVER_HELD):
            yield f"{submission} was certified as destroyed and is not"
    for row in rows.values():
        if row.certificate is not None and not hub.keyring.store.destroyed(row.key):
            yield f"{row.id} is destroyed and its key has no tombstone"
        if (row.state == S.DISPOSED) != (row.certificate is not None and row.state not in NEVER_HELD):
            yield f"{row.id} is {row.state}, {'with' if row.certificate else 'without'} a certificate"
    readable = {row.id for row in rows.values() if row.state in READABLE}
    lost = {row.id for row in rows.values() if row.id in readable and hub.keyring.store.destroyed(row.key)}
    yield from (f"{name} counts still and its key is destroyed" for name in sorted(lost))


def exact_counts_go_with_their_key(session: Session, hub: Hub, known: Known) -> Found:
    """What is kept sealed of an edition can be opened until it is let go of, and never after it is called destroyed; a dropped draft keeps nothing."""
    live = set(hub.keyring.store.names("edition/"))
    for one in session.execute(select(KeptRow)).scalars():
        if one.sealed is not None and one.key not in live:
            yield f"{one.edition}: its {one.what} are sealed under a key that is not there"
        if one.destroyed_at is not None and (one.sealed is not None or not hub.keyring.store.destroyed(one.key)):
            yield f"{one.edition}: its {one.what} are called destroyed and are not"
        if one.sealed is not None and session.get_one(EditionRow, one.edition).state == EditionState.DROPPED:
            yield f"{one.edition} is dropped and its {one.what} are there"


def nothing_stands_in_the_clear(session: Session, hub: Hub, known: Known) -> Found:
    """No value of a row, as it was sent or as it is held, in any file of the hub."""
    home = hub.settings.home
    needles = set()
    keys = [hub.keyring.store.get(name) for name in hub.keyring.store.names("rekey/")]
    for value in known.canaries():
        held = [rekey(pa.array([value], pa.binary(16)), key)[0].as_py() for key in keys]
        needles |= {form for one in (value, *held) for form in (one, one.hex().encode())}
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if any(needle in content for needle in needles):
            yield f"a value of a row in the clear, in {path.relative_to(home).parts[0]}"


def the_database_is_sound(session: Session, hub: Hub, known: Known) -> Found:
    if session.get_bind().dialect.name != "sqlite":
        return
    yield from (str(found) for (found,) in session.execute(text("PRAGMA integrity_check")) if found != "ok")
    yield from (f"a row of {found[0]} refers to nothing" for found in session.execute(text("PRAGMA foreign_key_check")))


# ------------------------------------------------------------------------------------------------------------ the log


def the_log_verifies_and_only_grew(session: Session, hub: Hub, known: Known) -> Found:
    entries = list(session.execute(select(EntryRow).order_by(EntryRow.number)).scalars())
    size = session.execute(select(HeadRow.size)).scalar_one()
    if [row.number for row in entries] != list(range(size)):
        yield f"the log has {len(entries)} entries and its head says {size}"
        return
    nodes: dict[tuple[int, int], bytes] = {}
    for level, index, value in merkle.grow(0, [row.leaf for row in entries], lambda level, index: nodes[level, index]):
        nodes[level, index] = value
    if {(row.level, row.index): row.hash for row in session.execute(select(NodeRow)).scalars()} != nodes:
        yield "the log's tree is not the one of its leaves"
    for row in entries:
        if row.salt is not None and merkle.leaf_hash(log_leaf(row.salt, row.entry)) != row.leaf:
            yield f"entry {row.number} is not what was logged"
    for head in known.witnessed:
        if head.size > size or merkle.root(head.size, lambda level, index: nodes[level, index]) != head.root:
            yield f"the log of {size} does not begin with the {head.size} entries that were witnessed"


def the_second_store_is_the_same_log(session: Session, hub: Hub, known: Known) -> Found:
    found = compare(session, hub.second, whole=True)
    if not isinstance(found, Same):
        yield f"the second store of the log: {found}"


_SUBMISSION = ("opened", "acknowledged", "held", "refused", "superseded", "destroyed", "repeated")


def every_effect_has_its_entry(session: Session, hub: Hub, known: Known) -> Found:
    """For each thing that happened one entry, and for each entry its thing."""
    entries = [row.entry for row in session.execute(select(EntryRow).order_by(EntryRow.number)).scalars() if row.entry]
    logged = Counter((str(entry["what"]), str(entry["subject"])) for entry in entries)
    due: Counter[tuple[str, str]] = Counter()
    for row in _submissions(session):
        due += _of_submission(row)
    for key in session.execute(select(ReplacedKeyRow)).scalars():
        due["rows erased", key.submission] += 1
        due["replaced key destroyed", key.submission] += key.done_at is not None
    for asked in session.execute(select(RightsRow)).scalars():
        due[f"rights request: {asked.right}", asked.id] += 1
    due += _of_editions(session, logged)
    for one in session.execute(select(SealingKeyRow)).scalars():
        due["sealing key issued", one.id] += 1
        due["sealing key destroyed", one.id] += one.destroyed_at is not None
    for statement in session.execute(select(StatementRow)).scalars():
        due[f"statement: {statement.decision}", statement.agreement] += 1
    watched = {what for what, _ in due} | {f"submission {what}" for what in _SUBMISSION} | {"edition published", "rows erased"}
    for (what, subject), count in (due - logged).items():
        yield f"no entry for: {what} ({subject[:28]}, {count})"
    for (what, subject), count in (logged - due).items():
        if what in watched:
            yield f"an entry without its effect: {what} ({subject[:28]}, {count})"


def _of_editions(session: Session, logged: "Counter[tuple[str, str]]") -> "Counter[tuple[str, str]]":
    due: Counter[tuple[str, str]] = Counter()
    for edition in session.execute(select(EditionRow)).scalars():
        due["edition drafted", edition.id] += 1
        due["edition published", edition.id] += edition.state in OUT
        due["edition withdrawn", edition.id] += edition.state == EditionState.WITHDRAWN
        for counts in session.execute(select(KeptRow).where(KeptRow.edition == edition.id)).scalars():
            due["exact counts to be destroyed", edition.id] += counts.sealed is None
            due["exact counts destroyed", edition.id] += counts.destroyed_at is not None
        for vote in edition.votes:
            due[SEALED, digest(vote.signed)] += 1
            due[f"output check: {vote.decision}", edition.id] += edition.state != EditionState.AWAITING_CHECK
    for (what, subject), count in list(logged.items()):
        if what == FALLEN:  # nothing is left of it but that it was there
            due[SEALED, subject] += count
            due[FALLEN, subject] += count
    return due


def _of_submission(row: SubmissionRow) -> "Counter[tuple[str, str]]":
    outcome = row.receipt["document"]["outcome"] if row.receipt else ""
    happened = {
        "submission opened": True,
        "submission acknowledged": row.acknowledgement is not None,
        "submission held": outcome == "held",
        "submission refused": outcome == "refused",
        "submission superseded": row.superseded_by is not None,
        "submission repeated": row.state == S.REPEATED,
        "disposal begun": row.state in (S.DISPOSING, S.DISPOSED),
        "submission destroyed": row.certificate is not None,
    }
    return Counter({(what, row.id): 1 for what, so in happened.items() if so})


def a_stop_is_stated_and_stands(session: Session, hub: Hub, known: Known) -> Found:
    """An agreement is suspended exactly where somebody's last word on it was to suspend."""
    for row in session.execute(select(AgreementRow)).scalars():
        said: dict[str, str] = {}
        for one in sorted(row.statements, key=lambda one: one.recorded_at):
            if one.decision in ("suspend", "resume"):
                said[one.party] = one.decision
        stated = {party for party, word in said.items() if word == "suspend"}
        stands = set(session.execute(select(SuspensionRow.party).where(SuspensionRow.agreement == row.digest)).scalars())
        if stated != stands or (row.state == "suspended") != bool(stands):
            yield f"{row.reference} is {row.state}: {len(stated)} have stopped it, and {len(stands)} stops stand"


# ------------------------------------------------------------------------------------------------------------ editions


def editions_are_as_signed(session: Session, hub: Hub, known: Known) -> Found:
    keys = known.agreement.operator.hub
    assert keys is not None
    rows = {row.id: row for row in session.execute(select(EditionRow)).scalars()}
    for row in rows.values():
        if row.draft_digest != digest(row.draft) or (row.state in OUT) != (row.signed is not None):
            yield f"{row.id} is {row.state}, and not the draft that was checked"
        if row.signed is not None:
            try:
                document = verify_document(row.signed, Use.EDITION, keys.editions)
            except KeysError as error:
                yield f"{row.id}: {error}"
                continue
            if {name: document[name] for name in row.draft} != row.draft or len(document["checks"]) != len(row.votes):
                yield f"{row.id}: what was signed is not what was checked"
        if row.state != EditionState.DROPPED and _digests(row) != json.dumps(row.draft["files"], sort_keys=True):
            yield f"{row.id}: its files are not those of its digests"
    for edition, signed in known.published.items():
        if edition not in rows or rows[edition].signed != signed:
            yield f"{edition} was published otherwise than it stands"


def _digests(row: EditionRow) -> str:
    return json.dumps(file_digests({one.name: one.content for one in row.files}), sort_keys=True)


ALWAYS: tuple[Check, ...] = (
    what_was_acknowledged_is_there,
    signed_documents_are_true,
    every_held_row_is_held_once,
    one_head_a_series,
    every_object_is_somebodys_and_there,
    every_sealed_part_is_awaited_and_there,
    every_key_has_an_owner,
    ended_submissions_have_no_key,
    destroyed_stays_destroyed,
    exact_counts_go_with_their_key,
    nothing_stands_in_the_clear,
    the_database_is_sound,
    the_log_verifies_and_only_grew,
    the_second_store_is_the_same_log,
    every_effect_has_its_entry,
    a_stop_is_stated_and_stands,
    editions_are_as_signed,
)
AT_REST: tuple[Check, ...] = (
    what_was_acknowledged_is_decided,
    what_is_destroyed_is_cleared_away,
)  # once the hub has had time for what waits


def broken(hub: Hub, known: Known, *, at_rest: bool) -> list[str]:
    """Every invariant that does not hold, by name, with what is wrong."""
    found = []
    with reading(hub.engine) as session:
        for check in (*ALWAYS, *(AT_REST if at_rest else ())):
            found += [f"{plain(check)}: {what}" for what in check(session, hub, known)]
    return found


def plain(check: Check) -> str:
    """An invariant's name as a sentence."""
    return check.__name__.replace("_", " ")
