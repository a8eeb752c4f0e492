"""The gate of joined tables: what rests on rows of several suppliers is hidden until neither the public nor a supplier can work it out.

A supplier knows its own units, so it knows their *stems*: the cells of a table in which every joined dimension stands at its total. What it does not
know is what others' rows say of them, and it may have invented all of them but one. So a cell that says that something was found is judged
on the units in it that are left to the supplier that knows most of them by itself. Three systems are protected, and attacked:

1. as a supplier sees it: every stem is told, and no cell that rests on few may be worked out, for what else follows from the stems;
2. as each supplier sees it that knows units by itself: these taken away, what is left may not be worked out where it is few;
3. as the public sees it: small stems are hidden too, to the full width, and each supplier has its own parts.

Hidden is what either hides: more hidden never narrows what is known of the rest. Beside the tables of the release stand those that tie
dimensions which tell of one another (``exchange.releases.found``); they are protected as if they were published, and are not.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agreements.release import Release, Table
from exchange.disclosure import Files, Need, Unprotectable
from exchange.disclosure.attack import attack
from exchange.disclosure.methods import apply
from exchange.releases.cells import MOST_CELLS, Axis, Counts, Flags, with_totals
from exchange.releases.counted_units import PRESENCE, Counted
from exchange.releases.errors import BadRelease
from exchange.releases.gate import provable, require_safe
from exchange.releases.protected import cells_in
from exchange.releases.tabulate import beside_of, long, parts_of, spec_of
from exchange.releases.worlds import Worlds

MOST_ROUNDS = 30
"""How often cells are added to what must be hidden because the hidden ones of a line come to few."""

_METHOD = "suppress"


@dataclass(frozen=True)
class Judged:
    """One table's cells. One dimension an axis, totals at place 0.

    Attributes:
        stem: every joined dimension at its total, or the cell must be its stem as nobody can be anywhere else.
        never: nobody can be there.
        positive: a joined dimension says that something was found.
        of: how many units the cell's stem has.
        few: of a positive cell those left to the supplier that knows most of them by itself, of any other all: what must be enough.
    """

    stem: Flags
    never: Flags
    positive: Flags
    of: Counts
    few: Counts


def guard_joined(release: Release, counted: Counted, tables: Sequence[Table], worlds: Worlds) -> tuple[dict[str, Flags], dict[str, Any]]:
    """What must be hidden in each table, and the report of the attacks. Anything found, and there is no edition.

    Args:
        tables: those of the release, and those protected beside them; ``counted`` has all of them.
    Raises:
        BadRelease: somebody stands in a cell in which nobody can be.
        Unacceptable: it cannot be protected.
    """
    if sum(counted.tables[table.name].size for table in tables) > MOST_CELLS:
        raise BadRelease(f"release {release.name}: its tables, and those that tie them, are too large to be protected together.")
    judged = {table.name: judge(release, counted, table, worlds) for table in tables}
    small = {name: _small(release, counted.tables[name], one) for name, one in judged.items()}
    views = _views(release, counted, tables, worlds, small)
    with provable():
        apart, supplier = _to_suppliers(release, counted, tables, judged, small, views)
        hidden, public = _to_public(release, counted, tables, judged, small, apart)
        by_public = require_safe(attack(public, shown_as(counted, tables, hidden), Need(0, release.terms.min_width)))
        told = {name: hidden[name] & ~judged[name].stem for name in hidden}
        by_suppliers = require_safe(attack(supplier, shown_as(counted, tables, told), Need(0, 1)))
        for one in views:
            told = {name: hidden[name] & ~one.judged[name].stem for name in hidden}
            require_safe(attack(_view_files(release, tables, one, told), shown_as(one.left, tables, told), Need(0, 1)))
    return hidden, {"attack": by_public, "attack_knowing_stems": by_suppliers}


def _small(release: Release, count: Counts, one: Judged) -> Flags:
    """The cells that must not be worked out by somebody who knows every stem: those that rest on few."""
    least = release.terms.threshold
    return np.asarray(~one.stem & ~one.never & (one.of > 0) & ((one.few < least) | (count < least)))


@dataclass(frozen=True)
class View:
    """What is ``left`` to a supplier of the counts when it takes away the units that it knows by itself, and what must not be worked out of that."""

    left: Counted
    judged: Mapping[str, Judged]
    small: Mapping[str, Flags]


def _views(release: Release, counted: Counted, tables: Sequence[Table], worlds: Worlds, small: Mapping[str, Flags]) -> list[View]:
    """One for each supplier that knows units by itself, and to which little is left of some cell."""
    found = []
    for known in counted.known.values():
        left = replace(counted, tables={name: count - known[name] for name, count in counted.tables.items()})
        judged = {table.name: judge(release, left, table, worlds) for table in tables}
        few = {name: small[name] & ~one.stem & (one.of > 0) & (left.tables[name] < release.terms.threshold) for name, one in judged.items()}
        if any(one.any() for one in few.values()):
            found.append(View(left, judged, few))
    return found


def judge(release: Release, counted: Counted, table: Table, worlds: Worlds) -> Judged:
    """What each cell of a table rests on."""
    joined = [place for place, name in enumerate(table.dimensions) if name in release.joined or name.endswith(PRESENCE)]
    count, few = counted.tables[table.name], counted.tables[table.name]
    ways = _ways(table, counted.along, worlds)
    stem, positive = np.ones(count.shape, dtype=np.bool_), np.zeros(count.shape, dtype=np.bool_)
    of, ways_of = count, ways
    for place in joined:
        axis = counted.along[table.dimensions[place]]
        resting = worlds.resting(axis.name)
        shape = [1] * count.ndim
        shape[place] = len(axis.all_codes)
        at_total = np.arange(len(axis.all_codes)) == 0
        stem &= at_total.reshape(shape)
        says = np.array([not total and code in resting for total, code in zip(at_total, axis.all_codes, strict=True)]).reshape(shape)
        positive |= says
        few = np.where(says, np.minimum(few, counted.confirmed[table.name, axis.name]), few)
        of, ways_of = np.take(of, [0], axis=place), np.take(ways_of, [0], axis=place)
    never = ways == 0
    if bool((never & (count > 0)).any()):
        raise BadRelease(f"release {release.name}: table {table.name} has units where its words leave room for none.")
    stem |= ~never & (ways == ways_of)
    return Judged(stem & ~never, never, positive & ~stem, np.broadcast_to(of, count.shape), few)


def _ways(table: Table, along: Mapping[str, Axis], worlds: Worlds) -> Counts:
    """How many inner cells of each cell can hold anybody."""
    return with_totals(worlds.possible(table, along).astype(np.int64))


# ------------------------------------------------------------------------------------------------------------ as a supplier sees it


def _to_suppliers(
    release: Release,
    counted: Counted,
    tables: Sequence[Table],
    judged: Mapping[str, Judged],
    small: Mapping[str, Flags],
    views: Sequence[View],
) -> tuple[dict[str, Flags], Files]:
    """What must be hidden from somebody who knows every stem, and from each supplier that knows units beside; the table set of the former."""
    primary = dict(small)
    for _ in range(MOST_ROUNDS):
        files = _supplier_files(release, counted, tables, judged, primary, far=True)
        try:
            hidden = _hidden(counted, tables, apply(_METHOD, files, Need(0, 1)).files())
        except Unprotectable:
            # What stands beside some cell leaves it less room than its stem would: that it cannot be worked out is what is left to ask.
            files = _supplier_files(release, counted, tables, judged, primary, far=False)
            hidden = _hidden(counted, tables, apply(_METHOD, files, Need(0, 1)).files())
        for one in views:
            beside = _hidden(counted, tables, apply(_METHOD, _view_files(release, tables, one, hidden), Need(0, 1)).files())
            hidden = {name: hidden[name] | beside[name] for name in hidden}
        more = {
            table.name: _thin(release, counted, table, judged[table.name], hidden[table.name]) & ~primary[table.name] for table in tables
        }
        if not any(one.any() for one in more.values()):
            return hidden, files
        primary = {name: primary[name] | more[name] for name in primary}
    raise Unprotectable("cells that rest on few cannot be hidden among enough others")


def _supplier_files(
    release: Release, counted: Counted, tables: Sequence[Table], judged: Mapping[str, Judged], primary: Mapping[str, Flags], *, far: bool
) -> dict[str, bytes]:
    """Stems told. ``far``: every count from nought up to the threshold, or to all of the stem, must remain; else a second one."""
    files = {"spec.json": _spec(release, counted, tables, min_width=1, suppliers=False)}
    for table in tables:
        one, count, flags = judged[table.name], counted.tables[table.name], primary[table.name]
        columns = {"value": count, "primary": _ones(flags), "forced": _ones(one.stem | one.never)}
        if far:
            need = np.minimum(one.of, release.terms.threshold)
            columns |= {"lpl": np.minimum(count, need) * flags, "upl": np.maximum(need - count, 0) * flags}
        files[f"{table.name}.csv"] = long([counted.along[name] for name in table.dimensions], columns)
    return files


def _view_files(release: Release, tables: Sequence[Table], view: View, covered: Mapping[str, Flags]) -> dict[str, bytes]:
    """The table set of what is left to a supplier, every stem told; what is ``covered`` costs nothing."""
    files = {"spec.json": _spec(release, view.left, tables, min_width=1, suppliers=False)}
    for table in tables:
        one, count = view.judged[table.name], view.left.tables[table.name]
        cost = np.where(covered[table.name], 0, np.maximum(count, 1)).astype(np.int64)
        columns = {"value": count, "primary": _ones(view.small[table.name]), "forced": _ones(one.stem | one.never), "cost": cost}
        files[f"{table.name}.csv"] = long([view.left.along[name] for name in table.dimensions], columns)
    return files


def _thin(release: Release, counted: Counted, table: Table, one: Judged, hidden: Flags) -> Flags:
    """Cells to hide as well: the hidden cells of a line whose total is told can be added up, and may not come to few together."""
    found = np.zeros(hidden.shape, dtype=np.bool_)
    count, least = counted.tables[table.name], release.terms.threshold
    for axis, name in enumerate(table.dimensions):
        lines = [np.moveaxis(array, axis, 0) for array in (hidden, one.few, one.positive, one.stem, one.never, count, one.of, found)]
        covered, few, positive, stem, never, counts, of, into = lines
        parts = covered[1:]
        thin = (
            ~covered[0]
            & parts.any(axis=0)
            & (np.where(parts, few[1:], 0).sum(axis=0) < least)
            & (np.where(parts, of[1:], 0).sum(axis=0) > 0)
        )
        # Across a joined dimension what is hidden adds up to its stem, which is known; unless all of it is of what was found.
        thin &= (~parts | positive[1:]).all(axis=0) if name in release.joined or name.endswith(PRESENCE) else ~stem[0]
        spare = np.where(~parts & ~never[1:] & (counts[1:] > 0), counts[1:], np.iinfo(np.int64).max)
        cheapest = spare == spare.min(axis=0)
        cheapest &= np.cumsum(cheapest, axis=0) == 1
        some = spare.min(axis=0) < np.iinfo(np.int64).max
        into[1:] |= cheapest & (thin & some)
        into[0] |= thin & ~some & ~stem[0]
    return found


# ------------------------------------------------------------------------------------------------------------ as the public sees it


def _to_public(
    release: Release,
    counted: Counted,
    tables: Sequence[Table],
    judged: Mapping[str, Judged],
    small: Mapping[str, Flags],
    apart: Mapping[str, Flags],
) -> tuple[dict[str, Flags], Files]:
    """What must be hidden in all, given what is hidden from suppliers, and the table set that says so."""
    files = {"spec.json": _spec(release, counted, tables, min_width=release.terms.min_width, suppliers=True)}
    for table in tables:
        one, count, mine = judged[table.name], counted.tables[table.name], [counted.along[name] for name in table.dimensions]
        primary = small[table.name] | (one.stem & (count > 0) & (count < release.terms.threshold))
        cost = np.where(apart[table.name], 0, np.maximum(count, 1))
        columns = {"value": count, "primary": _ones(primary), "forced": _ones(one.never), "cost": cost.astype(np.int64)}
        files[f"{table.name}.csv"] = long(mine, columns)
        files[beside_of(table.name)] = parts_of(mine, {supplier: found[table.name] for supplier, found in counted.shares.items()})
    hidden = _hidden(counted, tables, apply(_METHOD, files, Need(0, release.terms.min_width)).files())
    return {name: hidden[name] | apart[name] for name in hidden}, files


# ------------------------------------------------------------------------------------------------------------ table sets


def _ones(flags: Flags) -> Counts:
    return flags.astype(np.int64)


def _spec(release: Release, counted: Counted, tables: Sequence[Table], *, min_width: int, suppliers: bool) -> bytes:
    document = json.loads(spec_of(replace(release, tables=tuple(tables)), counted.along))
    document["min_width"] = min_width
    if not suppliers:
        for table in document["tables"].values():
            del table["suppliers"]
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _hidden(counted: Counted, tables: Sequence[Table], protected: Files) -> dict[str, Flags]:
    found = {}
    for table in tables:
        axes = [counted.along[name] for name in table.dimensions]
        _, hidden = cells_in(protected[f"{table.name}.csv"], axes)
        found[table.name] = hidden.reshape([len(axis.all_codes) for axis in axes])
    return found


def shown_as(counted: Counted, tables: Sequence[Table], hidden: Mapping[str, Flags]) -> dict[str, bytes]:
    """Tables as protection leaves them: ``<table>.csv`` with ``value``, empty where hidden, and ``suppressed``."""
    return {
        f"{table.name}.csv": written([counted.along[name] for name in table.dimensions], counted.tables[table.name], hidden[table.name])
        for table in tables
    }


def written(axes: Sequence[Axis], values: Counts, hidden: Flags) -> bytes:
    """One protected table: values where they are shown, and what is hidden."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(axis.name for axis in axes), "value", "suppressed"])
    codes = [axis.all_codes for axis in axes]
    places = np.indices(values.shape).reshape(values.ndim, -1).T.tolist()
    for place, value, one in zip(places, values.ravel().tolist(), hidden.ravel().tolist(), strict=True):
        writer.writerow([*(of[at] for of, at in zip(codes, place, strict=True)), "" if one else value, int(one)])
    return out.getvalue().encode()
