"""How a release is worked out, part by part, in the words that are read: conditions, joins, numbers, derived values, cohorts, times."""

from collections.abc import Iterator, Sequence

from agreements.cohort import Attribute, Cohort, Entry, Event
from agreements.fields import quoted
from agreements.release import Lookup, Release, Table
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number, Show, Value, Where

FIGURES = {Show.SUM: "sum", Show.MEAN: "mean", Show.QUARTILES: "lower quartile, median and upper quartile"}


def names_in_words(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def where_in_words(where: Where) -> str:
    """A condition: ``outcome is “Convicted” or “Cautioned” and plea is “Guilty”``."""
    return " and ".join(f"{name} is {quoted(codes, ' or ')}" for name, codes in where)


def lookup_in_words(lookup: Lookup, linkages: Sequence[str] = ()) -> str:
    """A join. ``linkages``: the agreement's, to tell a person from a pseudonym."""
    each = f"Each row of {lookup.of} that was found" if lookup.of else "Each"
    within = f"with rows of whichever supplier of {lookup.dataset}," if lookup.across else "within its supplier,"
    row = f"the {'earliest' if lookup.earliest else 'latest'} row of {lookup.dataset} by {lookup.latest_by} on {lookup.on}"
    also = [f"of the same {name}, as that linkage finds it" if name in linkages else f"with the same {name}" for name in lookup.also_on]
    asked = [f"where {where_in_words(lookup.where)}"] if lookup.where else []
    order = (
        f"; of several with the same {lookup.latest_by} the one whose {lookup.then_by} stands first here: {quoted(lookup.order)}"
        if lookup.then_by
        else ""
    )
    joined = f"{each} is joined, {within} with {row}" if not lookup.across else f"{each} is joined, {within} and of these with {row}"
    return f"{', '.join((joined, *also, *asked))}{order}."


def value_in_words(value: Value) -> str:
    """A number of each unit."""
    between = " to ".join(value.sources)
    match value.number:
        case Number.AMOUNT:
            where = f"; there is none where {names_in_words(value.beside)} is missing" if value.beside else ""
            return f"{value.name} is the whole number in {value.sources[0]}{where}."
        case Number.CHANGE:
            return f"{value.name} is by how much the number grows, or falls, from {between}; there is none where one of the two is missing."
        case Number.DAYS:
            told = f"{value.name} is the number of days from {between}"
            return f"{told}; there is none where one of the two is missing, and figures leave out those below nought."
        case Number.EVENTS:
            return f"{value.name} is how many of the events {between} there were."


def derived_in_words(value: Derived) -> str:
    """A derived value: what it is made from, and what it may become."""
    match value:
        case FirstOf(first_of=sources, otherwise=otherwise):
            return f"{value.name} is the first of {names_in_words(sources)} that is there, else “{otherwise}”."
        case Matched(dataset=dataset):
            return f"{value.name} is whether such a row of {dataset} was found, true or false."
        case Cases(cases=cases, otherwise=otherwise):
            told = "; else ".join(f"“{case.label}” where {where_in_words(case.when)}" for case in cases)
            return f"{value.name} is {told}; else “{otherwise}”."
        case MonthsBetween(start=start, end=end):
            return f"{value.name} is the months from {start} to {end}, in bands: {_bands(value)}."
        case Banded(value=number):
            return f"{value.name} is {number}, in bands: {_bands(value)}."


def _bands(value: MonthsBetween | Banded) -> str:
    bands = ", ".join(f"“{band.label}” up to {band.up_to:,}" for band in value.bands)
    return f"{bands}, “{value.beyond}” after that, “{value.before}” before nought, “{value.otherwise}” where there is none"


def entry_in_words(entry: Entry) -> str:
    """A way into a cohort."""
    asked = f", where {where_in_words(entry.where)}" if entry.where else ""
    return f"They come in as “{entry.label}” by a row of {entry.dataset}, on its {entry.date}{asked}."


def event_in_words(event: Event) -> str:
    """What is looked for beside the entry."""
    asked = f", where {where_in_words(event.where)}" if event.where else ""
    if event.before:
        differs = f", that differ from it in {names_in_words(event.differs)}" if event.differs else ""
        when = f"other than that of the entry{differs}, with {event.date} on the entry's day or within {event.within.in_words()} before it"
        return f"{event.name}: rows of {event.dataset} about the same person, {when}{asked}; beside any entry of theirs in the window."
    differs = f", different from the entry in {names_in_words(event.differs)}" if event.differs else ""
    proven = f", and {event.proven} within {event.proven_within.in_words()} after it" if event.proven_within else ""
    when = f"with {event.date} later than the entry's day and within {event.within.in_words()} after it{proven}"
    return f"{event.name}: rows of {event.dataset} about the same person{differs}, {when}{asked}."


def attribute_in_words(attribute: Attribute) -> str:
    """What is known of people as at entry."""
    asked = f", where {where_in_words(attribute.where)}" if attribute.where else ""
    begun = f", if its {attribute.since} is there and not after the entry" if attribute.since else ""
    ended = f", if its {attribute.until} is empty or not before the entry" if attribute.until else ""
    which = f"by {attribute.date} on the entry's day or within {attribute.within.in_words()} before it{asked}{begun}{ended}"
    if not attribute.field:
        return (
            f"{attribute.name}: “true” where there is a row of {attribute.dataset} about the person {which}; else “{attribute.otherwise}”."
        )
    return f"{attribute.name}: what {attribute.field} says in the latest row of {attribute.dataset} about the person {which}; else “{attribute.otherwise}”."


def cohort_in_words(linkage: str, cohort: Cohort) -> Iterator[str]:
    """Who is counted, once in each window, and what is looked for of them."""
    yield (
        f"Counts people, as the linkage “{linkage}” makes them out of the records of {names_in_words(cohort.datasets)}: everybody who comes in in a {cohort.window}, once "
        f"in that {cohort.window}, from the first day on which they do; coming in again does not start the clock again. Records without any key are nobody's."
    )
    yield from (f"  {entry_in_words(one)}" for one in cohort.entries)
    yield from (f"  {event_in_words(one)}" for one in cohort.events)
    yield from (f"  {attribute_in_words(one)}" for one in cohort.attributes)


def table_in_words(table: Table) -> str:
    """A table: what it is cut by, and which figures stand beside the counts."""
    beside = ""
    if table.of:
        beside = f"; beside each count {names_in_words([FIGURES[one] for one in table.show])} of {names_in_words(table.of)}, over those who have it"
    return f"Table {table.name}: {table.title}; cut by {names_in_words(table.dimensions)}{beside}."


def joined_in_words(release: Release) -> Iterator[str]:
    """What rests on rows of several suppliers."""
    if release.joined:
        rest = "rests" if len(release.joined) == 1 else "rest"
        yield f"{names_in_words(release.joined)} {rest} on rows of more than one supplier; what is hidden is hidden from each of them too, whatever its own rows tell it."


def times_in_words(release: Release) -> Iterator[tuple[str, str]]:
    """When editions are made: where that stands in the release, and the words."""
    if release.cadence is not None:
        yield "editions", f"An edition is made by itself of every {release.cadence} whose data are complete, and waits for its checkers."
    if release.wait is not None:
        yield "wait", f"No edition is made before {release.wait.in_words()} after the last day that it counts."
    if release.provisional is not None:
        yield "editions", f"An edition is provisional until {release.provisional.in_words()} after the last day that it counts."
