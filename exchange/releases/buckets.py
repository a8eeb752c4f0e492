"""Units bucket by bucket: where a join of all rows would need more memory than the engine has, it is made for some pseudonyms at a time.

Every row of the base goes into one bucket by a pseudonym that says which unit it is, and with it go the rows of other datasets that could match it: those with
the same pseudonym. Counts of buckets add up to the counts of all, and units of buckets are the units. Re-keyed pseudonyms are a random permutation, so their first
bits are as good as a hash; parts are sorted by them, so that a bucket of a part is a stretch of it.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import pyarrow as pa

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement
from agreements.release import Release
from exchange.releases.engine import MOST_BUCKETS, Engine
from exchange.releases.errors import OutOfMemory
from exchange.releases.reading import Relations, agreed, pseudonyms_of, unit_keys

Made = TypeVar("Made")


def divided_by(release: Release, agreement: Agreement) -> dict[str, str]:
    """Dataset → the pseudonym by which its rows are divided, of those that can be; empty where the base has none that every join of it asks for.

    What one supplier names twice is one unit, so the base is divided by a pseudonym that is part of what a unit is known by, if anything is.
    """
    base = agreed(agreement, release.base)
    mine = [field.name for field in base.fields if isinstance(field.rule, PseudonymiseRule)]
    known_by = {name.partition(".")[2] for name in unit_keys(release, agreement)}
    asked = [{lookup.on, *pseudonyms_of(agreement, lookup)} for lookup in release.lookups if lookup.of in {"", release.base}]
    fit = [name for name in mine if not known_by or name in known_by]
    # The pseudonym that most lookups ask for; without any, what repeats are found by.
    best = max(fit, key=lambda name: (sum(name in names for names in asked), name in known_by), default="")
    if not best or not (known_by or any(best in names for names in asked)):
        return {}
    found = {release.base: best}
    for lookup in release.lookups:
        if found.get(lookup.of or release.base) == best and best in {lookup.on, *pseudonyms_of(agreement, lookup)}:
            found[lookup.dataset] = best
    return found


def in_buckets(engine: Engine, known: Relations, by: Mapping[str, str], make: Callable[[Relations], Made]) -> list[Made]:
    """What ``make`` makes of all rows at once, or where they do not fit into memory of bucket after bucket: twice as many as before until they do.

    Args:
        by: dataset → the pseudonym by which its rows are divided (:func:`divided_by`); those of others are whole in every bucket.
        make: gives rows, or what is worked out of them; relations that it registers are forgotten after its bucket.
    Raises:
        OutOfMemory: rows cannot be divided, or do not fit even so.
    """
    buckets = engine.buckets([table for place, table in known.items() if place[0] in by]) if by else 1
    while True:
        try:
            return [_made(engine, known, by, number, buckets, make) for number in range(buckets)]
        except OutOfMemory:
            if not by or buckets >= MOST_BUCKETS:
                raise
            buckets *= 2


def _made(engine: Engine, known: Relations, by: Mapping[str, str], number: int, buckets: int, make: Callable[[Relations], Made]) -> Made:
    with engine.for_now():
        return make(_bucket(engine, known, by, number, buckets))


def _bucket(engine: Engine, known: Relations, by: Mapping[str, str], number: int, buckets: int) -> Relations:
    if buckets == 1:
        return known
    return {place: engine.cut(table, by[place[0]], number, buckets) if place[0] in by else table for place, table in known.items()}


def together(parts: list[pa.Table]) -> pa.Table:
    """All rows of what buckets gave."""
    return parts[0] if len(parts) == 1 else pa.concat_tables(parts)
