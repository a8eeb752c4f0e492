"""A submission made from an agreement and a contract alone: a row or two that every rule lets through, sealed and signed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from conformance.clauses import DoesNotApply
from keys.encoding import unb64
from keys.formats import Manifest
from keys.pseudonym import NORMALISER
from keys.rows import RowsDigest
from keys.seal import part_info, seal
from keys.sign import SigningKey, Use, sign_document

TYPES = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "date32[day]": pa.date32(),
    "fixed_size_binary[16]": pa.binary(16),
}


@dataclass(frozen=True)
class Prepared:
    """A signed manifest and its sealed parts."""

    signed: dict[str, Any]
    parts: list[bytes]

    @property
    def manifest(self) -> Manifest:
        """The manifest's document."""
        return Manifest.parse(self.signed["document"])


def first_day(period: str) -> datetime:
    """The first day of a period."""
    year, _, rest = period.partition("-")
    month = 1 if not rest else 3 * int(rest[1:]) - 2 if rest.startswith("Q") else int(rest[:2])
    return datetime(int(year), month, int(rest[3:]) if len(rest) > 3 else 1, tzinfo=UTC)


def rows(contract: dict[str, Any], dataset: dict[str, Any], period: str, count: int) -> pa.Table:
    """Rows that the agreement's rules let through; not applicable where a mandatory field's rule is one that the kit cannot serve."""
    rules, columns, schema = {one["name"]: one for one in dataset["fields"]}, [], []
    for one in contract["fields"]:
        if one["type"] not in TYPES:
            raise DoesNotApply(f"the field {one['name']} has a type that the kit does not know")
        kind = TYPES[one["type"]]
        values = [_value(rules[one["name"]], dataset, period, one["name"], number, empty=one["empty"]) for number in range(count)]
        schema.append(pa.field(one["name"], kind))
        columns.append(pa.array(values, kind))
    return pa.table(columns, schema=pa.schema(schema))


def _value(field: dict[str, Any], dataset: dict[str, Any], period: str, name: str, number: int, *, empty: bool) -> Any:
    rule = field["rule"] if isinstance(field["rule"], dict) else {}
    if name == dataset.get("period_field"):
        return first_day(period).date()
    if "pseudonymise" in rule:
        return secrets.token_bytes(16)
    if empty:
        return None
    for verb in ("keep", "map"):
        said = rule.get(verb)
        if isinstance(said, dict) and said.get("values"):
            return said["values"][number % len(said["values"])]
    if isinstance(rule.get("keep"), dict) and "from" in rule["keep"] and not isinstance(rule["keep"]["from"], str):
        return rule["keep"]["from"]
    raise DoesNotApply(f"the kit cannot make up a value that the rule of the field {name} lets through")


def prepare(
    contract: dict[str, Any], supplier: str, period: str, key: SigningKey, table: pa.Table | None = None, **members: Any
) -> Prepared:
    """A submission of a table in one part, or with no rows and no parts; ``members`` replaces any of the manifest's."""
    upload = members.get("upload", secrets.token_hex(16))
    notice, linkage = contract["sealing_key"]["document"], contract["linkage"] or {"epoch": 0, "key_check": "0" * 16}
    schema = table.schema if table is not None else pa.schema([(one["name"], TYPES[one["type"]]) for one in contract["fields"]])
    digest, parts, sealed = RowsDigest(schema), [], []
    totals = dict.fromkeys(schema.names, 0)
    if table is not None:
        for batch in table.to_batches():
            digest.update(batch)
        totals = {name: table.column(name).null_count for name in schema.names}
        info = part_info(agreement=contract["agreement"], dataset=contract["dataset"], supplier=supplier, upload=upload, part=1)
        sealed = [seal(_stream(table), unb64(notice["public"]), info)]
        parts = [{"sha256": "sha256:" + hashlib.sha256(sealed[0]).hexdigest(), "size": len(sealed[0]), "rows": table.num_rows}]
    head = contract["heads"].get(period)
    document = {
        "format": 1,
        "upload": upload,
        "supplier": supplier,
        "reference": contract["reference"],
        "version": contract["version"],
        "agreement": contract["agreement"],
        "dataset": contract["dataset"],
        "period": period,
        "mode": contract["mode"],
        "after": head["submission"] if head else None,
        "epoch": linkage["epoch"],
        "normaliser": NORMALISER,
        "key_check": linkage["key_check"],
        "sealing_key": notice["id"],
        "rows": 0 if table is None else table.num_rows,
        "totals": totals,
        "rows_digest": digest.hexdigest(),
        "parts": parts,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **members,
    }
    return Prepared(sign_document(document, Use.MANIFEST, key), sealed)


def _stream(table: pa.Table) -> bytes:
    """One Arrow IPC stream, zstd inside."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found
