"""Joins that cannot be made, each refused by name; and hostile words of an agreement, which are only words."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agreements.linkage import Linkage
from agreements.release import Lookup
from agreements.worked_out import Banded, Case, Cases, FirstOf, Matched, MonthsBetween, Number, Value
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelation, BadRelease
from exchange.releases.joining import row_units
from tests.exchange.releases import joined_world as world
from tests.exchange.releases.joined_world import CLEVELAND, COURTS, CPS, DURHAM, NAME, PNC
from tests.exchange.releases.test_joining import charge, only, units, victim

ASKED = [("victims", CLEVELAND, name) for name in ("crime", PNC, NAME, "report_date", "kind", "adult", "age")]
ASKED += [("charges", CPS, name) for name in ("crime", "case", PNC, NAME, "charge_date", "disposal", "amount")]
ASKED += [("trials", COURTS, name) for name in ("case", "held_date", "result", "video")]


@pytest.mark.parametrize(("dataset", "supplier", "field"), ASKED)
def test_a_relation_that_lacks_a_field_is_refused_by_name(dataset: str, supplier: str, field: str) -> None:
    release = world.release(world.lookups({"also_on": ("people",), "then_by": "disposal"}), where=(("age", ("18",)),))
    held = world.relations({})
    whole = held[dataset, supplier]
    assert isinstance(whole, pa.Table)
    with pytest.raises(BadRelation, match=f"dataset {dataset} of {supplier} lacks the field {field}"):
        world.units_of({**held, (dataset, supplier): whole.drop_columns([field])}, release)


@pytest.mark.parametrize("place", [("victims", DURHAM), ("charges", DURHAM), ("trials", COURTS), ("notes", CLEVELAND)])
def test_a_dataset_that_never_came_is_not_a_nil_return(place: tuple[str, str]) -> None:
    held = world.relations({})
    del held[place]
    with pytest.raises(BadRelation, match=f"dataset {place[0]} of {place[1]} is not there"):
        world.units_of(held, world.release())


def test_a_lookup_within_a_supplier_needs_that_supplier_to_deliver_it() -> None:
    within = world.release(world.lookups(trials={"across": False}))
    with pytest.raises(BadRelation, match=f"dataset trials of {CLEVELAND} is not there"):
        units({}, within)


def test_people_must_have_been_linked_where_they_are_asked_for() -> None:
    release = world.release(world.lookups({"also_on": ("people",)}))
    with Engine(memory="500MB") as engine:
        known = {place: engine.register(table) for place, table in world.relations({}).items()}
        with pytest.raises(BadRelease, match="nobody was linked"):
            row_units(engine, release, world.agreement(), known, world.SPAN)
        with pytest.raises(BadRelation, match=f"dataset victims of {CLEVELAND} was not linked"):
            row_units(engine, release, world.agreement(), known, world.SPAN, people={})


def also(*names: str) -> tuple[Lookup, ...]:
    return world.lookups({"also_on": names})


MISMATCHED = replace(world.DAYS, sources=("victims.kind", "trials.held_date"))
WORDS = replace(world.AMOUNT, sources=("charges.disposal",))
WRONG = {
    "read twice": world.release((*world.lookups(), Lookup("notes", "crime", "note_date"))),
    "starts from": world.release(world.lookups(notes_of="later")),
    "most one linkage": world.release(also("people", "others")),
    "names pseudonyms of that dataset": world.release(also("nobody")),
    "between dates": world.release(values=(MISMATCHED, world.AMOUNT)),
    "whole numbers": world.release(values=(world.DAYS, WORDS)),
    "there is no reoffences": world.release(values=(world.DAYS, Value("amount", Number.EVENTS, ("reoffences",)))),
    "there is no value": world.release(values=(world.AMOUNT,)),
    "there is no group": world.release(derived=world.DERIVED[1:]),
    "made from earlier ones": world.release(derived=(Cases("group", (Case("x", (("charged", ("true",)),)),), "y"), *world.DERIVED[1:])),
    "there is no elsewhere found": world.release(derived=(*world.DERIVED[:3], Matched("noted", "elsewhere"), *world.DERIVED[4:])),
    "do not suit": world.release(derived=(FirstOf("group", ("victims.report_date",), "x"), *world.DERIVED[1:])),
    "time is counted": world.release(
        derived=tuple(replace(one, start="victims.kind") if isinstance(one, MonthsBetween) else one for one in world.DERIVED)
    ),
}


@pytest.mark.parametrize("why", WRONG)
def test_a_definition_that_cannot_be_run_is_refused(why: str) -> None:
    with pytest.raises(BadRelease, match=why):
        world.units_of(world.relations({}), WRONG[why])


def test_people_of_two_linkages_are_not_matched_in_one_release() -> None:
    two = replace(world.agreement(), linkages=(world.LINKAGE, Linkage("others", "Others", (NAME,), (), 500)))
    release = world.release(world.lookups({"also_on": ("people",)}, {"also_on": ("others",)}))
    with Engine(memory="500MB") as engine:
        known = {place: engine.register(table) for place, table in world.relations({}).items()}
        with pytest.raises(BadRelease, match="more than one linkage"):
            row_units(engine, release, two, known, world.SPAN, people={})


def test_more_suppliers_than_bits_are_refused() -> None:
    many = tuple(f"force-{number}" for number in range(63))
    crowded = replace(
        world.agreement(),
        datasets=tuple(replace(one, suppliers=many) if one.name == "charges" else one for one in world.agreement().datasets),
    )
    with Engine(memory="500MB") as engine, pytest.raises(BadRelease, match="67 suppliers; the most is 62"):
        row_units(engine, world.release(), crowded, {}, world.SPAN)


HOSTILE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30) | st.sampled_from(
    ["' OR 1=1 --", "'; DROP TABLE relation_0; --", '"', "\\", "$$", "{x}", "%s", "%Y", "a\nb", "\u202e", "-- ", "/*", "?"]
)


@settings(max_examples=15, deadline=None)
@given(word=HOSTILE)
def test_hostile_words_of_an_agreement_are_only_words(word: str) -> None:
    assume(word not in {*world.CATEGORIES["way"], *world.CATEGORIES["speed"], "All", "Total", "Caution", "Charged"})
    derived = tuple(
        replace(one, cases=(Case(word, (("charges.disposal", (word,)),)),), otherwise="other")
        if isinstance(one, Cases)
        else replace(one, otherwise=word)
        if isinstance(one, Banded)
        else replace(one, first_of=("victims.kind",) if one.name == "group" else ("notes.note",))
        if isinstance(one, FirstOf)
        else one
        for one in world.DERIVED
    )
    plain = world.release(
        world.lookups({"where": (("disposal", (word, "Caution")),), "then_by": "disposal", "order": (word,)}),
        derived=derived,
        where=(("kind", ("Person", word)),),
    )
    dimensions = tuple(
        replace(one, categories=(*one.categories, (word, "shown"))) if one.name in {"way", "speed"} else one for one in plain.dimensions
    )
    of = {("victims", CLEVELAND): [victim(kind="Person")], ("charges", CPS): [charge(disposal="Caution"), charge(disposal=word)]}
    found = only({**of, ("victims", DURHAM): [victim(kind="other")]}, replace(plain, dimensions=dimensions))
    assert (found["way"], found["speed"], found["charged"]) == (word, word, "true")
