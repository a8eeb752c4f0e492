"""What changes in a release: what is counted, how finely, under which protection, and who receives it."""

from collections.abc import Iterator

from agreements.changes import Change, Risk, members, order, reworded
from agreements.definitions_in_words import FIGURES
from agreements.difference_definitions import definition_changes
from agreements.model import Agreement
from agreements.plain_english import terms_in_words
from agreements.release import Dimension, Level, Release, Table, Terms, Zeros

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
    yield from definition_changes(place, old, new)
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
    yield from members(clause, f"{{}}, as a value shown in {what},", old.of, new.of)
    yield from order(clause, f"the values shown in {what}", old.of, new.of)
    yield from members(clause, f"The {{}} in {what}", [FIGURES[one] for one in old.show], [FIGURES[one] for one in new.show])
    yield from order(clause, f"the figures of {what}", old.show, new.show)


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
