"""``exchange restore --replay``: the log continued from its second store, and everything done again that the database has forgotten.

Keys first: what is recorded as destroyed is destroyed in this keystore before anything else, and a repeat finds it so. Then one transaction
puts the lost entries back, exactly as they were, and draws what follows from them; killed before its end, it is as if it had not begun.
Last, disposals are finished by the code that always does them, and objects that nothing refers to are removed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.keyring import OWN, USES, sealing_name, submission_name
from exchange.log.record import Event, Operation, append, moment, put_back, size
from exchange.log.second import Ahead, Forked, compare
from exchange.register import hub_keys
from exchange.register.agreements import everything, parsed
from exchange.register.tables import AgreementRow
from exchange.restore import editions, reapply
from exchange.restore.lost import Lost, read
from exchange.restore.standing import SUBMISSION, epoch_of, fingerprints, look, mark, require_reapplied
from exchange.settling import settle
from exchange.submissions import intake, leftovers, retention
from exchange.submissions.restored import LostRow, RestoreRow
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.errors import BadSignature
from keys.keystore import Keystore
from keys.rights import RightsReceipt
from keys.sign import Use, verify_document

Line = Mapping[str, Any]
_MISSING = "Put the newest keystore back, or give these rows up, so that their suppliers push again: exchange restore --replay --give-up"


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    Attributes:
        entries: how many entries the database had.
        replayed: how many were put back.
        keys: how many keys were destroyed again.
        destroyed: submissions that were destroyed again, with a certificate each.
        lost: submissions whose suppliers are told to push again (ids, dataset, period, how far they had come).
        suspended: agreements that wait for people.
        revoked: keys, passkeys and people whose revocation or end was done again.
        holds: how many legal holds were placed again, without their reasons.
        editions: published editions whose agreement is not here, so that their populations are not known.
        again: what people have to do or say again, in the log's words, and how often.
    """

    entries: int
    replayed: int
    keys: int
    destroyed: Sequence[str]
    lost: Sequence[Mapping[str, str]]
    suspended: Sequence[str]
    revoked: Sequence[str]
    holds: int
    editions: Sequence[str]
    again: Mapping[str, int] = field(default_factory=dict)


def replay(hub: Hub, certificates: Sequence[object] = (), *, give_up: bool = False) -> Replayed:
    """Continue the log and do everything again; repeat it if it was interrupted. Only while nothing serves this hub.

    Args:
        certificates: signed certificates of destruction, and receipts for people's rights, as the agencies have them.
        give_up: lose the rows whose keys this keystore never had.
    Raises:
        Misconfigured: the second store is of another log or damaged; or it lacks keys and ``give_up`` was not asked.
        BadSignature: a certificate is not this hub's.
    """
    lines = _missing(hub)
    hidden = {int(line["number"]) for line in lines if "entry" not in line}
    lost = read((line["entry"] for line in lines if "entry" in line), hidden)
    certified = _certified(hub, certificates, lost)
    unread = look(hub).unread
    if unread and not give_up:
        raise Misconfigured(
            f"this keystore never had the keys of {len(unread)} submission(s) with rows: it is older than the database.", remedy=_MISSING
        )
    _require_successors(hub, lost)
    count = _destroy(hub, lost, certified)
    found, done = _redo(hub, lines, lost, certified, unread)
    for submission in _disposing(hub):
        retention.dispose(hub.engine, hub.keyring, hub.places, submission, hub.clock())
    count += _forget(hub)
    leftovers.tidy(hub.engine, hub.places)
    settle(hub)
    mark(hub.settings).unlink(missing_ok=True)
    require_reapplied(hub)
    return Replayed(found.entries, found.replayed, count, done.disposing, done.lost, done.suspended, done.revoked, *found.rest, lost.again)


@dataclass(frozen=True)
class _Log:
    entries: int
    replayed: int
    rest: tuple[int, Sequence[str]]


def _missing(hub: Hub) -> list[Line]:
    """The lines that the second store has and the database lacks. Every entry both have is compared."""
    with reading(hub.engine) as session:
        match compare(session, hub.second, whole=True):
            case Ahead(_, known):
                return list(hub.second.lines(known))
            case Forked(number):
                raise Misconfigured(
                    f"entry {number} of the log is another one in the second store: they do not belong together.",
                    remedy="Restore a backup of the hub that this store is of; if there is none, docs/restore.md says what is left.",
                )
    return []


def _certified(hub: Hub, certificates: Sequence[object], lost: Lost) -> dict[str, str]:
    """Submission → name of its key, of certificates that this hub signed with a receipts key it or an agreement names.

    What a receipt for people's rights says was erased is added to what is ``lost``, as far as the database has forgotten it.
    """
    if not certificates:
        return {}
    trusted = {key.public.fingerprint for key in hub.keyring.every("receipts")}
    with reading(hub.engine) as session:
        for row in everything(session):
            named = parsed(row.canonical).operator.hub
            trusted |= {named.receipts} if named else set()
        keys = {row.id: row.key for row in session.execute(select(SubmissionRow.id, SubmissionRow.key))}
    found = {}
    for signed in certificates:
        try:
            document = verify_document(signed, Use.CERTIFICATE, trusted)
        except BadSignature:
            lost.erased(RightsReceipt.parse(verify_document(signed, Use.RIGHTS_RECEIPT, trusted)), keys)
            continue
        if "submission" in document:
            found[str(document["submission"])] = str(document.get("key") or submission_name(str(document["submission"])))
    return found


# ------------------------------------------------------------------------------------------------------------ keys


def _destroy(hub: Hub, lost: Lost, certified: Mapping[str, str]) -> int:
    """Destroy every key that is destroyed on record, or that no row will ever name: before anything else, and for good."""
    store = hub.keyring.store
    dead, alive = set(store.tombstones()), set(store.names())
    with reading(hub.engine) as session:
        named = {row.id: row.key for row in session.execute(select(SubmissionRow.id, SubmissionRow.key))}
    standing = look(hub)
    gone = {*lost.destroyed, *lost.rewritten} | {name for name in lost.uploads if name not in named}
    names = {named.get(one, submission_name(one)) for one in gone} | set(certified.values())
    names |= {named[one] for one in certified if one in named} | {named[one] for one in standing.unread}
    names |= {name for name in alive if name.startswith(SUBMISSION)} - set(named.values())
    own = fingerprints(hub.keyring)
    names |= lost.replaced | {own[one] for one in lost.hub_keys if one in own}
    with reading(hub.engine) as session:
        names |= editions.keys_to_destroy(session, lost, alive)
    names |= {sealing_name(one) for one in (*lost.sealing, *standing.sealing)} | set(standing.back)
    names |= {name for name in alive if epoch_of(name) in lost.retired}
    for name in sorted(names - dead):
        store.destroy(name)
    return len(names - dead)


def _require_successors(hub: Hub, lost: Lost) -> None:
    """Destroy nothing where the hub would be left without a key to sign with: an older keystore lacks the successor."""
    destroyed = set(look(hub).back) | {name for one, name in fingerprints(hub.keyring).items() if one in lost.hub_keys}
    for use in USES:
        if destroyed.issuperset(hub.keyring.names(use)):
            raise Misconfigured(
                f"the only {use} key in this keystore is destroyed on record: it is older than the key's successor. Nothing was done.",
                remedy="Put the newest keystore back, with its root key. If it is lost, docs/restore.md says what is left.",
            )


def _forget(hub: Hub) -> int:
    """Destroy the keys of submissions that were given up: nothing of them is kept."""
    with reading(hub.engine) as session:
        given_up = session.execute(select(SubmissionRow.key).join(LostRow, LostRow.submission == SubmissionRow.id))
        names = set(given_up.scalars()) & set(hub.keyring.store.names(SUBMISSION))
    for name in sorted(names):
        hub.keyring.store.destroy(name)
    return len(names)


# ------------------------------------------------------------------------------------------------------------ the database


def _redo(hub: Hub, lines: Sequence[Line], lost: Lost, certified: Collection[str], unread: Collection[str]) -> tuple[_Log, reapply.Done]:
    dead = frozenset(hub.keyring.store.tombstones())
    store = hub.second
    try:
        with writing(hub.engine) as session:
            found = reapply.lock(session, lost, dead=dead, certified=certified, unread=unread, staged=_staged(hub, session))
            now = moment(session, hub.clock)
            before = size(session)
            for line in lines:
                put_back(session, line)
            store.sure = True  # what was put back came from it, and nobody else appends while the head is held
            reapply.redact(session, lost)
            done = reapply.submissions(session, lost, found, now)
            held = reapply.holds(session, lost.holds, found)
            reapply.keys(session, lost, found, now)
            reapply.sign_everybody_out(session, now)
            unknown = editions.keep_taken(session, lost.editions.values(), now)
            editions.let_go(session, lost, now)
            session.add(RestoreRow(at=now, entries=before, replayed=len(lines)))
            session.flush()
            done.suspended = reapply.suspend_spoken(session, lost, found, now)
            done.revoked = reapply.revoke(session, lost, now)
            reapply.tell(session, done.lost, now)
            _note(session, hub.keyring.store, before, len(lines), done, now)
    except BaseException:
        store.sure = False
        raise
    return _Log(before, len(lines), (held, unknown)), done


def _note(session: Session, store: Keystore, before: int, replayed: int, done: reapply.Done, now: datetime) -> None:
    """Say in the log what was done; and let no access token or form of before count any more."""
    row = session.execute(select(AgreementRow).order_by(AgreementRow.registered_at).limit(1)).scalar_one_or_none()
    operator = parsed(row.canonical).operator.id if row else "hub"
    counts = {"destroyed": len(done.disposing), "lost": len(done.lost), "suspended": len(done.suspended), "revoked": len(done.revoked)}
    details = {"restored": before, "replayed": replayed, **counts}
    append(session, Event(Operation.SECURITY, "hub", operator, "", "hub restored", "log", details=details), now)
    for use in OWN:
        hub_keys.renew(session, store, use, operator, "restored", now)


def _staged(hub: Hub, session: Session) -> set[str]:
    """Submissions of which every sealed part that the database counts is in staging, whole."""
    waiting = (SubmissionState.OPEN, SubmissionState.COMPLETE)
    rows = session.execute(select(SubmissionRow).where(SubmissionRow.state.in_(waiting))).scalars()
    return {row.id for row in rows if all(_is_there(hub, row.id, part.number, part.size) for part in row.parts)}


def _is_there(hub: Hub, submission: str, number: int, length: int) -> bool:
    return hub.places.staging.holds(intake.part_name(submission, number), length)


def _disposing(hub: Hub) -> Iterator[str]:
    with reading(hub.engine) as session:
        query = select(SubmissionRow.id).where(SubmissionRow.state == SubmissionState.DISPOSING)
        yield from list(session.execute(query.order_by(SubmissionRow.id)).scalars())
