"""Seeded table sets over time, and with figures derived from them: releases, revisions, rolling windows, rates and medians."""

import itertools

import numpy as np

from tests.exchange.disclosure.plans import (
    Array,
    Files,
    Plan,
    Sheet,
    counts,
    grouped,
    product_plan,
    respec,
    shape_of,
    shares,
    skewed,
    to_csv,
    tree,
    write,
)


def series(seed: int, relation: str = "same") -> Files:
    """Two or three releases of one table (like f1): the same figures under another cut, figures that only grow, or revised ones."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 6))]), tree("c", [int(random.integers(3, 6))])])
    inner = skewed(shape_of(plan), 10.0, random)
    if relation == "same":
        return _same(plan, inner, random)
    sheets, before = {}, inner
    for number in range(1, int(random.integers(2, 4)) + 1):
        after, gain, lost = before, np.zeros_like(before), np.zeros_like(before)
        if number > 1:
            gain = random.poisson(random.choice([0.3, 3.0, 9.0]), before.shape) * (random.random(before.shape) < 0.5)
            lost = np.minimum(before, random.poisson(1.0, before.shape)) if relation == "revised" else np.zeros_like(before)
            after = before + gain - lost
        columns = {"value": plan.tabulate(after, "T")}
        if relation == "revised" and number > 1:
            columns["changed"] = plan.tabulate(gain + lost, "T")
        sheets[f"R{number}"] = Sheet("T", columns, {"release": number})
        before = after
    return write(plan, sheets, threshold=5, releases={"relation": relation})


def _same(plan: Plan, inner: Array, random: np.random.Generator) -> Files:
    codes = list(plan.leaves["d0"])
    trees = {**plan.trees, "cut": grouped("g", codes, random)}
    cut = Plan(plan.leaves, trees, {**plan.tables, "cut": {"d0": "cut", "d1": "d1"}})
    sheets = {
        "R1": Sheet("T", {"value": cut.tabulate(inner, "T")}, {"release": 1}),
        "R2": Sheet("cut", {"value": cut.tabulate(inner, "cut")}, {"release": 2}),
    }
    return write(cut, sheets, threshold=5, releases={"relation": "same"})


def additive(seed: int) -> Files:
    """Releases of figures that only grow."""
    return series(seed, "additive")


def revised(seed: int) -> Files:
    """Releases of figures that are revised, with how many records changed."""
    return series(seed, "revised")


def windows(seed: int, months: int = 4, length: int = 3) -> Files:
    """Months and the rolling sums over some of them, each a universe of its own, bound by `sums`."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 5))]), tree("c", [3])])
    monthly = [skewed(shape_of(plan), float(random.choice([3, 9])), random) for _ in range(months)]
    sheets = {
        f"M{number + 1:02}": Sheet("T", {"value": plan.tabulate(inner, "T")}, {"universe": f"month {number + 1}"})
        for number, inner in enumerate(monthly)
    }
    sums = []
    for first in range(months - length + 1):
        name, parts = f"W{first + 1:02}", [f"M{first + offset + 1:02}" for offset in range(length)]
        value = plan.tabulate(sum(monthly[first : first + length], np.zeros_like(monthly[0])), "T")
        sheets[name] = Sheet("T", {"value": value}, {"universe": f"window {first + 1}"})
        sums.append({"total": name, "parts": parts})
    return write(plan, sheets, threshold=5, sums=sums)


def year(seed: int) -> Files:
    """Windows of twelve months over thirteen."""
    return windows(seed, 13, 12)


def rates(seed: int, *, decimals: int = 1) -> Files:
    """Numerator and denominator, each a universe of its own, and the rate per hundred beside them."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 6))]), tree("c", [3])])
    below = skewed(shape_of(plan), 25.0, random)
    above = random.binomial(below, 0.3)
    tables = {"N": plan.tabulate(above, "T"), "D": plan.tabulate(below, "T")}
    files = write(plan, {name: Sheet("T", {"value": value}, {"universe": name}) for name, value in tables.items()}, threshold=5)
    texts = [rate(n, d, 100, decimals) for n, d in zip(tables["N"].reshape(-1).tolist(), tables["D"].reshape(-1).tolist(), strict=True)]
    keys = itertools.product(*(plan.codes(name) for name in ("d0", "d1")))
    derived = {"R": {"file": "R.csv", "kind": "ratio", "numerator": "N", "denominator": "D", "per": 100, "decimals": decimals}}
    return {
        **respec(files, derived=derived),
        "R.csv": to_csv(["d0", "d1", "value"], [[*key, text] for key, text in zip(keys, texts, strict=True)]),
    }


def rate(numerator: int, denominator: int, per: int, decimals: int) -> str:
    """Per x n / d, rounded half up to so many decimals; empty where there is nothing to divide by."""
    if denominator == 0:
        return ""
    unit = 10**decimals
    rounded = (2 * numerator * per * unit + denominator) // (2 * denominator)
    return f"{rounded // unit}.{rounded % unit:0{decimals}d}" if decimals else str(rounded)


def medians(seed: int) -> Files:
    """Cases by area and days to outcome in bands, and the median days of each area beside them."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("area", [int(random.integers(3, 6))]), tree("days", [4])])
    edges = {"days.1": [0, 6], "days.2": [7, 13], "days.3": [14, 29], "days.4": [30, 99]}
    bands = list(edges.values())
    inner = skewed(shape_of(plan), 10.0, random)
    days = [
        [np.concatenate([random.integers(low, high + 1, n) for (low, high), n in zip(bands, row, strict=True)])] for row in inner.tolist()
    ]
    every = [np.concatenate([found[0] for found in days]), *(found[0] for found in days)]
    texts = ["" if not len(found) else f"{float(np.median(found)):.1f}".removesuffix(".0") for found in every]
    files = counts(plan, inner)
    derived = {"M": {"kind": "median", "table": "T", "column": "d1", "file": "M.csv", "edges": edges}}
    return {**respec(files, derived=derived), "M.csv": to_csv(["d0", "value"], zip(plan.codes("d0"), texts, strict=True))}


def supplied_series(seed: int) -> Files:
    """Two or three releases of a pooled count that only grows, each with its suppliers' parts."""
    random = np.random.default_rng(seed)
    plan = product_plan([tree("r", [int(random.integers(3, 6))]), tree("c", [int(random.integers(2, 4))])])
    parts = {name: skewed(shape_of(plan), float(random.choice([3, 8])), random) for name in ("durham", "cleveland")}
    sheets, others = {}, {}
    for release in range(1, int(random.integers(2, 4)) + 1):
        if release > 1:
            parts = {name: part + random.poisson(2.0, part.shape) * (random.random(part.shape) < 0.6) for name, part in parts.items()}
        pooled = sum(parts.values(), np.zeros(shape_of(plan), dtype=np.int64))
        sheets[f"R{release}"] = Sheet("T", {"value": plan.tabulate(pooled, "T")}, {"release": release, "suppliers": f"S{release}.csv"})
        others[f"S{release}.csv"] = shares(plan, {name: plan.tabulate(part, "T") for name, part in parts.items()})
    return {**write(plan, sheets, threshold=5, releases={"relation": "additive"}), **others}
