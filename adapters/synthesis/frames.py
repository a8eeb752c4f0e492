"""Events as columns: a frame is a mapping of equally long arrays; its row numbers are the events' numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Frame = dict[str, Array]
NEVER = np.int32(2**30)  # a day that does not come; also: not known yet
NONE = np.int32(-1)  # no person, no case


def size(frame: Mapping[str, Array]) -> int:
    """How many rows."""
    return len(next(iter(frame.values()))) if frame else 0


def take(frame: Mapping[str, Array], rows: Array) -> Frame:
    """The rows at these numbers, or where a mask is true."""
    return {name: column[rows] for name, column in frame.items()}


def joined(frames: Sequence[Mapping[str, Array]]) -> Frame:
    """One frame below the other; all have the same columns."""
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def full(rows: int, value: int | np.integer[Any]) -> Array:
    """A column of one whole number."""
    return np.full(rows, value, np.int32)
