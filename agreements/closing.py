"""When a dated caseload's period closes: until then each night's replaces the last, and afterwards what stands stays.

Only a dataset of mode ``snapshot`` closes. A closed period that nobody has sent may still be sent once, late or as back-fill; and what was
held under an older version or linkage epoch may be sent once more under the newer one, since releases must be able to read it. So a
mistake in a closed period is mended by agreeing a new version, which everyone signs.
"""

from datetime import date, datetime, timedelta

from agreements.decisions import Allowed, Decision, Refused
from agreements.model import Agreement, Dataset, Mode
from agreements.periods import Period, day_in_words
from agreements.rules import today


def closes_after(dataset: Dataset, period: Period) -> date | None:
    """The last day on which a further submission may replace the one before it; None where the dataset's periods do not close."""
    return period.end + timedelta(days=dataset.due_days) if dataset.mode is Mode.SNAPSHOT else None


def may_follow(agreement: Agreement, dataset: Dataset, period: Period, now: datetime) -> Decision:
    """Whether a submission may still replace the one that stands for this period under this version and linkage epoch."""
    clause = agreement.clause(f"dataset {dataset.name}", "mode")
    last = closes_after(dataset, period)
    if last is None or today(now) <= last:
        return Allowed(clause)
    return Refused(
        clause,
        f"{period} closed after {day_in_words(last)}, {dataset.due_days} days after its end: what stands for it stays.",
        "Agree a new version: under it the period may be sent once more.",
    )
