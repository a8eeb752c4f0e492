"""The quality report of a submission: counts and rules, for its supplier alone.

What is merely doubtful is accepted and scored: lateness, codes never seen before or gone, rows that moved between codes, a jump in volume.
All of it is measured against the same supplier's own earlier periods. Codes are those of lists written in the agreement, and with
the counts of each they are the supplier's own; nobody else is shown a report, and it is destroyed with the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.listed import listed_fields
from agreements.model import Agreement, Dataset, Mode
from agreements.periods import Period
from agreements.rules import today
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.formats import Reason

PERIODS = 60
"""How many earlier periods are looked at for codes."""
RECENT = 12
"""How many of them for volume; the last alone for the shares of codes."""
ENOUGH = 3
"""From how many earlier periods on volume is judged, and a code's absence."""
FEW = 50
"""With fewer rows, shares and volumes move by chance."""
MOVED = 0.2
EACH = 20

Counts = Mapping[str, Mapping[str, int]]
"""Field → agreed value → number of rows."""


@dataclass(frozen=True)
class Earlier:
    """What one earlier period of the same supplier's dataset holds: rows, and how often each code occurs."""

    rows: int
    codes: Counts


def earlier(session: Session, row: SubmissionRow) -> list[Earlier]:
    """What is held of the supplier's periods before this one, the newest first."""
    query = select(SubmissionRow.period, SubmissionRow.rows, SubmissionRow.report).where(
        SubmissionRow.reference == row.reference,
        SubmissionRow.dataset == row.dataset,
        SubmissionRow.supplier == row.supplier,
        SubmissionRow.state == SubmissionState.HELD,
        SubmissionRow.period < row.period,
    )
    found: dict[str, Earlier] = {}
    for period, rows, report in session.execute(query.order_by(SubmissionRow.period.desc()).limit(4 * PERIODS)):
        codes = (report or {}).get("codes", {})
        before = found.get(period, Earlier(0, {}))
        found[period] = Earlier(before.rows + rows, _sum(before.codes, codes))
    return list(found.values())[:PERIODS]


def _sum(one: Counts, other: Counts) -> Counts:
    return {name: _plus(one.get(name, {}), other.get(name, {})) for name in {**one, **other}}


def _plus(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    return {code: one.get(code, 0) + other.get(code, 0) for code in {**one, **other}}


def refused(
    row: SubmissionRow, agreement: Agreement, dataset: Dataset, result: Mapping[str, Any], reasons: Sequence[Reason]
) -> dict[str, Any]:
    """The report on a submission that is refused: which rules its rows break, by their numbers."""
    return {**_plain(row, agreement, dataset, result), "reasons": [one.document() for one in reasons]}


def held(
    row: SubmissionRow, agreement: Agreement, dataset: Dataset, result: Mapping[str, Any], before: Sequence[Earlier], beside: int
) -> dict[str, Any]:
    """The report on a submission that is held, with what is doubtful about it.

    Args:
        result: what came of opening it; ``codes`` in it are counts in the order of the agreed values.
        beside: rows that stand for the period already, and to which it is added.
    """
    found, codes = _plain(row, agreement, dataset, result), counts(dataset, result)
    moved, jumped = drift(codes, before), volume(row.rows + beside, before, only_more=dataset.mode is Mode.APPEND)
    doubts = [*_doubts_of(moved), *(["volume"] if jumped["jump"] else []), *(["late"] if found["late_by_days"] else [])]
    return {
        **found,
        "reasons": [],
        "codes": {name: {code: count for code, count in mine.items() if count} for name, mine in codes.items()},
        "drift": moved,
        "volume": jumped,
        "doubts": doubts,
        "score": max(0, 100 - EACH * len(doubts)),
    }


def _plain(row: SubmissionRow, agreement: Agreement, dataset: Dataset, result: Mapping[str, Any]) -> dict[str, Any]:
    """Rows, what is empty, lateness and errors. A period that was due before the agreement was in force is not late but back-fill."""
    due = Period.parse(row.period).end + timedelta(days=dataset.due_days)
    back_fill = due < agreement.in_force_from
    return {
        "rows": row.rows,
        "empty": {name: count for name, count in result.get("totals", {}).items() if count},
        "late_by_days": 0 if back_fill else max(0, (today(row.received_at) - due).days),
        "back_fill": back_fill,
        "errors": list(result.get("errors", [])),
    }


def counts(dataset: Dataset, result: Mapping[str, Any]) -> Counts:
    """Field → agreed value → rows, from what the opener counted; a field that it counted in another way than agreed is left out."""
    told = result.get("codes", {})
    return {
        name: dict(zip(values, told[name], strict=True))
        for name, values in listed_fields(dataset).items()
        if isinstance(told.get(name), list) and len(told[name]) == len(values) and all(type(one) is int for one in told[name])
    }


def drift(now: Counts, before: Sequence[Earlier]) -> dict[str, dict[str, Any]]:
    """Field → codes in none of the earlier periods, and the rows that have them; codes in all of the last few, and now gone; rows that moved.

    ``moved`` is the fewest rows that would have to carry another code for the shares to be those of the last earlier period.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, mine in now.items():
        seen = [one.codes[name] for one in before if sum(one.codes.get(name, {}).values())]
        rows = sum(mine.values())
        if not seen or not rows:
            continue
        new = [code for code, count in mine.items() if count and not any(one.get(code) for one in seen)]
        always = [code for code in mine if all(one.get(code) for one in seen[:ENOUGH])] if len(seen) >= ENOUGH else []
        gone = [code for code in always if not mine[code]]
        found[name] = {"new": new, "new_rows": sum(mine[code] for code in new), "gone": gone, "moved": _moved(mine, seen[0]), "rows": rows}
    return found


def _moved(now: Mapping[str, int], last: Mapping[str, int]) -> int:
    """In whole numbers: half the sum of |now × last's rows − last × now's rows|, over last's rows, rounded up."""
    rows, were = sum(now.values()), sum(last.values())
    apart = sum(abs(now.get(code, 0) * were - last.get(code, 0) * rows) for code in {**now, **last})
    return -(-apart // (2 * were))


def volume(rows: int, before: Sequence[Earlier], *, only_more: bool = False) -> dict[str, Any]:
    """Rows beside the least and the most of the last twelve earlier periods; a jump is more than twice the most, or less than half the least."""
    recent = [one.rows for one in before[:RECENT]]
    if len(recent) < ENOUGH:
        return {"rows": rows, "periods": len(recent), "least": None, "most": None, "jump": False}
    least, most = min(recent), max(recent)
    more = rows > 2 * most and rows - most >= FEW
    less = 2 * rows < least and least - rows >= FEW and not only_more
    return {"rows": rows, "periods": len(recent), "least": least, "most": most, "jump": more or less}


def _doubts_of(moved: Mapping[str, Mapping[str, Any]]) -> list[str]:
    every = moved.values()
    return [
        *(["new codes"] if any(one["new"] for one in every) else []),
        *(["codes gone"] if any(one["gone"] for one in every) else []),
        *(["rows moved"] if any(one["rows"] >= FEW and one["moved"] > MOVED * one["rows"] for one in every) else []),
    ]
