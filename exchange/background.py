"""What a process does by itself: open submissions, and stand for the schedule, which one process of all hosts runs.

``exchange serve`` does it beside serving, in one of its processes; ``exchange worker`` does nothing else. On SQLite, whose file one host
has, the schedule's turn is a lock on a file; on PostgreSQL an advisory lock there.
"""

import logging
import secrets
from contextlib import suppress
from typing import IO

from apscheduler.schedulers.background import BackgroundScheduler

from exchange import schedule
from exchange.hub import Hub
from exchange.leader import AdvisoryTurn, FileTurn, Standing, Turn, take
from exchange.settings import Settings
from exchange.submissions.leases import forget
from exchange.workers import Worker, Working

SCHEDULING = "scheduler.lock"  # whose turn the schedule is on this host
BESIDE = "background.lock"  # which of the processes that serve does this
PRESENT = "present.lock"  # shared by all that are at work: who has it alone knows that nobody is
GRACE = 12.0
"""Seconds that a submission may take to be finished when its worker is told to stop."""
logger = logging.getLogger("exchange.background")


def host_of(settings: Settings) -> str:
    """The id of this host, made once and kept in its folder: whose leases nobody else's are."""
    path = settings.home / "host"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"host.{secrets.token_hex(4)}")
        draft.write_text(secrets.token_hex(8), encoding="ascii")
        with suppress(FileExistsError):  # of two that begin at once, one makes it; whole, or not at all
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii")


class Background:
    """What one process does by itself, begun and ended. ``work``: whether it opens submissions."""

    def __init__(self, hub: Hub, *, work: bool) -> None:
        self._hub, self._work = hub, work
        self._working: Working | None = None
        self._standing: Standing | None = None
        self._scheduler: BackgroundScheduler | None = None
        self._present: IO[str] | None = None
        self._ending = False

    def begin(self) -> None:
        """Start its threads. OSError where somebody must be alone with the hub and goes on being so."""
        hub, home = self._hub, self._hub.settings.home
        if (alone := take(home / PRESENT, 0)) is not None:  # nobody of this host is at work, so whose leases these were is gone
            with alone:
                if freed := forget(hub.engine, host_of(hub.settings)):
                    logger.warning("a worker of this host was killed", extra={"submissions": freed})
        self._present = take(home / PRESENT, 30, shared=True)
        if self._present is None:
            raise BlockingIOError("somebody is alone with this hub: a restore, or another start of it")
        if self._work:
            self._working = Working(Worker(hub, host_of(hub.settings)))
            self._working.start()
        turn = self._turn()
        if turn is not None:
            self._standing = Standing(turn, lambda: self._lead(turn), self._step_down)
            self._standing.start()

    def _turn(self) -> Turn | None:
        settings = self._hub.settings
        if self._hub.engine.dialect.name == "postgresql":
            return AdvisoryTurn(settings.database_url, stands=settings.schedule, name=host_of(settings))
        return FileTurn(settings.home / SCHEDULING) if settings.schedule else None

    def _lead(self, turn: Turn) -> None:
        self._scheduler = schedule.start(self._hub, turn.sure)

    def _step_down(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=self._ending)  # who loses the turn waits for nothing: what it has begun is safe beside the next
        self._scheduler = None

    @property
    def leads(self) -> bool:
        """Whether the schedule is this process's."""
        return self._standing is not None and self._standing.leads

    def end(self) -> None:
        """Stop them: a submission is finished or given back, the schedule is another's."""
        self._ending = True
        if self._standing is not None:
            self._standing.stop()
        if self._working is not None:
            self._working.stop(GRACE)
        if self._present is not None:
            self._present.close()


def beside(hub: Hub) -> Standing:
    """For a process that serves: of those of this host, the one that has the turn does what the settings want."""
    doing = Background(hub, work=hub.settings.work)
    return Standing(FileTurn(hub.settings.home / BESIDE), doing.begin, doing.end)
