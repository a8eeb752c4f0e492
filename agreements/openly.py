"""What people may read of what was published: anybody at all, and those of the parties. Questions of their own beside those of ``agreements.rules``."""

from collections.abc import Iterator
from datetime import datetime

from agreements.decisions import Allowed, Decision, Refused
from agreements.lifecycle import State
from agreements.model import Standing
from agreements.rules import UNKNOWN, Check, decided, in_force, moving, today

_BEGUN = frozenset({State.IN_FORCE, State.SUSPENDED, State.EXPIRED, State.TERMINATED})


def may_publish_openly(standing: Standing | None, release_name: str, now: datetime) -> Decision:
    """Whether anybody at all may read what this release has published. One that the agreement does not make public is unknown to them."""
    if standing is None:
        return UNKNOWN
    return decided(publishing_openly(standing, release_name, now), standing.agreement.clause(f"release {release_name}", "public"))


def publishing_openly(standing: Standing, release_name: str, now: datetime) -> Iterator[Check]:
    """The checks of :func:`may_publish_openly`. What was public when the agreement ended stays public; a suspension stops it like all else."""
    agreement = standing.agreement
    release = agreement.release(release_name)
    clause = agreement.clause(f"release {release_name}", "public")
    yield Check("Does the agreement make this release public?", Allowed(clause) if release is not None and release.public else UNKNOWN)
    if release is None:
        return
    begun = standing.state in _BEGUN and today(now) >= agreement.in_force_from
    yield Check("Has the agreement come into force?", Allowed(clause) if begun else UNKNOWN)
    for dataset in ("", *release.datasets):
        what = f"the dataset {dataset}" if dataset else "it"
        yield Check(f"Is {what} free of suspension?", moving(standing, dataset))


def may_be_shown(standing: Standing | None, release_name: str, now: datetime) -> Decision:
    """Whether the parties' people are shown what this release has published: while nothing that it reads is stopped, as for recipients; and whatever anybody may read."""
    openly = may_publish_openly(standing, release_name, now)
    if not isinstance(openly, Refused):
        return openly
    release = standing.agreement.release(release_name) if standing else None
    if standing is None or release is None:
        return UNKNOWN
    found = (in_force(standing, now, dataset) for dataset in release.datasets)
    clause = standing.agreement.clause(f"release {release_name}")
    return next((one for one in found if isinstance(one, Refused)), Allowed(clause))
