"""A program: an edition's kind of work over planted rows, with little memory, and then a look at all that Spark wrote, sent, planned and holds.

python -m tests.spark.planted FOLDER on|off [hosts]      prints what was found, as JSON; with "off" Spark encrypts nothing; "hosts": on a cluster of two
"""

import base64
import json
import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa

from exchange.keystores import make_keystore
from exchange.objects import Objects
from exchange.references import HeldRows
from exchange.releases.engine import OnSpark
from exchange.releases.on_spark import COMPILER, Session, SparkEngine
from exchange.releases.spark_hosts import program
from exchange.settings import Settings
from keys.files import write_new
from tests.exchange.standing import settings_in
from tests.functional.hosts import until
from tests.postgres import free_port
from tests.spark.cluster import cluster
from tests.spark.conftest import Sealed

_EVERYTHING, _RCVBUFFORCE = 3, 33  # ETH_P_ALL, SO_RCVBUFFORCE: Linux's, and not Python's
ROWS, NAME = 40_000, "Zebediah Quillfeather"
PSEUDONYM = b"\xf0planted-pseud\xfa\xfe"
OFF = {"spark.io.encryption.enabled": "false", "spark.authenticate": "false", "spark.network.crypto.enabled": "false"}
LITTLE = {
    # Uncompressed, so that whatever is not found is hidden by encryption alone.
    "spark.shuffle.compress": "false",
    "spark.shuffle.spill.compress": "false",
    "spark.shuffle.spill.numElementsForceSpillThreshold": "2000",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.enabled": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}

HOSTS = ("master", "worker-1", "worker-2")
# An executor on each of two hosts, and nothing begins before both are there: so that one fetches from the other.
BOTH = {"spark.cores.max": "2", "spark.executor.cores": "1", "spark.scheduler.minRegisteredResourcesRatio": "1.0"}


def spellings(value: bytes) -> list[bytes]:
    """As it is, in hexadecimal, in base64 at each of its three places, as UTF-16."""
    found = [value, value.hex().encode(), value.hex().upper().encode()]
    for lead in range(3):
        found.append(base64.b64encode(b"\0" * lead + value)[4 if lead else 0 : -4])
    if value.isascii():
        found += [value.decode().encode("utf-16-le"), value.decode().encode("utf-16-be")]
    return found


class Listener(threading.Thread):
    """All that is said between the cluster's hosts, in a file; nothing without root."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self.file, self.over = file, threading.Event()
        self.may = os.geteuid() == 0

    def run(self) -> None:
        if not self.may:
            return
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERYTHING)) as ear, self.file.open("wb") as file:
            ear.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, 256 << 20)
            ear.bind(("lo", 0))
            ear.settimeout(0.2)
            while not self.over.is_set():
                with suppress(TimeoutError):
                    frame = ear.recv(1 << 17)
                    # Both ends are hosts of the cluster: the workers, and the driver where it speaks to one of them.
                    if frame[26:29] == frame[30:33] == b"\x7f\0\0" and b"\1" != frame[29:30] != frame[33:34]:
                        file.write(frame)


class Keeper(threading.Thread):
    """Hard links of every file that appears, so that those deleted at once are looked into as well."""

    def __init__(self, folder: Path, into: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.into, self.over = folder, into, threading.Event()
        self.seen: dict[Path, Path] = {}

    def run(self) -> None:
        while not self.over.wait(0.002):
            self.look()

    def look(self) -> None:
        for path in self.folder.rglob("*"):
            if path not in self.seen:
                try:
                    if path.is_file():
                        kept = self.into / f"{len(self.seen)}-{path.name}"
                        os.link(path, kept)
                        self.seen[path] = kept
                except OSError:
                    continue


@contextmanager
def hosts(folder: Path, settings: Settings, more: Mapping[str, str]) -> Iterator[Settings]:
    """A master and two workers, who open rows by a settings file of their own; the settings of a hub that has them work."""
    write_new(folder / "secret", b"0123456789abcdef" * 4)
    by_hosts = folder / "hub.toml"
    paths = {name: getattr(settings, name) for name in ("objects", "staging", "keystore", "roots", "credential", "codes", "home")}
    words = {"public_url": settings.public_url, "origin": settings.origin, "database_url": settings.database_url, **paths}
    by_hosts.write_text("".join(f'{name} = "{value}"\n' for name, value in words.items()))
    master = f"spark://127.0.0.1:{free_port()}"
    mine = replace(settings, spark_master=master, spark_address="127.0.0.1", spark_secret_file=folder / "secret")
    with cluster(folder / "said") as found:
        for number, name in enumerate(HOSTS, 1):
            home = folder / "scratch" / name
            home.mkdir()
            there = replace(mine, home=home, spark_address=f"127.0.0.{number}")
            found.start(name, program(there, by_hosts, name.partition("-")[0], more))
        yield mine


@dataclass
class Seen:
    """What an edition's kind of work left to look at."""

    answer: list[dict[str, object]]
    plan: str
    heap: bytes


def work(running: Session, engine: SparkEngine, rows: HeldRows, heap: Path) -> Seen:
    """Planted rows joined with themselves, sorted and counted; the plan of it, and the memory of the JVM after it."""
    one, other = engine.register(rows), engine.register(rows).rename(theirs="id", their_name="name", their_row="row number")
    both = one.inner_join(other, one["id"] == other["theirs"])
    ranked = both.mutate(place=ibis.row_number().over(group_by=both["name"].length(), order_by=[both["their_name"]]))
    expression = ranked.aggregate(rows=ranked.count(), last=ranked["place"].max())
    answer = engine.run(expression).to_pylist()
    plan = running.session.sql(COMPILER.to_sqlglot(expression.unbind()).sql(dialect=COMPILER.dialect))._jdf.queryExecution().toString()
    jvm = running.session.sparkContext._jvm
    bean = jvm.java.lang.Class.forName("com.sun.management.HotSpotDiagnosticMXBean")
    jvm.java.lang.management.ManagementFactory.getPlatformMXBean(bean).dumpHeap(str(heap), False)
    return Seen(answer, plan, heap.read_bytes())


def main(folder: Path, encrypted: bool, many: bool) -> dict[str, object]:
    """What was found of the planted values and keys: in files of each kind, on the way, in the plan, in the JVM's memory."""
    off = {} if encrypted else OFF
    settings = settings_in(folder)
    for name in ("objects", "staging", "keystore", "roots", "scratch", "kept", "events"):
        (folder / name).mkdir()
    settings.credential.write_text("0" * 64)
    settings.credential.chmod(0o600)
    sealed = Sealed(folder, make_keystore(settings), Objects(folder / "objects"))
    ids = pa.array(
        [PSEUDONYM[:12] + int(number).to_bytes(4, "big") for number in np.random.default_rng(1).permutation(ROWS)], pa.binary(16)
    )
    rows = sealed.hold(pa.table({"id": ids, "name": [f"{NAME} {number}" for number in range(ROWS)]}), "planted", part_rows=10_000)
    more = {**LITTLE, "spark.eventLog.dir": (folder / "events").as_uri(), **off}
    keeper, listener = Keeper(folder / "scratch", folder / "kept"), Listener(folder / "heard")
    with ExitStack() as stop:
        if many:
            settings = stop.enter_context(hosts(folder, settings, off))
            more |= BOTH
        means = OnSpark(settings, folder / "scratch", settings.spark_master if many else "local[2]", "512MiB", 4, more)
        running = Session(means)
        keeper.start()
        listener.start()
        engine = stop.enter_context(SparkEngine(means, running))
        seen = work(running, engine, rows, folder / "heap.hprof")
        keeper.look()
        keeper.over.set()
        listener.over.set()
        keeper.join()
        listener.join()
        running.close()
        if many:
            until(lambda: not left(folder / "scratch"), "the hosts clear away what an edition wrote", 90)
    return report(folder, sealed, rows, seen, list(keeper.seen.values()))


def report(folder: Path, sealed: Sealed, rows: HeldRows, seen: Seen, files: Sequence[Path]) -> dict[str, object]:
    """Look for what was planted, and for keys, in all of it."""
    data_keys = [sealed.keystore.unwrap(part.key, part.wrapped) for part in rows.parts]
    wrapped = [base64.b64encode(part.wrapped) for part in rows.parts]
    planted = [*spellings(NAME.encode()), *spellings(PSEUDONYM[:12])]
    keys = [one for key in (*data_keys, sealed.keystore.get(rows.parts[0].key)) for one in spellings(key)]
    kinds, events = kinds_of(files), list((folder / "events").iterdir())
    heard = (folder / "heard").read_bytes() if (folder / "heard").exists() else b""
    return {
        "answer": seen.answer,
        "files": {kind: len(paths) for kind, paths in kinds.items()},
        "planted in": {kind: sum(has(path.read_bytes(), planted) for path in paths) for kind, paths in kinds.items()},
        "keys in files": sum(has(path.read_bytes(), keys) for path in (*files, *events)),
        "planted in events": sum(has(path.read_bytes(), planted) for path in events),
        "spilled": sum(spilled(path) for path in events),
        "keys in plan": has(seen.plan.encode(), keys),
        "hosts": 2 if (folder / "said").exists() else 1,
        "heard": len(heard),
        "planted heard": has(heard, planted),
        "keys heard": has(heard, keys),
        "keys in JVM": has(seen.heap, keys),
        "wrapped keys in JVM": has(seen.heap, wrapped),
        "left behind": len(left(folder / "scratch")),
    }


def left(scratch: Path) -> list[Path]:
    """What is still there: anything but the hosts' homes, and in these what was spilled and shuffled."""
    here = [path for path in scratch.iterdir() if path.name not in HOSTS]
    return here + [path for path in scratch.rglob("blockmgr*/**/*") if path.is_file()]


def has(content: bytes, needles: list[bytes]) -> bool:
    """Whether any of them is there."""
    return any(needle in content for needle in needles)


def kinds_of(paths: Iterable[Path]) -> Mapping[str, list[Path]]:
    """Files by what Spark calls them: ``shuffle``, ``temp_local`` (spill), ``temp_shuffle``, other."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = path.name.split("-", 1)[1]
        kind = next((kind for kind in ("temp_local", "temp_shuffle", "shuffle") if name.startswith(kind)), "other")
        found.setdefault(kind, []).append(path)
    return found


def spilled(events: Path) -> int:
    """Bytes that tasks say they spilled to disk."""
    found = 0
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        found += (event.get("Task Metrics") or {}).get("Disk Bytes Spilled", 0)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2] == "on", sys.argv[3:] == ["hosts"])) + "\n")
