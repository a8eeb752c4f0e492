"""Phase 3: contributors who alone make up a hidden cell, and so know it. No one of them may work out another primary cell exactly."""

from collections.abc import Iterable

import numpy as np

from exchange.disclosure.errors import Unprotectable
from exchange.disclosure.pins import pinning
from exchange.disclosure.sheets import Ints
from exchange.disclosure.suppress import Suppression
from exchange.disclosure.witnesses import Witness


def guard(suppression: Suppression, contributor: Ints) -> None:
    """Hide more until every primary cell has, for each single contributor of hidden cells, a witness that moves none of theirs.

    `contributor`: (n,) number of a cell's one contributor, or -1. Newly hidden cells may have contributors too, so this goes round
    until nothing changes. Raises Unprotectable where it cannot be done.
    """
    if not (contributor >= 0).any():
        return
    changed = True
    while changed:
        before = int(suppression.hidden.sum())
        for cell in suppression.problem.primary.tolist():
            for person in sorted(knowing(cell, suppression.witnesses.proofs(cell), contributor)):
                own = np.flatnonzero(suppression.hidden & (contributor == person))
                if not _move_without(suppression, cell, own):
                    raise Unprotectable(
                        "a primary cell cannot be protected from a contributor to another hidden cell",
                        pinning(suppression.tables, suppression.problem, cell),
                    )
        changed = int(suppression.hidden.sum()) > before


def knowing(cell: int, witnesses: Iterable[Witness], contributor: Ints) -> set[int]:
    """The contributors, other than the cell's own, whose cells every one of `witnesses` moves: nothing yet protects `cell` from them."""
    common: set[int] | None = None
    for witness in witnesses:
        if witness.back + witness.forth:
            people = {int(contributor[other]) for other in witness.cells}
            common = people if common is None else common & people
    return (common or set()) - {-1, int(contributor[cell])}


def _move_without(suppression: Suppression, cell: int, own: Ints) -> bool:
    for box in suppression.boxes.around(cell):
        model = suppression.model(box, suppression.problem)
        for other in own.tolist():
            model.allow(other, allowed=False)
        moves = (model.move(cell, amount) for amount in (1, -1))
        found = next((move for move in moves if move is not None), None)
        for other in own.tolist():
            model.allow(other, allowed=True)
        if found is not None:
            suppression.keep(found)
            return True
    return False
