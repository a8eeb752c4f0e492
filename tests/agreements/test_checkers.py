"""Who checks an edition and withdraws it: what the approvals of an agreement say."""

from dataclasses import replace
from itertools import chain, combinations

import pytest

from agreements.checkers import checkable, checker_of, enough, may_withdraw
from agreements.decisions import Refused
from agreements.lifecycle import State
from agreements.model import Agreement, Approvals, Standing
from agreements.rules import HUB, may_check, may_request
from tests.agreements import papers
from tests.agreements.test_rules import NOW, RELEASE

AGREEMENT = papers.agreement()
LINEAGE = replace(AGREEMENT, approvals=Approvals(2, from_lineage=True))
CLEVELAND, DURHAM, OPERATOR = "cleveland-police", "durham-constabulary", "lcjp-operator"
KEYS = {party: papers.fingerprint(f"{party}/checker") for party in (CLEVELAND, DURHAM, OPERATOR)}


def standing(agreement: Agreement) -> Standing:
    return Standing(agreement, State.IN_FORCE)


def test_a_checker_whose_party_supplied_nothing_of_it_checks_nothing_where_lineage_decides() -> None:
    for suppliers in ({CLEVELAND, DURHAM}, {CLEVELAND, DURHAM, OPERATOR}):
        for party, key in KEYS.items():
            decision = may_check(standing(LINEAGE), RELEASE, key, "", NOW, suppliers)
            assert bool(decision) is (party in suppliers)
            assert may_check(standing(AGREEMENT), RELEASE, key, "", NOW, suppliers)
    refused = may_check(standing(LINEAGE), RELEASE, KEYS[OPERATOR], "", NOW, {CLEVELAND, DURHAM})
    assert isinstance(refused, Refused)
    assert refused.clause == LINEAGE.clause("approvals", "output checkers")
    assert "supplied nothing" in refused.reason


def test_an_edition_of_too_few_parties_can_never_be_checked_where_lineage_decides() -> None:
    for suppliers in chain.from_iterable(combinations(KEYS, size) for size in range(4)):
        assert bool(checkable(LINEAGE, suppliers)) is (len(suppliers) >= 2)
        assert checkable(AGREEMENT, suppliers)
    refused = may_check(standing(LINEAGE), RELEASE, KEYS[CLEVELAND], "", NOW, {CLEVELAND})
    assert isinstance(refused, Refused)
    assert "1 such party has checkers" in refused.reason


def test_enough_counts_one_a_party_where_lineage_decides_and_one_a_person_elsewhere() -> None:
    second = papers.fingerprint("cleveland-police/second")
    parties = tuple(
        replace(party, checkers=(*party.checkers, replace(party.checkers[0], key=second))) if party.id == CLEVELAND else party
        for party in AGREEMENT.parties
    )
    both = [KEYS[CLEVELAND], second]
    assert checker_of(replace(AGREEMENT, parties=parties), second) == CLEVELAND
    assert enough(replace(AGREEMENT, parties=parties), both)
    assert not enough(replace(LINEAGE, parties=parties), both)
    assert enough(replace(LINEAGE, parties=parties), [*both, KEYS[DURHAM]])
    assert not enough(AGREEMENT, [KEYS[CLEVELAND]])


@pytest.mark.parametrize("role", ["checker", "dpo", "signatory"])
def test_those_whom_the_agreement_names_withdraw_whatever_state_it_is_in(role: str) -> None:
    assert may_withdraw(AGREEMENT, papers.fingerprint(f"cleveland-police/{role}"))


@pytest.mark.parametrize(
    "key", ["", HUB, papers.fingerprint("cleveland-police/manifest"), papers.fingerprint("lcjp-performance-team/client")]
)
def test_nobody_else_does(key: str) -> None:
    refused = may_withdraw(AGREEMENT, key)
    assert isinstance(refused, Refused)
    assert refused.remedy


def test_the_hub_asks_for_what_has_a_cadence_and_for_nothing_else() -> None:
    assert isinstance(may_request(standing(AGREEMENT), RELEASE, HUB, NOW), Refused)
    release = AGREEMENT.release(RELEASE)
    assert release is not None
    others = tuple(one for one in AGREEMENT.releases if one.name != RELEASE)
    timed = replace(AGREEMENT, releases=(replace(release, cadence=papers.dataset().period), *others))
    assert may_request(standing(timed), RELEASE, HUB, NOW)
