"""Advice and signatures: statements by named people over the canonical digest of one version.

Checking a signature is not this room's business: ``verify`` is passed in (``keys.statements.verify_signed`` bound to its use) and must
return the signed document or raise. Everything else that makes a statement bind is checked here, from the agreement alone, so that
an exported agreement is verified offline against the fingerprints it names itself.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from agreements.decisions import Allowed, Decision, Refused
from agreements.errors import InvalidStatement
from agreements.model import Agreement, Party, Person
from agreements.periods import day_in_words
from agreements.rules import today

Verify = Callable[[Mapping[str, Any], Collection[str]], Mapping[str, Any]]
FORMAT = 1
AHEAD = timedelta(minutes=10)
"""How far the clock of a person's machine may be before the hub's."""
_MEMBERS = frozenset(
    {"format", "reference", "version", "agreement", "party", "role", "person", "decision", "dataset", "comment", "made", "nonce"}
)
_NONCE = re.compile(r"^[0-9a-f]{32}$", re.ASCII)


class Capacity(StrEnum):
    """In what capacity a person speaks."""

    DPO = "dpo"
    SIGNATORY = "signatory"


class Voice(StrEnum):
    """What is said. A DPO advises and does not decide (UK GDPR Art 38(6)); a signatory decides.

    ``ENDORSE``: whoever was signatory under the version in force vouches, with the key it names, for the other keys of the new one.
    """

    ADVISE_FOR = "advise-for"
    ADVISE_AGAINST = "advise-against"
    SIGN = "sign"
    ENDORSE = "endorse"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"


MAY_SAY: Mapping[Capacity, frozenset[Voice]] = {
    Capacity.DPO: frozenset({Voice.ADVISE_FOR, Voice.ADVISE_AGAINST, Voice.SUSPEND}),
    Capacity.SIGNATORY: frozenset({Voice.SIGN, Voice.ENDORSE, Voice.SUSPEND, Voice.RESUME, Voice.TERMINATE}),
}
ADVICE = frozenset({Voice.ADVISE_FOR, Voice.ADVISE_AGAINST})
PARTIAL = frozenset({Voice.SUSPEND, Voice.RESUME})


@dataclass(frozen=True)
class Statement:
    """One thing that one person said about one version, for one party.

    Attributes:
        dataset: the one it is about; empty for the whole agreement.
        key: the fingerprint it was found to be signed with; empty where it has not been checked. No part of what is said.
    """

    party: str
    capacity: Capacity
    person: str
    voice: Voice
    comment: str
    made: datetime
    nonce: str
    dataset: str = ""
    key: str = field(default="", compare=False)


def statement_document(agreement: Agreement, said: Statement) -> dict[str, Any]:
    """What is signed: the statement bound to reference, version and canonical digest."""
    return {
        "format": FORMAT,
        "reference": agreement.reference,
        "version": agreement.version,
        "agreement": agreement.digest,
        "party": said.party,
        "role": said.capacity.value,
        "person": said.person,
        "decision": said.voice.value,
        "dataset": said.dataset,
        "comment": said.comment,
        "made": said.made.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "nonce": said.nonce,
    }


def speaker(agreement: Agreement, party_id: str, capacity: Capacity) -> Person:
    """The person who speaks for a party in a capacity; :class:`InvalidStatement` where there is no such party."""
    party = agreement.party(party_id)
    if party is None:
        raise InvalidStatement(f"{agreement.clause('parties')}: there is no such party.")
    return party.dpo if capacity is Capacity.DPO else party.signatory


def check_statement(agreement: Agreement, signed: Mapping[str, Any], verify: Verify) -> Statement:
    """The statement, if it binds the person it names to this very version; :class:`InvalidStatement` otherwise.

    ``verify`` is given only the fingerprint the agreement names for that party and capacity, so nobody speaks for another party. An
    endorsement alone may be signed with any key: it counts only with the one that the version before names (:func:`unendorsed`).
    """
    claimed = signed.get("document")
    if not isinstance(claimed, dict) or set(claimed) != _MEMBERS:
        raise InvalidStatement("a statement has exactly these members: " + ", ".join(sorted(_MEMBERS)) + ".")
    said = parse_statement(claimed)
    person = speaker(agreement, said.party, said.capacity)
    endorses = said.voice is Voice.ENDORSE
    verified = verify(signed, {str(signed.get("key"))} if endorses else {person.key})
    if statement_document(agreement, said) != dict(verified):
        raise InvalidStatement(f"{agreement.clause()}: the statement is about other words, or is not written as one must be.")
    if said.person != person.name and not endorses:
        raise InvalidStatement(f"{agreement.clause('parties', said.party)}: the statement names another person than the agreement.")
    if said.voice not in MAY_SAY[said.capacity]:
        raise InvalidStatement(f"{agreement.clause('parties', said.party)}: a {said.capacity} cannot {said.voice}.")
    if said.dataset and (said.voice not in PARTIAL or agreement.dataset(said.dataset) is None):
        raise InvalidStatement(f"{agreement.clause('datasets')}: only a dataset of the agreement is suspended or resumed by itself.")
    return replace(said, key=str(signed.get("key")))


def parse_statement(claimed: Mapping[str, Any]) -> Statement:
    """What a statement's document says, unchecked; :class:`InvalidStatement` where it is not written as one must be."""
    try:
        made = datetime.fromisoformat(str(claimed["made"]))
        capacity, voice = Capacity(claimed["role"]), Voice(claimed["decision"])
    except ValueError as error:
        raise InvalidStatement("the statement's role, decision or time is not one there is.") from error
    texts = [claimed[name] for name in ("party", "person", "dataset", "comment", "nonce")]
    if not all(isinstance(text, str) for text in texts) or not _NONCE.fullmatch(claimed["nonce"]) or len(claimed["comment"]) > 4000:
        raise InvalidStatement("a statement's texts are texts, its comment of at most 4,000 characters, its nonce 32 hex digits.")
    return Statement(claimed["party"], capacity, claimed["person"], voice, claimed["comment"], made, claimed["nonce"], claimed["dataset"])


@dataclass(frozen=True)
class Progress:
    """How far a version is: parties whose DPO has advised, and whose signatory has signed."""

    advised: frozenset[str]
    signed: frozenset[str]
    parties: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Every party has advised and signed; an agreement without parties never is."""
        everyone = frozenset(self.parties)
        return bool(everyone) and self.advised >= everyone and self.signed >= everyone

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still waited for, in words."""
        advice = [f"advice of {party}'s DPO" for party in self.parties if party not in self.advised]
        return (*advice, *(f"signature of {party}'s signatory" for party in self.parties if party not in self.signed))


def progress(agreement: Agreement, statements: Iterable[Statement]) -> Progress:
    """Count checked statements."""
    said = list(statements)
    advised = frozenset(one.party for one in said if one.voice in ADVICE)
    signed = frozenset(one.party for one in said if one.voice is Voice.SIGN)
    return Progress(advised, signed, tuple(party.id for party in agreement.parties))


def may_state(agreement: Agreement, earlier: Iterable[Statement], said: Statement) -> Decision:
    """Whether a new statement may join the earlier ones: of a whole document, advice before signature, no signature twice, nothing repeated.

    A DPO may advise otherwise, and the last advice counts, until the party's signatory has signed: that was done knowing it.
    """
    before = list(earlier)
    if agreement.missing:
        lacking = "; ".join(item.title for item in agreement.missing)
        reason = f"this is a draft: {len(agreement.missing)} mandatory item(s) are missing, so nothing can be said about it."
        return Refused(agreement.clause("items"), reason, f"Fill each, or say why it does not apply: {lacking}. Then enter it again.")
    clause = agreement.clause("parties", said.party)
    if any(one.nonce == said.nonce for one in before):
        return Refused(clause, "this statement was recorded before.", "There is nothing to do.")
    reached = progress(agreement, before)
    if said.voice in ADVICE and said.party in reached.signed:
        reason = "this party's signatory has signed on the advice given before: it can no longer be changed."
        return Refused(clause, reason, "A DPO may suspend the agreement once it is in force, or advise on a new version.")
    if said.voice is Voice.SIGN and said.party in reached.signed:
        return Refused(clause, "this party's signatory has already signed this version.", "There is nothing to do.")
    if said.voice is Voice.SIGN and said.party not in reached.advised:
        return Refused(clause, "this party's DPO has not advised yet.", "The DPO advises first; then the signatory signs.")
    return Allowed(clause)


_TAKES_BACK: Mapping[Voice, frozenset[Voice]] = {
    Voice.ADVISE_FOR: ADVICE,
    Voice.ADVISE_AGAINST: ADVICE,
    Voice.RESUME: frozenset({Voice.SUSPEND}),
}


def in_time(agreement: Agreement, earlier: Iterable[Statement], said: Statement, now: datetime) -> Decision:
    """Whether it was made at a time at which it counts. Whoever kept an old statement back cannot undo with it what was said since.

    ``earlier``: what was said of this version; of every version, where it resumes, for a stop of one passes to the next.
    """
    clause = agreement.clause("parties", said.party)
    if said.made > now + AHEAD:
        return Refused(
            clause, "the time at which this statement says it was made lies in the future.", "Set that machine's clock, and sign again."
        )
    if said.voice is Voice.SIGN and today(now) >= agreement.expires:
        reason = f"this version expired on {day_in_words(agreement.expires)}: signed now, it would only end the one in force."
        return Refused(agreement.clause("term"), reason, "Propose a version with a later day.")
    undone = [one for one in earlier if one.voice in _TAKES_BACK.get(said.voice, ())]
    if any((one.party, one.dataset) == (said.party, said.dataset) and one.made > said.made for one in undone):
        last = "to suspend" if said.voice is Voice.RESUME else "of advice"
        reason = f"this statement was made before this party's last word {last}, which it would undo."
        clause = agreement.clause("suspension") if said.voice is Voice.RESUME else clause
        return Refused(clause, reason, "If it is still meant, say it anew.")
    return Allowed(clause)


def advice(statements: Iterable[Statement]) -> dict[str, Statement]:
    """Party → the advice of its DPO that counts: the last, of statements in the order in which they were recorded."""
    return {one.party: one for one in statements if one.voice in ADVICE}


def suspended(statements: Iterable[Statement]) -> frozenset[str]:
    """What is stopped, going by the statements alone, in the order in which they were made: names of datasets; empty for all of it."""
    stopped: set[tuple[str, str]] = set()
    for said in statements:
        match said.voice:
            case Voice.SUSPEND:
                stopped.add((said.party, said.dataset))
            case Voice.RESUME:
                stopped.discard((said.party, said.dataset))
    return frozenset(dataset for _, dataset in stopped)


def changed_keys(old: Agreement, new: Agreement) -> tuple[str, ...]:
    """Parties of both versions for whose DPO or signatory the new one names another key."""
    pairs = [(before, party) for party in new.parties if (before := old.party(party.id)) is not None]
    return tuple(now.id for was, now in pairs if (was.dpo.key, was.signatory.key) != (now.dpo.key, now.signatory.key))


def unendorsed(old: Agreement, new: Agreement, statements: Iterable[Statement]) -> tuple[str, ...]:
    """Parties whose keys the new version changes though nobody entitled vouches for it. While there is one it cannot come into force.

    Entitled is the party's signatory with the key that the old version names, or the signatories of two other parties of the old
    version whose own keys stay. ``old``: the version in force; ``statements``: checked, about the new one.
    """
    said = [one for one in statements if one.capacity is Capacity.SIGNATORY and one.voice in (Voice.SIGN, Voice.ENDORSE)]
    changed = changed_keys(old, new)
    former = {party.id: party.signatory.key for party in old.parties}
    vouching = {one.party for one in said if one.key and one.key == former.get(one.party)}
    witnesses = {one.party for one in said if one.voice is Voice.SIGN and one.party in vouching - set(changed)}
    return tuple(party for party in changed if party not in vouching and len(witnesses) < 2)


def unsigned(agreement: Agreement, statements: Iterable[Mapping[str, Any]], verify: Verify) -> Progress:
    """Check every statement of an exported agreement and say how far it is. One that does not bind raises."""
    return progress(agreement, [check_statement(agreement, signed, verify) for signed in statements])


def role_of(party: Party, fingerprint: str) -> Capacity | None:
    """In which capacity a key speaks for a party, or None."""
    return {party.dpo.key: Capacity.DPO, party.signatory.key: Capacity.SIGNATORY}.get(fingerprint)
