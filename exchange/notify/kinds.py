"""Of what somebody may be told, and who may be told of it: pure over a log entry's operation and words.

The log is the outbox: every event has its entry in the very transaction that made it, so nothing that happened can go untold, and nothing
that was rolled back is told. Only what stands in these tables leaves the hub, and of it only the kind and, if wanted, the agreement's reference.
"""

from collections.abc import Iterable
from enum import StrEnum

from agreements.model import Agreement
from exchange.access import OPERATIONS, Role


class Kind(StrEnum):
    """What a notice may say."""

    SIGNED = "agreement.signed"
    IN_FORCE = "agreement.in-force"
    SUSPENDED = "agreement.suspended"
    RESUMED = "agreement.resumed"
    ENDED = "agreement.ended"
    REVIEW = "agreement.review-due"
    LATE = "data.late"
    REFUSED = "submission.refused"
    DESTROYED = "submission.destroyed"
    TO_CHECK = "edition.to-check"
    PUBLISHED = "edition.published"
    WITHDRAWN = "edition.withdrawn"
    WORSENED = "hub.worsened"
    MENDED = "hub.mended"
    TEST = "hub.test"


WORDS = {
    Kind.SIGNED: "An agreement was signed by a party",
    Kind.IN_FORCE: "An agreement came into force",
    Kind.SUSPENDED: "An agreement was suspended",
    Kind.RESUMED: "A party has resumed an agreement",
    Kind.ENDED: "An agreement has ended",
    Kind.REVIEW: "An agreement is due for review",
    Kind.LATE: "Data are late",
    Kind.REFUSED: "A submission was refused",
    Kind.DESTROYED: "A submission was destroyed, and its certificate is there",
    Kind.TO_CHECK: "An edition waits to be checked",
    Kind.PUBLISHED: "An edition was published",
    Kind.WITHDRAWN: "An edition was withdrawn",
    Kind.WORSENED: "Something about the hub needs the operator",
    Kind.MENDED: "Something about the hub is well again",
    Kind.TEST: "This is a test, and nothing happened",
}
OF_THE_HUB = frozenset({Kind.WORSENED, Kind.MENDED})
"""For the operator's people alone; they come from the condition, not from the log."""
ITS_OWN = frozenset({Kind.LATE, Kind.REFUSED, Kind.DESTROYED})
"""Each supplier's own: no other party is told, the operator excepted."""
CHOICES = tuple(kind for kind in Kind if kind is not Kind.TEST)

_SEEN_ON = {
    **dict.fromkeys((Kind.SIGNED, Kind.IN_FORCE, Kind.SUSPENDED, Kind.RESUMED, Kind.ENDED, Kind.REVIEW), "web.agreement"),
    Kind.LATE: "web.scorecard_page",
    **dict.fromkeys((Kind.REFUSED, Kind.DESTROYED), "web.submission"),
    Kind.TO_CHECK: "web.check",
    **dict.fromkeys((Kind.PUBLISHED, Kind.WITHDRAWN), "web.release"),
    **dict.fromkeys(OF_THE_HUB, "web.condition"),
}

_ENTRIES = {
    "statement: sign": Kind.SIGNED,
    "agreement in force": Kind.IN_FORCE,
    "statement: suspend": Kind.SUSPENDED,
    "agreement suspended: restored without later statements": Kind.SUSPENDED,
    "statement: resume": Kind.RESUMED,
    "statement: terminate": Kind.ENDED,
    "agreement expired": Kind.ENDED,
    "review due": Kind.REVIEW,
    "submission overdue": Kind.LATE,
    "submission refused": Kind.REFUSED,
    "submission destroyed": Kind.DESTROYED,
    "edition drafted": Kind.TO_CHECK,
    "edition published": Kind.PUBLISHED,
    "edition withdrawn": Kind.WITHDRAWN,
}


def kind_of(what: str) -> Kind | None:
    """What an entry with these words is told as; None for what nobody is told of."""
    return _ENTRIES.get(what)


def open_to(roles: Iterable[str]) -> list[Kind]:
    """Of what a person with these roles may choose to be told: of what one of them may look at in the pages."""
    mine = set(map(Role, roles))
    return [kind for kind in CHOICES if OPERATIONS[_SEEN_ON[kind]] & mine]


def may_know(kind: Kind, party: str, organisation: str, agreement: Agreement | None) -> bool:
    """Whether a party may be told of an event under this agreement (None: unknown to the hub), done in the name of an organisation."""
    found = agreement.party(party) if agreement is not None else None
    if agreement is None or found is None:
        return False
    if kind in ITS_OWN:
        return party in (organisation, agreement.operator.id)
    return bool(found.checkers) if kind is Kind.TO_CHECK else True
