"""What a model can add to the proof of one primary cell."""

from exchange.disclosure.exchanges import ExchangeModel, Move
from exchange.disclosure.problem import Problem
from exchange.disclosure.witnesses import Witnesses


def next_moves(problem: Problem, witnesses: Witnesses, model: ExchangeModel, cell: int) -> list[Move]:
    """Changes in `model` that widen the reach of `cell`: to each side where that is asked, else upwards, else as far down as it goes first."""
    down, up = witnesses.reach(cell)
    sides = [(down, -int(problem.down[cell])), (up, int(problem.up[cell]))]
    moves = [model.move(cell, amount) for reached, amount in sides if reached < abs(amount)]
    width = int(problem.width[cell])
    if not moves and down + up < width:
        moves = [model.move(cell, width - down)]
        if moves == [None]:
            fall, lowest = _farthest_fall(model, cell, min(int(problem.slack[cell]), width))
            rest = width - max(fall, down)
            moves = [lowest, model.move(cell, rest) if rest else None]
    return [move for move in moves if move is not None]


def _farthest_fall(model: ExchangeModel, cell: int, most: int) -> tuple[int, Move | None]:
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
