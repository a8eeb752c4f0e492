"""Why: the explanation is the rule's own answer, check by check, in the agreement's own words; every refusal cites its clause."""

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements import rules
from agreements.decisions import Decision, Refused
from agreements.explain import ABOUT_DATA, Operation, Question, UnclearQuestion, explain
from agreements.lifecycle import State
from agreements.model import Agreement, Standing
from agreements.periods import Period
from agreements.rules import UNKNOWN
from tests.agreements import papers

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
APRIL = Period.parse("2021-04")
CLEVELAND, OPERATOR, TEAM, RELEASE = "cleveland-police", "lcjp-operator", "lcjp-performance-team", "mv7-outcomes"
AGREEMENT = papers.agreement()
STANDING = Standing(AGREEMENT, State.IN_FORCE)
CHECKER = AGREEMENT.parties[0].checkers[0].key
SECOND = papers.edited(lambda one: (one["agreement"].update(version=2), one["datasets"][0].update(retention="P9Y")))


def ask(**members: str) -> Question:
    asked = {"operation": "submit", "party": CLEVELAND, "dataset": "crimes", "period": "2021-04", **members}
    return Question(Operation(asked.pop("operation")), asked.pop("party"), period=Period.parse(asked.pop("period")), **asked)


def test_every_check_is_shown_those_after_the_first_refusal_too() -> None:
    found = explain(Standing(AGREEMENT, State.SUSPENDED), ask(period="2019-01", mode="append"), NOW)
    refused = [check.clause.partition(", ")[2] for check in found.checks if not check.decision]
    assert refused == ["suspension", "dataset crimes, mode", "dataset crimes, period"]
    assert found.decision.clause.endswith("suspension")
    assert [check.clause for check in found.checks][-1].endswith("dataset crimes, retention")


def test_each_check_stands_beside_the_words_it_enforces() -> None:
    english = {check.clause.partition(", ")[2]: check.english for check in explain(STANDING, ask(), NOW).checks}
    assert english["dataset crimes, retention"] == "Kept for 10 years after the end of the period, then destroyed."
    assert english["dataset crimes, suppliers"].startswith("Supplied by Cleveland Police and Durham Constabulary")
    assert "Data from 2021-01 on may be sent." in english["dataset crimes, period"]
    assert english["versions"].startswith("A newer version replaces an older one")
    assert all(english.values())


def test_the_words_for_people_say_yes_or_no_and_quote_a_clause_once() -> None:
    lines = explain(STANDING, ask(period="2019-01"), NOW).lines()
    assert lines[0] == (
        "Refused. LCJP-MV7 version 1, dataset crimes, period: the agreement admits no data from before 2021-01. Send 2021-01 and later."
    )
    assert sum(line.startswith("  NO ") for line in lines) == 1
    assert sum("In force from 1 November 2026 until" in line for line in lines) == 2  # for the term, and again with the period's own words
    assert explain(STANDING, ask(), NOW).lines()[0] == "Allowed, by LCJP-MV7 version 1, dataset crimes, retention."


def test_the_same_in_json() -> None:
    found = explain(STANDING, ask(mode="append"), NOW).as_json()
    assert (found["allowed"], found["clause"]) == (False, "LCJP-MV7 version 1, dataset crimes, mode")
    assert found["remedy"] == "Submit it with mode replace."
    assert [check["allowed"] for check in found["checks"]].count(False) == 1


@pytest.mark.parametrize("operation", list(Operation))
def test_to_a_stranger_it_is_unknown_and_nothing_else_is_said(operation: Operation) -> None:
    question = Question(operation, "stranger", "crimes", APRIL, release=RELEASE, key=CHECKER)
    for standing in (None, STANDING):
        found = explain(standing, question, NOW)
        assert (found.decision, found.checks) == (UNKNOWN, ())


def test_a_party_that_is_no_recipient_learns_nothing_of_who_receives() -> None:
    found = explain(STANDING, Question(Operation.RECEIVE, CLEVELAND, release=RELEASE), NOW)
    assert (found.decision, found.checks) == (UNKNOWN, ())


@pytest.mark.parametrize("operation", list(Operation))
def test_a_question_that_lacks_its_object_is_refused_as_unclear(operation: Operation) -> None:
    with pytest.raises(UnclearQuestion, match="name the"):
        explain(STANDING, Question(operation, CLEVELAND), NOW)


def test_an_older_version_whose_successor_lets_less_through_says_so() -> None:
    replaced = Standing(AGREEMENT, State.IN_FORCE, frozenset(), NOW - timedelta(hours=1), SECOND)
    found = explain(replaced, ask(), NOW)
    assert found.decision.clause.endswith("versions")
    assert "admits less of the dataset crimes" in str(found.decision)


# ------------------------------------------------------------------- one logic, and every refusal cites its clause

STANDINGS = st.builds(
    Standing,
    st.sampled_from([AGREEMENT, SECOND]),
    st.sampled_from([state.value for state in State]),
    st.frozensets(st.sampled_from(["crimes", "outcomes"])),
    st.sampled_from([None, NOW - timedelta(days=2), NOW - timedelta(hours=1)]),
    st.sampled_from([None, SECOND]),
)
QUESTIONS = st.builds(
    Question,
    st.sampled_from(Operation),
    st.sampled_from([CLEVELAND, OPERATOR, TEAM, "stranger"]),
    st.sampled_from(["crimes", "outcomes", "cats"]),
    st.sampled_from([Period.parse(name) for name in ("2021-04", "2020-12", "2021", "2030-01", "2015-06")]),
    st.sampled_from(["", "replace", "append"]),
    st.sampled_from([RELEASE, "nothing"]),
    st.sampled_from([CHECKER, AGREEMENT.recipients[0].client, "ed25519:none"]),
    st.sampled_from(["", CHECKER]),
)
TIMES = st.datetimes(datetime(2026, 10, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def by_rule(standing: Standing, question: Question, now: datetime) -> Decision:
    """What the software itself asks."""
    dataset = standing.agreement.dataset(question.dataset)
    mode = question.mode or (dataset.mode if dataset else "")
    assert question.period is not None
    match question.operation:
        case Operation.SUBMIT:
            return rules.may_submit(standing, question.party, question.dataset, question.period, mode, now)
        case Operation.HOLD:
            return rules.may_hold(standing, question.dataset, question.period, now)
        case Operation.TABULATE:
            return rules.may_tabulate(standing, question.release, now)
        case Operation.REQUEST:
            return rules.may_request(standing, question.release, question.key, now)
        case Operation.CHECK:
            return rules.may_check(standing, question.release, question.key, question.requester, now)
        case Operation.RECEIVE:
            return rules.may_receive(standing, question.release, question.party, now)


@given(STANDINGS, QUESTIONS, TIMES)
def test_what_is_explained_is_what_the_rule_answers(standing: Standing, question: Question, now: datetime) -> None:
    found = explain(standing, question, now)
    if question.party == "stranger":
        assert found.decision == UNKNOWN
        return
    assert found.decision == by_rule(standing, question, now)
    if found.checks:
        refused = [check.decision for check in found.checks if not check.decision]
        assert bool(found.decision) == (not refused)
        assert not refused or found.decision == refused[0]
    assert question.operation in ABOUT_DATA or all(", period" not in check.clause for check in found.checks)


@given(STANDINGS, QUESTIONS, TIMES)
def test_every_refusal_cites_agreement_version_and_clause_or_is_unknown(standing: Standing, question: Question, now: datetime) -> None:
    agreement = standing.agreement
    for decision in (by_rule(standing, question, now), *(check.decision for check in explain(standing, question, now).checks)):
        if isinstance(decision, Refused) and decision != UNKNOWN:
            assert decision.clause.startswith(f"{agreement.reference} version {agreement.version}, "), decision
            assert len(decision.clause.split(", ")) >= 2
            assert decision.reason.endswith("."), decision


ROOT = Path(__file__).parents[2]


def _refusals() -> list[tuple[str, ast.Call]]:
    found = []
    for path in sorted((*(ROOT / "agreements").glob("*.py"), *(ROOT / "exchange").rglob("*.py"), *(ROOT / "adapters").rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                found.append((f"{path.relative_to(ROOT)}:{node.lineno}", node))
    return found


def test_no_refusal_anywhere_is_built_without_a_clause() -> None:
    """Its first argument is a clause that an agreement gave; the few that cite none say that there is no agreement, or no clause."""
    found = _refusals()
    assert len(found) > 30
    for place, call in found:
        first = call.args[0] if call.args else next(one.value for one in call.keywords if one.arg == "clause")
        if isinstance(first, ast.Constant):
            assert first.value in ("no agreement", "no clause"), place
        else:
            assert not isinstance(first, ast.JoinedStr), f"{place}: a clause is made by Agreement.clause"


def test_the_day_it_is_asked_about_is_a_day_in_london() -> None:
    end: Agreement = replace(AGREEMENT, expires=date(2027, 6, 1))
    late = datetime(2027, 5, 31, 23, 30, tzinfo=UTC)  # half past midnight of the first of June, in London
    assert explain(Standing(end, State.IN_FORCE), ask(), late).decision.clause.endswith("term")
