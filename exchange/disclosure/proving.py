"""What a model can add to the proof of one primary cell."""

from math import inf

from exchange.disclosure.exchanges import Move
from exchange.disclosure.intervals import Range
from exchange.disclosure.models import Model
from exchange.disclosure.problem import Problem
from exchange.disclosure.witnesses import Witnesses


def next_moves(problem: Problem, witnesses: Witnesses, model: Model, cell: int, limits: Range | None = None) -> list[Move]:
    """Changes in `model` that widen the reach of `cell`: to each side where that is asked, else upwards, else as far down as it goes first.

    `limits`: how far it can certainly not fall and rise any farther. With it, hopeless questions are not asked, and nothing is looked for
    unless the least rise that is needed can be had.
    """
    down, up = witnesses.reach(problem.offset + cell)
    lowest, highest = limits or (inf, inf)
    sides = [(down, -int(problem.down[cell])), (up, int(problem.up[cell]))]
    moves = [model.move(cell, amount) for reached, amount in sides if reached < abs(amount)]
    width = int(problem.width[cell])
    if not moves and down + up < width:
        moves = [model.move(cell, width - down)] if width - down <= highest else [None]
        if moves == [None]:
            most = int(min(int(problem.slack[cell]), width, lowest))
            least = width - max(most, down)
            rise = model.move(cell, least) if limits and 0 < least <= highest else None
            if limits and least > 0 and rise is None:
                return []
            fall, farthest = _farthest_fall(model, cell, most)
            rest = width - max(fall, down)
            moves = [farthest, rise if rise is not None and rest == least else model.move(cell, rest) if rest else None]
    return [move for move in moves if move is not None]


def _farthest_fall(model: Model, cell: int, most: int) -> tuple[int, Move | None]:
    """By halving: how far the cell can fall, and the change that does it. If it can fall some way it can fall less."""
    reached, best = 0, None
    while reached < most:
        middle = (reached + most + 1) // 2
        move = model.move(cell, -middle)
        if move is None:
            most = middle - 1
        else:
            reached, best = middle, move
    return reached, best
