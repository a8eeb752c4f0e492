"""What was published before over the people that an edition counts: of every agreement, ended ones included.

Editions are one history where they share a population (a source, a supplier, a period), or share one with a third. A new edition is protected
together with its whole history (``series``). Where it cannot be told how an earlier edition bears on the new one, there is no new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.periods import Period, months
from agreements.release import Method, Release
from exchange.errors import Conflict, Unacceptable
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases.definition import fields_needed
from exchange.releases.earlier import reaching
from exchange.releases.protected import Shown
from exchange.releases.screen import published_tables
from exchange.releases.tables import EditionRow, EditionState, PopulationRow
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch

Population = tuple[str, str, str]
"""A source (adapter), a supplier, and a period."""


@dataclass(frozen=True)
class Published:
    """An earlier edition as it was published, and what it was made from.

    ``batches``: by dataset, where every one of them stands still as it was; else None. ``inputs``: supplier → its submissions and digests.
    """

    edition: str
    periods: tuple[Period, ...]
    shown: Mapping[str, Shown] = field(repr=False)
    batches: Mapping[str, Sequence[Batch]] | None = field(repr=False)
    inputs: Mapping[str, frozenset[tuple[str, str]]] = field(repr=False)

    def revised(self, lineage: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """Suppliers of which it read other rows than an edition with this lineage does."""
        now = by_supplier(lineage)
        return frozenset(one for one in {*now, *self.inputs} if now.get(one) != self.inputs.get(one))


def by_supplier(lineage: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[tuple[str, str]]]:
    """Supplier → (submission, digest of its rows) of all that an edition read of its."""
    suppliers = {one["supplier"] for one in lineage}
    return {
        supplier: frozenset((one["submission"], one["rows_digest"]) for one in lineage if one["supplier"] == supplier)
        for supplier in suppliers
    }


def editions_over(session: Session, populations: Iterable[Population]) -> list[str]:
    """The ids of every published edition that is one history with these populations, in the order in which they were published."""
    wanted, found = set(populations), set[str]()
    waiting = list(wanted)
    while waiting:
        adapter, supplier, period = waiting.pop()
        mine = (PopulationRow.adapter == adapter, PopulationRow.supplier == supplier, PopulationRow.period == period)
        for edition in session.execute(select(PopulationRow.edition).where(*mine)).scalars().all():
            if edition not in found:
                found.add(edition)
                theirs = select(PopulationRow.adapter, PopulationRow.supplier, PopulationRow.period).where(PopulationRow.edition == edition)
                fresh = {(row[0], row[1], row[2]) for row in session.execute(theirs)} - wanted
                wanted |= fresh
                waiting += sorted(fresh)
    taken = select(PopulationRow.edition).where(PopulationRow.edition.in_(found)).group_by(PopulationRow.edition)
    return list(session.execute(taken.order_by(func.min(PopulationRow.id))).scalars())


def read(session: Session, agreement: Agreement, release: Release, populations: Sequence[Population]) -> list[Published]:
    """Every earlier edition of the history of these populations, oldest first.

    Raises:
        Conflict: one of them is of another release, or of a version that counted otherwise, or its files are lost.
    """
    found = []
    for identity in editions_over(session, populations):
        row = session.get_one(EditionRow, identity)
        under = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
        before = under.release(row.release)
        alike = before is not None and (row.reference, row.release) == (agreement.reference, release.name) and _exact(before, release)
        if not alike or before is None or _meaning(under, before) != _meaning(agreement, release) or not _whole(row):
            raise refusal(agreement, release, identity)
        periods = tuple(months(Period.parse(row.first_period), Period.parse(row.last_period)))
        files = {file.name: file.content for file in row.files}
        shown = {one.table.name: one for one in published_tables(before, periods, files)}
        inputs = row.draft["inputs"]
        found.append(Published(identity, periods, shown, _standing(session, agreement, release, inputs), by_supplier(inputs)))
    return found


def refusal(agreement: Agreement, release: Release, earlier: str, why: str = "") -> Conflict:
    """The refusal of an edition that cannot be protected together with what was published before."""
    because = why or "it is another release, was counted or protected otherwise, or its files are lost"
    return Conflict(
        f"counts of the same rows were published in {earlier}; a second edition beside it could reveal what each of them hides, and the two "
        f"cannot be protected together: {because}.",
        remedy="Ask for periods of which nothing has been published, or for the same release again, counted in the same way.",
        code="population-published",
        clause=agreement.clause(f"release {release.name}", "terms"),
    )


def claimed(row: EditionRow, agreement: Agreement) -> list[Population]:
    """What an edition counts: (adapter, supplier, period) of every base batch it was made from."""
    release = agreement.release(row.release)
    base = agreement.dataset(release.base) if release else None
    inputs = row.draft["inputs"] if base else []
    return sorted({(base.adapter, one["supplier"], one["period"]) for one in inputs if base and one["dataset"] == base.name})


def _exact(*releases: Release) -> bool:
    """Whether counts are published as they are. Beside rounded ones a second edition cannot be proven safe yet."""
    return all(one.terms.method is Method.SUPPRESS for one in releases)


def _whole(row: EditionRow) -> bool:
    return row.state == EditionState.PUBLISHED and {file.name for file in row.files} == set(row.draft["files"])


def _meaning(agreement: Agreement, release: Release) -> Any:
    """What a release counts, titles, labels and terms left out: where that is equal, cells of the same codes are of the same things."""
    datasets = [agreement.dataset(name) for name in release.datasets]
    fields = [
        (dataset.adapter, dataset.suppliers, dataset.period_field, field.name, field.source, field.rule)
        for dataset in datasets
        if dataset is not None
        for field in dataset.fields
        if field.name in fields_needed(release, agreement, dataset.name)
    ]
    dimensions = [(one.name, one.source, tuple(code for code, _ in one.categories)) for one in release.dimensions]
    tables = [(one.name, one.dimensions) for one in release.tables]
    definition = (release.base, release.present, release.period_dimension, release.lookups, release.derived)
    return fields, dimensions, tables, definition


def _standing(
    session: Session, agreement: Agreement, release: Release, inputs: Sequence[Mapping[str, Any]]
) -> dict[str, list[Batch]] | None:
    """The batches that an edition was made from, if each stands now, unchanged, under no legal hold, and this version may read it."""
    found: dict[str, list[Batch]] = {}
    for name in release.datasets:
        read_of = {(one["submission"], one["rows_digest"]) for one in inputs if one["dataset"] == name}
        found[name] = [
            batch for batch in holdings.live(session, agreement.reference, name) if (batch.submission, batch.rows_digest) in read_of
        ]
        if len(found[name]) < len(read_of):
            return None
    try:
        return None if isinstance(reaching(session, agreement, release, found), Refused) else found
    except Unacceptable:
        return None
