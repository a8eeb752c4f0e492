"""Speed and cost of the disclosure engine on the shared sets and on generated tables of 2 000 to 250 000 cells.

    python benchmarks/disclosure.py [SET ...] [--levels ABC] [--thorough]

SET is a shared set's short name (a1 ... c0) or a generated one (g1 ... g4). Times are CPU seconds of one thread.
Peer figures are quoted in docs/disclosure.md.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from exchange.disclosure import Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack

LEVELS = {"A": Need(1, 1), "B": Need(0, 4), "C": Need(1, 4)}
# name: one entry a dimension, children per level from the root down; cells are the product of (1 + a + a*b + ...)
SHAPES = {
    "g1": ((3, 5), (11,), (2, 3)),  # 2 052 cells
    "g2": ((6, 7), (4, 5), (12,)),  # 15 925
    "g3": ((12, 6), (7, 6), (4, 3)),  # 72 250
    "g4": ((4, 5, 5), (4, 16), (4, 6)),  # 250 125
}
MEAN = {"g1": 75.0, "g2": 95.0, "g3": 100.0, "g4": 80.0}


def tree(name: str, levels: tuple[int, ...]) -> dict[str, object]:
    children: dict[str, list[str]] = {}
    front = ["Total"]
    for width in levels:
        following = []
        for code in front:
            children[code] = [f"{name if code == 'Total' else code}.{number + 1}" for number in range(width)]
            following += children[code]
        front = following
    return {"root": "Total", "children": children}


def leaves_of(children: Mapping[str, list[str]], code: str) -> Iterator[str]:
    if code not in children:
        yield code
    for child in children.get(code, []):
        yield from leaves_of(children, child)


def generate(shape: tuple[tuple[int, ...], ...], mean: float, seed: int) -> dict[str, bytes]:
    """A skewed count table over hierarchical dimensions, margins included, threshold 5, zeros published."""
    random = np.random.default_rng(seed)
    trees = {f"d{axis}": tree(f"{'abc'[axis]}", levels) for axis, levels in enumerate(shape)}
    codes, members = [], []
    for entry in trees.values():
        children = entry["children"]
        assert isinstance(children, dict)
        finest = list(leaves_of(children, "Total"))
        names = ["Total", *(code for listed in children.values() for code in listed)]
        codes.append(names)
        members.append(np.array([[leaf in set(leaves_of(children, name)) for leaf in finest] for name in names], dtype=np.int64))
    expected = np.ones([part.shape[1] for part in members])
    for axis, part in enumerate(members):
        weight = random.lognormal(0, 0.9, part.shape[1])
        expected *= (weight / np.mean(weight)).reshape([-1 if axis == other else 1 for other in range(len(members))])
    inner = random.poisson(expected * mean * random.lognormal(0, 0.7, expected.shape))
    for axis, part in enumerate(members):
        inner = np.moveaxis(np.tensordot(part, inner, axes=(1, axis)), 0, axis)
    lines = [",".join([*trees, "value"])]
    nodes = np.indices(inner.shape).reshape(len(shape), -1)
    labels = [np.array(names)[along] for names, along in zip(codes, nodes, strict=True)]
    lines += [",".join(row) for row in zip(*labels, inner.reshape(-1).astype(str), strict=True)]
    spec = {
        "hierarchies": trees,
        "tables": {"T1": {"file": "T1.csv", "dims": {name: name for name in trees}}},
        "measure": "count",
        "threshold": 5,
        "zeros": "published",
    }
    return {"spec.json": json.dumps(spec).encode(), "T1.csv": ("\n".join(lines) + "\n").encode()}


def shared_sets() -> dict[str, Path]:
    root = Path(os.environ.get("LCJP_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    return {folder.name[:2]: folder for folder in sorted((root / "data" / "disclosure").glob("*_*"))}


def load(name: str) -> dict[str, bytes]:
    if name in SHAPES:
        return generate(SHAPES[name], MEAN[name], seed=20)
    return {path.name: path.read_bytes() for path in shared_sets()[name].iterdir()}


def measure(name: str, level: str, *, thorough: bool) -> None:
    files = load(name)
    start = time.process_time()
    tables = read_table_set(files)
    read = time.process_time()
    result = protect(tables, LEVELS[level], thorough=thorough)
    protected = time.process_time()
    output = result.files()
    check_certificate(files, output)
    checked = time.process_time()
    found = attack(files, output, LEVELS[level])
    attacked = time.process_time()
    report = result.report
    print(
        f"{name} {level} {report['cells']:>7,} cells {report['primary']:>6,} primary | "
        f"{report['secondary']:>6,} secondary ({report['secondary_value']:>8,}) | "
        f"read {read - start:5.2f} protect {protected - read:6.2f} check {checked - protected:5.2f} attack {attacked - checked:5.2f} s | "
        f"{'safe' if found.safe else found.report} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=[*shared_sets(), "g1", "g2", "g3"])
    parser.add_argument("--levels", default="ABC")
    parser.add_argument("--thorough", action="store_true")
    chosen = parser.parse_args()
    for name in chosen.sets:
        for level in chosen.levels:
            measure(name, level, thorough=chosen.thorough)


if __name__ == "__main__":
    main()
