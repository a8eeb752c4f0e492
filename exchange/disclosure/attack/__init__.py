"""The attack: an intruder's view of a protected table set, and how closely each primary cell can be worked out.

Shares nothing with the protecting side but the file format, the error classes and the words for the level asked (`Need`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from exchange.disclosure.attack.long import Array, Mask
from exchange.disclosure.attack.ranges import Component, Reach, Target, components
from exchange.disclosure.attack.view import View, look
from exchange.disclosure.errors import BadTables
from exchange.disclosure.spec import Need

_NEAR = ((150, False), (150, True), (600, False), (600, True), (1500, True))
"""Neighbourhoods searched before a whole component is: about how many cells, and whether in whole numbers."""


class Vulnerable(NamedTuple):
    """A primary cell that can be worked out too closely. `low`, `high`: what remains possible; None = without bound.

    `insider`: whether it takes a contributor who knows an own cell.
    """

    table: str
    codes: tuple[str, ...]
    low: float
    high: float | None
    insider: bool = False


@dataclass(frozen=True)
class Attack:
    """The outcome. `vulnerable` is empty for a safe set; `report` is JSON-able and names no cell."""

    vulnerable: list[Vulnerable]
    report: dict[str, Any]

    @property
    def safe(self) -> bool:
        """Whether nothing was found."""
        return not self.vulnerable


def attack(files: Mapping[str, bytes], protected: Mapping[str, bytes], need: Need | None = None, *, insiders: bool = False) -> Attack:
    """Attack a protected set. `files` is the original (for the truth and the rules), `protected` anyone's output for it.

    `need`: the level to test, None = what spec.json asks; `insiders`: also every contributor who alone makes up hidden cells.
    Raises BadTables where the two do not fit together.
    """
    view = look(files, protected)
    need = need or _level(view)
    attacker = _Attacker(view, need)
    found = attacker.outside()
    inside = attacker.inside() if insiders else []
    unit = 10**view.decimals
    cells = {cell for cell, _, _ in found}
    vulnerable = [
        _name(view, cell, reach, unit, insider=insider) for cell, reach, insider in [*found, *(x for x in inside if x[0] not in cells)]
    ]
    kinds = Counter("exact" if item.low == item.high else "narrow" for item in vulnerable if not item.insider)
    report = {
        "known_min": need.known_min,
        "min_width": need.min_width,
        "insiders": insiders,
        "cells": len(view.value),
        "primary": int(view.primary.sum()),
        "suppressed": int(view.unknown.sum()),
        "components": attacker.count,
        "exact": kinds["exact"],
        "narrow": kinds["narrow"],
        "to_insiders": sum(item.insider for item in vulnerable),
        "safe": not vulnerable,
    }
    return Attack(sorted(vulnerable, key=lambda item: (item.table, item.codes)), report)


def _level(view: View) -> Need:
    document = view.document
    width, threshold = document.get("min_width"), document.get("threshold")
    if not isinstance(width, int):
        width = threshold - 1 if view.counts and isinstance(threshold, int) and threshold > 1 else 1
    return Need(int(view.counts and document.get("zeros", "published") == "published"), width)


def _name(view: View, cell: int, reach: Reach, unit: int, *, insider: bool) -> Vulnerable:
    value = int(view.value[cell])
    low = 0 if reach.down is None else (value - reach.down) / unit
    high = None if reach.up is None else (value + reach.up) / unit
    whole = unit == 1
    return Vulnerable(*view.name(cell), int(low) if whole else low, int(high) if whole and high is not None else high, insider)


class _Attacker:
    """The hidden cells in components, each with its targets."""

    def __init__(self, view: View, need: Need) -> None:
        self._view = view
        unit = 10**view.decimals
        least = need.known_min * unit
        if (view.value[view.unknown] < least).any():
            raise BadTables("a hidden value is below the least the intruder is told to assume")
        width = need.min_width * unit if need.min_width > 1 else 1
        self._targets = {
            cell: Target(cell, int(view.lpl[cell]), int(view.upl[cell]), width) for cell in np.flatnonzero(view.primary).tolist()
        }
        hidden = view.unknown[view.cell]
        self._row, self._cell, self._sign = view.row[hidden], view.cell[hidden], view.sign[hidden]
        self._slack = view.value - least
        self._label = components(view.unknown, self._row, self._cell)
        self.count = len(np.unique(self._label[view.unknown]))

    def outside(self) -> list[tuple[int, Reach, bool]]:
        """Cells that fall to someone who has only the published tables."""
        found = [(cell, Reach(), False) for cell in self._targets if not self._view.unknown[cell]]
        for component, targets in self._components():
            found += [(cell, reach, False) for cell, reach in _fallen(component, targets)]
        return found

    def inside(self) -> list[tuple[int, Reach, bool]]:
        """Cells that a contributor can work out exactly who alone makes up other hidden cells, and so knows them."""
        found: dict[int, Reach] = {}
        owner = np.where(self._view.unknown, self._view.owner, -1)
        for component, targets in self._components():
            for person in np.unique(owner[component.cells]).tolist():
                own = component.cells[owner[component.cells] == person]
                if person >= 0:
                    component.hold(own)
                    others = [Target(t.cell, 0, 0, 1) for t in targets if t.cell not in set(own.tolist())]
                    found.update(_fallen(component, others))
                    component.hold(own[:0])
        return [(cell, reach, True) for cell, reach in sorted(found.items())]

    def _components(self) -> list[tuple[Component, list[Target]]]:
        order = np.argsort(self._label, kind="stable")
        cells = order[np.searchsorted(self._label[order], 0) :]
        groups = np.split(cells, np.flatnonzero(np.diff(self._label[cells])) + 1) if len(cells) else []
        entry_order = np.argsort(self._label[self._cell], kind="stable")
        labels = self._label[self._cell][entry_order]
        built = []
        for group in groups:
            targets = [self._targets[cell] for cell in group.tolist() if cell in self._targets]
            if targets:
                label = int(self._label[group[0]])
                mine = entry_order[np.searchsorted(labels, label) : np.searchsorted(labels, label, side="right")]
                built.append((self._component(group, mine), targets))
        return built

    def _component(self, cells: Array, mine: Array) -> Component:
        local = np.unique(self._row[mine], return_inverse=True)[1].reshape(-1).astype(np.int64)
        # One cell may stand twice in a sum (a parent and its only child): entries are added up, as a matrix needs.
        column = np.searchsorted(cells, self._cell[mine])
        pair, inverse = np.unique(local * len(cells) + column, return_inverse=True)
        sign = np.bincount(inverse.reshape(-1), weights=self._sign[mine], minlength=len(pair)).astype(np.int64)
        keep: Mask = sign != 0
        entries = pair[keep] // len(cells), pair[keep] % len(cells), sign[keep]
        return Component(cells, self._slack[cells], entries, whole=self._view.counts)


def _fallen(component: Component, targets: list[Target]) -> list[tuple[int, Reach]]:
    """The targets that are less uncertain than they must be, with what remains possible for them."""
    reach = {target.cell: Reach() for target in targets}
    component.explore(targets, reach)
    fallen = []
    for target in targets:
        for size, integers in _NEAR:
            if not reach[target.cell].enough(target):
                component.near(target.cell, size, integers=integers).settle(target, reach)
        if not reach[target.cell].enough(target):
            truth = component.exact(target.cell)
            if not truth.enough(target):
                fallen.append((target.cell, truth))
    return fallen
