"""Published figures derived from cells, as inequalities over the cells: what a rate, a share, a mean or a median says about its parts."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.attack.document import Document, exact
from exchange.disclosure.attack.long import DIGITS, Array, Long, by_codes, places_among, read_long, read_text
from exchange.disclosure.errors import BadTables

Bound = tuple[list[int], list[int], int]
"""Cells, factors and the least that the sum of factor times value is known to be; all whole."""


def bounds(
    files: Mapping[str, bytes],
    protected: Mapping[str, bytes],
    document: Document,
    longs: Sequence[Long],
    same: Sequence[Array],
    value: Array,
) -> list[Bound]:
    """What all published figures say; BadTables where one is not what its cells give, or the two sets differ."""
    named = {long.name: (long, numbers) for long, numbers in zip(longs, same, strict=True)}
    found: list[Bound] = []
    for name, entry in sorted(document.derived.items()):
        sources = [named[entry[key]] for key in (("numerator", "denominator") if entry["kind"] == "ratio" else ("table",))]
        dims = dict(sources[0][0].entry["dims"])
        if entry["kind"] == "median":
            column = entry.get("column")
            if not isinstance(column, str) or column not in dims or len(dims) < 2 or not document.counts:
                raise BadTables(f"{name}: a median needs counts, and a column of the table it is derived from beside others")
            del dims[column]
        figures = read_long(files, name, {"file": entry["file"], "dims": dims}, document.trees, "value")
        texts = by_codes(figures, _texts(figures.text, name))
        shown = _published(protected, figures, texts)
        say = _ratio(name, entry, sources, texts) if entry["kind"] == "ratio" else _median(name, entry, *sources[0], texts)
        for place, said in enumerate(say):
            for cells, factors, least in said:
                if sum(int(value[cell]) * factor for cell, factor in zip(cells, factors, strict=True)) < least:
                    raise BadTables(f"{name}: a figure is not what its cells give")
            if shown[place]:
                found += said
    return found


def _texts(text: pa.Table, name: str) -> Any:
    column = text.column("value")
    if not pc.all(pc.or_(pc.equal(column, ""), pc.match_substring_regex(column, DIGITS))).as_py():
        raise BadTables(f"{name}: a figure is not a plain number of at least 0")
    return np.array(column.to_pylist(), dtype=object)


def _published(protected: Mapping[str, bytes], figures: Long, texts: Any) -> list[bool]:
    """Whether each figure is published, by codes; one that is left standing in a hidden row is."""
    shown = np.zeros(len(texts), dtype=np.bool_)
    if figures.entry["file"] not in protected:
        return [bool(one) for one in shown]
    text = read_text(protected, figures.name, figures.entry["file"])
    if "value" not in text.column_names:
        raise BadTables(f"{figures.name}: its protected file needs value")
    place = places_among(figures, text, figures.name)
    if len(np.unique(place)) < len(place):
        raise BadTables(f"{figures.name}: a figure comes twice in its protected file")
    flags = text.column("suppressed").to_pylist() if "suppressed" in text.column_names else ["" for _ in place]
    row_of = np.empty(len(texts), dtype=np.int64)
    row_of[figures.place] = np.arange(len(texts))
    rank = by_codes(figures, np.arange(len(texts)))
    order = np.empty(len(texts), dtype=np.int64)
    order[rank] = np.arange(len(texts))
    for at, flag, told in zip(place.tolist(), flags, text.column("value").to_pylist(), strict=True):
        mine = int(order[row_of[at]])
        if flag == "0" or told.strip():
            if _number(figures.name, told) != _number(figures.name, texts[mine]):
                raise BadTables(f"{figures.name}: its protected file publishes figures that are not the original's")
            shown[mine] = True
    return [bool(one) for one in shown]


def _number(name: str, text: str) -> Decimal | None:
    try:
        return Decimal(text) if text.strip() else None
    except ArithmeticError:
        raise BadTables(f"{name}: a figure is not a plain number") from None


def _ratio(name: str, entry: Mapping[str, Any], sources: Sequence[tuple[Long, Array]], texts: Any) -> Iterator[list[Bound]]:
    """Each v is per x n / d rounded half up: v - h/2 <= per x n / d < v + h/2, where h is one unit of the last decimal."""
    decimals = entry.get("decimals", 0)
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 6:
        raise BadTables(f"{name}: decimals must be a whole number from 0 to 6")
    per = exact(entry.get("per", 1), f"per of {name}", 0, 1e15)
    if not per:
        raise BadTables(f"{name}: per must be above 0")
    half = Fraction(1, 2 * 10**decimals)
    above, below = (by_codes(long, numbers) for long, numbers in sources)
    for text, n, d in zip(texts, above.tolist(), below.tolist(), strict=True):
        if not text:
            yield [([d], [-1], 0)]
            continue
        low, high = Fraction(text) - half, Fraction(text) + half
        scale = lcm(per.denominator, low.denominator, high.denominator)
        up = [int(per * scale), int(-low * scale)], [int(-per * scale), int(high * scale)]
        yield [([n, d], up[0], 0), ([n, d], up[1], 1), ([d], [1], 1)]


def _median(name: str, entry: Mapping[str, Any], long: Long, numbers: Array, texts: Any) -> Iterator[list[Bound]]:
    """At least half of the cases lie in codes that begin no later than v, at least half in codes that end no earlier."""
    column = entry["column"]
    tree = long.trees[long.columns.index(column)]
    leaves = [code for code in tree.number if code not in tree.below]
    edges = entry.get("edges")
    if not isinstance(edges, dict) or set(edges) != set(leaves) or not all(isinstance(e, list) and len(e) == 2 for e in edges.values()):
        raise BadTables(f"{name}: edges must give a low and a high number for each code that has none below it")
    ends = {code: tuple(exact(end, f"an edge of {name}", -(10**15), 1e15) for end in edges[code]) for code in leaves}
    # The column last: then the codes of one figure stand side by side.
    axes = sorted((axis for axis in range(len(long.columns)) if long.columns[axis] != column), key=lambda axis: long.columns[axis])
    place = np.zeros(len(numbers), dtype=np.int64)
    for axis in (*axes, long.columns.index(column)):
        size = len(long.trees[axis].number)
        place = place * size + long.place // long.strides[axis] % size
    lines = np.empty_like(numbers)
    lines[place] = numbers
    for text, line in zip(texts, lines.reshape(-1, len(tree.number)).tolist(), strict=True):
        total = line[0]
        if not text:
            yield [([total], [-1], 0)]
            continue
        median = Fraction(text)
        said: list[Bound] = [([total], [1], 1)]
        for half in ([c for c in leaves if ends[c][0] <= median], [c for c in leaves if ends[c][1] >= median]):
            said.append(([*(line[tree.number[code]] for code in half), total], [*(2 for _ in half), -1], 0))
        yield said
