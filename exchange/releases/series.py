"""Editions of one release as one table set: what was published before is a fact, and the new edition is protected together with it.

Months are tables of their own here, each a universe, and so is the sum of an edition's months: whichever editions count a month share its
cells. Between two editions that count the same, a cell has changed by at least what each supplier's part of it has changed by, added up.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from agreements.release import Release, Table, Zeros
from exchange.releases.cells import Axis, Counts
from exchange.releases.errors import BadProtected, Unconnected
from exchange.releases.past import Bearing, Flags, Past, bearings, require_bearing
from exchange.releases.protected import Shown
from exchange.releases.tabulate import Tabulated, beside_of, long, parts_of

MOST_CELLS = 400_000
"""Cells that the tables of all editions of a series may have together."""


@dataclass(frozen=True)
class _Edition:
    """One release of the series: its number, its counts, and what it hid; None where that is still to be decided.

    ``stands_for``: it stands for editions that cannot be made again, with the counts of now, of which only what they bear on the new edition
    counts; ``after_stand_in``: follows such a one. ``bears``: what they bear on this one, the new one.
    """

    number: int
    made: Tabulated
    hidden: Mapping[str, Flags] | None
    stands_for: bool = False
    after_stand_in: bool = False
    bears: Mapping[str, Bearing] = field(default_factory=dict)


@dataclass
class _Sheets:
    """The set as it grows. ``before``: (table, universe) → each edition's counts, in order."""

    files: dict[str, bytes]
    tables: dict[str, Any]
    sums: list[dict[str, Any]]
    before: dict[tuple[str, str], list[tuple[Counts, ...]]]
    size: int = 0


def joined(release: Release, now: Tabulated, pasts: Sequence[Past]) -> dict[str, bytes]:
    """The table set of an edition and of every earlier one of its release that shares a month with it, oldest first.

    Earlier editions that can be remade stand in it with all their cells. Of others only what they published counts: where the count is
    now the same it is published again, where it differs by less than the threshold it is hidden, and what they hid stays hidden.

    Raises:
        Unconnected: how two editions bear on one another cannot be told, or the series is too large.
    """
    require_bearing(release, now, pasts)
    sheets = _Sheets({}, {}, [], {})
    for edition in _editions(release, now, pasts):
        for table in release.tables:
            _add(sheets, release, table, edition)
    for (table_name, _), seen in sheets.before.items():
        _require_adjacent(release, table_name, seen)
    document = {
        "hierarchies": _hierarchies(release, now),
        "tables": sheets.tables,
        "sums": sheets.sums,
        "releases": {"relation": "revised"},
        "measure": "count",
        "threshold": release.terms.threshold,
        "zeros": str(release.terms.zeros),
        "min_width": release.terms.min_width,
    }
    return {**sheets.files, "spec.json": (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()}


def newest(release: Release, now: Tabulated, pasts: Sequence[Past], protected: Mapping[str, bytes]) -> dict[str, bytes]:
    """The new edition's own tables out of the protected files of :func:`joined`, as if it had been protected by itself."""
    number = _editions(release, now, pasts)[-1].number
    return {f"{table.name}.csv": _own(release, table, now, number, protected) for table in release.tables}


def _editions(release: Release, now: Tabulated, pasts: Sequence[Past]) -> list[_Edition]:
    gone = [past for past in pasts if past.made is None]
    bears = bearings(release, now, gone) if gone else {}
    found = [
        _Edition(number, past.made, {name: shown.hidden for name, shown in past.shown.items()})
        for number, past in enumerate([past for past in pasts if past.made is not None], start=1)
        if past.made is not None
    ]
    if gone and not found:
        # All but what is the same is of no concern, and hidden; what is the same and was hidden stays so without being small.
        hidden = {name: ~one.again & ((now.tables[name] > 0) | (release.terms.zeros is Zeros.SUPPRESSIBLE)) for name, one in bears.items()}
        found.append(_Edition(1, now, hidden, stands_for=True))
    return [*found, _Edition(len(found) + 1, now, None, after_stand_in=any(one.stands_for for one in found), bears=bears)]


# ------------------------------------------------------------------------------------------------------------ tables of a series


def _add(sheets: _Sheets, release: Release, table: Table, edition: _Edition) -> None:
    along = edition.made.along
    month, rest = _split(release, table, along)
    names = []
    for place, universe in _universes(release, along):
        name = f"{table.name}~{universe}~{edition.number}"
        parts = {supplier: _cut(found[table.name], month, place) for supplier, found in edition.made.shares.items()}
        seen = sheets.before.setdefault((table.name, universe), [])
        flags = {column: _cut(values, month, place) for column, values in _flags(release, table, edition).items()}
        changed = {"changed": _changed(seen[-1], tuple(parts.values()))} if seen and "changed" not in flags else {}
        counts = _cut(edition.made.tables[table.name], month, place)
        sheets.files[f"{name}.csv"] = long(rest, {"value": counts, **changed, **flags})
        seen.append(tuple(parts.values()))
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
        raise Unconnected(f"the editions of {release.name} have more than {MOST_CELLS:,} cells together")


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


def _split(release: Release, table: Table, along: Mapping[str, Axis]) -> tuple[int, list[Axis]]:
    """The place of the period dimension in a table, and the table's other axes; one that has no more has an axis of a single total."""
    rest = [along[name] for name in table.dimensions if name != release.period_dimension]
    return table.dimensions.index(release.period_dimension), rest or [_single(release)]


def _single(release: Release) -> Axis:
    name = "cases"
    while name in {dimension.name for dimension in release.dimensions}:
        name += "_"
    return Axis(name, name, (), (), "Total")


def _cut(counts: npt.NDArray[Any], month: int, place: int) -> npt.NDArray[Any]:
    return np.atleast_1d(np.take(counts, place, axis=month))


def _changed(before: Sequence[Counts], now: Sequence[Counts]) -> Counts:
    """At least how many units came to or left each cell: what each supplier's part differs by, added up."""
    return np.asarray(sum(np.abs(one - other) for one, other in zip(before, now, strict=True)), dtype=np.int64)


def _require_adjacent(release: Release, table: str, seen: Sequence[tuple[Counts, ...]]) -> None:
    """The engine adds up what changed on the way from one edition to another. What went away and came back would look like much, and is little."""
    for first in range(len(seen)):
        since = np.zeros(seen[0][0].shape, dtype=np.int64)
        for later in range(first + 1, len(seen)):
            since = since + _changed(seen[later - 1], seen[later])
            apart = _changed(seen[first], seen[later])
            if ((since >= release.terms.threshold) & (apart < release.terms.threshold)).any():
                raise Unconnected(f"table {table} has cells that changed and nearly changed back")


def _hierarchies(release: Release, now: Tabulated) -> dict[str, Any]:
    names = dict.fromkeys(name for table in release.tables for name in table.dimensions if name != release.period_dimension)
    axes = [*(now.along[name] for name in names), _single(release)]
    return {axis.name: {"root": axis.root, "children": {axis.root: list(axis.codes)} if axis.codes else {}} for axis in axes}


# ------------------------------------------------------------------------------------------------------------ and back


def _own(release: Release, table: Table, now: Tabulated, number: int, protected: Mapping[str, bytes]) -> bytes:
    month, rest = _split(release, table, now.along)
    shape = tuple(len(now.along[name].all_codes) for name in table.dimensions)
    values, hidden = np.zeros(shape, dtype=np.int64), np.ones(shape, dtype=np.bool_)
    universes = list(_universes(release, now.along))
    if len(universes) == 1:
        universes.append((0, universes[0][1]))  # of one month the total is the month
    for place, universe in universes:
        cells = _cells(protected[f"{table.name}~{universe}~{number}.csv"], rest)
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


def _cells(content: bytes, rest: Sequence[Axis]) -> tuple[Counts, Flags]:
    """(cells,) values, 0 where hidden, and what is hidden, in C order of the axes."""
    shape = tuple(len(axis.all_codes) for axis in rest)
    values, hidden = np.full(int(np.prod(shape)), -1, dtype=np.int64), np.zeros(int(np.prod(shape)), dtype=np.bool_)
    numbers = [{code: number for number, code in enumerate(axis.all_codes)} for axis in rest]
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        place = int(np.ravel_multi_index(tuple(of[row[axis.name]] for of, axis in zip(numbers, rest, strict=True)), shape))
        hidden[place] = row["suppressed"] == "1"
        values[place] = 0 if hidden[place] else int(row["value"])
    if (values < 0).any():
        raise BadProtected("a table of the series does not hold every cell once")
    return values, hidden


def reshown(shown: Mapping[str, Shown], made: Tabulated) -> bool:
    """Whether counts that were made again are what was published."""
    return all(
        one.counts.shape == made.tables[name].shape and bool(((one.counts == made.tables[name]) | one.hidden).all())
        for name, one in shown.items()
    )
