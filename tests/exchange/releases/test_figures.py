"""Figures beside counts: which may be told, what each published form says of them, and that a form without any is what it was."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from agreements.release import Dimension, Release, Table
from agreements.worked_out import Band, Banded, Case, Cases, FirstOf, MonthsBetween, Number, Show, Value
from exchange.disclosure import Unprotectable
from exchange.releases import figures as figuring
from exchange.releases.errors import BadProtected
from exchange.releases.formats import as_csv, published
from exchange.releases.found import Found, in_bands
from exchange.releases.of_units import Protected, protect_units
from exchange.releases.protected import HIDDEN, Figure, Shown, columns_of, read_protected
from exchange.releases.screen import published_tables
from tests.agreements import examples
from tests.exchange.releases import world
from tests.exchange.releases.joined_release import DAYS, FINE, PERIODS, by, release, units

EVERYTHING = (Show.SUM, Show.MEAN, Show.QUARTILES)
CHANGE = Value("change", Number.CHANGE, ("charges.opening", "charges.closing"))
Rows = list[dict[str, Any]]


def of(n: int, **row: Any) -> Rows:
    """So many units alike; a list of a value gives each its own."""
    return [{name: value[at] if isinstance(value, list) else value for name, value in row.items()} for at in range(n)]


def made(wanted: Release, rows: Sequence[Mapping[str, Any]]) -> dict[str, Shown]:
    found = protect_units(wanted, PERIODS, units(rows))
    return read_protected(wanted, PERIODS, found.files, found.figures)


def column(shown: Shown, name: str) -> Figure:
    return next(one for one in shown.figures if one.name == name)


def spread(n: int) -> list[int]:
    return [100 + at for at in range(n)]


FINES = by("t", "month", "court", of=("fine",), show=EVERYTHING)


def plain(rows: Rows, threshold: int = 3) -> Shown:
    return made(release(FINES, threshold=threshold, values=(FINE,), across=False), rows)["t"]


def test_figures_of_a_cell_need_as_many_units_as_they_tell_of() -> None:
    rows = [*of(12, court=0, fine=spread(12)), *of(11, court=1, fine=spread(11)), *of(5, court=2, fine=spread(5))]
    rows += [
        *of(12, month=1, court=0, fine=spread(12)),
        *of(11, month=1, court=1, fine=spread(11)),
        *of(6, month=1, court=2, fine=spread(6)),
    ]
    shown = plain(rows)
    assert not shown.hidden.any()
    assert not column(shown, "fine_sum").hidden.any()
    assert column(shown, "fine_median").hidden[1].tolist() == [False, False, False, True]  # five are fewer than six
    assert column(shown, "fine_lower_quartile").hidden[2].tolist() == [False, False, True, True]  # eleven are fewer than twelve
    assert column(shown, "fine_mean").texts()[0] == f"{sum(row['fine'] for row in rows) / len(rows):.2f}"


def test_one_who_makes_up_most_of_a_sum_is_not_told() -> None:
    rows = [*of(12, court=0, fine=[100_000, *spread(11)]), *of(12, court=1, fine=spread(12)), *of(12, court=2, fine=spread(12))]
    shown = plain(rows)
    assert not shown.hidden.any()
    away = column(shown, "fine_sum").hidden
    assert away[1, 1]
    assert away.sum(axis=1)[1] >= 2  # and never alone in its line
    assert (column(shown, "fine_mean").hidden == away).all()


def test_nothing_is_told_of_a_cell_whose_count_is_hidden() -> None:
    shown = plain([*of(12, court=0, fine=spread(12)), *of(2, court=1, fine=spread(2)), *of(9, court=2, fine=spread(9))])
    assert shown.hidden.any()
    for figure in shown.figures:
        assert not (shown.hidden & ~figure.hidden).any()
        assert not figure.numbers[figure.hidden].any()


def test_negative_days_are_no_days_and_changes_may_be_negative() -> None:
    rows = [*of(20, court=0, days=[-5] * 5 + [10] * 15, change=[-3] * 15 + [2] * 5), *of(20, court=1, days=[20] * 20, change=[-1] * 20)]
    table = by("t", "month", "court", of=("change",), show=EVERYTHING)
    places = units(rows)
    shown = protect_units(
        release(table, values=(CHANGE,), across=False),
        PERIODS,
        type(places)(
            places.places,
            {"change": np.array([row["change"] for row in rows], dtype=np.int64)},
            places.suppliers,
            places.named,
            places.sent,
        ),
    )
    [mean] = [one for one in shown.figures["t"] if one.name == "change_mean"]
    assert mean.texts()[1 * 4 + 1] == "-1.75"
    days = made(
        release(
            by("t", "month", "court", of=("days",), show=(Show.MEAN,)),
            values=(Value("days", Number.DAYS, ("charges.a", "charges.b")),),
            across=False,
        ),
        rows,
    )
    assert column(days["t"], "days_mean").texts()[1 * 4 + 1] == "10.00"


def test_a_joined_value_says_no_more_than_the_dimensions_made_of_the_same_rows() -> None:
    table = by("t", "month", "court", "prosecuted", of=("days",), show=EVERYTHING)
    rows = [
        *of(30, court=0, prosecuted=0, days=spread(30)),
        *of(30, court=0, prosecuted=1),
        *of(2, court=1, prosecuted=0, days=spread(2)),
        *of(40, court=1, prosecuted=1),
        *of(30, court=2, prosecuted=0, days=spread(30)),
        *of(30, court=2, prosecuted=1),
    ]
    shown = made(release(table, values=(DAYS,)), rows)["t"]
    small = (1, 2, 0)  # the second court, whoever of them was prosecuted: two were
    assert shown.hidden[1, 2, 1]
    assert not shown.hidden[small]
    assert all(one.hidden[small] for one in shown.figures)
    assert not column(shown, "days_sum").hidden[1, 1, 1] or shown.hidden[1, 1, 1]


def test_where_no_dimension_says_who_has_a_joined_value_that_is_one_more() -> None:
    table = by("t", "month", "court", of=("days",), show=(Show.MEAN,))
    rows = [
        *of(30, court=0, prosecuted=0, days=spread(30)),
        *of(30, court=0, prosecuted=1),
        *of(28, court=1, prosecuted=0, days=spread(28)),
        *of(2, court=1, prosecuted=1),
        *of(30, court=2, prosecuted=0, days=spread(30)),
        *of(30, court=2, prosecuted=1),
    ]
    shown = made(release(table, values=(DAYS,)), rows)["t"]
    assert column(shown, "days_mean").hidden[1, 2]  # all but two have one, and two is few
    assert not column(shown, "days_mean").hidden[1, 0]


def test_where_nothing_protects_sums_the_counts_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise Unprotectable("nothing does")

    monkeypatch.setattr(figuring, "apply", never)
    shown = plain([*of(12, court=0, fine=spread(12)), *of(12, court=1, fine=spread(12)), *of(12, court=2, fine=spread(12))])
    assert not shown.hidden.any()
    assert column(shown, "fine_sum").hidden.all()
    assert column(shown, "fine_mean").hidden.all()
    assert not column(shown, "fine_median").hidden[1].any()


# ------------------------------------------------------------------------------------------------------------ what bands of it say

BANDS = Banded("how_long", "days", (Band("Short", 30), Band("Middle", 60)), "Long", "Before", "None")
KNOWN = Banded("known", "days", (Band("Known", 100_000),), "Not to be believed", "Before", "None")
CHANGED = Banded("moved", "change", (Band("Same", 0),), "Better", "Worse", "Not twice")
LABELS = {
    "how_long": ("Short", "Middle", "Long", "None"),
    "known": ("Known", "None"),
    "moved": ("Better", "Same", "Worse", "Not twice"),
}


def banded(found: Release, *derived: Banded) -> Release:
    more = tuple(Dimension(one.name, one.name, one.name, tuple((code, code) for code in LABELS[one.name]), "All") for one in derived)
    return replace(found, derived=(*found.derived, *derived), dimensions=(*found.dimensions, *more))


def lasting(numbers: Sequence[int | None], *more: Table, tell: Banded = BANDS) -> dict[str, Shown]:
    """A release with the quartiles of days in a table by month alone, and how many lasted how long in another; days or None of each unit."""
    wanted = banded(release(by("t", "month", of=("days",), show=(Show.QUARTILES,)), *more, values=(DAYS,)), tell)
    found = units([{"prosecuted": int(one is None), **({} if one is None else {"days": one})} for one in numbers])
    place = [LABELS[tell.name].index(in_bands(tell, one)) for one in numbers]
    made = protect_units(wanted, PERIODS, replace(found, places={**found.places, tell.name: np.array(place, dtype=np.int64)}))
    return read_protected(wanted, PERIODS, made.files, made.figures)


def possible_middles(total: int, known: int, long: int, lower: int) -> set[int]:
    """By brute force: how many may have lasted 31 to 60 days, so that all hidden days that a reader could think of come to this lower quartile."""
    found = set()
    for middle in range(known - long + 1):
        for days in product((1, 20, 30), (31, 50, 60), (61, 90)):
            n = [days[0]] * (known - long - middle) + [days[1]] * middle + [days[2]] * long
            below, rest = divmod(len(n) - 1, 4)
            if (4 * n[below] + rest * (n[min(below + 1, len(n) - 1)] - n[below]) + 2) // 4 == lower:
                found.add(middle)
    assert known <= total
    return found


def test_quartiles_do_not_say_how_many_there_are_in_a_hidden_band_of_another_table() -> None:
    """Five short, none in the middle, and twelve long: of 17, the lower quartile would be the fifth. Two bands are hidden, and that it is short says which of the two is nought."""
    numbers = [20] * 5 + [90] * 12 + [None] * 8
    shown = lasting(numbers, by("u", "month", "how_long"))
    assert shown["u"].hidden[1].tolist() == [False, True, True, False, False]
    alone = lasting(numbers)["t"]
    lower = int(column(alone, "days_lower_quartile").numbers[1])
    assert possible_middles(25, 17, 12, lower) == {0}  # had it been told
    assert all(one.hidden[1] for one in shown["t"].figures)
    assert not any(one.hidden[1] for one in alone.figures)


def test_a_band_for_dates_that_nobody_believes_says_nothing_of_how_long_it_took() -> None:
    shown = lasting([20] * 20 + [90] * 12 + [None] * 8, by("u", "month", "known"), tell=KNOWN)
    assert not shown["u"].hidden[1].any()
    assert not any(one.hidden[1] for one in shown["t"].figures)
    few = lasting([20] * 20 + [90] * 12 + [None] * 2, by("u", "month", "known"), tell=KNOWN)
    assert few["u"].hidden[1, 2]
    assert all(one.hidden[1] for one in few["t"].figures)  # two lack it, and that is hidden


def test_which_dimensions_say_how_large_a_value_is() -> None:
    """Bands of it, through others too, and of a number made from the same fields and another; not those of other fields, nor whether it is there."""
    through = Cases("quick", (Case("Quick", (("how_long", ("Short",)), ("convicted", ("true",)))),), "Other")
    between = MonthsBetween("months", "charges.charge_date", "completed.completion_date", (Band("One", 1),), "More", "Before", "None")
    first = FirstOf("first", ("how_long", "charges.court"), "None")
    wanted = banded(release(by("t", "month"), values=(DAYS, FINE, CHANGE, OPENING)), BANDS, KNOWN, CHANGED)
    more = tuple(Dimension(name, name, name, (("x", "x"),), "All") for name in ("quick", "months", "first"))
    found = Found(replace(wanted, derived=(*wanted.derived, through, between, first), dimensions=(*wanted.dimensions, *more)))
    assert found.measuring("days") == {"how_long", "quick", "months", "first"}
    assert found.measuring("change") == found.measuring("opening") == {"moved"}
    assert found.measuring("fine") == frozenset()
    assert found.without("days") == {"how_long": 4, "known": 2}
    assert found.without("change") == found.without("opening") == {"moved": 4}
    assert found.without("fine") == {}
    timeliness = examples.agreement("effectiveness").release("me5-timeliness")
    assert timeliness is not None
    assert not any(Found(timeliness).measuring(value.name) for value in timeliness.values)


def test_quartiles_alone_stand_though_something_else_that_was_found_is_hidden() -> None:
    """Two who were convicted are hidden, and with them nothing is said of how long it took. A mean goes: with a count it says how many were found."""
    rows = [
        *of(30, prosecuted=0, convicted=1, days=spread(30)),
        *of(2, prosecuted=0, convicted=0, days=spread(2)),
        *of(30, prosecuted=1, convicted=1),
    ]
    tables = (by("t", "month", of=("days",), show=(Show.QUARTILES,)), by("u", "month", "convicted"))
    shown = made(release(*tables, values=(DAYS,)), rows)
    assert shown["u"].hidden[1].any()
    assert not any(one.hidden[1] for one in shown["t"].figures)
    summed = made(release(replace(tables[0], show=EVERYTHING), tables[1], values=(DAYS,)), rows)
    assert all(one.hidden[1] for one in summed["t"].figures)


OPENING, CLOSING = (
    Value("opening", Number.AMOUNT, ("charges.opening", "charges.closing")),
    Value("closing", Number.AMOUNT, ("charges.closing", "charges.opening")),
)


def scored(pairs: Sequence[tuple[int, int] | None]) -> dict[str, Shown]:
    """The means of two scores in a table by month, and in another how many have changed; the two scores of each unit, or None."""
    tables = by("t", "month", of=("opening", "closing"), show=(Show.MEAN,)), by("u", "month", "moved")
    wanted = banded(release(*tables, values=(OPENING, CLOSING, CHANGE), across=False), CHANGED)
    found = units([{} for _ in pairs])
    absent = -(2**62)
    change = [None if one is None else one[1] - one[0] for one in pairs]
    values = {
        "opening": [absent if one is None else one[0] for one in pairs],
        "closing": [absent if one is None else one[1] for one in pairs],
        "change": [absent if one is None else one for one in change],
    }
    place = np.array([LABELS["moved"].index(in_bands(CHANGED, one)) for one in change], dtype=np.int64)
    columns = {name: np.array(column, dtype=np.int64) for name, column in values.items()}
    made = protect_units(wanted, PERIODS, replace(found, places={**found.places, "moved": place}, values=columns))
    return read_protected(wanted, PERIODS, made.files, made.figures)


def test_means_are_not_told_where_how_many_lack_the_scores_is_hidden() -> None:
    shown = scored([(5, 6)] * 10 + [(5, 5)] * 10 + [(6, 5)] * 10 + [None] * 2)
    assert shown["u"].hidden[1, 4]
    assert all(one.hidden[1] for one in shown["t"].figures)
    told = scored([(5, 6)] * 10 + [(5, 5)] * 10 + [(6, 5)] * 10 + [None] * 5)
    assert not told["u"].hidden[1].any()
    assert not any(one.hidden[1] for one in told["t"].figures)


def test_two_means_do_not_say_how_many_are_in_a_hidden_band_of_their_difference() -> None:
    """One is better by a point, and thirty are the same: the difference of the means, times 31, is one, and nobody is shown to be worse."""
    shown = scored([(5, 6)] + [(5, 5)] * 30)
    assert shown["u"].hidden[1].tolist() == [False, True, True, False, False]
    assert not shown["u"].counts[1, 3]
    assert all(one.hidden[1] for one in shown["t"].figures)


# ------------------------------------------------------------------------------------------------------------ published forms


def whole(rows: Rows) -> tuple[Release, Protected]:
    wanted = release(FINES, values=(FINE,), across=False)
    return wanted, protect_units(wanted, PERIODS, units(rows))


def test_every_form_says_the_same_of_figures_and_they_are_read_back() -> None:
    wanted, found = whole([*of(30, court=0, fine=spread(30)), *of(2, court=1, fine=spread(2)), *of(7, court=2, fine=spread(7))])
    files = published(wanted, world.agreement(), PERIODS, found.files, figures=found.figures)
    rows = list(csv.DictReader(io.StringIO(files["t.csv"].decode(), newline="")))
    records = json.loads(files["t.json"])["records"]
    table = pq.read_table(io.BytesIO(files["t.parquet"]))
    columns = json.loads(files["t.csv-metadata.json"])["tableSchema"]["columns"]
    names = [f"{value}_{ending}" for value, ending in columns_of(FINES)]
    assert names == ["fine_sum", "fine_mean", "fine_lower_quartile", "fine_median", "fine_upper_quartile"]
    assert list(rows[0]) == [one["name"] for one in columns] == ["month", "court", "count", *names]
    for name in ("count", *names):
        for row, record, value, marker in zip(
            rows, records, table.column(name).to_pylist(), table.column(f"{name}_marker").to_pylist(), strict=True
        ):
            assert record[name] == value
            assert record[f"{name}_marker"] == marker
            assert (marker == HIDDEN) == (value is None) == (row[name] == HIDDEN)
            assert value is None or float(row[name]) == value
    assert any(row["fine_sum"] == HIDDEN for row in rows)
    [again] = published_tables(wanted, PERIODS, files)
    [shown] = read_protected(wanted, PERIODS, found.files, found.figures).values()
    for one, other in zip(again.figures, shown.figures, strict=True):
        assert (one.name, one.numbers.tolist(), one.hidden.tolist()) == (other.name, other.numbers.tolist(), other.hidden.tolist())
    assert as_csv(again) == files["t.csv"]


def test_a_figure_shown_where_its_count_is_hidden_is_refused() -> None:
    wanted, found = whole([*of(30, court=0, fine=spread(30)), *of(2, court=1, fine=spread(2)), *of(7, court=2, fine=spread(7))])
    bare = {
        name: [Figure(one.value, one.ending, one.numbers, np.zeros_like(one.hidden)) for one in mine]
        for name, mine in found.figures.items()
    }
    with pytest.raises(BadProtected, match="not hidden wherever the count is"):
        read_protected(wanted, PERIODS, found.files, bare)
    with pytest.raises(BadProtected, match="not those that the release asks for"):
        read_protected(wanted, PERIODS, found.files)


# ------------------------------------------------------------------------------------------------------------ order


def test_the_order_in_which_units_were_read_is_in_no_byte_of_what_is_published() -> None:
    """Rows come in another order from another engine, or bucket by bucket: an edition made again is the same to the byte, its report too."""
    rows = [*of(12, court=0, fine=spread(12)), *of(1, court=1, fine=[700]), *of(9, court=2, fine=spread(9))]
    rows += [*of(1, month=1, court=0, fine=[650]), *of(1, month=1, court=1, fine=[640]), *of(14, month=1, court=2, fine=spread(14))]
    wanted = release(FINES, by("u", "court", of=("fine",), show=EVERYTHING), threshold=3, values=(FINE,), across=False)
    one, other = (protect_units(wanted, PERIODS, units(read)) for read in (rows, [*rows[20:], *reversed(rows[:20])]))
    assert (one.files, one.report) == (other.files, other.report)
    for name, figures in one.figures.items():
        assert [figure.texts() for figure in figures] == [figure.texts() for figure in other.figures[name]]


def test_units_that_have_a_cell_alone_are_numbered_as_they_appear() -> None:
    first, second = figuring.by_appearance([np.array([[-1, 7], [3, 7]]), np.array([9, -1, 3])])
    assert (first.tolist(), second.tolist()) == ([[0, 2], [3, 2]], [4, 0, 3])
    assert [one.tolist() for one in figuring.by_appearance([np.array([5, 4])])] == [[2, 3]]
    assert [one.tolist() for one in figuring.by_appearance([np.array([-1, -1])])] == [[0, 0]]
