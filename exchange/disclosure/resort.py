"""Where the cheapest exchanges give out: whether a cell can be protected at all, at any price, settled for good."""

from dataclasses import replace

import numpy as np

from exchange.disclosure.errors import Unprotectable
from exchange.disclosure.exchanges import ExchangeModel, Move
from exchange.disclosure.pins import Ranges
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.table import TableSet
from exchange.disclosure.witnesses import Witnesses


def last_resort(tables: TableSet, view: Problem, witnesses: Witnesses, cell: int) -> list[Move]:
    """Changes of any cells that give `cell` what it needs in the eyes of an intruder, hiding more than is good if need be.

    Raises Unprotectable, naming the published cells that pin it down, where there are none, or none can be found.
    """
    who = "" if not view.offset else " from a supplier who knows its own part"
    ranges = Ranges(tables, view)
    if not ranges.suffice(cell):
        raise Unprotectable(f"a primary cell cannot be protected{who} by hiding others", ranges.pinning(cell))
    every = np.flatnonzero(view.movable)
    model = ExchangeModel(view, every, whole=True, final=True)
    model.price(every, np.zeros(len(every)))
    moves = next_moves(view, witnesses, model, cell)
    trial = Witnesses(replace(view, offset=0, others=()))
    for move in moves:
        trial.add(move)
    down, up = (max(pair) for pair in zip(witnesses.reach(view.offset + cell), trial.reach(cell), strict=True))
    if down < view.down[cell] or up < view.up[cell] or down + up < view.width[cell]:
        why = "no protection was found for a primary cell" if model.gave_out else "a primary cell cannot be protected in whole numbers"
        raise Unprotectable(f"{why}{who} by hiding others", ranges.pinning(cell))
    return moves
