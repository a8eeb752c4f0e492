"""Published editions beside the ledger: of every table how many cells are shown, how many of them are what truly happened, and how far off the others are."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from agreements.periods import Period
from demo.partnership.cast import Extract, Paper, Stage
from demo.partnership.truth_ledger import Connection, opened
from demo.partnership.truth_measures import READINGS
from demo.stage import Failed

Cell = tuple[str, ...]
TOTAL = ""
_FIGURES = ("sum", "mean", "lower_quartile", "median", "upper_quartile")


class Edition(Protocol):
    """A published edition, as it was downloaded."""

    @property
    def paper(self) -> Paper: ...
    @property
    def release(self) -> str: ...
    @property
    def folder(self) -> Path: ...


@dataclass(frozen=True)
class Against:
    """Cells against one reading: how many of those shown are equal, and the largest difference of any that is not."""

    equal: int
    largest: Decimal


@dataclass(frozen=True)
class Comparison:
    """One column of one published table against the ledger.

    Attributes:
        column: ``count``, or a figure, such as ``amount_sum``.
        cells, shown, hidden: how many there are.
        total: the cell of all totals together: published (None where hidden), as delivered, and in truth.
        delivered: against what follows from the records that the agencies delivered, people told apart as they truly are.
        truth: against everything that happened, each thing once.
        why: why there may be differences.
    """

    measure: str
    release: str
    table: str
    column: str
    cells: int
    shown: int
    hidden: int
    total: tuple[Decimal | None, Decimal, Decimal]
    delivered: Against
    truth: Against
    why: str


def compare(stage: Stage, extracts: Sequence[Extract], editions: Sequence[Edition]) -> list[Comparison]:
    """Every table of these editions that the ledger can be asked about, in their order.

    Args:
        extracts: what was pushed.
    """
    papers = {edition.paper.reference: edition.paper for edition in editions}
    found: list[Comparison] = []
    for reference, paper in papers.items():
        known = {one["name"] for one in paper.document["datasets"]}
        mine = [one for one in extracts if one.dataset in known]
        with opened(stage, mine, [paper], delivered=True) as delivered, opened(stage, mine, [paper], delivered=False) as truth:
            for edition in editions:
                if edition.paper.reference == reference and edition.release in READINGS:
                    found.extend(_edition(edition, delivered, truth))
    return found


def _edition(edition: Edition, delivered: Connection, truth: Connection) -> Iterator[Comparison]:
    release = release_of(edition)
    for engine in (delivered, truth):
        set_out(engine, edition)
    for table in release["tables"]:
        for column, published in columns_of(edition, table).items():
            yield _compared(release, table, column, published, delivered, truth)


def release_of(edition: Edition) -> Mapping[str, Any]:
    """The release, as the agreement says it."""
    found: Mapping[str, Any] = next(one for one in edition.paper.document["releases"] if one["name"] == edition.release)
    return found


def columns_of(edition: Edition, table: Mapping[str, Any]) -> dict[str, dict[Cell, Decimal | None]]:
    """Counts and figures of a published table: column → cell → what stands there, None where it is hidden."""
    dimensions = {one["name"]: one for one in release_of(edition)["dimensions"]}
    rows = _rows(edition.folder / f"{table['name']}.csv")
    cells = [_code(row, [dimensions[name] for name in table["dimensions"]]) for row in rows]
    told = [one for one in (rows[0] if rows else ()) if one == "count" or one.endswith(tuple(f"_{figure}" for figure in _FIGURES))]
    return {column: dict(zip(cells, (_number(row[column]) for row in rows), strict=True)) for column in told}


def set_out(engine: Connection, edition: Edition) -> Connection:
    """The units of an edition, as the ledger has them, in the table ``units``."""
    periods = periods_of(edition)
    first, last = (Period.parse(periods[place]) for place in (0, -1))
    engine.execute(f"SET VARIABLE first = DATE '{first.start}'; SET VARIABLE last = DATE '{last.end}'")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE units AS {READINGS[edition.release]}")
    return engine


def periods_of(edition: Edition) -> list[str]:
    """The periods of an edition, as its tables that are cut by them name them."""
    release = release_of(edition)
    name = release["period_dimension"]
    total = next(one["total"] for one in release["dimensions"] if one["name"] == name)
    for table in release["tables"]:
        if name in table["dimensions"]:
            return sorted({row[name] for row in _rows(edition.folder / f"{table['name']}.csv")} - {total})
    raise Failed(f"{edition.release}: no table is cut by its periods, so that nothing says which they are.")


def _compared(
    release: Mapping[str, Any],
    table: Mapping[str, Any],
    column: str,
    published: Mapping[Cell, Decimal | None],
    delivered: Connection,
    truth: Connection,
) -> Comparison:
    both = [worked_out(engine, table["dimensions"], column) for engine in (delivered, truth)]
    shown = {cell: value for cell, value in published.items() if value is not None}
    every = (TOTAL,) * len(table["dimensions"])
    nought = Decimal(0)
    return Comparison(
        release["measure"],
        release["name"],
        table["name"],
        column,
        len(published),
        len(shown),
        len(published) - len(shown),
        (published.get(every), both[0].get(every, nought), both[1].get(every, nought)),
        against(shown, both[0]),
        against(shown, both[1]),
        _why(release),
    )


def against(shown: Mapping[Cell, Decimal], expected: Mapping[Cell, Decimal]) -> Against:
    """Shown cells against those of a reading, which leaves out what is nought."""
    apart = [abs(value - expected.get(cell, Decimal(0))) for cell, value in shown.items()]
    return Against(sum(one == 0 for one in apart), max(apart, default=Decimal(0)))


def _why(release: Mapping[str, Any]) -> str:
    """Why what is published may differ from what was delivered, and that from the truth."""
    linked = "cohort" in release or any(lookup.get("also_on") for lookup in release.get("lookups", ()))
    reasons = [
        ("people are linked by pseudonyms, so that some are found as two, or not at all", linked),
        ("ages follow from dates of birth as they are written", any("age" in one["name"] for one in release["dimensions"])),
        (
            "amounts are rounded before they leave the agency",
            any(".amount" in value.get("amount", "") for value in release.get("values", ())),
        ),
        ("some records are entered late, or exported twice", True),
    ]
    return "; ".join(reason for reason, holds in reasons if holds)


def worked_out(engine: Connection, dimensions: Sequence[str], column: str) -> dict[Cell, Decimal]:
    """A column of a table over the table ``units``: every cell that has any, its totals as ``""``."""
    names = [f'"{name}"' for name in dimensions]
    places = ", ".join([f"CASE WHEN grouping({name}) = 1 THEN '' ELSE CAST({name} AS VARCHAR) END" for name in names])
    by = f"GROUP BY CUBE ({', '.join(names)})"
    if column == "count":
        return {tuple(cell): Decimal(count) for *cell, count in engine.execute(f"SELECT {places}, count(*) FROM units {by}").fetchall()}
    value, figure = next((column.removesuffix(f"_{one}"), one) for one in _FIGURES if column.endswith(f"_{one}"))
    stands = f"\"{value}\" IS NOT NULL AND (\"{value}\" >= 0 OR '{value}' NOT LIKE 'days%')"
    found = engine.execute(f'SELECT {places}, list("{value}" ORDER BY "{value}") FROM units WHERE {stands} {by}').fetchall()
    return {tuple(cell): _figure([int(one) for one in values], figure) for *cell, values in found}


def _figure(values: Sequence[int], figure: str) -> Decimal:
    """Sum; mean to two places; quartiles on the straight line between two neighbours, to whole numbers; halves upwards."""
    if figure == "sum":
        return Decimal(sum(values))
    if figure == "mean":
        return Decimal(math.floor(Decimal(sum(values)) * 100 / len(values) + Decimal("0.5"))) / 100
    at = Decimal(len(values) - 1) * {"lower_quartile": 1, "median": 2, "upper_quartile": 3}[figure] / 4
    low = int(at)
    beside = values[min(low + 1, len(values) - 1)]
    return Decimal(math.floor(values[low] + (at - low) * (beside - values[low]) + Decimal("0.5")))


def _code(row: Mapping[str, str], dimensions: Sequence[Mapping[str, Any]]) -> Cell:
    """The codes of a row of labels; of a total, the empty word."""
    found = []
    for one in dimensions:
        label = row[one["name"]]
        shown = {label: code for code, label in one.get("labels", {}).items()}
        found.append(TOTAL if label == one["total"] else shown.get(label, label))
    return tuple(found)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> Decimal | None:
    return None if text.startswith("[") else Decimal(text)
