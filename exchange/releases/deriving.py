"""What a release works out of a row, as Ibis expressions: derived values, numbers, and whether a field holds a code. Rows have columns named ``dataset.field``."""

import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import ibis

from agreements.release import Release
from agreements.worked_out import Band, Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number, Value
from exchange.releases.errors import BadRelease

NO, YES = ibis.literal(value=False), ibis.literal(value=True)


def column(release: Release, rows: ibis.Table, source: str) -> Any:
    """A dimension's source, or a derived value, of each row. BadRelease where rows have no such column, or it does not suit what is asked of it."""
    return _column(release, rows, source, len(release.derived))


def _column(release: Release, rows: ibis.Table, source: str, before: int) -> Any:
    """Of derived values only those ``before`` may be used: a value is made from earlier ones."""
    place = next((place for place, one in enumerate(release.derived[:before]) if one.name == source), None)
    if place is not None:
        return _derived(release, rows, release.derived[place], place)
    return _field(release, rows, source)


def _field(release: Release, rows: ibis.Table, source: str) -> Any:
    if source not in rows.columns:
        raise BadRelease(
            f"release {release.name}: there is no {source} to make its tables from; derived values are made from earlier ones."
        )
    return rows[source]


def _derived(release: Release, rows: ibis.Table, value: Derived, place: int) -> Any:
    def of(source: str) -> Any:
        return _column(release, rows, source, place)

    match value:
        case FirstOf(first_of=sources, otherwise=otherwise):
            return ibis.coalesce(*map(of, sources), ibis.literal(otherwise))
        case MonthsBetween(start=start, end=end):
            first, last = _dates(value.name, of(start), of(end))
            between = (last.year() - first.year()) * 12 + last.month() - first.month()
            return in_bands(between, value.bands, value.before, value.beyond, value.otherwise)
        case Banded(value=name):
            return in_bands(_named_number(release, rows, name), value.bands, value.before, value.beyond, value.otherwise)
        case Matched(dataset=dataset):
            return ibis.ifelse(_field(release, rows, found(dataset)).notnull(), "true", "false")
        case Cases(cases=cases, otherwise=otherwise):
            branches = [(_all(holds(of(asked), codes) for asked, codes in case.when), case.label) for case in cases]
            return ibis.cases(*branches, else_=otherwise) if branches else ibis.literal(otherwise)


def found(dataset: str) -> str:
    """The column that is there where a lookup found a row: a bit, which says of which supplier. No field is called so: names hold no spaces."""
    return f"{dataset} found"


def times(event: str) -> str:
    """The column that holds how many such events a unit of a cohort had; rows have none."""
    return f"{event} times"


def in_bands(number: Any, bands: Sequence[Band], before: str, beyond: str, otherwise: str) -> Any:
    """The label of the first band that a number does not pass."""
    # The first branch that holds is taken: absent, then negative, then the bands from the lowest.
    return ibis.cases(
        (number.isnull(), otherwise), (number < 0, before), *((number <= band.up_to, band.label) for band in bands), else_=beyond
    )


def number_of(release: Release, rows: ibis.Table, value: Value) -> Any:
    """A number of each row, as 64 bits, absent where what it needs is. BadRelease where fields are not of the types it needs."""
    match value.number:
        case Number.AMOUNT:
            there = _all(_field(release, rows, source).notnull() for source in value.beside)
            return ibis.ifelse(there, _amount(release, rows, value, value.sources[0]), ibis.null("int64"))
        case Number.CHANGE:
            was, now = (_amount(release, rows, value, source) for source in value.sources)
            return now - was
        case Number.DAYS:
            start, end = value.sources
            first, last = _dates(value.name, _field(release, rows, start), _field(release, rows, end))
            return last.delta(first, unit="day").cast("int64")
        case Number.EVENTS:
            return _field(release, rows, times(value.sources[0])).cast("int64")


def _amount(release: Release, rows: ibis.Table, value: Value, source: str) -> Any:
    amount = _field(release, rows, source)
    if not amount.type().is_integer():
        raise BadRelease(f"{value.name}: an amount is of whole numbers, and its field is none.")
    return amount.cast("int64")


def _named_number(release: Release, rows: ibis.Table, name: str) -> Any:
    value = next((one for one in release.values if one.name == name), None)
    if value is None:
        raise BadRelease(f"release {release.name}: there is no value {name}.")
    return number_of(release, rows, value)


def _dates(name: str, start: Any, end: Any) -> tuple[Any, Any]:
    if not (start.type().is_date() and end.type().is_date()):
        raise BadRelease(f"{name}: time is counted between dates, and one of its two fields is none.")
    return start, end


def holds(field: Any, codes: Sequence[str]) -> Any:
    """Whether a field holds one of these codes, in the words in which categories name it."""
    return in_words(field).isin(list(codes)).fill_null(NO)


def in_words(field: Any) -> Any:
    """A field in the words in which categories name it: yes and no are ``true`` and ``false``, a date is its month."""
    kind = field.type()
    return field if kind.is_string() else field.strftime("%Y-%m") if kind.is_date() else field.cast("string")


def _all(conditions: Iterable[Any]) -> Any:
    return reduce(operator.and_, conditions, YES)
