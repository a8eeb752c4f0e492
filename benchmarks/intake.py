"""Hub intake: sealed parts to a held batch of twelve columns, two of them pseudonyms.

Ours is ``exchange.submissions.process.process`` on a real hub folder: agreement asked, confined process started, every part checked
against its digest, unsealed, decoded, validated, checked by the agreement's rules, digested, re-keyed, sorted, written encrypted, made
durable, receipt signed, log appended. The other (``benchmarks.plain_intake``) is a process that unseals and decodes the same parts with
the same reading ahead, sorts the rows by the first pseudonym as we do, and writes the same encrypted Parquet: no check, no re-keying,
no digest, no flush to disk. Both are timed from the start of their process, imports included.

    .venv/bin/python -m benchmarks.intake --rows 1000000 --repeats 3
"""

import argparse
import json
import os
import secrets
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa

from adapters.agency.parts import encode
from agreements.model import Dataset
from benchmarks.measure import EPOCH, SECRET, SUPPLIER, Result, Stopwatch, children_peak_mb, in_fresh_process, paired, peak_mb
from benchmarks.plain_intake import describe
from benchmarks.rig import Rig, build, hub_at
from exchange.db import reading, writing
from exchange.keyring import sealing_name
from exchange.objects import Objects
from exchange.submissions import intake, sealing
from exchange.submissions.process import process
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.columns import fixed_binary
from keys.encoding import unb64
from keys.formats import FORMAT, Manifest, Part
from keys.pseudonym import NORMALISER, key_check_value, rekey
from keys.rows import RowsDigest
from keys.seal import part_info, seal
from keys.sign import Use, sign_document

PERIOD, PART_ROWS = "2021-04", 262_144
LIMIT, MEMORY = 0.7, 500


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", metavar="FOLDER", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(worker(given.worker)))
    else:
        run(given.rows, given.repeats).show()


def run(rows: int, repeats: int) -> Result:
    """Ours and the other in turn, so that a busy machine slows both."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        sealed = stage(build(made), rows)
        found: dict[str, list[dict[str, float]]] = {"ours": [], "plain": [], "as sent": []}
        for number in range(repeats):
            copy = Path(scratch) / f"copy-{number}"
            copy_hub(made, copy)
            for name, flag in (("plain", "--sorted"), ("as sent", "--as-sent")):
                found[name].append(in_fresh_process("benchmarks.plain_intake", made, Path(scratch) / "plain", flag))
                shutil.rmtree(Path(scratch) / "plain")
            found["ours"].append(in_fresh_process("benchmarks.intake", "--worker", copy))
            shutil.rmtree(copy)
    times = {name: [one["seconds"] for one in each] for name, each in found.items()}
    seconds = {name: statistics.median(each) for name, each in times.items()}
    peak = max(int(one["parent_mb"] + one["child_mb"]) for one in found["ours"])
    ratio = paired(times["plain"], times["ours"])
    return Result(
        "intake",
        f"{rows:,} rows x 12 columns",
        f"{seconds['ours']:.2f} s ({rows / seconds['ours']:,.0f} rows/s)",
        f"{seconds['plain']:.2f} s",
        ratio,
        f">= {LIMIT}, < {MEMORY} MB",
        ratio >= LIMIT and peak < MEMORY,
        peak,
        {"rows": rows, "sealed_bytes": sealed, "as_sent_ratio": paired(times["as sent"], times["ours"]), "runs": found},
    )


# ---------------------------------------------------------------------------------------------------------- the submission


def stage(rig: Rig, rows: int, period: str = PERIOD) -> int:
    """Make, seal, sign and hand in one submission of a month, complete; returns the bytes sealed."""
    dataset = rig.agreement.dataset("charges")
    assert dataset is not None
    hub, upload = rig.hub, secrets.token_hex(16)
    with reading(hub.engine) as session:
        key = sealing.current(session)
        public = unb64(key.notice["document"]["public"])
    bound = {"agreement": rig.agreement.digest, "dataset": dataset.name, "supplier": SUPPLIER, "upload": upload}
    digest, totals, parts = RowsDigest(dataset.schema), dict.fromkeys(dataset.schema.names, 0), []
    folder = hub.settings.home / "made-parts"
    folder.mkdir()
    for number, batch in enumerate(batches(dataset, rows, period), 1):
        sealed = seal(encode(batch), public, part_info(**bound, part=number))
        digest.update(batch)
        for name in totals:
            totals[name] += batch.column(name).null_count
        parts.append(Part("sha256:" + sha256(sealed).hexdigest(), len(sealed), batch.num_rows))
        (folder / str(number)).write_bytes(sealed)
    manifest = Manifest(
        format=FORMAT,
        upload=upload,
        supplier=SUPPLIER,
        reference=rig.agreement.reference,
        version=rig.agreement.version,
        agreement=rig.agreement.digest,
        dataset=dataset.name,
        period=period,
        mode="replace",
        after=None,
        epoch=EPOCH,
        normaliser=NORMALISER,
        key_check=key_check_value(SECRET, rig.agreement.reference, EPOCH),
        sealing_key=key.id,
        rows=digest.rows,
        totals=totals,
        rows_digest=digest.hexdigest(),
        parts=tuple(parts),
        created=hub.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    signed = sign_document(manifest.document(), Use.MANIFEST, rig.signing(f"{SUPPLIER}/manifest"))
    staged = hand_in(rig, signed, folder)
    describe(hub.settings.home, hub.keyring.store.get(sealing_name(key.id)), bound, staged)
    return sum(part.size for part in parts)


def hand_in(rig: Rig, signed: dict[str, object], folder: Path) -> list[Path]:
    """What the intake API does with a manifest, its parts and the word that it is complete; where the parts now are."""
    hub = rig.hub
    with writing(hub.engine) as session:
        row = intake.open_submission(session, hub.settings, SUPPLIER, signed, hub.clock).row
        for number, part in enumerate(intake.manifest_of(row).parts, 1):
            name = intake.part_name(row.id, number)
            draft = hub.places.staging.draft(name)
            (folder / str(number)).replace(draft)
            hub.places.staging.keep(draft, name)
            intake.arrived(session, row, number, part.sha256, part.size, hub.clock())
        intake.complete(session, hub.keyring, hub.places.staging, SUPPLIER, row.id, hub.clock)
        assert isinstance(hub.places.staging, Objects)
        staged = [hub.places.staging.path(intake.part_name(row.id, number)) for number in range(1, len(row.parts) + 1)]
    folder.rmdir()
    return staged


def batches(dataset: Dataset, rows: int, month: str = PERIOD) -> Iterator[pa.RecordBatch]:
    """Made-up charges, all of one month, a part's worth at a time."""
    random = np.random.default_rng(20_261_122)
    for start in range(0, rows, PART_ROWS):
        count = min(PART_ROWS, rows - start)
        columns = [_column(random, field.name, count, rows, month) for field in dataset.fields]
        yield pa.RecordBatch.from_arrays(columns, schema=dataset.schema)


TEXTS = {
    "authority": ["County Durham", "Darlington", "Hartlepool", "Middlesbrough", "Redcar and Cleveland", "Stockton-on-Tees", "Not known"],
    "crime_type": ["Burglary", "Drugs", "Public order", "Robbery", "Shoplifting", "Vehicle crime", "Violence and sexual offences"],
    "age_band": ["under 10", "10 to 13", "14 to 17", "18 to 24", "25 to 34", "35 to 49", "50 to 64", "65 and over"],
    "plea": ["Guilty", "Not guilty", "Mixed", "No plea entered", "Other"],
    "court": [f"{area}{number:03d}" for area in ("DU", "CL") for number in range(1, 41)],
}
EMPTY = {"person": 0.08, "offence_month": 0.01, "age_band": 0.05, "domestic_abuse": 0.02, "plea": 0.15, "days_to_charge": 0.03, "loss": 0.4}


def _column(random: np.random.Generator, name: str, rows: int, total: int, month: str) -> pa.Array:
    empty = random.random(rows) < EMPTY[name] if name in EMPTY else None
    if name in {"crime", "person"}:
        numbers = np.zeros((rows, 2), np.int64)
        numbers[:, 0] = random.integers(0, max(1, total * 3 // 4), rows)
        # Any permutation makes them look as pseudonyms do; that of the hub is at hand.
        column = rekey(fixed_binary(numbers.view(np.uint8), None), bytes(32))
        return column if empty is None else _emptied(column, ~empty)
    if name in {"charged", "offence_month"}:
        days = np.datetime64(f"{month}-01") + random.integers(0, 28 if month[5:] == "02" else 30, rows)
        if name == "offence_month":
            days = (np.datetime64(month, "M") - random.integers(0, 24, rows)).astype("datetime64[D]")
        return pa.array(days, pa.date32(), mask=empty)
    if name in TEXTS:
        return pa.array(TEXTS[name]).take(pa.array(random.integers(0, len(TEXTS[name]), rows), mask=empty))
    if name == "domestic_abuse":
        return pa.array(random.random(rows) < 0.2, mask=empty)
    values = random.integers(0, 400, rows) if name == "days_to_charge" else random.integers(0, 100, rows) * 50
    return pa.array(values, pa.int64(), mask=empty)


def _emptied(column: pa.Array, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> pa.Array:
    values = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, 16)[: len(column)] * mask[:, None]
    return fixed_binary(values.astype(np.uint8), mask)


def copy_hub(made: Path, copy: Path) -> None:
    """The same hub again: staged parts as links, everything else copied, the settings' one absolute path rewritten."""
    shutil.copytree(
        made, copy, copy_function=lambda old, new: os.link(old, new) if str(old).endswith(".sealed") else shutil.copy2(old, new)
    )
    settings = copy / "hub.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace(str(made), str(copy)), encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- the work


def worker(folder: Path) -> dict[str, float]:
    """Process the one submission that waits, as the server's schedule would."""
    hub = hub_at(folder)
    with reading(hub.engine) as session:
        [submission] = [row.id for row in session.query(SubmissionRow)]
    with Stopwatch() as watch:
        state = process(hub.engine, hub.settings, hub.keyring, hub.places, submission, hub.clock)
    if state != SubmissionState.HELD:
        with reading(hub.engine) as session:
            sys.exit(f"not held but {state}: {session.get_one(SubmissionRow, submission).receipt}")
    return {"seconds": watch.seconds, "processor": watch.processor, "parent_mb": peak_mb(), "child_mb": children_peak_mb()}


if __name__ == "__main__":
    main()
