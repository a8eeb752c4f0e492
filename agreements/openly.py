"""What anybody at all may read of what was published: a question of its own beside those of ``agreements.rules``."""

from collections.abc import Iterator
from datetime import datetime

from agreements.decisions import Allowed, Decision
from agreements.lifecycle import State
from agreements.model import Standing
from agreements.rules import UNKNOWN, Check, decided, moving, today

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
