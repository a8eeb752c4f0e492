"""The time budget. Without one nothing here looks at a clock, so that results depend on the input alone."""

import time


class Deadline:
    """Passed once `seconds` have gone by since it was made; never, for None."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def passed(self) -> bool:
        """Whether the budget is spent."""
        return self._end is not None and time.monotonic() > self._end
