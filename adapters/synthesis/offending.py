"""Who offends, and who offends again: waves of episodes. An episode is one person's offending that is dealt with together."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import YEAR, Window, age_on
from adapters.synthesis.crowd import Crowd
from adapters.synthesis.frames import NEVER, Array, Frame, full, joined, size, take
from adapters.synthesis.matters import dealt_with
from adapters.synthesis.places import authorities, forces
from adapters.synthesis.streams import Streams, chosen

MOST_WAVES = 40


@dataclass(frozen=True)
class Offenders:
    """What `episodes` makes its waves with."""

    window: Window
    crowd: Crowd
    streams: Streams


def episodes(world: Offenders) -> Frame:
    """Every episode of the time told, those of the first wave first. `parent` is the episode after which somebody came back, or -1."""
    wave = _newcomers(world)
    waves, start = [wave], size(wave)
    for number in range(1, MOST_WAVES):
        wave = _again(world, wave, start - size(wave), number)
        if not size(wave):
            break
        waves.append(wave)
        start += size(wave)
    return _numbered(joined(waves))


def _newcomers(world: Offenders) -> Frame:
    window, draw = world.window, world.streams.named("offending/newcomers")
    months = (window.as_of - window.begin) / 30.4
    count = int(draw.poisson(rates.NEW_OFFENDERS * months * window.scale))
    offence = draw.integers(window.begin, window.as_of, count).astype(np.int32)
    force = forces(count, draw)
    person = newcomers(world.crowd, draw, offence, force)
    wave = dealt_with(_start(person, offence, force, world), 0, world.streams)
    return _with_partners(world, wave)


def newcomers(crowd: Crowd, draw: Generator, offence: Array, force: Array) -> Array:
    """People who were not known before, of the ages and sexes of offenders on these days."""
    count = len(offence)
    band = chosen(draw, [share for _, _, share in rates.AGES], count)
    low = np.array([low for low, _, _ in rates.AGES])[band]
    high = np.array([high for _, high, _ in rates.AGES])[band]
    birth = offence - ((low + draw.random(count) * (high + 1 - low)) * YEAR).astype(np.int32)
    female = draw.random(count) >= rates.MALE_OFFENDERS
    return crowd.add(female, birth, authorities(force, draw), offending=offence)


def _start(person: Array, offence: Array, force: Array, world: Offenders) -> Frame:
    """An episode as it begins."""
    return {
        "person": person.astype(np.int32),
        "force": force.astype(np.int32),
        "offence_day": offence.astype(np.int32),
        "age": age_on(world.crowd.birth(person), offence).astype(np.int32),
        "parent": full(len(person), -1),
        "leader": full(len(person), -1),
    }


def _with_partners(world: Offenders, wave: Frame) -> Frame:
    """Some cases have two defendants: the second shares every date of the first."""
    draw = world.streams.named("offending/partners")
    charged = np.flatnonzero(wave["charged"])
    leaders = charged[draw.random(len(charged)) < rates.CO_DEFENDANTS]
    if not len(leaders):
        return wave
    twins = take(wave, leaders)
    # As old in years as the first, so that the same court and sentence are theirs.
    birth = twins["offence_day"] - ((twins["age"] + draw.uniform(0.01, 0.99, len(leaders))) * YEAR).astype(np.int32)
    female = draw.random(len(leaders)) >= rates.MALE_OFFENDERS
    twins["person"] = world.crowd.add(female, birth, world.crowd.authority(twins["person"]), offending=twins["offence_day"])
    twins["leader"] = leaders.astype(np.int32)
    return joined([wave, twins])


def _again(world: Offenders, wave: Frame, start: int, number: int) -> Frame:
    """Those of a wave who offend again after they were cautioned, sentenced or released; `start` is the number of the wave's first episode."""
    draw = world.streams.named(f"offending/again/{number}")
    chance = np.zeros(size(wave))
    for kind, rate in rates.AGAIN.items():
        chance[wave["entry"] == kind] = rate
    young, woman = wave["age"] < 18, world.crowd.female(wave["person"])
    chance *= np.where(young, 1.25, np.where(wave["age"] < 26, 1.1, 0.95)) * np.where(woman, 0.85, 1.03)
    back = np.flatnonzero((draw.random(size(wave)) < chance) & (wave["entry_day"] < NEVER))
    # The hazard falls over the year: a truncated exponential.
    share = draw.random(len(back)) * (1 - np.exp(-365 / rates.SOON))
    later = np.floor(-rates.SOON * np.log1p(-share)).astype(np.int32).clip(0, 364)
    offence = wave["entry_day"][back] + 1 + later
    soon = offence <= world.window.as_of
    back, offence = back[soon], offence[soon]
    episode = _start(wave["person"][back], offence, wave["force"][back], world)
    episode["parent"] = (back + start).astype(np.int32)
    return dealt_with(episode, number, world.streams)


def _numbered(episodes: Frame) -> Frame:
    """With the number of the case: the number of its first defendant's episode; -1 where nobody was charged."""
    own = np.arange(size(episodes), dtype=np.int32)
    case = np.where(episodes["leader"] >= 0, episodes["leader"], own)
    return episodes | {"case": np.where(episodes["charged"], case, -1).astype(np.int32)}
