"""The headline of every measure: as published, as the ledger has it, and what the partnership's plan prints, which stands beside and is not to be reproduced."""

import itertools
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from demo.cast import ROOT
from demo.partnership.cast import Extract, Paper, Stage
from demo.partnership.truth_compared import TOTAL, Cell, Edition, columns_of, periods_of, release_of, set_out, worked_out
from demo.partnership.truth_ledger import Connection, opened

MEASURES = ROOT / "config" / "measures.toml"
Words = Mapping[str, Any]
SetOut = Callable[[Edition], Connection]
"""A reading: it sets the units of an edition out in the table or view ``units``."""


@dataclass(frozen=True)
class Baseline:
    """One measure's headline.

    Attributes:
        period: of which months or quarters; the last one where a release counts states of a day, which do not add up.
        ours: from published files alone; None where what it needs is hidden.
        delivered: from the records as they were delivered; ``truth``: from everything that happened.
        plan: what the plan says: of whom, what, when.
    """

    measure: str
    title: str
    unit: str
    period: str
    ours: Decimal | None
    delivered: Decimal | None
    truth: Decimal | None
    plan: tuple[tuple[str, str, str], ...]


def baselines(stage: Stage, extracts: Sequence[Extract], editions: Sequence[Edition]) -> list[Baseline]:
    """Every measure whose headline rests on these editions, in the order of ``config/measures.toml``.

    Args:
        extracts: what was pushed.
    """
    found: list[Baseline] = []
    for paper in {edition.paper.reference: edition.paper for edition in editions}.values():
        mine = {edition.release: edition for edition in editions if edition.paper.reference == paper.reference}
        known = {one["name"] for one in paper.document["datasets"]}
        sent = [one for one in extracts if one.dataset in known]
        with opened(stage, sent, [paper], delivered=True) as delivered, opened(stage, sent, [paper], delivered=False) as truth:
            found += [
                _baseline(one, headline, mine, (partial(set_out, delivered), partial(set_out, truth)))
                for one, headline in headlines(paper, mine)
            ]
    order = [measure["id"] for measure in _measures()]
    return sorted(found, key=lambda one: order.index(one.measure))


def _measures() -> Sequence[Words]:
    listed: Sequence[Words] = tomllib.loads(MEASURES.read_text(encoding="utf-8"))["measures"]
    return listed


def headlines(paper: Paper, editions: Mapping[str, Edition]) -> list[tuple[Words, Words]]:
    """Measures of an agreement with their headlines, where everything that these need was published."""
    ours = [
        (one, figure)
        for one in _measures()
        if one["agreement"] == paper.reference
        for figure in one.get("figures", ())
        if figure.get("headline")
    ]
    return [(one, figure) for one, figure in ours if all(part["release"] in editions for part in _parts(figure))]


def _parts(figure: Words) -> list[Words]:
    return [figure[name] for name in ("numerator", "denominator", "value") if name in figure]


def _baseline(measure: Words, headline: Words, editions: Mapping[str, Edition], readings: tuple[SetOut, SetOut]) -> Baseline:
    first = editions[_parts(headline)[0]["release"]]
    periods, state = periods_of(first), _is_state(first)
    told = periods[-1] if state or len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
    ours, delivered, truth = (figure(headline, editions, reading) for reading in (None, *readings))
    plan = tuple((one["what"], one["value"], one["period"]) for one in measure.get("plan", ()))
    return Baseline(measure["id"], headline["title"], headline["unit"], told, ours, delivered, truth, plan)


def _is_state(edition: Edition) -> bool:
    """Whether a release counts what stood on a day."""
    base = release_of(edition)["base"]
    return any(one["name"] == base and one["mode"] == "snapshot" for one in edition.paper.document["datasets"])


def figure(headline: Words, editions: Mapping[str, Edition], reading: SetOut | None) -> Decimal | None:
    """A figure of published cells, or of a reading's; None where a cell is hidden, or there is nothing to divide by."""
    first_of = editions[_parts(headline)[0]["release"]]
    period = periods_of(first_of)[-1] if _is_state(first_of) else TOTAL
    values = [_added(part, editions[part["release"]], period, reading) for part in _parts(headline)]
    if None in values:
        return None
    first, *rest = [value for value in values if value is not None]
    if not rest:
        return first
    if not rest[0]:
        return None
    share = first * (100 if headline["kind"] == "share" else 1) / rest[0]
    return share.quantize(Decimal("0.1") if headline["kind"] == "share" else Decimal("0.01"), ROUND_HALF_UP)


def _added(part: Words, edition: Edition, period: str, reading: SetOut | None) -> Decimal | None:
    """The cells that a part of a figure names, added up. Dimensions that it does not name stand at their total, periods at ``period``."""
    release = release_of(edition)
    table = next(one for one in release["tables"] if one["name"] == part["table"])
    column, where = part.get("column", "count"), part.get("where", {})
    codes = [where.get(name, (period if name == release["period_dimension"] else TOTAL,)) for name in table["dimensions"]]
    found: Mapping[Cell, Decimal | None]
    if reading is None:
        found = columns_of(edition, table)[column]
    else:
        found = worked_out(reading(edition), table["dimensions"], column)
    values = [found.get(cell, None if reading is None else Decimal(0)) for cell in itertools.product(*codes)]
    return None if None in values else sum((value for value in values if value is not None), Decimal(0))
