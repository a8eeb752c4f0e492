"""What changes about the parties: who they are, who speaks for them with which key, and by what law they share."""

from collections.abc import Iterator

from agreements.changes import Change, Risk, members, order, reworded
from agreements.model import Agreement, Party, Person


def parties(old: Agreement, new: Agreement) -> Iterator[Change]:
    """Parties that come and go, and what changes about those that stay."""
    yield from members("parties", "Party {}", [one.id for one in old.parties], [one.id for one in new.parties])
    for after in new.parties:
        if (before := old.party(after.id)) is not None:
            yield from _party(before, after)
    yield from order("parties", "the parties", [one.id for one in old.parties], [one.id for one in new.parties])


def _party(old: Party, new: Party) -> Iterator[Change]:
    clause, who = f"parties, {new.id}", new.id
    yield from reworded(clause, f"the name of {who}", old.name, new.name)
    yield from reworded(clause, f"the short name of {who}", old.short_name, new.short_name)
    yield from reworded(clause, f"the registration of {who}", old.registration, new.registration)
    yield from reworded(clause, f"the contact of {who}", old.contact, new.contact)
    roles = [f"{one.role}{', operator of the hub' if one.operator else ''}" for one in (old, new)]
    yield from reworded(clause, f"the role of {who}", *roles, risk=Risk.CHANGED)
    yield from _person(clause, f"the data protection officer of {who}", old.dpo, new.dpo)
    yield from _person(clause, f"the signatory of {who}", old.signatory, new.signatory)
    yield from _checkers(clause, old, new)
    yield from _keys(clause, who, old, new)
    yield from _bases(clause, old, new)


def _person(clause: str, what: str, old: Person, new: Person) -> Iterator[Change]:
    names = [f"{one.name}, {one.position}" for one in (old, new)]
    yield from reworded(clause, what, *names, risk=Risk.CHANGED)
    yield from reworded(clause, f"the key of {what}", old.key, new.key, risk=Risk.CHANGED)


def _checkers(clause: str, old: Party, new: Party) -> Iterator[Change]:
    before, after = ([f"{person.name}, {person.position}, {person.key}" for person in one.checkers] for one in (old, new))
    for told in after:
        if told not in before:
            yield Change(Risk.CHANGED, clause, f"An output checker of {new.id} is named anew, or described anew.", "", told)
    for told in before:
        if told not in after:
            yield Change(Risk.CHANGED, clause, f"An output checker of {new.id} is named no longer, or described anew.", told, "")
    yield from order(clause, f"the output checkers of {new.id}", before, after)


def _keys(clause: str, who: str, old: Party, new: Party) -> Iterator[Change]:
    for uses, was, now in (
        (("manifest", "client", "encryption", "witness"), old.keys, new.keys),
        (("identity", "receipts", "editions", "log"), old.hub, new.hub),
    ):
        for use in uses:
            values = (getattr(was, use, ""), getattr(now, use, ""))
            yield from reworded(clause, f"the {use} key of {who}", *values, risk=Risk.CHANGED)


def _bases(clause: str, old: Party, new: Party) -> Iterator[Change]:
    names = dict.fromkeys(name for one in (old, new) for basis in one.lawful_bases for name in basis.datasets)
    for dataset in names:
        was, now = (
            list(dict.fromkeys(f"{basis.regime}: {basis.basis}; power to share: {basis.gateway}" for basis in one.bases_of(dataset)))
            for one in (old, new)
        )
        gained, lost = [told for told in now if told not in was], [told for told in was if told not in now]
        if gained and lost:
            words = f"By what law {new.id} shares or processes {dataset} changes."
            yield Change(Risk.CHANGED, clause, words, "\n".join(lost), "\n".join(gained))
        elif gained:
            yield Change(Risk.WIDER, clause, f"A further lawful basis of {new.id} for {dataset} is added.", "", "\n".join(gained))
        elif lost:
            yield Change(Risk.NARROWER, clause, f"A lawful basis of {new.id} for {dataset} is withdrawn.", "\n".join(lost), "")
