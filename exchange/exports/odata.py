"""What OData 4.0 Minimal needs, without a door: names, metadata, and questions about one flat table (OASIS OData 4.0, parts 1 to 3, CSDL).

A table is an entity set, its dimensions the key. What may be asked of it: ``$select``, ``$filter`` with ``eq``, ``ne``, ``and``, ``or`` and
brackets over dimensions and texts, ``$orderby``, ``$top``, ``$skip``, ``$count``. Anything else is answered as not offered; a tool then takes
the whole table, which is no more than its CSV.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from exchange.errors import BadQuestion, NotOffered
from exchange.releases.opened import Opened

NAMESPACE = "lcjp"
DEEPEST = 40  # brackets within brackets
_TOKEN = re.compile(r"\s*(?:([()])|'((?:[^']|'')*)'|([A-Za-z_]\w*)|(\S))", re.ASCII)
_TYPES = {pa.string(): "Edm.String", pa.int64(): "Edm.Int64", pa.float64(): "Edm.Double"}
_TOP = """<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="lcjp" xmlns="http://docs.oasis-open.org/odata/ns/edm">
"""
_END = "</Schema>\n</edmx:DataServices></edmx:Edmx>\n"


@dataclass(frozen=True)
class EntitySet:
    """One table under the names of OData. ``names``: property → column."""

    name: str
    opened: Opened
    names: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The properties that are dimensions; together they are the key."""
        dimensions = {one.name for one in self.opened.dimensions}
        return tuple(name for name, column in self.names.items() if column in dimensions)

    def property(self, name: str) -> str:
        """The column of a property; refused where there is none."""
        if name not in self.names:
            raise BadQuestion("there is no such property.", remedy=f"There are: {', '.join(self.names)}.")
        return self.names[name]


@dataclass(frozen=True)
class Question:
    """What is asked of an entity set, as it was written."""

    select: str = ""
    where: str = ""
    order: str = ""
    top: int | None = None
    skip: int = 0
    count: bool = False


@dataclass(frozen=True)
class Page:
    """Rows from ``start`` on; ``more``: where the next page starts, None where there is none; ``count``: of all rows that match."""

    rows: list[dict[str, Any]]
    more: int | None
    count: int


def entity_sets(tables: Mapping[str, Opened]) -> dict[str, EntitySet]:
    """Every table by the name of its entity set."""
    return {name: EntitySet(name, tables[table], _names(tables[table].data.column_names)) for name, table in _names(list(tables)).items()}


def _names(names: Sequence[str]) -> dict[str, str]:
    """OData's names are letters, digits and underscores: each of ours under one of those, no two under the same."""
    found: dict[str, str] = {}
    for name in names:
        plain = name.replace("-", "_")
        while plain in found:
            plain += "_"
        found[plain] = name
    return found


def metadata(sets: Mapping[str, EntitySet]) -> str:
    """The CSDL document."""
    types = "".join(map(_type, sets.values()))
    listed = "".join(
        f"<EntitySet Name={quoteattr(name)} EntityType={quoteattr(f'{NAMESPACE}.{name}_row')}>{_limits(one)}</EntitySet>\n"
        for name, one in sets.items()
    )
    return f'{_TOP}{types}<EntityContainer Name="tables">\n{listed}</EntityContainer>\n{_END}'


def _type(one: EntitySet) -> str:
    keys = "".join(f"<PropertyRef Name={quoteattr(name)}/>" for name in one.keys)
    titles = {column.name: column.title for column in (*one.opened.dimensions, *one.opened.figures)}
    properties = "".join(_property(one, name, titles.get(column, "")) for name, column in one.names.items())
    return f"<EntityType Name={quoteattr(f'{one.name}_row')}><Key>{keys}</Key>\n{properties}</EntityType>\n"


def _property(one: EntitySet, name: str, title: str) -> str:
    kind = _TYPES.get(one.opened.data.schema.field(one.names[name]).type, "Edm.String")
    null = "false" if name in one.keys else "true"
    said = f'<Annotation Term="Org.OData.Core.V1.Description" String={quoteattr(title)}/>' if title else ""
    return f"<Property Name={quoteattr(name)} Type={quoteattr(kind)} Nullable={quoteattr(null)}>{said}</Property>\n"


def _limits(one: EntitySet) -> str:
    """What a tool need not try: filters over figures."""
    paths = "".join(f"<PropertyPath>{name}</PropertyPath>" for name in one.names if name not in one.keys)
    limited = f'<PropertyValue Property="NonFilterableProperties"><Collection>{paths}</Collection></PropertyValue>'
    return f'<Annotation Term="Org.OData.Capabilities.V1.FilterRestrictions"><Record>{limited}</Record></Annotation>'


# -------------------------------------------------------------------------------------------------------- questions


def answer(one: EntitySet, question: Question, start: int, size: int) -> Page:
    """At most ``size`` rows, from the ``start``-th of those that the question has before it is cut into pages.

    Raises:
        BadQuestion, NotOffered.
    """
    data, names = one.opened.data, selected(one, question.select)
    places = pa.array(range(data.num_rows), pa.int64()) if not question.where else pc.indices_nonzero(matching(one, question.where))
    count = len(places)
    places = _ordered(one, question.order, places)
    last = count if question.top is None else min(count, question.skip + question.top)
    first = min(question.skip + start, last)
    until = min(first + size, last)
    rows = data.select([one.names[name] for name in names]).take(places.slice(first, until - first))
    made = rows.rename_columns(names).to_pylist()
    return Page(made, until - question.skip if until < last else None, count)


def selected(one: EntitySet, text: str) -> list[str]:
    """The properties of ``$select``, in the table's own order; all of them where it is empty or a star."""
    asked = {name.strip() for name in text.split(",")} if text.strip() not in ("", "*") else set(one.names)
    for name in asked:
        one.property(name)
    return [name for name in one.names if name in asked]


def _ordered(one: EntitySet, text: str, places: pa.Array) -> pa.Array:
    """By the properties of ``$orderby``, the first before the others; equal rows stay as published. Nothing comes before something (part 2, 5.1.1)."""
    columns: list[pa.ChunkedArray] = []
    keys: list[tuple[str, str, str]] = []
    for clause in [part.split() for part in text.split(",")] if text.strip() else []:
        if len(clause) not in (1, 2) or clause[1:] not in ([], ["asc"], ["desc"]):
            raise BadQuestion("the order is not written as one.", remedy="Write: property, or property desc, between commas.")
        columns.append(one.opened.data.column(one.property(clause[0])).take(places))
        keys.append((str(len(keys)), *(("descending", "at_end") if clause[1:] == ["desc"] else ("ascending", "at_start"))))
    if not keys:
        return places
    return places.take(pc.sort_indices(pa.table(columns, names=[name for name, _, _ in keys]), sort_keys=keys))


def matching(one: EntitySet, text: str) -> pa.ChunkedArray:
    """For each row whether ``$filter`` holds."""
    reading = _Filter(one, text)
    found = reading.any_of(0)
    if reading.at < len(reading.tokens):
        raise _unreadable()
    return found


def _unreadable() -> BadQuestion:
    return BadQuestion("the filter is not written as one.", remedy="Write: month eq '2021-04' and (force eq 'A' or force ne 'B').")


class _Filter:
    """A filter, read from left to right: ``or`` of ``and`` of comparisons, and brackets."""

    def __init__(self, one: EntitySet, text: str) -> None:
        self.one, self.at = one, 0
        self.tokens = [found.groups() for found in _TOKEN.finditer(text.rstrip())]

    def _next(self) -> tuple[str | None, str | None, str | None, str | None]:
        if self.at >= len(self.tokens):
            raise _unreadable()
        self.at += 1
        bracket, literal, word, other = self.tokens[self.at - 1]
        return bracket, literal, word, other

    def _follows(self, word: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at][2] == word
        self.at += found
        return found

    def any_of(self, depth: int) -> Any:
        found = self._all_of(depth)
        while self._follows("or"):
            found = pc.or_(found, self._all_of(depth))
        return found

    def _all_of(self, depth: int) -> Any:
        found = self._one(depth)
        while self._follows("and"):
            found = pc.and_(found, self._one(depth))
        return found

    def _one(self, depth: int) -> Any:
        bracket, literal, word, _ = self._next()
        if bracket == "(" and depth < DEEPEST:
            found = self.any_of(depth + 1)
            if self._next()[0] != ")":
                raise _unreadable()
            return found
        if word is None or literal is not None:
            raise _unreadable()
        if word == "not" or (self.at < len(self.tokens) and self.tokens[self.at][0] == "("):
            raise _not_offered()
        return self._compared(word)

    def _compared(self, name: str) -> Any:
        operator = self._next()[2]
        if operator in ("gt", "ge", "lt", "le", "has", "in", "add", "sub", "mul", "div", "mod"):
            raise _not_offered()
        column, value = self.one.property(name), self._next()[1]
        if operator not in ("eq", "ne") or (value is None and name in self.one.keys):
            raise _unreadable()
        if name not in self.one.keys or value is None:
            raise _not_offered()
        held = pc.equal(self.one.opened.data.column(column), value.replace("''", "'"))
        return held if operator == "eq" else pc.invert(held)


def _not_offered() -> NotOffered:
    return NotOffered(
        "filters compare dimensions with texts, by eq and ne, with and, or and brackets.", remedy="Take the rows, and filter them."
    )
