"""What `spec.json` declares beyond trees and tables: rules, sums of tables, figures derived from tables. Read strictly into frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exchange.disclosure.errors import BadTables

MOST_DECIMALS = 6
"""Decimals a number of a table set may have."""

GREATEST = 10**15
"""The largest number a specification may ask for: exact in a float."""


@dataclass(frozen=True)
class Rule:
    """One rule that makes cells primary.

    `kind`: threshold, min_contributors, dominance, p_percent or group; `least`: cases or contributors a cell must have;
    `largest`: how many of the largest contributors are added up; `percent`: of what; `column`: the one whose categories are compared.
    """

    kind: str
    least: int = 0
    largest: int = 0
    percent: Fraction = Fraction(0)
    column: str = ""


@dataclass(frozen=True)
class Sum:
    """Cell by cell, the table `total` is the sum of the tables `parts`."""

    total: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Ratio:
    """A table of `per` x numerator / denominator, rounded half up to `decimals`."""

    name: str
    file: str
    numerator: str
    denominator: str
    per: Fraction
    decimals: int

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables it is derived from."""
        return self.numerator, self.denominator


@dataclass(frozen=True)
class Median:
    """A table of medians of numbers of which `table` counts how many lie in each interval; `edges`: code of `column` -> (low, high)."""

    name: str
    file: str
    table: str
    column: str
    edges: tuple[tuple[str, Fraction, Fraction], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables it is derived from."""
        return (self.table,)


KEYS = {
    "threshold": {"k"},
    "min_contributors": {"n"},
    "dominance": {"n", "k"},
    "p_percent": {"p"},
    "group": {"column"},
}


def read_rules(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The list `rules`, or none."""
    entries = _list(document, "rules")
    return tuple(_rule(f"spec.json: rule {number}", entry) for number, entry in enumerate(entries, start=1))


def _rule(where: str, entry: object) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("rule"), str) or entry["rule"] not in KEYS:
        raise BadTables(f"{where}: rule must be one of {', '.join(KEYS)}")
    kind = entry["rule"]
    if set(entry) != {"rule", *KEYS[kind]}:
        raise BadTables(f"{where}: {kind} takes exactly {' and '.join(sorted(KEYS[kind]))}")
    if kind == "group":
        return Rule(kind, column=_text(where, entry, "column"))
    if kind == "dominance":
        return Rule(kind, largest=_whole(where, entry, "n", 1), percent=percent(where, "k", entry.get("k")))
    if kind == "p_percent":
        return Rule(kind, largest=2, percent=percent(where, "p", entry.get("p")))
    return Rule(kind, least=_whole(where, entry, "k" if kind == "threshold" else "n", 1))


def read_sums(document: Mapping[str, Any], tables: frozenset[str]) -> tuple[Sum, ...]:
    """The list `sums`, or none; every table it names must be in the set, once."""
    found = []
    for number, entry in enumerate(_list(document, "sums"), start=1):
        where = f"spec.json: sum {number}"
        parts = entry.get("parts") if isinstance(entry, dict) else None
        if not isinstance(parts, list) or not parts or set(entry) != {"total", "parts"}:
            raise BadTables(f"{where}: needs a total and a list of parts")
        named = [entry["total"], *parts]
        if not all(isinstance(name, str) and name in tables for name in named) or len(set(named)) < len(named):
            raise BadTables(f"{where}: total and parts must be different tables of the set")
        found.append(Sum(named[0], tuple(sorted(named[1:]))))
    return tuple(sorted(found, key=lambda entry: (entry.total, entry.parts)))


def read_derived(document: Mapping[str, Any], tables: frozenset[str]) -> tuple[Ratio | Median, ...]:
    """The tables under `derived`, by name, or none."""
    entries = document.get("derived", {})
    if not isinstance(entries, dict):
        raise BadTables("spec.json: derived must be an object")
    return tuple(_derived(name, entry, tables) for name, entry in sorted(entries.items()))


def _derived(name: str, entry: object, tables: frozenset[str]) -> Ratio | Median:
    if name in tables:
        raise BadTables(f"{name}: a derived table has the name of a table")
    if not isinstance(entry, dict) or entry.get("kind") not in ("ratio", "median"):
        raise BadTables(f"{name}: a derived table must be of the kind ratio or median")
    file = plain_file(name, entry.get("file"))
    found: Ratio | Median
    if entry["kind"] == "ratio":
        if not set(entry) <= {"kind", "file", "numerator", "denominator", "per", "decimals"}:
            raise BadTables(f"{name}: a ratio takes a file, numerator, denominator, per and decimals")
        decimals = _whole(name, entry, "decimals", 0)
        if decimals > MOST_DECIMALS:
            raise BadTables(f"{name}: at most {MOST_DECIMALS} decimals")
        per = number(name, "per", entry.get("per", 1))
        if per <= 0:
            raise BadTables(f"{name}: per must be above 0")
        found = Ratio(name, file, _text(name, entry, "numerator"), _text(name, entry, "denominator"), per, decimals)
    else:
        if not set(entry) <= {"kind", "file", "table", "column", "edges"}:
            raise BadTables(f"{name}: a median takes a file, table, column and edges")
        found = Median(name, file, _text(name, entry, "table"), _text(name, entry, "column"), _edges(name, entry.get("edges")))
    if not set(found.sources) <= tables:
        raise BadTables(f"{name}: is derived from a table that the set does not have")
    return found


def _edges(name: str, entry: object) -> tuple[tuple[str, Fraction, Fraction], ...]:
    if not isinstance(entry, dict) or not entry:
        raise BadTables(f"{name}: edges must give a low and a high number for each code")
    found = []
    for code, pair in sorted(entry.items()):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadTables(f"{name}: edges must give a low and a high number for each code")
        low, high = number(name, "an edge", pair[0]), number(name, "an edge", pair[1])
        if low > high:
            raise BadTables(f"{name}: an edge's low number is above its high one")
        found.append((code, low, high))
    return tuple(found)


def plain_file(table: str, file: object) -> str:
    """The name of a CSV that lies beside spec.json."""
    if not isinstance(file, str) or not file or "/" in file or "\\" in file or file.startswith(".") or file.endswith(".json"):
        raise BadTables(f"{table}: file must be a plain name of a CSV beside spec.json")
    return file


def number(where: str, key: str, found: object) -> Fraction:
    """A finite JSON number, exact as written in decimals."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not -GREATEST <= found <= GREATEST:
        raise BadTables(f"{where}: {key} must be a number of at most 15 digits")
    exact = Fraction(repr(found))
    if exact.denominator > GREATEST:
        raise BadTables(f"{where}: {key} must be a number of at most 15 decimals")
    return exact


def percent(where: str, key: str, found: object) -> Fraction:
    """A JSON number above 0 and at most 100."""
    exact = number(where, key, found)
    if not 0 < exact <= 100:
        raise BadTables(f"{where}: {key} must be a number above 0 and at most 100")
    return exact


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key, [])
    if not isinstance(found, list):
        raise BadTables(f"spec.json: {key} must be a list")
    return found


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    found = entry.get(key)
    if not isinstance(found, str) or not found:
        raise BadTables(f"{where}: {key} must be a name")
    return found


def _whole(where: str, entry: Mapping[str, Any], key: str, least: int) -> int:
    found = entry.get(key, least if least == 0 else None)
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= GREATEST:
        raise BadTables(f"{where}: {key} must be a whole number of at least {least}, and of at most 15 digits")
    return found
