"""What watching the hub's log found, and how it is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.agency.cosigners import Seen
from adapters.agency.watch import Alarm
from keys.checkpoint import Checkpoint
from keys.formats import Certificate


@dataclass(frozen=True)
class Watched:
    """What watching found.

    Attributes:
        seen: the newest cosigned head of each other party.
        warnings: what stops nothing, and somebody should know.
        destroyed: certificates of destruction that were not here before.
    """

    head: Checkpoint
    alarms: Sequence[Alarm]
    seen: Sequence[Seen]
    warnings: Sequence[str]
    destroyed: Sequence[Certificate]


def cosigned(seen: Seen) -> str:
    """Who cosigned what, when, in a line."""
    return f"{seen.party} cosigned {seen.head.size:,} entries on {_when(seen.at):%d %B %Y at %H:%M} UTC"


def document(seen: Seen) -> dict[str, Any]:
    """The same for programs."""
    return {"party": seen.party, "size": seen.head.size, "cosigned": f"{_when(seen.at):%Y-%m-%dT%H:%M:%SZ}"}


def destruction(certificate: Certificate) -> str:
    """What was destroyed, in a line."""
    return (
        f"Destroyed: {certificate.reference} {certificate.dataset} {certificate.period}, submission {certificate.submission}, "
        f"{certificate.destroyed}; the hub's certificate is kept beside the receipt."
    )


def _when(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC)
