"""Times as documents write them."""

from datetime import datetime


def rfc3339(moment: datetime) -> str:
    """``2026-11-22T09:30:00Z``; the time must be in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
