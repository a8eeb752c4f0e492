"""A rehearsal: what a new version would have done with what was submitted and published, told by kind and clause."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from agreements.model import Agreement
from agreements.periods import Period
from agreements.rehearsal import TITLES, Kind, Outcome, Published, Rehearsal, Submitted, rehearse
from tests.agreements import papers
from tests.agreements.papers import Document

OLD = papers.agreement()
CLEVELAND, RELEASE = "cleveland-police", "mv7-outcomes"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HELD = Submitted(
    "sub-1", CLEVELAND, "crimes", Period.parse("2021-04"), "replace", 1200, NOW, Outcome.HELD, date(2031, 4, 30), OLD
)  # fmt: skip
MADE = Published("ed-1", RELEASE, "2021-01", "2021-06", "published", OLD)


def second(edit: Callable[[Document], Any]) -> Agreement:
    return papers.edited(lambda one: (one["agreement"].update(version=2), edit(one)))


def field(parsed: Document, name: str) -> Any:
    return next(one for one in parsed["datasets"][0]["fields"] if one["name"] == name)


def played(edit: Callable[[Document], Any], past: Submitted = HELD) -> list[tuple[str, str]]:
    one = rehearse(second(edit), [past], []).submissions[0]
    return [(effect.kind.value, effect.clause.partition(", ")[2]) for effect in one.effects]


def shown(edit: Callable[[Document], Any]) -> list[tuple[str, str]]:
    one = rehearse(second(edit), [], [MADE]).editions[0]
    return [(effect.kind.value, effect.clause.partition(", ")[2]) for effect in one.effects]


def nothing(_: Document) -> None:
    return None


def test_the_same_rules_change_nothing_though_the_version_is_not_in_force() -> None:
    assert played(nothing) == [("unchanged", "dataset crimes, retention")]
    assert played(lambda one: one["agreement"].update(in_force_from=date(2027, 1, 1), review=date(2027, 6, 1)))[0][0] == "unchanged"
    assert shown(nothing) == [("unchanged", f"release {RELEASE}")]


@pytest.mark.parametrize(
    ("edit", "kind", "clause"),
    [
        (lambda one: one["agreement"].update(back_fill_from="2022-01"), "newly-refused", "dataset crimes, period"),
        (lambda one: one["datasets"][0].update(suppliers=["durham-constabulary"]), "newly-refused", "dataset crimes, suppliers"),
        (lambda one: one["datasets"][0].update(mode="append"), "newly-refused", "dataset crimes, mode"),
        (lambda one: one["datasets"][0].update(period="quarter"), "newly-refused", "dataset crimes, period"),
        (lambda one: one["datasets"][0].update(retention="P5Y"), "newly-refused", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(retention="P9Y"), "destroyed-earlier", "dataset crimes, retention"),
        (lambda one: one["datasets"][0].update(retention="P12Y"), "destroyed-later", "dataset crimes, retention"),
        (
            lambda one: one["datasets"][0]["fields"].append({**field(one, "month"), "name": "again"}),
            "lacks-fields",
            "dataset crimes, field again",
        ),
        (lambda one: field(one, "crime").update(may_be_empty=False), "rows-would-tell", "dataset crimes, field crime"),
        (
            lambda one: field(one, "month").update(rule={"keep": {"from": "2021-02-01", "to": "2036-12-01"}}),
            "rows-would-tell",
            "dataset crimes, field month",
        ),
        (lambda one: field(one, "crime_type").update({"from": "offence"}), "rows-would-tell", "dataset crimes, field crime_type"),
    ],
)
def test_what_a_held_submission_would_have_met(edit: Callable[[Document], Any], kind: str, clause: str) -> None:
    assert played(edit) == [(kind, clause)]


def test_a_dataset_that_is_gone_refuses_its_submissions_and_its_editions() -> None:
    def edit(parsed: Document) -> None:
        parsed["releases"], parsed["datasets"] = [], [parsed["datasets"][1]]
        for party in parsed["parties"]:
            party["lawful_bases"][0]["datasets"] = ["outcomes"]

    assert played(edit) == [("newly-refused", "datasets")]
    assert shown(edit) == [("release-gone", "releases")]


def test_a_field_that_lets_more_through_or_is_gone_asks_nothing_of_old_rows() -> None:
    assert played(lambda one: field(one, "month").update(may_be_empty=True))[0][0] == "unchanged"
    assert played(lambda one: field(one, "crime_type")["rule"]["keep"]["values"].append("Piracy"))[0][0] == "unchanged"


def test_a_refusal_is_lifted_where_the_older_words_were_why() -> None:
    early = replace(HELD, period=Period.parse("2019-06"), outcome=Outcome.REFUSED, dispose_on=date(2029, 6, 30))
    assert played(lambda one: one["agreement"].update(back_fill_from="2019-01"), early) == [("newly-accepted", "dataset crimes, retention")]
    assert played(nothing, early)[0][0] == "unchanged"


def test_a_refusal_by_a_fields_rule_is_open_where_that_rule_has_changed() -> None:
    by_rule = replace(HELD, outcome=Outcome.REFUSED, reasons=(OLD.clause("dataset crimes", "field crime_type"),))
    assert played(lambda one: field(one, "crime_type")["rule"]["keep"]["values"].append("Piracy"), by_rule) == [
        ("rows-would-tell", "dataset crimes, field crime_type")
    ]
    assert played(lambda one: field(one, "month").update(may_be_empty=True), by_rule)[0][0] == "unchanged"


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (lambda one: one["releases"].clear(), "release-gone"),
        (lambda one: one["releases"][0]["terms"].update(threshold=5), "shows-more"),
        (lambda one: one["releases"][0]["terms"].update(threshold=20), "shows-less"),
        (lambda one: one["releases"][0]["tables"].pop(), "shows-less"),
        (lambda one: one["releases"][0].update(unit="something else"), "shows-otherwise"),
        (lambda one: one["releases"][0].update(public=True), "other-recipients"),
        (lambda one: one["releases"][0].update(title="Another title"), "unchanged"),
    ],
)
def test_what_a_past_edition_would_have_been(edit: Callable[[Document], Any], kind: str) -> None:
    assert [found for found, _ in shown(edit)] == [kind]


def test_it_is_counted_and_told_in_words() -> None:
    many = [replace(HELD, id=f"sub-{number}") for number in range(12)]
    waiting = replace(HELD, id="sub-w", outcome=Outcome.WAITING)
    found: Rehearsal = rehearse(second(lambda one: one["agreement"].update(back_fill_from="2022-01")), [*many, waiting], [MADE])
    assert found.as_json()["counts"] == {"submissions": {"newly-refused": 13}, "editions": {"unchanged": 1}}
    lines = found.lines()
    assert lines[:3] == [
        "LCJP-MV7 version 2, had it been in force all along:",
        "13 submissions, 1 of them still waiting to be opened.",
        "     13  would have been refused",
    ]
    assert "crimes 2021-04, cleveland-police (sub-0, 1,200 rows): LCJP-MV7 version 2, dataset crimes, period" in lines[3]
    assert "           and 3 more" in lines
    assert set(TITLES) == set(Kind)
