"""What a table set means to the judge: its rows, what is the same code, which cells are primary under which rule, the order of releases."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from tests.exchange.disclosure.solving import Line


class Aim(NamedTuple):
    """Something that must stay uncertain: a name to report it by, the combination of cells, and how far below, above and in all."""

    name: tuple[str, tuple[str, ...]]
    combination: Line
    value: Fraction
    down: Fraction
    up: Fraction
    width: Fraction

    def met(self, low: float, high: float) -> bool:
        """Whether an interval is as wide as it must be."""
        tiny = 1e-6
        return self.value - low >= self.down - tiny and high - self.value >= self.up - tiny and high - low >= self.width - tiny


@dataclass
class Rows:
    """One table as read: its codes and columns by row, and the number of each row's cell."""

    name: str
    entry: Mapping[str, Any]
    columns: list[str]
    codes: list[tuple[str, ...]]
    fields: dict[str, list[str]]
    cells: list[int] = field(default_factory=list)


def finest(spec: Mapping[str, Any]) -> dict[str, dict[str, frozenset[str]]]:
    """For each column, the finest codes under each code, over all hierarchies it stands under."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for entry in spec["tables"].values():
        for column, name in entry["dims"].items():
            tree = spec["hierarchies"][name]
            found.setdefault(column, {})
            for code, below in tree["children"].items():
                if code != tree["root"] and below:
                    found[column].setdefault(code, frozenset(below))
    for codes in found.values():
        changed = True
        while changed:
            wider = {code: frozenset().union(*(codes.get(one, frozenset([one])) for one in below)) for code, below in codes.items()}
            changed = wider != codes
            codes.update(wider)
    return found


def groups(spec: Mapping[str, Any], rows: Rows, value: Sequence[Fraction], column: str) -> set[int]:
    """Where one code of a column holds all of the code above it: that cell and its siblings, all of them nothing."""
    found: set[int] = set()
    if column in rows.columns:
        axis = rows.columns.index(column)
        where = dict(zip(rows.codes, rows.cells, strict=True))
        for codes, cell in where.items():
            below = spec["hierarchies"][rows.entry["dims"][column]]["children"].get(codes[axis], [])
            parts = [where[(*codes[:axis], child, *codes[axis + 1 :])] for child in below]
            if len(parts) > 1 and value[cell] > 0 and value[cell] in [value[part] for part in parts]:
                found |= set(parts)
    return found


def natural(release: str) -> list[tuple[int, str]]:
    """The order of releases: numbers within a name count as numbers."""
    return [(int(piece) if piece.isdigit() else -1, piece) for piece in re.split(r"([0-9]+)", release)]


def primary(spec: Mapping[str, Any], rows: Rows, place: int, unit: Fraction) -> tuple[Fraction, Fraction] | None:
    """Whether a row is primary under the flags and rules of a set: how far below and above it must stay uncertain, or None."""
    fields = {name: Fraction(column[place]) for name, column in rows.fields.items() if name != "single_contributor" and column[place]}
    value, zero = fields["value"], Fraction(0)
    sides = [(fields.get("lpl", zero), fields.get("upl", zero))] if "lpl" in fields or "upl" in fields else []
    hit = False
    suppressible = spec.get("zeros", "published") == "suppressible"
    rules = list(spec.get("rules", []))
    if "primary" in fields:
        hit = fields["primary"] == 1
    elif "threshold" in spec and spec["measure"] == "count":
        rules.append({"rule": "threshold", "k": spec["threshold"]})
    for rule in rules:
        asked = _rule(rule, fields, value, suppressible=suppressible, unit=unit)
        if asked is not None:
            hit = True
            sides.append(asked)
    if spec["measure"] != "count" and "p_percent" in spec and hit and "lpl" not in fields and "upl" not in fields:
        away = math.ceil(value / unit * Fraction(str(spec["p_percent"])) / 100) * unit
        sides.append((away, away))
    if not hit:
        return None
    return max((down for down, _ in sides), default=zero), max((up for _, up in sides), default=zero)


def _rule(
    rule: Mapping[str, Any], fields: Mapping[str, Fraction], value: Fraction, *, suppressible: bool, unit: Fraction
) -> tuple[Fraction, Fraction] | None:
    zero = Fraction(0)
    if rule["rule"] in {"threshold", "min_contributors"}:
        people = fields.get("n_contrib", value)
        small = min(value, people) < rule["k"] if rule["rule"] == "threshold" else people < rule["n"]
        return (zero, zero) if (value > 0 and small) or (value == 0 and suppressible and rule["rule"] == "threshold") else None
    if rule["rule"] == "dominance":
        top = sum((fields[f"top{number}"] for number in range(1, rule["n"] + 1)), zero)
        wanted = math.ceil((top * 100 / Fraction(str(rule["k"])) - value) / unit) * unit
        return (zero, max(unit, wanted)) if value > 0 and top * 100 > Fraction(str(rule["k"])) * value else None
    if rule["rule"] == "p_percent":
        missing = Fraction(str(rule["p"])) / 100 * fields["top1"] - (value - fields["top1"] - fields["top2"])
        return (zero, max(unit, math.ceil(missing / unit) * unit)) if value > 0 and missing > 0 else None
    return None
