"""Exported agreements, and what can be said of each statement in one from the file alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agreements.characters import deceives
from agreements.document import read_canonical
from agreements.errors import InvalidStatement
from agreements.model import Agreement
from agreements.signing import Statement, check_statement, speaker
from exchange.commands.shared import read_text
from exchange.errors import Unacceptable
from exchange.exports.signed import FORMAT
from exchange.register.agreements import verify_statement
from keys.encoding import parse_json
from keys.errors import BadFormat, BadSignature
from keys.statements import road

LIMIT = 8 << 20  # bytes


def read_export(path: str) -> tuple[Agreement, list[Any]]:
    """The agreement of an exported file, or of the hub's answer to GET /v1/agreements/…, and the statements with it, not yet checked."""
    try:
        parsed = parse_json(read_text(path).encode(), limit=LIMIT)
    except BadFormat as error:
        raise _not_exported(path) from error
    whole = isinstance(parsed, dict) and isinstance(parsed.get("canonical"), str) and isinstance(parsed.get("statements"), list)
    if not whole or parsed.get("format", FORMAT) != FORMAT:
        raise _not_exported(path)
    found = read_canonical(parsed["canonical"].encode())
    if (parsed.get("reference", found.reference), parsed.get("version", found.version)) != (found.reference, found.version):
        raise Unacceptable("the file calls the agreement by another name than it has.", remedy="Ask whoever gave it to you.")
    return found, parsed["statements"]


def _not_exported(path: str) -> Unacceptable:
    return Unacceptable(f"{Path(path).name} is not an exported agreement.", remedy="Make one with: exchange agreement export")


@dataclass(frozen=True)
class Line:
    """One statement of an export: what it says if it holds, why it does not if not. As text: who, as what, said what, when, by which road."""

    agreement: Agreement
    said: Statement | None
    road: str = ""
    fingerprint: str = ""
    fault: str = ""

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        if self.said is None:
            return {"holds": False, "fault": self.fault}
        said = self.said
        return {
            "holds": True,
            "party": said.party,
            "person": said.person,
            "role": said.capacity.value,
            "decision": said.voice.value,
            "dataset": said.dataset,
            "comment": said.comment,
            "made": f"{said.made:%Y-%m-%dT%H:%M:%SZ}",
            "road": self.road,
            "key": self.fingerprint,
            "named": self.named,
        }

    def __str__(self) -> str:
        if self.said is None:
            return f"DOES NOT HOLD: {self.fault}"
        said, party = self.said, self.agreement.party(self.said.party)
        what = f"{said.voice.value} {said.dataset}".strip() + _quoted(said.comment)
        name = "(a name that could deceive a reader)" if deceives(said.person) else said.person
        who = f"{name}, {said.capacity.value} of {party.name if party else said.party}"
        told = f"{who}: {what}; {said.made:%Y-%m-%d %H:%M:%S} UTC; {self.road}; {self.fingerprint}"
        return told if self.named else f"{told}, which this version does not name: it counts only if the version before names it so"

    @property
    def named(self) -> bool:
        """Whether this version names the key for that person. Only an endorsement may hold with another (`agreements.signing`)."""
        return self.said is not None and speaker(self.agreement, self.said.party, self.said.capacity).key == self.fingerprint


def _quoted(comment: str) -> str:
    if deceives(comment.replace("\n", " ")):
        return " (with a comment in characters that could deceive a reader; --json shows it)"
    return f" (“{' '.join(comment.split())}”)" if comment else ""


def check(agreement: Agreement, signed: object) -> Line:
    """What one statement of an export comes to, against the fingerprints that the agreement itself names."""
    if not isinstance(signed, Mapping):
        return Line(agreement, None, fault="a statement is an object.")
    try:
        said = check_statement(agreement, signed, verify_statement)
    except (InvalidStatement, BadFormat, BadSignature) as error:
        return Line(agreement, None, fault=f"{_claimed(agreement, signed)}{str(error).rstrip('.')}.")
    return Line(agreement, said, road(signed), str(signed["key"]))


def _claimed(agreement: Agreement, signed: Mapping[str, Any]) -> str:
    """Whose statement it is said to be, as far as the agreement knows the party: nothing unverified is repeated."""
    document = signed.get("document")
    party = next((one for one in agreement.parties if isinstance(document, Mapping) and one.id == document.get("party")), None)
    return f"said to be of {party.name}; " if party else ""
