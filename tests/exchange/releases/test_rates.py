"""The linkage report's table: nothing that may be shown, in whatever combination, tells of few people; against all worlds that agree with it."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from agreements.periods import Period, months
from agreements.release import Release
from exchange.releases.cells import Counts, axes
from exchange.releases.isolating import Together
from exchange.releases.people import Known, People, Source, figures, tables
from exchange.releases.rates import UNLINKED, Kinds, rates
from tests.agreements.examples import agreement

SPAN = months(Period.parse("2026-05"), Period.parse("2026-05"))
SOURCES = [Source("victims", "a"), Source("witness_days", "b"), Source("rj_offers", "c")]
THRESHOLD = 2
MASKS = range(1, 8)
"""Which of the three know somebody, a bit each: the kinds of people there are."""
World = Sequence[int]


def release() -> Release:
    found = agreement("victims").release("people-known")
    assert found is not None
    return found


def published(world: World, threshold: int = THRESHOLD) -> tuple[People, People]:
    """The table of people and the report, of so many people of each kind; one rule, by which all may be linked."""
    masks = np.array(MASKS, dtype=np.int64)
    rule = np.array([UNLINKED if mask.bit_count() == 1 else 0 for mask in MASKS], dtype=np.int64)
    month, people = np.zeros(len(masks), dtype=np.int64), np.array(world, dtype=np.int64)
    none = {one.supplier: np.zeros(1, dtype=np.int64) for one in SOURCES}
    known, along = Known(month, masks, people, none, none), axes(release(), SPAN)
    made = tables(release(), along, SOURCES, known, threshold)

    def beside(over: Kinds) -> tuple[list[Counts], list[Counts]] | None:
        return figures(release(), along, SOURCES, replace(known, month=over.month, sources=over.sources, people=over.people), made)

    found = rates(SOURCES, np.ones((3, 1), dtype=np.bool_), Kinds(month, masks, rule, people), threshold, beside)
    return made["people"], found


EVERY = np.array(list(product(range(6), repeat=len(MASKS))), dtype=np.int8)
"""Every world with fewer than six people of each kind."""


def agree(world: World, reader: int | None) -> npt.NDArray[np.int8]:
    """The worlds that look the same to the public, or to a source's supplier, which knows how many people it has."""
    people, report = published(world)
    weights = []
    if not (people.primary | people.never)[1].all():
        number = [mask.bit_count() for mask in MASKS]
        weights += [[int(one in wanted) for one in number] for wanted in ({1, 2, 3}, {1}, {2}, {3})]
    for source in range(4):
        if not report.primary[source, 0]:
            bits = 7 if source == 0 else 1 << source - 1
            weights.append([(mask & bits).bit_count() if mask.bit_count() > 1 else 0 for mask in MASKS])
    if reader is not None:
        weights.append([mask >> reader & 1 for mask in MASKS])
    rows = EVERY
    for one in weights:
        line = np.array(one, dtype=np.int8)
        rows = rows[rows @ line == np.array(world, dtype=np.int8) @ line]
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_nobody_can_tell_how_many_are_few_from_all_that_is_shown(seed: int) -> None:
    dice, shown = random.Random(seed), 0
    for _ in range(12):
        world = [dice.choice([0, 1, 2, 3]) for _ in MASKS]
        people, report = published(world)
        shown += int((~report.primary & ~report.never).sum())
        for reader in (None, 0, 1, 2):
            worlds, before = agree(world, reader), EVERY
            if reader is not None:
                own = np.array([mask >> reader & 1 for mask in MASKS], dtype=np.int8)
                before = EVERY[EVERY @ own == np.array(world, dtype=np.int8) @ own]
            for place, mask in enumerate(MASKS):
                joined = mask.bit_count() > 1
                own_left = reader is not None and mask == 1 << reader
                if world[place] < THRESHOLD and (joined or own_left) and len(np.unique(before[:, place])) > 1:
                    assert len(np.unique(worlds[:, place])) > 1, (world, reader, mask, people.primary, report.primary)
    assert shown or seed


def test_what_everybody_has_enough_of_is_shown() -> None:
    _, report = published([30] * 7, threshold=10)
    assert not report.primary.any()
    assert report.value[:, 0].tolist() == [270, 90, 90, 90]


@pytest.mark.parametrize("few", range(7))
def test_a_source_nearly_all_of_whose_people_are_known_elsewhere_does_not_see_it(few: int) -> None:
    """Were it shown that all are, each of them would be."""
    world = [30, 30, 30, 30, 30, 30, 30]
    world[0] = few
    _, report = published(world, threshold=7)
    assert report.primary[1, 0]


def test_odd_and_even_tell_nothing_of_few() -> None:
    """All but a few are counted twice: the sum may not be shown, though with no weights but those it tells of many."""
    many = np.array([True, True, False])
    assert not Together(many).may_tell(np.array([2, 2, 1]))
    assert Together(many).may_tell(np.array([1, 2, 1]))
    beside = Together(many)
    beside.tell(np.array([1, 1, 0]))
    assert not beside.may_tell(np.array([1, 1, 1]))
    assert not beside.may_tell(np.array([3, 1, 1]))  # twice the first, beside the others
    assert beside.may_tell(np.array([2, 1, 1]))


def test_what_must_not_be_known_does_not_follow() -> None:
    beside = Together(np.array([True, True, True]), [np.array([1, 1, 0])])
    assert not beside.may_tell(np.array([2, 2, 0]))
    beside.tell(np.array([1, 0, 0]))
    assert not beside.may_tell(np.array([1, 1, 0]))
    assert not beside.may_tell(np.array([0, 1, 0]))
    assert beside.may_tell(np.array([0, 1, 1]))
