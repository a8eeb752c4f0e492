"""What an intruder may know beyond the published tables: a supplier its own part of every cell, everybody the figures derived from cells."""

from dataclasses import dataclass, field

from exchange.disclosure.sheets import Bools, Ints


@dataclass(frozen=True)
class Supplier:
    """One who sent some of the rows, and so knows its own part of everything.

    `share`: (n,) its part of each cell's value, in the set's units, never more than the value; `known`: (n,) cells that it is taken to know
    exactly, for all of them is its own; `primary`: (n,) cells in which what the others sent must stay uncertain to it.
    """

    name: str
    share: Ints = field(repr=False)
    known: Bools = field(repr=False)
    primary: Bools = field(repr=False)


@dataclass(frozen=True)
class Statement:
    """A figure derived from cells, at one row of a derived table: while it is published, every bound holds in the eyes of an intruder.

    `bounds`: each (cells, factors, least): the sum of factor times value over the cells is at least `least`, in whole units of the set.
    """

    table: str
    position: int
    bounds: tuple[tuple[tuple[int, ...], tuple[int, ...], int], ...]

    @property
    def cells(self) -> frozenset[int]:
        """Every cell that the figure says something about."""
        return frozenset(cell for cells, _, _ in self.bounds for cell in cells)
