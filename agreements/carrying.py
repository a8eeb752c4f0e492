"""What rows held under one version of an agreement are under a newer one: field by field, and whether a release of it may read them at all.

The law: a row is carried if and only if the newer version would have taken it from the agency as it was, and then it becomes exactly
what the newer rules would have made of it. Where what is held does not tell, nothing is guessed: the field cannot be carried. A value
that the newer version refuses is neither dropped nor emptied: its rows are at fault, as they would be if they were pushed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agreements.coarsen import BandEdges, Coarse, Flag, Generalise, Round, TopCode
from agreements.columns import MOST_ROWS, Breaches, conform
from agreements.compare_rules import Product, no_finer, translation
from agreements.decisions import Allowed, Decision, Refused
from agreements.difference_linkages import links_more
from agreements.errors import AgreementError
from agreements.fields import KeepPattern, KeepRange, KeepValues, Map, Means, PseudonymiseRule, Rule, none_of
from agreements.model import Agreement, Dataset, Field
from agreements.periods import Period
from agreements.release import Release

Made = tuple[pa.Array, pa.BooleanArray]
"""A column brought under a new rule, and where that rule refuses what is held."""

Make = Callable[[pa.Array], Made]


class Way(StrEnum):
    """How a field of the newer version comes out of rows that are held."""

    AS_IS = "as it is held"
    APPLIED = "by the newer rule"
    NOT = "not at all"


@dataclass(frozen=True)
class Carried:
    """One field of the newer version: by which way it is carried, why not where it is not, and what is made of the held column."""

    name: str
    way: Way
    reason: str = ""
    make: Make | None = field(default=None, compare=False, repr=False)


def carry(old: Dataset | None, new: Dataset) -> tuple[Carried, ...]:
    """For each field of ``new``, in its order, how it comes out of rows held under ``old``; None where that named no such dataset.

    Fields that ``new`` does not name are no part of the answer: nothing reads them. Names, meanings, reasons and categories are words,
    and hold up nothing.
    """
    if old is None:
        return tuple(Carried(one.name, Way.NOT, "the dataset was not named") for one in new.fields)
    parts = (
        ("adapter", old.adapter, new.adapter),
        ("period", old.period, new.period),
        ("period field", old.period_field, new.period_field),
    )
    if other := [what for what, was, now in parts if was != now]:
        return tuple(Carried(one.name, Way.NOT, f"the dataset had another {' and '.join(other)}") for one in new.fields)
    held = {one.name: one for one in old.fields}
    return tuple(_carried(held.get(one.name), one) for one in new.fields)


def _carried(old: Field | None, new: Field) -> Carried:
    if old is None:
        return Carried(new.name, Way.NOT, "it was not sent")
    if (old.source, old.type) != (new.source, new.type):
        return Carried(new.name, Way.NOT, "it was made from another source field")
    if old.rule == new.rule:
        way = Way.APPLIED if old.may_be_empty and not new.may_be_empty else Way.AS_IS
        return Carried(new.name, way, make=_unchanged)
    if isinstance(old.rule, PseudonymiseRule) or isinstance(new.rule, PseudonymiseRule):
        return Carried(new.name, Way.NOT, "pseudonyms are made at the agency alone")
    make = _make(old.rule, new.rule, empty=old.may_be_empty)
    if make is None:
        return Carried(new.name, Way.NOT, "what is held does not tell what the newer rule makes of it")
    return Carried(new.name, Way.APPLIED, make=make)


def bring(batch: pa.RecordBatch, ways: Sequence[Carried], new: Dataset, period: Period) -> tuple[pa.RecordBatch, Breaches]:
    """Held columns as the newer version has them, and where its rules refuse them: then nothing of the batch may be read.

    Args:
        batch: the held columns that ``ways`` names. ways: :func:`carry`'s answer for ``new``, without one that is not carried.
    """
    columns, found = [], Breaches()
    for one, asked in zip(ways, new.fields, strict=True):
        if one.make is None:
            raise AgreementError(f"{one.name} cannot be carried: {one.reason}.")
        column, refused = one.make(batch.column(one.name))
        columns.append(column.cast(asked.arrow_type))
        if count := pc.sum(refused).as_py() or 0:
            rows = np.flatnonzero(refused.to_numpy(zero_copy_only=False))[:MOST_ROWS]
            found[one.name] = (asked.rule.describe(), [int(row) for row in rows], count)
    brought = pa.RecordBatch.from_arrays(columns, schema=new.schema)
    return brought, found or conform(brought, new, period)


def may_reach(under: Agreement, now: Agreement, release: Release) -> Decision:
    """Whether a release of the version in force may read rows held ``under`` an earlier one: for what that already allowed, or where it says so.

    What is new is: a release of that name, its measure, a dataset it reads, a recipient (or the party it belongs to), the public.
    """
    clause = now.clause(f"release {release.name}", "earlier rows")
    before = under.release(release.name)
    if release.earlier_rows or under.digest == now.digest or (before is not None and not (new := _new(under, now, before, release))):
        return Allowed(clause)
    what = "did not have this release" if before is None else f"had it without {' and '.join(new)}"
    reason = f"version {under.version}, under which rows are held, {what}; new purposes and recipients do not reach them."
    return Refused(clause, reason, "Push them again under the version in force, or agree a version whose release says earlier_rows = true.")


def _new(under: Agreement, now: Agreement, before: Release, after: Release) -> list[str]:
    found = ["this measure"] if before.measure != after.measure else []
    found += [f"the dataset {name}" for name in after.datasets if name not in before.datasets]
    found += ["this way of linking people"] if any(_links_more(under, now, before, name) for name in _linkages(after)) else []
    parties = [{one.id: one.party for one in agreement.recipients} for agreement in (under, now)]
    for name in after.recipients:
        if name not in before.recipients or parties[0].get(name) != parties[1].get(name):
            found.append(f"the recipient {name}")
    return found + (["the public"] if after.public and not before.public else [])


def _linkages(release: Release) -> tuple[str, ...]:
    """What may be the name of a linkage in a release: its base, and what lookups also ask for."""
    return tuple(dict.fromkeys((release.base, *(name for lookup in release.lookups for name in lookup.also_on))))


def _links_more(under: Agreement, now: Agreement, before: Release, name: str) -> bool:
    old, new = under.linkage(name) if name in _linkages(before) else None, now.linkage(name)
    return new is not None and (old is None or links_more(old, new))


# ------------------------------------------------------------------------------------------------ from a held column to a new one


def _make(old: Rule, new: Rule, *, empty: bool) -> Make | None:
    """What brings a column that ``old`` made under ``new``, for every value that ``old`` admits; None where the column does not tell."""
    match old, new:
        case (KeepValues() | KeepPattern() | KeepRange(), Map(list_name=str(name))) if name:
            return None  # the code list is at the agency
        case (KeepValues() | KeepPattern() | KeepRange(), _):
            return partial(_applied, new)
        case (Generalise(to=Coarse.SECTOR), Generalise(to=Coarse.DISTRICT)):
            return _district
        case (BandEdges(), BandEdges()) if no_finer(old, new):
            return partial(_translated, new, _bands(old, new))
        case (TopCode(limit=limit), KeepRange(high=int(high))):
            # At the limit itself it can no longer be told what was above it.
            return partial(_applied, new) if high < limit else None
        case (Generalise(), Generalise()) | (TopCode() | Round(), TopCode() | Round() | BandEdges()) if no_finer(old, new):
            return partial(_applied, new)
        case (Map() | Flag(), Map() | Flag() | KeepValues() | KeepPattern()):
            table = translation(old, new, empty=empty)
            return None if table is None else partial(_translated, new, table)
        case _:
            return None


def _unchanged(column: pa.Array) -> Made:
    return column, none_of(column)


def _no_pseudonyms(_: pa.Array, kind: str) -> pa.Array:
    raise AgreementError(f"pseudonyms of kind {kind} are made at the agency alone.")


_MEANS = Means(_no_pseudonyms, {})


def _applied(rule: Rule, column: pa.Array) -> Made:
    """The new rule on a column on which it works as on the source."""
    return rule.apply(column, _MEANS), none_of(column)


def _district(column: pa.Array) -> Made:
    return pc.replace_substring_regex(column, pattern=" [0-9]$", replacement=""), none_of(column)


def _bands(old: BandEdges, new: BandEdges) -> Mapping[Product, Product]:
    """Each old band's label → the label of the new band that it lies in: its lowest number tells, and for the lowest the one below its end."""
    inside = pa.array([old.edges[0] - 1, *old.edges], pa.int64())
    return {**dict(zip(old.labels, new.apply(inside, _MEANS).to_pylist(), strict=True)), None: None}


def _translated(rule: Rule, table: Mapping[Product, Product], column: pa.Array) -> Made:
    """Every value by a table; one that is not in it is refused."""
    encoded = column.dictionary_encode(null_encoding="encode")
    values: list[Any] = encoded.dictionary.to_pylist()
    kind = pa.bool_() if isinstance(rule, Flag) else pa.string()
    made = pa.array([table.get(value) for value in values], kind).take(encoded.indices)
    refused = pa.array([value not in table for value in values], pa.bool_()).take(encoded.indices)
    return made, refused
