"""From units, one a row, to unprotected tables: counts and figures over every combination of dimensions, totals included. Plain SQL."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb

Codes = tuple[str, ...]
TOTAL = "Total"


def between(engine: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    """Say which days an edition is of: ``getvariable('first')`` and ``getvariable('last')``, both inside."""
    engine.execute(f"SET VARIABLE first = DATE '{first}'; SET VARIABLE last = DATE '{last}'")


def gathered(engine: duckdb.DuckDBPyConnection, units: str) -> str:
    """Work units out once, for several tables: the question that asks for them then."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE units AS {units}")
    return "SELECT * FROM units"


def counts(engine: duckdb.DuckDBPyConnection, units: str, dimensions: Sequence[str]) -> dict[Codes, int]:
    """How many units stand in each cell that holds any, by the codes of these columns; ``Total`` for all codes of a dimension together."""
    return {codes: int(row[0]) for codes, row in _cube(engine, units, dimensions, "count(*)").items()}


def figures(
    engine: duckdb.DuckDBPyConnection, units: str, dimensions: Sequence[str], value: str, *, days: bool
) -> dict[Codes, dict[str, Decimal]]:
    """Of each cell's units that have a value (of days: and not a negative one): how many, sum, mean to two places, quartiles to whole numbers; half up.

    A quartile lies between sorted values as straight lines between them run: at place (n - 1) x q.
    """
    stands = f'"{value}" IS NOT NULL' + (f' AND "{value}" >= 0' if days else "")
    found = _cube(engine, f"SELECT * FROM ({units}) WHERE {stands}", dimensions, f'list("{value}" ORDER BY "{value}")')
    return {codes: _figures([int(one) for one in row[0]]) for codes, row in found.items()}


def _figures(values: list[int]) -> dict[str, Decimal]:
    total = Decimal(sum(values))
    quartiles = {name: half_up(_quantile(values, part), 0) for name, part in (("lower_quartile", 1), ("median", 2), ("upper_quartile", 3))}
    return {"n": Decimal(len(values)), "sum": total, "mean": half_up(total / len(values), 2), **quartiles}


def _quantile(values: list[int], quarters: int) -> Decimal:
    place = Decimal(len(values) - 1) * quarters / 4
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def half_up(value: Decimal, places: int) -> Decimal:
    """Rounded, halves away from nought upwards: 2.5 is 3, and -2.5 is -2."""
    step = Decimal(1).scaleb(-places)
    return (
        (value / step + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR") * step
        if value < 0
        else value.quantize(step, ROUND_HALF_UP)
    )


def _cube(engine: duckdb.DuckDBPyConnection, units: str, dimensions: Sequence[str], told: str) -> dict[Codes, tuple[Any, ...]]:
    names = [f'"{name}"' for name in dimensions]
    absent = " OR ".join(f"{name} IS NULL" for name in names) or "false"
    lost = engine.execute(f"SELECT count(*) FROM ({units}) WHERE {absent}").fetchone()
    assert lost == (0,), f"every unit falls into some category of {', '.join(dimensions)}"
    marked = [f"CASE WHEN grouping({name}) = 1 THEN '{TOTAL}' ELSE CAST({name} AS VARCHAR) END" for name in names]
    columns = ", ".join([*marked, told])
    by = f" GROUP BY CUBE ({', '.join(names)})" if names else ""
    found = engine.execute(f"SELECT {columns} FROM ({units}){by}").fetchall()
    return {tuple(str(one) for one in row[: len(names)]): row[len(names) :] for row in found}
