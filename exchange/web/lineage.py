"""The line of one period of a supplier's dataset in words: what was held for it, one after the other, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from exchange.submissions import series
from exchange.submissions.tables import SubmissionRow, SubmissionState

_BECAME: Mapping[str, str] = {
    SubmissionState.HELD: "it stands",
    SubmissionState.DISPOSING: "it is being destroyed",
    SubmissionState.DISPOSED: "it was destroyed",
}


@dataclass(frozen=True)
class Link:
    """One submission of the line. ``here``: whether it is the one that the page is about."""

    row: SubmissionRow
    here: bool
    became: str
    other: SubmissionRow | None


def links(session: Session, shown: Select[SubmissionRow], row: SubmissionRow) -> list[Link]:
    """What was held for the period of a submission, and what repeated one of these, in the order in which it was; as far as it is ``shown``."""
    line = series.line(row.reference, row.dataset, row.supplier, row.period)
    taken = or_(SubmissionRow.place.is_not(None), SubmissionRow.repeats.is_not(None))
    found = {one.id: one for one in session.execute(shown.where(line, taken)).scalars()}

    def order(one: SubmissionRow) -> tuple[int, bool, str]:
        first = found.get(one.repeats or "", one)
        return (first.place or 0, one.repeats is not None, one.received_at.isoformat())

    return [_link(one, found, row.id) for one in sorted(found.values(), key=order)]


def _link(one: SubmissionRow, found: Mapping[str, SubmissionRow], here: str) -> Link:
    if one.repeats is not None:
        return Link(one, one.id == here, "nothing of it was kept: it repeats", found.get(one.repeats))
    if one.superseded_by is not None:
        gone = ", and was destroyed" if one.state == SubmissionState.DISPOSED else ""
        return Link(one, one.id == here, f"its place was taken{gone}, by", found.get(one.superseded_by))
    return Link(one, one.id == here, _BECAME.get(one.state, ""), None)
