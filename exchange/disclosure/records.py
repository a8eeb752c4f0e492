"""A table set made from records: values with their margins, how many contributed, the largest contributions, each supplier's part."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from exchange.disclosure.columns import Columns, numbers, places
from exchange.disclosure.errors import BadTables
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.spec import Hierarchy, Spec, TableSpec, read_spec

WHERE = "records"


@dataclass(frozen=True)
class Roles:
    """Which columns of the records are not dimensions; "" where there is none.

    `contributor`: whose record it is; `value`: what it adds (magnitudes; a count adds one a record); `supplier`: who sent it;
    `release`: a table takes the records of its own release only; `insiders`: the tables also say whose a cell of one contributor is.
    """

    contributor: str = ""
    value: str = ""
    supplier: str = ""
    release: str = ""
    insiders: bool = False


@dataclass(frozen=True)
class _Records:
    """m records: `codes` as text, `amount` in units of the last decimal, numbers of their contributor and supplier."""

    codes: Columns
    amount: Ints
    decimals: int
    contributor: Ints
    people: tuple[str, ...]
    supplier: Ints
    suppliers: tuple[str, ...]


def from_records(document: Mapping[str, Any], records: Mapping[str, Sequence[str]], roles: Roles = Roles()) -> dict[str, bytes]:
    """The files of the table set that `document`, a spec.json, describes. `records`: column name -> (m,) text, dimensions by leaf codes.

    Contributors are numbered, never named. Figures derived from tables are not made. BadTables names a record by its row, the first being 2.
    """
    read_spec({"spec.json": json.dumps(document).encode()})
    with_suppliers = {**document, "tables": {name: dict(entry) for name, entry in document["tables"].items()}}
    if roles.supplier:
        for entry in with_suppliers["tables"].values():
            entry.setdefault("suppliers", f"{PurePosixPath(entry['file']).stem}.suppliers.csv")
    files = {"spec.json": json.dumps(with_suppliers, ensure_ascii=False).encode()}
    spec = read_spec(files)
    read = _read(spec, records, roles)
    for table in spec.tables:
        own = np.ones(len(read.amount), dtype=np.bool_)
        if roles.release:
            own = np.array([release == table.release for release in _column(records, roles.release)], dtype=np.bool_)
        files |= _table(spec, table, read, own, roles)
    return files


def _column(records: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    if name not in records:
        raise BadTables(f"{WHERE}, row 1: a column that is needed is missing")
    return records[name]


def _read(spec: Spec, records: Mapping[str, Sequence[str]], roles: Roles) -> _Records:
    if len({len(column) for column in records.values()}) != 1 or not all(len(column) for column in records.values()):
        raise BadTables(f"{WHERE}: there must be records, and every column as long as the others")
    dims = sorted({column for table in spec.tables for column, _ in table.dims})
    codes = {name: pa.array(_column(records, name), pa.string()) for name in dims}
    size = len(codes[dims[0]])
    amount, decimals = np.ones(size, dtype=np.int64), 0
    if not spec.counts:
        plain = numbers(WHERE, pa.array(_column(records, roles.value), pa.string()), whole=False)
        amount, decimals = plain.units(plain.decimals), plain.decimals
    contributor, people = _numbered(records, roles.contributor, size)
    supplier, suppliers = _numbered(records, roles.supplier, size)
    return _Records(codes, amount, decimals, contributor, people, supplier, suppliers)


def _numbered(records: Mapping[str, Sequence[str]], name: str, size: int) -> tuple[Ints, tuple[str, ...]]:
    """(m,) number of who is named in a column, and the names; each record its own where there is no such column."""
    if not name:
        return np.arange(size), ()
    found = _column(records, name)
    if "" in found:
        raise BadTables(f"{WHERE}, row {list(found).index('') + 2}: nobody is named as contributor or supplier")
    names = tuple(sorted(set(found)))
    number = {text: place for place, text in enumerate(names)}
    return np.array([number[text] for text in found], dtype=np.int64), names


def _table(spec: Spec, table: TableSpec, records: _Records, own: Bools, roles: Roles) -> dict[str, bytes]:
    """One table's file, and that of its suppliers' parts."""
    shape = tuple(len(hierarchy.codes) for _, hierarchy in table.dims)
    cell, record = _spread(spec, table, records, np.flatnonzero(own))
    size = int(np.prod(shape))
    value = _summed(cell, records.amount[record], size)
    columns = {"value": _texts(value, records.decimals)}
    if roles.contributor:
        columns |= _contributions(spec, records, cell, record, size, insiders=roles.insiders)
    nodes = np.unravel_index(np.arange(size), shape)
    codes = [[hierarchy.codes[node] for node in along.tolist()] for (_, hierarchy), along in zip(table.dims, nodes, strict=True)]
    names = [column for column, _ in table.dims]
    files = {table.file: _csv([*names, *columns], zip(*codes, *columns.values(), strict=True))}
    if roles.supplier:
        rows = []
        for number, name in enumerate(records.suppliers):
            mine = records.supplier[record] == number
            part = _summed(cell[mine], records.amount[record[mine]], size)
            rows += [[*(along[at] for along in codes), name, text] for at, text in enumerate(_texts(part, records.decimals)) if part[at]]
        files[table.suppliers] = _csv([*names, "supplier", "value"], rows)
    return files


def _spread(spec: Spec, table: TableSpec, records: _Records, own: Ints) -> tuple[Ints, Ints]:
    """Every (cell of the table, record) such that the record counts in the cell: in its leaf and in all margins over it."""
    cell, record = np.zeros(len(own), dtype=np.int64), own
    for column, hierarchy in table.dims:
        node = _leaves(spec, column, hierarchy, records.codes[column])[record]
        cells, members = [], []
        while len(node):
            cells.append(cell * len(hierarchy.codes) + node)
            members.append(record)
            inner = node > 0
            cell, record, node = cell[inner], record[inner], np.array(hierarchy.parents, dtype=np.int64)[node[inner]]
        none = np.zeros(0, dtype=np.int64)
        cell, record = np.concatenate([none, *cells]), np.concatenate([none, *members])
    return cell, record


def _leaves(spec: Spec, column: str, hierarchy: Hierarchy, codes: pa.Array) -> Ints:
    """(m,) node of each record under one of the hierarchies of `column`: its own code, or the one over it that the hierarchy ends with."""
    others = sorted({other.name: other for table in spec.tables for name, other in table.dims if name == column}.items())
    stands: dict[str, str] = {}
    for _, other in others:
        for number, code in enumerate(other.codes):
            at = number
            while at > 0 and other.codes[at] not in hierarchy.numbers:
                at = other.parents[at]
            if code not in stands and (at > 0 or code in hierarchy.numbers):
                stands[code] = other.codes[at]
    text = pa.array([stands.get(code, code) for code in codes.to_pylist()], pa.string())
    node = places(WHERE, [text], [hierarchy])
    inner = np.isin(node, list(hierarchy.children))
    if inner.any():
        raise BadTables(f"{WHERE}, row {int(np.argmax(inner)) + 2}: a code that is not a leaf")
    return node


def _contributions(spec: Spec, records: _Records, cell: Ints, record: Ints, size: int, *, insiders: bool) -> dict[str, list[str]]:
    """The columns n_contrib, top1 and so on as far as any rule asks (magnitudes: two at least), and single_contributor."""
    key, inverse = np.unique(cell * len(records.people) + records.contributor[record], return_inverse=True)
    amount = _summed(inverse.reshape(-1), records.amount[record], len(key))
    where, person = key // len(records.people), key % len(records.people)
    people = np.bincount(where, minlength=size)
    columns = {"n_contrib": [str(number) for number in people.tolist()]}
    order = np.lexsort((-amount, where))
    first = np.cumsum(people) - people
    for rank in range(max([0 if spec.counts else 2, *(rule.largest for rule in spec.rules)])):
        top = np.zeros(size, dtype=np.int64)
        has = people > rank
        top[has] = amount[order][first[has] + rank]
        columns[f"top{rank + 1}"] = _texts(top, records.decimals)
    if insiders:
        alone = np.full(size, -1, dtype=np.int64)
        alone[people == 1] = person[first[people == 1]]
        columns["single_contributor"] = [f"c{number}" if number >= 0 else "" for number in alone.tolist()]
    return columns


def _summed(at: Ints, amount: Ints, size: int) -> Ints:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, at, amount)
    return total


def _texts(units: Ints, decimals: int) -> list[str]:
    if not decimals:
        return [str(value) for value in units.tolist()]
    return [f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d}" for value in units.tolist()]


def _csv(header: Sequence[str], rows: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()
