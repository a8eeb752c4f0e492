"""What the extracts of several agencies share: how each writes people down, and the numbers of crimes, cases and arrests."""

import numpy as np
import pyarrow as pa

from adapters.synthesis import numbers
from adapters.synthesis.calendar import year_of
from adapters.synthesis.feeds import Columns
from adapters.synthesis.frames import Array
from adapters.synthesis.recorded import Writer
from adapters.synthesis.world import World


def writer(world: World, agency: str) -> Writer:
    """How an agency writes people down. Planted people are misspelt by every agency."""
    return Writer(world.people, world.streams, agency, world.misspelt)


def crime_refs(world: World, crime: Array) -> pa.Array:
    """The force's reference of each crime; null for -1."""
    crimes, known = world.tables["crimes"], np.maximum(crime, 0)
    found = numbers.crime_references(known, crimes["force"][known], year_of(crimes["report_day"][known]))
    return numbers.masked(found, crime < 0)


def urns(world: World, case: Array) -> pa.Array:
    """The URN of each case, by the number of its first defendant's episode; null for -1."""
    episodes, known = world.tables["episodes"], np.maximum(case, 0)
    found = numbers.case_urns(known, episodes["force"][known], year_of(episodes["charge_day"][known]))
    return numbers.masked(found, case < 0)


def asns(world: World, episode: Array) -> pa.Array:
    """The arrest or summons number of each episode that led to a charge."""
    episodes = world.tables["episodes"]
    found = numbers.arrest_numbers(episode, episodes["force"][episode], year_of(episodes["charge_day"][episode]))
    return numbers.masked(found, ~episodes["charged"][episode])


def without(columns: Columns, *names: str) -> Columns:
    """The columns but these: what an agency does not hold."""
    return {name: column for name, column in columns.items() if name not in names}
