"""The story: pose the problem, hide enough, take back what is too much, prove the result."""

from collections.abc import Callable

import numpy as np

from exchange.disclosure.boxes import Boxes
from exchange.disclosure.clock import Deadline
from exchange.disclosure.insiders import guard
from exchange.disclosure.polish import MOST_CELLS, polish
from exchange.disclosure.problem import pose
from exchange.disclosure.prune import Pruning
from exchange.disclosure.result import Protected, conclude
from exchange.disclosure.spec import Need
from exchange.disclosure.suppress import Suppression
from exchange.disclosure.table import TableSet

WHOLE_UP_TO = 5000
"""Sets of at most this many cells that may be hidden are solved as one model."""


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

    `thorough`: also polish small components by integer programs (a few per cent less hidden, some ten times the time); small sets
    always are.
    `time_limit`: seconds to spend on a smaller pattern, polishing included; protection itself is always finished. Without a limit the
    same input gives the same bytes. Raises Unprotectable, naming the published cells that pin a primary cell down.
    """
    need = need or tables.default_need()
    deadline = Deadline(time_limit)
    problem = pose(tables, need)
    eligible = np.flatnonzero(problem.movable)
    suppression = Suppression(tables, problem, Boxes(tables, eligible, whole_up_to=WHOLE_UP_TO))
    suppression.run(lambda done: progress("hiding", done, len(problem.primary)))
    hidden, witnesses, fixed = suppression.hidden, suppression.witnesses, tables.primary | tables.hidden
    near = Boxes(tables, np.flatnonzero(hidden), whole_up_to=400, at_least=60)
    Pruning(problem, near, hidden, witnesses, fixed=fixed).run(deadline, lambda done, total: progress("taking back", done, total))
    if thorough or time_limit is not None or len(eligible) <= MOST_CELLS:
        everywhere = Boxes(tables, eligible, whole_up_to=0)
        polish(
            problem,
            everywhere,
            hidden,
            witnesses,
            fixed=fixed,
            deadline=deadline,
            done=lambda done, total: progress("polishing", done, total),
        )
    guard(suppression, tables.contributor)
    # A contributor may know what one witness moves and not what another does: there all of them count.
    proof = witnesses.kept() if (tables.contributor >= 0).any() else witnesses.needed()
    return conclude(tables, need, hidden, proof, stopped=deadline.passed())
