"""Who said what about a version: parties × signatures, and what happened when. Every statement is verified again as it is shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agreements.characters import deceives
from agreements.errors import AgreementError
from agreements.model import Agreement, Party, Person
from agreements.signing import ADVICE, Capacity, Statement, Voice, check_statement
from exchange.log.record import Operation
from exchange.log.tables import EntryRow
from exchange.register.agreements import parsed, verify_statement
from exchange.register.tables import AgreementRow, StatementRow
from exchange.web import voices
from keys.errors import KeysError
from keys.statements import road


@dataclass(frozen=True)
class Said:
    """One recorded statement that holds. ``key``: the fingerprint it was signed with; ``road``: passkey or key file."""

    statement: Statement
    party: str
    recorded: datetime
    key: str
    road: str

    @property
    def words(self) -> str:
        """What was said."""
        return voices.done(self.statement.voice, self.statement.dataset)

    @property
    def capacity(self) -> str:
        """In what capacity."""
        return voices.CAPACITIES[self.statement.capacity]

    @property
    def comment(self) -> str:
        """The person's own words. A key file can sign any characters; those that could deceive a reader are not shown."""
        if deceives(self.statement.comment.replace("\n", " ")):
            return "(words in characters that could deceive a reader; the signed agreement holds them)"
        return self.statement.comment

    @property
    def short(self) -> str:
        """The beginning of the fingerprint, enough to compare by eye."""
        return short(self.key)


def short(fingerprint: str) -> str:
    """``ed25519:0123456789abcdef…``."""
    kind, _, digits = fingerprint.partition(":")
    return f"{kind}:{digits[:16]}…"


@dataclass(frozen=True)
class Seat:
    """One person's part for a party: who is named, with which key, and what was said in that capacity, if anything."""

    capacity: str
    person: Person
    said: Said | None

    @property
    def by_passkey(self) -> bool:
        """Whether the key that is named is a passkey."""
        return self.person.key.startswith("passkey:")


@dataclass(frozen=True)
class Line:
    """A party's line of the matrix: advice and signature."""

    party: Party
    advice: Seat
    signature: Seat


@dataclass(frozen=True)
class Happening:
    """Something that happened to a version."""

    at: datetime
    what: str
    who: str
    organisation: str
    words: str = ""
    proof: str = ""


def statements(row: AgreementRow) -> tuple[list[Said], int]:
    """What was said, oldest first, and how many recorded statements do not hold any more (none, unless the database was altered)."""
    agreement = parsed(row.canonical)
    found = [one for statement in row.statements if (one := _said(agreement, statement))]
    return found, len(row.statements) - len(found)


def _said(agreement: Agreement, row: StatementRow) -> Said | None:
    try:
        statement = check_statement(agreement, row.signed, verify_statement)
    except (AgreementError, KeysError):
        return None
    party = agreement.party(statement.party)
    return Said(statement, party.name if party else statement.party, row.recorded_at, str(row.signed["key"]), road(row.signed))


def matrix(agreement: Agreement, said: Sequence[Said]) -> list[Line]:
    """Parties × signatures: the last advice and the signature of each."""
    return [
        Line(
            party,
            Seat(voices.CAPACITIES[Capacity.DPO], party.dpo, _last(said, party.id, ADVICE)),
            Seat(voices.CAPACITIES[Capacity.SIGNATORY], party.signatory, _last(said, party.id, (Voice.SIGN,))),
        )
        for party in agreement.parties
    ]


def _last(said: Sequence[Said], party: str, wanted: Collection[Voice]) -> Said | None:
    return next((one for one in reversed(said) if one.statement.party == party and one.statement.voice in wanted), None)


def timeline(row: AgreementRow, said: Sequence[Said]) -> list[Happening]:
    """Everything that happened to a version, newest first."""
    agreement = parsed(row.canonical)
    operator = agreement.operator.name
    happened = [Happening(row.registered_at, "Entered in the register", "the operator of the hub", operator)]
    for one in said:
        who = f"{one.statement.person}, {one.capacity.lower()}"
        happened.append(Happening(one.recorded, one.words, who, one.party, one.comment, f"By {one.road}, {one.short}"))
    if row.in_force_at is not None:
        happened.append(Happening(row.in_force_at, "Came into force", "the hub, as every party had signed and its day had come", operator))
    if row.replaced_at is not None:
        happened.append(Happening(row.replaced_at, "Replaced by a newer version", "the hub", operator))
    # Of two at the same moment, what followed comes first.
    return [one for _, one in sorted(enumerate(happened), key=lambda pair: (pair[1].at, pair[0]), reverse=True)]


def time_to_effect(session: Session, row: AgreementRow, one: Said) -> int | None:
    """Milliseconds from the word that everything must stop to the moment when nothing could begin any more, as the log has it."""
    query = select(EntryRow.entry).where(
        EntryRow.reference == row.reference, EntryRow.operation == Operation.AGREEMENT, EntryRow.at >= one.recorded
    )
    for entry in session.execute(query.order_by(EntryRow.number).limit(200)).scalars():
        details = entry.get("details") if entry else None
        if entry and entry["who"] == one.key and entry["what"] == f"statement: {one.statement.voice}" and isinstance(details, dict):
            found = details.get("milliseconds")
            return found if isinstance(found, int) else None
    return None
