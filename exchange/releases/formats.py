"""Protected tables as the bytes people download. The same input gives the same bytes: no clock, no machine, no order of a dictionary.

All forms have the same rows in the same order, totals first, and one marker for every hidden cell.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.csvw import about, csvw
from exchange.releases.errors import BadRelease
from exchange.releases.protected import HIDDEN, Figure, Shown, read_protected

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a text for a formula, at its beginning; the wide forms do so in East Asian editions."""


def published(
    release: Release,
    agreement: Agreement,
    periods: Sequence[Period],
    protected: Mapping[str, bytes],
    facts: Mapping[str, str] | None = None,
    figures: Mapping[str, Sequence[Figure]] | None = None,
) -> dict[str, bytes]:
    """Every file of an edition by name: for each table ``.csv``, ``.csv-metadata.json`` (CSVW), ``.parquet`` and ``.json``.

    Args:
        protected: the files of ``exchange.disclosure``'s ``Protected.files()``; what is not a table of the release is left out.
        facts: what else is to be said of the edition (its id, its date, its digest), word for word.
        figures: table → what stands beside its counts.
    Raises:
        BadProtected, BadRelease.
    """
    files: dict[str, bytes] = {}
    for name, shown in read_protected(release, periods, protected, figures).items():
        files[f"{name}.csv"] = as_csv(shown)
        files[f"{name}.csv-metadata.json"] = csvw(release, agreement, shown, facts or {})
        files[f"{name}.parquet"] = as_parquet(release, agreement, shown, facts or {})
        files[f"{name}.json"] = as_json(release, agreement, shown, facts or {})
    return files


def plain(text: str) -> str:
    """A label that no spreadsheet runs: one that begins like a formula gets an apostrophe in front."""
    return "'" + text if text.startswith(FORMULA) else text


def as_csv(shown: Shown) -> bytes:
    """RFC 4180 with LF: a header of machine names, labels as values, ``count`` a whole number or the marker, figures likewise, plainly written."""
    safe = {axis.name: {label: plain(label) for label in axis.all_labels} for axis in shown.along}
    if any(len(set(labels.values())) < len(labels) for labels in safe.values()):
        raise BadRelease(f"table {shown.table.name}: two labels become alike once they are made safe for spreadsheets.")
    columns = [[safe[axis.name][label] for label in labels] for axis, labels in zip(shown.along, shown.labels(), strict=True)]
    counts = [HIDDEN if value is None else value for value in shown.values()]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(axis.name for axis in shown.along), "count", *(one.name for one in shown.figures)])
    writer.writerows(zip(*columns, counts, *(one.texts() for one in shown.figures), strict=True))
    return out.getvalue().encode()


def as_parquet(release: Release, agreement: Agreement, shown: Shown, facts: Mapping[str, str]) -> bytes:
    """Labels as text, ``count`` a nullable whole number, ``count_marker`` the marker where it is null; figures likewise, those with decimals as floating-point
    numbers; what the table is, in the schema's metadata.
    """
    columns = [pa.array(labels, pa.string()) for labels in shown.labels()]
    fields = [pa.field(axis.name, pa.string(), nullable=False) for axis in shown.along]
    for name, values, decimals in _measured(shown):
        kind = pa.float64() if decimals else pa.int64()
        columns += [pa.array(values, kind), pa.array([HIDDEN if value is None else None for value in values], pa.string())]
        fields += [pa.field(name, kind), pa.field(f"{name}_marker", pa.string())]
    told = json.dumps(about(release, agreement, shown, facts), ensure_ascii=False, sort_keys=True)
    out = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata={"about": told})), out, compression="zstd", compression_level=3
    )
    return bytes(out.getvalue())


def as_json(release: Release, agreement: Agreement, shown: Shown, facts: Mapping[str, str]) -> bytes:
    """One object: what the table is, its dimensions, and one record a cell with ``count`` (null where hidden) and ``count_marker``; figures likewise."""
    names, measured = [axis.name for axis in shown.along], [name for name, _, _ in _measured(shown)]
    cells = zip(zip(*shown.labels(), strict=True), zip(*(values for _, values, _ in _measured(shown)), strict=True), strict=True)
    records = [
        {
            **dict(zip(names, labels, strict=True)),
            **{key: said for name, value in zip(measured, values, strict=True) for key, said in _said(name, value)},
        }
        for labels, values in cells
    ]
    document = {
        **about(release, agreement, shown, facts),
        "dimensions": [
            {"name": axis.name, "title": axis.title, "total": axis.total, "categories": list(axis.labels)} for axis in shown.along
        ],
        "records": records,
    }
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _said(name: str, value: float | None) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return (name, value), (f"{name}_marker", HIDDEN if value is None else None)


def _measured(shown: Shown) -> list[tuple[str, Sequence[int | float | None], int]]:
    """The columns of numbers: name, every cell's value, decimals."""
    return [("count", shown.values(), 0), *((one.name, one.values(), one.decimals) for one in shown.figures)]
