"""Phase 2b: small components once more, by an integer program that looks for the cheapest pattern of a whole neighbourhood.

One yes-or-no for each cell that may be hidden, and for each primary cell its own changes up and down, which may use hidden cells
only. What the program proposes counts only once it has been proven like everything else; otherwise the old pattern stands.
"""

from collections.abc import Callable

import highspy
import numpy as np

from exchange.disclosure.boxes import Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.exchanges import ExchangeModel, balanced
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.prune import components
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.witnesses import Witnesses

MOST_CELLS, MOST_COLUMNS, MOST_NODES = 150, 2500, 20
"""Limits of a program: cells of the neighbourhood, columns altogether, branch-and-bound nodes (not seconds: results must repeat)."""


def polish(
    problem: Problem,
    boxes: Boxes,
    hidden: Bools,
    witnesses: Witnesses,
    *,
    fixed: Bools,
    deadline: Deadline,
    done: Callable[[int, int], None],
) -> None:
    """Improve `hidden` (in place) component by component; `fixed`: cells that stay hidden whatever happens."""
    label = components(problem, hidden)
    order = np.argsort(label, kind="stable")
    order = order[label[order] >= 0]
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    for number, cells in enumerate(groups, start=1):
        done(number, len(groups))
        if deadline.passed():
            return
        near = _neighbourhood(boxes, cells, hidden) if not fixed[cells].all() else None
        if near is not None:
            proposed = _propose(problem, near, cells, fixed)
            if proposed is not None:
                _exchange(problem, hidden, witnesses, cells, proposed)


def _neighbourhood(boxes: Boxes, cells: Ints, hidden: Bools) -> Ints | None:
    """The cells of the smallest box around a component, those of other components left out; None where that is too large."""
    for box in boxes.around(int(cells[0])):
        inside = boxes.cells(box)
        if len(inside) > MOST_CELLS:
            return None
        if np.isin(cells, inside).all():
            return inside[~hidden[inside] | np.isin(inside, cells)]
    return None


def _propose(problem: Problem, near: Ints, cells: Ints, fixed: Bools) -> Ints | None:
    """A cheaper set of cells to hide instead of the component `cells`, or None."""
    near, rows, owner, signs = balanced(problem, near)
    if not np.isin(cells, near).all():
        return None
    primary = np.flatnonzero(problem.width[near] > 0)
    changes = [(int(p), up) for p in primary for up in (True, False) if up or problem.slack[near[p]] > 0]
    size = len(near)
    if size * (1 + len(changes)) > MOST_COLUMNS:
        return None
    weight = np.where(fixed[near], 0.0, problem.weight[near])
    now = float(problem.weight[cells[~fixed[cells]]].sum())
    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_max_nodes", MOST_NODES)):
        solver.setOptionValue(option, setting)
    infinity = highspy.kHighsInf
    reach = float(max(problem.width[near].max(), problem.up[near].max(), problem.down[near].max()))
    every = np.arange(size, dtype=np.int32)
    solver.addVars(size, fixed[near].astype(np.float64), np.ones(size))
    solver.changeColsCost(size, every, weight)
    solver.changeColsIntegrality(size, every, np.full(size, highspy.HighsVarType.kInteger))
    priced = np.flatnonzero(weight > 0).astype(np.int32)
    solver.addRow(-infinity, now - 0.5, len(priced), priced, weight[priced])
    lines = np.argsort(rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows))[:-1]]).astype(np.int32)
    for number, (p, up) in enumerate(changes):
        first = size * (1 + number)
        low, high = np.maximum(-problem.slack[near], -reach).astype(np.float64), np.full(size, reach)
        low[p], high[p] = (0.0, reach) if up else (max(-reach, -float(problem.slack[near[p]])), 0.0)
        solver.addVars(size, low, high)
        solver.changeColsIntegrality(1, np.array([first + p], dtype=np.int32), np.array([highspy.HighsVarType.kInteger]))
        zeros = np.zeros(len(starts))
        solver.addRows(
            len(starts), zeros, zeros, len(rows), starts, (first + owner[lines]).astype(np.int32), signs[lines].astype(np.float64)
        )
        _only_hidden(solver, np.flatnonzero(~fixed[near]).astype(np.int32), first, low, high)
    _require(solver, problem, near, changes)
    solver.run()
    if solver.getModelStatus() not in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit}:
        return None
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return near[np.asarray(solver.getSolution().col_value)[:size] > 0.5]


def _only_hidden(solver: highspy.Highs, cells: Ints, first: int, low: np.ndarray, high: np.ndarray) -> None:
    """A cell moves in the change that starts at column `first` only if it is hidden."""
    count = len(cells)
    starts = np.arange(0, 2 * count, 2, dtype=np.int32)
    index = np.column_stack([first + cells, cells]).reshape(-1).astype(np.int32)
    for bound, above in ((high, True), (low, False)):
        values = np.column_stack([np.ones(count), -bound[cells]]).reshape(-1)
        free, none = np.full(count, highspy.kHighsInf), np.zeros(count)
        solver.addRows(count, -free if above else none, none if above else free, 2 * count, starts, index, values)


def _require(solver: highspy.Highs, problem: Problem, near: Ints, changes: list[tuple[int, bool]]) -> None:
    """Every primary cell gets its width, and its distance to each side."""
    size = len(near)
    for p in sorted({p for p, _ in changes}):
        cell = near[p]
        columns = [(size * (1 + number) + p, 1.0 if up else -1.0, up) for number, (other, up) in enumerate(changes) if other == p]
        index = np.array([column for column, _, _ in columns], dtype=np.int32)
        solver.addRow(float(problem.width[cell]), highspy.kHighsInf, len(index), index, np.array([sign for _, sign, _ in columns]))
        for column, sign, up in columns:
            least = float(problem.up[cell] if up else problem.down[cell])
            solver.addRow(least, highspy.kHighsInf, 1, np.array([column], dtype=np.int32), np.array([sign]))


def _exchange(problem: Problem, hidden: Bools, witnesses: Witnesses, old: Ints, new: Ints) -> None:
    """Put the new pattern in the place of the old, if every primary cell of the component can be proven under it."""
    numbers: list[int] = []
    for cell in old.tolist():
        numbers += witnesses.drop_users(cell)[0]
    model = ExchangeModel(problem, np.sort(new))
    added: list[int] = []
    for cell in old[problem.width[old] > 0].tolist():
        if not witnesses.met(cell):
            added += [witnesses.add(move) for move in next_moves(problem, witnesses, model, cell)]
        if not witnesses.met(cell):
            witnesses.drop(added)
            witnesses.restore(numbers)
            return
    hidden[old] = False
    hidden[new] = True
