"""Why a cell cannot be protected: the published cells whose sums pin it down, from the dual ray of the infeasible exchange."""

import highspy
import numpy as np

from exchange.disclosure.problem import Problem
from exchange.disclosure.sheets import Ints
from exchange.disclosure.table import TableSet

Place = tuple[str, tuple[str, ...]]


def pinning(tables: TableSet, problem: Problem, cell: int) -> list[Place]:
    """The published cells, as (table, codes), that with known bounds leave `cell` too little room."""
    found: set[int] = set()
    for amount in (int(problem.up[cell]) or int(problem.width[cell]), -int(problem.down[cell])):
        if amount:
            found |= _from_ray(problem, cell, amount)
    return sorted(tables.place(other) for other in found)


def _from_ray(problem: Problem, cell: int, amount: int) -> set[int]:
    """Published cells in the sums that the dual ray of "move `cell` by `amount`" combines."""
    relations = problem.relations
    cells = np.flatnonzero(problem.movable)
    local = np.full(len(problem.value), -1, dtype=np.int64)
    local[cells] = np.arange(len(cells))
    entries = problem.movable[relations.cells]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cells), len(relations.start) - 1
    lp.col_cost_ = np.zeros(len(cells))
    lower = -problem.slack[cells].astype(np.float64)
    upper = np.full(len(cells), highspy.kHighsInf)
    place = int(local[cell])
    lower[place] = upper[place] = float(amount)
    lp.col_lower_, lp.col_upper_ = lower, upper
    lp.row_lower_ = lp.row_upper_ = np.zeros(lp.num_row_)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(entries)])[relations.start].astype(np.int32)
    lp.a_matrix_.index_ = local[relations.cells[entries]].astype(np.int32)
    lp.a_matrix_.value_ = relations.signs[entries].astype(np.float64)
    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("random_seed", 0), ("solver", "simplex")):
        solver.setOptionValue(option, setting)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible:
        return set()
    _, has_ray, ray = solver.getDualRay()
    if not has_ray:
        return _in_its_sums(problem, cell)
    rows: Ints = np.flatnonzero(np.abs(np.asarray(ray)) > 1e-9)
    _, members, _ = relations.within(rows)
    return {int(member) for member in members if not problem.movable[member] and problem.value[member] > 0} or _in_its_sums(problem, cell)


def _in_its_sums(problem: Problem, cell: int) -> set[int]:
    """Without a ray: every published cell that shares a sum with `cell`."""
    _, rows, _ = problem.relations.around(np.array([cell]))
    _, members, _ = problem.relations.within(rows)
    return {int(member) for member in members if not problem.movable[member]}
