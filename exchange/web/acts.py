"""What somebody may say of a version now: the rules that decide when it is said, asked beforehand."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements import lifecycle
from agreements.decisions import Refused, first_refusal
from agreements.lifecycle import State
from agreements.signing import Statement, Voice, may_state
from exchange.errors import RefusedByAgreement
from exchange.people import people
from exchange.people.people import Person
from exchange.people.speaking import Speaker, speaks
from exchange.register.agreements import parsed
from exchange.register.saying import act_of, entitled, newest
from exchange.register.tables import AgreementRow
from exchange.register.versions import in_force_now
from exchange.web.said import Said, statements
from exchange.web.voices import WORDS

_LINKS = {
    Voice.ADVISE_FOR: "Review and advise",
    Voice.SIGN: "Review and sign",
    Voice.ENDORSE: "Vouch for the changed keys",
    Voice.SUSPEND: "Suspend",
    Voice.RESUME: "Resume",
    Voice.TERMINATE: "End this agreement",
}


@dataclass(frozen=True)
class Open:
    """Something the reader may say now: where, and in which words the link says it."""

    voice: Voice
    text: str
    href: str
    stops: bool


@dataclass(frozen=True)
class Situation:
    """A version among its siblings (oldest first), what was said about it, and the reader with the keys the reader speaks with."""

    row: AgreementRow
    versions: Sequence[AgreementRow]
    said: Sequence[Said]
    broken: int
    who: Person
    keys: Collection[str]

    @property
    def standing(self) -> AgreementRow | None:
        """The version in force, if there is one."""
        return in_force_now(self.versions)


def situation(session: Session, row: AgreementRow, who: Person) -> Situation:
    """Where the reader stands to a version."""
    query = select(AgreementRow).where(AgreementRow.reference == row.reference).order_by(AgreementRow.version)
    found, broken = statements(row)
    return Situation(row, session.execute(query).scalars().all(), found, broken, who, people.fingerprints(session, who.id))


def open_to(at: Situation) -> list[Open]:
    """Everything the reader may say of this version now."""
    return [Open(voice, _LINKS[voice], _address(at.row, voice), WORDS[voice].stops) for voice in _LINKS if _open(at, voice)]


def _open(at: Situation, voice: Voice) -> bool:
    own = [one.dataset for one in at.row.suspensions if one.party == at.who.party]
    if voice is Voice.SUSPEND and "" in own:
        return False  # it may be said again, and would change nothing
    tried = own if voice is Voice.RESUME else [""]
    return any(not isinstance(may_say(at, voice, one), Refused) for one in tried)


def _address(row: AgreementRow, voice: Voice) -> str:
    endpoint = "web.review" if voice in (Voice.ADVISE_FOR, Voice.SIGN) else f"web.{WORDS[voice].page}"
    return url_for(endpoint, reference=row.reference, version=row.version)


def may_say(at: Situation, voice: Voice, dataset: str = "") -> Speaker | Refused:
    """Who the reader is for this agreement, or why the reader may not say this now: in the words that recording it would be refused with."""
    row, agreement, standing = at.row, parsed(at.row.canonical), at.standing
    speaker = speaks(agreement, at.who, at.keys, voice, parsed(standing.canonical) if standing else None)
    if isinstance(speaker, Refused):
        return speaker
    key, nonce = speaker.named.key, secrets.token_hex(16)
    trial = Statement(at.who.party, speaker.capacity, speaker.named.name, voice, "", row.registered_at, nonce, dataset, key)
    earlier = [one.statement for one in at.said]
    act = act_of(row, earlier, trial)
    refused = first_refusal(
        may_state(agreement, earlier, trial),
        newest(at.versions, row, trial),
        lifecycle.may(State(row.state), act, agreement.clause("lifecycle")),
        entitled(at.versions, row, earlier, trial, act),
    )
    return refused if isinstance(refused, Refused) else speaker


def require(found: Speaker | Refused) -> Speaker:
    """The speaker, or the refusal as an error."""
    if isinstance(found, Refused):
        raise RefusedByAgreement(found, code="statement-refused")
    return found
