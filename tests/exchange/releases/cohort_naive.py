"""A slow reading of what agreements say of cohorts, person by person over plain values: nothing of the exchange's own code."""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from agreements.cohort import Attribute, Cohort, Event
from agreements.periods import Duration
from agreements.worked_out import Number, Value, Where
from tests.exchange.releases.cohort_world import SUPPLIERS, Row, Unit, World

Held = tuple[str, str, Row]
"""Dataset, supplier, row. Two rows that say the same are two rows."""
Person = Callable[[Row], Any]


def shifted(day: date, within: Duration, way: int) -> date:
    """The day so long after (1) or before (-1)."""
    month = day.year * 12 + day.month - 1 + way * within.months
    start = date(month // 12, month % 12 + 1, min(day.day, monthrange(month // 12, month % 12 + 1)[1]))
    return start + way * timedelta(days=within.days)


def holds(row: Row, where: Where) -> bool:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return all(row.get(name) is not None and text(row[name]) in codes for name, codes in where)


def units(
    world: World, cohort: Cohort, values: Sequence[Value], windows: Sequence[str], person: Person = lambda row: row.get("person_pnc")
) -> Counter[Unit]:
    """As :func:`tests.exchange.releases.cohort_world.told` tells them."""
    every: list[Held] = [
        (name, supplier, row) for name in cohort.datasets for supplier in SUPPLIERS[name] for row in world.get((name, supplier), ())
    ]
    people: dict[Any, list[Held]] = {}
    for held in every:
        people.setdefault(person(held[2]), []).append(held)
    people.pop(None, None)
    return Counter(unit for rows in people.values() for window in windows for unit in _unit(rows, cohort, values, window))


def _unit(rows: Sequence[Held], cohort: Cohort, values: Sequence[Value], window: str) -> Iterator[Unit]:
    entries = [
        (row[entry.date], place, held)
        for place, entry in enumerate(cohort.entries)
        for held in rows
        for row in [held[2]]
        if held[0] == entry.dataset and row.get(entry.date) and _window(row[entry.date], window) and holds(row, entry.where)
    ]
    if not entries:
        return
    entries.sort(key=lambda one: (one[0], one[1], _order(one[2])))
    day, place, first = entries[0]
    counts = {event.name: _events(rows, entries, event) for event in cohort.events}
    yield (
        window,
        cohort.entries[place].label,
        *("true" if counts[event.name] else "false" for event in cohort.events),
        *(_attribute(rows, day, one) for one in cohort.attributes),
        *(counts[value.sources[0]] if value.number is Number.EVENTS else _number(first, value) for value in values),
        frozenset(supplier for _, supplier, _ in rows),
        first[1],
    )


def _window(day: date, window: str) -> bool:
    return window in (f"{day:%Y-%m}", f"{day:%Y}", f"{day:%Y}-Q{(day.month + 2) // 3}")


def _order(held: Held) -> Any:
    """Entries of one kind and day: the supplier that the dataset names first, then what is used of the row, absent last."""
    dataset, supplier, row = held
    used = ("crime", "incident", "fine", "offence_date", "disposal_date")
    return SUPPLIERS[dataset].index(supplier), [
        (row.get(name) is None, row.get(name) or 0 if name in used[:3] else row.get(name) or date.min) for name in used
    ]


def _events(rows: Sequence[Held], entries: Sequence[tuple[date, int, Held]], event: Event) -> int:
    beside = entries if event.before else entries[:1]
    return sum(any(_is(held, day, entry, event) for day, _, entry in beside) for held in rows)


def _is(held: Held, day: date, entry: Held, event: Event) -> bool:
    dataset, _, row = held
    if dataset != event.dataset or not row.get(event.date) or not holds(row, event.where):
        return False
    when = row[event.date]
    if event.before:
        if not shifted(day, event.within, -1) <= when <= day or held is entry or row is entry[2]:
            return False
    elif not day < when <= shifted(day, event.within, 1):
        return False
    if event.proven and (not row.get(event.proven) or row[event.proven] > shifted(day, event.proven_within or event.within, 1)):
        return False
    return all(
        entry[0] == dataset and row.get(name) is not None and entry[2].get(name) is not None and row[name] != entry[2][name]
        for name in event.differs
    )


def _attribute(rows: Sequence[Held], day: date, one: Attribute) -> str:
    mine = [
        row
        for dataset, _, row in rows
        if dataset == one.dataset and row.get(one.date) and holds(row, one.where) and shifted(day, one.within, -1) <= row[one.date] <= day
        if not one.since or (row.get(one.since) is not None and row[one.since] <= day)
        if not one.until or row.get(one.until) is None or row[one.until] >= day
    ]
    if not mine:
        return one.otherwise
    if not one.field:
        return "true"
    latest = max(row[one.date] for row in mine)
    said = [row[one.field] for row in mine if row[one.date] == latest and row.get(one.field) is not None]
    return str(min(said)) if said else one.otherwise


def _number(held: Held, value: Value) -> int | None:
    fields = [source.partition(".")[2] for source in value.sources]
    found = [held[2].get(name) for name in fields]
    if held[0] != value.sources[0].partition(".")[0] or any(one is None for one in found):
        return None
    return (found[1] - found[0]).days if value.number is Number.DAYS else found[0]  # type: ignore[operator]
