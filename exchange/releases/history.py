"""What was published before over the people that an edition counts: of every agreement, ended ones included.

Editions are one history where they may count the same rows (of a source, a supplier and a period), or do so with a third. A new edition is
protected together with its whole history (``series``): with the exact counts of those before it, which are kept sealed (``kept``), or, of the
same release, with what they published alone. Where it cannot be told how an earlier edition bears on the new one, there is no new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agreements.meant import Meaning
from agreements.model import Agreement
from agreements.periods import Period, months
from agreements.release import Method, Release
from exchange.errors import Conflict
from exchange.keyring import Keyring
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.register.versions import is_stopped
from exchange.releases import kept, meanings, perturbing
from exchange.releases.past import Past
from exchange.releases.protected import Shown
from exchange.releases.remaking import remade
from exchange.releases.screen import published_tables
from exchange.releases.tables import OUT, EditionRow, PopulationRow
from exchange.releases.tabulate import Tabulated

Population = tuple[str, str, str]
"""A source (adapter), a supplier, and a period."""
_SAME = "Ask for periods of which nothing has been published, or for the same release again, counted in the same way."


@dataclass(frozen=True)
class Published:
    """An earlier edition as it was published, and what it was made from.

    ``made``: its exact counts, where they are kept and may be used; ``inputs``: supplier → its submissions and digests; ``release``: its
    own definition; ``columns``: its dimensions by the names that they have beside the new edition's.
    """

    edition: str
    reference: str
    operator: str
    periods: tuple[Period, ...]
    shown: Mapping[str, Shown] = field(repr=False)
    made: Tabulated | None = field(repr=False)
    inputs: Mapping[str, frozenset[tuple[str, str]]] = field(repr=False)
    release: Release = field(repr=False)
    columns: Mapping[str, str] = field(default_factory=dict)

    def revised(self, lineage: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """Suppliers of which it read other rows than an edition with this lineage does."""
        now = by_supplier(lineage)
        return frozenset(one for one in {*now, *self.inputs} if now.get(one) != self.inputs.get(one))

    def past(self, lineage: Sequence[Mapping[str, Any]]) -> Past:
        """As it stands beside an edition with this lineage."""
        return Past(self.edition, self.shown, self.made, self.revised(lineage), self.release, self.columns)


def by_supplier(lineage: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[tuple[str, str]]]:
    """Supplier → (submission, digest of its rows) of all that an edition read of its."""
    suppliers = {one["supplier"] for one in lineage}
    return {
        supplier: frozenset((one["submission"], one["rows_digest"]) for one in lineage if one["supplier"] == supplier)
        for supplier in suppliers
    }


def editions_over(session: Session, agreement: Agreement, release: Release, populations: Iterable[Population]) -> list[str]:
    """The ids of every published edition that is one history with these populations of a release, in the order in which they were published.

    Two editions over one population are one history unless they count different rows of its source (``meanings.may_share_rows``), or other things
    altogether (``meanings.kind``), all of them exactly: beside rounded or perturbed counts no others stand.
    """
    found: set[str] = set()
    kind = meanings.kind(agreement, release)
    waiting = [(meanings.dated(agreement, release), set(populations))]
    while waiting:
        mine, wanted = waiting.pop()
        for edition in sorted(_over(session, wanted) - found):
            (alike, theirs, exact), taken = _dated(session, edition), _taken(session, edition)
            apart = alike not in (kind, None) and exact and release.terms.method is Method.SUPPRESS
            if not apart and any(meanings.may_share_rows(mine, theirs, adapter) for adapter, _, _ in taken & wanted):
                found.add(edition)
                waiting.append((theirs, taken))
    ordered = select(PopulationRow.edition).where(PopulationRow.edition.in_(found)).group_by(PopulationRow.edition)
    return list(session.execute(ordered.order_by(func.min(PopulationRow.id))).scalars())


def _over(session: Session, populations: Iterable[Population]) -> set[str]:
    found: set[str] = set()
    for adapter, supplier, period in sorted(populations):
        mine = (PopulationRow.adapter == adapter, PopulationRow.supplier == supplier, PopulationRow.period == period)
        found.update(session.execute(select(PopulationRow.edition).where(*mine)).scalars())
    return found


def _taken(session: Session, edition: str) -> set[Population]:
    query = select(PopulationRow.adapter, PopulationRow.supplier, PopulationRow.period).where(PopulationRow.edition == edition)
    return {(row[0], row[1], row[2]) for row in session.execute(query)}


def _dated(session: Session, edition: str) -> tuple[Meaning, dict[str, meanings.Dated], bool]:
    """What kind of things an edition counts (None: its release is lost), how its rows are dated, and whether its counts are true where they are shown."""
    row = session.get_one(EditionRow, edition)
    under = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
    release = under.release(row.release)
    if release is None:
        return None, {}, False
    return meanings.kind(under, release), meanings.dated(under, release), release.terms.method is Method.SUPPRESS


def read(
    session: Session,
    keyring: Keyring,
    agreement: Agreement,
    release: Release,
    populations: Sequence[Population],
    lineage: Sequence[Mapping[str, Any]] = (),
) -> list[Published]:
    """Every earlier edition of the history of these populations, oldest first. ``lineage``: what the new edition reads, as an edition says it.

    Raises:
        Conflict: one of them counts other things, is not exact, or is not kept as it would need to be. It says what to change.
    """
    found: list[Published] = []
    defined: list[tuple[Agreement, Release]] = []
    for identity in editions_over(session, agreement, release, populations):
        row = session.get_one(EditionRow, identity)
        under = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical)
        before = under.release(row.release)
        if before is None or not _whole(row):
            raise refusal(agreement, release, identity, "its files are lost")
        if because := _otherwise(session, (agreement, release, lineage), (under, before, row.draft["inputs"])):
            raise refusal(agreement, release, identity, because)
        same = meanings.whole(under, before) == meanings.whole(agreement, release) and row.reference == agreement.reference
        if not same and meanings.unit(under, before) != meanings.unit(agreement, release):
            raise refusal(
                agreement, release, identity, "it counts other units: let both count the same base, with the same “present” and suppliers"
            )
        if not same and (name := meanings.made_otherwise(agreement, release, under, before)):
            because = f"its dimension {name} is made otherwise from a field that a dimension here is made from too: give both the same"
            raise refusal(agreement, release, identity, because)
        periods = tuple(months(Period.parse(row.first_period), Period.parse(row.last_period)))
        files = {file.name: file.content for file in row.files}
        shown = {one.table.name: one for one in published_tables(before, periods, files)}
        exact = kept.opened(session, keyring, row) if _usable(session, row, before) else None
        made = remade(before, periods, shown, exact)
        if made is None and (not same or perturbing.perturbs(release)):
            because = "it is perturbed, or it is another release, and its exact counts are not kept any more, are under legal hold, or are stopped with its agreement"
            raise refusal(agreement, release, identity, because)
        inputs = by_supplier(row.draft["inputs"])
        found.append(Published(identity, row.reference, under.operator.id, periods, shown, made, inputs, before))
        defined.append((under, before))
    columns = meanings.columns(agreement, release, defined)
    return [replace(one, columns=mine) for one, mine in zip(found, columns, strict=True)]


def opened(earlier: Sequence[Published]) -> list[tuple[str, str, str]]:
    """Those whose exact counts are used: edition, its operator, its agreement."""
    return [(one.edition, one.operator, one.reference) for one in earlier if one.made is not None]


def refusal(agreement: Agreement, release: Release, earlier: str, because: str, remedy: str = _SAME) -> Conflict:
    """The refusal of an edition that cannot be protected together with what was published before."""
    return Conflict(
        f"counts of the same rows were published in {earlier}; a second edition beside it could reveal what each of them hides, and the two "
        f"cannot be protected together: {because}.",
        remedy=remedy,
        code="population-published",
        clause=agreement.clause(f"release {release.name}", "terms"),
    )


def claimed(row: EditionRow, agreement: Agreement) -> list[Population]:
    """What an edition counts: (adapter, supplier, period) of every batch of its own periods whose rows it was counted from."""
    release = agreement.release(row.release)
    if release is None:
        return []
    return counted(agreement, release, Period.parse(row.first_period), Period.parse(row.last_period), row.draft["inputs"])


def counted(agreement: Agreement, release: Release, first: Period, last: Period, lineage: Sequence[Mapping[str, Any]]) -> list[Population]:
    """The populations of an edition from first to last that read these inputs. A cohort reads other periods as well, for what came before and after:
    its people come in within its own, and those of another window are others.
    """
    adapters = {dataset.name: dataset.adapter for name in release.counted if (dataset := agreement.dataset(name)) is not None}
    mine = [one for one in lineage if one["dataset"] in adapters]
    within = {name for name in {one["period"] for one in mine} if _overlap(Period.parse(name), first, last)}
    return sorted({(adapters[one["dataset"]], one["supplier"], one["period"]) for one in mine if one["period"] in within})


def _overlap(period: Period, first: Period, last: Period) -> bool:
    return period.start <= last.end and first.start <= period.end


def _usable(session: Session, row: EditionRow, before: Release) -> bool:
    """Exact counts are stopped with the rows that they are of. They are used to hide, and nothing of them is shown: no purpose need be asked."""
    current = agreements.current(session, row.reference)
    return current is None or not any(is_stopped(current, name) for name in before.datasets)


_Edition = tuple[Agreement, Release, Sequence[Mapping[str, Any]]]
"""An agreement, a release of it, and what was read for an edition."""


def _otherwise(session: Session, now: _Edition, before: _Edition) -> str:
    """Why two editions cannot stand beside one another for how they are protected; "" if they can.

    Beside rounded counts a second edition cannot be proven safe yet. Noise protects only while it is one and the same for the same people.
    """
    (agreement, release, lineage), (under, earlier, read_before) = now, before
    methods = {release.terms.method, earlier.terms.method}
    if not methods <= set(perturbing.SEVERAL):
        return "of the same people either one edition with rounded counts or several exact ones are safe"
    if perturbing.METHOD not in methods:
        return ""
    if len(methods) > 1:
        return "people whose counts are perturbed are counted in no other way: give both the method cell-key, in one agreement, or neither"
    if agreement.reference != under.reference:
        return "only one agreement may perturb the counts of the same people: let one of the two publish them, under another method, or not at all"
    if release.terms.noise != earlier.terms.noise:
        return "the same people need the same noise: give both the same bound, variance and smallest"
    if perturbing.moved(session, release.base, lineage, read_before, earlier.base):
        return "its rows have come again under another linkage epoch, and the same people would get other noise"
    return ""


def _whole(row: EditionRow) -> bool:
    return row.state in OUT and {file.name for file in row.files} == set(row.draft["files"])
