"""The attack: an intruder's view of a protected table set, and how closely each primary cell can be worked out.

Shares nothing with the protecting side but the file format, the error classes and the words for the level asked (`Need`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from exchange.disclosure.attack.document import Document, read_document
from exchange.disclosure.attack.insiders import inside
from exchange.disclosure.attack.long import Mask
from exchange.disclosure.attack.programs import Floats
from exchange.disclosure.attack.ranges import Fallen, Ranges, Targets
from exchange.disclosure.attack.suppliers import Known
from exchange.disclosure.attack.view import View, look
from exchange.disclosure.errors import BadTables
from exchange.disclosure.spec import Need


class Vulnerable(NamedTuple):
    """A primary cell that can be worked out too closely. `low`, `high`: what remains possible; None = without bound.

    `insider`: whether it takes a contributor who knows an own cell; `supplier`: whose knowledge of its own part it takes, "" = nobody's;
    `since`: where it is not the cell but its difference from an earlier release, that release.
    """

    table: str
    codes: tuple[str, ...]
    low: float | None
    high: float | None
    insider: bool = False
    supplier: str = ""
    since: str = ""


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
    Every supplier that the set names is tried always. Raises BadTables where the two do not fit together.
    """
    view = look(files, protected)
    attacker = _Attacker(view, need or _level(view.document))
    found = [("", False, attacker.public())]
    found += [(supplier.name, False, attacker.supplier(supplier)) for supplier in view.suppliers]
    if insiders:
        found.append(("", True, attacker.insiders(found[0][2])))
    vulnerable = [_named(view, one, supplier, insider=insider) for supplier, insider, fallen in found for one in fallen]
    cells = len(view.value) - len(view.since)
    report = {
        "known_min": attacker.need.known_min,
        "min_width": attacker.need.min_width,
        "insiders": insiders,
        "cells": cells,
        "differences": len(view.since),
        "primary": int(view.primary[:cells].sum()),
        "suppressed": int(view.system.unknown[:cells].sum()),
        "components": attacker.ranges.count,
        "exact": sum(one.down + one.up == 0 for one in found[0][2]),
        "narrow": sum(one.down + one.up > 0 for one in found[0][2]),
        "to_suppliers": sum(len(fallen) for name, _, fallen in found if name),
        "to_insiders": sum(len(fallen) for _, insider, fallen in found if insider),
        "intruders": [
            {"intruder": "insiders" if insider else "supplier" if name else "public", "supplier": name or None, **_counts(fallen)}
            for name, insider, fallen in found
        ],
        "safe": not vulnerable,
    }
    return Attack(sorted(vulnerable, key=lambda item: (item.table, item.codes, item.since, item.supplier)), report)


def asked(files: Mapping[str, bytes]) -> Need:
    """The level that the spec.json of a set asks for; BadTables where it cannot be read."""
    return _level(read_document(files))


def _level(document: Document) -> Need:
    width = document.min_width or (max(document.strictest - 1, 1) if document.counts else 1)
    return Need(int(document.counts and document.zeros_published), width)


def _counts(fallen: Iterable[Fallen]) -> dict[str, int]:
    exact = [one.down + one.up == 0 for one in fallen]
    return {"exact": sum(exact), "narrow": len(exact) - sum(exact)}


def _named(view: View, one: Fallen, supplier: str, *, insider: bool) -> Vulnerable:
    table, codes, since = view.name(one.cell)
    value, unit = int(view.value[one.cell]), 10**view.decimals
    ends = [None if abs(end) == np.inf else int(end) if unit == 1 else end / unit for end in (value - one.down, value + one.up)]
    return Vulnerable(table, codes, ends[0], ends[1], insider, supplier, since)


class _Attacker:
    """One set, and the intruders in turn."""

    def __init__(self, view: View, need: Need) -> None:
        self.need, self._view = need, view
        unit = 10**view.decimals
        self._least = np.where(view.seen.assumed, np.maximum(view.seen.low, need.known_min * unit), view.seen.low)
        unknown = view.system.unknown
        if (view.value[unknown] < self._least[unknown]).any():
            raise BadTables("a hidden value is below the least the intruder is told to assume: zeros are hidden, or known_min is too high")
        self._fall: Floats = np.asarray(view.value - self._least, dtype=np.float64)
        self._rise: Floats = np.asarray(view.seen.high - view.value, dtype=np.float64)
        self._width = float(need.min_width * unit if need.min_width > 1 else 1)
        self.ranges = Ranges(view.system)

    def public(self) -> list[Fallen]:
        """Cells that fall to someone who has only what is published."""
        return self.ranges.fallen(self._fall, self._rise, self._targets(self._view.primary))

    def supplier(self, supplier: Known) -> list[Fallen]:
        """Cells in which what others have falls to a supplier who knows its own part."""
        known = (supplier.own > 0) & (supplier.others == 0) & (np.arange(len(supplier.own)) < len(supplier.own) - len(self._view.since))
        # What nothing bounds from below, the difference of a revision, is no number of records: its own part bounds it neither.
        others = np.where(np.isinf(self._fall), np.inf, self._view.value - supplier.own)
        fall: Floats = np.where(known, 0.0, np.maximum(np.minimum(self._fall, others), 0.0))
        targets = self._targets(supplier.primary)
        # What the others sent cannot be less than nothing: below that there is nothing to ask.
        targets = replace(targets, down=np.minimum(targets.down, fall[targets.cells]))
        return self.ranges.fallen(fall, np.where(known, 0.0, self._rise), targets)

    def insiders(self, fallen: Iterable[Fallen]) -> list[Fallen]:
        """Cells that fall only to contributors who know own cells."""
        targets = self._targets(self._view.primary)
        rest = targets.only(~np.isin(targets.cells, [one.cell for one in fallen]))
        return inside(self.ranges, self._fall, self._rise, rest, self._view.owner)

    def _targets(self, primary: Mask) -> Targets:
        cells = np.flatnonzero(primary)
        down, up = self._view.lpl[cells].astype(np.float64), self._view.upl[cells].astype(np.float64)
        return Targets(cells, down, up, np.full(len(cells), self._width))
