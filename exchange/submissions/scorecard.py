"""A supplier's own scorecard: how complete, conforming and punctual its submissions are, and how that moves from period to period.

Made of the quality reports of its own submissions (``quality``) and of nothing else: no figure here depends on what anybody else has sent, and
nobody else is shown it. Counts only; codes are those of lists written in the agreement.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from agreements.fields import Map
from agreements.model import Dataset
from agreements.rules import today
from exchange.submissions.attendance import Overdue, late, series
from exchange.submissions.tables import SubmissionRow, SubmissionState

PERIODS = 12
ENOUGH = 3
"""How many earlier periods a trend is seen against, at least."""
POINT = 0.01
"""What a share must have moved by, and days by one, to be better or worse."""


@dataclass(frozen=True)
class PeriodCard:
    """One period: what stands for it, and how it came.

    Attributes:
        submission: the one that is held, the newest where several are; empty where none is.
        present: field → rows in which it is not empty.
        otherwise: field → rows whose code is none of the agreed ones, and became what the agreement says for those.
        refused: how many submissions were refused before, or instead; ``rules``: field and rule that rows of theirs broke, with counts.
        doubts: what the hub found doubtful, and accepted.
        late_by_days: days after its day on which it came; None where nothing has come.
    """

    period: str
    submission: str
    received: str
    rows: int
    present: Mapping[str, int]
    otherwise: Mapping[str, int]
    refused: int
    rules: Sequence[Mapping[str, Any]]
    doubts: Sequence[str]
    late_by_days: int | None
    back_fill: bool
    score: int | None

    @property
    def completeness(self) -> float | None:
        """The share of all fields of all rows that is not empty."""
        return _share(sum(self.present.values()), self.rows * len(self.present))

    @property
    def conformance(self) -> float | None:
        """The share of coded values that are agreed codes; of a dataset without codes, and without rows, nothing is said."""
        found = _share(sum(self.otherwise.values()), self.rows * len(self.otherwise))
        return None if found is None else 1 - found

    def as_json(self) -> dict[str, Any]:
        """As the API has it."""
        return {**asdict(self), "completeness": _rounded(self.completeness), "conformance": _rounded(self.conformance)}


@dataclass(frozen=True)
class Card:
    """One dataset under one agreement: its last periods, the newest first; what is late; and where the newest stands against those before."""

    reference: str
    dataset: str
    title: str
    periods: Sequence[PeriodCard]
    overdue: Sequence[Overdue]

    @property
    def trend(self) -> dict[str, str]:
        """``completeness``, ``conformance`` and ``timeliness``: ``better``, ``worse`` or ``same`` than the middle of the earlier, or ``too few``."""
        held = [one for one in self.periods if one.submission]
        days = [None if one.late_by_days is None or one.back_fill else -float(one.late_by_days) for one in held]
        return {
            "completeness": moved([one.completeness for one in held], POINT),
            "conformance": moved([one.conformance for one in held], POINT),
            "timeliness": moved(days, 1.0),
        }

    def as_json(self) -> dict[str, Any]:
        """As the API has it."""
        late = [{"period": one.period, "due": one.due.isoformat(), "days": one.days} for one in self.overdue]
        head = {"reference": self.reference, "dataset": self.dataset, "title": self.title}
        return {**head, "trend": self.trend, "overdue": late, "periods": [one.as_json() for one in self.periods]}


def moved(newest_first: Sequence[float | None], step: float) -> str:
    """Where the newest stands against the middle of those before it; more is better."""
    known = [one for one in newest_first if one is not None]
    if len(known) <= ENOUGH or newest_first[0] is None:
        return "too few"
    apart = known[0] - median(known[1:])
    return "better" if apart >= step else "worse" if apart <= -step else "same"


def cards(session: Session, supplier: str, now: datetime, reference: str | None = None) -> list[Card]:
    """A supplier's cards, of what it owes now."""
    owed = [one for one in series(session, now, supplier) if reference in (None, one.reference)]
    return [
        Card(
            one.reference,
            one.dataset.name,
            one.dataset.title,
            _periods(session, one.reference, one.dataset, supplier),
            late(session, [one], today(now)),
        )
        for one in owed
    ]


def _periods(session: Session, reference: str, dataset: Dataset, supplier: str) -> list[PeriodCard]:
    query = (
        select(SubmissionRow)
        .where(SubmissionRow.reference == reference, SubmissionRow.dataset == dataset.name, SubmissionRow.supplier == supplier)
        .where(SubmissionRow.state.in_((SubmissionState.HELD, SubmissionState.REFUSED)))
        .options(defer(SubmissionRow.manifest))
        .order_by(SubmissionRow.period.desc(), SubmissionRow.received_at.desc())
        .limit(20 * PERIODS)
    )
    found: dict[str, list[SubmissionRow]] = {}
    for row in session.execute(query).scalars():
        found.setdefault(row.period, []).append(row)
    return [period_card(dataset, rows) for rows in list(found.values())[:PERIODS]]


def period_card(dataset: Dataset, rows: Sequence[SubmissionRow]) -> PeriodCard:
    """The card of one period, from its held and refused submissions. Of several that are held (``append``), all rows count."""
    held = sorted((row for row in rows if row.state == SubmissionState.HELD), key=lambda row: row.place or 0)
    refused = [row for row in rows if row.state == SubmissionState.REFUSED]
    reports = [row.report or {} for row in held]
    total = sum(int(one.get("rows", 0)) for one in reports)
    names = [field.name for field in dataset.fields]
    newest, last = (held[-1], reports[-1]) if held else (None, {})
    return PeriodCard(
        period=rows[0].period,
        submission=newest.id if newest else "",
        received=newest.received_at.date().isoformat() if newest else "",
        rows=total,
        present={name: total - sum(int(one.get("empty", {}).get(name, 0)) for one in reports) for name in names},
        otherwise=_otherwise(dataset, reports),
        refused=len(refused),
        rules=_rules(refused),
        doubts=list(last.get("doubts", [])),
        late_by_days=min(int(one.get("late_by_days", 0)) for one in reports) if reports else None,
        back_fill=bool(last.get("back_fill", False)),
        score=int(last["score"]) if "score" in last else None,
    )


def _otherwise(dataset: Dataset, reports: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Of the fields that have a value for every other code: the rows that have it."""
    told = {
        field.name: field.rule.otherwise for field in dataset.fields if isinstance(field.rule, Map) and field.rule.otherwise is not None
    }
    return {name: sum(int(one.get("codes", {}).get(name, {}).get(value, 0)) for one in reports) for name, value in told.items()}


def _rules(refused: Sequence[SubmissionRow]) -> list[dict[str, Any]]:
    """Which rules rows broke, over the refused submissions of a period: field, rule and count."""
    counted: dict[tuple[str, str], int] = {}
    for row in refused:
        for error in (row.report or {}).get("errors", []):
            name = str(error.get("field", "")), str(error.get("rule", ""))
            counted[name] = counted.get(name, 0) + int(error.get("count", 0))
    return [{"field": field, "rule": rule, "count": count} for (field, rule), count in sorted(counted.items())]


def _share(part: int, of: int) -> float | None:
    """From 0 to 1; None of nothing."""
    return part / of if of else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
