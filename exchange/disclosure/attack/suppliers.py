"""What each supplier sent, and so knows: its part of every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import Array, Long, Mask, places_among, read_text, units
from exchange.disclosure.attack.programs import Entries
from exchange.disclosure.errors import BadTables

_ROUNDS = 100
"""More than any set needs to pass on what sums say."""


@dataclass(frozen=True)
class Known:
    """One supplier: `own`, `others` (cells,): its part and that of the others, and the cells where the latter must stay uncertain."""

    name: str
    own: Array
    others: Array
    primary: Mask


def parts_of(files: Mapping[str, bytes], longs: Sequence[Long]) -> dict[str, pa.Table]:
    """Table name -> the rows of its suppliers' file, where it has one."""
    found = {}
    for long in longs:
        if long.entry["suppliers"]:
            where = f"{long.name}, suppliers"
            text = read_text(files, where, long.entry["suppliers"])
            if set(text.column_names) != {*long.columns, "supplier", "value"}:
                raise BadTables(f"{where}, row 1: must have the table's dimensions, supplier and value, and no other column")
            if pc.any(pc.equal(text.column("supplier"), "")).as_py():
                raise BadTables(f"{where}: a row names no supplier")
            found[long.name] = text
    return found


def shares(
    parts: Mapping[str, pa.Table], longs: Sequence[Long], same: Sequence[Array], value: Array, decimals: int
) -> tuple[Mask, dict[str, Array]]:
    """(cells that the files speak of, supplier -> (cells,) its part of each); BadTables where a part is more than its cell or conflicts."""
    covered = np.zeros(len(value), dtype=np.bool_)
    names = sorted({name for text in parts.values() for name in pc.unique(text.column("supplier")).to_pylist()})
    found = {name: np.full(len(value), -1, dtype=np.int64) for name in names}
    for long, numbers in zip(longs, same, strict=True):
        if long.name in parts:
            text, where = parts[long.name], f"{long.name}, suppliers"
            covered[numbers] = True
            place, amount = places_among(long, text, where), units(text, where, "value", decimals)
            row_at = np.empty(len(numbers), dtype=np.int64)
            row_at[long.place] = numbers
            who = pc.index_in(text.column("supplier"), pa.array(names, pa.string())).to_numpy().astype(np.int64)
            if len(np.unique(who * len(numbers) + place)) < len(place):
                raise BadTables(f"{where}: a supplier's part of a cell comes twice")
            for number, name in enumerate(names):
                own = np.zeros(len(value), dtype=np.int64)
                own[row_at[place[who == number]]] = amount[who == number]
                if ((found[name][numbers] >= 0) & (found[name][numbers] != own[numbers])).any():
                    raise BadTables(f"{where}: parts conflict with another table's")
                found[name][numbers] = own[numbers]
                if (own > value).any():
                    raise BadTables(f"{where}: a part is more than the whole cell")
    return covered, {name: np.maximum(share, 0) for name, share in found.items()}


def known(
    document: Document,
    owned: tuple[Mask, Mapping[str, Array]],
    entries: Entries,
    value: Array,
    pairs: tuple[Array, Array, Array],
    primary: Mask,
) -> tuple[Known, ...]:
    """Every supplier, over the cells and then the differences of `pairs` (later, earlier, records moved); `primary` likewise."""
    covered, shared = owned
    _check_parts(entries, covered, shared)
    ends = {name: _within(entries, covered, share, value) for name, share in shared.items()}
    if ends:
        covered = np.logical_and.reduce([least == most for least, most in ends.values()])
    found = []
    for name, (share, most) in ends.items():
        own, others = _risen(document, covered, share, value, pairs)
        own, others = np.concatenate([share, own]), np.concatenate([value - share, others])
        few = (others > 0) & (others < document.strictest) & document.counts
        few[: len(value)] &= most < value
        if document.relation == "revised":
            few[len(value) :] = _few_others(document, covered, share, pairs)
        must = (primary & (others > 0)) | few
        must[len(value) :] &= ~_all_its_own(document, covered, share, pairs)
        found.append(Known(name, own, others, must))
    return tuple(found)


def _within(entries: Entries, covered: Mask, share: Array, value: Array) -> tuple[Array, Array]:
    """(cells,) a supplier's part of each cell, at least and at most: it knows its part of what has no file too, and sums say much of it."""
    row, cell, factor = entries
    least, most = np.where(covered, share, 0), np.where(covered, share, value)
    for _ in range(0 if covered.all() or not len(row) else _ROUNDS):
        low, high = np.minimum(factor * least[cell], factor * most[cell]), np.maximum(factor * least[cell], factor * most[cell])
        # Floats hold these sums exactly: they stay below 2**53.
        down = high - np.bincount(row, weights=high)[row].astype(np.int64)
        up = low - np.bincount(row, weights=low)[row].astype(np.int64)
        above, below = most.copy(), least.copy()
        np.minimum.at(above, cell, np.maximum(factor * up, factor * down))
        np.maximum.at(below, cell, np.minimum(factor * up, factor * down))
        if (below > above).any() or (np.array_equal(above, most) and np.array_equal(below, least)):
            break
        least, most = below, above
    return least, most


def _check_parts(entries: Entries, covered: Mask, owned: Mapping[str, Array]) -> None:
    """BadTables where some supplier's parts do not add up over a sum whose cells the files all speak of."""
    row, cell, factor = entries
    if len(row):
        spoken = np.bincount(row, weights=~covered[cell]) == 0
        for share in owned.values():
            if (np.bincount(row, weights=(factor * share[cell]).astype(np.float64)) * spoken).any():
                raise BadTables("a supplier's parts do not add up")


def _risen(document: Document, covered: Mask, share: Array, value: Array, pairs: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """(its own part, what others have) of the differences of pairs of cells (later, earlier, records moved), for one supplier."""
    later, earlier, _ = pairs
    rise = value[later] - value[earlier]
    if document.relation == "additive":
        own = np.where(covered[later] & covered[earlier], np.clip(share[later] - share[earlier], 0, rise), 0)
        return own, rise - own
    return np.zeros(len(later), dtype=np.int64), value[later] - share[later] + value[earlier] - share[earlier]


def _few_others(document: Document, covered: Mask, share: Array, pairs: tuple[Array, Array, Array]) -> Mask:
    """The differences of a revision in which few records moved beside those by which its own part did."""
    later, earlier, moved = pairs
    others = moved - np.abs(share[later] - share[earlier])
    return np.asarray(covered[later] & covered[earlier] & (others > 0) & (others < document.strictest) & document.counts)


def _all_its_own(document: Document, covered: Mask, share: Array, pairs: tuple[Array, Array, Array]) -> Mask:
    """The differences of a revision in which as many records moved as its own part changed by: no others did."""
    later, earlier, moved = pairs
    revised = covered[later] & covered[earlier] & (document.relation == "revised")
    return np.asarray(revised & (moved >= 0) & (moved <= np.abs(share[later] - share[earlier])))
