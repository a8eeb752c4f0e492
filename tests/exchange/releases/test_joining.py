"""Units joined across suppliers: random worlds against a reading in plain Python, and each rule by hand."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.release import Release, Table
from agreements.worked_out import Number, Value
from exchange.releases.definition import COUNT, SUPPLIER, cell_counts, fields_needed
from exchange.releases.engine import Engine
from exchange.releases.errors import OutsideCategories
from exchange.releases.units import ABSENT, Units
from tests.exchange.releases import joined_world as world
from tests.exchange.releases.joined_naive import read
from tests.exchange.releases.joined_world import CLEVELAND, COURTS, CPS, DURHAM, NAME, PNC, World

MAY = date(2026, 5, 10)


def units(of: World, release: Release | None = None) -> Units:
    return world.units_of(world.relations(of), release or world.release())


def only(of: World, release: Release | None = None) -> dict[str, Any]:
    """The one unit of a world: its codes, its numbers, and who named and sent it."""
    chosen = release or world.release()
    ((codes, days, amount, named, sent),) = world.told(units(of, chosen), chosen).elements()
    return {**dict(codes), "days": days, "amount": amount, "named": named, "sent": sent}


def victim(**told: Any) -> world.Row:
    return {"crime": 1, "report_date": MAY, "kind": "Person", **told}


def charge(**told: Any) -> world.Row:
    return {"crime": 1, "case": 5, "charge_date": date(2026, 5, 20), "disposal": "Charged", **told}


def trial(**told: Any) -> world.Row:
    return {"case": 5, "held_date": date(2026, 6, 1), "result": "Convicted", **told}


# ------------------------------------------------------------------------------------------------------------ any world

# Few things and days, each said often: only rows that meet, and then are alike in part, tell one choice from another.
THING = st.sampled_from([*[1] * 7, 2, 2, None])
DAYS = st.sampled_from([*[MAY] * 16, date(2026, 6, 30), date(2026, 5, 1), date(2026, 4, 30), date(2026, 7, 1), None])
ROWS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "victims": {"crime": THING, PNC: THING, NAME: THING, "report_date": DAYS, "adult": st.none() | st.booleans()}
    | {"kind": st.none() | st.sampled_from(world.KINDS), "age": st.none() | st.integers(17, 18)},
    "charges": {"crime": THING, "case": THING, PNC: THING, NAME: THING, "charge_date": DAYS}
    | {"disposal": st.sampled_from([*world.DISPOSALS, None]), "amount": st.none() | st.integers(1, 3)},
    "trials": {"case": THING, PNC: THING, NAME: THING, "held_date": DAYS}
    | {"result": st.none() | st.sampled_from(world.RESULTS), "video": st.none() | st.booleans()},
    "notes": {"crime": THING, "note_date": DAYS, "note": st.none() | st.just("a note")},
}
WORLDS = st.fixed_dictionaries(
    {
        (name, supplier): st.lists(st.fixed_dictionaries(ROWS[name]), min_size=1, max_size=6)
        for name, suppliers in world.SUPPLIERS.items()
        for supplier in suppliers
    }
)
ALSO = st.sampled_from([(), (), (PNC,), ("people",)])
CHARGES = st.fixed_dictionaries(
    {
        "across": st.just(True),
        "earliest": st.booleans(),
        "also_on": ALSO,
        "then_by": st.sampled_from(["disposal", "disposal", ""]),
        "where": st.sampled_from(
            [(), (), (), (("disposal", ("Charged", "Dropped")),), (("charge_date", ("2026-05",)), ("amount", ("1", "2")))]
        ),
    }
).map(lambda told: {**told, "order": world.RANKED if told["then_by"] else ()})
TRIALS = st.fixed_dictionaries(
    {
        "across": st.just(True),
        "earliest": st.booleans(),
        "also_on": ALSO,
        "where": st.sampled_from([(), (), (("video", ("true",)),), (("result", ("Convicted",)),)]),
    }
)
RELEASES = st.builds(
    lambda charges, trials, notes_of, present, where: world.release(world.lookups(charges, trials, notes_of), present=present, where=where),
    CHARGES,
    TRIALS,
    st.sampled_from(["", "charges"]),
    st.sampled_from([(), ("crime",), ("crime", PNC)]),
    st.sampled_from([(), (), (("kind", ("Person",)),), (("age", ("18",)), ("adult", ("true", "false")))]),
)


@settings(max_examples=30, deadline=None)
@given(of=WORLDS, release=RELEASES, chance=st.randoms(use_true_random=False))
def test_units_are_those_of_a_reading_in_plain_python_whatever_the_order_of_rows(of: World, release: Release, chance: Any) -> None:
    shuffled = {place: chance.sample(list(rows), len(rows)) for place, rows in of.items()}
    assert world.told(units(shuffled, release), release) == read(of, release)


@settings(max_examples=10, deadline=None)
@given(of=WORLDS)
def test_a_unit_is_a_row_of_the_base_however_many_rows_match(of: World) -> None:
    release = world.release(present=())
    rows = [row for supplier in world.SUPPLIERS["victims"] for row in of["victims", supplier] if row["report_date"]]
    inside = [row for row in rows if date(2026, 5, 1) <= row["report_date"] <= date(2026, 6, 30)]
    assert len(units(of, release)) == len(inside)


def within(release: Release) -> Release:
    """The same release where nothing is joined across suppliers: charges and notes of the force's own, and no trials."""
    named = ("charged", "noted", "months", "speed")
    return replace(
        release,
        lookups=tuple(replace(one, across=False, also_on=()) for one in release.lookups if one.dataset != "trials"),
        values=(Value("days_to_trial", Number.DAYS, ("victims.report_date", "charges.charge_date")), world.AMOUNT),
        derived=tuple(one for one in world.DERIVED if one.name in named),
        dimensions=tuple(one for one in release.dimensions if one.name in {*named, "month", "force"}),
        tables=(Table("all", "All", ("month", "force", *named)),),
    )


@settings(max_examples=15, deadline=None)
@given(of=WORLDS, release=RELEASES)
def test_what_joins_nothing_is_counted_alike_in_the_engine_and_unit_by_unit(of: World, release: Release) -> None:
    chosen = within(release)
    counted = Counter[Any]()
    with Engine(memory="500MB") as engine:
        known = {place: engine.register(table) for place, table in world.relations(of).items()}
        for row in engine.run(cell_counts(chosen, world.agreement(), known, world.SPAN)).to_pylist():
            codes = {one.name: f"{row[one.name]:%Y-%m}" if one.name == "month" else row[one.name] for one in chosen.dimensions}
            counted[frozenset(codes.items()), world.SUPPLIERS["victims"][row[SUPPLIER]]] += row[COUNT]
    by_unit = Counter[Any]()
    for unit, count in world.told(units(of, chosen), chosen).items():
        by_unit[unit[0], unit[-1]] += count
    assert counted == by_unit


# ------------------------------------------------------------------------------------------------------------ rule by rule


def test_a_charge_of_another_supplier_is_found_and_both_have_named_the_unit() -> None:
    found = only({("victims", CLEVELAND): [victim()], ("charges", CPS): [charge()], ("trials", COURTS): [trial()]})
    assert (found["charged"], found["group"], found["sent"]) == ("true", "Convicted", CLEVELAND)
    assert found["named"] == {CLEVELAND, CPS, COURTS}


def test_a_lookup_within_the_supplier_finds_no_row_of_another() -> None:
    of = {("victims", CLEVELAND): [victim()], ("notes", DURHAM): [{"crime": 1, "note_date": MAY, "note": "a note"}]}
    assert only(of)["noted"] == "false"
    assert only({**of, ("notes", CLEVELAND): of["notes", DURHAM]})["noted"] == "true"


def test_only_the_supplier_of_the_row_that_was_chosen_has_named_the_unit() -> None:
    later = charge(charge_date=date(2026, 6, 9))
    of = {("victims", CLEVELAND): [victim()], ("charges", CPS): [charge()], ("charges", DURHAM): [later]}
    assert only(of)["named"] == {CLEVELAND, DURHAM}
    assert only(of, world.release(world.lookups({"earliest": True})))["named"] == {CLEVELAND, CPS}


def test_rows_alike_of_two_suppliers_are_those_of_the_one_the_release_names_first() -> None:
    of = {("victims", CLEVELAND): [victim()], ("charges", CPS): [charge()], ("charges", DURHAM): [charge()]}
    assert only(of)["named"] == {CLEVELAND, DURHAM}


@pytest.mark.parametrize(
    ("days", "speed"), [(-1, "Before"), (0, "Up to 10 days"), (10, "Up to 10 days"), (11, "Up to 40 days"), (41, "Longer")]
)
def test_days_are_counted_from_the_first_date_to_the_second_and_may_be_negative(days: int, speed: str) -> None:
    held = trial(held_date=date.fromordinal(MAY.toordinal() + days))
    found = only({("victims", CLEVELAND): [victim()], ("charges", CPS): [charge()], ("trials", CPS): [held]})
    assert (found["days"], found["speed"]) == (days, speed)


def test_without_a_row_to_work_it_out_of_a_unit_has_no_number() -> None:
    found = units({("victims", CLEVELAND): [victim()]})
    assert {name: list(numbers) for name, numbers in found.values.items()} == {"days_to_trial": [ABSENT], "amount": [ABSENT]}


def test_the_person_may_be_asked_for_besides_the_crime() -> None:
    release = world.release(world.lookups({"also_on": ("people",)}))
    of = {
        ("victims", CLEVELAND): [victim(**{PNC: 7, NAME: 8})],
        ("charges", CPS): [charge(**{NAME: 8}), charge(charge_date=date(2026, 6, 9), disposal="Dropped", **{PNC: 9})],
    }
    assert only(of, release)["group"] == "Charged"
    strangers = {**of, ("charges", CPS): [charge(**{PNC: 9, NAME: 9}), charge()]}
    assert only(strangers, release)["charged"] == "false"


def test_rows_that_name_nobody_are_nobodys() -> None:
    release = world.release(world.lookups({"also_on": ("people",)}))
    assert only({("victims", CLEVELAND): [victim()], ("charges", CPS): [charge()]}, release)["charged"] == "false"


def test_one_person_whom_two_charges_name_by_different_keys_is_found_by_both() -> None:
    """The row that was found first is another than the one the trial shares a key with; the person is the same."""
    release = world.release(world.lookups({"also_on": ("people",)}, {"also_on": ("people",)}))
    of = {
        ("victims", CLEVELAND): [victim(**{PNC: 7})],
        ("charges", CPS): [charge(**{PNC: 7, NAME: 8})],
        ("trials", COURTS): [trial(**{NAME: 8}), trial(result="Acquitted", held_date=date(2026, 6, 2), **{NAME: 9})],
    }
    assert only(of, release)["group"] == "Convicted"


def test_what_a_supplier_names_twice_on_a_day_is_one_unit_and_what_two_name_is_two() -> None:
    of = {("victims", CLEVELAND): [victim(), victim(kind="Shop")], ("victims", DURHAM): [victim()]}
    assert Counter(unit[-1] for unit in world.told(units(of), world.release()).elements()) == {CLEVELAND: 1, DURHAM: 1}


def test_a_value_outside_the_categories_is_named_by_dimension_and_number_only() -> None:
    of = {("victims", CLEVELAND): [victim(kind="SECRET"), victim(crime=2)]}
    with pytest.raises(OutsideCategories) as caught:
        units(of)
    assert caught.value.rows == {"group": 1}
    assert "group: fewer than 10 rows" in str(caught.value)  # one would be an outcome
    assert "SECRET" not in str(caught.value)


def test_what_is_read_is_all_that_is_asked_matched_chosen_and_worked_out() -> None:
    release = world.release(
        world.lookups({"also_on": ("people",), "where": (("disposal", ("Charged",)),)}, {"also_on": (PNC,)}), where=(("age", ("18",)),)
    )
    needed = {name: fields_needed(release, world.agreement(), name) for name in world.TYPES}
    assert needed == {
        "victims": {"crime", PNC, NAME, "report_date", "kind", "adult", "age"},
        "charges": {"crime", "case", PNC, NAME, "charge_date", "disposal", "amount"},
        "trials": {"case", PNC, "held_date", "result", "video"},
        "notes": {"crime", "note_date", "note"},
    }
