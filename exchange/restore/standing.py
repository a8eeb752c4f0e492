"""Whether every recorded destruction stands: asked before the hub serves, and while it does.

Records and keys are compared in an order in which a disposal that is under way cannot be mistaken for a restored copy: tombstones first,
then the database, then the keys that live. A disposal, a rotation or an end that a crash interrupted is finished by the job that began it,
and is no matter of a restore.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.db import reading
from exchange.errors import Misconfigured
from exchange.hub import Hub
from exchange.keyring import USES, Keyring, sealing_name
from exchange.log.record import Operation
from exchange.log.second import Ahead, Forked, compare
from exchange.log.tables import EntryRow
from exchange.register.tables import EpochRow
from exchange.register.versions import ended
from exchange.releases.tables import KeptRow
from exchange.settings import Settings
from exchange.submissions.rights_tables import ReplacedKeyRow
from exchange.submissions.tables import SealingKeyRow, SubmissionRow, SubmissionState

REMEDY = "Run: exchange restore --replay"
COUNTING = (SubmissionState.OPEN, SubmissionState.COMPLETE, SubmissionState.HELD, SubmissionState.SUPERSEDED)
WITH_ROWS = (SubmissionState.HELD, SubmissionState.SUPERSEDED)
SUBMISSION, REKEY = "submission/", "rekey/"
_NAMED, _MINUTE = 3, 60.0
Epoch = tuple[str, str]


@dataclass(frozen=True)
class Standing:
    """Submissions, sealing keys and linkage epochs whose records and keys do not agree.

    Attributes:
        gone: submissions whose key is destroyed, and which still count.
        back: names of keys in the keystore of what is recorded as destroyed.
        unread: submissions with rows whose key this keystore never had.
        sealing: sealing keys in use whose private half is destroyed, or was never in this keystore.
        retired: agreements whose re-key keys are destroyed, and whose epochs still count.
    """

    gone: Sequence[str] = ()
    back: Sequence[str] = ()
    unread: Sequence[str] = ()
    sealing: Sequence[str] = ()
    retired: Sequence[str] = ()


def standing_of_destructions(hub: Hub) -> list[str]:
    """What stands in the way of serving, a sentence each; nothing where every destruction on record has its effect."""
    found = look(hub)
    with reading(hub.engine) as session:
        log = [*_log(session, hub), *_unfinished(hub)]
    said = (
        (found.gone, "submission with a destroyed key, still counted as readable"),
        (found.back, "key of what is destroyed on record, in the keystore again"),
        (found.unread, "submission with rows under a key that this keystore never had (it is older than the database)"),
        (found.sealing, "sealing key in use without its private half"),
        (found.retired, "agreement that counts on destroyed linkage keys"),
    )
    return [*log, *(f"{len(names)} × {what}: {_some(names)}." for names, what in said if names)]


class Lately:
    """The same, looked up at most once a minute: for those who ask again and again whether the hub is ready."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._known: list[str] = []
        self._at = -_MINUTE

    def found(self) -> list[str]:
        """What stood in the way, at most a minute ago."""
        now = time.monotonic()
        if now >= self._at + _MINUTE:
            self._known, self._at = standing_of_destructions(self.hub), now
        return self._known


def require_reapplied(hub: Hub) -> None:
    """Refuse to serve, or to work by the schedule, while a recorded destruction is not in effect. Misconfigured says what and the remedy."""
    if found := standing_of_destructions(hub):
        raise Misconfigured(
            f"this hub was restored, and not everything that was done since has been done again. {' '.join(found)}",
            remedy=REMEDY,
        )


def look(hub: Hub) -> Standing:
    """Compare the keystore with the database."""
    store = hub.keyring.store
    dead = frozenset(store.tombstones())
    with reading(hub.engine) as session:
        rows = list(session.execute(select(SubmissionRow.id, SubmissionRow.key, SubmissionRow.state)))
        destroyed = {row.key for row in rows if row.state == SubmissionState.DISPOSED} | _logged(session, {row.id: row.key for row in rows})
        keys = list(session.execute(select(SealingKeyRow.id, SealingKeyRow.destroyed_at, SealingKeyRow.expires_at)))
        # One past its day is destroyed by the next rotation, which a crash may have interrupted.
        in_use = [row.id for row in keys if row.destroyed_at is None and row.expires_at > hub.clock()]
        destroyed |= {sealing_name(row.id) for row in keys if row.destroyed_at is not None}
        # A key that another has replaced, and that is still to go, goes by the finishing of what replaced it.
        destroyed |= set(session.execute(select(ReplacedKeyRow.key).where(ReplacedKeyRow.done_at.is_not(None))).scalars())
        destroyed |= set(session.execute(select(KeptRow.key).where(KeptRow.destroyed_at.is_not(None))).scalars())
        retired, spent = _epochs(session, dead)
        back = _hub_keys(session, hub.keyring)
    alive = frozenset(store.names())
    known = alive.union(store.tombstones())  # once more, for a disposal may have gone on meanwhile
    return Standing(
        gone=[row.id for row in rows if row.state in COUNTING and row.key in dead],
        back=sorted((destroyed & alive) | back | {name for name in alive if epoch_of(name) in spent}),
        unread=[row.id for row in rows if row.state in WITH_ROWS and row.key not in known],
        sealing=[one for one in in_use if sealing_name(one) not in alive],
        retired=retired,
    )


def _logged(session: Session, keys: dict[str, str]) -> set[str]:
    """The keys of submissions that the log says are destroyed."""
    said = select(EntryRow.subject).where(EntryRow.operation == Operation.ERASURE, EntryRow.what == "submission destroyed")
    return {keys[subject] for subject in session.execute(said).scalars() if subject in keys}


def _hub_keys(session: Session, keyring: Keyring) -> set[str]:
    """Names of the hub's own signing keys that the log says are destroyed."""
    names = fingerprints(keyring)
    said = select(EntryRow.subject).where(EntryRow.subject.in_(names), EntryRow.what == "hub key destroyed")
    return {names[one] for one in session.execute(said).scalars()}


def fingerprints(keyring: Keyring) -> dict[str, str]:
    """Fingerprint → name of every signing key of the hub's own."""
    pairs = (zip(keyring.every(use), keyring.names(use), strict=True) for use in USES)
    return {key.public.fingerprint: name for one in pairs for key, name in one}


def _epochs(session: Session, dead: Collection[str]) -> tuple[list[str], set[Epoch]]:
    """Agreements that count on a destroyed re-key key, and the epochs that are retired.

    Left out is what a crash may have interrupted: epochs of agreements whose end is being settled, and those that a newer one has replaced.
    """
    over = set(ended(session))
    rows = list(session.execute(select(EpochRow.reference, EpochRow.epoch, EpochRow.retired_at).order_by(EpochRow.epoch)))
    newest = {row.reference: str(row.epoch) for row in rows if row.retired_at is None and row.reference not in over}
    counting = set(newest.items())
    spent = {(row.reference, str(row.epoch)) for row in rows if row.retired_at is not None}
    return sorted({epoch[0] for name in dead if (epoch := epoch_of(name)) in counting}), spent


def epoch_of(name: str) -> Epoch | None:
    """Agreement and epoch of a re-key key's name; None for any other name."""
    parts = name.removeprefix(REKEY).rsplit("/", 2)
    return (parts[0], parts[2]) if name.startswith(REKEY) and len(parts) == 3 else None


def _log(session: Session, hub: Hub) -> Iterator[str]:
    match compare(session, hub.second):
        case Ahead(held, known):
            yield f"The database's log has {known:,} entries and its second store {held:,}."
        case Forked(number):
            yield f"Entry {number} of the log is another one in its second store: they do not belong together."


def mark(settings: Settings) -> Path:
    """The file that a restore leaves beside the locks until it is finished by a replay."""
    return settings.home / "restored"


def _unfinished(hub: Hub) -> Iterator[str]:
    if mark(hub.settings).exists():
        yield "A backup was put back, and nothing has been done again yet."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
