"""What an agreement must say where its counts are perturbed by cell key: which noise, and by which pseudonym a unit gets its record key.

A count's noise follows from who is in it. So noise is the same in every table and edition only where every unit has a pseudonym, and only while whoever
perturbs the same people keeps to one noise; counts that are published in another way beside it would undo it.
"""

from collections.abc import Iterator
from math import isqrt

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement
from agreements.release import Method, Release, Terms, Zeros


def unit_fields(agreement: Agreement, release: Release) -> tuple[str, ...]:
    """The pseudonyms of the base that every unit of the release has, in its order. Perturbation takes the record key from the only one."""
    base = None if release.linked else agreement.dataset(release.base)
    kinds = {field.name for field in base.fields if isinstance(field.rule, PseudonymiseRule)} if base else set()
    return tuple(dict.fromkeys(name for name in release.present if name in kinds))


def unit_kind(agreement: Agreement, release: Release) -> tuple[str, str] | None:
    """The field that record keys are taken from, and its kind of pseudonym; None unless there is exactly one."""
    names, base = unit_fields(agreement, release), agreement.dataset(release.base)
    rule = base.field(names[0]).rule if base is not None and len(names) == 1 else None
    return (names[0], rule.kind) if isinstance(rule, PseudonymiseRule) else None


def spread(terms: Terms) -> int:
    """Within how much of the truth a perturbed count mostly is: two standard deviations, rounded up, and no more than the bound."""
    return min(terms.bound, isqrt(4 * terms.variance - 1) + 1) if terms.variance else 0


def problems(agreement: Agreement, release: Release) -> Iterator[str]:
    """What hinders a release's perturbation, and what to change. Nothing where it does not perturb, and asks for no noise."""
    terms = release.terms
    if terms.method is not Method.CELL_KEY:
        if any(terms.noise):
            yield "bound, variance and smallest are of noise, and go with the method cell-key alone."
        return
    yield from _noise(terms)
    if len(found := unit_fields(agreement, release)) != 1:
        yield (
            f"cell-key takes the key of each unit from its pseudonym: “present” names exactly one pseudonym of {release.base}, and not {len(found)}."
        )
    yield from _beside(agreement, release)


def _noise(terms: Terms) -> Iterator[str]:
    if terms.zeros is not Zeros.PUBLISHED:
        yield "cell-key hides nothing and leaves noughts alone: noughts are published, or the method is another."
    if not all(terms.noise):
        yield "cell-key needs bound (the most that a count changes), variance, and smallest (the smallest count but nought that is shown)."
        return
    if terms.bound <= terms.min_width:
        yield f"the noise must be able to hide a small count: the bound is at least {terms.min_width + 1} at this threshold and level."
    if terms.smallest > terms.bound:
        yield "smallest is at most the bound: what is not shown must be able to become something that is."
    # A count of one falls by one at most, so that noise without bias spreads no further than the bound; and it must leap over what is never shown.
    elif not terms.smallest**2 // 4 <= terms.variance <= terms.bound:
        yield f"no noise without bias is like that: the variance is from {max(1, terms.smallest**2 // 4)} to the bound, {terms.bound}."


def _beside(agreement: Agreement, release: Release) -> Iterator[str]:
    """Other releases over the same rows must perturb them alike."""
    mine = {dataset.adapter for name in release.counted if (dataset := agreement.dataset(name))}
    for other in agreement.releases:
        theirs = {dataset.adapter for name in other.counted if (dataset := agreement.dataset(name))}
        alike = other.terms.method is Method.CELL_KEY and other.terms.noise == release.terms.noise
        if mine & theirs and not alike:
            yield (
                f"people whose counts are perturbed are counted in no other way: give {other.name} the method cell-key with the same bound, variance "
                f"and smallest, or take another method for both."
            )
