"""Send what waits in the outbox: each notice claimed in a transaction of its own, sent outside any, and its fate noted in a third.

At least once: whoever dies between sending and noting leaves a notice that is sent again, under the same id.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from exchange.db import queue, writing
from exchange.errors import ExchangeError, Misconfigured
from exchange.hub import Hub
from exchange.notify import hook, mail, outbox
from exchange.notify.kinds import Kind
from exchange.notify.message import Notice
from exchange.notify.subscriptions import Way
from exchange.notify.ways import Ways, read_ways
from keys.errors import KeysError

logger = logging.getLogger("exchange.notify")
MOST = 200
FAILURES = (OSError, ExchangeError, KeysError, hook.NotTakenError)


@dataclass(frozen=True)
class Sent:
    """How many notices were delivered, and how many not."""

    delivered: int = 0
    failed: int = 0


def run(hub: Hub) -> Sent:
    """Gather what has happened, and send what is due: what the schedule does."""
    ways = read_ways(hub.settings.notices)
    with writing(hub.engine) as session:
        queue(session, ["notices"], alone=True)  # of two that gather at once, the second goes on from where the first came to
        outbox.gather(session, hub.clock())
        outbox.forget(session, hub.clock())
    return deliver(hub, ways)


def deliver(hub: Hub, ways: Ways) -> Sent:
    """Send what is due, at most so many; one that fails holds up no other."""
    done, failed = 0, 0
    for _ in range(MOST):
        with writing(hub.engine) as session:
            found = outbox.claim(session, hub.clock())
        if found is None:
            break
        row, whom = found
        notice = Notice(row.id, Kind(row.kind), row.reference if whom.named else "", row.at, hub.settings.public_url)
        why = _tried(lambda: send(ways, Way(whom.way), whom.address, whom.id, notice, hub.clock()))  # noqa: B023  # called before the next
        with writing(hub.engine) as session:
            outbox.sent(session, row.id, hub.clock(), why)
        if why:
            logger.warning("a notice was not delivered", extra={"what": row.id, "kind": why})
        done, failed = done + (not why), failed + bool(why)
    return Sent(done, failed)


def send(ways: Ways, way: Way, address: str, subscription: str, notice: Notice, now: datetime) -> None:
    """Send one notice by its way. Misconfigured where that is not set up; one of ``FAILURES`` where it was not taken."""
    if way is Way.MAIL and ways.mail is not None:
        mail.send(ways.mail, address, notice)
    elif way is Way.WEBHOOK and ways.webhooks is not None:
        hook.send(ways.webhooks, address, notice, hook.secrets_of(ways.webhooks, subscription), int(now.timestamp()))
    else:
        raise Misconfigured(f"no way for notices by {way} is set up.", remedy="See the setting notices, and docs/operating.md.")


def _tried(how: Callable[[], None]) -> str:
    """The kind of failure, empty where there was none: never an answer's words, which are a stranger's."""
    try:
        how()
    except hook.NotTakenError as error:
        return str(error)
    except FAILURES as error:
        return type(error).__name__
    return ""
