"""What contradicts itself in the joins of a release, and in the conditions that rows must meet."""

from collections.abc import Iterator

from agreements.fields import FieldType, KeepPattern, KeepRange, PseudonymiseRule
from agreements.linked import taking_part
from agreements.model import Agreement, Dataset, Field
from agreements.possible import codes_of, field_of, never
from agreements.release import Lookup, Release
from agreements.worked_out import Where


def is_dated(field: Field | None) -> bool:
    """Whether a field is held as a date, of a day or of a month."""
    return field is not None and field.arrow_type == "date32[day]"


def is_day(field: Field | None) -> bool:
    """Whether a field is a date held to the day."""
    return field is not None and field.type is FieldType.DATE and isinstance(field.rule, KeepRange)


def asked(agreement: Agreement, dataset: str, where: Where) -> Iterator[str]:
    """What is wrong with conditions on rows of a dataset: fields that are not there, codes that their rules never deliver."""
    for name, codes in where:
        field = field_of(agreement, f"{dataset}.{name}")
        if field is None:
            yield f"there is no field “{name}” in {dataset}."
        elif codes_of(field) is None and not isinstance(field.rule, KeepPattern):
            yield f"“{name}” of {dataset} is not a field of agreed codes, and cannot be asked for one."
        elif absent := never(field, codes):
            yield f"“{name}” of {dataset} is never {' or '.join(f'“{code}”' for code in absent)}."


def problems(agreement: Agreement, release: Release) -> Iterator[str]:
    """What is wrong with the lookups of a release."""
    base = agreement.dataset(release.base)
    reached = {release.base: base} if base is not None else {}
    far = set[str]()
    for lookup in release.lookups:
        place, other = f".lookups.{lookup.dataset}", agreement.dataset(lookup.dataset)
        of = reached.get(lookup.of or release.base)
        if (lookup.of and of is None) or lookup.of == release.base:
            yield f"{place}.of: “{lookup.of}” is no lookup named earlier."
        elif of is not None and other is not None:
            yield from (f"{place}: {line}" for line in _matched(agreement, lookup, of, other))
            if not lookup.across and of.name in far:
                yield f"{place}: what is matched from a row of any supplier is of any supplier: say across = true."
            elif (
                release.by_unit
                and not lookup.across
                and (alone := [one for one in base.suppliers if one not in other.suppliers] if base else [])
            ):
                yield f"{place}: {', '.join(alone)} does not supply {other.name}, and no rows of other suppliers match: say across = true."
        if other is not None:
            reached[lookup.dataset] = other
        if lookup.across:
            far.add(lookup.dataset)
    people = {name for lookup in release.lookups for name in lookup.also_on if agreement.linkage(name) is not None}
    if len(people) > 1:
        yield f".lookups: the same person is found by one linkage, and not by {' and '.join(sorted(people))}."


def _matched(agreement: Agreement, lookup: Lookup, of: Dataset, other: Dataset) -> Iterator[str]:
    mine, theirs = ({field.name: field for field in one.fields} for one in (of, other))
    wanted = [(of, mine, lookup.on), (other, theirs, lookup.on), (other, theirs, lookup.latest_by), (other, theirs, lookup.then_by)]
    if absent := [f"{dataset.name}.{name}" for dataset, fields, name in wanted if name and name not in fields]:
        yield f"there is no field {', '.join(absent)}."
        return
    if not _one_kind(mine.get(lookup.on), theirs.get(lookup.on)):
        yield f"rows are joined on a pseudonym of one kind, and “{lookup.on}” is not."
    if not is_dated(theirs[lookup.latest_by]):
        yield f"the latest row is told by a date, and “{lookup.latest_by}” is none."
    for name in lookup.also_on:
        linkage = agreement.linkage(name)
        if linkage is None and (name == lookup.on or not _one_kind(mine.get(name), theirs.get(name))):
            yield f"also_on: “{name}” is neither another pseudonym of one kind in both datasets nor a linkage."
        elif linkage is not None and (apart := [one.name for one in (of, other) if one not in taking_part(linkage, agreement.datasets)]):
            yield f"also_on: {' and '.join(apart)} takes no part in the linkage “{name}”."
    if len(set(lookup.also_on)) < len(lookup.also_on):
        yield "also_on names one thing more than once."
    yield from asked(agreement, other.name, lookup.where)


def _one_kind(one: Field | None, other: Field | None) -> bool:
    return one is not None and other is not None and isinstance(one.rule, PseudonymiseRule) and one.rule == other.rule
