"""The invented people, as the processes call for them. Names, homes and identifiers come last (``people.py``)."""

import numpy as np

from adapters.synthesis.frames import Array, Frame


class Crowd:
    """Grows as processes add people; numbers are given in order and never change."""

    def __init__(self) -> None:
        self._blocks: list[Frame] = []
        self._whole: Frame | None = None
        self.size = 0

    def add(self, female: Array, birth: Array, authority: Array, *, offending: Array | None = None) -> Array:
        """Add people; returns their numbers. `offending`: for offenders, the day of their first offence that is told."""
        count = len(female)
        self._blocks.append(
            {
                "female": np.asarray(female, bool),
                "birth": np.asarray(birth, np.int32),
                "authority": np.asarray(authority, np.int8),
                "offender": np.full(count, offending is not None),
                "since_day": np.asarray(birth if offending is None else offending, np.int32),
            }
        )
        self._whole = None
        self.size += count
        return np.arange(self.size - count, self.size, dtype=np.int32)

    def frame(self) -> Frame:
        """Everybody so far."""
        if self._whole is None:
            names = self._blocks[0] if self._blocks else {}
            self._whole = {name: np.concatenate([block[name] for block in self._blocks]) for name in names}
            self._blocks = [self._whole] if self._whole else []
        return self._whole

    def birth(self, people: Array) -> Array:
        """The days on which they were born."""
        return self.frame()["birth"][people]

    def female(self, people: Array) -> Array:
        """Which are women."""
        return self.frame()["female"][people]

    def authority(self, people: Array) -> Array:
        """The number of the authority where they live."""
        return self.frame()["authority"][people]
