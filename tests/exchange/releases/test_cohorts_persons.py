"""Whose rows are whose in a cohort: several keys, what named persons said, who has named and sent a unit; and what is worked out, or refused."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from agreements.cohort import Entry
from agreements.linkage import Linkage
from agreements.periods import PeriodKind
from agreements.worked_out import Band, Banded, Case, Cases, Derived, FirstOf, Matched, Number, Value
from exchange.releases.cohorts import cohort_units
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelation, BadRelease, OutsideCategories
from exchange.releases.linking import PERSON, ROW, Override, SourceLinks
from exchange.releases.persons import persons
from tests.exchange.releases.cohort_world import (
    CATEGORIES,
    CLEVELAND,
    COUNCILS,
    DURHAM,
    LINKAGE,
    NAME,
    PNC,
    PRISON,
    VALUES,
    World,
    agreement,
    cohort,
    day,
    months,
    relations,
    release,
    told,
    units,
    units_of,
)

MARCH = months("2024-03")
RELEASE = {"movement": "Release", "movement_date": day("2024-03-10")}
OFFENCE = {
    "offence_date": day("2024-05-01"),
    "disposal": "Convicted",
    "disposal_date": day("2024-06-01"),
    "recordable": True,
    "breach": False,
}
SMALL: World = {
    # One by number; one whose number only the prison has, and whose name the force knows; one whom nobody else knows; one without any key.
    ("prison_movements", PRISON): [{PNC: 1, **RELEASE}, {PNC: 2, NAME: 2, **RELEASE}, {NAME: 3, **RELEASE}, RELEASE],
    ("charges", CLEVELAND): [{NAME: 2, **OFFENCE}, OFFENCE],
    ("charges", DURHAM): [{PNC: 1, **OFFENCE}, {PNC: 1, "offence_date": day("2019-01-01")}],
    # An old case: nothing that counts, and yet a row of the person.
    ("managed", COUNCILS): [{NAME: 3, "start_date": day("2001-01-01")}],
}
ONLY = {name: codes for name, codes in CATEGORIES.items() if name in ("cohort.window", "events.reoffences")}


def few(world: World, *said: Override, derived: tuple[Derived, ...] = (), values: tuple[Value, ...] = (), **sources: Any) -> Counter[Any]:
    """Units of March 2024: whether they reoffended, each further dimension, each value, who named and who sent them."""
    mine = release(cohort(), values, derived, {**ONLY, **sources})
    return Counter(unit[1:] for unit in told(units(world, MARCH, mine, said), MARCH, mine).elements())


def test_a_unit_is_named_by_whoever_has_a_row_of_the_person_and_sent_by_one() -> None:
    assert few(SMALL) == {
        ("true", frozenset({PRISON, DURHAM}), PRISON): 1,
        ("true", frozenset({PRISON, CLEVELAND}), PRISON): 1,
        ("false", frozenset({PRISON, COUNCILS}), PRISON): 1,
    }


def test_what_named_persons_said_of_two_values_holds() -> None:
    def value(number: int) -> bytes:
        return bytes([number] * 16)

    joined = few(SMALL, Override(NAME, value(2), value(3), "join"))
    assert joined == {
        ("true", frozenset({PRISON, DURHAM}), PRISON): 1,
        ("true", frozenset({PRISON, CLEVELAND, COUNCILS}), PRISON): 1,
    }
    parted = few(SMALL, Override(NAME, value(2), value(2), "split"))
    assert parted["false", frozenset({PRISON}), PRISON] == 1


def test_nil_returns_of_everybody_make_no_units() -> None:
    found = units({}, MARCH)
    assert len(found) == 0
    assert found.report is not None
    assert {one.records for one in found.report.sources} == {0}
    assert set(found.places) == {one.name for one in release().dimensions}


def test_people_of_rows_for_others() -> None:
    """Rows of the datasets that were asked for are linked, and no others; each row with a key has its person, by its number."""
    with Engine(memory="500MB") as engine:
        known = {place: engine.register(table) for place, table in relations(SMALL).items()}
        found = persons(engine, agreement(), LINKAGE, known, ("charges", "prison_movements", "charges"))
        people = {place: {row[ROW]: row[PERSON] for row in engine.run(table).to_pylist()} for place, table in found.of.items()}
    assert list(people) == [("charges", CLEVELAND), ("charges", DURHAM), ("prison_movements", PRISON)]
    prison = people["prison_movements", PRISON]
    assert set(prison) == {0, 1, 2}
    assert len(set(prison.values())) == 3
    assert people["charges", CLEVELAND] == {0: prison[1]}
    assert people["charges", DURHAM] == {0: prison[0], 1: prison[0]}
    assert found.report.sources == (
        SourceLinks("charges", CLEVELAND, 2, 1),
        SourceLinks("charges", DURHAM, 2, 2),
        SourceLinks("prison_movements", PRISON, 4, 3),
    )


# ------------------------------------------------------------------------------------------------------------ what is worked out


def test_derived_values_are_made_of_what_lies_beside_the_entry() -> None:
    often = Value("often", Number.EVENTS, ("reoffences",))
    bands = Banded("how_much", "often", (Band("once", 1), Band("twice", 2)), "more", "less", "no number")
    cases = Cases("kind", (Case("managed again", (("attributes.managed", ("true",)), ("how_much", ("once", "twice")))),), "other")
    first = FirstOf("where", ("attributes.home",), "never")
    yes = [{PNC: person, **OFFENCE} for person, times in ((1, 1), (2, 2), (3, 5)) for _ in range(times)]
    world: World = {
        ("prison_movements", PRISON): [{PNC: person, **RELEASE} for person in (1, 2, 3)],
        ("charges", DURHAM): yes,
        ("managed", DURHAM): [{PNC: person, "start_date": day("2024-03-10"), "home": "Settled"} for person in (2, 3)],
    }
    asked = {
        one: tuple((code, code) for code in codes)
        for one, codes in {
            "how_much": ("less", "once", "twice", "more"),
            "kind": ("managed again", "other"),
            "where": ("Settled", "None", "Not known", "never"),
        }.items()
    }
    found = few(world, derived=(bands, cases, first), values=(often,), **asked)
    assert Counter(unit[:5] for unit in found.elements()) == {
        ("true", "once", "other", "Not known", 1): 1,
        ("true", "twice", "managed again", "Settled", 2): 1,
        ("true", "more", "other", "Settled", 5): 1,
    }


def test_a_cohort_may_ask_for_dozens_of_things() -> None:
    """As reoffending by need does: no expression grows with them."""
    whole = cohort()
    dozens = replace(
        whole,
        events=tuple(replace(whole.events[0], name=f"event_{number}") for number in range(8)),
        attributes=tuple(replace(whole.attributes[1], name=f"home_{number}") for number in range(32)),
    )
    sources = {f"events.event_{number}": CATEGORIES["events.reoffences"] for number in range(8)}
    sources |= {f"attributes.home_{number}": CATEGORIES["attributes.home"] for number in range(32)}
    mine = release(dozens, (), (), {"cohort.window": (), **sources})
    world: World = {**SMALL, ("managed", COUNCILS): [{NAME: 3, "start_date": day("2024-03-10"), "home": "None"}]}
    counted = told(units(world, MARCH, mine), MARCH, mine)
    assert Counter(unit[1:41] for unit in counted.elements()) == {
        ("true",) * 8 + ("Not known",) * 32: 2,
        ("false",) * 8 + ("None",) * 32: 1,
    }


# ------------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "value",
    [
        Value("other", Number.AMOUNT, ("managed.needs",)),
        Value("across", Number.DAYS, ("prison_movements.movement_date", "charges.disposal_date")),
        Value("words", Number.AMOUNT, ("charges.age_band",)),
        Value("day", Number.AMOUNT, ("charges.offence_date",)),
        Value("number", Number.DAYS, ("charges.fine", "charges.offence_date")),
        Value("unheard", Number.EVENTS, ("unheard-of",)),
    ],
)
def test_a_number_of_other_rows_or_of_no_number_is_refused(value: Value) -> None:
    with pytest.raises(BadRelease):
        units(SMALL, MARCH, release(cohort(), (value,), (), ONLY))


@pytest.mark.parametrize(
    ("source", "derived"),
    [
        ("found", (Matched("found", "charges"),)),
        ("managed.home", ()),
        ("supplier", ()),
        ("early", (Cases("early", (Case("yes", (("late", ("true",)),)),), "no"), Cases("late", (), "no"))),
    ],
)
def test_dimensions_of_what_a_cohort_has_not_are_refused(source: str, derived: tuple[Derived, ...]) -> None:
    with pytest.raises(BadRelease):
        units(SMALL, MARCH, release(cohort(), (), derived, {**ONLY, source: (("yes", "yes"), ("no", "no"))}))


def test_a_value_that_is_no_category_is_named_by_dimension_and_number_only() -> None:
    home = {PNC: 1, "start_date": day("2024-03-01"), "home": "SECRET"}
    with pytest.raises(OutsideCategories) as caught:
        units({**SMALL, ("managed", COUNCILS): [home]}, MARCH)
    assert caught.value.rows == {"attributes_home": 1}
    assert "SECRET" not in str(caught.value)


def test_rows_that_never_came_are_no_nil_return() -> None:
    held = relations(SMALL)
    del held["managed", COUNCILS]
    with pytest.raises(BadRelation, match="dataset managed of councils is not there"):
        units_of(held, MARCH)
    held = relations(SMALL)
    held["charges", DURHAM] = held["charges", DURHAM].drop_columns(["breach"])
    with pytest.raises(BadRelation, match="dataset charges of durham-constabulary lacks the field breach"):
        units_of(held, MARCH)
    held["charges", DURHAM] = relations(SMALL)["charges", DURHAM].drop_columns([NAME])
    with pytest.raises(BadRelation, match=f"lacks the field {NAME}"):
        units_of(held, MARCH)


def test_what_the_agreement_does_not_have_is_refused() -> None:
    def asked(of: Any = None, **changed: Any) -> None:
        with Engine(memory="500MB") as engine:
            known = {place: engine.register(table) for place, table in relations(SMALL).items()}
            cohort_units(engine, of or release(), replace(agreement(), **changed), known, MARCH)

    with pytest.raises(BadRelease, match="no linkage person"):
        asked(linkages=())
    with pytest.raises(BadRelease, match="no dataset managed"):
        asked(datasets=tuple(one for one in agreement().datasets if one.name != "managed"))
    with pytest.raises(BadRelease, match="has no pseudonym by which person links"):
        asked(linkages=(Linkage("person", "One person", ("person_crn",), (), 500),))
    with pytest.raises(BadRelease, match="disposal is no date"):
        asked(replace(release(), cohort=replace(cohort(), entries=(Entry("In", "charges", "disposal"),))))
    with pytest.raises(BadRelease, match="whole windows"):
        asked(release(cohort(PeriodKind.QUARTER)))
    many = replace(agreement().datasets[0], suppliers=tuple(f"supplier-{number}" for number in range(63)))
    with pytest.raises(BadRelease, match="the most is 62"):
        asked(datasets=(many, *agreement().datasets[1:]))


def test_two_rows_of_a_first_day_are_told_apart_by_what_they_say_and_not_by_where_they_stand() -> None:
    """The fine of the row that comes first by its values is the unit's, whichever force has it, and whatever the order of rows."""

    def fines(rows: Mapping[str, list[int | None]]) -> list[tuple[int | None, str]]:
        world: World = {
            ("charges", supplier): [{PNC: 1, "disposal": "Caution", "disposal_date": day("2024-03-10"), "fine": one} for one in mine]
            for supplier, mine in rows.items()
        }
        mine = release(cohort(), VALUES, (), ONLY)
        return [(unit[4], unit[7]) for unit in told(units(world, MARCH, mine), MARCH, mine)]

    assert fines({DURHAM: [None, 9, 4]}) == fines({DURHAM: [4, None, 9]}) == [(4, DURHAM)]
    assert fines({DURHAM: [4], CLEVELAND: [9]}) == [(9, CLEVELAND)]


def test_types_of_what_comes_out() -> None:
    found = units(SMALL, MARCH)
    columns = [*found.places.values(), *found.values.values(), found.named, found.sent]
    assert {str(column.dtype) for column in columns} == {"int64"}
    assert {len(column) for column in columns} == {3}
    assert pa.array(found.named).null_count == 0
