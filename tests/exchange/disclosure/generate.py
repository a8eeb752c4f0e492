"""Seeded table sets of every kind in the format, made from arrays of leaf cells. Shared by the tests and by `benchmarks/disclosure.py`.

Nothing here comes from the engine: what a set is, is said once more.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tests.exchange.disclosure.generate_series import additive, medians, rate, rates, revised, series, supplied_series, windows, year
from tests.exchange.disclosure.plans import (
    Array,
    Children,
    Files,
    Plan,
    Sheet,
    counts,
    grouped,
    leaves_of,
    product_plan,
    respec,
    shape_of,
    shares,
    skewed,
    sparse,
    to_csv,
    tree,
    write,
)

# The larger sets: one entry a dimension, children per level from the root down; and the mean of a leaf cell.
SHAPES: dict[str, tuple[tuple[tuple[int, ...], ...], float]] = {
    "c1": (((4, 4), (3, 4), (6,)), 75.0),  # 2 352 cells
    "c2": (((6, 7), (4, 5), (12,)), 95.0),  # 15 925
    "c3": (((12, 6), (7, 6), (4, 3)), 100.0),  # 72 250
    "c4": (((4, 5, 5), (4, 16), (4, 6)), 80.0),  # 250 125
}


def large(name: str, seed: int = 20, *, mean: float | None = None) -> Files:
    """c1 ... c4: three dimensions with hierarchies, threshold 5, zeros published; 2 352 to 250 125 cells."""
    shape, usual = SHAPES[name]
    plan = product_plan([tree("abc"[axis], levels) for axis, levels in enumerate(shape)])
    return counts(plan, skewed(shape_of(plan), mean or usual, np.random.default_rng(seed)), zeros="published")


def two_way(seed: int) -> Files:
    """Two flat dimensions."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(2, 12))]), tree("c", [int(random.integers(2, 12))])])
    return counts(plan, skewed(shape_of(plan), float(random.choice([6, 15, 40])), random), int(random.choice([3, 5, 10])))


def three_way(seed: int) -> Files:
    """Three flat dimensions."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree(name, [int(random.integers(2, 6))]) for name in "rcs"])
    return counts(plan, skewed(shape_of(plan), float(random.choice([5, 12, 30])), random), int(random.choice([3, 5, 10])))


def hierarchical(seed: int) -> Files:
    """Two or three dimensions with levels, some of them uneven, some codes with an only child."""
    random = np.random.default_rng(seed)
    trees = []
    for name, levels in zip("rcs"[: int(random.integers(2, 4))], (2, 2, 1), strict=False):
        children = tree(name, random.integers(2, 4, levels).tolist())
        if random.random() < 0.5:
            leaf = str(random.choice(list(leaves_of(children, "Total"))))
            children[leaf] = [f"{leaf}.x", f"{leaf}.y"][: int(random.integers(1, 3))]
        trees.append(children)
    plan = product_plan(trees)
    return counts(plan, skewed(shape_of(plan), float(random.choice([4, 10, 25])), random), int(random.choice([3, 5])))


def four_way(seed: int) -> Files:
    """Four small dimensions."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree(name, [int(random.integers(2, 4))]) for name in "rcst"])
    return counts(plan, skewed(shape_of(plan), float(random.choice([5, 12])), random, 0.6), int(random.choice([3, 5])))


def one_way(seed: int) -> Files:
    """One dimension with levels."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", random.integers(1, 5, int(random.integers(1, 4))).tolist())])
    return counts(plan, skewed(shape_of(plan), 8.0, random), int(random.choice([3, 5])))


def linked(seed: int) -> Files:
    """Three tables over pairs of three columns, sharing their one-way margins (like d1)."""
    random = np.random.default_rng(seed)
    plan = product_plan(
        [tree("x", random.integers(2, 4, 2).tolist()), tree("y", [int(random.integers(3, 7))]), tree("z", [int(random.integers(2, 5))])],
        {"XY": (0, 1), "XZ": (0, 2), "YZ": (1, 2)},
    )
    return counts(plan, skewed(shape_of(plan), float(random.choice([1.5, 3, 8])), random), int(random.choice([3, 5])))


def groupings(seed: int) -> Files:
    """One column under three hierarchies that do not nest, two of them down to the leaves and one that stops short (like d2)."""
    random = np.random.default_rng(seed)
    codes = [f"x{number}" for number in range(int(random.integers(6, 11)))]
    trees = {"by_area": grouped("n", codes, random), "by_size": grouped("big", codes, random)}
    trees["areas_only"] = {"Total": trees["by_area"]["Total"]}
    trees["z"] = tree("z", [int(random.integers(2, 4))])
    leaves = {"x": codes, "z": list(leaves_of(trees["z"], "Total"))}
    tables = {
        "T1": {"x": "by_area"},
        "T2": {"x": "by_size"},
        "T3": {"x": "areas_only", "z": "z"},
        "T4": {"x": "by_size", "z": "z"},
    }
    chosen = ["T1", "T2", "T3", "T4"][: int(random.integers(2, 5))]
    plan = Plan(leaves, trees, {name: tables[name] for name in chosen})
    return counts(plan, skewed(shape_of(plan), float(random.choice([3, 8])), random), int(random.choice([3, 5])))


def ones(seed: int) -> Files:
    """Sparse, with many ones, zeros published."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree(name, [int(random.integers(3, 8))]) for name in "rcs"[: int(random.integers(2, 4))]])
    return counts(plan, sparse(shape_of(plan), 0.4, random), int(random.choice([2, 3, 5])))


def suppressible(seed: int) -> Files:
    """Sparse, zeros suppressible and so primary too."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree(name, [int(random.integers(3, 7))]) for name in "rcs"[: int(random.integers(2, 4))]])
    inner = np.where(random.random(shape_of(plan)) < 0.15, 0, skewed(shape_of(plan), 12.0, random))
    return counts(plan, inner, int(random.choice([3, 5])), zeros="suppressible")


def forced(seed: int) -> Files:
    """Some cells that are not primary must be published."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 8))]), tree("c", random.integers(2, 4, 2).tolist())])
    value = plan.tabulate(skewed(shape_of(plan), 12.0, random), "T")
    must = (random.random(value.shape) < float(random.choice([0.05, 0.2, 0.5]))) & ((value >= 5) | (value == 0))
    return write(plan, {"T": Sheet("T", {"value": value, "forced": must.astype(np.int64)})}, threshold=5)


def people(seed: int) -> Files:
    """Counts with fewer contributors than cases."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 8))]), tree("c", [int(random.integers(3, 6))])])
    inner = skewed(shape_of(plan), 20.0, random)
    few = np.minimum(inner, random.integers(1, 9, inner.shape))
    columns = {"value": plan.tabulate(inner, "T"), "n_contrib": plan.tabulate(few, "T")}
    return write(plan, {"T": Sheet("T", columns)}, threshold=5)


def costs(seed: int) -> Files:
    """Prices of hiding given by the user, some of them nothing."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 8))]), tree("c", [int(random.integers(3, 8))])])
    value = plan.tabulate(skewed(shape_of(plan), 12.0, random), "T")
    return write(plan, {"T": Sheet("T", {"value": value, "cost": random.choice([0, 0.5, 1, 7, 100], value.shape)})}, threshold=5)


def magnitudes(seed: int, *, singles: bool = False) -> Files:
    """Values with the largest contributions of each cell flagged by p% = 20: `primary`, `lpl`, `upl` (like e1), single ones (like e2)."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree(name, [int(random.integers(3, 6))]) for name in "rcs"[: int(random.integers(2, 4))]])
    parts = contributions(shape_of(plan), random)
    value = plan.tabulate(parts.sum(axis=-1), "T")
    top = np.sort(np.stack([plan.tabulate(parts[..., place], "T") for place in range(parts.shape[-1])], axis=-1), axis=-1)[..., ::-1]
    missing = np.ceil(0.2 * top[..., 0] - (value - top[..., 0] - top[..., 1])).astype(np.int64)
    primary = (value > 0) & (missing > 0)
    columns = {
        "value": value,
        "primary": primary.astype(np.int64),
        "lpl": np.where(primary, np.minimum(missing, value), 0),
        "upl": np.where(primary, missing, 0),
    }
    if singles:
        columns["single_contributor"] = ((top[..., 1] == 0) & (value > 0)).astype(np.int64)
    return write(plan, {"T": Sheet("T", columns)}, measure="magnitude")


def insiders(seed: int) -> Files:
    """Magnitudes with single contributors (like e2)."""
    return magnitudes(seed, singles=True)


def named_insiders(seed: int) -> Files:
    """Counts where some small cells have one contributor, by name; one of them has several cells."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(4, 8))]), tree("c", [int(random.integers(4, 8))])])
    value = plan.tabulate(skewed(shape_of(plan), 15.0, random), "T")
    leaf = np.zeros(value.shape, dtype=np.bool_)
    leaf[1:, 1:] = True
    single = np.where(
        leaf & (value > 0) & (value < 5) & (random.random(value.shape) < 0.6), random.choice(["ann", "bo", "cy"], value.shape), ""
    )
    return write(plan, {"T": Sheet("T", {"value": value, "single_contributor": single})}, threshold=5)


def contributions(shape: Sequence[int], random: np.random.Generator, people_: int = 4) -> Array:
    """(*shape, people) what each of a few contributors has in each leaf cell; they are the same people throughout."""
    part = random.lognormal(4, 1.2, (*shape, people_)) * (random.random((*shape, people_)) < 0.55)
    return np.asarray(np.rint(part), dtype=np.int64)


def ruled(seed: int) -> Files:
    """Magnitudes whose primaries follow from `rules` over the columns top1, top2 and n_contrib: dominance, p% and contributors."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 6))]), tree("c", [int(random.integers(3, 6))])])
    parts = contributions(shape_of(plan), random)
    each = np.stack([plan.tabulate(parts[..., place], "T") for place in range(parts.shape[-1])], axis=-1)
    top = np.sort(each, axis=-1)[..., ::-1]
    columns = {"value": each.sum(axis=-1), "top1": top[..., 0], "top2": top[..., 1], "n_contrib": (each > 0).sum(axis=-1)}
    every = [
        {"rule": "dominance", "n": 1, "k": 80},
        {"rule": "p_percent", "p": 10},
        {"rule": "min_contributors", "n": 2},
        {"rule": "dominance", "n": 2, "k": 95},
    ]
    chosen = [every[place] for place in sorted(random.choice(4, int(random.integers(1, 4)), replace=False).tolist())]
    return write(plan, {"T": Sheet("T", columns)}, measure="magnitude", rules=chosen)


def group_disclosure(seed: int) -> Files:
    """Counts by outcome where one category holding all of its parent is a disclosure; zeros suppressible."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("area", [int(random.integers(4, 8))]), tree("o", [3])])
    inner = skewed(shape_of(plan), 20.0, random) + 5
    for row in random.choice(inner.shape[0], 2, replace=False).tolist():
        inner[row, :] = np.where(np.arange(3) == random.integers(0, 3), inner[row], 0)
    return respec(counts(plan, inner, zeros="suppressible"), rules=[{"rule": "group", "column": "d1"}])


def suppliers(seed: int) -> Files:
    """A pooled count with the parts of two to four suppliers."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 6))]), tree("c", [int(random.integers(3, 6))])])
    names = ["durham", "cleveland", "northumbria", "cumbria"][: int(random.integers(2, 5))]
    parts = {name: skewed(shape_of(plan), float(random.choice([2, 8])), random) for name in names}
    total = sum(parts.values(), np.zeros(shape_of(plan), dtype=np.int64))
    files = write(plan, {"T": Sheet("T", {"value": plan.tabulate(total, "T")}, {"suppliers": "S.csv"})}, threshold=5)
    return {**files, "S.csv": shares(plan, {name: plan.tabulate(part, "T") for name, part in parts.items()})}


_COUNTS = (one_way, two_way, three_way, four_way, hierarchical, linked, groupings, ones, suppressible, forced, people, costs)
_RULES = (magnitudes, insiders, named_insiders, ruled, group_disclosure, suppliers)
_TIME = (series, additive, revised, windows, year, supplied_series)
_FIGURES = (rates, medians)
KINDS: dict[str, Callable[[int], Files]] = {kind.__name__: kind for kind in (*_COUNTS, *_RULES, *_TIME, *_FIGURES)}
"""Every kind of set by name; each takes a seed."""

__all__ = [
    "KINDS",
    "SHAPES",
    "Array",
    "Children",
    "Files",
    "Plan",
    "Sheet",
    "additive",
    "counts",
    "large",
    "leaves_of",
    "medians",
    "product_plan",
    "rate",
    "rates",
    "respec",
    "revised",
    "series",
    "shape_of",
    "shares",
    "skewed",
    "sparse",
    "supplied_series",
    "to_csv",
    "tree",
    "windows",
    "write",
    "year",
]
