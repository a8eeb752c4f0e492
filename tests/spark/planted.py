"""A program: an edition's kind of work over planted rows, with little memory, and then a look at all that Spark wrote, planned and holds.

python -m tests.spark.planted FOLDER on|off      prints what was found, as JSON; with "off" Spark encrypts nothing
"""

import base64
import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa

from exchange.keystores import make_keystore
from exchange.objects import Objects
from exchange.releases.engine import OnSpark
from exchange.releases.on_spark import COMPILER, Session, SparkEngine
from tests.exchange.standing import settings_in
from tests.spark.conftest import Sealed

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


def spellings(value: bytes) -> list[bytes]:
    """As it is, in hexadecimal, in base64 at each of its three places, as UTF-16."""
    found = [value, value.hex().encode(), value.hex().upper().encode()]
    for lead in range(3):
        found.append(base64.b64encode(b"\0" * lead + value)[4 if lead else 0 : -4])
    if value.isascii():
        found += [value.decode().encode("utf-16-le"), value.decode().encode("utf-16-be")]
    return found


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


def main(folder: Path, encrypted: bool) -> dict[str, object]:
    """What was found of the planted values and keys: in files of each kind, in the plan, in the JVM's memory."""
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
    more = {**LITTLE, "spark.eventLog.dir": (folder / "events").as_uri(), **({} if encrypted else OFF)}
    means = OnSpark(settings, folder / "scratch", "local[2]", "512MiB", 4, more)
    running = Session(means)
    keeper = Keeper(running.folder, folder / "kept")
    keeper.start()
    with SparkEngine(means, running) as engine:
        one, other = engine.register(rows), engine.register(rows).rename(theirs="id", their_name="name", their_row="row number")
        both = one.inner_join(other, one["id"] == other["theirs"])
        ranked = both.mutate(place=ibis.row_number().over(group_by=both["name"].length(), order_by=[both["their_name"]]))
        expression = ranked.aggregate(rows=ranked.count(), last=ranked["place"].max())
        answer = engine.run(expression).to_pylist()
        plan = running.session.sql(COMPILER.to_sqlglot(expression.unbind()).sql(dialect=COMPILER.dialect))._jdf.queryExecution().toString()
        heap = folder / "heap.hprof"
        jvm = running.session.sparkContext._jvm
        bean = jvm.java.lang.Class.forName("com.sun.management.HotSpotDiagnosticMXBean")
        jvm.java.lang.management.ManagementFactory.getPlatformMXBean(bean).dumpHeap(str(heap), False)
        keeper.look()
        keeper.over.set()
        keeper.join()
        running.close()
    data_keys = [sealed.keystore.unwrap(part.key, part.wrapped) for part in rows.parts]
    wrapped = [base64.b64encode(part.wrapped) for part in rows.parts]
    planted = [*spellings(NAME.encode()), *spellings(PSEUDONYM[:12])]
    keys = [one for key in (*data_keys, sealed.keystore.get(rows.parts[0].key)) for one in spellings(key)]
    kinds = kinds_of(keeper.seen.values())
    events = list((folder / "events").iterdir())
    dumped = heap.read_bytes()
    return {
        "answer": answer,
        "files": {kind: len(paths) for kind, paths in kinds.items()},
        "planted in": {kind: sum(has(path.read_bytes(), planted) for path in paths) for kind, paths in kinds.items()},
        "keys in files": sum(has(path.read_bytes(), keys) for path in (*keeper.seen.values(), *events)),
        "planted in events": sum(has(path.read_bytes(), planted) for path in events),
        "spilled": sum(spilled(path) for path in events),
        "keys in plan": has(plan.encode(), keys),
        "keys in JVM": has(dumped, keys),
        "wrapped keys in JVM": has(dumped, wrapped),
        "left behind": len(list((folder / "scratch").iterdir())),
    }


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
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2] == "on")) + "\n")
