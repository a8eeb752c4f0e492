"""Agreed fields of an extract, from its native columns by the rules that the agreement writes; an identifier in the clear where a pseudonym leaves the agency."""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from adapters.registry import find
from adapters.source import Source
from demo.cast import ROOT
from demo.partnership.cast import Extract
from demo.partnership.reread.files import read
from demo.partnership.reread.names import Records
from demo.partnership.reread.values import age, each, reading_of
from demo.stage import Failed

Words = Mapping[str, Any]
Values = list[Any]
_LISTS = ROOT / "config" / "codes"


def fields_of(dataset: Words, extract: Extract) -> dict[str, Values]:
    """Agreed field → its values, in the order of the file."""
    source = find(dataset["adapter"])
    native = _Native(source, extract.path)
    return {field["name"]: each(native[field["from"]], _rule(field["rule"])) for field in dataset["fields"]}


class _Native:
    """An extract's columns under the names by which agreements know them, each read once."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source, self._texts = source, read(source, path)
        self._headers = {column.name: header for header, column in source.columns.items()}
        self._read: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._read:
            self._read[name] = self._column(name) if name in self._headers else self._derived(name)
        return self._read[name]

    def _column(self, name: str) -> Values:
        header = self._headers[name]
        return each(self._texts[header], reading_of(self._source.columns[header]))

    def _derived(self, name: str) -> Values:
        """An age on a day, or a match key."""
        parts = self._source.derived[name].parts
        if name == "age":
            born, on = (self[part] for part in parts)
            return [age(one, other) for one, other in zip(born, on, strict=True)]
        return list(self._people.keys(name))

    @cached_property
    def _people(self) -> Records:
        names = ("surname", "forename", "date_of_birth", "postcode")
        return Records(*(self[name] for name in names if name in self._headers))


def _rule(rule: Words) -> Callable[[Any], Any]:
    """A rule of an agreement over one value, which may be missing."""
    (kind, told), *_ = rule.items()
    match kind:
        case "keep" | "pseudonymise":
            return lambda value: value
        case "map":
            return _mapped(told)
        case "generalise":
            return _first_of_month if told == "month" else _mapped(told)
        case "flag":
            return lambda value: None if value is None else value in told
        case "band":
            return lambda value: None if value is None else _band(told, value)
        case "round":
            return lambda value: None if value is None else _rounded(value, told)
    raise Failed(f"The rule “{kind}” has no reading of its own.")


def _mapped(told: Words) -> Callable[[Any], Any]:
    codes = told["codes"] if "codes" in told else _listed(told["list"])
    return lambda code: told.get("blank") if code is None else codes[code] if code in codes else told["otherwise"]


@cache
def _listed(name: str) -> Mapping[str, str]:
    with (_LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["value"] for row in csv.DictReader(file)}


def _first_of_month(day: date | None) -> date | None:
    return None if day is None else day.replace(day=1)


def _band(edges: Sequence[int], value: int) -> str:
    """Under the first edge; from one to before the next; the last and over."""
    if value < edges[0]:
        return f"under {edges[0]}"
    if value >= edges[-1]:
        return f"{edges[-1]} and over"
    low, high = next((low, high - 1) for low, high in pairwise(edges) if value < high)
    return f"{low}" if low == high else f"{low} to {high}"


def _rounded(value: int, step: int) -> int:
    """To the nearest multiple, halves away from nought."""
    whole = (abs(value) * 2 + step) // (step * 2) * step
    return whole if value >= 0 else -whole
