"""Findings: each is told where the words ask for more than a release needs, and not told where they do not."""

from collections.abc import Callable
from typing import Any

import pytest

from agreements.minimisation import findings
from tests.agreements import papers
from tests.agreements.papers import Document

MONTH = {"name": "day", "from": "day", "type": "date", "rule": {"keep": {"from": "2010-01-01", "to": "2036-12-31"}}}
WORDS = {"meaning": "A day.", "reason": "it is needed."}
RETENTION = ["dataset crimes, retention", "dataset outcomes, retention"]


def found(edit: Callable[[Document], Any] = dict) -> list[tuple[str, str]]:
    told = [(one.clause, f"{one.words} {one.remedy}") for one in findings(papers.edited(edit))]
    assert all(words.endswith((".", ").")) for _, words in told)
    return told


def new_field(parsed: Document, **members: Any) -> str:
    parsed["datasets"][0]["fields"].append({**MONTH, **WORDS, **members})
    return str(members.get("name", MONTH["name"]))


def field(parsed: Document, name: str, dataset: int = 0) -> Any:
    return next(one for one in parsed["datasets"][dataset]["fields"] if one["name"] == name)


def test_the_shipped_agreement_asks_for_no_field_or_value_too_much() -> None:
    assert [clause for clause, _ in found()] == RETENTION


def test_retention_that_matches_the_window_is_no_finding() -> None:
    def edit(parsed: Document) -> None:
        for dataset in parsed["datasets"]:
            dataset["retention"] = "P2Y"

    assert found(edit) == []


def test_a_band_that_reaches_further_than_the_rows_are_kept() -> None:
    def edit(parsed: Document) -> None:
        for dataset in parsed["datasets"]:
            dataset["retention"] = "P2Y"
        parsed["datasets"][1]["retention"] = "P6W"

    told = found(edit)
    assert [clause for clause, _ in told] == ["release mv7-outcomes, definition"]
    assert "reaches over 2 months, but outcomes is kept for 42 days" in told[0][1]


@pytest.mark.parametrize(
    ("edit", "clause", "words"),
    [
        (new_field, "dataset crimes, field day", "No release uses day of crimes"),
        (
            lambda one: new_field(one, name="person", type="text", rule={"pseudonymise": "person"}),
            "dataset crimes, field person",
            "never joined on",
        ),
        (lambda one: one["releases"].clear(), "dataset crimes", "No release reads the dataset crimes"),
        (
            lambda one: field(one, "crime_type")["rule"]["keep"]["values"].append("Piracy"),
            "dataset crimes, field crime_type",
            "“Piracy”, which no release names",
        ),
        (
            lambda one: field(one, "last_outcome")["rule"]["map"].update(blank="Nothing"),
            "dataset crimes, field last_outcome",
            "“Nothing”, which no release names",
        ),
        (
            lambda one: field(one, "crime_type").update(rule={"keep": {"pattern": "^[A-Z][a-z -]+$"}}),
            "dataset crimes, field crime_type",
            "lets every value of a form through; releases name only 14 values",
        ),
        (
            lambda one: one["recipients"].append(
                {"id": "press", "name": "Press", "party": "lcjp-operator", "client": papers.fingerprint("press/client")}
            ),
            "recipients, press",
            "receives nothing",
        ),
        (
            lambda one: field(one, "month").update(type="date"),
            "dataset crimes, field month",
            "kept to the day; releases use only its month",
        ),
        (
            lambda one: (
                new_field(one, name="note", type="text", rule={"keep": {"values": ["x"]}}),
                one["releases"][0]["present"].append("note"),
            ),
            "dataset crimes, field note",
            "only whether it is there",
        ),
    ],
)
def test_each_finding(edit: Callable[[Document], Any], clause: str, words: str) -> None:
    assert any(told[0] == clause and words in told[1] for told in found(edit)), found(edit)


def test_a_date_that_orders_rows_is_needed_to_the_day() -> None:
    def edit(parsed: Document) -> None:
        field(parsed, "month", 1)["type"] = "date"

    assert "dataset outcomes, field month" not in [clause for clause, _ in found(edit)]
