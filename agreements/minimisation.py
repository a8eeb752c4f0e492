"""Where an agreement asks for more than its releases need (UK GDPR Art 5(1)(c); DPA 2018 s.37). Told from the words alone: no data are read.

A finding is no refusal: people may have reasons that a document does not show, and then the document should say them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from agreements.coarsen import Flag
from agreements.fields import FieldType, KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule
from agreements.linked import keys
from agreements.model import Agreement, Dataset, Field
from agreements.periods import Duration, PeriodKind
from agreements.release import FirstOf, MonthsBetween, Release

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
        by_month: only its month matters.
        named: the values that releases name; None while no use asks for values.
    """

    joined: bool = False
    present: bool = False
    ordered: bool = False
    by_month: bool = False
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
        if release.linked:
            _linked_uses(agreement, release, uses)
        else:
            _release_uses(release, uses)
    return uses


def _linked_uses(agreement: Agreement, release: Release, uses: Uses) -> None:
    """What linking people reads of each dataset: its keys, and the month in which a record lies."""
    linkage = agreement.linkage(release.base)
    for dataset in agreement.datasets:
        if linkage is not None and dataset.name in release.linked:
            for name in keys(linkage, dataset).values():
                uses[dataset.name, name].joined = True
            uses[dataset.name, dataset.period_field].by_month = True


def _release_uses(release: Release, uses: Uses) -> None:
    for name in release.present:
        uses[release.base, name].present = True
    for lookup in release.lookups:
        uses[release.base, lookup.on].joined = uses[lookup.dataset, lookup.on].joined = True
        uses[lookup.dataset, lookup.latest_by].ordered = True
        uses[lookup.dataset, lookup.then_by].name(iter(lookup.order))
    derived = {value.name: value for value in release.derived}
    for dimension in release.dimensions:
        for place in _sources(dimension.source, derived):
            use = uses[place]
            if dimension.name == release.period_dimension or isinstance(derived.get(dimension.source), MonthsBetween):
                use.by_month = True
            else:
                use.name(code for code, _ in dimension.categories)


def _sources(source: str, derived: Mapping[str, FirstOf | MonthsBetween]) -> list[tuple[str, str]]:
    """The fields behind a dimension; none behind the supplier, or behind a derived value that no dimension shows."""
    value = derived.get(source)
    if isinstance(value, FirstOf):
        names = value.first_of
    elif isinstance(value, MonthsBetween):
        names = (value.start, value.end)
    else:
        names = () if source == "supplier" else (source,)
    return [(dataset, name) for dataset, _, name in (one.partition(".") for one in names)]


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
        yield from _unnamed(one, use.named, clause, what)


def _too_exact(dataset: Dataset, one: Field, use: Use, clause: str) -> Iterator[Finding]:
    period = one.name == dataset.period_field
    if use.ordered or use.named is not None or (period and dataset.period is PeriodKind.DAY):
        return
    coarsest = PeriodKind.MONTH if use.by_month or not period else dataset.period
    finest = PeriodKind.DAY if one.type is FieldType.DATE else PeriodKind.MONTH
    if coarsest is not finest and coarsest is not PeriodKind.DAY:
        words = f"{one.name} of {dataset.name} is kept to the {finest}; releases use only its {coarsest}."
        yield Finding(clause, words, f'Make it coarser: {{ generalise = "{coarsest}" }}.')


def _unnamed(one: Field, named: set[str], clause: str, what: str) -> Iterator[Finding]:
    match one.rule:
        case KeepPattern():
            words = f"{what} lets every value of a form through; releases name only {len(named)} values."
            yield Finding(clause, words, "Keep those values and no others.")
        case KeepValues(values=values):
            yield from _more_than(clause, what, set(values) - named, "Leave these values out of the list.")
        case Map():
            remedy = "Map them to a value that a release names."
            yield from _more_than(clause, what, set(one.rule.products) - named, remedy)
        case _:
            return


def _more_than(clause: str, what: str, unnamed: set[str], remedy: str) -> Iterator[Finding]:
    if unnamed:
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
    reach = 0
    for release in agreement.releases:
        for value in release.derived:
            if isinstance(value, MonthsBetween) and dataset.name in {source.partition(".")[0] for source in (value.start, value.end)}:
                reach = max(reach, *(band.up_to for band in value.bands))
    if _longer(dataset.retention, Duration("", reach + SPARE.months, dataset.due_days)):
        window = _months(reach).in_words() if reach else "the period that it counts"
        words = f"{dataset.name} is kept for {dataset.retention.in_words()}; no release looks back further than {window}."
        yield Finding(
            f"dataset {dataset.name}, retention", words, "Keep it for less long, or say under “necessity” why old rows are needed."
        )


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
