"""The job list: what the hub does by itself, and how often. No logic; each job is one call, safe to repeat."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from agreements.rules import today
from exchange.db import reading, writing
from exchange.framework import drawing
from exchange.hub import Hub
from exchange.log import repeats
from exchange.notify import sending
from exchange.questions import editions_due, leap
from exchange.register import agreements, reminders
from exchange.releases import kept
from exchange.releases.engine import power_of
from exchange.settling import settle
from exchange.submissions import attendance, erasure, holds, leases, leftovers, retention, sealing
from exchange.watch import jobs, requests, telling
from exchange.workers import Worker

logger = logging.getLogger("exchange.schedule")
OPERATOR = "hub"


def process_pending(hub: Hub) -> None:
    """Open what is complete and nobody is at, each once; then raise the first failure, if there was any."""
    Worker(hub).all()


def advance_agreements(hub: Hub) -> None:
    """Bring signed agreements into force on their day, end those that have expired, and see to what that means for data and drafts."""
    with writing(hub.engine) as session:
        for moved in agreements.advance(session, hub.clock()):
            logger.info("agreement moved", extra={"what": moved})
    for done in settle(hub):
        logger.info("settled", extra={"what": done})


def remind_of_reviews(hub: Hub) -> None:
    """Remind the parties of reviews that are near or past."""
    with writing(hub.engine) as session:
        for given in reminders.remind(session, hub.clock()):
            logger.info("review due", extra={"what": given.words})


def notice_what_is_late(hub: Hub) -> None:
    """Note whose data are late and whose client is silent, each once."""
    with writing(hub.engine) as session:
        for words in attendance.notice(session, hub.clock()):
            logger.info("late", extra={"what": words})


def rotate_sealing_keys(hub: Hub) -> None:
    """Issue the week's sealing key; destroy those past their fortnight."""
    with writing(hub.engine) as session:
        sealing.rotate(session, hub.keyring, OPERATOR, hub.clock())
    leftovers.clear_lapsed(hub.engine, hub.places)
    leases.forget(hub.engine)


def dispose_due(hub: Hub) -> None:
    """End the legal holds whose last day is over; destroy what has reached its day; clear away what a crash left of it."""
    with writing(hub.engine) as session:
        for hold in holds.end_past(session, hub.clock):
            logger.info("legal hold ended", extra={"what": hold})
    with reading(hub.engine) as session:
        waiting = [row.id for row in retention.due(session, today(hub.clock()))]
        left = retention.uncleared(session)

    def one(submission: str) -> None:
        if submission in left:
            retention.clear(hub.engine, hub.places, submission)
            return
        retention.dispose(hub.engine, hub.keyring, hub.places, submission, hub.clock())
        logger.info("disposed", extra={"submission": submission})

    _each([*waiting, *left], one)
    retention.forget_reports(hub.engine, today(hub.clock()), hub.clock())


def draft_editions(hub: Hub) -> None:
    """Draft the editions that come by themselves and are due."""
    made = editions_due.draft(hub.engine, hub.keyring, hub.places.held, hub.clock, memory=power_of(hub.settings))
    for edition in made:
        logger.info("edition drafted", extra={"what": edition})


def draw_charts(hub: Hub) -> None:
    """Draw the charts of what has been published since, so that nobody waits for one. Whoever asks first would draw them too."""
    drawing.draw(hub.engine, hub.settings, hub.clock())


def finish_erasures(hub: Hub) -> None:
    """Destroy the keys and objects that erasures have replaced, where a crash came before it."""
    for submission in erasure.finish(hub.engine, hub.keyring, hub.places, hub.clock):
        logger.info("erasure finished", extra={"submission": submission})
    for done in kept.finish(hub.engine, hub.keyring, hub.clock):
        logger.info("erasure finished", extra={"what": done})


def _each(names: Sequence[str], work: Callable[[str], None]) -> None:
    """Do all of them: one that fails holds up no other. Then raise the first failure, if there was any."""
    failures: list[Exception] = []
    for name in names:
        try:
            work(name)
        except Exception as error:  # noqa: BLE001  # raised again below
            failures.append(error)
    if failures:
        raise failures[0]


def count_repeats(hub: Hub) -> None:
    """Log how often the same was refused or asked for again."""
    with writing(hub.engine) as session:
        repeats.finish(session, hub.clock())


def forget_requests(hub: Hub) -> None:
    """Forget what clients asked more than a week ago."""
    with writing(hub.engine) as session:
        requests.forget(session, hub.clock())


def look_at_the_condition(hub: Hub) -> None:
    """Put it into the outbox that something about the hub has become worse, or well again."""
    for kind in telling.tell(hub):
        logger.info("the hub's condition changed", extra={"what": kind})


def send_notices(hub: Hub) -> None:
    """Tell those who asked to be told what has happened since."""
    sending.run(hub)


JOBS: dict[str, tuple[Callable[[Hub], None], float]] = {
    "advance agreements": (advance_agreements, 60),
    "remind of reviews": (remind_of_reviews, 3600),
    "notice what is late": (notice_what_is_late, 3600),
    "count what repeats": (count_repeats, 60),
    "rotate sealing keys": (rotate_sealing_keys, 3600),
    "dispose of what is due": (dispose_due, 3600),
    "finish erasures": (finish_erasures, 60),
    "draft editions": (draft_editions, 3600),
    "look at the condition": (look_at_the_condition, 300),
    "send notices": (send_notices, 30),
    "forget old requests": (forget_requests, 3600),
}
BY_THE_CLOCK = frozenset({"advance agreements", "notice what is late", "rotate sealing keys", "dispose of what is due", "draft editions"})


def perform(name: str, job: Callable[[Hub], None], hub: Hub) -> None:
    """Do a job now; one that ends or destroys what its day has come for, only if the clock can be believed."""
    if name in BY_THE_CLOCK and leap.believed(hub.engine, hub.clock, timedelta(days=hub.settings.clock_leap_days)) is not None:
        logger.warning("the clock is ahead: confirm it", extra={"job": name})
        return
    with jobs.noted(hub.engine, name, hub.clock):
        job(hub)


def start(hub: Hub, sure: Callable[[], bool]) -> BackgroundScheduler:
    """Run every job once now, then at its interval, in the background. None is begun while it is not ``sure`` that no other host does so too."""
    defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600}
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
    every = {**JOBS, "draw charts": (draw_charts, 120)}
    for name, (job, seconds) in every.items():
        scheduler.add_job(_safely, "interval", seconds=seconds, args=[name, job, hub, sure], id=name, next_run_time=hub.clock())
    scheduler.start()
    return scheduler


def _safely(name: str, job: Callable[[Hub], None], hub: Hub, sure: Callable[[], bool]) -> None:
    """A job that fails is tried again at its next time; only the kind of error is logged, never its words."""
    if not sure():
        logger.warning("whose turn it is, is not known", extra={"job": name})
        return
    try:
        perform(name, job, hub)
    except Exception as error:  # noqa: BLE001  # the last resort of a background thread: it must live on
        logger.error("job failed", extra={"job": name, "kind": type(error).__name__})  # noqa: TRY400  # a traceback may quote values
