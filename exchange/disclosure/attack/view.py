"""What an intruder sees: the published values of a protected table set, and all that binds what is hidden.

Written apart from the protecting side on purpose (own parser, own idea of which cells are one, own matrix), so that
one mistake cannot hide another. It works on long rows, never on whole products of codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.disclosure.attack.cells import Cells
from exchange.disclosure.attack.document import Document, read_document
from exchange.disclosure.attack.figures import Bound, bounds
from exchange.disclosure.attack.long import Array, Long, Mask, decimals_of, read_long
from exchange.disclosure.attack.programs import Entries
from exchange.disclosure.attack.published import Seen, seen
from exchange.disclosure.attack.ranges import System
from exchange.disclosure.attack.rules import judged
from exchange.disclosure.attack.series import Differences, differences
from exchange.disclosure.attack.sums import check, sums
from exchange.disclosure.attack.suppliers import Known, known, parts_of, shares
from exchange.disclosure.errors import BadTables

KNOWN = r"value|primary|lpl|upl|n_contrib|single_contributor|forced|suppressed|cost|changed|record_key_sum|top[1-9][0-9]?"
"""Columns beside the dimensions, as a pattern."""


@dataclass(frozen=True)
class View:
    """m distinct cells over all tables, then the differences of releases, and what holds among them.

    `value`, `lpl`, `upl`: in units of 10 ** -`decimals`; `primary`: must not be worked out; `owner`: the single contributor of a cell or
    -1; `seen`: what the published tables say; `where`: (table, row) that shows each cell; `since`: of each difference, the release before.
    """

    document: Document
    decimals: int
    value: Array
    lpl: Array
    upl: Array
    primary: Mask
    seen: Seen
    system: System
    owner: Array
    suppliers: tuple[Known, ...]
    tables: tuple[Long, ...]
    where: tuple[Array, Array]
    since: tuple[str, ...]

    def name(self, cell: int) -> tuple[str, tuple[str, ...], str]:
        """(table, codes, "") of the row that shows `cell`; of a difference, those of its later row, and the release before."""
        table, cells = self.tables[int(self.where[0][cell])], len(self.value) - len(self.since)
        return table.name, table.codes(int(self.where[1][cell])), self.since[cell - cells] if cell >= cells else ""


def look(files: Mapping[str, bytes], protected: Mapping[str, bytes]) -> View:
    """Read the original set (for the truth) and the protected one (for what is published); BadTables where they do not fit."""
    document = read_document(files)
    longs = [read_long(files, name, entry, document.trees, KNOWN) for name, entry in document.tables.items()]
    parts = parts_of(files, longs)
    texts = [(long.text, column) for long in longs for column in ("value", "lpl", "upl")] + [(text, "value") for text in parts.values()]
    decimals = max(decimals_of(*one) for one in texts)
    if document.counts and decimals:
        raise BadTables("counts must be whole numbers of at least 0")
    cells = Cells(document, longs, decimals)
    value, where = cells.value, cells.where()
    entries = sums(longs, cells.same, document)
    check(entries, value, "the original tables are not additive")
    rules = [judged(long, document, decimals) for long in longs]
    flags = cells.most([flag.astype(np.int64) for flag, _ in rules]) > 0
    down, up = cells.sides(flags, [above for _, above in rules])
    apart = differences(document, cells.case, value, cells.column("n_contrib", none=-1), cells.changed())
    figures = bounds(files, protected, document, longs, cells.same, value)
    published = _with_differences(seen(document, longs, cells.same, protected, value, decimals), apart)
    pairs = apart.later[~apart.equal], apart.earlier[~apart.equal]
    primary, extra = np.concatenate([flags, apart.target[~apart.equal]]), len(pairs[0])
    nothing = np.zeros(extra, dtype=np.int64)
    return View(
        document=document,
        decimals=decimals,
        value=np.concatenate([value, value[pairs[0]] - value[pairs[1]]]),
        lpl=np.concatenate([down, nothing]),
        upl=np.concatenate([up, nothing]),
        primary=primary,
        seen=published,
        system=_system(document, entries, apart, (figures, value), ~published.exact),
        owner=np.concatenate([cells.owners(entries), nothing - 1]),
        suppliers=known(
            document, shares(parts, longs, cells.same, value, decimals), entries, value, (*pairs, apart.moved[~apart.equal]), primary
        ),
        tables=tuple(longs),
        where=(np.concatenate([where[0], where[0][pairs[0]]]), np.concatenate([where[1], where[1][pairs[0]]])),
        since=tuple(longs[int(where[0][cell])].release for cell in pairs[1].tolist()),
    )


def _with_differences(published: Seen, apart: Differences) -> Seen:
    """The same, with nothing said of the differences but what a series says by itself."""
    count = int((~apart.equal).sum())
    none = np.zeros(count, dtype=np.bool_)
    return Seen(
        np.concatenate([published.exact, none]),
        np.concatenate([published.low, np.full(count, apart.floor)]),
        np.concatenate([published.high, np.full(count, np.inf)]),
        np.concatenate([published.assumed, none]),
    )


def _system(document: Document, entries: Entries, apart: Differences, said_of: tuple[Sequence[Bound], Array], unknown: Mask) -> System:
    """All rows: sums of cells, later - earlier - difference (nothing where a revision left the cell alone), then what figures say."""
    row, cell, factor = entries
    figures, value = said_of
    rows = int(row.max(initial=-1)) + 1
    pairs = len(apart.later)
    number = np.arange(rows, rows + pairs)
    differs = ~apart.equal
    own = np.arange(len(unknown) - int(differs.sum()), len(unknown))
    first = rows + pairs
    lengths = [len(cells) for cells, _, _ in figures]
    said = np.repeat(np.arange(first, first + len(figures)), lengths)
    return System(
        unknown=unknown,
        row=np.concatenate([row, number, number, number[differs], said]).astype(np.int64),
        cell=np.concatenate([cell, apart.later, apart.earlier, own, *(cells for cells, _, _ in figures)]).astype(np.int64),
        factor=np.concatenate(
            [factor, np.ones(pairs), -np.ones(pairs), -np.ones(len(own)), *(factors for _, factors, _ in figures)]
        ).astype(np.int64),
        room=np.concatenate([np.full(first, np.nan), [float(_sum(value, bound) - bound[2]) for bound in figures]]),
        whole=document.counts,
    )


def _sum(value: Array, bound: Bound) -> int:
    return sum(int(value[cell]) * factor for cell, factor in zip(bound[0], bound[1], strict=True))
