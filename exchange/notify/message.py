"""What a notice says: its kind, the agreement's reference where that is wanted, and where to sign in. Nothing else leaves the hub."""

from dataclasses import dataclass
from datetime import datetime

from exchange.notify.kinds import WORDS, Kind
from exchange.times import rfc3339
from keys.encoding import canonical


@dataclass(frozen=True)
class Notice:
    """One message. ``reference`` is empty where none is wanted, or there is none; ``at``: when it happened."""

    id: str
    kind: Kind
    reference: str
    at: datetime
    link: str

    @property
    def subject(self) -> str:
        """The subject of a mail, which is fixed words."""
        return f"LCJP Exchange: {WORDS[self.kind][0].lower()}{WORDS[self.kind][1:]}"

    @property
    def text(self) -> str:
        """The text of a mail."""
        about = f"\nIt is about the agreement {self.reference}.\n" if self.reference else ""
        more = "Sign in to see what it is about. This message says no more on purpose, and cannot be answered."
        return f"{WORDS[self.kind]}.\n{about}\n{more}\n\n{self.link}\n"

    @property
    def body(self) -> bytes:
        """The body of a webhook (Standard Webhooks: type, timestamp, data)."""
        data = {"link": self.link, **({"reference": self.reference} if self.reference else {})}
        return canonical({"type": self.kind.value, "timestamp": rfc3339(self.at), "data": data})
