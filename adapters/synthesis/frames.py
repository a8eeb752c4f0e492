"""Events as columns: a frame is a mapping of equally long arrays; its row numbers are the events' numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Frame = dict[str, Array]
NEVER = np.int32(2**30)  # a day that does not come; also: not known yet


def size(frame: Mapping[str, Array]) -> int:
    """How many rows."""
    return len(next(iter(frame.values()))) if frame else 0


def take(frame: Mapping[str, Array], rows: Array) -> Frame:
    """The rows at these numbers, or where a mask is true."""
    return {name: column[rows] for name, column in frame.items()}


def joined(frames: Sequence[Mapping[str, Array]]) -> Frame:
    """One frame below the other; all have the same columns."""
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def changes(column: Array) -> Array:
    """Which rows hold another value than the row before; the first does."""
    return np.concatenate([[True], column[1:] != column[:-1]])[: len(column)]


def spans(low: Array, high: Array) -> tuple[Array, Array]:
    """The whole numbers from each low to before its high, one span after the other: the place of the span, and the number."""
    many = high - low
    span = np.repeat(np.arange(len(low)), many)
    return span, low[span] + np.arange(len(span)) - np.repeat(np.cumsum(many) - many, many)


def full(rows: int, value: int | np.integer[Any]) -> Array:
    """A column of one whole number."""
    return np.full(rows, value, np.int32)
