"""The story: pose the problem, hide enough, take back what is too much, tell what figures can be told, prove the result."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.boxes import Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.figures import publishable
from exchange.disclosure.insiders import guard
from exchange.disclosure.polish import MOST_CELLS, MOST_WORK, Care, brief, polish
from exchange.disclosure.problem import pose
from exchange.disclosure.prune import Pruning
from exchange.disclosure.result import Protected, conclude
from exchange.disclosure.spec import Need
from exchange.disclosure.suppress import Suppression
from exchange.disclosure.table import TableSet

WHOLE_UP_TO = 5000
"""Sets of at most this many cells that may be hidden are solved as one model."""

BRIEF_UP_TO = 20_000
"""Sets of at most this many are polished a little unless told otherwise; more than that gains little for its time."""

Progress = Callable[[str, int, int], None]
"""Told the name of the step, how much of it is done, and out of how much."""


def _silent(step: str, done: int, total: int) -> None:
    """No one is watching."""


def protect(
    tables: TableSet,
    need: Need | None = None,
    *,
    time_limit: float | None = None,
    thorough: bool = False,
    progress: Progress = _silent,
) -> Protected:
    """Hide cells of `tables` until every primary cell is as uncertain as `need` asks; None = as spec.json asks.

    `thorough`: search large sets to the end, and polish every small component by integer programs, however long that takes in all (a few
    per cent less hidden); small and middle sets are searched to the end, and polished a little, without it.
    `time_limit`: seconds to spend on a smaller pattern, polishing included; protection itself is always finished. Without a limit the
    same input gives the same bytes. Raises Unprotectable, naming the published cells that pin a primary cell down.
    """
    need = need or tables.default_need()
    deadline = Deadline(time_limit)
    problem = pose(tables, need)
    eligible = np.flatnonzero(problem.movable)
    suppression = Suppression(tables, problem, Boxes(tables, eligible, whole_up_to=WHOLE_UP_TO))
    suppression.run(lambda done: progress("hiding", done, sum(len(view.primary) for view in problem.views)))
    suppression.rest()
    hidden, witnesses, fixed = suppression.hidden, suppression.witnesses, problem.must
    near = Boxes(tables, np.flatnonzero(hidden), whole_up_to=400, at_least=60)
    searched = thorough or time_limit is not None
    pruning = Pruning(problem, near, hidden, witnesses, fixed=fixed, whole=searched)
    pruning.run(deadline, lambda done, total: progress("taking back", done, total))
    care = _care(len(eligible), searched=searched, suppliers=bool(problem.others))
    if care is not None:
        everywhere = Boxes(tables, eligible, whole_up_to=0) if suppression.boxes.small else suppression.boxes
        polish(
            problem,
            everywhere,
            hidden,
            witnesses,
            fixed=fixed,
            care=care,
            deadline=deadline,
            done=lambda done, total: progress("polishing", done, total),
        )
    guard(suppression, tables.contributor)
    told = publishable(tables, hidden, witnesses, lambda done, total: progress("figures", done, total))
    return conclude(tables, need, problem, hidden, told, witnesses, stopped=deadline.passed())


def _care(cells: int, *, searched: bool, suppliers: bool) -> Care | None:
    """How carefully a set of so many cells that may be hidden is polished; None: not at all."""
    if searched:
        return Care()
    if cells <= MOST_CELLS:
        return Care(work=MOST_WORK)
    return brief() if cells <= BRIEF_UP_TO and not suppliers else None
