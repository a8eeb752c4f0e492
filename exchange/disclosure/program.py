"""Linear and integer programs over the sums of a table set, as HiGHS models: one thread, fixed seed, limits counted and not timed."""

import highspy
import numpy as np

from exchange.disclosure.errors import DisclosureError
from exchange.disclosure.relations import Relations
from exchange.disclosure.sheets import Floats, Ints

Entries = tuple[Ints, Ints, Ints]
ENDLESS = 2**50
"""A distance that stands for no bound at all."""

_SETTINGS = (("output_flag", False), ("threads", 1), ("random_seed", 0), ("presolve", "off"), ("solver", "simplex"))
_IMPOSSIBLE = {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}
_STOPPED = {highspy.HighsModelStatus.kSolutionLimit, highspy.HighsModelStatus.kIterationLimit, highspy.HighsModelStatus.kUnknown}


def essential(relations: Relations) -> Entries:
    """Every entry (row, cell, sign) of the sums from which all others follow."""
    return relations.within(np.flatnonzero(relations.essential))


def program(entries: Entries, cell: Ints, factor: Ints, most: Ints, price: Floats, row_value: Floats | None = None) -> highspy.Highs:
    """Column j changes `cell[j]` by `factor[j]` a unit, from 0 to `most[j]` at `price[j]`; rows come to `row_value`, or to nothing."""
    row, member, sign = entries
    rows = int(row.max(initial=-1)) + 1
    order = np.argsort(member, kind="stable")
    count = int(max(cell.max(initial=-1), member.max(initial=-1))) + 1
    first = np.searchsorted(member[order], np.arange(count + 1))
    lengths = (first[1:] - first[:-1])[cell]
    at = np.repeat(first[:-1][cell], lengths) + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    starts, index = np.concatenate([[0], np.cumsum(lengths)]), row[order][at]
    value = sign[order][at] * np.repeat(factor, lengths)
    solver = highspy.Highs()
    for option, setting in _SETTINGS:
        solver.setOptionValue(option, setting)
    pass_model(solver, price, bounds(most), np.zeros(rows) if row_value is None else row_value, (starts, index, value))
    return solver


def pass_model(
    solver: highspy.Highs, price: Floats, most: Floats, total: Floats, columns: tuple[Ints, Ints, Ints], *, whole: bool = False
) -> None:
    """Give the solver columns from 0 to `most` at a `price` and rows that come to `total`; `columns`: (start of each, rows, factors).

    As arrays in one call: the solver's own objects take a list of every entry first, which costs as much as a short run.
    """
    count, (starts, index, value) = len(price), columns
    kind = highspy.HighsVarType.kInteger if whole else highspy.HighsVarType.kContinuous
    solver.passModel(
        count,
        len(total),
        len(index),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        price,
        np.zeros(count),
        most,
        total,
        total,
        starts.astype(np.int32),
        index.astype(np.int32),
        value.astype(np.float64),
        np.full(count, int(kind), dtype=np.int32),
    )


def bounds(most: Ints) -> Floats:
    """Distances as the solver takes them."""
    return np.where(most >= ENDLESS // 2, highspy.kHighsInf, most.astype(np.float64))


def distances(found: Floats) -> Ints:
    """Whole distances from what the solver takes, or gave back: the other way round."""
    return np.where(np.isinf(found), ENDLESS, np.where(np.isinf(found), 0, found)).astype(np.int64)


def integers(solver: highspy.Highs, *, on: bool) -> None:
    """Make every column whole, or none."""
    every = np.arange(solver.getNumCol(), dtype=np.int32)
    kind = highspy.HighsVarType.kInteger if on else highspy.HighsVarType.kContinuous
    solver.changeColsIntegrality(len(every), every, np.full(len(every), kind))
    solver.setOptionValue("solver", "choose" if on else "simplex")
    solver.setOptionValue("presolve", "choose" if on else "off")


def answer(solver: highspy.Highs) -> Floats | None:
    """Run: the columns at the best answer, or the best one found within the limits; None where there is none, or none was found."""
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal or (status in _STOPPED and np.isfinite(solver.getInfo().mip_gap)):
        return np.asarray(solver.getSolution().col_value)
    if status in _IMPOSSIBLE or status in _STOPPED:
        return None
    raise DisclosureError(f"the solver stopped without an answer: {solver.modelStatusToString(status)}")
