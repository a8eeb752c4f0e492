"""Targets of the board and the national baseline: entered by a named person, in the log, strict about what they take."""

import csv
import gzip
import io
import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import func, select

from adapters.national_baseline import NationalBaseline
from exchange.db import reading, writing
from exchange.errors import NotFound, Unacceptable
from exchange.framework import national, targets
from exchange.framework.measures import Direction, National
from exchange.framework.national import COLUMNS, in_unit
from exchange.framework.reading import read_measures
from exchange.framework.tables import NationalRow, TargetRow
from exchange.framework.targets import Wanted
from exchange.log.tables import EntryRow
from exchange.people import people
from tests.exchange.framework.conftest import MEASURES
from tests.exchange.framework.test_figures import CHARGED
from tests.exchange.standing import CLEVELAND, OPERATOR, World

MV7, ME9, MR9 = read_measures(MEASURES)
BY = date(2027, 3, 31)
BOARD = "board of 12 March 2026, item 4"


def someone(world: World, *roles: str, party: str = OPERATOR) -> str:
    with writing(world.hub.engine) as session:
        return people.create(
            session, party=party, name="Frankie Olusanya", position="Analyst", roles=roles, who="hub", now=world.clock()
        ).id


def place(world: World, person: str, value: str | None = "18", by: date | None = BY, figure: str = "", decided: str = BOARD) -> TargetRow:
    with writing(world.hub.engine) as session:
        return targets.place(session, MV7, Wanted(figure, value, by, None, decided), person, world.clock)


def logged(world: World) -> list[tuple[str, str]]:
    with reading(world.hub.engine) as session:
        return [(what, who) for what, who in session.execute(select(EntryRow.what, EntryRow.who).order_by(EntryRow.number)).all()]


@pytest.mark.parametrize("role", ["operator", "analyst"])
def test_a_target_is_entered_and_logged_and_the_newest_counts(world: World, role: str) -> None:
    person = someone(world, role)
    place(world, person)
    world.clock.forward(days=1)
    place(world, person, "19.5")
    with reading(world.hub.engine) as session:
        found = targets.standing(session)
        assert len(targets.history(session)) == 2
    assert set(found) == {("MV7", "charged")}
    one = found["MV7", "charged"]
    assert (one.value, one.by, one.direction, one.decided, one.set_by) == (Fraction(39, 2), BY, Direction.UP, BOARD, "Frankie Olusanya")
    assert logged(world)[-2:] == [("target set", person)] * 2


def test_a_target_is_ended_by_another_entry(world: World) -> None:
    person = someone(world, "operator")
    place(world, person)
    world.clock.forward(days=1)
    place(world, person, None, None)
    with reading(world.hub.engine) as session:
        assert targets.standing(session) == {}
        assert session.execute(select(func.count()).select_from(TargetRow)).scalar_one() == 2
    assert logged(world)[-1][0] == "target ended"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"value": "18"} | {"by": None}, "a value and a day"),
        ({"value": "eighteen"}, "plain number"),
        ({"value": "1e3"}, "plain number"),
        ({"figure": "solved"}, "no such figure"),
        ({"decided": " "}, "a reason is 1 to 500"),
    ],
)
def test_what_is_no_target_is_refused_and_nothing_is_kept(world: World, said: dict[str, str | None], words: str) -> None:
    person = someone(world, "operator")
    before = logged(world)
    with pytest.raises(Unacceptable, match=words):
        place(world, person, **said)  # type: ignore[arg-type]  # what a careless person types
    assert logged(world) == before


@pytest.mark.parametrize("role", ["dpo", "signatory", "checker"])
def test_only_an_operator_or_analyst_may(world: World, role: str) -> None:
    with pytest.raises(Unacceptable, match="operator or an analyst"):
        place(world, someone(world, role, party=CLEVELAND))
    with pytest.raises(NotFound):
        place(world, "per-nobody")


def test_nor_one_who_has_ended(world: World) -> None:
    person = someone(world, "operator")
    with writing(world.hub.engine) as session:
        people.end(session, person, "hub", world.clock())
    with pytest.raises(Unacceptable, match="operator or an analyst"):
        place(world, person)


def test_a_measure_without_a_direction_asks_for_one(world: World) -> None:
    person = someone(world, "operator")
    with writing(world.hub.engine) as session, pytest.raises(Unacceptable, match="no direction"):
        targets.place(session, MR9, Wanted("", "5", BY, None, BOARD), person, world.clock)
    with writing(world.hub.engine) as session:
        assert targets.place(session, MR9, Wanted("", "5", BY, Direction.DOWN, BOARD), person, world.clock).direction == "down"


# ------------------------------------------------------------------------------------------------------ national baseline

SERIES = National("home-office-outcomes", "charged or summonsed", "England and Wales")


def row(**members: str) -> dict[str, str]:
    found = dict.fromkeys(COLUMNS, "") | {
        "publication": SERIES.publication,
        "definition": "tables of March 2019",
        "measure": SERIES.measure,
    }
    found |= {
        "area": SERIES.area,
        "area_kind": "nation",
        "period": "year ending 2019-03",
        "period_start": "2018-04-01",
        "period_end": "2019-03-31",
    }
    return found | {"value": "7.8%", "number": "7.8", "millionths": "7800000", "unit": "percent"} | members


def series(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def enter(world: World, content: bytes, person: str = "") -> tuple[int, int]:
    with writing(world.hub.engine) as session:
        return national.enter(session, content, {SERIES}, person or someone(world, "analyst"), world.clock)


def beside(world: World) -> tuple[national.Beside, ...]:
    with reading(world.hub.engine) as session:
        return national.beside(session, {SERIES})[SERIES]


def test_the_columns_are_those_that_the_adapter_delivers() -> None:
    assert tuple(NationalBaseline.columns) == COLUMNS


def test_figures_that_stand_beside_one_of_ours_are_kept_and_later_ones_take_their_place(world: World) -> None:
    person = someone(world, "analyst")
    earlier = row(period="year ending 2018-03", period_start="2017-04-01", period_end="2018-03-31", number="", marker="[x]", value="[x]")
    assert enter(world, series(row(), earlier, row(area="Wales")), person) == (2, 3)
    assert enter(world, series(row(number="7.9", definition="revised")), person) == (1, 1)
    found = beside(world)
    assert [(one.period, one.value, one.marker, one.definition) for one in found] == [
        ("year ending 2018-03", None, "[x]", "tables of March 2019"),
        ("year ending 2019-03", Fraction(79, 10), "", "revised"),
    ]
    assert logged(world)[-1] == ("national baseline entered", person)


def test_a_real_publication_read_by_the_adapter(world: World, shared_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "proven.csv"
    source.write_bytes(gzip.decompress((shared_data / "moj" / "proven_reoffending_rates.csv.gz").read_bytes()))
    adapter = NationalBaseline()
    batches = list(adapter.texts(source, adapter.headers(source)))
    rows = [{name: text or "" for name, text in one.items()} for batch in batches for one in batch.to_pylist()]
    where = National(rows[0]["publication"], rows[0]["measure"], rows[0]["area"], rows[0]["category"])
    person = someone(world, "analyst")
    with writing(world.hub.engine) as session:
        entered, there = national.enter(session, series(*rows), {where}, person, world.clock)
    assert there == len(rows)
    assert (
        0
        < entered
        == sum(
            tuple(one[name] for name in ("publication", "measure", "area", "category"))
            == (where.publication, where.measure, where.area, where.category)
            for one in rows
        )
    )
    with reading(world.hub.engine) as session:
        found = national.beside(session, {where})[where]
    wanted = next(one for one in rows if one["period"] == found[-1].period and one["category"] == where.category)
    assert found[-1].value == Fraction(wanted["number"])
    assert in_unit(found[-1], CHARGED) == Fraction(wanted["number"]) * 100  # a proportion, beside our per cent


WRONG = {
    "another column": (series(row(), columns=COLUMNS[:-1]), "columns are not those"),
    "no text": (b"\xff\xfe", "not a CSV in UTF-8"),
    "a number that is none": (series(row(number="7,8")), "row 1: number is not"),
    "neither number nor marker": (series(row(), row(number="", period="x")), "row 2: neither"),
    "a day that is none": (series(row(period_end="2019-02-30")), "row 1: period_start"),
    "too long a word": (series(row(unit="x" * 61)), "row 1: unit cannot be kept"),
    "a word that cannot be seen": (series(row(definition="a\u202eb")), "row 1: definition cannot be kept"),
    "twice": (series(row(), row(number="8")), "row 2: this figure stands in the file twice"),
    "a field too few": (series(row()) + b"a,b\n", "row 2: 14 fields"),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_not_the_series_is_refused_whole(world: World, content: bytes, words: str) -> None:
    person = someone(world, "operator")
    with pytest.raises(Unacceptable, match=re.escape(words)):
        enter(world, content, person)
    with reading(world.hub.engine) as session:
        assert session.execute(select(func.count()).select_from(NationalRow)).scalar_one() == 0


def test_units_that_do_not_meet_are_not_turned_into_each_other(world: World) -> None:
    enter(world, series(row(unit="days")))
    assert in_unit(beside(world)[0], CHARGED) is None
