"""Where an agreement asks for more than its releases need (UK GDPR Art 5(1)(c); DPA 2018 s.37). Told from the words alone: no data are read.

A finding is no refusal: people may have reasons that a document does not show, and then the document should say them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from agreements.coarsen import Flag
from agreements.cohort import ATTRIBUTES, Attribute, Cohort, Entry, Event
from agreements.consistency_cohorts import MONTHS, reach_back
from agreements.fields import FieldType, KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule
from agreements.linked import keys
from agreements.model import Agreement, Dataset, Field
from agreements.periods import Duration, PeriodKind
from agreements.release import Release
from agreements.sources import SUPPLIER, linked_for, named
from agreements.worked_out import Cases, FirstOf, MonthsBetween, Number, Where

SPARE = Duration.parse("P24M")
"""How much longer than any release looks back a dataset may be kept before it is worth a word."""


@dataclass(frozen=True)
class Finding:
    """What is more than needed, the clause it stands in, and what would be less."""

    clause: str
    words: str
    remedy: str


@dataclass
class Use:
    """How the releases use one field.

    Attributes:
        joined: rows are matched on it. present: only whether it is there matters. ordered: its order matters, to the day.
        by_month: only its month matters. asked: rows that hold some values are told apart from all others, so that one more may be left unnamed.
        named: the values that releases name; None while no use asks for values.
    """

    joined: bool = False
    present: bool = False
    ordered: bool = False
    by_month: bool = False
    asked: bool = False
    named: set[str] | None = None

    def name(self, values: Iterator[str]) -> None:
        """Values that a release tells apart."""
        self.named = (self.named or set()) | set(values)

    @property
    def any(self) -> bool:
        """Whether any release uses it."""
        return self.joined or self.present or self.ordered or self.by_month or self.named is not None


Uses = Mapping[tuple[str, str], Use]


def findings(agreement: Agreement) -> tuple[Finding, ...]:
    """Every finding, in the order of the agreement."""
    uses = _uses(agreement)
    read = {name for release in agreement.releases for name in release.datasets}
    found: list[Finding] = []
    for dataset in agreement.datasets:
        if dataset.name not in read:
            words, remedy = f"No release reads the dataset {dataset.name}.", "Leave it out, or define the release that needs it."
            found.append(Finding(f"dataset {dataset.name}", words, remedy))
            continue
        found += [line for one in dataset.fields for line in _field(dataset, one, uses[dataset.name, one.name])]
        found += _kept_long(agreement, dataset)
    found += [line for release in agreement.releases for line in _windows(agreement, release)]
    return (*found, *_recipients(agreement))


def _uses(agreement: Agreement) -> Uses:
    uses = {(dataset.name, one.name): Use() for dataset in agreement.datasets for one in dataset.fields}
    for release in agreement.releases:
        if release.known_people:
            _linked_uses(agreement, release, uses)
        else:
            _release_uses(agreement, release, uses)
    return uses


def _linked_uses(agreement: Agreement, release: Release, uses: Uses) -> None:
    """What linking people reads of each dataset: its keys, and the month in which a record lies."""
    _keys_used(agreement, release.base, release.linked, uses)
    for dataset in agreement.datasets:
        if dataset.name in release.linked:
            uses[dataset.name, dataset.period_field].by_month = True


def _keys_used(agreement: Agreement, linkage: str, datasets: tuple[str, ...], uses: Uses) -> None:
    found = agreement.linkage(linkage)
    for dataset in agreement.datasets:
        if found is not None and dataset.name in datasets:
            for name in keys(found, dataset).values():
                uses[dataset.name, name].joined = True


def _release_uses(agreement: Agreement, release: Release, uses: Uses) -> None:
    for name in release.present:
        uses[release.base, name].present = True
    _asked(release.base, release.where, uses)
    for lookup in release.lookups:
        for name in (lookup.on, *(one for one in lookup.also_on if agreement.linkage(one) is None)):
            uses[lookup.of or release.base, name].joined = uses[lookup.dataset, name].joined = True
        uses[lookup.dataset, lookup.latest_by].ordered = True
        if lookup.then_by:
            uses[lookup.dataset, lookup.then_by].name(iter(lookup.order))
        _asked(lookup.dataset, lookup.where, uses)
    for linkage in agreement.linkages:
        _keys_used(agreement, linkage.name, linked_for(release, linkage.name), uses)
    if release.cohort is not None:
        _cohort_uses(release.cohort, uses)
    for value in release.values:
        for source in value.sources if value.number is not Number.EVENTS else ():
            if source in value.beside:
                uses[_place(source)].present = True
            else:
                uses[_place(source)].ordered = True
    for dimension in release.dimensions:
        _told_apart(release, dimension.source, tuple(code for code, _ in dimension.categories), uses)


def _asked(dataset: str, where: Where, uses: Uses) -> None:
    for name, codes in where:
        uses[dataset, name].name(iter(codes))
        uses[dataset, name].asked = True


def _cohort_uses(cohort: Cohort, uses: Uses) -> None:
    parts: tuple[Entry | Event | Attribute, ...] = (*cohort.entries, *cohort.events, *cohort.attributes)
    for one in parts:
        _asked(one.dataset, one.where, uses)
        uses[one.dataset, one.date].ordered = True
        for name in (one.proven,) if isinstance(one, Event) else (one.since, one.until) if isinstance(one, Attribute) else ():
            if name:
                uses[one.dataset, name].ordered = True
    for event in cohort.events:
        for name in event.differs:
            uses[event.dataset, name].joined = True


def _told_apart(release: Release, source: str, codes: tuple[str, ...], uses: Uses) -> None:
    """Marks the fields behind a source of which these codes are told apart; without codes, only its month is."""
    derived = next((one for one in release.derived if one.name == source), None)
    kind, _, name = source.partition(".")
    match derived:
        case FirstOf() | MonthsBetween():
            for one in named(derived):
                _told_apart(release, one, codes if isinstance(derived, FirstOf) else (), uses)
        case Cases(cases=cases):
            for asked, wanted in (when for case in cases for when in case.when):
                _told_apart(release, asked, wanted, uses)
                if _place(asked) in uses:
                    uses[_place(asked)].asked = True
        case None if release.cohort is not None:
            for attribute in release.cohort.attributes:
                if (kind, name) == (ATTRIBUTES, attribute.name) and attribute.field:
                    uses[attribute.dataset, attribute.field].name(iter(codes))
                    uses[attribute.dataset, attribute.field].asked = True
        case None if source != SUPPLIER and codes:
            uses[kind, name].name(iter(codes))
        case None if source != SUPPLIER:
            uses[kind, name].by_month = True


def _place(source: str) -> tuple[str, str]:
    dataset, _, name = source.partition(".")
    return dataset, name


def _field(dataset: Dataset, one: Field, use: Use) -> Iterator[Finding]:
    clause, what = f"dataset {dataset.name}, field {one.name}", f"{one.name} of {dataset.name}"
    period = one.name == dataset.period_field
    if isinstance(one.rule, PseudonymiseRule) and not (use.joined or use.present):
        yield Finding(clause, f"The pseudonym {what} is never joined on, nor counted by.", "Leave the field out.")
    elif not use.any and not period:
        yield Finding(clause, f"No release uses {what}.", "Leave the field out, or define what is to be made of it.")
    elif use.present and not (period or use.joined or use.ordered or use.by_month or use.named is not None):
        if not isinstance(one.rule, Flag | PseudonymiseRule):
            yield Finding(clause, f"Of {what}, releases use only whether it is there.", "A yes or no (flag) would do.")
    elif isinstance(one.rule, KeepRange) and one.type is not FieldType.INTEGER:
        yield from _too_exact(dataset, one, use, clause)
    elif use.named is not None and not use.ordered:
        yield from _unnamed(one, use.named, clause, what, spare=int(use.asked))


def _too_exact(dataset: Dataset, one: Field, use: Use, clause: str) -> Iterator[Finding]:
    period = one.name == dataset.period_field
    if use.ordered or use.named is not None or (period and dataset.period is PeriodKind.DAY):
        return
    coarsest = PeriodKind.MONTH if use.by_month or not period else dataset.period
    finest = PeriodKind.DAY if one.type is FieldType.DATE else PeriodKind.MONTH
    if coarsest is not finest and coarsest is not PeriodKind.DAY:
        words = f"{one.name} of {dataset.name} is kept to the {finest}; releases use only its {coarsest}."
        yield Finding(clause, words, f'Make it coarser: {{ generalise = "{coarsest}" }}.')


def _unnamed(one: Field, named: set[str], clause: str, what: str, *, spare: int) -> Iterator[Finding]:
    match one.rule:
        case KeepPattern():
            words = f"{what} lets every value of a form through; releases name only {len(named)} values."
            yield Finding(clause, words, "Keep those values and no others.")
        case KeepValues(values=values):
            yield from _more_than(clause, what, set(values) - named, "Leave these values out of the list.", spare)
        case Map():
            remedy = "Map them to a value that a release names."
            yield from _more_than(clause, what, set(one.rule.products) - named, remedy, spare)
        case _:
            return


def _more_than(clause: str, what: str, unnamed: set[str], remedy: str, spare: int) -> Iterator[Finding]:
    if len(unnamed) > spare:
        shown = ", ".join(f"“{value}”" for value in sorted(unnamed)[:6]) + (" …" if len(unnamed) > 6 else "")
        yield Finding(clause, f"{what} may hold {shown}, which no release names.", remedy)


def _windows(agreement: Agreement, release: Release) -> Iterator[Finding]:
    for value in release.derived:
        if not isinstance(value, MonthsBetween):
            continue
        reach = _months(max(band.up_to for band in value.bands))
        for name in dict.fromkeys(source.partition(".")[0] for source in (value.start, value.end)):
            dataset = agreement.dataset(name)
            if dataset is not None and _longer(reach, dataset.retention):
                words = f"{value.name} of {release.name} reaches over {reach.in_words()}, but {name} is kept for {dataset.retention.in_words()}."
                yield Finding(f"release {release.name}, definition", words, "Shorten the bands, or say why the rows must be kept longer.")


def _kept_long(agreement: Agreement, dataset: Dataset) -> Iterator[Finding]:
    reach = max((_looks_back(release, dataset) for release in agreement.releases), default=0)
    if _longer(dataset.retention, Duration("", reach + SPARE.months, dataset.due_days)):
        window = _months(reach).in_words() if reach else "the period that it counts"
        words = f"{dataset.name} is kept for {dataset.retention.in_words()}; no release looks back further than {window}."
        yield Finding(
            f"dataset {dataset.name}, retention", words, "Keep it for less long, or say under “necessity” why old rows are needed."
        )


def _looks_back(release: Release, dataset: Dataset) -> int:
    """Over how many months a release looks at rows of a dataset after their period has ended, days rounded up."""
    if dataset.name not in release.datasets:
        return 0
    found = [release.provisional, release.wait]
    months = max((_whole(one) for one in found if one), default=0)
    if release.cohort is not None:
        back = reach_back(release.cohort, dataset)
        return months + MONTHS[release.cohort.window] + (_whole(back) if back else 0)
    banded = [
        one for one in release.derived if isinstance(one, MonthsBetween) and dataset.name in {_place(one.start)[0], _place(one.end)[0]}
    ]
    return max(months, *(band.up_to for one in banded for band in one.bands), 0)


def _whole(one: Duration) -> int:
    return one.months + -(-one.days // 31)


def _months(count: int) -> Duration:
    return Duration(f"P{count}M", count, 0)


_DAY = date(2001, 1, 1)


def _longer(one: Duration, other: Duration) -> bool:
    return one.after(_DAY) > other.after(_DAY)


def _recipients(agreement: Agreement) -> Iterator[Finding]:
    served = {name for release in agreement.releases for name in release.recipients}
    for recipient in agreement.recipients:
        if recipient.id not in served:
            words = f"{recipient.name} is named as a recipient and receives nothing."
            yield Finding(f"recipients, {recipient.id}", words, "Leave it out, or name it in a release.")
