"""Who checks an edition, when enough have, and who may withdraw it: what an agreement's approvals say, over values alone."""

from collections.abc import Collection, Iterator

from agreements.decisions import Allowed, Decision, Refused
from agreements.model import Agreement


def asked(agreement: Agreement, key: str, requester: str, suppliers: Collection[str] | None) -> Iterator[tuple[str, Decision]]:
    """What is asked of whoever would check an edition, each with its answer; what follows a refusal means nothing.

    Args:
        key: of whoever would check; ``requester``: of whoever asked for the edition.
        suppliers: the parties that supplied what it was made from; None where that is not told yet.
    """
    clause, party = _clause(agreement), checker_of(agreement, key)
    other = Refused(clause, "this key belongs to no output checker of the agreement.", "A checker named there must check.")
    yield "Is this an output checker of the agreement?", Allowed(clause) if party else other
    own = Refused(clause, "whoever asked for an edition cannot check it.", "Another checker must check it.")
    yield "Is this somebody else than whoever asked for the edition?", own if key == requester else Allowed(clause)
    if agreement.approvals.from_lineage and suppliers is not None:
        yield "Can as many of its suppliers check it as must?", checkable(agreement, suppliers)
        detail = f"{party} has supplied nothing that this edition was made from, and only checkers of those who have may check it."
        foreign = Refused(clause, detail, "A checker of a party whose data are in it must check.")
        yield "Has the checker's own party supplied what it was made from?", Allowed(clause) if party in suppliers else foreign


def checkable(agreement: Agreement, suppliers: Collection[str]) -> Decision:
    """Whether an edition made from what these parties supplied can ever have its checkers."""
    clause, wanted = _clause(agreement), agreement.approvals.output_checkers
    found = sum(party.id in suppliers and bool(party.checkers) for party in agreement.parties)
    if found >= wanted or not agreement.approvals.from_lineage:
        return Allowed(clause)
    detail = (
        f"{wanted} checkers, each of a party of its own that supplied what the edition is made from, must approve it; "
        f"{found} such part{'y has' if found == 1 else 'ies have'} checkers."
    )
    return Refused(clause, detail, "Ask for an edition that more parties have supplied, or agree in a new version who checks it.")


def checker_of(agreement: Agreement, key: str) -> str:
    """The party whose output checker speaks with this key; empty where none does."""
    return next((party.id for party in agreement.parties for person in party.checkers if person.key == key), "")


def enough(agreement: Agreement, approving: Collection[str]) -> bool:
    """Whether these keys, each of which may check the edition, are as many as must approve it; where its suppliers check it, one a party counts."""
    lineage = agreement.approvals.from_lineage
    return len({checker_of(agreement, key) if lineage else key for key in approving}) >= agreement.approvals.output_checkers


def may_withdraw(agreement: Agreement, key: str) -> Decision:
    """Whether whoever speaks with this key may withdraw an edition. Nothing need be in force for that: it stops what is given out."""
    clause = _clause(agreement)
    if any(key == person.key for party in agreement.parties for person in party.people):
        return Allowed(clause)
    detail = "this key belongs to no output checker, data protection officer or signatory of the agreement."
    return Refused(clause, detail, "One of those whom the agreement names must withdraw it.")


def _clause(agreement: Agreement) -> str:
    return agreement.clause("approvals", "output checkers")
