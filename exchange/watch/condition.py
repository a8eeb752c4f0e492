"""What is the matter with the hub, in plain words: facts in, findings out. Pure; time is one of the facts.

A finding names a cause, since when as far as that is known, and what to do. Its words name no submission, agreement or organisation: they
may be shown to whoever may ask whether the hub is ready. ``about`` names them, for the operator alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

QUIET = timedelta(minutes=10)  # how long no host may have run the schedule: its shortest jobs run every minute
FAILED = 3  # how often a job fails in a row before it is a finding: once may be a busy database
UNOPENED = timedelta(minutes=30)  # how long a whole submission may wait to be opened
UNBACKED = timedelta(hours=36)  # how old the newest backup may be: docs/restore.md asks for one a day
UNRENEWED = timedelta(days=5)  # a new sealing key comes when the newest has seven days to go
SOON = timedelta(days=30)  # how long before its last day an agreement's end is said
RECENT = timedelta(minutes=15)  # how long ago requests were last turned away
NEARLY = 0.8  # the share of a quota from which on it is said


class Severity(IntEnum):
    """How much it matters. ``NOTE``: for others to do; ``ATTENTION``: the operator must act; ``STOPPED``: the hub is not ready to serve."""

    NOTE = 0
    ATTENTION = 1
    STOPPED = 2


class Cause(StrEnum):
    """What may be the matter; the most pressing first."""

    DATABASE = "database"
    SCHEMA = "schema"
    KEYSTORE = "keystore"
    RESTORED = "restored"
    LOG = "log"
    ROOTS = "root-keys"
    ROOM = "room"
    CLOCK = "clock"
    SCHEDULE = "schedule"
    JOB = "job"
    OVERDUE = "destruction-overdue"
    OPENING = "opening"
    SEALING = "sealing-key"
    BACKUP = "backup"
    QUOTA = "quota"
    LIMIT = "limit"
    NOTICES = "notices"
    EXPIRY = "expiry"
    REVIEW = "review"
    CHECKS = "checks"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True)
class Finding:
    """One thing that is the matter.

    Attributes:
        words: what, in plain words, without any name.
        remedy: what to do.
        since: since when, if that is known.
        about: which ones, for the operator.
    """

    cause: Cause
    severity: Severity
    words: str
    remedy: str
    since: datetime | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """A folder's disk: bytes free, and bytes that the settings keep free."""

    name: str
    free: int
    keep: int


@dataclass(frozen=True)
class Job:
    """A job of the schedule: how often it failed since it last went well, since when, and the kind of the last error."""

    name: str
    failures: int = 0
    since: datetime | None = None
    kind: str = ""


@dataclass(frozen=True)
class Share:
    """How much of the submissions and the bytes that one supplier may have unfinished is taken up, from 0 to 1 and beyond."""

    supplier: str
    taken: float


@dataclass(frozen=True)
class Facts:
    """What was seen of the hub at one moment. What could not be seen is as if nothing were the matter with it; why not, is a fact itself.

    Attributes:
        now: the hub's clock.
        began: when its log began: younger than an age, it cannot have neglected anything for that long.
        database: whether the database answers.
        schema: whether its schema is this code's.
        keystore: whether the keys can be read; ``keyless``: why not, where that is known.
        rootless: why the keys that were read can be neither changed nor read again; empty where they can.
        restored: what stands in the way of serving after a restore, a sentence each.
        unlogged: why the log, or its second store, cannot be written; empty where it can.
        rooms: disks, or none where things lie elsewhere.
        clock: in words, how far the clock is ahead; empty where it is believed.
        beat: when any host last ran a job of the schedule.
        jobs: what the schedule does.
        unopened: when the longest waiting submission became whole; ``stuck``: how many were tried in vain.
        overdue: how many destructions are past their day.
        sealing: when the newest sealing key ends.
        backup: when the last backup was finished.
        shares: what suppliers take up.
        turned_away: when requests were last refused because there were too many.
        given_up: notices that could not be delivered.
        expiring, reviews, late, silent: in words, one each.
        checks: how many editions wait to be checked.
    """

    now: datetime
    began: datetime | None = None
    database: bool = True
    schema: bool = True
    keystore: bool = True
    keyless: str = ""
    rootless: str = ""
    restored: Sequence[str] = ()
    unlogged: str = ""
    rooms: Sequence[Room] = ()
    clock: str = ""
    beat: datetime | None = None
    jobs: Sequence[Job] = ()
    unopened: datetime | None = None
    stuck: int = 0
    overdue: int = 0
    sealing: datetime | None = None
    backup: datetime | None = None
    shares: Sequence[Share] = ()
    turned_away: datetime | None = None
    given_up: int = 0
    expiring: Sequence[str] = ()
    reviews: Sequence[str] = ()
    checks: int = 0
    late: Sequence[str] = ()
    silent: Sequence[str] = ()


def findings(facts: Facts) -> list[Finding]:
    """What is the matter, the most severe first."""
    found = [*_stops(facts), *_machine(facts), *_work(facts), *_bounds(facts), *_people(facts)]
    order = list(Cause)
    return sorted(found, key=lambda one: (-one.severity, order.index(one.cause), one.about))


def worst(found: Sequence[Finding]) -> Severity:
    """The greatest severity among them."""
    return max((one.severity for one in found), default=Severity.NOTE)


def ready(found: Sequence[Finding]) -> bool:
    """Whether nothing keeps the hub from serving."""
    return worst(found) < Severity.STOPPED


def _stops(facts: Facts) -> Iterator[Finding]:
    """What the hub must not, or cannot, serve with."""
    if not facts.database:
        remedy = "See that the database runs and that the hub may reach it; its disk may be full."
        yield Finding(Cause.DATABASE, Severity.STOPPED, "The database does not answer.", remedy)
    if not facts.schema:
        remedy = "Stop the hub, take a backup, and run: exchange init --upgrade"
        yield Finding(Cause.SCHEMA, Severity.STOPPED, "The database is of another version of the hub.", remedy)
    if not facts.keystore:
        remedy = "See that the keystore's folder, the root keys and what opens them are there, and that the key service answers."
        about = (facts.keyless,) if facts.keyless else ()
        yield Finding(Cause.KEYSTORE, Severity.STOPPED, "The keystore cannot be read.", remedy, about=about)
    if facts.restored:
        words = "The hub was restored, and what was destroyed since has not been destroyed again."
        yield Finding(
            Cause.RESTORED, Severity.STOPPED, words, "Stop the hub and run: exchange restore --replay", about=tuple(facts.restored)
        )
    if facts.unlogged:
        remedy = "Make room where the log and its second store lie, and see that the hub may write there; it goes on by itself."
        words = "The log or its second store cannot be written, so nothing is accepted."
        yield Finding(Cause.LOG, Severity.STOPPED, words, remedy, about=(facts.unlogged,))


def _machine(facts: Facts) -> Iterator[Finding]:
    """What the machine lacks."""
    if facts.rootless:
        words = "The keystore cannot be changed: what is sent waits, nothing is destroyed, and a hub that starts has no keys."
        remedy = "See that the root keys and what opens them are there, and that the key service answers; it goes on by itself."
        yield Finding(Cause.ROOTS, Severity.ATTENTION, words, remedy, about=(facts.rootless,))
    for room in facts.rooms:
        if room.free < room.keep:
            words = "A disk has less room than the hub keeps free: submissions are refused until there is more."
            about = (f"{room.name}: {_size(room.free)} free, of {_size(room.keep)} to be kept",)
            yield Finding(Cause.ROOM, Severity.ATTENTION, words, "Make room, or put the folder on a larger disk.", about=about)
    if facts.clock:
        remedy = "Look at the machine's clock. If it is right: exchange retention confirm"
        yield Finding(
            Cause.CLOCK, Severity.ATTENTION, "The clock is ahead, and nothing is destroyed meanwhile.", remedy, about=(facts.clock,)
        )
    if _longer(facts, facts.beat, QUIET):
        remedy = "Start exchange serve, or exchange worker, on one host at least, with schedule = true."
        words = f"Nobody has run the schedule for more than {int(QUIET.total_seconds() // 60)} minutes."
        yield Finding(Cause.SCHEDULE, Severity.ATTENTION, words, remedy, facts.beat)
    if _longer(facts, facts.backup, UNBACKED):
        words = "The last backup is too old." if facts.backup else "There has never been a backup."
        yield Finding(Cause.BACKUP, Severity.ATTENTION, words, "Run: exchange backup OUT, every day.", facts.backup)


def _size(count: int) -> str:
    return f"{count / (1 << 30):,.1f} GiB"


def _work(facts: Facts) -> Iterator[Finding]:
    """What the hub should have done by itself."""
    for job in facts.jobs:
        if job.failures >= FAILED:
            remedy = "The hub's log on standard error has the place of each failure; it is tried again by itself."
            words = f"{job.name}: {job.kind}, {job.failures} times"
            yield Finding(Cause.JOB, Severity.ATTENTION, "A job of the schedule fails again and again.", remedy, job.since, (words,))
    if facts.overdue and not facts.clock:
        yield Finding(
            Cause.OVERDUE,
            Severity.ATTENTION,
            f"{facts.overdue} × something that is past its day is not destroyed yet.",
            "See what: exchange retention due. Destroy it: exchange retention run",
        )
    waited = facts.unopened is not None and facts.now - facts.unopened > UNOPENED
    if waited or facts.stuck:
        about = (f"{facts.stuck} tried in vain",) if facts.stuck else ()
        remedy = "See that a worker runs; a part that needs more memory or time than it may have is refused in the end."
        yield Finding(
            Cause.OPENING,
            Severity.ATTENTION,
            "Submissions wait to be opened for too long.",
            remedy,
            facts.unopened if waited else None,
            about,
        )
    if facts.sealing is not None and facts.sealing <= facts.now + UNRENEWED:
        remedy = "Nobody can send anything once it has ended: let the schedule run, and see that the keystore can be written."
        yield Finding(
            Cause.SEALING,
            Severity.ATTENTION,
            "The weekly sealing key has not been renewed.",
            remedy,
            about=(f"{'it ends' if facts.sealing > facts.now else 'it ended'} on {facts.sealing:%Y-%m-%d}",),
        )


def _bounds(facts: Facts) -> Iterator[Finding]:
    """Quotas and limits that are being met."""
    if taken := tuple(f"{one.supplier}: {one.taken:.0%}" for one in facts.shares if one.taken >= NEARLY):
        words = "A supplier has taken up nearly all, or all, that it may have unfinished."
        remedy = "Ask it to finish or withdraw what it began; or raise unfinished, or staged_bytes."
        yield Finding(Cause.QUOTA, Severity.ATTENTION, words, remedy, about=taken)
    if facts.turned_away is not None and facts.now - facts.turned_away <= RECENT:
        remedy = "If they were no attack: raise tries_per_minute or calls_per_minute, or set proxies where a proxy stands before the hub."
        yield Finding(Cause.LIMIT, Severity.NOTE, "Requests are turned away because there are too many.", remedy, facts.turned_away)
    if facts.given_up:
        words = f"{facts.given_up} × a notice could not be delivered."
        yield Finding(Cause.NOTICES, Severity.ATTENTION, words, "See why: exchange notify list. Try the way again: exchange notify test ID")


def _people(facts: Facts) -> Iterator[Finding]:
    """What people have to do."""
    told = (
        (Cause.EXPIRY, facts.expiring, "An agreement ends soon, and what flows under it with it.", "Its parties sign a new version."),
        (Cause.REVIEW, facts.reviews, "An agreement is to be reviewed.", "Its parties review it, and sign a new version."),
        (Cause.LATE, facts.late, "Data are late.", "Their suppliers push them; see: exchange status"),
        (Cause.SILENT, facts.silent, "A supplier's client gives no sign of life.", "Ask the supplier whether its machine runs."),
    )
    for cause, about, words, remedy in told:
        if about:
            yield Finding(cause, Severity.NOTE, words, remedy, about=tuple(about))
    if facts.checks:
        words = f"{facts.checks} × an edition waits to be checked."
        yield Finding(Cause.CHECKS, Severity.NOTE, words, "Two of its checkers look at it.")


def _longer(facts: Facts, since: datetime | None, than: timedelta) -> bool:
    """Whether something was last seen longer ago than it may; of what was never seen, whether the hub is older than that."""
    last = since or facts.began
    return last is not None and facts.now - last > than
