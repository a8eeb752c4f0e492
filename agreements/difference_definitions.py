"""What changes in how a release is worked out: which rows count, how they are joined, numbers, derived values, cohorts, and when editions are made."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from agreements.changes import Change, Risk, members, order, reworded
from agreements.cohort import Cohort
from agreements.definitions_in_words import (
    attribute_in_words,
    derived_in_words,
    entry_in_words,
    event_in_words,
    lookup_in_words,
    value_in_words,
    where_in_words,
)
from agreements.periods import Duration
from agreements.release import Release
from agreements.worked_out import Banded, Derived, MonthsBetween, Where


def definition_changes(place: str, old: Release, new: Release) -> Iterator[Change]:
    """What changes in a release's definition, in the order in which it is read. ``place``: the release's, as clauses begin."""
    clause = f"{place}, definition"
    yield from _where(clause, new.name, old.where, new.where)
    yield from _present(clause, old, new)
    yield from _cohort(clause, new.name, old.cohort, new.cohort)
    yield from _parts(
        clause,
        "join",
        new.name,
        {one.dataset: lookup_in_words(one) for one in old.lookups},
        {one.dataset: lookup_in_words(one) for one in new.lookups},
    )
    values = [{one.name: value_in_words(one) for one in release.values} for release in (old, new)]
    yield from _parts(clause, "value", new.name, *values)
    yield from _derived(clause, old, new)
    yield from _times(place, old, new)


def _where(clause: str, name: str, old: Where, new: Where) -> Iterator[Change]:
    if old != new:
        risk = Risk.NARROWER if _asks_more(old, new) else Risk.WIDER if _asks_more(new, old) else Risk.CHANGED
        yield Change(risk, clause, f"Which rows {name} counts changes.", where_in_words(old) or "all", where_in_words(new) or "all")


def _asks_more(old: Where, new: Where) -> bool:
    """Whether every row that the new condition lets through was let through before."""
    asked = dict(new)
    return all(name in asked and set(asked[name]) <= set(codes) for name, codes in old)


def _present(clause: str, old: Release, new: Release) -> Iterator[Change]:
    for field in sorted(set(old.present) - set(new.present)):
        yield Change(Risk.WIDER, clause, f"Rows without {field} are counted in {new.name} from now on.", "must be present", "")
    for field in sorted(set(new.present) - set(old.present)):
        yield Change(Risk.NARROWER, clause, f"Rows without {field} are not counted in {new.name} any more.", "", "must be present")
    yield from order(clause, f"the fields that {new.name} needs to be present", old.present, new.present)


def _parts(clause: str, what: str, name: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    """Named parts of a definition, each told in words: those that come, go, change, and their order, which may decide between two."""
    yield from members(clause, f"The {what} {{}} of {name}", tuple(old), tuple(new))
    for part in (part for part in new if part in old):
        yield from reworded(clause, f"the {what} {part} of {name}", old[part], new[part], risk=Risk.CHANGED)
    yield from order(clause, f"the {what}s of {name}", tuple(old), tuple(new))


def _cohort(clause: str, name: str, old: Cohort | None, new: Cohort | None) -> Iterator[Change]:
    if old is None or new is None:
        if old is not new:
            words = f"{name} counts {'a cohort from now on' if new else 'no cohort any more'}."
            yield Change(Risk.CHANGED, clause, words, "a cohort" if old else "", "a cohort" if new else "")
        return
    yield from reworded(clause, f"how long a window of {name} is", old.window, new.window, risk=Risk.CHANGED)
    ways = [[entry_in_words(one) for one in cohort.entries] for cohort in (old, new)]
    yield from members(clause, f"A way into the cohort of {name}: {{}} This", *ways)
    yield from order(clause, f"the ways into the cohort of {name}", *ways, risk=Risk.CHANGED)
    yield from _beside(clause, name, "events looked for", old.events, new.events, event_in_words)
    yield from _beside(clause, name, "things known as at entry", old.attributes, new.attributes, attribute_in_words)


def _beside(clause: str, name: str, what: str, old: Sequence[Any], new: Sequence[Any], words: Callable[[Any], str]) -> Iterator[Change]:
    before, after = ({one.name: one for one in parts} for parts in (old, new))
    yield from members(clause, f"{{}}, of the {what} in {name},", tuple(before), tuple(after))
    for part in (part for part in after if part in before and before[part] != after[part]):
        reach = [one.within for one in (before[part], after[part])]
        risk = Risk.CHANGED if before[part] != _reaching(after[part], reach[0]) else _further(*reach)
        yield Change(risk, clause, f"What {part} of {name} is changes.", words(before[part]), words(after[part]))
    yield from order(clause, f"the {what} in {name}", tuple(before), tuple(after))


def _reaching(part: Any, within: Duration) -> Any:
    """The same event or attribute over another window."""
    return replace(part, within=within)


def _further(old: Duration, new: Duration) -> Risk:
    was, now = (one.months * 31 + one.days for one in (old, new))
    return Risk.WIDER if now > was else Risk.NARROWER if now < was else Risk.CHANGED


def _derived(clause: str, old: Release, new: Release) -> Iterator[Change]:
    before, after = ({value.name: value for value in one.derived} for one in (old, new))
    yield from members(clause, f"The derived value {{}} of {new.name}", tuple(before), tuple(after))
    for name in (name for name in after if name in before):
        yield from _derived_value(clause, f"{name} of {new.name}", before[name], after[name])
    yield from order(clause, f"the derived values of {new.name}", tuple(before), tuple(after))


def _derived_value(clause: str, what: str, old: Derived, new: Derived) -> Iterator[Change]:
    if old == new:
        return
    told = [derived_in_words(old), derived_in_words(new)]
    of = [_banded(one) for one in (old, new)]
    if of[0] is None or of[0] != of[1]:
        yield Change(Risk.CHANGED, clause, f"How {what} is worked out changes.", *told)
        return
    was, now = ({band.up_to for band in one.bands} for one in (old, new) if isinstance(one, MonthsBetween | Banded))
    finer, coarser = was < now, now < was
    how = "become finer" if finer else "become coarser" if coarser else "change"
    yield Change(Risk.WIDER if finer else Risk.NARROWER if coarser else Risk.CHANGED, clause, f"The bands of {what} {how}.", *told)


def _banded(value: Derived) -> tuple[str, ...] | None:
    """What a value in bands is a band of; None of any other."""
    match value:
        case MonthsBetween(start=start, end=end):
            return start, end
        case Banded(value=number):
            return (number,)
        case _:
            return None


def _times(place: str, old: Release, new: Release) -> Iterator[Change]:
    for what, before, after in (
        ("How often editions of", old.cadence, new.cadence),
        ("How long editions stay provisional of", old.provisional, new.provisional),
    ):
        if before != after:
            yield Change(Risk.CHANGED, f"{place}, editions", f"{what} {new.name} changes.", _said(before), _said(after))
    if old.wait != new.wait:
        risk = _further(new.wait or _NONE, old.wait or _NONE)
        yield Change(
            risk,
            f"{place}, wait",
            f"How long {new.name} waits after the last day that it counts changes.",
            _said(old.wait),
            _said(new.wait),
        )


_NONE = Duration("", 0, 0)


def _said(value: Duration | str | None) -> str:
    return "" if value is None else value.in_words() if isinstance(value, Duration) else str(value)
