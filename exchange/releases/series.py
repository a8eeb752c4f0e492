"""Editions over the same people as one table set: what was published before is a fact, and the new edition is protected together with it.

Months are tables of their own here, each a universe, and so is the sum of an edition's months: whichever editions count a month share its
cells, where they are cut by the same. Editions of several releases are tied by what they share: dimensions of one meaning are one column,
and all of a month is one cell of all. Between two editions that count the same, a cell has changed by at least what each supplier's part of it has changed by,
added up.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from agreements.periods import Period
from agreements.release import Level, Release, Table, Zeros
from exchange.disclosure.perturb import COLUMN as KEY_SUMS
from exchange.releases.cells import Axis, Flags
from exchange.releases.errors import Unconnected
from exchange.releases.past import Bearing, Past, bearings, require_bearing
from exchange.releases.perturbing import perturbs
from exchange.releases.protected import cells_in, read_protected
from exchange.releases.tabulate import Tabulated, beside_of, long, parts_of
from exchange.releases.tied import Cells, cells_of, changed_since, exchanged_since, once, require_adjacent

MOST_CELLS = 400_000
"""Cells that the tables of all editions of a series may have together."""
_MOST_KEYS = 2**62


@dataclass(frozen=True)
class _Edition:
    """One edition of the series: its number, definition and counts, and what it hid; None where that is still to be decided.

    ``columns``: dimension → its column, where that has another name. ``stands_for``: it stands for editions that cannot be made again, with
    the counts of now, of which only what they bear on the new edition counts; ``after_stand_in``: follows such a one. ``bears``: what they
    bear on this one, the new one.
    """

    number: int
    release: Release
    made: Tabulated
    hidden: Mapping[str, Flags] | None
    columns: Mapping[str, str] = field(default_factory=dict)
    stands_for: bool = False
    after_stand_in: bool = False
    bears: Mapping[str, Bearing] = field(default_factory=dict)

    def axis(self, name: str) -> Axis:
        """The axis of a dimension, under its column's name."""
        return replace(self.made.along[name], name=self.columns.get(name, name))


@dataclass
class _Sheets:
    """The set as it grows. ``columns``, ``suppliers``: of all editions; ``before``: universe → each edition's cells in it, in order; ``keys``:

    the same with cell keys for counts, where counts are perturbed.
    """

    files: dict[str, bytes]
    tables: dict[str, Any]
    sums: list[dict[str, Any]]
    columns: Mapping[str, Axis]
    suppliers: Sequence[str]
    before: dict[str, list[Cells]]
    keys: dict[str, list[Cells]] = field(default_factory=dict)
    size: int = 0


def joined(release: Release, now: Tabulated, pasts: Sequence[Past]) -> dict[str, bytes]:
    """The table set of an edition and of every earlier one over the same people, oldest first.

    Earlier editions whose exact counts are kept stand in it with all their cells. Of others, of the same release, only what they published counts: where the
    count is now the same it is published again, where it differs by less than the threshold it is hidden, and what they hid stays hidden.

    Raises:
        Unconnected: how two editions bear on one another cannot be told, or the series is too large.
    """
    require_bearing(release, now, pasts)
    release = strictest(release, pasts)
    editions = _editions(release, now, pasts)
    sheets = _Sheets({}, {}, [], _columns(editions), sorted({name for one in editions for name in one.made.shares}), {})
    for edition in editions:
        cells: dict[str, list[Cells]] = {}
        keys: dict[str, list[Cells]] = {}
        for table in edition.release.tables:
            _add(sheets, release, table, edition, cells, keys)
        for into, mine in ((sheets.before, cells), (sheets.keys, keys)):
            for universe, found in mine.items():
                into.setdefault(universe, []).append(once(found))
    for universe, seen in sheets.before.items():
        require_adjacent(release.terms.threshold, seen, sheets.keys.get(universe, ()))
    document = {
        "hierarchies": _hierarchies(sheets.columns),
        "tables": sheets.tables,
        "sums": sheets.sums,
        "releases": {"relation": "revised"},
        "measure": "count",
        "threshold": release.terms.threshold,
        "zeros": str(release.terms.zeros),
        "min_width": release.terms.min_width,
    }
    return {**sheets.files, "spec.json": (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()}


def strictest(release: Release, pasts: Sequence[Past]) -> Release:
    """The release under the strictest terms of all these editions: what one of them promised holds beside every later one.

    Raises:
        Unconnected: some show every nought and others do not, so that a hidden count would be known to be one in one of them alone.
    """
    every = [release.terms, *(past.release.terms for past in pasts)]
    if any(terms.zeros is not release.terms.zeros for terms in every):
        raise Unconnected("it treats noughts otherwise: agree on one policy for both")
    levels = {terms.level for terms in every}
    level = release.terms.level if len(levels) == 1 else Level.C
    return replace(release, terms=replace(release.terms, threshold=max(terms.threshold for terms in every), level=level))


def newest(release: Release, now: Tabulated, pasts: Sequence[Past], protected: Mapping[str, bytes]) -> dict[str, bytes]:
    """The new edition's own tables out of the protected files of :func:`joined`, as if it had been protected by itself.

    Raises:
        Unconnected: earlier editions were perturbed, and the same people would get other noise now.
    """
    editions = _editions(release, now, pasts)
    columns = _columns(editions)
    if perturbs(release):
        for edition, past in zip(editions, pasts, strict=False):
            tables = {f"{table.name}.csv": _own(edition, table, columns, protected) for table in edition.release.tables}
            months = [Period.parse(code) for code in edition.made.along[edition.release.period_dimension].codes]
            again = read_protected(edition.release, months, tables)
            if any((one.counts != past.shown[name].counts).any() for name, one in again.items()):
                raise Unconnected(
                    "the same people would get other noise now: the key of their record keys, or the noise, is not what it was"
                )
    return {f"{table.name}.csv": _own(editions[-1], table, columns, protected) for table in release.tables}


def _editions(release: Release, now: Tabulated, pasts: Sequence[Past]) -> list[_Edition]:
    gone = [past for past in pasts if past.made is None]
    bears = bearings(release, now, gone) if gone else {}
    found = [
        _Edition(number, past.release, past.made, _hid(past), past.columns)
        for number, past in enumerate([past for past in pasts if past.made is not None], start=1)
        if past.made is not None
    ]
    if gone and not found:
        # All but what is the same is of no concern, and hidden; what is the same and was hidden stays so without being small.
        hidden = {name: ~one.again & ((now.tables[name] > 0) | (release.terms.zeros is Zeros.SUPPRESSIBLE)) for name, one in bears.items()}
        found.append(_Edition(1, release, now, hidden, stands_for=True))
    return [*found, _Edition(len(found) + 1, release, now, None, after_stand_in=any(one.stands_for for one in found), bears=bears)]


def _hid(past: Past) -> dict[str, Flags] | None:
    """What an edition hid. With noise it hid nothing; then its noise is worked out again, and must be what it was (``newest``)."""
    return None if perturbs(past.release) else {name: shown.hidden for name, shown in past.shown.items()}


# ------------------------------------------------------------------------------------------------------------ tables of a series


def _add(
    sheets: _Sheets, release: Release, table: Table, edition: _Edition, cells: dict[str, list[Cells]], keys: dict[str, list[Cells]]
) -> None:
    """Add the tables of one table of an edition, a month each.

    ``release``: the new one, whose terms count. ``cells``, ``keys``: those of this edition, by universe.
    """
    month, rest = _split(table, edition, sheets.columns)
    names = []
    for place, universe in _universes(edition.release, edition.made.along):
        name = f"{table.name}~{universe}~{edition.number}"
        shares, nothing = edition.made.shares, np.zeros_like(edition.made.tables[table.name])
        parts = {one: _cut(shares[one][table.name] if one in shares else nothing, month, place) for one in sheets.suppliers}
        flags = {column: _cut(values, month, place) for column, values in _flags(release, table, edition).items()}
        counts = _cut(edition.made.tables[table.name], month, place)
        mine = cells_of(sheets.columns, rest, list(parts.values()), counts)
        cells.setdefault(universe, []).append(mine)
        if "changed" not in flags and (seen := sheets.before.get(universe, [])):
            flags = {"changed": changed_since(seen, mine, release.terms.threshold).reshape(counts.shape), **flags}
        if edition.made.keys:
            key_sums = _cut(edition.made.keys[table.name], month, place)
            keyed = cells_of(sheets.columns, rest, [], key_sums)
            keys.setdefault(universe, []).append(keyed)
            if "changed" in flags:
                # As many other people: the difference is nought, and no count of anybody. The two are not one cell all the same.
                other = exchanged_since(sheets.keys[universe], keyed).reshape(counts.shape) & (flags["changed"] == 0)
                flags["changed"] = np.where(other, release.terms.threshold, flags["changed"])
            flags[KEY_SUMS] = key_sums
        sheets.files[f"{name}.csv"] = long(rest, {"value": counts, **flags})
        sheets.size += counts.size
        sheets.tables[name] = {
            "file": f"{name}.csv",
            "dims": {axis.name: axis.name for axis in rest},
            "suppliers": beside_of(name),
            "universe": universe,
            "release": edition.number,
        }
        sheets.files[beside_of(name)] = parts_of(rest, parts)
        names.append(name)
    if len(names) > 1:
        sheets.sums.append({"total": names[0], "parts": names[1:]})
    if sheets.size > MOST_CELLS:
        raise Unconnected(f"all editions have more than {MOST_CELLS:,} cells together: leave dimensions out")


def _flags(release: Release, table: Table, edition: _Edition) -> dict[str, Any]:
    """What is said of a table beside its counts and what they changed by since the edition before."""
    bears, counts = edition.bears.get(table.name), edition.made.tables[table.name]
    if edition.hidden is not None:
        hidden = {"suppressed": edition.hidden[table.name]}
        return {**hidden, "primary": np.zeros(counts.shape, dtype=np.bool_)} if edition.stands_for else hidden
    if bears is None:
        return {}
    zero = release.terms.zeros is Zeros.SUPPRESSIBLE
    small = (counts < release.terms.threshold) & ((counts > 0) | zero) | bears.small
    if edition.after_stand_in:
        return {"primary": small, "changed": np.where(bears.hidden | bears.again, 0, release.terms.threshold)}
    return {"primary": small | bears.hidden, "forced": bears.again}


def _universes(release: Release, along: Mapping[str, Axis]) -> Iterator[tuple[int, str]]:
    """(place on the period dimension, what is counted there): the sum of the months first, where they are several."""
    months = along[release.period_dimension].codes
    if len(months) > 1:
        yield 0, "+".join(months)
    yield from enumerate(months, start=1)


def _split(table: Table, edition: _Edition, columns: Mapping[str, Axis]) -> tuple[int, list[Axis]]:
    """The place of the period dimension in a table, and the table's other axes; one that has no more has an axis of a single total."""
    period = edition.release.period_dimension
    rest = [edition.axis(name) for name in table.dimensions if name != period]
    return table.dimensions.index(period), rest or [next(axis for axis in columns.values() if not axis.codes)]


def _columns(editions: Sequence[_Edition]) -> dict[str, Axis]:
    """Every column of all tables, by name, and one of a single total. Unconnected where two editions have other categories of it."""
    found: dict[str, Axis] = {}
    for edition in editions:
        release = edition.release
        for name in dict.fromkeys(name for table in release.tables for name in table.dimensions if name != release.period_dimension):
            axis = edition.axis(name)
            if set(found.setdefault(axis.name, axis).codes) != set(axis.codes):
                raise Unconnected(f"its dimension {name} has other categories: give both releases the same")
    single = "cases"
    while single in found:
        single += "_"
    found[single] = Axis(single, single, (), (), "Total")
    if math.prod(len(axis.all_codes) for axis in found.values()) >= _MOST_KEYS:
        raise Unconnected("all editions have too many dimensions together: leave some out")
    return found


def _cut(counts: npt.NDArray[Any], month: int, place: int) -> npt.NDArray[Any]:
    return np.atleast_1d(np.take(counts, place, axis=month))


def _hierarchies(columns: Mapping[str, Axis]) -> dict[str, Any]:
    return {axis.name: {"root": axis.root, "children": {axis.root: list(axis.codes)} if axis.codes else {}} for axis in columns.values()}


# ------------------------------------------------------------------------------------------------------------ and back


def _own(edition: _Edition, table: Table, columns: Mapping[str, Axis], protected: Mapping[str, bytes]) -> bytes:
    release, now = edition.release, edition.made
    month, rest = _split(table, edition, columns)
    shape = tuple(len(now.along[name].all_codes) for name in table.dimensions)
    values, hidden = np.zeros(shape, dtype=np.int64), np.ones(shape, dtype=np.bool_)
    universes = list(_universes(release, now.along))
    if len(universes) == 1:
        universes.append((0, universes[0][1]))  # of one month the total is the month
    for place, universe in universes:
        cells = cells_in(protected[f"{table.name}~{universe}~{edition.number}.csv"], rest)
        at = tuple(place if axis == month else slice(None) for axis in range(len(shape)))
        inner = tuple(size for axis, size in enumerate(shape) if axis != month)
        values[at], hidden[at] = cells[0].reshape(inner), cells[1].reshape(inner)
    axes = [now.along[name] for name in table.dimensions]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for number_of, row in enumerate(
        csv.reader(io.StringIO(long(axes, {"value": values, "suppressed": hidden.astype(np.int64)}).decode(), newline=""))
    ):
        writer.writerow(row if number_of == 0 or row[-1] == "0" else [*row[:-2], "", "1"])
    return text.getvalue().encode()
