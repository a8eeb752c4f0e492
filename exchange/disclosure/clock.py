"""The time budget. Without one nothing here looks at a clock, so that results depend on the input alone."""

import math
import time


class Deadline:
    """Passed once `seconds` have gone by since it was made; never, for None."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def passed(self) -> bool:
        """Whether the budget is spent."""
        return self._end is not None and time.monotonic() > self._end

    def left(self) -> float:
        """Seconds until it is passed, at least 0; without end where there is no budget."""
        return math.inf if self._end is None else max(0.0, self._end - time.monotonic())
