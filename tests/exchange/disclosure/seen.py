"""What an intruder can still think possible, from the sums themselves and an integer program: nothing of how protection is found or proven."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from exchange.disclosure import Files, Need, Protected, TableSet, Unprotectable, check_certificate, protect, read_table_set
from exchange.disclosure.knowledge import Supplier

FAR = 10**6
"""Cells are not looked for above this, far over every value of these tests."""


def interval(result: Protected, need: Need, cell: int, who: Supplier | None = None) -> tuple[int, int]:
    """The least and the greatest whole value of a cell that the public, or a supplier, cannot rule out."""
    tables = result.tables
    # Of a revised series nobody is told which of two releases is the larger: a difference, by the sums alone, may be anything.
    signless = tables.virtual & (tables.spec.relation == "revised")
    least = np.where(tables.virtual, 0, need.known_min)
    known = ~(result.hidden | tables.virtual)
    if who is not None:
        least, known = np.maximum(least, who.share), known | who.known
    least = np.where(signless, -FAR, least)
    bounds = Bounds(np.where(known, tables.value, least), np.where(known, tables.value, FAR))
    rows = tables.relations
    matrix = csr_array((rows.signs, rows.cells, rows.start), shape=(len(rows.start) - 1, len(tables.value)))
    limits = [LinearConstraint(matrix, 0, 0), *_told(result)]
    ends = []
    for sign in (1, -1):
        cost = np.zeros(len(tables.value))
        cost[cell] = sign
        found = milp(cost, integrality=np.ones(len(cost)), bounds=bounds, constraints=limits)
        assert found.status == 0
        ends.append(round(found.x[cell]))
    return ends[0], ends[1]


def _told(result: Protected) -> list[LinearConstraint]:
    """The bounds of the published figures."""
    found = []
    for statement, told in zip(result.tables.statements, result.told.tolist(), strict=True):
        for cells, factors, least in statement.bounds if told else ():
            line = np.zeros((1, len(result.tables.value)))
            line[0, list(cells)] = factors
            found.append(LinearConstraint(line, least, np.inf))
    return found


def assert_safe_or_refused(files: Files, need: Need) -> None:
    """The set is protected, proven, and safe from everybody; or it is refused as one that cannot be protected."""
    try:
        result = protect(read_table_set(files), need)
    except Unprotectable:
        return
    check_certificate(files, result.files(), need)
    assert_safe(result, need)


def assert_safe(result: Protected, need: Need) -> None:
    """Every primary cell is as uncertain to the public, and to every supplier, as the level asks (counts)."""
    tables: TableSet = result.tables
    for who in (None, *tables.suppliers):
        for cell in np.flatnonzero(tables.primary if who is None else who.primary).tolist():
            low, high = interval(result, need, cell, who)
            assert high - low >= need.min_width, (tables.place(cell), who)
