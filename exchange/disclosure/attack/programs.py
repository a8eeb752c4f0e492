"""The intruder's linear programs as HiGHS models: one thread, no presolve, warm from run to run."""

import highspy
import numpy as np
import numpy.typing as npt

from exchange.disclosure.attack.long import Array
from exchange.disclosure.errors import Inconclusive

Floats = npt.NDArray[np.float64]
Entries = tuple[Array, Array, Array]


def make_program(entries: Entries, room: Floats, fall: Floats, rise: Floats, *, apart: bool, integers: bool) -> highspy.Highs:
    """All changes of (cells,) values that fall at most `fall` and rise at most `rise`; `entries`: (row, column, factor).

    `room`: (rows,) how far each row may sink; nan = the row is a sum and stays nothing. `apart`: rise and fall are columns of their own,
    each at a price of 1 a unit, else one free column a cell at no price; `integers`: those columns in whole numbers.
    """
    row, column, factor = entries
    size, rows = len(fall), len(room)
    order = np.argsort(column, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=size))])
    index, value = row[order].astype(np.int32), factor[order].astype(np.float64)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = rows, size * (1 + apart)
    model.row_lower_ = np.where(np.isnan(room), 0.0, -room)
    model.row_upper_ = np.where(np.isnan(room), 0.0, highspy.kHighsInf)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.col_cost_ = np.full(model.num_col_, 1.0 if apart else 0.0)
    model.col_lower_ = np.zeros(2 * size) if apart else -fall
    model.col_upper_ = np.concatenate([rise, fall]) if apart else rise
    if apart:
        starts, index, value = np.concatenate([starts, starts[1:] + len(index)]), np.tile(index, 2), np.concatenate([value, -value])
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = starts.astype(np.int32), index, value
    if integers:
        model.integrality_ = [highspy.HighsVarType.kInteger] * model.num_col_
    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.9)):
        solver.setOptionValue(option, setting)
    if not integers:
        # Primal simplex where only the objective changes, so that the last vertex stays a valid start; dual where bounds do.
        solver.setOptionValue("simplex_strategy", 1 if apart else 4)
        solver.setOptionValue("presolve", "off")
        solver.setOptionValue("solver", "simplex")
    solver.passModel(model)
    return solver


def balanced(entries: Entries, size: int, rows: tuple[Floats, Floats]) -> highspy.Highs:
    """All changes of (size,) values that move each row by something between its ends; costs and bounds are for the caller to set."""
    row, column, factor = entries
    order = np.argsort(column, kind="stable")
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = len(rows[0]), size
    model.row_lower_, model.row_upper_ = rows
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.col_cost_ = model.col_lower_ = model.col_upper_ = np.zeros(size)
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=size))]).astype(np.int32)
    model.a_matrix_.index_, model.a_matrix_.value_ = row[order].astype(np.int32), factor[order].astype(np.float64)
    solver = highspy.Highs()
    # Costs and bounds change together: the dual method, by the largest violation, with nothing to be kept up from pivot to pivot.
    for option, setting in (
        ("output_flag", False),
        ("threads", 1),
        ("solver", "simplex"),
        ("presolve", "off"),
        ("simplex_strategy", 1),
        ("simplex_dual_edge_weight_strategy", 0),
    ):
        solver.setOptionValue(option, setting)
    solver.passModel(model)
    return solver


def bounded(solver: highspy.Highs) -> bool:
    """Run: True at an optimum, False where there is none (no change at all is always possible, so that means without bound)."""
    solver.run()
    status = solver.getModelStatus()
    if status in {highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
        return False
    if status != highspy.HighsModelStatus.kOptimal:
        # Never read silence as safety.
        raise Inconclusive(f"the solver stopped without an answer: {solver.modelStatusToString(status)}")
    return True
