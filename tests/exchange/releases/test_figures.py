"""Figures beside counts: which may be told, what each published form says of them, and that a form without any is what it was."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from agreements.release import Release
from agreements.worked_out import Number, Show, Value
from exchange.disclosure import Unprotectable
from exchange.releases import figures as figuring
from exchange.releases.errors import BadProtected
from exchange.releases.formats import as_csv, published
from exchange.releases.of_units import Protected, protect_units
from exchange.releases.protected import HIDDEN, Figure, Shown, columns_of, read_protected
from exchange.releases.screen import published_tables
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
