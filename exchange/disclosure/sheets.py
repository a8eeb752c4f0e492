"""One CSV of a table set, read strictly into arrays. Messages name the table and a row (the header is row 1), never what stands in it."""

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.columns import Bools, Columns, Floats, Ints, Numbers, complete, flags, numbers, only, places, read_columns
from exchange.disclosure.errors import BadTables
from exchange.disclosure.spec import Files, Hierarchy, TableSpec

__all__ = ["Bools", "Floats", "Ints", "Sheet", "read_sheet"]

KNOWN = ("value", "primary", "lpl", "upl", "n_contrib", "single_contributor", "forced", "suppressed", "cost", "changed", "record_key_sum")
_TOP = re.compile(r"top([1-9][0-9]?)")


@dataclass(frozen=True)
class Sheet:
    """The rows of one table, in the order of its file.

    `position`: (rows,) place of each row in the full product of its dimensions' codes (C order, codes in preorder).
    The other arrays are (rows,) or None where the file has no such column; `tops`: top1, top2 and so on, as many as there are.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    hierarchies: tuple[Hierarchy, ...]
    release: str
    universe: str
    published: bool
    position: Ints
    value: Numbers
    lpl: Numbers | None
    upl: Numbers | None
    cost: Numbers | None
    primary: Bools | None
    forced: Bools | None
    suppressed: Bools | None
    contributors: Ints | None
    changed: Ints | None
    tops: tuple[Numbers, ...]
    single: pa.Array | None = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of codes of each dimension, in the file's column order."""
        return tuple(len(hierarchy.codes) for hierarchy in self.hierarchies)

    def codes(self, position: int) -> tuple[str, ...]:
        """The codes of the row that stands at `position` of the product."""
        nodes = np.unravel_index(position, self.shape)
        return tuple(hierarchy.codes[int(node)] for hierarchy, node in zip(self.hierarchies, nodes, strict=True))


def read_sheet(files: Files, spec: TableSpec, *, counts: bool) -> Sheet:
    """Read the file of one table; BadTables for anything but one row for every combination of known codes."""
    given = read_columns(files, spec.name, spec.file)
    hierarchy_of = dict(spec.dims)
    tops = _tops(spec, given)
    only(spec.name, given, list(hierarchy_of), [*KNOWN, *tops])
    if "value" not in given:
        raise BadTables(f"{spec.name}, row 1: no value column")
    if "suppressed" in given and pc.any(pc.equal(given["value"], "")).as_py():
        row = pc.index(given["value"], "").as_py() + 2
        raise BadTables(f"{spec.name}, row {row}: an earlier release needs its true values, those it hid included")
    columns = tuple(name for name in given if name in hierarchy_of)
    hierarchies = tuple(hierarchy_of[name] for name in columns)
    position = places(spec.name, [given[name] for name in columns], hierarchies)
    complete(spec.name, position, hierarchies)

    def measured(name: str, *, whole: bool = counts) -> Numbers | None:
        return numbers(spec.name, given[name], whole=whole) if name in given else None

    def counted(name: str) -> Ints | None:
        return numbers(spec.name, given[name], whole=True).whole if name in given else None

    def flagged(name: str) -> Bools | None:
        return flags(spec.name, name, given[name]) if name in given else None

    return Sheet(
        name=spec.name,
        file=spec.file,
        columns=columns,
        hierarchies=hierarchies,
        release=spec.release,
        universe=spec.universe,
        published=spec.published,
        position=position,
        value=numbers(spec.name, given["value"], whole=counts),
        lpl=measured("lpl"),
        upl=measured("upl"),
        cost=measured("cost", whole=False),
        primary=flagged("primary"),
        forced=flagged("forced"),
        suppressed=flagged("suppressed"),
        contributors=counted("n_contrib"),
        changed=counted("changed"),
        tops=tuple(numbers(spec.name, given[name], whole=counts) for name in tops),
        single=given.get("single_contributor"),
    )


def _tops(spec: TableSpec, given: Columns) -> list[str]:
    """The columns top1, top2 and so on; BadTables where one is left out."""
    found = sorted(int(match[1]) for name in given if name not in dict(spec.dims) and (match := _TOP.fullmatch(name)))
    if found != list(range(1, len(found) + 1)):
        raise BadTables(f"{spec.name}, row 1: the largest contributions must be top1, top2 and so on, none left out")
    return [f"top{number}" for number in found]
