"""A judge of protected table sets that shares nothing with the engine: own reading of the format, own system of sums.

`Judge.solver` is one intruder, whose whole undecomposed system scipy (HiGHS) solves, in whole numbers where asked; `solving.enumerate_tables`
goes through every whole table there is. Both are slow and plain on purpose.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from tests.exchange.disclosure.judged import Aim, Rows, finest, groups, natural, primary
from tests.exchange.disclosure.solving import Line, Solver

Key = tuple[Any, ...]


class Judge:
    """A set and anyone's protected output for it, at one level."""

    def __init__(self, files: Mapping[str, bytes], protected: Mapping[str, bytes], known_min: int, min_width: int) -> None:
        self.spec: dict[str, Any] = json.loads(files["spec.json"])
        self.counts = self.spec["measure"] == "count"
        self.known_min = known_min
        self.numbers: dict[Key, int] = {}
        self.value: list[Fraction] = []
        self.equal: list[Line] = []
        self.least: list[tuple[Line, Fraction]] = []
        self.pairs: list[tuple[tuple[str, tuple[str, ...]], int, int, bool]] = []
        self.finest = finest(self.spec)
        relation = self.spec.get("releases", {}).get("relation", "same")
        self.apart = relation in {"additive", "revised"}
        self.tables = [self._read(files, name, entry) for name, entry in sorted(self.spec["tables"].items())]
        texts = [text for rows in self.tables for column in ("value", "lpl", "upl") for text in rows.fields.get(column, [])]
        self.unit = Fraction(1, 10 ** max(len(text.partition(".")[2]) for text in texts))
        self.width = Fraction(min_width) if self.counts or min_width > 1 else self.unit
        for rows in self.tables:
            self._sums(rows)
        self._windows()
        self.published = self._published(protected)
        self.aims = self._aims()
        if self.apart:
            self._series(relation)
        self._derived(files, protected)

    # ------------------------------------------------------------------------------------------------------------ reading

    def _read(self, files: Mapping[str, bytes], name: str, entry: Mapping[str, Any]) -> Rows:
        read = list(csv.DictReader(io.StringIO(files[entry["file"]].decode("utf-8-sig"), newline="")))
        columns = [column for column in read[0] if column in entry["dims"]]
        fields = {column: [row[column] for row in read] for column in read[0] if column not in columns}
        rows = Rows(name, entry, columns, [tuple(row[column] for column in columns) for row in read], fields)
        for codes, text in zip(rows.codes, fields["value"], strict=True):
            number = self.numbers.setdefault(self.key(rows, codes), len(self.value))
            if number == len(self.value):
                self.value.append(Fraction(text))
            rows.cells.append(number)
        return rows

    def key(self, rows: Rows, codes: Sequence[str]) -> Key:
        """What a row is about: population, release where releases differ, and the cases in each column."""
        parts = []
        for column, code in zip(rows.columns, codes, strict=True):
            if code != self.spec["hierarchies"][rows.entry["dims"][column]]["root"]:
                parts.append((column, self.finest[column].get(code, frozenset([code]))))
        return rows.entry.get("universe", ""), str(rows.entry.get("release", "")) if self.apart else "", frozenset(parts)

    def _sums(self, rows: Rows) -> None:
        where = dict(zip(rows.codes, rows.cells, strict=True))
        for axis, column in enumerate(rows.columns):
            children = self.spec["hierarchies"][rows.entry["dims"][column]]["children"]
            for codes, cell in where.items():
                if children.get(codes[axis]):
                    line: Line = {cell: Fraction(1)}
                    for child in children[codes[axis]]:
                        other = where[(*codes[:axis], child, *codes[axis + 1 :])]
                        line[other] = line.get(other, Fraction(0)) - 1
                    self.equal.append(line)

    def _windows(self) -> None:
        named = {rows.name: rows for rows in self.tables}
        for entry in self.spec.get("sums", []):
            parts = [dict(zip(named[part].codes, named[part].cells, strict=True)) for part in entry["parts"]]
            for codes, cell in zip(named[entry["total"]].codes, named[entry["total"]].cells, strict=True):
                line: Line = {cell: Fraction(1)}
                for part in parts:
                    line[part[codes]] = line.get(part[codes], Fraction(0)) - 1
                self.equal.append(line)

    def _published(self, protected: Mapping[str, bytes]) -> set[int]:
        seen = set()
        for rows in self.tables:
            if rows.entry.get("published", True) and rows.entry["file"] in protected:
                where = dict(zip(rows.codes, zip(rows.cells, rows.fields["value"], strict=True), strict=True))
                found = list(csv.DictReader(io.StringIO(protected[rows.entry["file"]].decode("utf-8-sig"), newline="")))
                if len(found) != len(where):
                    raise ValueError("other rows")
                for row in found:
                    cell, text = where[tuple(row[column] for column in rows.columns)]
                    if row["suppressed"] == "0" or row["value"].strip():
                        if Fraction(row["value"]) != Fraction(text):
                            raise ValueError("another value")
                        seen.add(cell)
        return seen

    # ------------------------------------------------------------------------------------------------------------ what must stay uncertain

    def _aims(self) -> list[Aim]:
        needs: dict[int, tuple[tuple[str, tuple[str, ...]], Fraction, Fraction]] = {}
        alone = set().union(
            *(
                groups(self.spec, rows, self.value, rule["column"])
                for rows in self.tables
                for rule in self.spec.get("rules", [])
                if rule["rule"] == "group"
            )
        )
        for rows in self.tables:
            for place, cell in enumerate(rows.cells):
                sides = primary(self.spec, rows, place, self.unit)
                if sides is None and cell in alone:
                    sides = Fraction(0), Fraction(0)
                if sides is not None:
                    before = needs.get(cell, ((rows.name, rows.codes[place]), Fraction(0), Fraction(0)))
                    needs[cell] = before[0], max(before[1], sides[0]), max(before[2], sides[1])
        return [Aim(name, {cell: Fraction(1)}, self.value[cell], down, up, self.width) for cell, (name, down, up) in sorted(needs.items())]

    def _series(self, relation: str) -> None:
        """What a later release says about an earlier one, and the differences of any two that tell of too few records."""
        threshold, published = self.spec["threshold"], self.spec.get("zeros", "published") == "published"
        history: dict[Key, list[tuple[str, int, str | None]]] = {}
        order = sorted({str(rows.entry.get("release", "")) for rows in self.tables}, key=natural)
        names: dict[int, tuple[str, tuple[str, ...]]] = {}
        for rows in sorted(self.tables, key=lambda rows: order.index(str(rows.entry.get("release", "")))):
            release = str(rows.entry.get("release", ""))
            for place, (codes, cell) in enumerate(zip(rows.codes, rows.cells, strict=True)):
                universe, _, parts = self.key(rows, codes)
                names.setdefault(cell, (rows.name, codes))
                told = rows.fields["changed"][place] if "changed" in rows.fields else None
                past = history.setdefault((universe, parts), [])
                if not any(other == cell for _, other, _ in past):
                    past.append((release, cell, told))
        for past in history.values():
            for later, (_, cell, told) in enumerate(past):
                changed = None if told is None else int(told)
                for earlier in range(later - 1, -1, -1):
                    former, other, before = past[earlier]
                    line, gap = {cell: Fraction(1), other: Fraction(-1)}, self.value[cell] - self.value[other]
                    if relation == "additive":
                        small = 0 < gap < threshold
                        self.least.append((line, Fraction(0)))
                    else:
                        small = changed is not None and 0 < changed < threshold
                        small &= not (published and self.value[cell] == self.value[other] == 0)
                        if changed == 0:
                            self.equal.append(line)
                        changed = None if changed is None or before is None else changed + int(before)
                    self.pairs.append(((names[cell][0], names[cell][1]), cell, other, small))
                    if small:
                        name = f"{names[cell][0]} - {former}", names[cell][1]
                        self.aims.append(Aim(name, line, gap, Fraction(0), Fraction(0), self.width))

    def _derived(self, files: Mapping[str, bytes], protected: Mapping[str, bytes]) -> None:
        named = {rows.name: dict(zip(rows.codes, rows.cells, strict=True)) for rows in self.tables}
        columns = {rows.name: rows.columns for rows in self.tables}
        for entry in self.spec.get("derived", {}).values():
            shown = csv.DictReader(io.StringIO(protected.get(entry["file"], b"").decode(), newline=""))
            for row in shown:
                if row["value"].strip():
                    self.least += list(
                        self._ratio(entry, row, named, columns) if entry["kind"] == "ratio" else self._median(entry, row, named, columns)
                    )

    def _ratio(self, entry: Mapping[str, Any], row: Mapping[str, str], named: Any, columns: Any) -> Iterator[tuple[Line, Fraction]]:
        n = named[entry["numerator"]][tuple(row[c] for c in columns[entry["numerator"]])]
        d = named[entry["denominator"]][tuple(row[c] for c in columns[entry["denominator"]])]
        half = Fraction(1, 2 * 10 ** entry["decimals"])
        per, value = Fraction(entry["per"]), Fraction(row["value"])
        yield {n: per, d: -(value - half)}, Fraction(0)
        yield {n: -per, d: value + half}, Fraction(0)

    def _median(self, entry: Mapping[str, Any], row: Mapping[str, str], named: Any, columns: Any) -> Iterator[tuple[Line, Fraction]]:
        cells, value = named[entry["table"]], Fraction(row["value"])
        codes = {code: tuple(code if c == entry["column"] else row[c] for c in columns[entry["table"]]) for code in entry["edges"]}
        early = {code for code, (low, _) in entry["edges"].items() if low <= value}
        late = {code for code, (_, high) in entry["edges"].items() if high >= value}
        for half in (early, late):
            yield {cells[codes[code]]: Fraction(1 if code in half else -1) for code in codes}, Fraction(0)

    # ------------------------------------------------------------------------------------------------------------ what an intruder finds

    def solver(self, known: Mapping[int, Fraction] | None = None, least: Mapping[int, Fraction] | None = None) -> Solver:
        """The unknowns of somebody who knows `known` beside what is published, and that cells are at least so much."""
        facts = {cell: self.value[cell] for cell in self.published} | dict(known or {})
        silent = {cell for rows in self.tables if not rows.entry.get("published", True) for cell in rows.cells}
        lowest = {cell: Fraction(0 if cell in silent else self.known_min) for cell in range(len(self.value))}
        floor = {cell: max(lowest[cell], (least or {}).get(cell, Fraction(0))) for cell in lowest}
        return Solver(self.equal, self.least, facts, floor)

    def fallen(self, solver: Solver, aims: Sequence[Aim], *, whole: bool) -> list[tuple[Aim, float, float]]:
        """The aims that are less uncertain than they must be, with what remains possible. `whole`: in whole numbers throughout."""
        found = []
        for aim in aims:
            low, high = solver.proven(aim.combination)
            if not aim.met(low, high):
                low, high = solver.interval(aim.combination, whole=whole)
            if not aim.met(low, high):
                found.append((aim, low, high))
        return found

    def public(self, *, whole: bool = True) -> list[tuple[Aim, float, float]]:
        """What falls to the public."""
        return self.fallen(self.solver(), self.aims, whole=whole and self.counts)

    def insiders(self) -> list[tuple[Aim, float, float]]:
        """What some contributor, who alone makes up cells, can work out exactly."""
        singles = [
            (cell, text)
            for rows in self.tables
            for cell, text in zip(rows.cells, rows.fields.get("single_contributor", []), strict=False)
            if text not in {"", "0"}
        ]
        unnamed = {text for _, text in singles} == {"1"}
        people: dict[str, list[int]] = {}
        alike = self._alike({cell for cell, _ in singles}) if unnamed else {}
        for cell, text in singles:
            people.setdefault(str(alike[cell]) if unnamed else text, []).append(cell)
        found = []
        for own in people.values():
            if not set(own) <= self.published:
                solver = self.solver({cell: self.value[cell] for cell in own})
                aims = [
                    aim._replace(down=Fraction(0), up=Fraction(0), width=self.unit)
                    for aim in self.aims
                    if not set(aim.combination) <= set(own)
                ]
                found += self.fallen(solver, aims, whole=self.counts)
        return found

    def _alike(self, singles: set[int]) -> dict[int, int]:
        """The least of those cells that must be the same contributor's: a sum and its only part that is not nothing, zeros being published."""
        least = {cell: cell for cell in singles}
        pairs = [
            [cell for cell in line if self.value[cell]]
            for line in self.equal
            if self.spec.get("zeros", "published") == "published" and sum(bool(self.value[cell]) for cell in line) == 2
        ]
        for _ in singles:
            for one, other in pairs:
                if {one, other} <= singles:
                    least[one] = least[other] = min(least[one], least[other])
        return least

    def suppliers(self, files: Mapping[str, bytes]) -> list[tuple[str, Aim, float, float]]:
        """What falls to a supplier who subtracts its own part; each knows no cell to be nothing but its own unless all of it is."""
        share: dict[str, dict[int, Fraction]] = {}
        for rows in self.tables:
            if "suppliers" in rows.entry:
                where = dict(zip(rows.codes, rows.cells, strict=True))
                for row in csv.DictReader(io.StringIO(files[rows.entry["suppliers"]].decode(), newline="")):
                    cell = where[tuple(row[column] for column in rows.columns)]
                    share.setdefault(row["supplier"], {})[cell] = Fraction(row["value"])
        found = []
        marked = {cell: aim for aim in self.aims for cell in aim.combination if len(aim.combination) == 1}
        for name, parts in sorted(share.items()):
            own = {cell: part for cell, part in parts.items() if part}
            solver = self.solver({cell: part for cell, part in own.items() if part == self.value[cell]}, own)
            aims = [aim for cell, aim in marked.items() if self.value[cell] > own.get(cell, 0)]
            threshold = self.spec.get("threshold", 0) if self.counts else 0
            for rows in self.tables:
                for codes, cell in zip(rows.codes, rows.cells, strict=True):
                    rest = self.value[cell] - own.get(cell, 0)
                    if cell not in marked and 0 < rest < threshold:
                        aims.append(Aim((rows.name, codes), {cell: Fraction(1)}, self.value[cell], Fraction(0), Fraction(0), self.width))
            if self.spec.get("releases", {}).get("relation") == "additive":
                aims += self._rises(own, threshold, solver)
            found += [(name, *item) for item in self.fallen(solver, aims, whole=self.counts)]
        return found

    def _rises(self, own: Mapping[int, Fraction], threshold: int, solver: Solver) -> list[Aim]:
        """What the others added between two releases must stay uncertain to a supplier, who knows that it is at least nothing."""
        aims = []
        for name, later, earlier, small in self.pairs:
            line = {later: Fraction(1), earlier: Fraction(-1)}
            rise = own.get(later, Fraction(0)) - own.get(earlier, Fraction(0))
            gap = self.value[later] - self.value[earlier]
            solver.require(line, rise)
            if (small and gap > rise) or 0 < gap - rise < threshold:
                aims.append(Aim(name, line, gap, Fraction(0), Fraction(0), self.width))
        return aims
