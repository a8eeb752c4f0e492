"""What waits for a person: pure over the agreements of the person's party, the keys the person speaks with, and the time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from agreements.lifecycle import State
from agreements.model import Agreement, Party
from agreements.rules import today
from agreements.signing import Voice
from exchange.register.agreements import LIVE, parsed
from exchange.register.tables import AgreementRow

SOON = timedelta(days=60)
ADVICE = frozenset({Voice.ADVISE_FOR, Voice.ADVISE_AGAINST})


class Matter(StrEnum):
    """What is the matter, most pressing first."""

    SUSPENDED = "suspended"
    ADVICE = "advice"
    SIGNATURE = "signature"
    EXPIRY = "expiry"
    REVIEW = "review"


@dataclass(frozen=True)
class Waiting:
    """One thing that waits. ``due``: the day by which, where there is one; ``party``: the name of whose act it is about.

    ``dataset``: the title of the one that is suspended; empty for the whole agreement.
    """

    matter: Matter
    reference: str
    version: int
    title: str
    due: date | None = None
    party: str = ""
    dataset: str = ""


def waiting(rows: Iterable[AgreementRow], party: str, fingerprints: set[str], now: datetime) -> list[Waiting]:
    """What needs a person of this party who speaks with these keys, most pressing first."""
    found = [one for row in rows if row.replaced_at is None for one in _of(row, parsed(row.canonical), party, fingerprints, now)]
    order = list(Matter)
    return sorted(found, key=lambda one: (order.index(one.matter), one.due or date.max, one.reference, one.version))


def _of(row: AgreementRow, agreement: Agreement, party: str, fingerprints: set[str], now: datetime) -> Iterator[Waiting]:
    def wait(matter: Matter, due: date | None = None) -> Waiting:
        return Waiting(matter, agreement.reference, agreement.version, agreement.title, due)

    mine = agreement.party(party)
    if row.state == State.PROPOSED and mine is not None and (matter := _turn(row, mine, fingerprints)):
        yield wait(matter, agreement.in_force_from)
    for suspension in row.suspensions if row.state in LIVE else ():
        suspender, dataset = agreement.party(suspension.party), agreement.dataset(suspension.dataset)
        name = suspender.name if suspender else suspension.party
        yield replace(wait(Matter.SUSPENDED), party=name, dataset=dataset.title if dataset else "")
    if row.state in LIVE and agreement.expires <= today(now + SOON):
        yield wait(Matter.EXPIRY, agreement.expires)
    elif row.state in LIVE and agreement.review <= today(now + SOON):
        yield wait(Matter.REVIEW, agreement.review)


def _turn(row: AgreementRow, mine: Party, fingerprints: set[str]) -> Matter | None:
    """Whether it is this person's turn: exactly when one of the person's keys is the one the agreement names."""
    said = [one.decision for one in row.statements if one.party == mine.id]
    advised, has_signed = bool(ADVICE & set(said)), Voice.SIGN in said
    if not advised:
        return Matter.ADVICE if mine.dpo.key in fingerprints else None
    return Matter.SIGNATURE if not has_signed and mine.signatory.key in fingerprints else None
