"""The rules that make cells primary, and how far above its value each cell must then reach. All apply together; the strictest wins.

Exact: percentages are fractions, sums of contributions whole numbers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from exchange.disclosure.declared import Rule
from exchange.disclosure.errors import BadTables
from exchange.disclosure.sheets import Bools, Ints, Sheet
from exchange.disclosure.spec import Spec

Exact = npt.NDArray[np.object_]


def judge(sheet: Sheet, spec: Spec, decimals: int) -> tuple[Bools, Ints]:
    """(rows,) which cells of a sheet are primary, and what they need above their value, in units of 10 ** -`decimals`.

    A given `primary` column stands for the keys of the specification; its list of rules applies beside it. BadTables for a rule without its
    columns, and for contributions that cannot be those of their cell.
    """
    rules = _applying(sheet, spec)
    value = sheet.value.units(decimals)
    tops = _tops(sheet, value, decimals)
    primary = np.zeros(len(value), dtype=np.bool_) if sheet.primary is None else sheet.primary.copy()
    above = np.zeros(len(value), dtype=np.int64)
    for rule in rules:
        if rule.kind in {"dominance", "p_percent"}:
            _need(sheet, rule.kind, f"top{rule.largest}", there=len(tops) >= rule.largest)
            missing = _dominated(rule, value, tops) if rule.kind == "dominance" else _estimated(rule, value, tops)
            primary |= missing > 0
            above = np.maximum(above, missing)
        elif rule.kind == "group":
            primary |= _full(sheet, rule.column, value)
        else:
            primary |= _few(sheet, spec, rule, value)
    return primary, above


def _applying(sheet: Sheet, spec: Spec) -> Sequence[Rule]:
    rules = [rule for rule in spec.rules if rule.kind != "group" or rule.column in sheet.columns]
    if sheet.primary is not None:
        return rules
    if spec.threshold is not None:
        rules.append(Rule("threshold", least=spec.threshold))
    if spec.p_percent is not None and not spec.counts and len(sheet.tops) > 1:
        rules.append(Rule("p_percent", largest=2, percent=spec.p_percent))
    if not rules and not spec.rules:
        raise BadTables(f"{sheet.name}: no primary column, and no threshold or other rule to work it out from")
    return rules


def _need(sheet: Sheet, rule: str, column: str, *, there: bool) -> None:
    if not there:
        raise BadTables(f"{sheet.name}: the rule {rule} needs the column {column}")


def _tops(sheet: Sheet, value: Ints, decimals: int) -> list[Ints]:
    """The largest contributions, each (rows,); BadTables where one is larger than that before it, or all are more than the cell."""
    tops = [column.units(decimals) for column in sheet.tops]
    left = value
    for number, top in enumerate(tops):
        wrong = (top > left) | (top > tops[number - 1] if number else False)
        if wrong.any():
            row = int(np.argmax(wrong)) + 2
            raise BadTables(f"{sheet.name}, row {row}: top{number + 1} is above the one before it, or the largest are more than the cell")
        left = left - top
    return tops


def _few(sheet: Sheet, spec: Spec, rule: Rule, value: Ints) -> Bools:
    """Too few cases or contributors; of cases, none at all too where zeros are suppressible."""
    people = sheet.contributors
    if rule.kind == "min_contributors" or not spec.counts:
        _need(sheet, rule.kind, "n_contrib", there=people is not None)
    if people is None:
        people = value
    elif rule.kind == "threshold" and spec.counts:
        people = np.minimum(people, value)
    few = np.asarray((value > 0) & (people < rule.least))
    if rule.kind == "threshold" and spec.counts and not spec.zeros_published:
        few |= value == 0
    return few


def _dominated(rule: Rule, value: Ints, tops: Sequence[Ints]) -> Ints:
    """What a cell lacks for its `largest` contributions to be at most `percent` of it; 0 where it lacks nothing."""
    largest: Exact = np.sum(tops[: rule.largest], axis=0).astype(object)
    enough = _up(largest * (100 * rule.percent.denominator), rule.percent.numerator)
    return np.asarray(np.maximum(enough - value, 0), dtype=np.int64)


def _estimated(rule: Rule, value: Ints, tops: Sequence[Ints]) -> Ints:
    """What must be open for the second contributor not to know the first to within `percent` of it; 0 where it is open already."""
    margin = _up(tops[0].astype(object) * rule.percent.numerator, 100 * rule.percent.denominator)
    return np.maximum(margin - (value - tops[0] - tops[1]), 0)


def _up(numerator: Exact, denominator: int) -> Ints:
    """Quotients rounded up, exact."""
    return np.asarray(-(-numerator // denominator), dtype=np.int64)


def _full(sheet: Sheet, column: str, value: Ints) -> Bools:
    """Where one category holds all of what is above it: that cell, and its empty siblings, which give it away."""
    axis = sheet.columns.index(column)
    grid = np.empty(len(value), dtype=np.int64)
    grid[sheet.position] = value
    lines = np.moveaxis(grid.reshape(sheet.shape), axis, 0)
    found = np.zeros_like(lines, dtype=np.bool_)
    for children in sheet.hierarchies[axis].children.values():
        if len(children) > 1:
            below = list(children)
            found[below] |= (lines[below] > 0).sum(axis=0) == 1
    return np.asarray(np.moveaxis(found, 0, axis).reshape(-1)[sheet.position])
