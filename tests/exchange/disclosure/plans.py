"""Plans of table sets: trees of codes, tables over columns, and the files that say so. Nothing here comes from the engine."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]
Files = dict[str, bytes]
Children = dict[str, list[str]]


def tree(name: str, levels: Sequence[int], root: str = "Total") -> Children:
    """Children by code: as many on each level as `levels` says; codes are name1, name1.2, ..."""
    children: Children = {}
    front = [root]
    for width in levels:
        following = []
        for code in front:
            children[code] = [f"{name if code == root else code}.{number + 1}" for number in range(width)]
            following += children[code]
        front = following
    return children


def leaves_of(children: Mapping[str, list[str]], code: str) -> Iterator[str]:
    """The leaves under a code, itself where it is one."""
    if code not in children:
        yield code
    for child in children.get(code, []):
        yield from leaves_of(children, child)


@dataclass(frozen=True)
class Plan:
    """What is tabulated: leaf codes of each column, trees by name, and for each table the tree of each of its columns."""

    leaves: Mapping[str, Sequence[str]]
    trees: Mapping[str, Children]
    tables: Mapping[str, Mapping[str, str]]
    root: str = "Total"

    def codes(self, tree_name: str) -> list[str]:
        """Every code of a tree, the root first."""
        return [self.root, *(child for below in self.trees[tree_name].values() for child in below)]

    def members(self, column: str, tree_name: str) -> Array:
        """(codes, leaves) 1 where a leaf of the column lies under a code; a tree may stop at codes that another one splits."""
        others = {code: below for children in self.trees.values() for code, below in children.items() if code != self.root}
        found = []
        for code in self.codes(tree_name):
            under = set(self.leaves[column]) if code == self.root else set(leaves_of({**others, **self.trees[tree_name]}, code))
            found.append([leaf in under for leaf in self.leaves[column]])
        return np.array(found, dtype=np.int64)

    def tabulate(self, inner: Array, table: str) -> Array:
        """The table with its margins, from the leaf cells of all columns (one axis each, in the order of `leaves`)."""
        dims = self.tables[table]
        result = inner.sum(axis=tuple(axis for axis, column in enumerate(self.leaves) if column not in dims))
        for axis, column in enumerate(column for column in self.leaves if column in dims):
            result = np.moveaxis(np.tensordot(self.members(column, dims[column]), result, axes=(1, axis)), 0, axis)
        return np.asarray(result, dtype=np.int64)


@dataclass(frozen=True)
class Sheet:
    """One table to be written: its plan's table, and columns by name, each shaped like the table or () for none."""

    table: str
    columns: Mapping[str, npt.NDArray[Any]]
    entry: Mapping[str, Any] = field(default_factory=dict)


def write(plan: Plan, sheets: Mapping[str, Sheet], **spec: Any) -> Files:
    """The files of a set: spec.json and one CSV a sheet."""
    files: Files = {}
    entries = {}
    for name, sheet in sheets.items():
        dims = {column: plan.tables[sheet.table][column] for column in plan.leaves if column in plan.tables[sheet.table]}
        codes = itertools.product(*(plan.codes(tree_name) for tree_name in dims.values()))
        columns = [np.asarray(column).reshape(-1).tolist() for column in sheet.columns.values()]
        files[f"{name}.csv"] = to_csv([*dims, *sheet.columns], ([*key, *values] for key, *values in zip(codes, *columns, strict=True)))
        entries[name] = {"file": f"{name}.csv", "dims": dims, **sheet.entry}
    used = sorted({tree_name for entry in entries.values() for tree_name in entry["dims"].values()})
    hierarchies = {name: {"root": plan.root, "children": plan.trees[name]} for name in used}
    document = {"hierarchies": hierarchies, "tables": entries, "measure": "count", **spec}
    return {**files, "spec.json": json.dumps(document).encode()}


def to_csv(header: Sequence[str], rows: Any) -> bytes:
    """Header and rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def respec(files: Files, **changes: Any) -> Files:
    """The set with keys of spec.json set, or left out where None."""
    document = {**json.loads(files["spec.json"]), **changes}
    return {**files, "spec.json": json.dumps({key: found for key, found in document.items() if found is not None}).encode()}


def skewed(shape: Sequence[int], mean: float, random: np.random.Generator, spread: float = 0.9) -> Array:
    """Counts with uneven margins, as of crimes by place and kind."""
    expected = np.ones(shape)
    for axis, size in enumerate(shape):
        weight = random.lognormal(0, spread, size)
        expected *= (weight / np.mean(weight)).reshape([-1 if axis == other else 1 for other in range(len(shape))])
    return np.asarray(random.poisson(expected * mean * random.lognormal(0, 0.7, expected.shape)), dtype=np.int64)


def sparse(shape: Sequence[int], ones: float, random: np.random.Generator) -> Array:
    """Mostly zeros and ones, some twos, now and then something large."""
    kinds = random.choice([0, 1, 2, 3], p=[max(0.0, 0.85 - ones), ones, 0.1, 0.05], size=shape)
    return np.where(kinds == 3, random.integers(5, 40, shape), kinds).astype(np.int64)


def product_plan(trees: Sequence[Children], tables: Mapping[str, Sequence[int]] | None = None) -> Plan:
    """A plan over columns d0, d1, ...; `tables`: the columns of each, all in one by default."""
    named = {f"d{axis}": children for axis, children in enumerate(trees)}
    leaves = {name: list(leaves_of(children, "Total")) for name, children in named.items()}
    layout = tables or {"T": range(len(trees))}
    return Plan(leaves, named, {name: {f"d{axis}": f"d{axis}" for axis in axes} for name, axes in layout.items()})


def shape_of(plan: Plan) -> tuple[int, ...]:
    """Leaves of each column."""
    return tuple(len(codes) for codes in plan.leaves.values())


def counts(plan: Plan, inner: Array, threshold: int = 5, **spec: Any) -> Files:
    """A plain count set: every table of the plan, primary by threshold."""
    sheets = {name: Sheet(name, {"value": plan.tabulate(inner, name)}) for name in plan.tables}
    return write(plan, sheets, threshold=threshold, **spec)


def grouped(name: str, codes: Sequence[str], random: np.random.Generator) -> Children:
    """Codes in up to three groups by chance; a group of one is its code."""
    groups: dict[int, list[str]] = {}
    for code in codes:
        groups.setdefault(int(random.integers(0, 3)), []).append(code)
    children: Children = {"Total": []}
    for number, group in sorted(groups.items()):
        if len(group) > 1:
            children[f"{name}{number}"] = group
        children["Total"].append(f"{name}{number}" if len(group) > 1 else group[0])
    return children


def shares(plan: Plan, parts: Mapping[str, Array], table: str = "T") -> bytes:
    """A suppliers' file: each one's part of each cell, rows of nothing left out."""
    dims = [column for column in plan.leaves if column in plan.tables[table]]
    keys = list(itertools.product(*(plan.codes(plan.tables[table][column]) for column in dims)))
    rows = [
        [*key, name, value] for name, part in parts.items() for key, value in zip(keys, part.reshape(-1).tolist(), strict=True) if value
    ]
    return to_csv([*dims, "supplier", "value"], rows)
