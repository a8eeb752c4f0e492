"""How far kept fields single rows out: a finding from held data, made while an edition is drafted and kept no longer than its draft.

A row is *alone* where its supplier has no second row with the same values in the fields looked at. The supplier counts as one of them: it is
known of every row, and so a supplier's count depends on its own rows and on nobody else's. Nothing that others know of theirs, or put into
theirs, tells whether another supplier has the like of it.

Counts are never told. Of each supplier's count only the block is used in which it lies, and every block holds at least ``threshold`` counts
that are possible; what is told is worked out from blocks and numbers of rows alone. So whoever subtracts all that it knows of the other
suppliers' rows is left with a block, never with a count (``docs/disclosure.md``, “Findings about rows”).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.releases.definition import ALONE, CHOICE, ROWS, SUPPLIER, Relations, alone, fields_needed, kept_fields
from exchange.releases.engine import Engine
from exchange.releases.errors import OutOfMemory

TOO_FEW = "too few rows to say"
NO_MEMORY = "not counted: the engine has too little memory"

_BANDS = ("under 1 %", "1 to 10 %", "10 to 50 %", "over half")
_JOINED = ("under 10 %", "1 to 50 %", "over 10 %")  # two neighbours, where a block reaches over the edge between them


@dataclass(frozen=True)
class Count:
    """One supplier's rows in the periods, and how many of them are alone."""

    rows: int
    alone: int

    def __post_init__(self) -> None:
        if not 0 <= self.alone <= self.rows:
            raise ValueError("of a supplier's rows from none to all are alone")


@dataclass(frozen=True)
class Finding:
    """What is told of one dataset: bands of the share of its rows that are alone, never a count.

    Attributes:
        kept: names of the fields that are kept, pseudonyms left out, in the agreement's order; ``share``: looking at all of them.
        used: those of them that the release uses; ``share_used``: looking at these alone.
        without: for every other field the share if it alone were left out.
    """

    dataset: str
    kept: tuple[str, ...]
    share: str
    used: tuple[str, ...]
    share_used: str
    without: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, Any]:
        """The finding as it is kept with the draft."""
        return {
            "dataset": self.dataset,
            "kept": list(self.kept),
            "share": self.share,
            "used": list(self.used),
            "share_used": self.share_used,
            "without": [{"field": field, "share": share} for field, share in self.without],
        }


def block(count: Count, threshold: int) -> tuple[int, int] | None:
    """The first and last count of the block in which a supplier's count lies; None where it has fewer rows than ``threshold``.

    Blocks begin at the multiples of the threshold; the last takes what is left over. All but one of the rows cannot be alone (the one would
    be alone too), so n rows leave n counts possible, and the last block has ``threshold`` of them as well.
    """
    if count.rows < threshold:
        return None
    last = count.rows // threshold - 1
    place = min(count.alone // threshold, last)
    return place * threshold, count.rows if place == last else (place + 1) * threshold - 1


def share(counts: Sequence[Count], threshold: int) -> str:
    """What may be told of the share of all suppliers' rows that are alone: true of every count in the suppliers' blocks."""
    blocks = [block(count, threshold) for count in counts]
    found = [one for one in blocks if one is not None]
    if len(found) < len(blocks) or not found:
        return TOO_FEW
    rows = sum(count.rows for count in counts)
    low, high = (_band(sum(ends), rows) for ends in zip(*found, strict=True))
    if high == low:
        return _BANDS[low]
    return _JOINED[low] if high == low + 1 else TOO_FEW


def _band(alone_of: int, rows: int) -> int:
    return (100 * alone_of >= rows) + (10 * alone_of >= rows) + (2 * alone_of > rows)


def look(engine: Engine, release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period]) -> tuple[Finding, ...]:
    """One finding for each dataset that the release reads, from its rows of the periods.

    Raises:
        BadRelation, EngineError. Too little memory is told in the finding: it is no reason to be without the edition.
    """
    return tuple(_look(engine, release, agreement, relations, periods, dataset) for dataset in release.datasets)


def _look(engine: Engine, release: Release, agreement: Agreement, relations: Relations, periods: Sequence[Period], dataset: str) -> Finding:
    kept, needed = kept_fields(agreement, dataset), fields_needed(release, agreement, dataset)
    used = tuple(name for name in kept if name in needed)
    spare = [name for name in kept if name not in needed]
    without = [tuple(name for name in kept if name != left_out) for left_out in spare]
    choices = list(dict.fromkeys((kept, used, *without)))  # all kept fields first; what is used may be the same
    try:
        counted = engine.run(alone(agreement, relations, periods, dataset, choices))
    except OutOfMemory:
        told = dict.fromkeys(choices, NO_MEMORY)
    else:
        of_choices = _counts(counted, len(choices), _suppliers(agreement, dataset))
        told = {choice: share(counts, release.terms.threshold) for choice, counts in zip(choices, of_choices, strict=True)}
    costs = tuple((field, told[rest]) for field, rest in zip(spare, without, strict=True))
    return Finding(dataset, kept, told[kept], used, told[used], costs)


def _suppliers(agreement: Agreement, dataset: str) -> int:
    found = agreement.dataset(dataset)
    return len(found.suppliers) if found else 0


def _counts(counted: pa.Table, choices: int, suppliers: int) -> list[list[Count]]:
    """For every choice of fields the count of each supplier; one without rows is not among what was counted."""
    found = {
        (choice, supplier): Count(rows, only)
        for choice, supplier, rows, only in zip(
            *(counted.column(name).to_pylist() for name in (CHOICE, SUPPLIER, ROWS, ALONE)), strict=True
        )
    }
    return [[found.get((choice, supplier), Count(0, 0)) for supplier in range(suppliers)] for choice in range(choices)]


def sealed(findings: Sequence[Finding], salt: str) -> dict[str, Any]:
    """What is kept beside the draft. The draft holds its digest; the salt keeps that from being guessed once the findings are gone."""
    return {"salt": salt, "datasets": [finding.document() for finding in findings]}


def in_words(kept: Mapping[str, Any]) -> list[str]:
    """The findings kept beside a draft as lines for people: for each dataset what is kept, what is used, and what each other field costs."""
    lines = ["Rows that are the only one of their supplier's with their values (bands, never counts):"]
    for one in kept["datasets"]:
        lines.append(f"  {one['dataset']}, all kept fields ({_listed(one['kept'])}): {one['share']}")
        if not one["without"]:
            lines.append("    this release uses every one of them")
            continue
        lines.append(f"    only the fields that this release uses ({_listed(one['used'])}): {one['share_used']}")
        lines += [f"    without {less['field']}, which it does not use: {less['share']}" for less in one["without"]]
    return lines


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
