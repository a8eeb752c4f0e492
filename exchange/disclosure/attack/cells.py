"""The cells of a set: rows of all tables brought together, one value a cell, and what the rows say about it."""

from collections.abc import Sequence

import numpy as np

from exchange.disclosure.attack.blocks import components
from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import Array, Long, Mask, units
from exchange.disclosure.attack.programs import Entries
from exchange.disclosure.attack.sums import same_cells
from exchange.disclosure.errors import BadTables


class Cells:
    """`same`: the cell of each row of each table; `case`, `value`: (cells,). BadTables where two rows for one cell disagree."""

    def __init__(self, document: Document, longs: Sequence[Long], decimals: int) -> None:
        self._document, self._longs, self._decimals = document, longs, decimals
        cell, self.case = same_cells(longs, document)
        self.same = np.split(cell, np.cumsum([len(long.place) for long in longs])[:-1])
        self.size = len(self.case)
        rows = np.concatenate([units(long.text, long.name, "value", decimals) for long in longs])
        self.value = np.full(self.size, -1, dtype=np.int64)
        self.value[cell] = rows
        if (self.value[cell] != rows).any():
            raise BadTables("two rows for one cell disagree")

    def most(self, columns: Sequence[Array | None], none: int = 0) -> Array:
        """(cells,) the largest of what the rows of a cell say; `none` where no table says anything."""
        most = np.full(self.size, none, dtype=np.int64)
        for numbers, column in zip(self.same, columns, strict=True):
            if column is not None:
                np.maximum.at(most, numbers, column)
        return most

    def column(self, name: str, decimals: int = 0, none: int = 0) -> Array:
        """(cells,) the largest of what a column says."""
        return self.most([units(long.text, long.name, name, decimals) if long.has(name) else None for long in self._longs], none)

    def changed(self) -> Array:
        """(cells,) records changed since the release before, -1 = not known."""
        if self._document.relation == "revised" and any(long.has("changed") for long in self._longs):
            if not self._document.fewest:
                raise BadTables("the column changed needs a threshold to be judged by")
            found = self.column("changed", none=-1)
            for long, numbers in zip(self._longs, self.same, strict=True):
                if long.has("changed") and (units(long.text, long.name, "changed", 0) != found[numbers]).any():
                    raise BadTables(f"{long.name}: changed conflicts with another row for the same cell")
            return found
        return np.full(self.size, -1, dtype=np.int64)

    def sides(self, primary: Mask, above: Sequence[Array]) -> tuple[Array, Array]:
        """(cells,) how far below and above its value each must reach: as given, else by the key p_percent; above, by the rules as well."""
        down, up = self.column("lpl", self._decimals), self.column("upl", self._decimals)
        if self._document.percent and not self._document.counts:
            # Ten places are more than any figure here has.
            share = self._document.percent / 100
            of_value = np.array([-(-int(v) * share.numerator // share.denominator) for v in self.value.tolist()], dtype=np.int64) * primary
            down = down if any(long.has("lpl") for long in self._longs) else of_value
            up = up if any(long.has("upl") for long in self._longs) else of_value
        return down, np.maximum(up, self.most(above))

    def owners(self, sums: Entries) -> Array:
        """A number for the one contributor of each cell; a bare 1 says "one" without saying who, so each such cell has its own.

        But where zeros are published, a cell of one contributor that is all of another's is the same one's; and in an additive series
        a cell that had one contributor, and has one, has the same.
        """
        owner = np.full(self.size, -1, dtype=np.int64)
        texts = [x.text.column("single_contributor").to_pylist() if x.has("single_contributor") else [] for x in self._longs]
        names = sorted({text for column in texts for text in column} - {"", "0"})
        number_of = {name: number for number, name in enumerate(names)}
        for numbers, column in zip(self.same, texts, strict=True):
            for number, text in zip(numbers.tolist(), column, strict=False):
                if text not in {"", "0"}:
                    owner[number] = number if names == ["1"] else number_of[text]
        alike = [np.zeros((0, 2), dtype=np.int64)]
        if self._document.relation == "additive":
            before = np.flatnonzero((self.case[1:] == self.case[:-1]) & (owner[1:] >= 0) & (owner[:-1] >= 0))
            alike.append(np.column_stack([before, before + 1]))
        if names == ["1"] and self._document.zeros_published:
            row, cell, sign = (part[((owner >= 0) & (self.value > 0))[sums[1]]] for part in sums)
            single = dict(zip(row[sign > 0].tolist(), cell[sign > 0].tolist(), strict=True))
            pairs = [(single.get(at, -1), one) for at, one in zip(row[sign < 0].tolist(), cell[sign < 0].tolist(), strict=True)]
            pairs = [pair for pair in pairs if self.value[pair[0]] == self.value[pair[1]] and pair[0] >= 0]
            alike.append(np.array(pairs, dtype=np.int64).reshape(-1, 2))
        if names == ["1"]:
            both = np.concatenate(alike)
            label = components(self.size, np.repeat(np.arange(len(both)), 2), both.reshape(-1))
            owner[owner >= 0] = label[owner >= 0]
        return owner

    def where(self) -> tuple[Array, Array]:
        """(cells,) the first table that shows a cell, and the row."""
        table = np.repeat(np.arange(len(self.same)), [len(part) for part in self.same])
        row = np.concatenate([np.arange(len(part)) for part in self.same])
        cell = np.concatenate(self.same)
        found = np.zeros(self.size, dtype=np.int64), np.zeros(self.size, dtype=np.int64)
        found[0][cell[::-1]], found[1][cell[::-1]] = table[::-1], row[::-1]
        return found
