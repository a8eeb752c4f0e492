"""For whom a person may say what: exactly where the agreement names one of the person's keys for that party and capacity."""

from collections.abc import Collection
from dataclasses import dataclass

from agreements.decisions import Refused
from agreements.model import Agreement
from agreements.model import Person as Named
from agreements.signing import MAY_SAY, Capacity, Voice, speaker
from exchange.people.people import Person, Post

_POSTS = {Capacity.DPO: Post.DPO, Capacity.SIGNATORY: Post.SIGNATORY}
_TITLES = {Capacity.DPO: "data protection officer", Capacity.SIGNATORY: "signatory"}


@dataclass(frozen=True)
class Speaker:
    """In what capacity a person speaks, as whom the agreement knows the person, and whether by passkey (else by key file)."""

    capacity: Capacity
    named: Named
    by_passkey: bool


def speaks(
    agreement: Agreement, who: Person, fingerprints: Collection[str], voice: Voice, standing: Agreement | None = None
) -> Speaker | Refused:
    """Whether and how a person may say this. ``fingerprints``: of the person's passkeys that count now.

    ``standing``: the version in force, which says who vouches for the changed keys of a new one.

    A key file never comes here, so nobody can tell whose it is: where the agreement names one, its holder is known by role, and the
    statement by its signature.
    """
    clause = agreement.clause("parties", who.party)
    capacities = [capacity for capacity in Capacity if voice in MAY_SAY[capacity]]
    if agreement.party(who.party) is None:
        return Refused(clause, "your organisation is not a party to it.", "Only the people whom a party names speak for it.")
    naming = standing if voice is Voice.ENDORSE and standing is not None and standing.party(who.party) is not None else agreement
    found = [Speaker(one, speaker(naming, who.party, one), by_passkey=True) for one in capacities]
    for one in found:
        if one.named.key in fingerprints:
            return one
    for one in found:
        if one.named.key.startswith("ed25519:") and who.holds(_POSTS[one.capacity]):
            return Speaker(one.capacity, one.named, by_passkey=False)
    titles = " or ".join(f"{who.party}'s {_TITLES[one]}" for one in capacities)
    remedy = "Sign in with the passkey that it names; if you have no such one, a new version must name yours."
    return Refused(
        clause, f"only {titles} may {voice.replace('-', ' ')}, with the key that the agreement names, and none of yours is it.", remedy
    )
