"""At most one row of a lookup for each row it starts from, as an Ibis expression: the choice depends on what rows say, never on their order."""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis

from agreements.model import Agreement
from agreements.release import Lookup, Release
from exchange.releases.deriving import found
from exchange.releases.errors import BadRelease
from exchange.releases.reading import Relations, by_value, first, linkage_of, looked_up, person, pseudonyms_of, union

SENT = "bit of supplier"
"""The column of base rows that says who sent them, where rows of several suppliers are looked at together."""


def matched(
    release: Release,
    agreement: Agreement,
    rows: ibis.Table,
    lookup: Lookup,
    relations: Relations,
    *,
    bits: Mapping[str, int],
    people: Mapping[tuple[str, str], ibis.Table] | None = None,
) -> ibis.Table:
    """Rows, each with at most one row of the lookup's dataset: its fields, and ``deriving.found``, the bit of the supplier whose row it is.

    A key that is absent finds nothing, and the columns of the other dataset are then absent too. Of several rows one is taken by the lookup's
    own choice, then by the values of all fields read, then by the order of ``bits``.

    Args:
        bits: supplier → its bit, of those whose rows may match. Of several, only rows of the base row's own (:data:`SENT`) do, unless ``across``.
    Raises:
        BadRelation: rows that may match are not there, or lack a field.
        BadRelease: it starts from a dataset that was not looked up before it.
    """
    dataset, of = lookup.dataset, lookup.of or release.base
    parts = [
        looked_up(release, agreement, lookup, relations, supplier, people).mutate(**{found(dataset): ibis.literal(bit, "int64")})
        for supplier, bit in bits.items()
    ]
    other = union(parts)
    names = (lookup.on, *pseudonyms_of(agreement, lookup))
    pairs = {f"{dataset}.{name}": f"{of}.{name}" for name in names}
    if linkage_of(agreement, lookup):
        pairs[person(dataset)] = person(of)
    if len(bits) > 1 and not lookup.across:
        pairs[found(dataset)] = SENT
    if missing := [theirs for theirs in pairs.values() if theirs not in rows.columns]:
        raise BadRelease(f"release {release.name}: lookup {dataset} starts from {', '.join(missing)}, which nothing before it has read.")
    chosen = first(other.filter(*(other[name].notnull() for name in pairs)), list(pairs), _order(lookup, other, list(pairs)))
    return rows.left_join(chosen, [rows[theirs] == chosen[mine] for mine, theirs in pairs.items()]).select(*rows.columns, *chosen.columns)


def _order(lookup: Lookup, other: ibis.Table, names: Sequence[str]) -> list[Any]:
    """The lookup's own choice, then every other column, whose supplier comes last."""
    dated = f"{lookup.dataset}.{lookup.latest_by}"
    order = [other[dated].asc(nulls_first=False) if lookup.earliest else other[dated].desc(nulls_first=False)]
    if lookup.then_by and lookup.order:
        choice = other[f"{lookup.dataset}.{lookup.then_by}"]
        order.append(ibis.cases(*((choice == value, place) for place, value in enumerate(lookup.order)), else_=len(lookup.order)))
    return [*order, *by_value(other, [*names, dated])]
