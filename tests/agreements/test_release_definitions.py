"""The definition language: what a document may say of a release is read into values, and whatever contradicts itself is refused, with its place."""

import copy
import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.changes import Risk
from agreements.cohort import Cohort
from agreements.consistency_cohorts import longest, reach_back
from agreements.definitions_in_words import value_in_words
from agreements.difference import difference
from agreements.document import canonical, read, read_canonical, require_new
from agreements.errors import InvalidDocument
from agreements.model import Agreement
from agreements.periods import Duration, PeriodKind
from agreements.plain_english import describe
from agreements.possible import possible
from agreements.release import Release
from agreements.sources import behind, fields_read, linked_for
from agreements.wording import Conditions
from agreements.worked_out import Number, Show, Where
from tests.agreements import examples, papers
from tests.agreements.papers import Document

Edit = Callable[[Document], object]


def document(name: str) -> Document:
    return tomllib.loads(examples.text(name))


def of(parsed: Document, release: str) -> Any:
    return next(one for one in parsed["releases"] if one["name"] == release)


def edited(name: str, release: str, edit: Callable[[Any], object]) -> Agreement:
    parsed = copy.deepcopy(document(name))
    edit(of(parsed, release))
    return papers.build(parsed)


def release_of(name: str, release: str) -> Release:
    found = examples.agreement(name).release(release)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------------------ what is read


def test_a_cohort_is_read_into_its_values_and_comes_with_no_report() -> None:
    found = release_of("reoffending", "mr1-reoffending")
    assert isinstance(found.cohort, Cohort)
    assert found.cohort.window is PeriodKind.QUARTER
    assert [one.label for one in found.cohort.entries] == ["Release from custody", "Non-custodial conviction", "Caution"]
    [event] = found.cohort.events
    assert (event.within.months, event.proven, event.proven_within and event.proven_within.months, event.before) == (
        12,
        "disposal_date",
        18,
        False,
    )
    assert found.counted == ("prison_movements", "charges")
    assert (
        set(found.linked)
        == set(found.datasets)
        == {"prison_movements", "charges", "yos_interventions", "ecins_cases", "nps_caseload", "crc_caseload"}
    )
    assert not found.known_people
    assert found.by_unit
    assert "linkage-report" not in {table.name for table in found.tables}
    assert (found.cadence, found.wait and found.wait.text, found.provisional) == (PeriodKind.QUARTER, "P18M", None)


def test_rows_that_are_joined_are_read_into_their_values() -> None:
    found = release_of("victims", "mv6-attrition")
    charges, completed, absent, offers = found.lookups
    assert (charges.across, completed.of, completed.across, absent.where) == (
        False,
        "charges",
        True,
        (("attendance", ("Did not attend",)), ("victim", ("true",))),
    )
    assert (offers.also_on, offers.earliest) == (("person",), True)
    assert found.joined == ("progress", "offered")
    assert linked_for(found, "person") == ("victims", "rj_offers")
    assert release_of("effectiveness", "me5-timeliness").values[0].number is Number.DAYS
    assert release_of("effectiveness", "me7-claims").tables[0].show == (Show.SUM, Show.MEAN)
    assert release_of("victims", "mv8-support").values[2].number is Number.CHANGE
    opening = release_of("victims", "mv8-support").values[0]
    assert (opening.sources, opening.beside) == (
        ("support_cases.opening_health", "support_cases.closing_health"),
        ("support_cases.closing_health",),
    )
    assert value_in_words(opening).endswith("support_cases.opening_health; there is none where support_cases.closing_health is missing.")
    [change] = difference(examples.agreement("victims"), edited("victims", "mv8-support", lambda one: one["values"][0].pop("beside")))
    assert "The value opening_health of mv8-support" in change.words
    assert change.risk is Risk.CHANGED


def test_the_order_in_which_conditions_are_written_changes_nothing() -> None:
    def turned(release: Any) -> None:
        release["lookups"][2]["where"] = dict(reversed(release["lookups"][2]["where"].items()))

    assert edited("victims", "mv6-attrition", turned) == examples.agreement("victims")


def test_output_checkers_may_come_from_the_lineage() -> None:
    parsed = document("victims")
    parsed["approvals"]["from_lineage"] = True
    found = papers.build(parsed)
    assert found.approvals.from_lineage
    assert not examples.agreement("victims").approvals.from_lineage
    assert any("every one of these parties supplied data" in line for line in describe(found))
    [change] = [one for one in difference(examples.agreement("victims"), found) if one.clause == "approvals, output checkers"]
    assert change.risk is Risk.NARROWER
    assert read_canonical(canonical(found)) == found


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=4),
        st.lists(st.text("xyz ", min_size=1, max_size=3), min_size=1, max_size=3, unique=True),
        min_size=1,
        max_size=4,
    )
)
def test_a_condition_is_read_in_one_order_whoever_wrote_it(said: dict[str, list[str]]) -> None:
    field: Any = Conditions()
    found: Where = field.deserialize(said)
    assert found == field.deserialize(dict(reversed(said.items())))
    assert dict(found) == {name: tuple(codes) for name, codes in said.items()}


# ------------------------------------------------------------------------------------------------------------ what is refused


def put(place: str, value: Any) -> Edit:
    """Set a member: ``lookups.0.on``."""

    def edit(release: Any) -> None:
        *path, last = [int(one) if one.isdigit() else one for one in place.split(".")]
        for step in path:
            release = release[step]
        release[last] = value

    return edit


def drop(place: str) -> Edit:
    def edit(release: Any) -> None:
        *path, last = [int(one) if one.isdigit() else one for one in place.split(".")]
        for step in path:
            release = release[step]
        del release[last]

    return edit


def add(place: str, value: Any) -> Edit:
    def edit(release: Any) -> None:
        release.setdefault(place, []).append(value)

    return edit


def coarser(release: Any) -> None:
    """A second dimension over a field that another is made from, in a table of its own: the one is the other made coarser."""
    cases = [{"label": "Twice", "when": {"health": ["Better", "Same", "Worse"]}}]
    release["derived"].append({"name": "scored", "cases": cases, "otherwise": "Not twice"})
    release["dimensions"].append(
        {"name": "scored", "title": "Scored", "source": "scored", "categories": ["Twice", "Not twice"], "total": "All"}
    )
    release["tables"].append({"name": "twice", "title": "Twice", "dimensions": ["month", "scored"]})


KINDS = next(json.dumps(one["categories"]) for one in papers.document()["releases"][0]["dimensions"] if one["name"] == "crime_type")
TWICE = {"name": "opening_health", "amount": "support_cases.opening_health", "beside": "support_cases.satisfaction"}
MV6, ME5, ME7, MR1, MV5, MV8 = (
    ("victims", "mv6-attrition"),
    ("effectiveness", "me5-timeliness"),
    ("effectiveness", "me7-claims"),
    ("reoffending", "mr1-reoffending"),
    ("victims", "mv5-repeat"),
    ("victims", "mv8-support"),
)
OPEN = {"dataset": "trials", "on": "case", "latest_by": "listed_date", "across": True}
BANDED = {"name": "b", "value": "offence_to_charge", "bands": [{"label": "x", "up_to": 5}], "beyond": "y", "before": "z", "otherwise": "o"}


@pytest.mark.parametrize(
    ("where", "edit", "said"),
    [
        # rows that count
        (ME5, put("where", {"colour": ["red"]}), r"releases\.me5-timeliness\.where: there is no field “colour” in cps_completed"),
        (ME5, put("where", {"outcome": ["Acquitted by magic"]}), r"“outcome” of cps_completed is never “Acquitted by magic”"),
        (ME5, put("where", {"completion_date": ["2024-01-01"]}), r"is not a field of agreed codes"),
        (ME5, put("where", {"outcome": []}), r"where: each field has a list of at least one code"),
        (ME5, put("where", {}), r"where: must be a table of fields and their codes"),
        (ME5, put("where", {"outcome": ["Convicted", "Convicted"]}), r"a code stands more than once"),
        # lookups
        (MV6, put("lookups.1.of", "witness_days"), r"lookups\.cps_completed\.of: “witness_days” is no lookup named earlier"),
        (MV6, put("lookups.1.of", "victims"), r"lookups\.cps_completed\.of: “victims” is no lookup named earlier"),
        (MV6, put("lookups.1.dataset", "nothing"), r"releases\.mv6-attrition: there is no dataset nothing"),
        (MV6, put("lookups.1.on", "crime"), r"lookups\.cps_completed: there is no field cps_completed\.crime"),
        (MV6, put("lookups.0.on", "report_date"), r"lookups\.charges: there is no field charges\.report_date"),
        (MV6, put("lookups.0.latest_by", "disposal"), r"the latest row is told by a date, and “disposal” is none"),
        (MV6, put("lookups.0.then_by", "nothing"), r"there is no field charges\.nothing"),
        (MV6, drop("lookups.0.order"), r"then_by and order go together"),
        (MV6, put("lookups.1.across", False), r"cps_completed: .*durham-constabulary does not supply cps_completed"),
        (MV6, put("lookups.3.also_on", ["incident"]), r"rj_offers: also_on: “incident” is neither another pseudonym of one kind"),
        (MV6, put("lookups.3.also_on", ["crime"]), r"also_on: “crime” is neither another pseudonym"),
        (MV6, put("lookups.1.also_on", ["person"]), r"also_on: charges and cps_completed takes no part in the linkage “person”"),
        (MV6, put("lookups.3.also_on", ["person", "person"]), r"also_on names one thing more than once"),
        (ME5, add("lookups", {**OPEN, "also_on": ["other"]}), r"also_on: “other” is neither another pseudonym"),
        (MV6, put("lookups.2.where", {"attendance": ["Came late"]}), r"lookups\.witness_days: “attendance” of witness_days is never “Came late”"),
        (MV6, put("lookups.2.where", {"case": ["1"]}), r"“case” of witness_days is not a field of agreed codes"),
        # values
        (ME5, put("values.0.days_between", ["charges.offence_date", "charges.nothing"]), r"values\.offence_to_charge: there is no field “charges\.nothing”"),
        (ME5, put("values.0.days_between", ["charges.offence_group", "charges.charge_date"]), r"dates held to the day, and “charges\.offence_group” is none"),
        (MV6, add("values", {"name": "v", "days_between": ["victims.report_date", "charges.charge_month"]}), r"“charges\.charge_month” is none"),
        (ME7, put("values.0.amount", "legal_aid_claims.stage"), r"an amount is a whole number, and “legal_aid_claims\.stage” is none"),
        (ME7, put("values.0", {"name": "amount", "events": "x"}), r"events are of a cohort"),
        (ME7, put("values.0", {"name": "amount"}), r"needs one of amount, change, days_between and events"),
        (MR1, put("values.0", {"name": "n", "amount": "charges.x"}), r"values\.n: events are of a cohort, and a cohort has no other numbers"),
        (MR1, put("values.0.events", "nothing"), r"values\.reoffences: there is no event “nothing”"),
        (ME7, put("tables.0.of", ["nothing"]), r"tables\.claims\.of: there is no value “nothing”"),
        (ME7, drop("tables.0.show"), r"tables\.claims: of names values, and show which figures"),
        (ME7, drop("tables.0.of"), r"tables\.claims: of names values, and show which figures"),
        (ME7, put("tables.0.show", ["sum", "sum"]), r"tables\.claims\.show: “sum” stands 2 times"),
        (MV8, put("values.0.beside", "support_cases.nothing"), r"values\.opening_health: there is no field “support_cases\.nothing”"),
        (MV8, put("values.0", {**TWICE, "amount": TWICE["beside"]}), r"an amount is a whole number, and “support_cases\.satisfaction” is none"),
        (MV8, put("values.2.beside", "support_cases.closing_health"), r"and beside, if at all, with an amount"),
        (MV8, put("tables.1.of", ["change_health"]), r"“change_health” is a change, which may be less than nought"),
        # derived values
        (ME5, add("derived", {**BANDED, "value": "nothing"}), r"derived\.b: there is no value “nothing”"),
        (ME5, add("derived", {**BANDED, "bands": [{"label": "x", "up_to": 5}, {"label": "y", "up_to": 5}]}), r"derived\.b: the bands must rise"),
        (ME5, add("derived", {**BANDED, "name": "offence_to_charge"}), r"derived: “offence_to_charge” stands 2 times"),
        (ME7, add("derived", {"name": "m", "matched": "legal_aid_claims"}), r"derived\.m: there is no lookup in “legal_aid_claims”"),
        (ME7, add("derived", {"name": "m", "matched": "trials", "otherwise": "x"}), r"or matched alone"),
        (MV6, put("derived.4.cases.0.when", {"offered": ["true"]}), r"derived\.progress: there is no field, and no derived value named earlier, “offered”"),
        (MV6, put("derived.4.cases.0.when", {"progress": ["Convicted"]}), r"no derived value named earlier, “progress”"),
        (MV6, put("derived.4.cases.0.when", {"absent": ["maybe"]}), r"derived\.progress: “absent” is never “maybe”"),
        (MV6, put("derived.4.cases.0.when", {"victims.report_date": ["2024-01"]}), r"“victims\.report_date” is never “2024-01”"),
        (MR1, add("derived", {"name": "m", "first_of": ["attributes.sex"], "otherwise": "x"}), r"of a cohort, derived values are cases, and bands of events"),
        # dimensions
        (MV6, put("dimensions.8.categories", ["Convicted"]), r"dimensions\.progress: “Charged, not completed” is possible, and no category"),
        (ME7, put("dimensions.3.categories", ["true", "false", "perhaps"]), r"dimensions\.tried: “perhaps” can never be"),
        (MR1, put("dimensions.1.source", "cohort.window"), r"the period dimension of a cohort, and only it, is cohort\.window"),
        (MR1, put("dimensions.0.source", "cohort.entry"), r"the period dimension of a cohort, and only it, is cohort\.window"),
        (MR1, put("dimensions.1.source", "supplier"), r"there is no field or derived value “supplier”"),
        (MR1, put("dimensions.1.source", "charges.sex"), r"there is no field or derived value “charges\.sex”"),
        (MR1, put("dimensions.2.source", "events.nothing"), r"there is no field or derived value “events\.nothing”"),
        # terms
        (ME5, put("terms.zeros", "published"), r"me5-timeliness\.terms: what is joined across suppliers"),
        (MR1, put("terms", {"threshold": 10, "zeros": "suppressible", "level": "A"}), r"mr1-reoffending\.terms: what is joined across suppliers"),
        (MV8, put("terms", {"threshold": 10, "zeros": "published", "level": "C", "method": "rounding", "base": 5}), r"the method is suppress"),
        # cohorts
        (MV5, put("base", "victims"), r"mv5-repeat\.base: a cohort is of linked people, and “victims” is no linkage"),
        (MV5, put("cohort.entries.0.dataset", "survey"), r"survey takes no part in the linkage “person”"),
        (MV5, put("cohort.entries.0.date", "outcome_month"), r"cohort\.entries\.0: “outcome_month” of victims is no date held to the day"),
        (MV5, put("cohort.entries.0.date", "nothing"), r"cohort\.entries\.0: there is no field “nothing” in victims"),
        (MV5, put("cohort.entries.0.where", {"victim_kind": ["Ghost"]}), r"cohort\.entries\.0: “victim_kind” of victims is never “Ghost”"),
        (MV5, put("cohort.events.0.differs", ["nothing"]), r"cohort\.events\.earlier: differs: there is no field “nothing”"),
        (MV5, put("cohort.events.0.differs", ["crime", "crime"]), r"differs names one field more than once"),
        (MV5, put("cohort.events.0.within", "P5Y"), r"rows of victims are looked at for .*kept for 3 years"),
        (MV5, put("cohort.events.0.within", "soon"), r"must be an ISO 8601 duration"),
        (MV5, put("present", ["crime"]), r"cohort: entries say who is counted"),
        (MV5, put("cohort.window", "day"), r"must be month, quarter or year"),
        (MR1, put("cohort.events.0.differs", ["disposal"]), r"differs compares with entries of the same dataset, and not all are of charges"),
        (MR1, drop("cohort.events.0.proven_within"), r"proven and proven_within go together"),
        (MR1, put("cohort.events.0.before", True), r"what lies before the entry is not proven after it"),
        (MR1, put("cohort.events.0.proven", "charge_month"), r"“charge_month” of charges is no date held to the day"),
        (MR1, put("cohort.attributes.0.field", "disposal_date"), r"cohort\.attributes\.age: “disposal_date” of charges is not a field of agreed codes"),
        (MR1, put("cohort.attributes.0.field", "nothing"), r"cohort\.attributes\.age: there is no field “nothing” in charges"),
        (MR1, put("cohort.attributes.3.until", "accommodation"), r"cohort\.attributes\.iom: “accommodation” of ecins_cases is no date"),
        (MR1, put("cohort.attributes.3.since", "accommodation"), r"cohort\.attributes\.iom: “accommodation” of ecins_cases is no date"),
        (MR1, put("cohort.attributes.3.otherwise", "true"), r"cohort\.attributes\.iom: otherwise: “true” is said where there is such a row"),
        (MR1, put("cohort.attributes.1.name", "age"), r"cohort\.attributes: “age” stands more than once"),
        (MR1, put("wait", "P17M"), r"mr1-reoffending\.wait: what follows an entry is known 1 year and 6 months after it"),
        (MR1, drop("wait"), r"mr1-reoffending\.wait"),
        (MR1, put("cadence", "month"), r"mr1-reoffending\.cadence: an edition holds whole windows"),
        (MR1, put("wait", "P5Y"), r"cohort: rows of charges are looked at for .* kept for 5 years"),
        (("reoffending", "people-known"), put("where", {"sex": ["Male"]}), r"no where and no values; a cohort may have them"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_its_place(where: tuple[str, str], edit: Edit, said: str) -> None:
    with pytest.raises(InvalidDocument, match=said):
        edited(*where, edit)


def test_what_is_asked_of_new_words_alone_does_not_keep_signed_ones_from_being_opened() -> None:
    """Words that a hub holds, and parties have signed, are read for ever; new ones, however they come, are refused with their place."""
    old = edited(*MV8, coarser)
    assert read_canonical(canonical(old)) == old
    said = r"mv8-support\.dimensions: health and scored are made from one field, and some table is cut by only one of them"
    with pytest.raises(InvalidDocument, match=said):
        require_new(old)
    assert require_new(examples.agreement("victims")) is examples.agreement("victims")
    twice = """[[releases.dimensions]]
name = "kind"
title = "Kind"
source = "crimes.crime_type"
categories = ["Burglary"]
total = "All"

[[releases.tables]]
name = "by-kind"
title = "By kind"
dimensions = ["month", "kind"]

[[releases.tables]]
name = "by-area"
"""
    with pytest.raises(InvalidDocument, match=r"crime_type and kind are made from one field"):
        read(
            papers.text()
            .replace('[[releases.tables]]\nname = "by-area"\n', twice)
            .replace('categories = ["Burglary"]', f"categories = {KINDS}")
        )


def test_the_same_person_is_found_by_one_linkage_in_a_release() -> None:
    parsed = document("victims")
    parsed["linkages"].append({**parsed["linkages"][0], "name": "other"})
    lookups = of(parsed, "mv6-attrition")["lookups"]
    lookups[3]["also_on"] = ["person", "other"]
    with pytest.raises(
        InvalidDocument, match=r"mv6-attrition\.lookups: the same person is found by one linkage, and not by other and person"
    ):
        papers.build(parsed)


def test_victims_and_accused_are_joined_over_all_that_a_cohort_reads() -> None:
    def charges(release: Any) -> None:
        release["cohort"]["events"].append({"name": "accused", "dataset": "charges", "date": "charge_month", "within": "P1M"})

    with pytest.raises(InvalidDocument, match=r"releases\.mv5-repeat\.permission: it joins convicted, suspects, victims"):
        edited(*MV5, charges)


# --------------------------------------------------------------------------------------------------- what is told, and what changes


@pytest.mark.parametrize(
    ("where", "edit", "risk", "clause"),
    [
        (ME5, drop("where"), Risk.WIDER, "definition"),
        (ME5, put("where", {"outcome": ["Convicted"]}), Risk.NARROWER, "definition"),
        (ME5, put("where", {"plea_stage": ["Later"]}), Risk.CHANGED, "definition"),
        (ME5, put("lookups.0.earliest", False), Risk.CHANGED, "definition"),
        (ME7, put("lookups.0.where", {"effectiveness": ["Cracked"]}), Risk.CHANGED, "definition"),
        (ME7, put("tables.0.show", ["sum"]), Risk.NARROWER, "table claims"),
        (ME5, drop("cadence"), Risk.CHANGED, "editions"),
        (MV6, put("provisional", "P6M"), Risk.CHANGED, "editions"),
        (MR1, put("wait", "P19M"), Risk.NARROWER, "wait"),
        (MV5, put("cohort.events.0.within", "P400D"), Risk.WIDER, "definition"),
        (MV5, put("cohort.events.0.within", "P300D"), Risk.NARROWER, "definition"),
        (MV5, put("cohort.events.0.differs", ["crime"]), Risk.CHANGED, "definition"),
        (MR1, put("cohort.attributes.0.otherwise", "Not told"), Risk.CHANGED, "definition"),
        (MR1, drop("cohort.attributes.3.since"), Risk.CHANGED, "definition"),
        (MR1, put("cohort.entries.0.where", {"movement": ["Release"]}), Risk.WIDER, "definition"),
    ],
)
def test_each_change_is_told(where: tuple[str, str], edit: Edit, risk: Risk, clause: str) -> None:
    old, new = examples.agreement(where[0]), edited(*where, edit)
    found = [one for one in difference(old, new) if one.clause == f"release {where[1]}, {clause}"]
    assert risk in {one.risk for one in found}, found
    back = {Risk.WIDER: Risk.NARROWER, Risk.NARROWER: Risk.WIDER}.get(risk, risk)
    assert back in {one.risk for one in difference(new, old) if one.clause == f"release {where[1]}, {clause}"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reoffending", "once in that quarter, from the first day on which they do; coming in again does not start the clock again"),
        ("reoffending", "later than the entry's day and within 1 year after it, and disposal_date within 1 year and 6 months after it"),
        ("reoffending", "if its iom_start_date is there and not after the entry, if its iom_end_date is empty or not before the entry; else “false”"),
        ("reoffending", "No edition is made before 1 year and 6 months after the last day that it counts"),
        ("victims", "that differ from it in crime and incident, with report_date on the entry's day or within 365 days before it"),
        ("victims", "Each row of charges that was found is joined, with rows of whichever supplier of cps_completed"),
        ("victims", "of the same person, as that linkage finds it"),
        ("victims", "An edition is provisional until 1 year after the last day that it counts"),
        ("victims", "progress and offered rest on rows of more than one supplier; what is hidden is hidden from each of them too"),
        ("effectiveness", "figures leave out those below nought"),
        ("effectiveness", "beside each count sum and mean of amount, over those who have it"),
        ("effectiveness", "Only rows where outcome is “Convicted” or “Unsuccessful” or “Administrative” or “Proved in absence” count."),
        ("effectiveness", "An edition is made by itself of every month whose data are complete"),
    ],
)  # fmt: skip
def test_a_definition_is_told_in_words(name: str, words: str) -> None:
    assert any(words in line for line in describe(examples.agreement(name))), words


# ----------------------------------------------------------------------------------------------------------------- what it is made of


def test_what_lies_behind_a_dimension_is_followed_to_the_fields() -> None:
    mv6, mr1, me5 = release_of(*MV6), release_of(*MR1), release_of(*ME5)
    assert set(behind(mv6, "offered")) == {"victims.crime", "rj_offers.crime", "victims.person", "rj_offers.person"}
    assert {"cps_completed.outcome", "victims.outcome_month", "witness_days.case"} <= set(behind(mv6, "progress"))
    assert set(behind(mr1, "events.reoffences")) == {
        "charges.offence_date",
        "charges.disposal_date",
        "charges.recordable",
        "charges.breach",
        "charges.disposal",
    }
    assert behind(mr1, "cohort.window") == behind(mr1, "cohort.entry") == behind(mv6, "supplier") == ()
    assert "ecins_cases.accommodation" in behind(mr1, "home")
    assert set(behind(me5, "offence_to_charge")) == {"charges.offence_date", "charges.charge_date"}


@pytest.mark.parametrize("name", examples.WORKSTREAMS)
def test_every_field_of_every_release_is_an_agreed_one(name: str) -> None:
    found = examples.agreement(name)
    for release in found.releases:
        for dataset in (one for one in found.datasets if one.name in release.datasets):
            read = fields_read(found, release, dataset.name)
            assert dataset.period_field in read
            assert read <= {field.name for field in dataset.fields}, (release.name, dataset.name)


@pytest.mark.parametrize("name", examples.WORKSTREAMS)
def test_a_category_is_always_possible_and_what_is_possible_a_category(name: str) -> None:
    """For whatever is worked out, or comes of a cohort: the shipped agreements are held to it one by one, by the source."""
    found = examples.agreement(name)
    for release in (one for one in found.releases if not one.known_people):
        for one in release.dimensions:
            may = possible(found, release, one.source)
            if one.name != release.period_dimension and may is not None:
                assert {code for code, _ in one.categories} <= set(may), (release.name, one.name)


@given(st.lists(st.integers(1, 40), max_size=5))
def test_the_longest_window_is_no_shorter_than_any(months: list[int]) -> None:
    found = [Duration(f"P{count}M", count, 0) for count in months]
    last = longest(found)
    assert (last.months if last else 0) == max(months, default=0)


def test_of_a_snapshot_only_its_own_day_reaches_back() -> None:
    found = examples.agreement("reoffending")
    cohort = release_of(*MR1).cohort
    assert cohort is not None
    reach = {one.name: reach_back(cohort, one) for one in found.datasets if one.name in cohort.datasets}
    assert {name: one.text if one else None for name, one in reach.items()} == {
        "charges": "P24M",
        "prison_movements": "P1D",
        "nps_caseload": None,
        "crc_caseload": None,
        "yos_interventions": "P12M",
        "ecins_cases": "P2M",
    }
