"""Disposal: how long until a submission is destroyed and certified, for one part and for a thousand.

``exchange.submissions.retention.dispose`` on a real hub folder. Destroyed means: the intention logged, the key gone from the keystore for
ever, the certificate signed and logged. What is left is unreadable, and is cleared away afterwards; that takes time for each part, and is
measured beside it. The submissions are put straight into the hub, parts of 64 KiB of random bytes: nothing of them is ever read.

    .venv/bin/python -m benchmarks.disposal --parts 1000 --repeats 9
"""

import argparse
import os
import secrets
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import SUPPLIER, Result, Stopwatch, peak_mb
from benchmarks.rig import Rig, build
from exchange.db import reading, writing
from exchange.keyring import submission_name
from exchange.objects import Objects
from exchange.submissions import retention, sealing
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState

LIMIT = 1.5
PART = os.urandom(64 << 10)


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    run(given.parts, given.repeats).show()


def run(parts: int, repeats: int) -> Result:
    """Small and large in turn, so that a busy machine slows both."""
    sizes = (1, parts)
    times: dict[str, list[float]] = {f"{what} {size}": [] for what in ("destroyed", "cleared") for size in sizes}
    with tempfile.TemporaryDirectory() as scratch:
        rig = build(Path(scratch) / "hub")
        for _ in range(repeats):
            for size in sizes:
                destroyed, cleared = dispose(rig, put(rig, size))
                times[f"destroyed {size}"].append(destroyed)
                times[f"cleared {size}"].append(cleared)
    middle = {name: statistics.median(each) * 1000 for name, each in times.items()}
    ratio = middle[f"destroyed {parts}"] / middle["destroyed 1"]
    return Result(
        "disposal",
        f"a submission of {parts:,} parts destroyed and certified",
        f"{middle[f'destroyed {parts}']:.1f} ms (then cleared away in {middle[f'cleared {parts}']:.0f} ms)",
        f"{middle['destroyed 1']:.1f} ms for one of 1 part (cleared away in {middle['cleared 1']:.1f} ms)",
        ratio,
        f"<= {LIMIT}",
        ratio <= LIMIT,
        peak_mb(),
        {"parts": parts, "milliseconds": middle},
    )


def dispose(rig: Rig, submission: str) -> tuple[float, float]:
    """Seconds until the certificate, and from there until nothing is left."""
    hub, now = rig.hub, datetime.now(UTC)
    clear = retention.clear
    try:
        retention.clear = lambda *_: None  # the last step, timed by itself below
        with Stopwatch() as destroyed:
            retention.dispose(hub.engine, hub.keyring, hub.places, submission, now)
    finally:
        retention.clear = clear
    with Stopwatch() as cleared:
        retention.clear(hub.engine, hub.places, submission)
    with reading(hub.engine) as session:
        row = session.get_one(SubmissionRow, submission)
        assert row.certificate is not None
        assert not row.held
        assert not hub.places.held.beginning(f"{submission.removeprefix('sub-')}.")
    return destroyed.seconds, cleared.seconds


def put(rig: Rig, parts: int) -> str:
    """A held submission of so many parts, its key in the keystore, an object and two rows for each; returns its id."""
    hub, identity = rig.hub, f"sub-{secrets.token_hex(12)}"
    key = hub.keyring.store.create(submission_name(identity))
    names = [f"{identity.removeprefix('sub-')}.{number}.{secrets.token_hex(4)}.parquet" for number in range(1, parts + 1)]
    held = hub.places.held
    assert isinstance(held, Objects)
    for name in names:
        draft = held.draft(name)
        draft.write_bytes(PART)
        draft.replace(held.path(name))
    wrapped = hub.keyring.store.wrap(submission_name(identity), key)
    digest, now = "sha256:" + secrets.token_hex(32), datetime.now(UTC)
    with writing(hub.engine) as session:
        row = SubmissionRow(
            id=identity,
            key=submission_name(identity),
            upload=secrets.token_hex(16),
            supplier=SUPPLIER,
            reference=rig.agreement.reference,
            agreement=rig.agreement.digest,
            dataset="charges",
            period="2021-04",
            state=SubmissionState.HELD,
            rows=parts,
            rows_digest=digest,
            sealing_key=sealing.current(session).id,
            manifest={"document": {"version": 1, "parts": [{"sha256": digest, "size": len(PART), "rows": 1} for _ in names]}},
            manifest_digest=digest,
            dispose_on=now.date(),
            received_at=now,
        )
        row.parts = [PartRow(number=number, sha256=digest, size=len(PART), arrived_at=now) for number in range(1, parts + 1)]
        row.held = [
            HeldPartRow(number=number, object=name, wrapped_key=wrapped, aad=f"{identity}/{number}", rows=1)
            for number, name in enumerate(names, 1)
        ]
        session.add(row)
    return identity


if __name__ == "__main__":
    main()
