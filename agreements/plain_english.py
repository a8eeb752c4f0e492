"""The agreement in plain English, made from the same values the software enforces; every statement stands beside its clause."""

from collections.abc import Iterator
from dataclasses import dataclass

from agreements.definitions_in_words import (
    cohort_in_words,
    derived_in_words,
    joined_in_words,
    lookup_in_words,
    names_in_words,
    table_in_words,
    times_in_words,
    value_in_words,
    where_in_words,
)
from agreements.fields import PseudonymiseRule
from agreements.items import ITEMS
from agreements.linkage import Linkage
from agreements.linked import taking_part
from agreements.model import AfterEnd, Agreement, Category, Dataset, Field, Mode, Party, Regime
from agreements.periods import day_in_words
from agreements.perturbation import spread
from agreements.release import Level, Method, Release, Terms, Zeros

_LEVELS = {
    Level.A: "no hidden count can be worked out exactly",
    Level.B: "every hidden count could be any of at least {threshold} whole numbers",
    Level.C: "every hidden count could be any of at least {threshold} whole numbers, even to somebody who knows that it is not nought",
}
_METHODS = {
    Method.ROUNDING: "Every count is rounded to the nearest {base}, totals too, each by itself, so that they may not add up",
    Method.TEN_FIVE: "Counts under 10 and noughts are never shown; every other count is rounded to the nearest 5, each by itself",
    Method.CELL_KEY: (
        "Noise is added to every count but nought, the same wherever the same people are counted: at most {bound} more or fewer, with a variance "
        "of {variance} (mostly within {spread}), nothing on average. Noughts are shown as they are, and no other count under {smallest} is "
        "shown. Totals have noise of their own, so that they need not add up"
    ),
}
_MODES = {
    Mode.REPLACE: "A further submission for the same period replaces the one before it.",
    Mode.APPEND: "A further submission for the same period is added to those before it.",
    Mode.SNAPSHOT: (
        "Each submission is the state of a day; the last of a period stands for it. The period closes {due} days after its end: then "
        "nothing replaces what stands, but under a newer version or linkage secret."
    ),
}
_REGIMES = {Regime.PART_3: "Part 3 of the Data Protection Act 2018 (law enforcement)", Regime.UK_GDPR: "the UK GDPR"}
_CATEGORIES = {Category.ORDINARY: "", Category.SPECIAL: " Special category data.", Category.OFFENCE: " Criminal-offence data."}
_AFTER_END = {
    AfterEnd.DESTROY: "When the agreement ends, all data held under it are destroyed at once.",
    AfterEnd.KEEP: "When the agreement ends, data held under it are used no more, and are destroyed on the day already fixed.",
}

_EARLIER_ROWS = {
    False: "Rows held under an earlier version are read only for what that version already allowed: this release, for these recipients.",
    True: "Rows held under an earlier version are read too, even if that version did not have this release, or not for these recipients.",
}

_FROM_LINEAGE = "Each of them is of a party of its own, and every one of these parties supplied data that the edition was made from."

_LINKED = (
    "Counts people, as the linkage “{linkage}” makes them out of the records of {datasets} in the edition's months: each once, in the first of "
    "those months in which a record of theirs lies. Records without any key are nobody's. With the counts comes a report of how many "
    "people of each source another source knows too, protected like them."
)


@dataclass(frozen=True)
class Sentence:
    """One statement, and the clause it stands in, as refusals cite it (``dataset crimes, retention``)."""

    clause: str
    words: str


@dataclass(frozen=True)
class Section:
    """A heading and its statements."""

    title: str
    sentences: tuple[Sentence, ...]


def sections(agreement: Agreement) -> tuple[Section, ...]:
    """The whole agreement, in the order in which people read it."""
    return (
        Section("What it is for", tuple(_head(agreement))),
        Section("Parties", tuple(line for party in agreement.parties for line in _party(agreement, party))),
        *(Section(f"Dataset {one.name}: {one.title}", tuple(_dataset(agreement, one))) for one in agreement.datasets),
        *(Section(f"Release {one.name} ({one.measure}): {one.title}", tuple(_release(agreement, one))) for one in agreement.releases),
        *(Section(f"Linkage {one.name}: {one.title}", tuple(_linkage(agreement, one))) for one in agreement.linkages),
        Section("Powers and permissions", tuple(_powers(agreement))),
        Section("What the parties undertake", tuple(_items(agreement))),
        Section(
            "What is never sent",
            (Sentence("datasets", "A column that is not named above is not read past its heading, and cannot be sent."),),
        ),
    )


def describe(agreement: Agreement) -> list[str]:
    """The whole agreement, a line a statement; headings begin with ``# `` or ``## ``."""
    lines = [f"# {agreement.reference} version {agreement.version}: {agreement.title}"]
    for section in sections(agreement):
        lines += [f"## {section.title}", *(sentence.words for sentence in section.sentences)]
    lines.append(f"Digest of these words: {agreement.digest}")
    # A line break in somebody's words must not begin a line, or a heading, of ours.
    return [" ".join(line.split("\n")) for line in lines]


def _head(agreement: Agreement) -> Iterator[Sentence]:
    yield Sentence("purpose", f"Purpose: {agreement.purpose}")
    yield Sentence("necessity", f"Why sharing is necessary: {agreement.necessity}")
    yield Sentence("DPIA", f"Impact assessment: {agreement.dpia}")
    dates = f"In force from {day_in_words(agreement.in_force_from)} until {day_in_words(agreement.expires)}; to be reviewed by {day_in_words(agreement.review)}."
    yield Sentence("term", dates)
    yield Sentence("term", f"Data from {agreement.back_fill_from} on may be sent.")
    yield Sentence("term", _AFTER_END[agreement.after_end])
    yield Sentence("contacts", f"Tell of incidents: {agreement.incident_contact}. For people's rights: {agreement.rights_contact}.")


def _party(agreement: Agreement, party: Party) -> Iterator[Sentence]:
    clause = f"parties, {party.id}"
    role = f"{party.role.replace('-', ' ')}{' and operator of the hub' if party.operator else ''}"
    people = f"DPO: {party.dpo.name}, {party.dpo.position}. Signs: {party.signatory.name}, {party.signatory.position}."
    yield Sentence(clause, f"{party.name} ({party.id}), {role}. {people}")
    supplies = {dataset.name for dataset in agreement.datasets if party.id in dataset.suppliers}
    for basis in party.lawful_bases:
        does = "Shares" if supplies & set(basis.datasets) else "Processes"
        words = f"  {does} {names_in_words(basis.datasets)} under {_REGIMES[basis.regime]}: {basis.basis}; power: {basis.gateway}"
        yield Sentence(clause, words)


def _dataset(agreement: Agreement, dataset: Dataset) -> Iterator[Sentence]:
    clause = f"dataset {dataset.name}"
    names = [party.name for name in dataset.suppliers if (party := agreement.party(name))]
    due = f"Supplied by {names_in_words(names)}, one {dataset.period} at a time, due {dataset.due_days} days after it ends."
    yield Sentence(f"{clause}, about", f"{dataset.grain[:1].upper()}{dataset.grain[1:]}. Whose data: {', '.join(dataset.about)}.")
    yield Sentence(f"{clause}, suppliers", due)
    yield Sentence(f"{clause}, mode", _MODES[dataset.mode].format(due=dataset.due_days))
    yield Sentence(f"{clause}, retention", f"Kept for {dataset.retention.in_words()} after the end of the period, then destroyed.")
    for field in dataset.fields:
        yield Sentence(f"{clause}, field {field.name}", f"  {field_in_words(field)}")


def field_in_words(field: Field) -> str:
    """One data item: what happens to it, what it means, why it is needed."""
    empty = "" if not field.may_be_empty else " It may be empty; an empty one stays empty." if _stays_empty(field) else " It may be empty."
    told = f"{empty}{_CATEGORIES[field.category]} {field.meaning} Needed: {field.reason}"
    return f"{field.name} (from {field.source}) is {field.rule.describe()}.{told}"


def _stays_empty(field: Field) -> bool:
    return isinstance(field.rule, PseudonymiseRule)


def terms_in_words(terms: Terms) -> str:
    """The disclosure terms of a release."""
    level = _LEVELS[terms.level].format(threshold=terms.threshold)
    if terms.method is not Method.SUPPRESS:
        told = {"base": terms.base, "bound": terms.bound, "variance": terms.variance, "smallest": terms.smallest}
        return f"{_METHODS[terms.method].format(**told, spread=spread(terms))}; {level.replace('hidden', 'small')}."
    smallest = f"Counts from 1 to {terms.threshold - 1} are never shown"
    zeros = "noughts are always shown" if terms.zeros is Zeros.PUBLISHED else "a nought may be hidden like a small count"
    return f"{smallest}; {zeros}; {level}."


def _release(agreement: Agreement, release: Release) -> Iterator[Sentence]:
    clause = f"release {release.name}"
    recipients = [recipient.name for recipient in agreement.recipients if recipient.id in release.recipients]
    yield Sentence(f"{clause}, question", f"Question: {release.question}")
    yield from (Sentence(f"{clause}, definition", line) for line in _definition(agreement, release))
    for table in release.tables:
        yield Sentence(f"{clause}, table {table.name}", f"  {table_in_words(table)}")
    if (permission := agreement.permission(release.permission)) is not None:
        yield Sentence(f"{clause}, permission", f"Joins {names_in_words(permission.joins)} by the permission “{permission.name}”.")
    yield Sentence(f"{clause}, terms", terms_in_words(release.terms))
    checked = f"{agreement.approvals.output_checkers} people, neither of them the one who asked, check each edition before it is published."
    yield Sentence("approvals, output checkers", checked)
    if agreement.approvals.from_lineage:
        yield Sentence("approvals, output checkers", _FROM_LINEAGE)
    yield from (Sentence(f"{clause}, {place}", line) for place, line in times_in_words(release))
    yield Sentence(f"{clause}, earlier rows", _EARLIER_ROWS[release.earlier_rows])
    yield Sentence(f"{clause}, recipients", f"Received by: {', '.join(recipients)}{'; also public' if release.public else ''}.")
    for caveat in release.caveats:
        yield Sentence(f"{clause}, caveats", f"  Note: {caveat}")


def _definition(agreement: Agreement, release: Release) -> Iterator[str]:
    if release.cohort is not None:
        yield from cohort_in_words(release.base, release.cohort)
    elif release.linked:
        yield _LINKED.format(linkage=release.base, datasets=names_in_words(release.linked))
    else:
        asked = f" Only rows where {where_in_words(release.where)} count." if release.where else ""
        present = f" Only rows that have {names_in_words(release.present)} count." if release.present else ""
        yield f"Counts {release.unit} in {release.base}.{asked}{present}"
    linkages = [one.name for one in agreement.linkages]
    yield from (f"  {lookup_in_words(one, linkages)}" for one in release.lookups)
    yield from (f"  {value_in_words(one)}" for one in release.values)
    yield from (f"  {derived_in_words(one)}" for one in release.derived)
    yield from (f"  {line}" for line in joined_in_words(release))


def _linkage(agreement: Agreement, linkage: Linkage) -> Iterator[Sentence]:
    clause = f"linkage {linkage.name}"
    names = [one.name for one in taking_part(linkage, agreement.datasets)]
    yield Sentence(
        f"{clause}, datasets", f"Records of {names_in_words(names)} are taken for one person's where their pseudonyms are equal."
    )
    first = (
        f"Looked at in this order: {', then '.join(linkage.rules)}." if len(linkage.rules) > 1 else f"Looked at alone: {linkage.rules[0]}."
    )
    yield Sentence(f"{clause}, rules", first)
    if linkage.single:
        only = f"One person has one {' and one '.join(linkage.single)}: where two records that would be one person's differ in it, that link is not made."
        yield Sentence(f"{clause}, single", only)
    most = f"A pseudonym that would give one person more than {linkage.most:,} records is too common to say who somebody is, and links nothing."
    yield Sentence(f"{clause}, most", most)
    if (permission := agreement.permission(linkage.permission)) is not None:
        yield Sentence(f"{clause}, permission", f"Links {names_in_words(permission.joins)} by the permission “{permission.name}”.")
    yield Sentence(
        f"{clause}, overrides", "A named person may join or split two pseudonyms, with a reason; editions say how many times that was done."
    )


def _powers(agreement: Agreement) -> Iterator[Sentence]:
    for crossing in agreement.crossings:
        passes = f"{names_in_words(crossing.datasets)} pass from {_REGIMES[crossing.source]} to {_REGIMES[crossing.target]}"
        yield Sentence("crossings", f"{passes}, by this power: {crossing.gateway}")
    if not agreement.crossings:
        yield Sentence("crossings", "No data pass from one part of data-protection law to another.")
    for permission in agreement.permissions:
        yield Sentence(
            "permissions", f"“{permission.name}”: {names_in_words(permission.joins)} may be joined, because {permission.because}"
        )
    if not agreement.permissions:
        yield Sentence("permissions", "Victims and witnesses are never joined with suspects or convicted people.")


def _items(agreement: Agreement) -> Iterator[Sentence]:
    for item in ITEMS:
        said = agreement.items.get(item.name)
        if said is None:
            yield Sentence(f"items, {item.name}", f"{item.title}: MISSING. {item.asks} ({item.basis})")
        else:
            yield Sentence(f"items, {item.name}", f"{item.title}: {said.words if said.applies else f'not applicable, {said.words}'}")
