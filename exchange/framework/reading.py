"""The reader of ``config/measures.toml``: strict, so that a slip of the pen is no figure on a page."""

import re
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from exchange.errors import Misconfigured
from exchange.framework.measures import Break, Cells, Direction, Figure, Kind, Measure, National, Printed, Workstream

_ID = re.compile(r"[A-Z]{2}[0-9]{1,2}", re.ASCII)
_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*", re.ASCII)
_PERIOD = re.compile(r"\d{4}(-(Q[1-4]|\d{2}))?", re.ASCII)
Chosen = TypeVar("Chosen", bound=StrEnum)


def read_measures(path: Path) -> tuple[Measure, ...]:
    """Every measure, in the order of the file.

    Raises:
        Misconfigured: the file is missing, is not TOML, or says something that this reader does not know; it names the place.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(
            f"there is no file of measures {path.name}.", remedy="Name it in the hub's settings: measures = FILE"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path.name} is not TOML.", remedy=str(error)) from error
    top = _Table(path.name, found)
    measures = tuple(_measure(one) for one in top.tables("measures"))
    top.end()
    ids = [one.id for one in measures]
    if len(set(ids)) < len(ids):
        raise Misconfigured(f"{path.name}: two measures have one id.")
    return measures


class _Table:
    """A TOML table that is asked for each of its keys once; what nobody has asked for at the end is a mistake."""

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, dict):
            raise Misconfigured(f"{place} must be a table.")
        self.place, self.values, self.asked = place, values, set[str]()

    def wrong(self, key: str, must: str) -> Misconfigured:
        """The error that names the place."""
        return Misconfigured(f"{self.place}: {key} must be {must}.")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; none is needed where there is a default."""
        self.asked.add(key)
        value = self.values.get(key, default)
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.wrong(key, "a text")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not there."""
        self.asked.add(key)
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def whole(self, key: str, default: int) -> int:
        """A whole number above nought."""
        self.asked.add(key)
        value = self.values.get(key, default)
        if type(value) is not int or value < 1:
            raise self.wrong(key, "a whole number of at least 1")
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is not there."""
        self.asked.add(key)
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def tables(self, key: str) -> "list[_Table]":
        """A list of tables; empty where it is not there."""
        self.asked.add(key)
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list of tables")
        return [_Table(f"{self.place}, {key} {number}", one) for number, one in enumerate(value, 1)]

    def table(self, key: str) -> "_Table | None":
        """A table, if it is there."""
        self.asked.add(key)
        return _Table(f"{self.place}, {key}", self.values[key]) if key in self.values else None

    def end(self) -> None:
        """Nothing else may stand there."""
        if unknown := sorted(set(self.values) - self.asked):
            raise Misconfigured(f"{self.place}: unknown {', '.join(unknown)}.", remedy=f"There are: {', '.join(sorted(self.asked))}.")


def _measure(table: _Table) -> Measure:
    identity = table.text("id")
    if not _ID.fullmatch(identity):
        raise table.wrong("id", "two capitals and a number, such as ME1")
    table.place = identity
    figures = tuple(_figure(one) for one in table.tables("figures"))
    names = [one.name for one in figures]
    if sum(one.headline for one in figures) != 1 or len(set(names)) < len(names):
        raise table.wrong("figures", "named each its own way, and exactly one of them the headline")
    found = Measure(
        id=identity,
        workstream=_one_of(table, "workstream", Workstream),
        title=table.text("title"),
        question=table.text("question"),
        definition=table.text("definition"),
        direction=_one_of(table, "direction", Direction),
        serves=table.texts("serves"),
        caveats=table.texts("caveats"),
        agreement=table.text("agreement"),
        breaks=tuple(_break(one) for one in table.tables("breaks")),
        plan=tuple(_printed(one) for one in table.tables("plan")),
        figures=figures,
    )
    table.end()
    return found


def _break(table: _Table) -> Break:
    found = Break(table.text("period"), table.text("says"))
    if not _PERIOD.fullmatch(found.period):
        raise table.wrong("period", "a year, quarter or month, such as 2017-04")
    table.end()
    return found


def _printed(table: _Table) -> Printed:
    found = Printed(table.text("what"), table.text("value"), table.text("period", ""))
    table.end()
    return found


def _figure(table: _Table) -> Figure:
    name, kind = table.text("name"), _one_of(table, "kind", Kind)
    if not _NAME.fullmatch(name):
        raise table.wrong("name", "small letters, digits, hyphens and underscores")
    unit = table.text("unit", "")
    parts = {key: _cells(one) if (one := table.table(key)) else None for key in ("numerator", "denominator", "value")}
    wanted = {"numerator", "denominator"} if kind.divided else {"numerator"} if kind is Kind.COUNT else {"value"}
    if {key for key, cells in parts.items() if cells} != wanted:
        raise table.wrong(f"figure {name}", f"a {kind} with {' and '.join(sorted(wanted))}")
    if (value := parts["value"]) and value.column == "count":
        raise table.wrong("value", "a published figure, named by its column")
    per = table.whole("per", 100 if kind is Kind.SHARE and unit == "%" else 1)
    national = _national(one) if (one := table.table("national")) else None
    found = Figure(name, table.text("title"), kind, unit, table.flag("headline"), per, table.text("by", ""), **parts, national=national)
    table.end()
    return found


def _cells(table: _Table) -> Cells:
    where = table.table("where")
    chosen: Sequence[tuple[str, tuple[str, ...]]] = [(key, where.texts(key)) for key in sorted(where.values)] if where else []
    if any(not codes or len(set(codes)) < len(codes) for _, codes in chosen):
        raise table.wrong("where", "codes by dimension, each once")
    found = Cells(table.text("release"), table.text("table"), tuple(chosen), table.text("column", "count"))
    table.end()
    return found


def _national(table: _Table) -> National:
    found = National(table.text("publication"), table.text("measure"), table.text("area"), table.text("category", ""))
    table.end()
    return found


def _one_of(table: _Table, key: str, kind: type[Chosen]) -> Chosen:
    words = table.text(key)
    if words not in list(kind):
        raise table.wrong(key, f"one of {', '.join(kind)}")
    return kind(words)
