"""Drafts, advice that changes, what statements stop, and keys that change between versions: nobody slips another's key into new words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.decisions import Refused
from agreements.errors import InvalidStatement
from agreements.items import BY_NAME
from agreements.model import Agreement
from agreements.signing import (
    Capacity,
    Statement,
    Voice,
    advice,
    changed_keys,
    check_statement,
    may_state,
    speaker,
    statement_document,
    suspended,
    unendorsed,
)
from keys.errors import BadSignature
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.agreements import papers

MADE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CLEVELAND, DURHAM, OPERATOR = "cleveland-police", "durham-constabulary", "lcjp-operator"
PARTIES = (CLEVELAND, DURHAM, OPERATOR)
DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY
NUMBERS = count()


@cache
def old() -> Agreement:
    return papers.agreement()


@cache
def newer(*changed: str) -> Agreement:
    """Version 2, in which the cards named (``party/role``) have other keys."""

    def edit(parsed: papers.Document) -> None:
        parsed["agreement"]["version"] = 2
        for place in changed:
            party, role = place.split("/")
            next(one for one in parsed["parties"] if one["id"] == party)[role]["key"] = papers.fingerprint(f"{place} another")

    return papers.edited(edit)


def key_of(agreement: Agreement, party: str, capacity: Capacity = SIGNATORY) -> str:
    return speaker(agreement, party, capacity).key


def said(party: str, voice: Voice, capacity: Capacity = SIGNATORY, *, key: str = "", dataset: str = "") -> Statement:
    return Statement(party, capacity, "Somebody", voice, "", MADE, f"{next(NUMBERS):032x}", dataset, key)


def signed_by(agreement: Agreement, parties: Iterable[str] = PARTIES) -> list[Statement]:
    return [said(party, Voice.SIGN, key=key_of(agreement, party)) for party in parties]


def test_a_version_with_the_same_keys_needs_no_endorsement() -> None:
    assert changed_keys(old(), newer()) == ()
    assert unendorsed(old(), newer(), []) == ()


@pytest.mark.parametrize("role", ["dpo", "signatory"])
def test_two_others_whose_keys_stay_vouch_by_signing_and_one_does_not(role: str) -> None:
    new = newer(f"{CLEVELAND}/{role}")
    assert changed_keys(old(), new) == (CLEVELAND,)
    assert unendorsed(old(), new, signed_by(new, (DURHAM, OPERATOR))) == ()
    assert unendorsed(old(), new, signed_by(new, (DURHAM,))) == (CLEVELAND,)
    assert unendorsed(old(), new, []) == (CLEVELAND,)


def test_a_new_dpo_is_vouched_for_by_the_partys_own_signatory_whose_key_stays() -> None:
    new = newer(f"{CLEVELAND}/dpo")
    assert unendorsed(old(), new, signed_by(new, (CLEVELAND,))) == ()


def test_a_new_signatory_does_not_vouch_for_itself_and_the_old_key_does() -> None:
    new = newer(f"{CLEVELAND}/signatory")
    alone = signed_by(new, (CLEVELAND, DURHAM))
    assert unendorsed(old(), new, alone) == (CLEVELAND,)
    endorsed = said(CLEVELAND, Voice.ENDORSE, key=key_of(old(), CLEVELAND))
    assert unendorsed(old(), new, [*alone, endorsed]) == ()
    for other in (key_of(new, CLEVELAND), key_of(old(), DURHAM), key_of(old(), CLEVELAND, DPO), ""):
        assert unendorsed(old(), new, [*alone, replace(endorsed, key=other)]) == (CLEVELAND,)


def test_parties_whose_own_keys_change_vouch_for_nobody_else() -> None:
    new = newer(f"{CLEVELAND}/signatory", f"{DURHAM}/dpo")
    everyone = signed_by(new)
    # Durham's own signatory vouches for its DPO; for Cleveland's new signatory only the operator's keys have stayed.
    assert unendorsed(old(), new, everyone) == (CLEVELAND,)
    assert unendorsed(old(), new, [*everyone, said(CLEVELAND, Voice.ENDORSE, key=key_of(old(), CLEVELAND))]) == ()


def test_only_signatories_vouch_and_advice_does_not() -> None:
    new = newer(f"{CLEVELAND}/signatory")
    others = [said(party, Voice.ADVISE_FOR, DPO, key=key_of(old(), party, DPO)) for party in PARTIES]
    stops = [said(party, Voice.SUSPEND, key=key_of(old(), party)) for party in PARTIES]
    assert unendorsed(old(), new, [*others, *stops]) == (CLEVELAND,)


@given(
    st.sets(st.sampled_from([f"{party}/{role}" for party in PARTIES for role in ("dpo", "signatory")])),
    st.lists(st.tuples(st.sampled_from(PARTIES), st.sampled_from([Voice.SIGN, Voice.ENDORSE]), st.booleans()), max_size=8),
)
def test_no_statement_takes_an_endorsement_away_and_an_old_key_or_two_others_are_always_needed(
    changed: set[str], spoken: list[tuple[str, Voice, bool]]
) -> None:
    new = newer(*sorted(changed))
    statements = [
        said(party, voice, key=key_of(old() if voice is Voice.ENDORSE and former else new, party)) for party, voice, former in spoken
    ]
    lacking = unendorsed(old(), new, statements)
    assert set(lacking) <= set(changed_keys(old(), new)) == {place.split("/")[0] for place in changed}
    for length in range(len(statements)):
        assert set(unendorsed(old(), new, statements[:length])) >= set(lacking)
    for party in set(changed_keys(old(), new)) - set(lacking):
        with_old_key = any(one.party == party and one.key == key_of(old(), party) for one in statements)
        others = {one.party for one in statements if one.voice is Voice.SIGN and one.party not in changed_keys(old(), new)}
        assert with_old_key or len(others) >= 2


def test_an_endorsement_holds_by_the_key_it_is_signed_with_and_says_which() -> None:
    def verify(signed: Mapping[str, Any], trusted: Any) -> Mapping[str, Any]:
        return verify_document(signed, Use.STATEMENT, trusted)

    key = SigningKey.generate()
    statement = said(CLEVELAND, Voice.ENDORSE)
    signed = sign_document(statement_document(newer(), statement), Use.STATEMENT, key)
    assert check_statement(newer(), signed, verify).key == key.public.fingerprint
    with pytest.raises(BadSignature):
        check_statement(newer(), {**signed, "key": SigningKey.generate().public.fingerprint}, verify)
    by_dpo = sign_document(statement_document(newer(), said(CLEVELAND, Voice.ENDORSE, DPO)), Use.STATEMENT, key)
    with pytest.raises(InvalidStatement, match="a dpo cannot endorse"):
        check_statement(newer(), by_dpo, verify)
    signature = sign_document(statement_document(newer(), said(CLEVELAND, Voice.SIGN)), Use.STATEMENT, key)
    with pytest.raises(BadSignature):  # nothing else is taken from a key that the agreement does not name
        check_statement(newer(), signature, verify)


def test_nothing_is_said_about_a_draft_and_the_missing_items_are_listed() -> None:
    def edit(parsed: papers.Document) -> None:
        del parsed["items"]["children"], parsed["items"]["complaints"]

    draft = papers.edited(edit)
    for voice, capacity in ((Voice.ADVISE_FOR, DPO), (Voice.SIGN, SIGNATORY), (Voice.SUSPEND, DPO)):
        refused = may_state(draft, [], said(CLEVELAND, voice, capacity))
        assert isinstance(refused, Refused)
        assert refused.clause == "LCJP-MV7 version 1, items"
        assert "2 mandatory item(s)" in refused.reason
        assert BY_NAME["children"].title in refused.remedy
        assert BY_NAME["complaints"].title in refused.remedy
        assert BY_NAME["security"].title not in refused.remedy
    assert may_state(old(), [], said(CLEVELAND, Voice.ADVISE_FOR, DPO))


def test_a_dpo_may_advise_otherwise_until_the_signatory_has_signed() -> None:
    first, second = said(CLEVELAND, Voice.ADVISE_FOR, DPO), said(CLEVELAND, Voice.ADVISE_AGAINST, DPO)
    assert may_state(old(), [first], second)
    assert advice([first, second]) == {CLEVELAND: second}
    signed = said(CLEVELAND, Voice.SIGN)
    refused = may_state(old(), [first, signed], second)
    assert isinstance(refused, Refused)
    assert "signed on the advice given before" in refused.reason
    assert may_state(old(), [first, signed], said(DURHAM, Voice.ADVISE_AGAINST, DPO))


def test_what_statements_stop_moves_when_every_suspender_has_resumed_that_very_thing() -> None:
    stop = [said(CLEVELAND, Voice.SUSPEND), said(DURHAM, Voice.SUSPEND, dataset="crimes"), said(CLEVELAND, Voice.SUSPEND, dataset="crimes")]
    assert suspended(stop) == {"", "crimes"}
    after = [*stop, said(CLEVELAND, Voice.RESUME)]
    assert suspended(after) == {"crimes"}
    assert suspended([*after, said(DURHAM, Voice.RESUME, dataset="crimes")]) == {"crimes"}
    assert suspended([*after, said(DURHAM, Voice.RESUME), said(CLEVELAND, Voice.RESUME, dataset="crimes")]) == {"crimes"}
    both = [said(party, Voice.RESUME, dataset="crimes") for party in (CLEVELAND, DURHAM)]
    assert suspended([*after, *both]) == frozenset()
