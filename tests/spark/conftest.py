"""One Spark for all these tests, and a hub's keystore and objects whose rows its workers open by reference."""

import importlib.util
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from exchange.keystores import make_keystore
from exchange.objects import Objects
from exchange.references import HeldRows, PartReference
from exchange.releases.engine import Engine, OnSpark
from keys.keystore import Keystore
from keys.parquet import EncryptedWriter, new_data_key
from tests.exchange.measures.conftest import held, invented  # noqa: F401  # fixtures
from tests.exchange.standing import settings_in

# Spark has an environment of its own: elsewhere these are not collected.
collect_ignore_glob = [] if importlib.util.find_spec("pyspark") else ["test_*.py"]

if importlib.util.find_spec("pyspark"):
    from exchange.releases import on_spark


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PySpark leaves sockets to the garbage collector."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"):
                item.add_marker(pytest.mark.filterwarnings(warning))


@dataclass(frozen=True)
class Sealed:
    """A hub's keystore and objects, and rows in them as a hub holds rows: parts under data keys of their own, wrapped by a submission's."""

    folder: Path
    keystore: Keystore
    objects: Objects

    def hold(self, rows: pa.Table, name: str, part_rows: int = 4_000) -> HeldRows:
        """Rows in parts, in their order."""
        key, parts = f"submission/{name}", []
        self.keystore.get_or_create(key)
        for number, begin in enumerate(range(0, rows.num_rows, part_rows)):
            part, data_key, aad = rows.slice(begin, part_rows), new_data_key(), f"{name}/{number}"
            place = f"{name}-{number}".lower()
            draft = self.objects.draft(place)
            with EncryptedWriter(draft, rows.schema, data_key, aad) as writer:
                writer.write(part)
            self.objects.keep(draft, place)
            parts.append(PartReference(place, key, self.keystore.wrap(key, data_key), aad, part.num_rows))
        return HeldRows(rows.schema, tuple(parts))

    def hold_all(self, rows: Mapping[tuple[str, str], pa.Table]) -> dict[tuple[str, str], HeldRows]:
        """Every relation."""
        return {place: self.hold(one, f"s-{secrets.token_hex(6)}") for place, one in rows.items()}


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("sealed")
    settings = settings_in(folder)
    for name in ("objects", "staging", "keystore", "roots"):
        (folder / name).mkdir(mode=0o700)
    settings.credential.write_text(secrets.token_hex(32))
    settings.credential.chmod(0o600)
    return Sealed(folder, make_keystore(settings), Objects(folder / "objects"))


@dataclass(frozen=True)
class Shared(OnSpark):
    """Spark that is running already: eight seconds a test less."""

    running: "on_spark.Session | None" = field(default=None, compare=False)

    def open(self) -> Engine:
        return on_spark.SparkEngine(self, self.running)


@pytest.fixture(scope="session")
def spark(sealed: Sealed) -> Iterator[Shared]:
    means = OnSpark(settings_in(sealed.folder), sealed.folder, master="local[2]", memory="1g", partitions=2)
    running = on_spark.Session(means)
    yield Shared(**{name: getattr(means, name) for name in ("settings", "scratch", "master", "memory", "partitions")}, running=running)
    running.close()
