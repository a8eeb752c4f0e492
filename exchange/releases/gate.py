"""The gate: nothing goes on to be checked that is not protected, proven, and attacked in vain by another road."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agreements.release import Release
from exchange.disclosure import DisclosureError, Files, Need
from exchange.disclosure.advice import advise
from exchange.disclosure.attack import Attack, attack
from exchange.disclosure.methods import apply
from exchange.errors import Unacceptable
from exchange.releases import perturbing


def guard(exact: Files, release: Release) -> tuple[Files, dict[str, Any]]:
    """Protect a table set, check the proof, and attack the result by another road. Anything found, and there is no edition.

    The intruders are the public and every supplier whose parts stand in the set.
    """
    need = Need(release.terms.known_min, release.terms.min_width)
    with provable():
        treated = apply(str(release.terms.method), exact, need, base=release.terms.base or None, noise=perturbing.noise_of(release.terms))
        protected = treated.files()
        found = require_safe(attack(exact, protected, need))
    noise = perturbing.described(release.terms)
    return protected, {"attack": found, **({"noise": noise} if noise else {})}


@contextmanager
def provable() -> Iterator[None]:
    """Unacceptable where what is done inside cannot be protected, or not be proven."""
    try:
        yield
    except DisclosureError as error:
        raise Unacceptable(
            f"the tables cannot be proven safe: {error}.",
            remedy="Nothing is published. Coarser categories would help.",
            code="unprotectable",
        ) from error


def require_safe(found: Attack) -> dict[str, Any]:
    """The report of an attack in vain; Unacceptable where it found anything."""
    if not found.safe:
        raise Unacceptable(
            f"the disclosure test can work out {len(found.vulnerable)} hidden cell(s) too closely: nothing is published.",
            remedy="Tell those who maintain the exchange; the tables cannot be released as they are.",
            code="vulnerable",
        )
    return found.report


def proof_in(protected: Files) -> Files:
    """Of protected files the certificate alone, where the method gives one."""
    return {name: content for name, content in protected.items() if name == "certificate.json"}


def advice(exact: Files, release: Release) -> list[dict[str, Any]]:
    """What every method would hide and cost at the release's level, its own tables alone: figures without any cell, for checkers."""
    need = Need(release.terms.known_min, release.terms.min_width)
    return [option.line() for option in advise(exact, need, perturbing.noise_of(release.terms))]
