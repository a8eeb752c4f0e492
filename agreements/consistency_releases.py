"""What contradicts itself in a release: names that must exist, values that can be worked out, codes that a rule delivers, terms that can be kept."""

from collections import Counter
from collections.abc import Iterable, Iterator

from agreements.cohort import ATTRIBUTES, ENTRY, EVENTS, WINDOW
from agreements.consistency_cohorts import problems as cohort_problems
from agreements.consistency_lookups import asked, is_day
from agreements.consistency_lookups import problems as lookup_problems
from agreements.fields import FieldType
from agreements.linked import REPORT, cut_by
from agreements.meant import made_twice
from agreements.model import Agreement
from agreements.perturbation import problems as perturbation_problems
from agreements.possible import field_of, possible
from agreements.release import Level, Method, Release, Terms, Zeros
from agreements.sources import SUPPLIER, named
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number, Value


def problems(agreement: Agreement, release: Release) -> Iterator[str]:
    """Every way in which a release contradicts itself or its agreement, each line beginning with its place."""
    yield from (f"releases.{release.name}{line}" for line in _release(agreement, release))


def told_apart(agreement: Agreement, release: Release) -> Iterator[str]:
    """Whether one table of a release could show what another hides. Asked once all that the agreement names is there."""
    if (twice_made := made_twice(agreement, release)) is not None:
        yield (
            f"releases.{release.name}.dimensions: {twice_made[0]} and {twice_made[1]} are made from one field, and some table is cut by only one of them: "
            "one table could show what the other hides."
        )


def twice(place: str, names: Iterable[str]) -> Iterator[str]:
    """A line for every name that stands more than once."""
    yield from (f"{place}: “{name}” stands {count} times." for name, count in Counter(names).items() if count > 1)


def _release(agreement: Agreement, release: Release) -> Iterator[str]:
    missing = [name for name in (*release.datasets, *_bases(release)) if agreement.dataset(name) is None]
    if missing:
        yield f": there is no dataset {', '.join(dict.fromkeys(missing))}."
        return
    yield from twice(".dimensions", (dimension.name for dimension in release.dimensions))
    yield from twice(".tables", (table.name for table in release.tables))
    yield from twice(".datasets", release.datasets if release.cohort is None else ())
    yield from twice(".recipients", release.recipients)
    yield from twice(".derived", (SUPPLIER, *(one.name for one in (*release.derived, *release.values))))
    yield from lookup_problems(agreement, release)
    if release.cohort is not None:
        yield from cohort_problems(agreement, release, release.cohort)
    yield from (f".where: {line}" for line in asked(agreement, release.base, release.where))
    yield from _values(agreement, release)
    yield from _derived(agreement, release)
    yield from _dimensions(agreement, release)
    yield from _tables(release)
    yield from (f".terms: {line}" for line in (*_terms(release), *_method(release.terms), *perturbation_problems(agreement, release)))
    known = {recipient.id for recipient in agreement.recipients}
    yield from (f".recipients: there is no recipient “{name}”." for name in release.recipients if name not in known)


def _bases(release: Release) -> tuple[str, ...]:
    """The dataset that is counted; none where people of a linkage are."""
    return () if release.linked or release.cohort is not None else (release.base,)


def _held(agreement: Agreement, release: Release) -> set[str]:
    """What dimensions and derived values may be made from, derived values apart."""
    if release.cohort is not None:
        told = [f"{EVENTS}.{one.name}" for one in release.cohort.events] + [f"{ATTRIBUTES}.{one.name}" for one in release.cohort.attributes]
        return {WINDOW, ENTRY, *told}
    if release.known_people:
        return set(cut_by(release))
    return {f"{name}.{field.name}" for name in release.datasets if (found := agreement.dataset(name)) for field in found.fields}


def _values(agreement: Agreement, release: Release) -> Iterator[str]:
    if release.known_people:
        return
    for value in release.values:
        place = f".values.{value.name}"
        if (value.number is Number.EVENTS) is not (release.cohort is not None):
            yield f"{place}: events are of a cohort, and a cohort has no other numbers."
            continue
        yield from (f"{place}: {line}" for line in _number(agreement, release, value))


def _number(agreement: Agreement, release: Release, value: Value) -> Iterator[str]:
    if value.number is Number.EVENTS:
        events = release.cohort.events if release.cohort else ()
        yield from (f"there is no event “{name}”." for name in value.sources if name not in {one.name for one in events})
        return
    for place, source in enumerate(value.sources):
        field = field_of(agreement, source)
        if field is None or source.partition(".")[0] not in release.datasets:
            yield f"there is no field “{source}”."
        elif place and value.beside:
            continue  # it need only be there
        elif value.number is Number.DAYS and not is_day(field):
            yield f"days are counted between dates held to the day, and “{source}” is none."
        elif value.number is not Number.DAYS and (field.type is not FieldType.INTEGER or field.arrow_type != "int64"):
            yield f"an amount is a whole number, and “{source}” is none."


def _derived(agreement: Agreement, release: Release) -> Iterator[str]:
    held, earlier = _held(agreement, release), set[str]()
    for one in release.derived:
        yield from (f".derived.{one.name}: {line}" for line in _made(agreement, release, one, held, earlier))
        earlier.add(one.name)


def _made(agreement: Agreement, release: Release, one: Derived, held: set[str], earlier: set[str]) -> Iterator[str]:
    match one:
        case FirstOf() | MonthsBetween() | Matched() if release.cohort is not None:
            yield "of a cohort, derived values are cases, and bands of events."
        case FirstOf() | MonthsBetween():
            yield from (f"there is no field “{source}”." for source in named(one) if source not in held)
        case Banded(value=value):
            if value not in {each.name for each in release.values}:
                yield f"there is no value “{value}”."
        case Matched(dataset=dataset):
            if dataset not in {lookup.dataset for lookup in release.lookups}:
                yield f"there is no lookup in “{dataset}”."
        case Cases():
            yield from _cases(agreement, release, one, held | earlier)
    if isinstance(one, MonthsBetween | Banded) and [band.up_to for band in one.bands] != sorted({band.up_to for band in one.bands}):
        yield "the bands must rise."


def _cases(agreement: Agreement, release: Release, one: Cases, known: set[str]) -> Iterator[str]:
    for case in one.cases:
        for source, codes in case.when:
            if source not in known or source == WINDOW:
                yield f"there is no field, and no derived value named earlier, “{source}”."
                continue
            may = possible(agreement, release, source)
            if never := [code for code in codes if code not in (may or ())]:
                yield f"“{source}” is never {' or '.join(f'“{code}”' for code in never)}."


def _dimensions(agreement: Agreement, release: Release) -> Iterator[str]:
    known = _held(agreement, release) | {one.name for one in release.derived} | (set() if release.cohort else {SUPPLIER})
    for dimension in release.dimensions:
        place, period = f".dimensions.{dimension.name}", dimension.name == release.period_dimension
        if dimension.source not in known:
            yield f"{place}: there is no field or derived value “{dimension.source}”."
        if period == bool(dimension.categories):
            yield f"{place}: the period dimension, and only it, takes its categories from the edition."
        if release.cohort is not None and period != (dimension.source == WINDOW):
            yield f"{place}: the period dimension of a cohort, and only it, is {WINDOW}."
        codes = [code for code, _ in dimension.categories]
        yield from twice(place, codes)
        if not period and _worked_out(release, dimension.source):
            may = possible(agreement, release, dimension.source) or tuple(codes)
            yield from (f"{place}: “{code}” is possible, and no category." for code in may if code not in codes)
            yield from (f"{place}: “{code}” can never be." for code in codes if code not in may)
    if release.period_dimension not in {dimension.name for dimension in release.dimensions}:
        yield f".period_dimension: there is no dimension “{release.period_dimension}”."
    base = agreement.dataset(release.base)
    fields = {field.name for field in base.fields} if base else set()
    yield from (f".present: there is no field “{name}” in {release.base}." for name in release.present if name not in fields)


def _worked_out(release: Release, source: str) -> bool:
    """Whether everything that a source may say stands in the release itself."""
    return release.cohort is not None or any(one.name == source and isinstance(one, Banded | Matched | Cases) for one in release.derived)


def _tables(release: Release) -> Iterator[str]:
    dimensions, values = {one.name for one in release.dimensions}, {one.name for one in release.values}
    changes = {one.name for one in release.values if one.number is Number.CHANGE}
    for table in release.tables:
        place = f".tables.{table.name}"
        yield from (f"{place}: there is no dimension “{name}”." for name in table.dimensions if name not in dimensions)
        yield from twice(place, table.dimensions)
        if release.period_dimension not in table.dimensions and not (release.known_people and table.name == REPORT):
            yield f"{place}: every table is cut by the period dimension “{release.period_dimension}”."
        if bool(table.of) != bool(table.show):
            yield f"{place}: of names values, and show which figures of them (sum, mean, quartiles): both, or neither."
        yield from (f"{place}.of: there is no value “{name}”." for name in table.of if name not in values)
        yield from (
            f"{place}.of: “{name}” is a change, which may be less than nought, and is shown in bands alone."
            for name in table.of
            if name in changes
        )
        yield from twice(f"{place}.of", table.of)
        yield from twice(f"{place}.show", table.show)


def _terms(release: Release) -> Iterator[str]:
    terms = release.terms
    joined = release.cohort is not None or any(one.across for one in release.lookups)
    if joined and (terms.zeros is not Zeros.SUPPRESSIBLE or terms.level is not Level.B or terms.method is not Method.SUPPRESS):
        yield "what is joined across suppliers is known to each of them in part: noughts are suppressible, the level is B, and the method is suppress."
    elif release.values and not release.known_people and terms.method is not Method.SUPPRESS:
        yield "sums, means and quartiles stand beside counts that are exact or hidden: the method is suppress."
    if terms.zeros is Zeros.SUPPRESSIBLE and terms.level is Level.C:
        # Level C promises that a hidden count may be anything from 1 up; a nought that may be hidden too makes that promise empty.
        yield "where noughts may be hidden, the level is A or B; level C goes with noughts that are published."


def _method(terms: Terms) -> Iterator[str]:
    if (terms.method is Method.ROUNDING) != bool(terms.base):
        yield "rounding needs a base, the number of which every count becomes a multiple; no other method takes one."
    if terms.method is Method.TEN_FIVE and (terms.threshold > 10 or terms.zeros is Zeros.PUBLISHED):
        yield "ten-five hides counts under 10 and noughts: the threshold is at most 10, and noughts are suppressible."
