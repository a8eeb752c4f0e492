"""How often each value of an agreed list occurs: what the hub compares with a supplier's own earlier periods.

Only fields whose rule names every value it lets through are counted, so that a count can never be of a value nobody agreed on.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agreements.fields import KeepValues, Map, Rule
from agreements.model import Dataset

MOST_VALUES = 500
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


def listed_values(rule: Rule) -> tuple[str, ...]:
    """Every value that a rule lets through, in the agreement's order; nothing where it names none, or more than 500."""
    match rule:
        case KeepValues():
            found = rule.values
        case Map():
            found = rule.products
        case _:
            found = ()
    return found if len(found) <= MOST_VALUES else ()


def listed_fields(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Field → its agreed values, of the fields that have some."""
    return {field.name: values for field in dataset.fields if (values := listed_values(field.rule))}


def count_listed(batch: pa.RecordBatch, fields: Mapping[str, tuple[str, ...]]) -> dict[str, Counts]:
    """Field → the number of rows of each of its values, in their order. Empty ones, and others, are not counted."""
    counted = {}
    for name, values in fields.items():
        places = pc.fill_null(pc.index_in(batch.column(name), value_set=pa.array(values, pa.string())), len(values))
        counted[name] = np.bincount(places.to_numpy(zero_copy_only=False), minlength=len(values) + 1)[: len(values)]
    return counted


def wholly_listed(batch: pa.RecordBatch, counted: Mapping[str, Counts]) -> frozenset[str]:
    """The counted fields of which every row that is not empty has a value of its list: its rule holds for all of them."""
    return frozenset(name for name, counts in counted.items() if int(counts.sum()) + batch.column(name).null_count == batch.num_rows)
