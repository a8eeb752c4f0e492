"""Phase 2b: small components once more, by an integer program that looks for the cheapest pattern of a whole neighbourhood.

One yes-or-no for each cell that may be hidden, and for each primary cell its own changes up and down, which may use hidden cells
only. What the program proposes counts only once it has been proven like everything else; otherwise the old pattern stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import highspy
import numpy as np
from highspy.highs import HighsCallbackEvent

from exchange.disclosure.boxes import Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.exchanges import FREE, Balance, balanced
from exchange.disclosure.models import model_of
from exchange.disclosure.networks import NetworkModel, ends
from exchange.disclosure.problem import Problem
from exchange.disclosure.proving import next_moves
from exchange.disclosure.prune import components
from exchange.disclosure.refine import Refinement
from exchange.disclosure.sheets import Bools, Ints
from exchange.disclosure.witnesses import Witnesses

MOST_CELLS, MOST_NODES = 150, 20
"""Limits of a program: cells of the neighbourhood, branch-and-bound nodes (not seconds: results must repeat)."""

LINKED_COLUMNS = 1200
"""Most columns where sums bind tables to each other, as between releases: such programs take far longer."""

MOST_WORK = 120_000
"""A program ends when it has spent this much, in entries of its balances looked at each time the solver asks whether to go on: some ten
microseconds each. At the root alone, before any node is counted, programs of four dimensions would take a minute."""

MOST_WAYS, BRIEF_WAYS = 3000, 20
"""How often a component whose sums make a network is asked what a primary cell takes: some fifty microseconds each time."""

BRIEF_WORK = 150_000
"""What all programs together may spend in sets that are not small: about a second."""


@dataclass
class Care:
    """How much is asked of the polish. `columns`: the largest program; `fewest`: components of fewer secondaries get none;
    `work`: what all programs together may spend. Where sums make a network: `ways`, questions that may be asked in each component.
    """

    columns: int = 2500
    fewest: int = 1
    work: float = inf
    ways: int = MOST_WAYS


def brief() -> Care:
    """For sets that are not small: components that have something to give, in programs that take little."""
    return Care(columns=1200, fewest=4, work=BRIEF_WORK, ways=BRIEF_WAYS)


_ENDED = {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit, highspy.HighsModelStatus.kInterrupt}


def polish(
    problem: Problem,
    boxes: Boxes,
    hidden: Bools,
    witnesses: Witnesses,
    *,
    fixed: Bools,
    care: Care,
    deadline: Deadline,
    done: Callable[[int, int], None],
) -> None:
    """Improve `hidden` (in place) component by component; `fixed`: cells that stay hidden whatever happens; `care` is used up."""
    care.columns = min(care.columns, LINKED_COLUMNS) if boxes.linked else care.columns
    label = components(problem, hidden)
    order = np.argsort(label, kind="stable")
    order = order[label[order] >= 0]
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []
    # Where the dearest secondaries are there is most to win, and the work may not last to the end.
    groups.sort(key=lambda cells: -float(problem.weight[cells[~fixed[cells]]].sum()) / max(1, int(np.count_nonzero(~fixed[cells]))))
    for number, cells in enumerate(groups, start=1):
        done(number, len(groups))
        if deadline.passed():
            return
        near = _neighbourhood(boxes, cells, hidden)
        if near is not None:
            balance = balanced(problem, near)
            found, settled = _refined(problem, balance, cells, fixed, care)
            now = found if found is not None and _exchange(problem, hidden, witnesses, cells, found) else cells
            if not settled and care.work > 0 and np.count_nonzero(~fixed[now]) >= care.fewest:
                proposed = _propose(problem, balance, now, fixed, deadline.left(), care)
                if proposed is not None:
                    _exchange(problem, hidden, witnesses, now, proposed)


def _neighbourhood(boxes: Boxes, cells: Ints, hidden: Bools) -> Ints | None:
    """The cells of the smallest box around a component, those of other components left out; None where that is too large."""
    for box in boxes.around(int(cells[0])):
        inside = boxes.cells(box)
        if len(inside) > MOST_CELLS:
            return None
        places = _places(cells, inside)
        if places is not None:
            wanted = ~hidden[inside]
            wanted[places] = True
            return inside[wanted]
    return None


def _places(cells: Ints, inside: Ints) -> Ints | None:
    """Where `cells` are in `inside` (ascending); None unless all of them are there."""
    places = np.minimum(np.searchsorted(inside, cells), len(inside) - 1)
    return places if len(inside) and (inside[places] == cells).all() else None


def _refined(problem: Problem, balance: Balance, cells: Ints, fixed: Bools, care: Care) -> tuple[Ints | None, bool]:
    """A cheaper set of cells to hide instead of the component `cells`, by a search through a network, or None; and whether a program need
    not be asked.
    """
    primary = cells[problem.width[cells] > 0]
    sided = (problem.down[primary] > 0).any() or (problem.up[primary] > 0).any()
    nodes = None if sided or _places(cells, balance.cells) is None else ends(balance)
    if nodes is None:
        return None, False
    model, loose = NetworkModel(problem, balance, nodes), balance.cells[~fixed[balance.cells]]
    model.price(balance.cells, np.where(fixed[balance.cells], FREE, problem.weight[balance.cells]))
    now = float(problem.weight[cells[~fixed[cells]]].sum())
    search = Refinement(model, dict(zip(loose.tolist(), problem.weight[loose].tolist(), strict=True)), now - 0.5, care.ways)
    search.run(primary.tolist())
    exact = search.left > 0 and bool((problem.width[primary] == 1).all())
    found = None if search.found is None else np.union1d(cells[fixed[cells]], np.array(search.found, dtype=np.int64))
    return found, exact or care.work < inf


def _propose(problem: Problem, balance: Balance, cells: Ints, fixed: Bools, seconds: float, care: Care) -> Ints | None:
    """A cheaper set of cells to hide instead of the component `cells`, by an integer program, or None."""
    near, rows, owner, signs = balance
    if _places(cells, near) is None:
        return None
    primary = np.flatnonzero(problem.width[near] > 0)
    changes = [(int(p), up) for p in primary for up in (True, False) if up or problem.slack[near[p]] > 0]
    size = len(near)
    if size * (1 + len(changes)) > care.columns:
        return None
    weight = np.where(fixed[near], 0.0, problem.weight[near])
    now = float(problem.weight[cells[~fixed[cells]]].sum())
    solver = highspy.Highs()
    for option, setting in (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("mip_max_nodes", MOST_NODES),
        ("time_limit", seconds),
    ):
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
    each = len(rows) * len(changes)
    care.work -= each * _run(solver, int(min(MOST_WORK, care.work) // max(1, each)))
    if solver.getModelStatus() not in _ENDED:
        return None
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return near[np.asarray(solver.getSolution().col_value)[:size] > 0.5]


def _run(solver: highspy.Highs, most: int) -> int:
    """Run the solver until it has asked `most` times whether to go on (counted, so that results repeat): how often it asked."""
    asked = 0

    def answer(event: HighsCallbackEvent) -> None:
        nonlocal asked
        asked += 1
        event.interrupt(asked > most)

    solver.cbMipInterrupt.subscribe(answer)
    solver.run()
    return asked


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


def _exchange(problem: Problem, hidden: Bools, witnesses: Witnesses, old: Ints, new: Ints) -> bool:
    """Put the new pattern in the place of the old, if every primary cell of the component can be proven under it: whether it was."""
    numbers: list[int] = []
    for cell in old.tolist():
        numbers += witnesses.drop_users(cell)[0]
    added: list[int] = []
    for view in problem.views:
        model = model_of(view, np.sort(new))
        for cell in old[view.width[old] > 0].tolist():
            if not witnesses.met(view.offset + cell):
                added += [witnesses.add(move) for move in next_moves(view, witnesses, model, cell)]
            if not witnesses.met(view.offset + cell):
                witnesses.drop(added)
                witnesses.restore(numbers)
                return False
    hidden[old] = False
    hidden[new] = True
    return True
