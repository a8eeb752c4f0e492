"""Rules over whole batches: what leaves an agency, and whether what arrives at the hub is what the rules produce."""

from collections.abc import Collection, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agreements.detectors import leaks
from agreements.errors import RowsAtFault
from agreements.fields import FieldType, KeepPattern, Means, none_of, not_floored
from agreements.model import Dataset, Field
from agreements.periods import Period

MOST_ROWS = 20
Breaches = dict[str, tuple[str, list[int], int]]


def minimise(batch: pa.RecordBatch, dataset: Dataset, means: Means) -> pa.RecordBatch:
    """Only the agreed fields, each with its rule applied, in the agreement's order. Columns the agreement does not name are not read.

    Args:
        batch: source columns, by their source names, in the types the agreement gives.
    Raises:
        KeyError: a source column is missing.
    """
    columns = [field.rule.apply(batch.column(field.source), means).cast(field.arrow_type) for field in dataset.fields]
    return pa.RecordBatch.from_arrays(columns, schema=dataset.schema)


def conform(batch: pa.RecordBatch, dataset: Dataset, period: Period, first_row: int = 0, listed: Collection[str] = ()) -> Breaches:
    """Where a batch of agreed fields breaks the agreement: place → (rule, first row numbers, count). Empty when nowhere.

    A place is the field's name for its own rule, and name and rule for what else is asked of it: the same in every batch, so that
    :func:`merge` never adds up the rows of two rules.

    The same check runs at the agency before anything is sealed and at the hub after it is opened. ``listed``: fields all of whose values
    were found in the list that is their rule (:func:`agreements.listed.wholly_listed`), so that it need not be asked again.
    """
    found: Breaches = {}
    for field in dataset.fields:
        column = batch.column(field.name)
        for number, (rule, mask) in enumerate(_masks(field, column, dataset, period, listed)):
            if count := pc.sum(mask).as_py() or 0:
                rows = np.flatnonzero(mask.to_numpy(zero_copy_only=False))[:MOST_ROWS]
                place = f"{field.name}: {rule}" if number else field.name
                found[place] = (rule, [int(row) + first_row for row in rows], count)
    return found


def _masks(field: Field, column: pa.Array, dataset: Dataset, period: Period, listed: Collection[str]) -> list[tuple[str, pa.Array]]:
    masks = [(field.rule.describe(), none_of(column) if field.name in listed else field.rule.faults(column))]
    if not field.may_be_empty and column.null_count:
        masks.append(("must not be empty", column.is_null()))
    if field.type is FieldType.MONTH:
        # A month is held as its first day; any other day would say more than the month.
        masks.append(("must be the first day of a month", not_floored(column, "month")))
    if field.name == dataset.period_field:
        masks.append((f"must lie in the period {period}", _outside(column, period.start, period.end)))
    if isinstance(field.rule, KeepPattern):
        masks.extend((f"must not look like {kind}", mask) for kind, mask in leaks(column).items())
    return masks


def _outside(column: pa.Array, start: date, end: date) -> pa.Array:
    low, high = pa.scalar(start, column.type), pa.scalar(end, column.type)
    return pc.fill_null(pc.or_(pc.less(column, low), pc.greater(column, high)), fill_value=False)


def merge(total: Breaches, more: Mapping[str, tuple[str, list[int], int]]) -> None:
    """Add the breaches of one more batch to the total, keeping the first row numbers of each."""
    for place, (rule, rows, count) in more.items():
        _, kept, before = total.get(place, (rule, [], 0))
        total[place] = (rule, (kept + rows)[:MOST_ROWS], before + count)


def refuse(breaches: Breaches) -> None:
    """Raise :class:`RowsAtFault` if there is any breach."""
    if breaches:
        raise RowsAtFault(breaches)
