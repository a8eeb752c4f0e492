"""How an agreement says which records are one person's: what it may say, in what words people read it, and what changes from version to version."""

import hashlib
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.carrying import may_reach
from agreements.changes import Risk
from agreements.decisions import Refused
from agreements.difference import difference, narrower
from agreements.difference_linkages import links_more
from agreements.document import canonical, read_canonical
from agreements.errors import InvalidDocument
from agreements.explain import english
from agreements.lifecycle import State
from agreements.linkage import Linkage
from agreements.linked import BY_HAND, REPORT, bands, keys, taking_part
from agreements.minimisation import findings
from agreements.model import Agreement, Standing
from agreements.plain_english import describe
from agreements.rehearsal import Kind, Published, rehearse
from agreements.rules import may_tabulate
from tests.agreements import examples, papers

Document = dict[str, Any]
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NAMES = ("effectiveness", "reoffending", "victims")


def document(name: str = "victims") -> Document:
    return tomllib.loads(examples.text(name))


def edited(edit: Callable[[Document], object], name: str = "victims") -> Agreement:
    parsed = document(name)
    edit(parsed)
    return papers.build(parsed)


def people(parsed: Document) -> Document:
    """The release that counts people."""
    [found] = [one for one in parsed["releases"] if one["name"] == "people-known"]
    return found  # type: ignore[no-any-return]


def dimension(parsed: Document, name: str) -> Document:
    [found] = [one for one in people(parsed)["dimensions"] if one["name"] == name]
    return found  # type: ignore[no-any-return]


def of_person(found: Agreement) -> Linkage:
    linkage = found.linkage("person")
    assert linkage is not None
    return linkage


# ------------------------------------------------------------------------------------------------------------ what it says


def test_an_agreement_without_linkages_is_what_it_was() -> None:
    found = papers.agreement()
    assert found.linkages == ()
    assert "linkages" not in found.document
    assert found.digest == "sha256:" + hashlib.sha256(canonical(found)).hexdigest()
    assert all(release.linked == () and release.counted == (release.base,) for release in found.releases)


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_with_a_key_is_linked_and_read_by_the_release_that_counts_people(name: str) -> None:
    found = examples.agreement(name)
    linkage = of_person(found)
    linked = [one.name for one in taking_part(linkage, found.datasets)]
    assert linked == [one.name for one in found.datasets if any(field.name in linkage.rules for field in one.fields)]
    release = found.release("people-known")
    assert release is not None
    assert release.datasets == release.counted == release.linked == tuple(linked)
    assert all(
        keys(linkage, dataset) == {kind: kind for kind in keys(linkage, dataset)} for dataset in found.datasets
    )  # fields are called so
    assert read_canonical(canonical(found)) == found


def test_the_report_comes_with_the_release_and_names_every_source_and_rule() -> None:
    found = examples.agreement("victims")
    release = found.release("people-known")
    assert release is not None
    assert release.tables[-1].name == REPORT
    source, rule = (dict(release.dimension(name).categories) for name in release.tables[-1].dimensions)
    assert source["victims/cleveland-police"] == "victims, Cleveland"
    assert len(source) == 4
    assert list(rule) == [BY_HAND, *of_person(found).rules]
    assert REPORT not in str(found.document)


def test_a_suspended_dataset_stops_the_release_that_links_it() -> None:
    found = examples.agreement("victims")
    assert may_tabulate(Standing(found, State.IN_FORCE), "people-known", NOW)
    stopped = may_tabulate(Standing(found, State.IN_FORCE, suspended=frozenset({"rj_offers"})), "people-known", NOW)
    assert isinstance(stopped, Refused)
    assert "rj_offers" in stopped.reason
    assert may_tabulate(Standing(found, State.IN_FORCE, suspended=frozenset({"survey"})), "people-known", NOW)


# ------------------------------------------------------------------------------------------------------------ what it may not say


def linkage(**members: Any) -> Callable[[Document], object]:
    return lambda parsed: parsed["linkages"][0].update(members)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (linkage(rules=["person_pnc"]), "no dataset has a pseudonym of kind person_pnc"),
        (linkage(single=["person_nhs"]), "no dataset has a pseudonym of kind person_nhs"),
        (linkage(rules=["person_name_dob", "person_name_dob"]), "names person_name_dob more than once"),
        (linkage(name="victims"), "a linkage needs a name that no dataset has"),
        (linkage(name="records"), "a linkage needs a name that no dataset has"),
        (linkage(rules=["crime", "person_name_dob"]), "it links convicted, suspects, victims, witnesses, and names no permission"),
        (linkage(permission="nobody-gave-it"), "there is no permission"),
        (linkage(most=1), "linkages.0.most"),
        (linkage(rules=[]), "linkages.0.rules"),
        (linkage(about="x"), "linkages.0.about"),
        (lambda parsed: parsed["linkages"].append(dict(parsed["linkages"][0])), "stands more than once"),
        (lambda parsed: parsed["datasets"][0]["fields"].append({**parsed["datasets"][0]["fields"][2], "name": "other_person"}), "several fields of kind"),
        (lambda parsed: people(parsed).update(present=["crime"]), "no present fields, lookups or derived values"),
        (lambda parsed: people(parsed).update(base="nobody"), "there is no dataset nobody"),
        (lambda parsed: people(parsed).update(terms={"threshold": 10, "zeros": "published", "level": "C"}), "noughts are suppressible"),
        (lambda parsed: people(parsed).update(terms={"threshold": 10, "zeros": "suppressible", "level": "A"}), "the level is B"),
        (lambda parsed: dimension(parsed, "month").update(source="victims.report_date"), "there is no field or derived value"),
        (lambda parsed: dimension(parsed, "month").update(source="person.sources"), "the period dimension, and only it, is person.first_month"),
        (lambda parsed: dimension(parsed, "known_to").update(source="person.survey"), "there is no field or derived value"),
        (lambda parsed: dimension(parsed, "known_to").update(source="person.victims"), "the categories are true and false"),
        (lambda parsed: dimension(parsed, "known_to").update(source="person.victims"), "one is cut by the period and by person.sources alone"),
        (lambda parsed: dimension(parsed, "known_to").update(categories=["1", "2"], labels={}), "must hold every number from 1 to 3 once"),
        (lambda parsed: dimension(parsed, "known_to").update(categories=["1-2", "2+"], labels={}), "must hold every number from 1 to 3 once"),
        (lambda parsed: dimension(parsed, "known_to").update(categories=["1", "2+", "4"], labels={}), "must hold every number from 1 to 3 once"),
        (lambda parsed: dimension(parsed, "known_to").update(categories=["one", "2+"], labels={}), "must hold every number from 1 to 3 once"),
        (lambda parsed: dimension(parsed, "known_to").update(name="source"), "“source” stands 2 times"),
        (lambda parsed: people(parsed)["tables"][0].update(dimensions=["known_to"]), "every table is cut by the period dimension"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_by_its_place(edit: Callable[[Document], object], said: str) -> None:
    parsed = document()
    edit(parsed)
    with pytest.raises(InvalidDocument) as refused:
        papers.build(parsed)
    assert any(said in line or line.startswith(said) for line in refused.value.problems), refused.value.problems


def test_people_harmed_and_accused_are_linked_by_a_permission_that_both_the_linkage_and_the_release_name() -> None:
    def permit(parsed: Document) -> None:
        parsed["linkages"][0].update(rules=["crime", "person_name_dob"], permission="attrition")
        # “attrition” does not speak of witnesses, whom this would join as well.
        parsed["permissions"][0]["joins"] = ["victims", "witnesses", "suspects", "convicted"]
        dimension(parsed, "known_to").update(categories=["1", "2+"], labels={})

    with pytest.raises(InvalidDocument, match=r"releases\.people-known\.permission"):
        edited(permit)

    def both(parsed: Document) -> None:
        permit(parsed)
        people(parsed)["permission"] = "attrition"

    assert of_person(edited(both)).permission == "attrition"
    assert any("Links victims, witnesses, suspects and convicted by the permission “attrition”." in line for line in describe(edited(both)))


@given(st.integers(1, 8), st.data())
def test_bands_that_hold_every_number_once_are_taken_whatever_way_they_are_cut(most: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(2, most)))) if most > 1 else []
    starts = [1, *cuts]
    ends = [*(cut - 1 for cut in cuts), most]
    codes = [str(low) if low == high else f"{low}-{high}" for low, high in zip(starts, ends, strict=True)]
    open_ended = [*codes[:-1], f"{starts[-1]}+"]
    for told in (codes, open_ended):
        held = [number for band in bands(told).values() for number in band if number <= most]
        assert held == list(range(1, most + 1))


# ------------------------------------------------------------------------------------------------------------ in words, and compared


def test_people_read_what_is_linked_by_what_in_what_order_and_what_stops_it() -> None:
    words = "\n".join(describe(examples.agreement("reoffending")))
    assert (
        "Records of charges, prison_movements, nps_caseload, crc_caseload, yos_interventions and ecins_cases are taken for one person's"
        in words
    )
    assert "Looked at in this order: person_pnc, then person_cro, then person_noms" in words
    assert "One person has one person_pnc and one person_cro" in words
    assert "more than 500 records is too common" in words
    assert "Counts people, as the linkage “person” makes them" in words
    assert "more than 500 records" in english(examples.agreement("reoffending"), "linkage person, most")


@pytest.mark.parametrize(
    ("edit", "risk", "said"),
    [
        (
            lambda one: one["rules"].remove("person_sound_dob"),
            Risk.NARROWER,
            "person_sound_dob, as a kind by which person links, is removed.",
        ),
        (lambda one: one["single"].append("person_name_dob"), Risk.NARROWER, "Two values of person_name_dob stop a link of person"),
        (lambda one: one.update(most=300), Risk.WIDER, "The number of records that person may link as one person's grows."),
        (lambda one: one.update(most=100), Risk.NARROWER, "falls"),
        (lambda one: one["rules"].reverse(), Risk.CHANGED, "The order of the rules of person changes."),
        (lambda one: one.update(title="A person"), Risk.WORDS, "The title of person changes."),
    ],
)
def test_what_changes_in_a_linkage_is_told_by_what_it_means(edit: Callable[[Document], object], risk: Risk, said: str) -> None:
    old, new = examples.agreement("victims"), edited(lambda parsed: edit(parsed["linkages"][0]))
    assert any(one.risk is risk and said in one.words for one in difference(old, new)), difference(old, new)
    told_back = {Risk.WIDER: Risk.NARROWER, Risk.NARROWER: Risk.WIDER}.get(risk, risk)
    assert any(one.risk is told_back for one in difference(new, old))


def test_a_linkage_and_a_dataset_that_it_links_are_wider_when_they_come() -> None:
    def unlinked(parsed: Document) -> None:
        parsed.pop("linkages")
        parsed["releases"] = [one for one in parsed["releases"] if one["base"] != "person" and one["name"] != "mv6-attrition"]
        parsed["permissions"] = []

    without = edited(unlinked)
    added = difference(without, examples.agreement("victims"))
    assert any(one.risk is Risk.WIDER and one.words == "The linkage person is added." for one in added)

    def keyless(parsed: Document) -> None:
        [offers] = [one for one in parsed["datasets"] if one["name"] == "rj_offers"]
        offers["fields"] = [one for one in offers["fields"] if not one["name"].startswith("person_")]
        [joined] = [one for one in parsed["releases"] if one["name"] == "mv6-attrition"]
        [lookup] = [one for one in joined["lookups"] if one["dataset"] == "rj_offers"]
        del lookup["also_on"]
        dimension(parsed, "known_to").update(categories=["1", "2"], labels={})

    added = difference(edited(keyless), examples.agreement("victims"))
    assert any(one.risk is Risk.WIDER and "dataset rj_offers, as one whose records person links" in one.words for one in added)
    # What may be sent does not depend on what is linked at the hub.
    assert not narrower(examples.agreement("victims"), edited(linkage(most=100)), "victims")


def test_links_more_holds_whenever_a_rule_comes_moves_or_a_stop_goes() -> None:
    old = Linkage("person", "One", ("a", "b"), ("a",), 10)
    more = [
        Linkage("person", "One", *rest)
        for rest in ((("a", "b", "c"), ("a",), 10), (("b", "a"), ("a",), 10), (("a", "b"), (), 10), (("a", "b"), ("a",), 11))
    ]
    fewer = [
        Linkage("person", "One", *rest)
        for rest in ((("a",), ("a",), 10), (("a", "b"), ("a", "b"), 10), (("a", "b"), ("a",), 9), (("a", "b"), ("a",), 10))
    ]
    assert all(links_more(old, new) for new in more)
    assert not any(links_more(old, new) for new in fewer)


def test_rows_sent_under_an_earlier_version_are_not_linked_in_a_way_that_it_did_not_have() -> None:
    def second(**members: Any) -> Agreement:
        return edited(lambda parsed: [parsed["agreement"].update(version=2), linkage(**members)(parsed)])

    old = examples.agreement("victims")

    def reaches(new: Agreement) -> Any:
        release = new.release("people-known")
        assert release is not None
        return may_reach(old, new, release)

    assert reaches(second())
    assert reaches(second(most=100))
    refused = reaches(second(most=1000))
    assert isinstance(refused, Refused)
    assert "this way of linking people" in refused.reason


@pytest.mark.parametrize("name", NAMES)
def test_keys_that_link_are_needed(name: str) -> None:
    linked = {f"dataset {dataset.name}, field {field}" for agreement in [examples.agreement(name)] for dataset in agreement.datasets
              for field in keys(of_person(agreement), dataset).values()}  # fmt: skip
    assert linked
    assert not linked & {one.clause for one in findings(examples.agreement(name))}


def test_a_rehearsal_says_that_people_would_be_linked_otherwise() -> None:
    old = examples.agreement("victims")
    made = Published("ed-1", "people-known", "2026-07", "2026-07", "published", old)
    effects = rehearse(edited(linkage(most=100)), (), (made,)).editions[0].effects
    assert [(one.kind, "falls" in one.words) for one in effects] == [(Kind.OTHER, True)]
    [same] = rehearse(edited(lambda parsed: parsed["agreement"].update(title="Other words")), (), (made,)).editions[0].effects
    assert same.kind is Kind.UNCHANGED
