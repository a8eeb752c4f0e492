"""The two roads that ``benchmarks.push`` compares, each in a process of its own that holds the agency's side alone.

python -m benchmarks.push_roads ours|plain FOLDER
"""

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
from cryptography.hazmat.primitives import hashes, hmac

from adapters.agency.agreements_store import Verified
from adapters.agency.contract import PART_BYTES, PART_ROWS, Contract, Linkage
from adapters.agency.prepare import Target, Work, prepare
from adapters.police_crimes import PoliceCrimes
from agreements.codes import read_lists
from agreements.document import read_canonical
from agreements.periods import Period
from benchmarks.measure import EPOCH, ROOT, SECRET, SUPPLIER, Stopwatch, peak_mb
from keys.encoding import b64
from keys.formats import SealingKeyNotice
from keys.pseudonym import key_check_value, pseudonym_key
from keys.seal import EncryptionKey
from keys.sign import SigningKey

MONTH = "2021-04"
WANTED = ["Crime ID", "Month", "LSOA code", "Crime type", "Last outcome category"]


def ours(folder: Path) -> dict[str, float]:
    """The agency's own road, without the network."""
    agreement = read_canonical((folder / "agreement.json").read_bytes())
    dataset = agreement.dataset("crimes")
    assert dataset is not None
    now = datetime.now(UTC).replace(microsecond=0)
    form = "%Y-%m-%dT%H:%M:%SZ"
    notice = SealingKeyNotice(
        "seal-bench", b64(EncryptionKey.generate().public), now.strftime(form), (now + timedelta(days=14)).strftime(form)
    )
    linkage = Linkage(EPOCH, key_check_value(SECRET, agreement.reference, EPOCH))
    contract = Contract(dataset, notice, PART_BYTES, PART_ROWS, 10_000, linkage, {})
    verified = Verified(agreement, "in-force", frozenset(), {}, (), {})
    target = Target(verified, contract, Period.parse(MONTH), linkage, SECRET, None)
    spool = folder / "spool"
    spool.mkdir()
    work = Work(SUPPLIER, spool, dict(read_lists(ROOT / "config" / "codes")), SigningKey.generate(), lambda: datetime.now(UTC))
    with Stopwatch() as watch:
        [upload] = prepare(PoliceCrimes(), folder / "extract.csv", [target], work)
    found = {"seconds": watch.seconds, "processor": watch.processor, "peak_mb": peak_mb(), "rows": upload.manifest["document"]["rows"]}
    shutil.rmtree(spool)
    return found


def plain(folder: Path) -> dict[str, float]:
    """Read, HMAC, write."""
    key = pseudonym_key(SECRET, "LCJP-MV7", "published_crime", EPOCH)
    out = folder / "plain.arrow"
    convert = pcsv.ConvertOptions(include_columns=WANTED, column_types=dict.fromkeys(WANTED, pa.string()), strings_can_be_null=True)
    written = 0
    with Stopwatch() as watch:
        reader = pcsv.open_csv(folder / "extract.csv", pcsv.ReadOptions(block_size=4 << 20), convert_options=convert)
        schema = reader.schema.set(0, pa.field("Crime ID", pa.binary(16)))
        with pa.ipc.new_file(out, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            for batch in reader:
                columns = [hmac_column(batch.column(0), key), *batch.columns[1:]]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
                written += batch.num_rows
    out.unlink()
    return {"seconds": watch.seconds, "processor": watch.processor, "peak_mb": peak_mb(), "rows": written}


def hmac_column(column: pa.Array, key: bytes) -> pa.Array:
    """The loop, as fast as it goes: a keyed context copied for each value."""
    fresh = hmac.HMAC(key, hashes.SHA256()).copy
    found: list[bytes | None] = []
    append = found.append
    for value in column.cast(pa.binary()).to_pylist():
        if value is None:
            append(None)
            continue
        context = fresh()
        context.update(value)
        append(context.finalize()[:16])
    return pa.array(found, pa.binary(16))


ROADS = {"ours": ours, "plain": plain}

if __name__ == "__main__":
    print(json.dumps(ROADS[sys.argv[1]](Path(sys.argv[2]))))
