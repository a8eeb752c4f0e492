"""Kills without end: the functional test of proof 4 again and again, with other moments each time, and agencies that are killed as well.

`LCJP_SEED` sets the first seed; without it every run has its own, which is printed.
"""

import os
import random
import time
from pathlib import Path

import pytest

from demo.cast import AGENCIES, DATA
from tests.functional.test_kills import KINDS, Pusher, everything_is_true, extracts, over_all_files, run, stop
from tests.functional.world import World

pytestmark = [pytest.mark.faults, pytest.mark.slow]
FIRST = int(os.environ.get("LCJP_SEED") or time.time_ns() % 1_000_000)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 4))
@pytest.mark.timeout(600)
def test_hub_and_agencies_killed(world: World, seed: int) -> None:
    chosen = random.Random(seed)
    pushers = []
    for one in AGENCIES:
        files = [extract for dataset in KINDS for extract in extracts(DATA, one.short, dataset, ("2021-04", "2021-05"))]
        chosen.shuffle(files)
        pushers.append(Pusher(world, one.party, [[extract] for extract in files], mortal=True))
    try:
        killing = run(world, pushers, kills=6, seed=seed)
    finally:
        stop(pushers)
    everything_is_true(world, killing, [extract for pusher in pushers for command in pusher.commands for extract in command])


@pytest.mark.timeout(600)
def test_ten_kills_over_all_files(world: World, shared_data: Path) -> None:
    over_all_files(world, shared_data, kills=10)
