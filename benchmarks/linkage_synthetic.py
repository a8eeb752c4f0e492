"""The synthetic partnership as sets with a truth: extracts read through their adapters, the ledger beside them, rows alike in one source once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from adapters.errors import NotThisEncoding
from adapters.registry import SOURCES
from adapters.source import Source
from benchmarks.linkage_sets import NUMBERS, Clear, Row, Set

OFFENDERS = ("police_charges", "cps_cases", "prison_movements", "nps_caseload", "crc_caseload", "yos_interventions", "ecins_cases")
VICTIMS = ("police_victims", "vcas_cases", "witness_care", "rj_referrals")
_WHO = ("surname", "forename", "date_of_birth", "postcode")
_SINGLE = ("person_pnc", "person_cro", "person_noms", "person_crn")  # as config/agreements/reoffending.toml has it


def synthetic(folder: Path) -> tuple[Set, Set]:
    """The people that are prosecuted and supervised, and those who are harmed, from what ``exchange-agency synthesise`` wrote."""
    return _set("synthetic offenders", folder, OFFENDERS), _set("synthetic victims", folder, VICTIMS)


def _set(name: str, folder: Path, adapters: tuple[str, ...]) -> Set:
    truth = pq.read_table(folder / "ledger" / "rows.parquet", columns=["extract", "row", "person"])
    owners: dict[int, list[int]] = {}
    for extract, person in zip(truth["extract"].to_pylist(), truth["person"].to_pylist(), strict=True):
        owners.setdefault(extract, []).append(person)
    found: dict[tuple[str, str], dict[tuple[str, ...], int]] = {}
    for extract in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["extracts"]:
        if extract["adapter"] in adapters and extract["rows"]:
            rows = found.setdefault((extract["adapter"], extract["supplier"]), {})
            named = list(_rows(SOURCES[extract["adapter"]], folder / extract["path"]))
            if not named:
                continue  # answers of witnesses name nobody
            for values, person in zip(named, owners[extract["number"]], strict=True):
                if person >= 0 and any(values):  # organisations are nobody
                    rows.setdefault((*values, str(person)), person)
    columns = (*_WHO, *NUMBERS.values())
    tables, number = [], 0
    for rows in found.values():
        table = []
        for values in rows:
            first, last = values[1], values[0]
            table.append(dict(zip(columns, values, strict=False)) | {"unique_id": str(number), "both_names": f"{first} {last}".strip()})
            number += 1
        tables.append(tuple(table))
    who = tuple(values[-1] for rows in found.values() for values in rows)
    return Set(name, tuple(tables), who, _ours, tuple(NUMBERS), _SINGLE)


def _ours(row: Row) -> Clear:
    numbers = {kind: row[column] for kind, column in NUMBERS.items()}
    return Clear(row["surname"], row["forename"], row["date_of_birth"], row["postcode"], numbers)


def _rows(source: Source, path: Path) -> Iterator[tuple[str, ...]]:
    """Who each row is about, as text, empty where the source does not say."""
    for encoding in source.encodings:
        try:
            has = {source.columns[header].name for header in source.headers(path, encoding=encoding) if header in source.columns}
            wanted = [name for name in (*_WHO, *NUMBERS.values()) if name in has]
            batches = [] if not wanted else list(source.extract(path, wanted, encoding=encoding))
            break
        except NotThisEncoding:
            continue
    for batch in batches:
        texts = {name: batch.column(name).cast("string").to_pylist() for name in wanted}
        for place in range(batch.num_rows):
            yield tuple((texts[name][place] or "") if name in texts else "" for name in (*_WHO, *NUMBERS.values()))
