"""Which cells must not be worked out, and how far above and below their values they must reach: worked out from the rules once more."""

from fractions import Fraction
from typing import Any

import numpy as np

from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import Array, Long, Mask, units
from exchange.disclosure.errors import BadTables


def judged(long: Long, document: Document, decimals: int) -> tuple[Mask, Array]:
    """(rows,) whether each row of a table is primary, and how far above its value it must reach by rules about contributions."""
    value = units(long.text, long.name, "value", decimals)
    primary, above = np.zeros(len(value), dtype=np.bool_), np.zeros(len(value), dtype=np.int64)
    rules = list(document.rules)
    if long.has("primary"):
        given = units(long.text, long.name, "primary", 0)
        if (given > 1).any():
            raise BadTables(f"{long.name}, row {int(np.argmax(given > 1)) + 2}: primary must be 0 or 1")
        primary = given == 1
    else:
        if document.threshold:
            rules.append({"rule": "threshold", "k": document.threshold})
        if document.percent and not document.counts and long.has("top2"):
            rules.append({"rule": "p_percent", "p": document.percent})
        if not rules:
            raise BadTables(f"{long.name}: neither primary flags nor a threshold or another rule")
    for rule in rules:
        if rule["rule"] in {"threshold", "min_contributors"}:
            primary |= _few(long, document, rule, value)
        elif rule["rule"] == "group":
            if document.zeros_published:
                raise BadTables("the rule group hides zeros, yet zeros are published")
            primary |= _whole_group(long, rule["column"], value)
        else:
            missing = _dominated(long, rule, value, decimals)
            primary |= missing > 0
            above = np.maximum(above, missing)
    return primary, above


def _few(long: Long, document: Document, rule: dict[str, Any], value: Array) -> Mask:
    """Few cases or contributors, and by a threshold on cases none at all too, where zeros are suppressible."""
    of_people = rule["rule"] == "min_contributors" or not document.counts
    people = units(long.text, long.name, "n_contrib", 0) if of_people or long.has("n_contrib") else value
    if not of_people:
        people = np.minimum(people, value)
    few = (value > 0) & (people < int(rule["n" if rule["rule"] == "min_contributors" else "k"]))
    return np.asarray(few if of_people or document.zeros_published else few | (value == 0))


def _dominated(long: Long, rule: dict[str, Any], value: Array, decimals: int) -> Array:
    """How far above its value a cell must reach for its largest contributions to tell little: 0 where they tell little already."""
    largest = [units(long.text, long.name, f"top{n}", decimals) for n in range(1, int(rule.get("n", 2)) + 1)]
    found = []
    share = Fraction(str(rule.get("k", rule.get("p")))) / 100
    for number, tops in enumerate(zip(*(column.tolist() for column in largest), strict=True)):
        whole = int(value[number])
        if rule["rule"] == "dominance":
            missing = sum(tops) / share - whole
        else:
            missing = share * tops[0] - (whole - tops[0] - tops[1])
        found.append(max(0, -(-missing.numerator // missing.denominator)))
    return np.array(found, dtype=np.int64)


def _whole_group(long: Long, column: str, value: Array) -> Mask:
    """Where one code of a column holds all of what is above it: the code, and its empty siblings, which give it away."""
    if column not in long.columns:
        return np.zeros(len(value), dtype=np.bool_)
    axis = long.columns.index(column)
    tree, stride = long.trees[axis], long.strides[axis]
    nodes = long.place // stride % len(tree.number)
    above = tree.parent[nodes]
    brothers = np.bincount(tree.parent[1:], minlength=len(tree.number))
    family = long.place + (above - nodes) * stride
    several = (above >= 0) & (brothers[np.maximum(above, 0)] > 1)
    filled = np.bincount(family[several], weights=value[several] > 0, minlength=int(long.place.max()) + 1)
    return np.asarray(several & (filled[np.where(several, family, 0)] == 1))
