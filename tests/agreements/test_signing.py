"""Advice and signatures with real keys: nobody speaks for another party, twice, or about other words."""

import copy
import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agreements.decisions import Refused
from agreements.document import fill, placeholders, read, read_canonical
from agreements.errors import InvalidStatement
from agreements.model import Agreement
from agreements.signing import (
    MAY_SAY,
    Capacity,
    Statement,
    Voice,
    check_statement,
    may_state,
    progress,
    role_of,
    speaker,
    statement_document,
    unsigned,
)
from keys.errors import KeysError
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.agreements import papers

MADE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CLEVELAND, DURHAM = "cleveland-police", "durham-constabulary"
NONCES = iter(f"{number:032x}" for number in range(10_000))


@functools.cache
def keys() -> dict[str, SigningKey]:
    cards = [card for card in placeholders(papers.TEMPLATE.read_text(encoding="utf-8")) if not card.endswith("/encryption")]
    return {card: SigningKey.from_seed(number.to_bytes(32, "big")) for number, card in enumerate(cards, 1)}


@functools.cache
def agreement(version: int = 1) -> Agreement:
    template = papers.TEMPLATE.read_text(encoding="utf-8").replace("version = 1\n", f"version = {version}\n", 1)
    fingerprints = {card: key.public.fingerprint for card, key in keys().items()}
    encryption = {card: papers.fingerprint(card) for card in placeholders(template) if card.endswith("/encryption")}
    return read(fill(template, {**fingerprints, **encryption}))


def verify(signed: Mapping[str, Any], trusted: Collection[str]) -> Mapping[str, Any]:
    return verify_document(signed, Use.STATEMENT, trusted)


def said(party: str = CLEVELAND, capacity: Capacity = Capacity.SIGNATORY, voice: Voice = Voice.SIGN, **other: Any) -> Statement:
    person = speaker(agreement(), party, capacity).name
    return replace(Statement(party, capacity, person, voice, "", MADE, next(NONCES)), **other)


def signed(
    statement: Statement, key: str = "", *, about: Agreement | None = None, use: Use = Use.STATEMENT, **members: Any
) -> dict[str, Any]:
    document = {**statement_document(about or agreement(), statement), **members}
    return sign_document(document, use, keys()[key or f"{statement.party}/{statement.capacity}"])


def everyone() -> list[dict[str, Any]]:
    spoken = ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN))
    return [signed(said(party.id, capacity, voice)) for party in agreement().parties for capacity, voice in spoken]


def test_what_the_named_person_signs_binds() -> None:
    statement = said()
    assert check_statement(agreement(), signed(statement), verify) == statement


@pytest.mark.parametrize("voice", Voice)
@pytest.mark.parametrize("capacity", Capacity)
def test_each_says_only_what_is_theirs_to_say(capacity: Capacity, voice: Voice) -> None:
    statement = said(capacity=capacity, voice=voice)
    if voice in MAY_SAY[capacity]:
        assert check_statement(agreement(), signed(statement), verify) == statement
    else:
        with pytest.raises(InvalidStatement, match="cannot"):
            check_statement(agreement(), signed(statement), verify)


def test_a_dpo_advises_and_may_suspend_but_neither_signs_nor_ends_nor_resumes() -> None:
    assert MAY_SAY[Capacity.DPO] == {Voice.ADVISE_FOR, Voice.ADVISE_AGAINST, Voice.SUSPEND}


@pytest.mark.parametrize(
    "key", ["durham-constabulary/signatory", "lcjp-operator/signatory", "cleveland-police/dpo", "cleveland-police/manifest"]
)
def test_nobody_signs_for_another(key: str) -> None:
    with pytest.raises(KeysError):
        check_statement(agreement(), signed(said(), key), verify)


def test_a_statement_for_another_use_does_not_bind() -> None:
    with pytest.raises(KeysError):
        check_statement(agreement(), signed(said(), use=Use.MANIFEST), verify)


def test_a_statement_about_an_old_version_or_other_words_does_not_bind() -> None:
    old = signed(said(), about=agreement(1))
    with pytest.raises(InvalidStatement, match="other words"):
        check_statement(agreement(2), old, verify)
    words = papers.plain(agreement().document)
    words["agreement"]["purpose"] += " And another."
    other = read_canonical(papers.canonical(words))
    with pytest.raises(InvalidStatement, match="other words"):
        check_statement(other, old, verify)


@pytest.mark.parametrize(
    "members",
    [
        {"person": "Somebody Else"},
        {"party": "nobody"},
        {"role": "king"},
        {"role": "dpo"},
        {"decision": "approve"},
        {"made": "yesterday"},
        {"made": "2026-11-22T10:30:00+01:00"},
        {"made": "2026-11-22T09:30:00.5Z"},
        {"made": "2026-11-22"},
        {"nonce": "0" * 31},
        {"nonce": "0" * 32 + "\n"},
        {"nonce": "G" * 32},
        {"nonce": 5},
        {"comment": "x" * 4001},
        {"comment": None},
        {"format": 2},
        {"reference": "LCJP-MV8"},
        {"version": 2},
        {"agreement": "sha256:" + "0" * 64},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_statement_that_is_not_written_as_one_must_be_does_not_bind(members: dict[str, Any]) -> None:
    with pytest.raises((InvalidStatement, KeysError)):
        check_statement(agreement(), signed(said(), **members), verify)


@pytest.mark.parametrize(
    "member", ["format", "reference", "version", "agreement", "party", "role", "person", "decision", "comment", "made", "nonce"]
)
def test_one_letter_changed_after_the_signature_does_not_bind(member: str) -> None:
    whole = signed(said(comment="with a condition"))
    check_statement(agreement(), whole, verify)
    changed = copy.deepcopy(whole)
    value = changed["document"][member]
    changed["document"][member] = value + 1 if isinstance(value, int) else value[:-1] + ("x" if value[-1] != "x" else "y")
    with pytest.raises((InvalidStatement, KeysError)):
        check_statement(agreement(), changed, verify)
    lacking = copy.deepcopy(whole)
    del lacking["document"][member]
    with pytest.raises(InvalidStatement, match="exactly these members"):
        check_statement(agreement(), lacking, verify)


def test_a_swapped_key_does_not_bind() -> None:
    whole = signed(said())
    stranger = SigningKey.generate()
    forged = sign_document(whole["document"], Use.STATEMENT, stranger)
    for attempt in (
        forged,
        {**forged, "key": whole["key"]},
        {**whole, "public": forged["public"]},
        {**whole, "signature": forged["signature"]},
    ):
        with pytest.raises(KeysError):
            check_statement(agreement(), attempt, verify)


@pytest.mark.parametrize("document", [None, [], "x", 5, {}])
def test_what_is_no_statement_is_refused(document: object) -> None:
    with pytest.raises(InvalidStatement):
        check_statement(agreement(), {"document": document}, verify)


def test_advice_comes_before_the_signature_and_each_party_signs_once() -> None:
    assert isinstance(may_state(agreement(), [], said()), Refused)
    advice = said(capacity=Capacity.DPO, voice=Voice.ADVISE_AGAINST)
    assert may_state(agreement(), [advice], said())
    assert "has not advised" in str(may_state(agreement(), [advice], said(DURHAM)))
    assert "already signed" in str(may_state(agreement(), [advice, said()], said()))
    assert "recorded before" in str(may_state(agreement(), [advice], advice))
    assert may_state(agreement(), [advice, said()], said(voice=Voice.SUSPEND))


def test_a_version_is_complete_when_every_party_has_advised_and_signed() -> None:
    whole = everyone()
    assert unsigned(agreement(), whole, verify).complete
    for left_out in range(len(whole)):
        lacking = unsigned(agreement(), whole[:left_out] + whole[left_out + 1 :], verify)
        assert not lacking.complete
        assert len(lacking.missing) == 1
    assert not progress(agreement(), []).complete
    assert not replace(progress(agreement(), []), parties=()).complete
    assert len(progress(agreement(), []).missing) == 6


def test_one_forged_statement_spoils_an_export() -> None:
    whole = everyone()
    whole[3] = signed(said(DURHAM), "cleveland-police/signatory")
    with pytest.raises(KeysError):
        unsigned(agreement(), whole, verify)


def test_a_key_speaks_in_one_capacity() -> None:
    party = agreement().party(CLEVELAND)
    assert party is not None
    assert role_of(party, party.dpo.key) is Capacity.DPO
    assert role_of(party, party.signatory.key) is Capacity.SIGNATORY
    assert role_of(party, party.checkers[0].key) is None
    with pytest.raises(InvalidStatement, match="no such party"):
        speaker(agreement(), "nobody", Capacity.DPO)
