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
from agreements.errors import InvalidDocument, InvalidStatement
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
from keys.passkey import Passkey, assertion_document, sign_request
from keys.sign import SigningKey, Use, sign_document
from keys.statements import verify_signed
from tests.agreements import papers
from tests.keys.authenticator import ORIGIN, RP_ID, SoftAuthenticator, enrolled

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
    return verify_signed(signed, Use.STATEMENT, trusted)


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
        {"dataset": None},
        {"dataset": "crimes"},
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


@pytest.mark.parametrize("dataset", ["", "crimes"])
@pytest.mark.parametrize("voice", [Voice.SUSPEND, Voice.RESUME])
def test_one_dataset_is_suspended_and_resumed_by_itself(voice: Voice, dataset: str) -> None:
    statement = said(voice=voice, dataset=dataset)
    assert check_statement(agreement(), signed(statement), verify) == statement
    with pytest.raises(InvalidStatement, match="only a dataset of the agreement"):
        check_statement(agreement(), signed(replace(statement, dataset="nothing")), verify)


@pytest.mark.parametrize("voice", [Voice.SIGN, Voice.TERMINATE])
def test_nothing_else_is_said_of_one_dataset(voice: Voice) -> None:
    with pytest.raises(InvalidStatement, match="only a dataset of the agreement"):
        check_statement(agreement(), signed(said(voice=voice, dataset="crimes")), verify)


@pytest.mark.parametrize(
    "member", ["format", "reference", "version", "agreement", "party", "role", "person", "decision", "dataset", "comment", "made", "nonce"]
)
def test_one_letter_changed_after_the_signature_does_not_bind(member: str) -> None:
    whole = signed(said(comment="with a condition", voice=Voice.SUSPEND, dataset="crimes"))
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


# -------------------------------------------------------------------------------------------------------------- passkeys

PLACE = f"{CLEVELAND}/signatory"


@functools.cache
def passkeys() -> tuple[SoftAuthenticator, Passkey]:
    return enrolled(ORIGIN, RP_ID)


def worded(person: str, fingerprint: str) -> Agreement:
    """The agreement with another fingerprint for one of its keys."""
    words = papers.TEMPLATE.read_text(encoding="utf-8")
    given = {card: keys()[card].public.fingerprint if card in keys() else papers.fingerprint(card) for card in placeholders(words)}
    return read(fill(words, {**given, person: fingerprint}))


@functools.cache
def with_passkey() -> Agreement:
    return worded(PLACE, passkeys()[1].fingerprint)


def by_passkey(statement: Statement, about: Agreement, *, device: SoftAuthenticator | None = None) -> dict[str, Any]:
    """A statement as the hub's page would have it made."""
    mine, passkey = passkeys()
    document = statement_document(about, statement)
    answer = (device or mine).get(sign_request(Use.STATEMENT, document, rp_id=RP_ID, allow=[]), ORIGIN)
    used = passkey if device is None else next(iter(device.credentials.values())).passkey(ORIGIN)
    return assertion_document(answer, document, Use.STATEMENT, used)


def test_what_the_named_person_signs_with_a_passkey_binds() -> None:
    for voice in sorted(MAY_SAY[Capacity.SIGNATORY]):
        statement = said(voice=voice, comment="with é")
        assert check_statement(with_passkey(), by_passkey(statement, with_passkey()), verify) == statement


def test_an_agreement_is_complete_whichever_road_each_signed_by() -> None:
    about = with_passkey()
    whole = []
    for party in about.parties:
        for capacity, voice in ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN)):
            statement = said(party.id, capacity, voice)
            own = f"{party.id}/{capacity}" == PLACE
            whole.append(by_passkey(statement, about) if own else signed(statement, about=about))
    assert unsigned(about, whole, verify).complete


def test_a_passkey_does_not_bind_where_the_agreement_names_another_key() -> None:
    statement = said()
    stranger, _ = enrolled(ORIGIN, RP_ID)
    for about, attempt in (
        (agreement(), by_passkey(statement, agreement())),  # the agreement names a key file
        (with_passkey(), signed(statement, about=with_passkey())),  # it names a passkey
        (with_passkey(), by_passkey(statement, with_passkey(), device=stranger)),
        (with_passkey(), by_passkey(said(DURHAM), with_passkey())),
        (with_passkey(), by_passkey(said(capacity=Capacity.DPO, voice=Voice.ADVISE_FOR), with_passkey())),
    ):
        with pytest.raises(KeysError, match="may sign this"):
            check_statement(about, attempt, verify)


def test_a_passkey_s_signature_lifted_from_other_words_does_not_bind() -> None:
    statement = said()
    lifted = by_passkey(statement, agreement())
    with pytest.raises(InvalidStatement, match="other words"):
        check_statement(with_passkey(), lifted, verify)
    relabelled = {**lifted, "document": statement_document(with_passkey(), statement)}
    with pytest.raises(KeysError, match="another document"):
        check_statement(with_passkey(), relabelled, verify)


@pytest.mark.parametrize("place", ["cleveland-police/dpo", "durham-constabulary/signatory", "cleveland-police/checker"])
def test_every_person_may_have_a_passkey(place: str) -> None:
    assert passkeys()[1].fingerprint in str(worded(place, passkeys()[1].fingerprint).document)


@pytest.mark.parametrize("use", ["manifest", "client", "encryption"])
def test_no_machine_has_a_passkey(use: str) -> None:
    with pytest.raises(InvalidDocument, match="must be a fingerprint"):
        worded(f"{CLEVELAND}/{use}", passkeys()[1].fingerprint)
    with pytest.raises(InvalidDocument, match="“ed25519:” or “passkey:” and 64 hex digits"):
        worded(PLACE, papers.fingerprint(f"{CLEVELAND}/encryption"))
