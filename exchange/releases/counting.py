"""What an edition needs before it is counted, and how one that counts people is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from agreements.meant import made_twice
from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release
from exchange.disclosure import Files
from exchange.errors import Unacceptable
from exchange.releases import history
from exchange.releases.definition import Relations
from exchange.releases.engine import Engine, Power
from exchange.releases.errors import BadRelease
from exchange.releases.linked_edition import people_tables
from exchange.releases.linking import Override
from exchange.releases.remaking import Rows
from exchange.releases.spans import needed_spans
from exchange.submissions.holdings import Batch


def people(
    release: Release,
    agreement: Agreement,
    rows: Rows,
    periods: Sequence[Period],
    *,
    memory: Power,
    beside: Callable[[Engine, Relations], None],
    said: Sequence[Override],
) -> tuple[Files, dict[str, Any]]:
    """The exact tables of an edition that counts people, and what of its linkage stands beside the draft for its checkers: bands, and how many overrides."""
    made = people_tables(release, agreement, rows, periods, memory=memory, beside=beside, overrides=said)
    return made.files, {"linkage": {**made.beside, "overrides": len(said)}}


def require_complete(agreement: Agreement, release: Release, batches: Mapping[str, Sequence[Batch]], periods: Sequence[Period]) -> None:
    """Every supplier must have submitted all that is counted for every period, and all that a cohort looks for: a gap is not a nought."""
    for name, names in needed_spans(agreement, release, periods).items():
        dataset = agreement.dataset(name)
        have = {(batch.supplier, batch.period) for batch in batches[name]}
        suppliers = dataset.suppliers if dataset else ()
        lacking = [f"{supplier} {period}" for supplier in suppliers for period in names if (supplier, period) not in have]
        if lacking or not periods:
            raise Unacceptable(
                f"{name} has not been submitted: {', '.join(lacking[:12])}{' …' if len(lacking) > 12 else ''}.",
                remedy="Ask for periods that every supplier has submitted; a supplier with nothing to send makes a nil return.",
                code="inputs-missing",
                clause=agreement.clause(f"release {release.name}", "base"),
            )


def require_told_apart(agreement: Agreement, release: Release) -> None:
    """BadRelease where tables of one release tell of each other in ways that no sum of theirs says (``made_twice``), as a version signed before that was asked may have it."""
    if (found := made_twice(agreement, release)) is not None:
        raise BadRelease(
            f"{agreement.clause(f'release {release.name}', 'dimensions')}: {found[0]} and {found[1]} are made from one field, and some table is cut by only one "
            "of them: one table could show what the other hides. Leave one of them out in a new version."
        )


def require_first(session: Session, agreement: Agreement, release: Release, populations: Sequence[history.Population]) -> None:
    """Of linked people, of what is joined and of what has figures there is one edition a population: what two of them reveal together cannot be told yet
    (decisions 0014 and 0015).
    """
    if not (release.known_people or release.by_unit):
        return
    if found := history.editions_over(session, agreement, release, populations):
        what = "what is joined, or has figures," if release.by_unit else "people who are linked"
        because = f"{what} {'is' if release.by_unit else 'are'} counted in one edition, and beside no other of the same rows"
        raise history.refusal(agreement, release, found[0], because)
