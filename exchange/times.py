"""Times as documents write them, and the clock that doors hand to stories."""

from collections.abc import Callable
from datetime import datetime

# Aware, in UTC. A story that must know the time under a lock is given the clock, not a time that was read before the wait.
Clock = Callable[[], datetime]


def rfc3339(moment: datetime) -> str:
    """``2026-11-22T09:30:00Z``; the time must be in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
