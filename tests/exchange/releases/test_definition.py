"""One test for each trap of the real data, on rows written by hand."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agreements.release import Release
from agreements.worked_out import Case, Cases, Derived, FirstOf, Matched, MonthsBetween
from exchange.releases.errors import BadRelation, BadRelease, OutsideCategories
from exchange.releases.tabulate import tabulate
from tests.exchange.releases import world

DURHAM, CLEVELAND = "durham-constabulary", "cleveland-police"
APRIL = world.periods("2021-04", "2021-04")
PLACE, TYPE = "E01020689", "Burglary"
CHARGED, RESOLVED, NO_SUSPECT = "Suspect charged", "Local resolution", "Investigation complete; no suspect identified"


def counted(relations: world.Relations, *, release: Release | None = None) -> dict[str, dict[tuple[str, ...], str]]:
    """The cells that are not nought and have no total in them, by table."""
    chosen = release or world.release()
    files = tabulate(chosen, world.agreement(), relations, APRIL)
    found = {table.name: world.cells(files, table.name) for table in chosen.tables}
    return {
        name: {codes: count for codes, count in cells.items() if count != "0" and "Total" not in codes} for name, cells in found.items()
    }


def group_of(relations: world.Relations) -> str:
    """The one group in which the one crime stands."""
    return group_of_release(relations, world.release())


def group_of_release(relations: world.Relations, release: Release) -> str:
    """The same of another release."""
    ((codes, count),) = counted(relations, release=release)["by-area"].items()
    assert count == "1"
    return codes[3]


def crime(name: str = "a", month: str = "2021-04", last: str = "") -> world.Crime:
    return (name, month, PLACE, TYPE, last)


def test_an_outcome_row_that_repeats_counts_its_crime_once() -> None:
    assert group_of(world.small([crime()], [("a", "2021-04", CHARGED)] * 3)) == "Charged"


def test_of_outcomes_in_several_months_the_latest_counts() -> None:
    outcomes = [("a", "2021-05", CHARGED), ("a", "2021-07", NO_SUSPECT), ("a", "2021-06", RESOLVED)]
    relations = world.small([crime()], outcomes)
    assert group_of(relations) == "No suspect identified"
    assert counted(relations)["months-to-outcome"] == {(DURHAM, "2021-04", "3 months or more"): "1"}


@pytest.mark.parametrize("turned", [False, True])
def test_of_different_outcomes_in_one_month_the_first_in_the_agreements_order_counts(turned: bool) -> None:
    outcomes = [("a", "2021-05", NO_SUSPECT), ("a", "2021-05", RESOLVED), ("a", "2021-05", "Unable to prosecute suspect")]
    assert group_of(world.small([crime()], outcomes[::-1] if turned else outcomes)) == "Out of court"


def test_without_an_outcomes_row_the_crime_files_own_outcome_counts_and_its_months_are_not_known() -> None:
    relations = world.small([crime(last="Status update unavailable")], [("b", "2021-04", CHARGED)])
    assert group_of(relations) == "Status unavailable"
    assert counted(relations)["months-to-outcome"] == {(DURHAM, "2021-04", "No row among the outcomes"): "1"}


def test_an_outcomes_row_goes_before_the_crime_files_own_outcome() -> None:
    assert group_of(world.small([crime(last="Status update unavailable")], [("a", "2021-04", CHARGED)])) == "Charged"


def test_with_neither_there_is_no_outcome_yet() -> None:
    assert group_of(world.small([crime()], [])) == "No outcome yet"


def test_an_outcome_of_an_earlier_months_crime_makes_no_crime() -> None:
    relations = world.small([crime("old", "2021-03"), crime()], [("old", "2021-04", CHARGED), ("never seen", "2021-04", CHARGED)])
    assert group_of(relations) == "No outcome yet"


def test_a_crime_without_an_id_is_not_counted_and_finds_no_outcome() -> None:
    relations = world.small([crime(), ("", "2021-04", PLACE, "Anti-social behaviour", "")], [("a", "2021-04", RESOLVED)])
    assert group_of(relations) == "Out of court"
    outcomes = relations["outcomes", DURHAM]
    nameless = outcomes.set_column(0, outcomes.schema.field(0), pa.array([None], pa.binary(16)))
    assert group_of({**relations, ("outcomes", DURHAM): nameless}) == "No outcome yet"


def test_an_outcome_dated_before_its_crime_is_counted_apart() -> None:
    found = counted(world.small([crime()], [("a", "2021-03", CHARGED)]))
    assert found["months-to-outcome"] == {(DURHAM, "2021-04", "Dated before the crime"): "1"}


def test_months_are_counted_over_the_end_of_a_year() -> None:
    relations = world.small([crime(month="2020-12")], [("a", "2021-02", CHARGED)])
    files = tabulate(world.release(), world.agreement(), relations, world.periods("2020-12", "2020-12"))
    assert world.cells(files, "months-to-outcome")[DURHAM, "2020-12", "2 months"] == "1"


def test_an_outcome_of_the_other_force_is_not_found() -> None:
    ours, theirs = world.small([crime()], []), world.small([], [("a", "2021-04", CHARGED)], CLEVELAND)
    assert group_of({**ours, ("outcomes", CLEVELAND): theirs["outcomes", CLEVELAND]}) == "No outcome yet"


def test_a_crime_that_both_forces_name_counts_for_each() -> None:
    ours, theirs = world.small([crime()], []), world.small([crime()], [], CLEVELAND)
    both = {**ours, ("crimes", CLEVELAND): theirs["crimes", CLEVELAND]}
    assert {codes[0] for codes in counted(both)["by-area"]} == {DURHAM, CLEVELAND}


@pytest.mark.parametrize("turned", [False, True])
def test_a_crime_that_stands_twice_in_a_month_is_one_crime_whatever_the_order_of_rows(turned: bool) -> None:
    rows = [("a", "2021-04", PLACE, "Robbery", ""), ("a", "2021-04", PLACE, "Burglary", ""), ("a", "2021-04", PLACE, "Burglary", "")]
    found = counted(world.small(rows[::-1] if turned else rows, [("a", "2021-04", CHARGED)]))
    assert found["by-type"] == {(DURHAM, "2021-04", "Burglary", "Charged"): "1"}


def test_places_outside_the_six_and_places_not_known_are_shown_as_such() -> None:
    rows = [("a", "2021-04", "E01028034", TYPE, ""), ("b", "2021-04", "", TYPE, "")]
    assert {codes[1] for codes in counted(world.small(rows, []))["by-area"]} == {"Elsewhere", "Not known"}


def test_the_published_real_traps_are_as_large_as_the_issue_says() -> None:
    """The files still hold what the tests above are for."""
    periods = world.periods("2021-04", "2021-05")
    relations = world.relations(periods)
    outcomes = pa.concat_tables([relations["outcomes", force] for force in world.SUPPLIERS])
    assert outcomes.num_rows - outcomes.group_by(outcomes.column_names).aggregate([]).num_rows > 100
    assert sum(relations["crimes", force]["crime"].null_count for force in world.SUPPLIERS) > 1000
    for force in world.SUPPLIERS:
        ids = relations["crimes", force]["crime"].drop_null()
        assert len(ids.unique()) == len(ids)


def test_a_decrypting_dataset_gives_the_same_bytes_as_a_table_in_any_order_of_rows() -> None:
    relations = world.small([crime("a"), crime("b")], [("a", "2021-04", CHARGED), ("b", "2021-04", RESOLVED), ("b", "2021-05", CHARGED)])
    turned = {place: pads.dataset(table.take(pa.array(range(len(table))[::-1], pa.int64()))) for place, table in relations.items()}
    one, other = (tabulate(world.release(), world.agreement(), given, APRIL) for given in (relations, turned))
    assert one == other


def test_a_value_outside_the_categories_is_named_by_dimension_and_number_only() -> None:
    relations = world.small([crime("a"), crime("b")], [])
    crimes = relations["crimes", DURHAM]
    place = crimes.column_names.index("crime_type")
    secret = crimes.set_column(place, crimes.schema.field(place), pa.array(["SECRET-VALUE", None], pa.string()))
    with pytest.raises(OutsideCategories) as caught:
        counted({**relations, ("crimes", DURHAM): secret})
    assert caught.value.rows == {"crime_type": 2}
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_dataset_that_never_came_is_not_a_nil_return() -> None:
    relations = world.small([crime()], [])
    del relations["outcomes", CLEVELAND]
    with pytest.raises(BadRelation, match="dataset outcomes of cleveland-police is not there"):
        counted(relations)


def test_a_relation_that_lacks_a_field_is_refused_by_name() -> None:
    relations = world.small([crime()], [])
    relations["crimes", DURHAM] = relations["crimes", DURHAM].drop_columns(["authority"])
    with pytest.raises(BadRelation, match="dataset crimes of durham-constabulary lacks the field authority"):
        counted(relations)


@pytest.mark.parametrize(("dataset", "field"), [("crimes", "crime"), ("crimes", "month"), ("outcomes", "outcome")])
def test_a_relation_of_other_types_is_refused_before_a_row_is_read(dataset: str, field: str) -> None:
    relations = world.small([crime()], [("a", "2021-04", CHARGED)])
    table = relations[dataset, DURHAM]
    other = pa.array([b"SECRET"] * len(table), pa.large_binary())
    relations[dataset, DURHAM] = table.set_column(table.column_names.index(field), field, other)
    with pytest.raises(BadRelation, match=f"dataset {dataset} of {DURHAM}: {field} is not of the agreed type"):
        counted(relations)
    with pytest.raises(BadRelation, match="there is no dataset other"):
        counted({("other", DURHAM): table})


@pytest.mark.parametrize(
    "wrong",
    [
        FirstOf("group", ("crimes.month", "crimes.last_outcome"), "none"),
        MonthsBetween("group", "crimes.authority", "crimes.month", (), "b", "c", "d"),
    ],
)
def test_derived_values_of_fields_that_do_not_suit_are_refused(wrong: Derived) -> None:
    release = world.release()
    with pytest.raises(BadRelease):
        counted(world.small([crime()], []), release=replace(release, derived=(wrong, *release.derived[1:])))


def grouped(made: Derived, *earlier: Derived) -> Release:
    """The release whose groups are worked out otherwise, and may be “true”, “false” or “new”."""
    release = world.release()
    codes = (("true", "Yes"), ("false", "No"), ("new", "New"))
    dimensions = tuple(replace(one, categories=codes) if one.name == "group" else one for one in release.dimensions)
    return replace(release, derived=(*earlier, replace(made, name="group"), *release.derived[1:]), dimensions=dimensions)


def test_only_rows_of_which_the_release_asks_are_counted() -> None:
    relations = world.small([crime("a", last="Status update unavailable"), crime("b"), crime("c", last="Under investigation")], [])
    release = replace(world.release(), where=(("last_outcome", ("Status unavailable", "'; --")),))
    assert group_of_release(relations, release) == "Status unavailable"
    assert counted(relations, release=replace(release, where=(("month", ("2021-03",)),)))["by-area"] == {}


def test_a_repeated_crime_is_the_first_of_its_rows_that_count() -> None:
    rows = [("a", "2021-04", PLACE, "Burglary", ""), ("a", "2021-04", PLACE, "Robbery", "")]
    release = replace(world.release(), where=(("crime_type", ("Robbery",)),))
    assert {codes[2] for codes in counted(world.small(rows, []), release=release)["by-type"]} == {"Robbery"}


def test_whether_a_row_was_found_is_said_in_two_words() -> None:
    found = counted(world.small([crime("a"), crime("b")], [("b", "2021-05", CHARGED)]), release=grouped(Matched("", "outcomes")))
    assert {codes[3]: count for codes, count in found["by-area"].items()} == {"true": "1", "false": "1"}


def test_a_case_holds_where_all_it_asks_holds_and_the_first_is_taken() -> None:
    cases = (
        Case("new", (("outcomes.outcome", ("Charged",)), ("outcomes.month", ("2021-05",)))),
        Case("true", (("found", ("true",)), ("crimes.crime_type", (TYPE,)))),
    )
    release = grouped(Cases("", cases, "false"), Matched("found", "outcomes"))
    outcomes = [("a", "2021-05", CHARGED), ("b", "2021-06", CHARGED), ("c", "2021-05", RESOLVED)]
    found = counted(world.small([crime("a"), crime("b"), crime("c"), crime("d")], outcomes), release=release)
    assert {codes[3]: count for codes, count in found["by-area"].items()} == {"new": "1", "true": "2", "false": "1"}


@pytest.mark.parametrize(("earliest", "group"), [(False, "No suspect identified"), (True, "Out of court")])
def test_of_outcomes_the_latest_or_the_earliest_counts_among_those_that_may(earliest: bool, group: str) -> None:
    outcomes = [("a", "2021-05", CHARGED), ("a", "2021-06", RESOLVED), ("a", "2021-07", NO_SUSPECT), ("a", "2021-08", CHARGED)]
    release = world.release()
    (lookup,) = release.lookups
    asked = replace(lookup, earliest=earliest, where=(("outcome", ("Out of court", "No suspect identified")),))
    assert group_of_release(world.small([crime()], outcomes), replace(release, lookups=(asked,))) == group


def test_what_rests_on_rows_of_several_suppliers_is_not_counted_here() -> None:
    release = world.release()
    (lookup,) = release.lookups
    with pytest.raises(BadRelease, match="looked at one by one"):
        counted(world.small([], []), release=replace(release, lookups=(replace(lookup, across=True),)))


def test_one_dataset_cannot_be_looked_up_twice() -> None:
    release = world.release()
    with pytest.raises(BadRelease, match="read twice"):
        counted(world.small([], []), release=replace(release, lookups=release.lookups * 2))


HOSTILE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30) | st.sampled_from(
    ["' OR 1=1 --", "'; DROP TABLE relation_0; --", '"', "\\", "$$", "{x}", "%s", "a\nb", "\u202e", "-- ", "/*", "?"]
)


@settings(max_examples=25)
@given(label=HOSTILE)
def test_hostile_words_of_an_agreement_are_only_words(label: str) -> None:
    assume(label not in {*world.GROUPS, "Total"})
    release = world.release()
    derived = tuple(replace(value, otherwise=label) if isinstance(value, FirstOf) else value for value in release.derived)
    (lookup,) = release.lookups
    dimensions = tuple(
        replace(dimension, categories=(*dimension.categories[:-1], (label, "shown"))) if dimension.name == "group" else dimension
        for dimension in release.dimensions
    )
    hostile = replace(release, derived=derived, dimensions=dimensions, lookups=(replace(lookup, order=(label, *lookup.order)),))
    files = tabulate(hostile, world.agreement(), world.small([crime("a"), crime("b")], [("b", "2021-04", CHARGED)]), APRIL)
    found = world.cells(files, "by-area")
    assert found[DURHAM, "Total", "2021-04", label] == "1"
    assert found[DURHAM, "Total", "2021-04", "Charged"] == "1"
