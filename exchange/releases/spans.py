"""Which batches an edition reads: of what it counts those of its own periods, of a cohort's datasets those of the days that are looked at, of others all."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy.orm import Session

from agreements.cohort import Entry, Event
from agreements.model import Agreement
from agreements.periods import Duration, Period, PeriodKind, months
from agreements.release import Release
from exchange.releases.windows import Days, before, needed, reading
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch

Spans = Mapping[str, Sequence[str] | None]
"""Dataset → the names of the periods that are read, in order; None: whatever is held."""

OTHER_DATE = Duration.parse("P24M")
"""Rows that count by another date than the one by which they are submitted may have come with an older period: so far back what is held is read."""


def spans(agreement: Agreement, release: Release, periods: Sequence[Period]) -> Spans:
    """What an edition of these periods reads; of a cohort nothing from before the agreement's data begin. BadRelease where windows are covered in part."""
    if release.cohort is None:
        names = [period.name for period in periods]
        return {name: names if name in release.counted else None for name in release.datasets}
    return {name: _between(agreement, name, *_back(agreement, release, name, days)) for name, days in reading(release, periods).items()}


def needed_spans(agreement: Agreement, release: Release, periods: Sequence[Period]) -> Mapping[str, Sequence[str]]:
    """Dataset → the names of the periods that every supplier must have submitted: a gap there would pass for nothing."""
    if release.cohort is None:
        return {name: [period.name for period in periods] for name in release.counted}
    earliest = Period.parse(agreement.back_fill_from).start
    return {name: _between(agreement, name, max(first, earliest), last) for name, (first, last) in needed(release, periods).items()}


def _back(agreement: Agreement, release: Release, name: str, days: Days) -> Days:
    """The days that are read, further back where entries or events go by another date; nothing from before the agreement's data begin."""
    dataset, cohort = agreement.dataset(name), release.cohort
    parts: list[Entry | Event] = [*cohort.entries, *cohort.events] if cohort else []
    apart = dataset is not None and any(one.dataset == name and one.date != dataset.period_field for one in parts)
    first = min(days[0], before(OTHER_DATE, days[0])) if apart else days[0]
    return max(first, Period.parse(agreement.back_fill_from).start), days[1]


def _between(agreement: Agreement, name: str, first: date, last: date) -> list[str]:
    """The names of a dataset's periods in which any of these days lies."""
    dataset = agreement.dataset(name)
    kind = dataset.period if dataset else PeriodKind.MONTH
    if first > last:
        return []
    if kind is PeriodKind.DAY:
        return [date.fromordinal(number).isoformat() for number in range(first.toordinal(), last.toordinal() + 1)]
    return list(dict.fromkeys(_around(month, kind) for month in months(Period.parse(f"{first:%Y-%m}"), Period.parse(f"{last:%Y-%m}"))))


def _around(month: Period, kind: PeriodKind) -> str:
    """The name of the month, quarter or year that holds a month."""
    year = f"{month.start.year:04d}"
    return {PeriodKind.MONTH: month.name, PeriodKind.QUARTER: f"{year}-Q{(month.start.month + 2) // 3}"}.get(kind, year)


def batches(session: Session, agreement: Agreement, release: Release, periods: Sequence[Period]) -> dict[str, list[Batch]]:
    """Dataset → what stands now of what is read, from those who supply it under this version: who has left it is not read."""
    found = {}
    for name, names in spans(agreement, release, periods).items():
        dataset = agreement.dataset(name)
        suppliers = dataset.suppliers if dataset else ()
        found[name] = [batch for batch in holdings.live(session, agreement.reference, name, names) if batch.supplier in suppliers]
    return found
