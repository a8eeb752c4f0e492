"""Perturbation of an edition: the key of its record keys, the noise that its terms ask for, and whether the same people get the same noise again."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.perturbation import unit_kind
from agreements.release import Method, Release, Terms
from exchange.disclosure.perturb import Noise
from exchange.disclosure.ptable import make_ptable
from exchange.keyring import Keyring
from exchange.submissions import holdings
from keys.record_keys import record_key_secret

METHOD = Method.CELL_KEY
SEVERAL = (Method.SUPPRESS, METHOD)
"""Methods under which a population may have several editions: their exact counts are kept, so that a later one is proven safe beside them."""


def perturbs(release: Release) -> bool:
    """Whether its counts are published with noise."""
    return release.terms.method is METHOD


def key_for(keyring: Keyring, agreement: Agreement, release: Release, *, compared: bool) -> bytes | None:
    """The key of a release's record keys; None where none is needed, or units have no pseudonym. ``compared``: it is needed for advice too.

    It is bound to the agreement's reference and the kind of pseudonym, so that all its tables, editions and versions share it.
    """
    found = unit_kind(agreement, release) if perturbs(release) or compared else None
    return None if found is None else record_key_secret(keyring.record_keys(agreement.reference), agreement.reference, found[1])


def noise_of(terms: Terms) -> Noise | None:
    """The noise that terms ask for; None under every other method."""
    return Noise(terms.bound, Fraction(terms.variance), terms.smallest - 1) if terms.method is METHOD else None


def described(terms: Terms) -> dict[str, Any]:
    """The noise as it is told with an edition, digest of its table included; nothing under every other method."""
    return dict(_described(*terms.noise)) if terms.method is METHOD else {}


@lru_cache(maxsize=8)
def _described(bound: int, variance: int, smallest: int) -> Mapping[str, str | int]:
    return make_ptable(bound, variance, smallest - 1).described()


def moved(session: Session, base: str, now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], base_before: str) -> bool:
    """Whether rows that an earlier edition counted have come again under another linkage epoch: the same people, and other noise.

    ``now``, ``before``: what the two read, as editions say it; ``base``, ``base_before``: the datasets that they count.
    """
    one, other = (_epochs(session, name, lineage) for name, lineage in ((base, now), (base_before, before)))
    return any(place in one and not epochs <= one[place] for place, epochs in other.items())


def _epochs(session: Session, base: str, lineage: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], set[int | None]]:
    """(supplier, period) → the epochs of the submissions that were counted; None for one that nothing is known of any more."""
    mine = [one for one in lineage if one["dataset"] == base]
    known = holdings.epochs(session, [one["submission"] for one in mine])
    found: dict[tuple[str, str], set[int | None]] = {}
    for one in mine:
        found.setdefault((one["supplier"], one["period"]), set()).add(known.get(one["submission"]))
    return found


def terms(asked: Terms) -> dict[str, Any]:
    """Disclosure terms as an edition says them, with the noise where there is any."""
    plain = {"threshold": asked.threshold, "zeros": asked.zeros.value, "level": asked.level.value, "method": asked.method.value}
    return {**plain, **described(asked)}
