"""A model of some cells: a network where the sums allow it, otherwise a linear program."""

from exchange.disclosure.exchanges import MOST_WHOLE, ExchangeModel, balanced
from exchange.disclosure.networks import NetworkModel, ends
from exchange.disclosure.problem import Problem
from exchange.disclosure.sheets import Ints

Model = ExchangeModel | NetworkModel


def model_of(problem: Problem, cells: Ints, *, most_whole: int = MOST_WHOLE) -> Model:
    """A model of those of `cells` (ascending) that can move; `most_whole`: as for `ExchangeModel`."""
    balance = balanced(problem, cells)
    nodes = ends(balance)
    return ExchangeModel(problem, balance, most_whole=most_whole) if nodes is None else NetworkModel(problem, balance, nodes)
