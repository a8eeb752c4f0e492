"""What the tests of perturbed editions share: an agreement with noise in force, rows with small counts, and a recomputation in plain Python."""

import bisect
import copy
import csv
import hashlib
import hmac
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any

import pyarrow as pa

from agreements.model import Agreement
from exchange.disclosure.ptable import make_ptable
from exchange.keyring import record_keys_name
from keys.encoding import framed
from keys.pseudonym import PSEUDONYM, rekey
from tests.agreements.papers import build
from tests.exchange.releases.drafted import APRIL
from tests.exchange.standing import REFERENCE, SCHEMA, World, crimes

NOISE = {"method": "cell-key", "bound": 30, "variance": 8, "smallest": 3}
PLACES = ("Hartlepool", "Middlesbrough", "Darlington")
TYPES = ("Drugs", "Burglary", "Robbery")
OUTCOMES = ("Charged", "Unable to prosecute", None)


def with_noise(document: Mapping[str, Any], version: int, noise: Mapping[str, Any] | None = None, **members: Any) -> Agreement:
    """The agreement, its release perturbed: two tables, so that there are cells in common."""
    parsed = copy.deepcopy(dict(document))
    parsed["agreement"]["version"] = version
    [release] = parsed["releases"]
    release["terms"] = {"threshold": 10, "zeros": "published", "level": "C", **(NOISE if noise is None else noise)}
    release["tables"] = [
        {"name": "by-area", "title": "Outcomes by area", "dimensions": ["force", "authority", "month", "group"]},
        {"name": "by-type", "title": "Outcomes by type", "dimensions": ["force", "month", "crime_type", "group"]},
    ]
    release.update(members)
    return build(parsed)


def in_force(world: World, agreement: Agreement) -> World:
    world.enter(agreement)
    world.sign_all(agreement)
    again = world.restarted()
    again.__dict__["agreement"] = agreement
    return again


def some(rows: int, seed: int, **more: Any) -> pa.Table:
    """Rows of one force, some kinds of them rare."""
    random = Random(seed)

    def drawn(values: Sequence[str | None]) -> list[str | None]:
        return random.choices(values, weights=[12, 3, 1], k=rows)

    columns = {"authority": drawn(PLACES), "last_outcome": drawn(OUTCOMES)}
    drawn_types, types = drawn(TYPES), more.pop("types", None)
    found = crimes(rows, seed=seed, **{**columns, **more})
    kind = SCHEMA.get_field_index("crime_type")
    return found.set_column(kind, SCHEMA.field(kind), pa.array(types or drawn_types, pa.string()))


Cell = tuple[str, ...]
TABLES: Mapping[str, tuple[str, ...]] = {
    "by-area": ("force", "authority", "month", "group"),
    "by-type": ("force", "month", "crime_type", "group"),
}
TOTALS = {"force": "Both forces", "authority": "All places", "month": "All months", "crime_type": "All types", "group": "All outcomes"}
FORCES = {"cleveland-police": "Cleveland", "durham-constabulary": "Durham"}


def secret_of(world: World) -> bytes:
    """The HMAC key of record keys: HKDF-SHA256 (RFC 5869) by hand."""
    stored = world.hub.keyring.store.get(record_keys_name(REFERENCE))
    info = framed("LCJP-Exchange derive v1", "record-key", REFERENCE, "published_crime")
    extracted = hmac.digest(bytes(32), stored, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def expected(world: World, sent: Mapping[str, Sequence[pa.Table]], epoch: int = 1) -> dict[str, tuple[Counter[Cell], Counter[Cell]]]:
    """Table → (counts, cell keys) of every cell that somebody is in, from the rows as they were sent."""
    secret, permuting = secret_of(world), world.hub.keyring.rekey(REFERENCE, "published_crime", epoch)
    found: dict[str, tuple[Counter[Cell], Counter[Cell]]] = {name: (Counter(), Counter()) for name in TABLES}
    for supplier, tables in sent.items():
        for table in tables:
            held = rekey(table["crime"].combine_chunks().cast(PSEUDONYM), permuting).to_pylist()
            for row, pseudonym in zip(table.to_pylist(), held, strict=True):
                key = int.from_bytes(hmac.digest(secret, pseudonym, hashlib.sha256)[:4], "big")
                unit = {
                    "force": FORCES[supplier],
                    "authority": row["authority"],
                    "month": row["month"].strftime("%Y-%m"),
                    "crime_type": row["crime_type"],
                    "group": row["last_outcome"] or "No outcome yet",
                }
                for name, dimensions in TABLES.items():
                    counts, keys = found[name]
                    for cell in product(*((unit[one], TOTALS[one]) for one in dimensions)):
                        counts[cell] += 1
                        keys[cell] = (keys[cell] + key) % 2**32
    return found


def noise_of(bound: int, variance: int, smallest: int) -> Callable[[int, int], int]:
    """The published count for a count and its cell key: looked up in the table by hand."""
    table = make_ptable(bound, variance, smallest - 1)
    rows = table.thresholds.tolist()

    def published(count: int, key: int) -> int:
        return count + bisect.bisect_right(rows[min(count, len(rows) - 1)], key) - bound if count else 0

    return published


def in_csv(content: bytes) -> dict[Cell, str]:
    """A published CSV: labels → the text of the count."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    return {tuple(row[:-1]): row[-1] for row in rows}


def held(world: World, seeds: tuple[int, int] = (1, 2), period: str = APRIL.name, **more: Any) -> dict[str, list[pa.Table]]:
    """A month of both forces; what each sent."""
    sent = {supplier: [some(150, seed, **more)] for supplier, seed in zip(FORCES, seeds, strict=True)}
    for supplier, tables in sent.items():
        world.hold(tables, supplier=supplier, period=period)
    return sent
