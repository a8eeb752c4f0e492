"""The story: rows of every supplier in, a table set for the disclosure engine out.

What comes out holds exact small counts: it stays inside the hub until it is protected, and is destroyed with its earliest input.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Method, Release
from exchange.disclosure.perturb import COLUMN as KEY_SUMS
from exchange.releases.buckets import divided_by, in_buckets, together
from exchange.releases.cells import Axis, Counts, axes, cubes, parted
from exchange.releases.definition import COUNT, KEYLESS, LOWER, SUPPLIER, UPPER, VALUE, Relations, cell_counts, pseudonyms, surplus
from exchange.releases.engine import PSEUDONYM, Engine, Power, Relation, opened
from exchange.releases.errors import BadRelation, BadRelease
from keys.record_keys import record_keys

HALF = 2**16


@dataclass(frozen=True)
class Tabulated:
    """Exact counts of an edition: table → counts with totals at place 0; ``shares``: supplier of the base → the same, of what it sent.

    ``keys``: table → the cell key of every cell, where units have record keys.
    """

    along: Mapping[str, Axis]
    tables: Mapping[str, Counts]
    shares: Mapping[str, Mapping[str, Counts]]
    keys: Mapping[str, Counts] = field(default_factory=dict)


def tabulate(
    release: Release,
    agreement: Agreement,
    relations: Mapping[tuple[str, str], Relation],
    periods: Sequence[Period],
    *,
    memory: Power = "4GB",
    beside: Callable[[Engine, Relations], None] | None = None,
    tell: Callable[[Tabulated], None] | None = None,
    record_key: bytes | None = None,
) -> dict[str, bytes]:
    """Every table of a release, exact, as the files of a table set: ``spec.json`` and ``<table>.csv``, totals first, zeros included.

    Beside each table stands ``<table>.suppliers.csv``: of every cell the units whose base row each supplier sent, for it knows those. A cell
    in which a supplier has none is left out there.

    Args:
        relations: (dataset, supplier) → agreed fields in their agreed Arrow types, for every supplier of every dataset the release reads. Of the base
            only rows inside ``periods`` count; of the others every row may match.
        periods: months, quarters or years; their months become the categories of the period dimension.
        memory: DuckDB's limit, or Spark.
        beside: what else is asked of the same rows over the same connection, once they are counted. tell: is given the counts themselves.
        record_key: the key that record keys are made under (``perturbing.key_for``); None where units need none.
    Raises:
        BadRelation, BadRelease, OutsideCategories, EngineError.
    """
    along = axes(release, periods)
    check_types(agreement, relations)
    with opened(memory) as engine:
        known = {place: engine.register(relation) for place, relation in relations.items()}
        counted = _counted(engine, release, agreement, known, periods, record_key)
        if beside is not None:
            beside(engine, known)
    made = _tabulated(release, agreement, along, counted)
    if tell is not None:
        tell(made)
    return table_set(release, made, keyed=release.terms.method is Method.CELL_KEY)


def table_set(release: Release, made: Tabulated, *, keyed: bool) -> dict[str, bytes]:
    """Counts as the files of a table set. ``keyed``: with cell keys beside them."""
    files = {"spec.json": spec_of(release, made.along)}
    for table in release.tables:
        mine = [made.along[name] for name in table.dimensions]
        beside = {KEY_SUMS: made.keys[table.name]} if keyed else {}
        files[f"{table.name}.csv"] = long(mine, {"value": made.tables[table.name], **beside})
        files[beside_of(table.name)] = parts_of(mine, {supplier: found[table.name] for supplier, found in made.shares.items()})
    return files


def beside_of(table: str) -> str:
    """The file of a table's suppliers. No name of a table holds a full stop, so no table's own file is called so."""
    return f"{table}.suppliers.csv"


def _tabulated(release: Release, agreement: Agreement, along: Mapping[str, Axis], counted: pa.Table) -> Tabulated:
    """Every table for each supplier of the base by itself, and for all of them."""
    base = agreement.dataset(release.base)
    suppliers = base.suppliers if base else ()
    found = parted(release, along, counted, COUNT, counted[SUPPLIER].to_numpy().astype(np.int64), len(suppliers))
    tables = {table.name: np.asarray(sum(one[table.name] for one in found), dtype=np.int64) for table in release.tables}
    return Tabulated(along, tables, dict(zip(suppliers, found, strict=True)), _cell_keys(release, along, counted))


def _cell_keys(release: Release, along: Mapping[str, Axis], counted: pa.Table) -> dict[str, Counts]:
    """Of every cell of every table the sum of its units' record keys, modulo 2**32. BadRelease where a unit has none."""
    if UPPER not in counted.column_names:
        return {}
    if pc.sum(counted[KEYLESS]).as_py():
        raise BadRelease(f"release {release.name}: a unit without a pseudonym has no record key, and cannot be perturbed.")
    upper, lower = (cubes(release, along, counted, name) for name in (UPPER, LOWER))
    return {name: (upper[name] * HALF + lower[name]) % HALF**2 for name in upper}


def check_types(agreement: Agreement, relations: Mapping[tuple[str, str], Relation]) -> None:
    """BadRelation where a relation is of no dataset, or a field not of its agreed type."""
    for (name, supplier), relation in relations.items():
        dataset = agreement.dataset(name)
        if dataset is None:
            raise BadRelation(f"{agreement.clause('datasets')}: there is no dataset {name}.")
        agreed = {field.name: field.arrow_type for field in dataset.fields}
        wrong = [field.name for field in relation.schema if field.name in agreed and field.type != agreed[field.name]]
        if wrong:
            raise BadRelation(f"dataset {name} of {supplier}: {', '.join(wrong)} is not of the agreed type.")


def _counted(
    engine: Engine, release: Release, agreement: Agreement, known: Relations, periods: Sequence[Period], record_key: bytes | None
) -> pa.Table:
    def count(rows: Relations) -> pa.Table:
        repeats = surplus(release, agreement, rows, periods)
        # Looking for repeats costs one pass over a key; telling them apart, one over every column. Mostly there are none.
        repeated = repeats is not None and bool(engine.run(repeats).column(COUNT)[0].as_py())
        keys = None if record_key is None else _keyed(engine, engine.run(pseudonyms(release, agreement, rows, periods)), record_key)
        return engine.run(cell_counts(release, agreement, rows, periods, repeated=repeated, keys=keys))

    try:
        return together(in_buckets(engine, known, divided_by(release, agreement), count))
    except ibis.common.exceptions.IbisError as error:
        raise BadRelease(f"release {release.name}: its fields do not suit what it asks of them ({type(error).__name__}).") from None


def _keyed(engine: Engine, found: pa.Table, record_key: bytes) -> ibis.Table:
    """The record keys of these pseudonyms, made known to the engine: ``cell_counts`` says as what."""
    values = found.column(VALUE).combine_chunks()
    values = (values.storage if isinstance(values, pa.ExtensionArray) else values).cast(PSEUDONYM)
    keys = record_keys(values, record_key).astype(np.int64)
    return engine.register(pa.table({VALUE: values, UPPER: keys // HALF, LOWER: keys % HALF}))


def spec_of(release: Release, along: Mapping[str, Axis], universes: Mapping[str, str] | None = None) -> bytes:
    """``spec.json`` of a release's tables. ``universes``: table → what is counted in it, where that is not the same in all."""
    names = dict.fromkeys(name for table in release.tables for name in table.dimensions)
    document: dict[str, Any] = {
        "hierarchies": {name: {"root": along[name].root, "children": {along[name].root: list(along[name].codes)}} for name in names},
        "tables": {
            table.name: {
                "file": f"{table.name}.csv",
                "dims": {name: name for name in table.dimensions},
                "suppliers": beside_of(table.name),
                **({"universe": universes[table.name]} if universes else {}),
            }
            for table in release.tables
        },
        "measure": "count",
        "threshold": release.terms.threshold,
        "zeros": str(release.terms.zeros),
        "min_width": release.terms.min_width,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def long(along: Sequence[Axis], columns: Mapping[str, Counts]) -> bytes:
    """One row a cell, in C order of the axes: its codes, and what each column says of it."""
    shape = tuple(len(axis.all_codes) for axis in along)
    codes = _codes(along, np.indices(shape).reshape(len(shape), -1))
    values = [_numbers(column.ravel()) for column in columns.values()]
    return _csv([*(axis.name for axis in along), *columns], [[*codes, *values]])


def parts_of(along: Sequence[Axis], shares: Mapping[str, Counts]) -> bytes:
    """One row a cell and supplier that has some of it: the suppliers in their order, cells in C order of the axes."""
    blocks = []
    for supplier, counts in shares.items():
        places = np.nonzero(counts)
        named = _quoted([supplier]).take(pa.array(np.zeros(len(places[0]), dtype=np.int64)))
        blocks.append([*_codes(along, np.stack(places)), named, _numbers(counts[places])])
    return _csv([*(axis.name for axis in along), "supplier", "value"], blocks)


def _codes(along: Sequence[Axis], places: Counts) -> list[pa.StringArray]:
    """(axes, cells) places as codes ready for CSV, a column an axis."""
    return [_quoted(axis.all_codes).take(pa.array(column)) for axis, column in zip(along, places, strict=True)]


def _numbers(column: npt.NDArray[Any]) -> pa.StringArray:
    return pa.array(column.astype(np.int64)).cast(pa.string())


def _quoted(texts: Sequence[str]) -> pa.StringArray:
    """Each text as a CSV writer would put it beside another."""
    return pa.array([_line([text, ""])[:-2] for text in texts], pa.string())


def _line(fields: Sequence[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(fields)
    return out.getvalue()


def _csv(header: Sequence[str], blocks: Sequence[Sequence[pa.StringArray]]) -> bytes:
    """CSV out of blocks of columns of fields that need no more quoting. Columns, not rows: tables have up to millions of cells."""
    lines = [line for columns in blocks for line in pc.binary_join_element_wise(*columns, ",").to_pylist()]
    return (_line(header) + "".join(f"{line}\n" for line in lines)).encode()
