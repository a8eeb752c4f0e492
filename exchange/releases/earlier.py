"""Whether a release may read rows held under earlier versions of its agreement, and whether all that it joins is known by the same pseudonyms."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from agreements.carrying import may_reach
from agreements.decisions import Decision, Refused
from agreements.fields import PseudonymiseRule
from agreements.model import Agreement
from agreements.release import Release
from exchange.errors import Unacceptable
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch, Origin


def reaching(session: Session, agreement: Agreement, release: Release, batches: Mapping[str, Sequence[Batch]]) -> Decision | None:
    """The first refusal of the versions under which these batches (dataset → batches) are held, oldest first; None where all may be read.

    Raises:
        Unacceptable: pseudonyms among them were made under different linkage epochs.
    """
    came = {name: holdings.origins(session, mine) for name, mine in batches.items()}
    _one_epoch(agreement, release, came)
    under = {one.agreement.version: one.agreement for mine in came.values() for one in mine.values()}
    answers = (may_reach(under[version], agreement, release) for version in sorted(under))
    return next((answer for answer in answers if isinstance(answer, Refused)), None)


def _one_epoch(agreement: Agreement, release: Release, came: Mapping[str, Mapping[str, Origin]]) -> None:
    """One thing has one pseudonym within an epoch alone: rows of two epochs, joined or counted together, would be wrong in silence."""
    known = {name: mine for name, mine in came.items() if _pseudonyms(agreement, name)}
    newest = max((one.epoch for mine in known.values() for one in mine.values()), default=0)
    old = [f"{name} ({submission})" for name, mine in known.items() for submission, one in sorted(mine.items()) if one.epoch != newest]
    if old:
        raise Unacceptable(
            f"the pseudonyms of {', '.join(old[:12])}{' …' if len(old) > 12 else ''} were made under an older linkage epoch than {newest}: "
            "they match nobody's of that.",
            remedy=f"Push them again under epoch {newest}.",
            code="held-under-older-epoch",
            clause=agreement.clause(f"release {release.name}", "definition"),
        )


def _pseudonyms(agreement: Agreement, name: str) -> bool:
    dataset = agreement.dataset(name)
    return dataset is not None and any(isinstance(field.rule, PseudonymiseRule) for field in dataset.fields)
