"""Table sets for tests: the copied and the shared ones by short name, and small ones made from arrays."""

import csv
import io
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[np.int64]
HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def load(name: str) -> dict[str, bytes]:
    """A set by the first two letters of its folder; skips where only the shared folder has it and that is missing."""
    shared = Path(os.environ.get("LCJP_SHARED", ROOT.parent / "shared")) / "data" / "disclosure"
    for place in (HERE / "sets", shared):
        for folder in sorted(place.glob(f"{name}_*")):
            return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".json", ".csv"}}
    pytest.skip(f"table set {name} is only in the shared data, which is not here: nothing is tested on it")


def flat(name: str, size: int) -> dict[str, Any]:
    """A hierarchy of one level: Total over name1, name2, ..."""
    return {"root": "Total", "children": {"Total": [f"{name}{number + 1}" for number in range(size)]}}


def with_margins(inner: Array) -> Array:
    """The array with a total in front of every axis."""
    for axis in range(inner.ndim):
        inner = np.concatenate([inner.sum(axis=axis, keepdims=True), inner], axis=axis)
    return inner


def count_set(inner: Array, *, threshold: int = 5, zeros: str = "published", extra: Mapping[str, Array] | None = None) -> dict[str, bytes]:
    """A flat count table over the axes of `inner`; `extra`: further columns, each shaped like the table with its margins."""
    table = with_margins(inner)
    names = [f"d{axis}" for axis in range(inner.ndim)]
    spec = {
        "hierarchies": {name: flat(name, size) for name, size in zip(names, inner.shape, strict=True)},
        "tables": {"T": {"file": "T.csv", "dims": {name: name for name in names}}},
        "measure": "count",
        "threshold": threshold,
        "zeros": zeros,
    }
    columns = {"value": table, **(extra or {})}
    rows = [[*codes, *(int(column[index]) for column in columns.values())] for index, codes in cells(inner.shape)]
    return {"spec.json": json.dumps(spec).encode(), "T.csv": to_csv([*names, *columns], rows)}


def cells(shape: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
    """(index in the table with margins, codes) of every cell of a flat table whose inner part has this shape."""
    codes = [["Total", *(f"d{axis}{number + 1}" for number in range(size))] for axis, size in enumerate(shape)]
    indexes = itertools.product(*(range(size + 1) for size in shape))
    return [(index, tuple(codes[axis][at] for axis, at in enumerate(index))) for index in indexes]


def hide(files: Mapping[str, bytes], hidden: Mapping[str, AbstractSet[tuple[str, ...]]]) -> dict[str, bytes]:
    """Protected files that hide exactly the given codes of each table, written without the engine."""
    spec = json.loads(files["spec.json"])
    out = {}
    for name, entry in spec["tables"].items():
        rows = []
        for row in read_csv(files[entry["file"]]):
            codes = tuple(row[column] for column in row if column in entry["dims"])
            secret = codes in hidden.get(name, set())
            rows.append([*codes, "" if secret else row["value"], int(secret)])
        columns = [column for column in read_csv(files[entry["file"]])[0] if column in entry["dims"]]
        out[entry["file"]] = to_csv([*columns, "value", "suppressed"], rows)
    return out


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def to_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def change(files: Mapping[str, bytes], old: str, new: str, file: str = "T.csv") -> dict[str, bytes]:
    """The set with one piece of text of one file replaced; the piece must be there."""
    content = files[file].decode()
    if old not in content:
        raise ValueError(old)
    return {**files, file: content.replace(old, new, 1).encode()}


def suppressed_codes(protected: Mapping[str, bytes], file: str) -> set[tuple[str, ...]]:
    """The codes of the hidden rows of one protected table."""
    return {tuple(list(row.values())[:-2]) for row in read_csv(protected[file]) if row["suppressed"] == "1"}


def possible(inner: Array, hidden: set[tuple[int, ...]], least: int) -> dict[tuple[int, ...], tuple[int, int]]:
    """By brute force: the least and greatest value of every hidden cell over all whole tables an intruder cannot rule out.

    The grand total must be published: it bounds the search.
    """
    table = with_margins(inner)
    leaves = [index for index in sorted(hidden) if all(index)]
    top = int(table.flat[0])
    low: dict[tuple[int, ...], int] = {}
    high: dict[tuple[int, ...], int] = {}
    for guess in itertools.product(range(least, top + 1), repeat=len(leaves)):
        candidate = inner.copy()
        for index, value in zip(leaves, guess, strict=True):
            candidate[tuple(at - 1 for at in index)] = value
        full = with_margins(candidate)
        differs = np.argwhere(full != table)
        if all(tuple(at) in hidden for at in differs.tolist()) and all(full[index] >= least for index in hidden):
            for index in hidden:
                low[index] = min(low.get(index, top), int(full[index]))
                high[index] = max(high.get(index, 0), int(full[index]))
    return {index: (low[index], high[index]) for index in hidden}
