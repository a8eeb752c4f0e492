"""Races: stories begun at one moment, each in a thread and transaction of its own, and the log read afterwards."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import select

from exchange.db import reading
from exchange.errors import ExchangeError
from exchange.log.export import export, verify
from exchange.log.record import size
from exchange.log.tables import EntryRow
from tests.exchange.standing import World

Story = Callable[[], Any]


def race(*stories: Story, delays: Sequence[float | None] = ()) -> list[Any]:
    """Begin all at once, each after its delay in seconds (None: after the others have ended); what each returned, or raised of our errors."""
    waits = [*delays, *[0.0] * (len(stories) - len(delays))]
    start, running = threading.Barrier(len(stories)), sum(wait is not None for wait in waits)
    ended, over = itertools.count(1), threading.Event()

    def run(story: Story, delay: float | None) -> Any:
        start.wait()
        if delay is None:
            over.wait()
        else:
            time.sleep(delay)
        try:
            return story()
        except ExchangeError as error:
            return error
        finally:
            if delay is not None and next(ended) == running:
                over.set()

    with ThreadPoolExecutor(len(stories)) as pool:
        return list(pool.map(run, stories, waits))


def head_start(number: int, chance: random.Random, runners: int) -> list[float | None]:
    """Delays: now the last story is after all others, now before them, and mostly nobody knows. So both ends are always seen."""
    jitter: list[float | None] = [chance.uniform(0, 0.004) for _ in range(runners)]
    match number % 10:
        case 0:
            return [*jitter[:-1], None]
        case 1:
            return [None] * (runners - 1) + jitter[-1:]
        case _:
            return jitter


def entries(world: World, what: str, subject: str = "", *, since: int = 0) -> list[int]:
    """The numbers of the entries that say this (about this), from one number on, in the log's order."""
    query = select(EntryRow.number, EntryRow.entry).where(EntryRow.number >= since).order_by(EntryRow.number)
    with reading(world.hub.engine) as session:
        found = session.execute(query).all()
    return [number for number, entry in found if entry is not None and entry["what"] == what and subject in ("", entry["subject"])]


def so_far(world: World) -> int:
    """How many entries the log has."""
    with reading(world.hub.engine) as session:
        return size(session)


def verify_log(world: World) -> None:
    """The whole log, as somebody without the hub verifies it; and its times never run backwards."""
    key = world.hub.keyring.signing("log")
    with reading(world.hub.engine) as session:
        lines = list(export(session, key))
        times = list(session.execute(select(EntryRow.at).order_by(EntryRow.number)).scalars())
    verify(lines, key.public.fingerprint)
    assert times == sorted(times)
