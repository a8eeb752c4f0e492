"""How long editions wait for what they count to happen, and to be known."""

from datetime import datetime, timedelta

from agreements.decisions import Allowed, Decision, Refused
from agreements.model import Standing
from agreements.periods import Period, day_in_words
from agreements.rules import UNKNOWN, today


def may_make(standing: Standing | None, release_name: str, last: Period, now: datetime) -> Decision:
    """Whether it is late enough for an edition that ends with ``last``: what it counts takes time to happen, and to be known."""
    if standing is None:
        return UNKNOWN
    clause = standing.agreement.clause(f"release {release_name}", "wait")
    release = standing.agreement.release(release_name)
    if release is None or release.wait is None or today(now) > release.wait.after(last.end):
        return Allowed(clause)
    over = release.wait.after(last.end) + timedelta(days=1)
    because = f"an edition is made no sooner than {release.wait.in_words()} after its last day, {day_in_words(last.end)}."
    return Refused(clause, because, f"Ask for it on {day_in_words(over)} or later, or for earlier periods.")
