"""Which right reaches which dataset: by the law that governs it, whatever the agreement's state."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.decisions import Allowed, Refused
from agreements.lifecycle import State
from agreements.model import Agreement, Regime, Standing
from agreements.rights import EXCLUDING, FOR_GOOD, LAW, Right, grounds, kinds, may_exercise, reached, recipients
from agreements.rules import UNKNOWN
from tests.agreements.papers import agreement, dataset, edited

CLEVELAND, DURHAM, OPERATOR, KIND = "cleveland-police", "durham-constabulary", "lcjp-operator", "published_crime"
EVER = (State.IN_FORCE, State.SUSPENDED, State.EXPIRED, State.TERMINATED)


def governed(*regimes: str) -> Agreement:
    """Cleveland processes the crimes under these regimes."""

    def edit(parsed: dict[str, Any]) -> None:
        party = next(one for one in parsed["parties"] if one["id"] == CLEVELAND)
        [basis] = party["lawful_bases"]
        party["lawful_bases"] = [{**basis, "regime": regime} for regime in regimes]
        both = {"datasets": ["crimes", "outcomes"], "gateway": "a power, for the test"}
        parsed["crossings"] = [{**both, "from": one, "to": other} for one, other in (("part3", "uk-gdpr"), ("uk-gdpr", "part3"))]

    return edited(edit)


PART_3, UK_GDPR, BOTH = governed("part3"), agreement(), governed("uk-gdpr", "part3")


@given(right=st.sampled_from(Right), words=st.sampled_from([PART_3, UK_GDPR, BOTH]), state=st.sampled_from(EVER))
def test_every_right_but_one_is_there_under_both_laws_in_every_state(right: Right, words: Agreement, state: State) -> None:
    decision = may_exercise(Standing(words, state, frozenset({"crimes"})), CLEVELAND, "crimes", KIND, right)
    if right is Right.OBJECTION and words is PART_3:
        assert isinstance(decision, Refused)
        assert "Part 3" in decision.reason
        assert "section 47" in decision.remedy
        assert decision.clause == words.clause("parties", CLEVELAND, "lawful basis of crimes")
    else:
        assert isinstance(decision, Allowed)
        clause, law = grounds(words, CLEVELAND, "crimes", right)
        assert clause == decision.clause
        assert law


def test_the_law_is_cited_as_it_governs() -> None:
    assert grounds(UK_GDPR, CLEVELAND, "crimes", Right.ERASURE)[1] == "UK GDPR Article 17"
    assert grounds(PART_3, CLEVELAND, "crimes", Right.ACCESS)[1] == "Data Protection Act 2018 section 45"
    assert grounds(BOTH, CLEVELAND, "crimes", Right.RECTIFICATION)[1] == "UK GDPR Article 16 and Data Protection Act 2018 section 46"
    assert grounds(BOTH, CLEVELAND, "crimes", Right.OBJECTION)[1] == "UK GDPR Article 21"
    assert set(LAW) == {(right, regime) for right in Right for regime in Regime} - {(Right.OBJECTION, Regime.PART_3)}


@pytest.mark.parametrize(
    ("party", "name", "kind", "state", "reason"),
    [
        (OPERATOR, "crimes", KIND, State.IN_FORCE, "not a supplier"),
        (CLEVELAND, "nothing", KIND, State.IN_FORCE, "no such dataset"),
        (CLEVELAND, "crimes", "person", State.IN_FORCE, "no pseudonym of this kind"),
        *((CLEVELAND, "crimes", KIND, state, "nothing was ever sent") for state in sorted(set(State) - set(EVER))),
    ],
)
def test_what_is_refused_and_by_which_clause(party: str, name: str, kind: str, state: State, reason: str) -> None:
    decision = may_exercise(Standing(UK_GDPR, state), party, name, kind, Right.ERASURE)
    assert isinstance(decision, Refused)
    assert reason in decision.reason
    assert decision.clause.startswith("LCJP-MV7 version 1, ")
    assert decision.remedy


def test_to_a_stranger_it_is_unknown() -> None:
    assert may_exercise(None, CLEVELAND, "crimes", KIND, Right.ACCESS) is UNKNOWN
    assert may_exercise(Standing(UK_GDPR, State.IN_FORCE), "somebody", "crimes", KIND, Right.ACCESS) is UNKNOWN


def test_what_is_meant_where_nothing_is_named() -> None:
    assert reached(UK_GDPR, CLEVELAND, KIND) == ("crimes", "outcomes")
    assert reached(UK_GDPR, OPERATOR, KIND) == reached(UK_GDPR, CLEVELAND, "person") == ()
    assert kinds(dataset("crimes")) == {"crime": KIND}
    assert recipients([UK_GDPR], ["outcomes"]) == ("lcjp-performance-team",)
    assert recipients([UK_GDPR], ["nothing"]) == recipients([], ["crimes"]) == ()


def test_what_is_for_good_and_what_may_end() -> None:
    assert set(Right) - EXCLUDING == {Right.ACCESS, Right.RECTIFICATION}
    assert set(Right) - FOR_GOOD == {Right.ACCESS, Right.RESTRICTION, Right.OBJECTION}
