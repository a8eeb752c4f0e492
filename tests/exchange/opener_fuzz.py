"""A program for test_opener_fuzz.py: opens many streams as the confined process opens a part, each in a child of its own, and says how each ended.

Reads a job as the hub writes it, and then a folder of streams; writes one JSON object, name of the stream → outcome. The children have the
real limits and call the real functions; they leave out the seal alone, which nobody but a registered supplier could put on.
"""

import json
import os
import signal
import sys
from pathlib import Path

import pyarrow as pa

from agreements.columns import conform
from exchange.submissions.opener import Job, _decode, _hold, confine
from keys.rows import RowsDigest

SECONDS = 20  # a hang ends as one
OK, REFUSED, UNFORESEEN = 0, 10, 11
NAMES = {OK: "ok", REFUSED: "refused", UNFORESEEN: "refused: unforeseen"}


def child(job: Job, plain: bytes, memory: int, held: Path) -> int:
    confine(memory, SECONDS, os.getppid())
    signal.alarm(SECONDS)
    pa.set_cpu_count(1)
    try:
        table = _decode(plain, job)
        digest, breaches = RowsDigest(job.dataset.schema), False
        for batch in table.to_batches():
            breaches |= bool(conform(batch, job.dataset, job.period, digest.rows))
            digest.update(batch)
        if not breaches:
            _hold(job, {"held": str(held), "key": "A" * 43, "aad": "fuzz"}, table.columns)
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        return REFUSED
    except Exception:  # noqa: BLE001  # as opener.main: whatever a stranger's bytes set off
        return UNFORESEEN
    return OK


def main() -> None:
    document = json.load(sys.stdin)
    job, folder, found = Job.read(document), Path(sys.argv[1]), {}
    for path in sorted(folder.glob("*.arrows")):
        plain = path.read_bytes()
        if (pid := os.fork()) == 0:
            os._exit(child(job, plain, document["memory"], folder / "held.parquet"))
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        found[path.stem] = NAMES.get(code) or (f"signal {-code}" if code < 0 else f"status {code}")
    json.dump(found, sys.stdout)
