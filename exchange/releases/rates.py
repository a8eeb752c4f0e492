"""The table of the linkage report: of each source, its people whom another source knows too, by the rule that first linked them.

Each person counts once in a source, however many records the source has of it: a supplier that sent all people twice and one of them once
could tell by odd and even whether that one is linked. Beside the tables of people, only such cells are shown of which no combination tells of
few people (``exchange.releases.isolating``), to everybody and to each supplier, which knows its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from exchange.releases.cells import Counts, Flags, with_totals
from exchange.releases.people import People, Source, suppliers_of
from exchange.releases.readers import Reader, some_sets

UNLINKED = -1
"""The rule of people whom one source alone knows."""

MOST_KINDS = 20_000
"""Beyond this many kinds of people the report is hidden as a whole, so that it is judged in seconds."""

MOST_CELLS = 100
"""In a larger report only totals are judged, of each source and of each rule; each source's by rule stay hidden."""

Kind = tuple[int, int, int]


@dataclass(frozen=True)
class Kinds:
    """People by what figures about them depend on; one entry a kind.

    Attributes:
        month: place of the first month, from 0.
        sources: which sources know them, a bit a source.
        rule: place of the rule that first linked a record of theirs to another source, from 0; `UNLINKED`.
        people: how many there are; none of a kind that may be and is not.
    """

    month: Counts
    sources: Counts
    rule: Counts
    people: Counts

    def by_source(self, sources: int) -> Counts:
        """(sources, kinds) 1 where the source knows them."""
        return np.array([(self.sources >> place) & 1 for place in range(sources)])


Beside = Callable[[Kinds], tuple[list[Counts], list[Counts]] | None]


def rates(sources: Sequence[Source], links: Flags, found: Kinds, threshold: int, beside: Beside) -> People:
    """Every cell of the report, (1 + sources, 1 + rules), and which of them must be hidden.

    Args:
        links: (sources, rules) whether records of a source may be linked by a rule.
        found: the people there are.
        beside: for kinds of people, the figures about them that are told otherwise, and those that must not be known; None: too many to judge.
    """
    weights = _weights(found, *links.shape)
    value = weights @ found.people
    possible = np.broadcast_to(links.sum(axis=0) > 1, links.shape)
    never = with_totals(possible.astype(np.int64)) == 0
    kinds = _may_be(found, sources, links)
    others = beside(kinds) if kinds is not None else None
    told = np.zeros(value.shape, dtype=np.bool_)
    if kinds is not None and others is not None:
        told = _told(sources, links, kinds, threshold, others) & ~never
    shares = {}
    for supplier in dict.fromkeys(one.supplier for one in sources):
        own = np.array([one.supplier == supplier for one in sources])
        shares[supplier] = with_totals(np.where(own[:, None], value[1:, 1:], 0))
    return People(value, shares, ~told & ~never, never)


def _weights(kinds: Kinds, sources: int, rules: int) -> Counts:
    """(1 + sources, 1 + rules, kinds) how often a person of a kind counts in a cell."""
    linked = kinds.rule == np.arange(rules)[:, None]
    found = kinds.by_source(sources)[:, None, :] * linked[None, :, :]
    for axis in (0, 1):
        found = np.concatenate([found.sum(axis=axis, keepdims=True), found], axis=axis)
    return np.asarray(found)


# ------------------------------------------------------------------------------------------------------------ kinds that may be


def _may_be(found: Kinds, sources: Sequence[Source], links: Flags) -> Kinds | None:
    """The kinds of people there are, and as many that may be as it takes to tell which figures follow from which; None: too many."""
    counted: dict[Kind, int] = {}
    for month, mask, rule, people in zip(found.month, found.sources, found.rule, found.people, strict=True):
        counted[int(month), int(mask), int(rule)] = counted.get((int(month), int(mask), int(rule)), 0) + int(people)
    months = range(max((month for month, _, _ in counted), default=0) + 1)
    masks = set(some_sets(len(sources))) | {mask for _, mask, _ in counted}
    for mask in masks:
        rules = _rules(mask, links)
        for kind in (*((month, mask, rules[0]) for month in months), *((0, mask, rule) for rule in rules)):
            counted.setdefault(kind, 0)
        if len(counted) > MOST_KINDS:
            return None
    for kind in list(counted):
        for bits in suppliers_of(sources).values():
            if kind[1] & bits:
                counted.setdefault(_alone(kind, bits, links), 0)
    month, mask, rule = (np.array([kind[at] for kind in counted], dtype=np.int64) for at in range(3))
    return Kinds(month, mask, rule, np.array(list(counted.values()), dtype=np.int64))


def _rules(mask: int, links: Flags) -> list[int]:
    """By which rules people whom these sources know may have been linked."""
    mine = [place for place in range(len(links)) if mask >> place & 1]
    return [int(rule) for rule in np.flatnonzero(links[mine].sum(axis=0) > 1)] or [UNLINKED]


def _alone(kind: Kind, bits: int, links: Flags) -> Kind:
    """The kind as a supplier would have it from its own records alone."""
    month, mask, rule = kind
    rules = _rules(mask & bits, links)
    return month, mask & bits, rule if rule in rules else rules[0]


# ------------------------------------------------------------------------------------------------------------ what may be told


def _told(sources: Sequence[Source], links: Flags, kinds: Kinds, threshold: int, beside: tuple[list[Counts], list[Counts]]) -> Flags:
    """Which cells may be shown, one after the other: each source's, then each rule's, then all together, then each source's by rule."""
    weights = _weights(kinds, *links.shape)
    suppliers = suppliers_of(sources)
    two = np.sum([(kinds.sources & bits) != 0 for bits in suppliers.values()], axis=0) > 1
    lines, columns = range(1, weights.shape[0]), range(1, weights.shape[1])
    cells = [*((line, 0) for line in lines), *((0, column) for column in columns), (0, 0)]
    if weights.shape[0] * weights.shape[1] <= MOST_CELLS:
        cells += [(line, column) for line in lines for column in columns]
    shown, hidden = beside
    figures = np.array([*(weights[cell] for cell in cells), *shown, *hidden], dtype=np.int64)
    to_hide = range(len(cells) + len(shown), len(figures))
    readers = [Reader(_own(kinds, bits, links), kinds.people, figures, threshold, to_hide) for bits in (0, *suppliers.values())]
    for reader in readers:
        for number in range(len(cells), len(cells) + len(shown)):
            reader.tell(number)
    told = np.zeros(weights.shape[:2], dtype=np.bool_)
    for number, cell in enumerate(cells):
        enough = kinds.people[(weights[cell] > 0) & two].sum() >= threshold
        if enough and all(reader.may_be_told(number) for reader in readers):
            told[cell] = True
            for reader in readers:
                reader.tell(number)
    return told


def _own(kinds: Kinds, bits: int, links: Flags) -> Counts:
    """(kinds,) where people of a kind stand as these sources have them, from their own records alone; -1 where they have none."""
    each: Iterable[Kind] = zip(kinds.month.tolist(), kinds.sources.tolist(), kinds.rule.tolist(), strict=True)
    place = {kind: at for at, kind in enumerate(each)}
    return np.array([place[_alone(kind, bits, links)] if kind[1] & bits else -1 for kind in place], dtype=np.int64)
