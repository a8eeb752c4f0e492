"""What contradicts itself in a cohort: who comes in, what follows or went before, and whether rows are kept long enough to know."""

from collections.abc import Iterator
from datetime import date

from agreements.cohort import Attribute, Cohort, Entry, Event
from agreements.consistency_lookups import asked, is_day
from agreements.model import Agreement, Dataset, Mode
from agreements.periods import Duration, PeriodKind
from agreements.possible import codes_of, field_of
from agreements.release import Release

MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}
"""How many months a window or a cadence has."""


def problems(agreement: Agreement, release: Release, cohort: Cohort) -> Iterator[str]:
    """Every way in which a release that counts a cohort contradicts itself; each line continues the release's place."""
    if agreement.linkage(release.base) is None:
        yield f".base: a cohort is of linked people, and “{release.base}” is no linkage."
    elif apart := [name for name in release.datasets if name not in release.linked]:
        yield f".cohort: {', '.join(apart)} takes no part in the linkage “{release.base}”."
    if release.lookups or release.present or release.where:
        yield ".cohort: entries say who is counted: no lookups, no present fields, and no where of the release."
    for kind, names in (("events", [one.name for one in cohort.events]), ("attributes", [one.name for one in cohort.attributes])):
        yield from (f".cohort.{kind}: “{name}” stands more than once." for name in dict.fromkeys(names) if names.count(name) > 1)
    for number, entry in enumerate(cohort.entries):
        yield from (f".cohort.entries.{number}: {line}" for line in _rows(agreement, entry))
    for event in cohort.events:
        yield from (f".cohort.events.{event.name}: {line}" for line in (*_rows(agreement, event), *_event(agreement, cohort, event)))
    for attribute in cohort.attributes:
        found = (*_rows(agreement, attribute), *_attribute(agreement, attribute))
        yield from (f".cohort.attributes.{attribute.name}: {line}" for line in found)
    yield from _times(release, cohort)
    yield from _kept(agreement, release, cohort)


def _rows(agreement: Agreement, one: Entry | Event | Attribute) -> Iterator[str]:
    yield from _day(agreement, one.dataset, one.date)
    yield from asked(agreement, one.dataset, one.where)


def _day(agreement: Agreement, dataset: str, name: str) -> Iterator[str]:
    field = field_of(agreement, f"{dataset}.{name}")
    if field is None:
        yield f"there is no field “{name}” in {dataset}."
    elif not is_day(field):
        yield f"“{name}” of {dataset} is no date held to the day: nobody could say what came first."


def _event(agreement: Agreement, cohort: Cohort, event: Event) -> Iterator[str]:
    if event.proven:
        yield from _day(agreement, event.dataset, event.proven)
    if event.differs and any(one.dataset != event.dataset for one in cohort.entries):
        yield f"differs compares with entries of the same dataset, and not all are of {event.dataset}."
    for name in event.differs:
        if field_of(agreement, f"{event.dataset}.{name}") is None:
            yield f"differs: there is no field “{name}” in {event.dataset}."
    if len(set(event.differs)) < len(event.differs):
        yield "differs names one field more than once."


def _attribute(agreement: Agreement, attribute: Attribute) -> Iterator[str]:
    for name in (attribute.since, attribute.until):
        if name:
            yield from _day(agreement, attribute.dataset, name)
    if not attribute.field:
        if attribute.otherwise == "true":
            yield "otherwise: “true” is said where there is such a row; say something else where there is none."
        return
    field = field_of(agreement, f"{attribute.dataset}.{attribute.field}")
    if field is None:
        yield f"there is no field “{attribute.field}” in {attribute.dataset}."
    elif codes_of(field) is None:
        yield f"“{attribute.field}” of {attribute.dataset} is not a field of agreed codes."


def _times(release: Release, cohort: Cohort) -> Iterator[str]:
    if release.cadence is not None and MONTHS[release.cadence] < MONTHS[cohort.window]:
        yield f".cadence: an edition holds whole windows, and a {release.cadence} is shorter than a {cohort.window}."
    needed = longest([reach for one in cohort.events if not one.before for reach in (one.within, one.proven_within) if reach])
    if needed is not None and (release.wait is None or _reach(release.wait) < _reach(needed)):
        yield f".wait: what follows an entry is known {needed.in_words()} after it: nothing is made sooner after the last day than that."


_START = date(2001, 1, 1)


def _reach(one: Duration) -> date:
    return one.after(_START)


def longest(found: list[Duration]) -> Duration | None:
    """The one of them that reaches furthest; None where there are none."""
    return max(found, key=_reach, default=None)


def reach_back(cohort: Cohort, dataset: Dataset) -> Duration | None:
    """How long before an entry rows of a dataset count; None where none do.

    A snapshot says again what it said before: of one, only what goes by the day of the snapshot reaches back.
    """
    parts: list[Event | Attribute] = [*(one for one in cohort.events if one.before), *cohort.attributes]
    mine = [one for one in parts if one.dataset == dataset.name]
    return longest([one.within for one in mine if dataset.mode is not Mode.SNAPSHOT or one.date == dataset.period_field])


def _kept(agreement: Agreement, release: Release, cohort: Cohort) -> Iterator[str]:
    """Rows must still be there when an edition is made: as far back as is looked, over the whole window, and until the wait is over."""
    for name in cohort.datasets:
        dataset = agreement.dataset(name)
        if dataset is None:
            continue
        back, wait = reach_back(cohort, dataset), release.wait
        months = MONTHS[cohort.window] + sum(one.months for one in (back, wait) if one)
        needed = Duration("", months, sum(one.days for one in (back, wait) if one) + _late(agreement, cohort))
        if _reach(dataset.retention) < _reach(needed):
            kept = dataset.retention.in_words()
            yield f".cohort: rows of {name} are looked at for {needed.in_words()}, but they are kept for {kept}: shorten the windows, or keep them longer."


def _late(agreement: Agreement, cohort: Cohort) -> int:
    """How many days after a period its data are due at the latest."""
    found: list[Dataset] = [one for one in agreement.datasets if one.name in cohort.datasets]
    return max((one.due_days for one in found), default=0)
