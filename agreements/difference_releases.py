"""What changes in a release: what is counted, how finely, under which protection, and who receives it."""

from collections.abc import Iterator

from agreements.changes import Change, Risk, members, order, reworded
from agreements.model import Agreement
from agreements.plain_english import terms_in_words
from agreements.release import Derived, Dimension, Level, MonthsBetween, Release, Table, Terms, Zeros

_LEVELS = tuple(Level)


def releases(old: Agreement, new: Agreement) -> Iterator[Change]:
    """Releases that come and go, and what changes in those that stay."""
    yield from members("releases", "Release {}", [one.name for one in old.releases], [one.name for one in new.releases])
    for after in new.releases:
        if (before := old.release(after.name)) is not None:
            yield from release_changes(before, after)
    yield from order("releases", "the releases", [one.name for one in old.releases], [one.name for one in new.releases])


def release_changes(old: Release, new: Release) -> Iterator[Change]:
    """What changes in one release, in the order in which it is read."""
    place, name = f"release {new.name}", new.name
    for what, before, after in (
        ("title", old.title, new.title),
        ("question", old.question, new.question),
        ("measure", old.measure, new.measure),
        ("wording of the notes", "\n".join(old.caveats), "\n".join(new.caveats)),
    ):
        yield from reworded(place, f"the {what} of {name}", before, after)
    yield from reworded(f"{place}, definition", f"what {name} counts", old.unit, new.unit, risk=Risk.CHANGED)
    yield from reworded(f"{place}, definition", f"the dataset {name} counts in", old.base, new.base, risk=Risk.CHANGED)
    periods = [one.period_dimension for one in (old, new)]
    yield from reworded(f"{place}, definition", f"the period dimension of {name}", *periods, risk=Risk.CHANGED)
    yield from _present(place, old, new)
    yield from _lookups(place, old, new)
    yield from _derived(place, old, new)
    yield from _dimensions(place, old, new)
    yield from _tables(place, old, new)
    yield from _terms(place, name, old.terms, new.terms)
    yield from members(f"{place}, recipients", f"{{}} as a recipient of {name}", old.recipients, new.recipients)
    yield from order(f"{place}, recipients", f"the recipients of {name}", old.recipients, new.recipients)
    if old.public != new.public:
        words = (Risk.WIDER, f"{name} becomes public.") if new.public else (Risk.NARROWER, f"{name} is public no longer.")
        yield Change(words[0], f"{place}, recipients", f"Release {words[1]}", *("public" if one.public else "not" for one in (old, new)))
    yield from _permission(place, old, new)
    if old.earlier_rows != new.earlier_rows:
        does, risk = ("now reads", Risk.WIDER) if new.earlier_rows else ("no longer reads", Risk.NARROWER)
        told = f"Release {name} {does} rows held under earlier versions that did not have it, or not for these recipients."
        yield Change(risk, f"{place}, earlier rows", told, *("read" if one.earlier_rows else "not read" for one in (old, new)))


def _permission(place: str, old: Release, new: Release) -> Iterator[Change]:
    if old.permission == new.permission:
        return
    risk = Risk.CHANGED if old.permission and new.permission else Risk.WIDER if new.permission else Risk.NARROWER
    words = f"Release {new.name} joins people by another permission, or by one where there was none."
    if not new.permission:
        words = f"Release {new.name} names no permission to join people any more."
    yield Change(risk, f"{place}, permission", words, old.permission, new.permission)


def _present(place: str, old: Release, new: Release) -> Iterator[Change]:
    clause = f"{place}, definition"
    for field in sorted(set(old.present) - set(new.present)):
        yield Change(Risk.WIDER, clause, f"Rows without {field} are counted in {new.name} from now on.", "must be present", "")
    for field in sorted(set(new.present) - set(old.present)):
        yield Change(Risk.NARROWER, clause, f"Rows without {field} are not counted in {new.name} any more.", "", "must be present")
    yield from order(clause, f"the fields that {new.name} needs to be present", old.present, new.present)


def _lookups(place: str, old: Release, new: Release) -> Iterator[Change]:
    before, after = ({lookup.dataset: lookup for lookup in one.lookups} for one in (old, new))
    clause = f"{place}, definition"
    yield from members(clause, f"The join of {new.name} with {{}}", tuple(before), tuple(after))
    for dataset in (name for name in after if name in before):
        told = [
            f"on {one.on}, latest by {one.latest_by}, then {one.then_by}: {', '.join(one.order)}"
            for one in (before[dataset], after[dataset])
        ]
        yield from reworded(clause, f"how {new.name} joins {dataset}", *told, risk=Risk.CHANGED)
    yield from order(clause, f"the joins of {new.name}", tuple(before), tuple(after))


def _derived(place: str, old: Release, new: Release) -> Iterator[Change]:
    before, after = ({value.name: value for value in one.derived} for one in (old, new))
    yield from members(f"{place}, definition", f"The derived value {{}} of {new.name}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        yield from _derived_value(f"{place}, definition", f"{name} of {new.name}", before[name], after[name])
    yield from order(f"{place}, definition", f"the derived values of {new.name}", tuple(before), tuple(after))


def _derived_value(clause: str, what: str, old: Derived, new: Derived) -> Iterator[Change]:
    told = [derived_in_words(old), derived_in_words(new)]
    if old == new:
        return
    if isinstance(old, MonthsBetween) and isinstance(new, MonthsBetween) and (old.start, old.end) == (new.start, new.end):
        was, now = ({band.up_to for band in one.bands} for one in (old, new))
        if was < now:
            yield Change(Risk.WIDER, clause, f"The bands of {what} become finer.", *told)
        elif now < was:
            yield Change(Risk.NARROWER, clause, f"The bands of {what} become coarser.", *told)
        else:
            yield Change(Risk.CHANGED, clause, f"The bands of {what} change.", *told)
        return
    yield Change(Risk.CHANGED, clause, f"How {what} is worked out changes.", *told)


def derived_in_words(value: Derived) -> str:
    """A derived value: what it is made from, and what it may become."""
    if not isinstance(value, MonthsBetween):
        return f"the first of {', '.join(value.first_of)} that is present, else “{value.otherwise}”"
    bands = ", ".join(f"“{band.label}” up to {band.up_to}" for band in value.bands)
    rest = f"“{value.beyond}” beyond, “{value.before}” before, “{value.otherwise}” where absent"
    return f"months from {value.start} to {value.end}: {bands}, {rest}"


def _dimensions(place: str, old: Release, new: Release) -> Iterator[Change]:
    before, after = ({one.name: one for one in release.dimensions} for release in (old, new))
    yield from members(f"{place}, dimensions", f"The dimension {{}} of {new.name}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        yield from _dimension(f"{place}, dimension {name}", f"{name} in {new.name}", before[name], after[name])
    yield from order(f"{place}, dimensions", f"the dimensions of {new.name}", tuple(before), tuple(after))


def _dimension(clause: str, what: str, old: Dimension, new: Dimension) -> Iterator[Change]:
    yield from reworded(clause, f"what {what} is cut by", old.source, new.source, risk=Risk.CHANGED)
    was, now = dict(old.categories), dict(new.categories)
    yield from members(clause, f"The category “{{}}” of {what}", tuple(was), tuple(now))
    for code in (code for code in now if code in was):
        yield from reworded(clause, f"how “{code}” of {what} is shown", was[code], now[code])
    yield from order(clause, f"the categories of {what}", tuple(was), tuple(now))
    yield from reworded(clause, f"the title of {what}", old.title, new.title)
    yield from reworded(clause, f"how all of {what} together is shown", old.total, new.total)


def _tables(place: str, old: Release, new: Release) -> Iterator[Change]:
    before, after = ({one.name: one for one in release.tables} for release in (old, new))
    yield from members(f"{place}, tables", f"Table {{}} of {new.name}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        yield from _table(f"{place}, table {name}", f"table {name} of {new.name}", before[name], after[name])
    yield from order(f"{place}, tables", f"the tables of {new.name}", tuple(before), tuple(after))


def _table(clause: str, what: str, old: Table, new: Table) -> Iterator[Change]:
    yield from members(clause, f"The cut of {what} by {{}}", old.dimensions, new.dimensions)
    yield from order(clause, f"the dimensions of {what}", old.dimensions, new.dimensions)
    yield from reworded(clause, f"the title of {what}", old.title, new.title)


def _terms(place: str, name: str, old: Terms, new: Terms) -> Iterator[Change]:
    clause, told = f"{place}, terms", (terms_in_words(old), terms_in_words(new))
    for what, was, now in (
        ("The smallest count shown in", old.threshold, new.threshold),
        ("The level of protection of", _LEVELS.index(old.level), _LEVELS.index(new.level)),
    ):
        if was != now:
            yield Change(Risk.WIDER if now < was else Risk.NARROWER, clause, f"{what} {name} {'falls' if now < was else 'rises'}.", *told)
    if (old.method, old.base, old.noise) != (new.method, new.base, new.noise):
        yield Change(Risk.CHANGED, clause, f"How counts of {name} are protected changes.", *told)
    if old.zeros is not new.zeros:
        shown = new.zeros is Zeros.PUBLISHED
        words = f"Noughts in {name} are {'always shown' if shown else 'shown only where they are safe'} from now on."
        yield Change(Risk.WIDER if shown else Risk.NARROWER, clause, words, *told)
