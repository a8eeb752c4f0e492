"""The story: rows of every supplier in, a table set for the disclosure engine out.

What comes out holds exact small counts: it stays inside the hub until it is protected, and is destroyed with its earliest input.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.cells import Axis, Counts, axes, cubes
from exchange.releases.definition import COUNT, Relations, cell_counts, surplus, unit_rows
from exchange.releases.engine import Engine, Relation
from exchange.releases.errors import BadRelation, BadRelease


def tabulate(
    release: Release,
    agreement: Agreement,
    relations: Mapping[tuple[str, str], Relation],
    periods: Sequence[Period],
    *,
    memory: str = "4GB",
    threads: int = 2,
    beside: Callable[[Engine, Relations], None] | None = None,
) -> dict[str, bytes]:
    """Every table of a release, exact, as the files of a table set: ``spec.json`` and ``<table>.csv``, totals first, zeros included.

    Args:
        relations: (dataset, supplier) → agreed fields in their agreed Arrow types, for every supplier of every dataset the release reads. Of the base
            only rows inside ``periods`` count; of the others every row may match.
        periods: months, quarters or years; their months become the categories of the period dimension.
        memory: DuckDB's limit. threads: how many it may use.
        beside: what else is asked of the same rows over the same connection, once they are counted.
    Raises:
        BadRelation, BadRelease, OutsideCategories, EngineError.
    """
    along = axes(release, periods)
    _check_types(agreement, relations)
    with Engine(memory=memory, threads=threads) as engine:
        known = {place: engine.register(relation) for place, relation in relations.items()}
        counted = _counted(engine, release, agreement, known, periods)
        if beside is not None:
            beside(engine, known)
    tables = cubes(release, along, counted, COUNT)
    files = {"spec.json": _spec(release, along)}
    for table in release.tables:
        files[f"{table.name}.csv"] = _long([along[name] for name in table.dimensions], tables[table.name])
    return files


def _check_types(agreement: Agreement, relations: Mapping[tuple[str, str], Relation]) -> None:
    for (name, supplier), relation in relations.items():
        dataset = agreement.dataset(name)
        if dataset is None:
            raise BadRelation(f"{agreement.clause('datasets')}: there is no dataset {name}.")
        agreed = {field.name: field.arrow_type for field in dataset.fields}
        wrong = [field.name for field in relation.schema if field.name in agreed and field.type != agreed[field.name]]
        if wrong:
            raise BadRelation(f"dataset {name} of {supplier}: {', '.join(wrong)} is not of the agreed type.")


def _counted(
    engine: Engine, release: Release, agreement: Agreement, known: Mapping[tuple[str, str], ibis.Table], periods: Sequence[Period]
) -> pa.Table:
    try:
        repeats = surplus(release, agreement, known, periods)
        # Looking for repeats costs one pass over a key; telling them apart, one over every column. Mostly there are none.
        repeated = repeats is not None and bool(engine.run(repeats).column(COUNT)[0].as_py())
        expression = cell_counts(release, unit_rows(release, agreement, known, periods, repeated=repeated))
    except ibis.common.exceptions.IbisError as error:
        raise BadRelease(f"release {release.name}: its fields do not suit what it asks of them ({type(error).__name__}).") from None
    return engine.run(expression)


def _spec(release: Release, along: Mapping[str, Axis]) -> bytes:
    names = dict.fromkeys(name for table in release.tables for name in table.dimensions)
    document: dict[str, Any] = {
        "hierarchies": {name: {"root": along[name].root, "children": {along[name].root: list(along[name].codes)}} for name in names},
        "tables": {
            table.name: {"file": f"{table.name}.csv", "dims": {name: name for name in table.dimensions}} for table in release.tables
        },
        "measure": "count",
        "threshold": release.terms.threshold,
        "zeros": str(release.terms.zeros),
        "min_width": release.terms.min_width,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _long(along: Sequence[Axis], counts: Counts) -> bytes:
    """One row a cell, in C order of the axes."""
    places = np.indices(counts.shape).reshape(counts.ndim, -1).tolist()
    codes = [[axis.all_codes[place] for place in column] for axis, column in zip(along, places, strict=True)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(axis.name for axis in along), "value"])
    writer.writerows(zip(*codes, counts.ravel().tolist(), strict=True))
    return out.getvalue().encode()
