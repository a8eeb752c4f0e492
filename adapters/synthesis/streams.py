"""Chance, by name: one generator a process, so that a process added later leaves the others' draws as they were."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from adapters.synthesis.frames import Array


class Streams:
    """The generators of one seed. The same seed and name give the same draws on every machine."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def named(self, name: str) -> Generator:
        """A fresh generator for a process. Calling twice with one name gives the same draws twice."""
        words = np.frombuffer(hashlib.sha256(name.encode()).digest(), "<u4")
        return Generator(PCG64(SeedSequence([self.seed, *(int(word) for word in words)])))

    def luck(self, name: str, numbers: Array) -> Array:
        """A share in [0, 1) for each number, that depends on seed, name and number alone: the same record has the same luck wherever it is met."""
        start = int.from_bytes(hashlib.sha256(f"{self.seed}/{name}".encode()).digest()[:8], "little")
        return (mixed(numbers, start) >> np.uint64(11)) / float(1 << 53)


def mixed(numbers: Array, start: int) -> Array:
    """Whole numbers mixed into 64 bits that look like chance (the finaliser of SplitMix64)."""
    mix = numbers.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    mix = (mix ^ (mix >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mix = (mix ^ (mix >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mix ^ (mix >> np.uint64(31))


def chosen(draw: Generator, weights: Sequence[float] | Array, size: int) -> Array:
    """`size` numbers of alternatives, by weights that need not sum to 1."""
    edges = np.cumsum(np.asarray(weights, float))
    return np.searchsorted(edges / edges[-1], draw.random(size), side="right").clip(0, len(edges) - 1)


def days(draw: Generator, median: float, spread: float, size: int, *, most: int = 2000) -> Array:
    """Whole days that pass, log-normal about a median, capped."""
    return np.minimum(np.rint(median * np.exp(spread * draw.standard_normal(size))), most).astype(np.int32)
