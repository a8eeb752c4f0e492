"""What every door needs, in one value: settings, database, keyring, places, and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from exchange.db import make_asker, make_engine
from exchange.keyring import Keyring
from exchange.keystores import open_keystore
from exchange.limits import Limits
from exchange.log import flushing
from exchange.log.folder_store import FolderStore
from exchange.log.second import SecondStore
from exchange.log.shared_store import SharedStore
from exchange.objects import Places
from exchange.places import objects_in, space_of
from exchange.settings import Settings


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Hub:
    """One hub, wired."""

    settings: Settings
    engine: Engine
    keyring: Keyring
    places: Places
    clock: Callable[[], datetime] = now

    @cached_property
    def second(self) -> SecondStore:
        """The log's second store."""
        return flushing.of(self.engine) or second_store(self.settings)

    @cached_property
    def asker(self) -> Engine:
        """The same database, for single queries outside any transaction."""
        return make_asker(self.settings.database_url)

    @cached_property
    def limits(self) -> Limits:
        """How often this process may be asked."""
        return Limits(self.settings.tries_per_minute, self.settings.calls_per_minute)


def second_store(settings: Settings) -> SecondStore:
    """The log's second store: a folder, or a space on an S3-compatible service; nothing is asked of it yet."""
    place = settings.second_store
    if isinstance(place, Path):
        return FolderStore(place)
    return SharedStore(space_of(settings, place), timedelta(days=settings.leaves_lock_days))


def open_hub(settings: Settings, clock: Callable[[], datetime] = now) -> Hub:
    """Wire a hub from its settings."""
    places = Places(objects_in(settings, settings.staging, renews=True), objects_in(settings, settings.objects))
    engine = make_engine(settings.database_url)
    flushing.attach(engine, second_store(settings))
    return Hub(settings, engine, Keyring(open_keystore(settings)), places, clock)
