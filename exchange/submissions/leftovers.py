"""What ended submissions and killed processes leave behind, and its removal."""

from datetime import timedelta

from sqlalchemy import Engine, select

from exchange.db import reading, writing
from exchange.objects import Places
from exchange.submissions import intake
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState

LONG = timedelta(days=7)
"""Nobody takes so long from writing a held part to the transaction that names it."""


def clear_lapsed(engine: Engine, places: Places) -> None:
    """Remove the sealed parts of submissions whose sealing key has been destroyed: nobody can open them any more."""
    with writing(engine) as session:
        lapsed = select(PartRow).join(SubmissionRow).where(SubmissionRow.state == SubmissionState.LAPSED)
        for part in session.execute(lapsed).scalars():
            places.staging.delete(intake.part_name(part.submission, part.number))
            session.delete(part)


def tidy(engine: Engine, places: Places, *, alone: bool = True) -> int:
    """Remove what a killed process left: drafts, held objects no submission refers to, sealed parts no submission waits for.

    Only while nothing else runs: ``exchange serve`` does it at its start, under the instance lock. Not ``alone``, where other hosts may be at
    work: of what they may be writing nothing, but what certainly nobody can need, since its submission is decided and not held, or since
    it has been there for :data:`LONG` though nobody waits for it. What is there is asked for first, so that whatever is written meanwhile
    is not among it. Drafts that no other host can have written go in either case.
    """
    there = {objects: list(objects.names()) for objects in (places.held, places.staging)}
    with reading(engine) as session:
        referred = set(session.execute(select(HeldPartRow.object)).scalars())
        waiting = select(SubmissionRow).where(SubmissionRow.state.in_([SubmissionState.OPEN, SubmissionState.COMPLETE]))
        rows = session.execute(waiting).scalars().all()
        wanted = {intake.part_name(row.id, part.number) for row in rows for part in row.parts}
        open_ = {row.id.removeprefix("sub-") for row in rows}
        over = {
            one.removeprefix("sub-") for one in session.execute(select(SubmissionRow.id).where(SubmissionRow.state.in_(_OVER))).scalars()
        }
    removed = sum(objects.sweep() for objects in (places.held, places.staging) if alone or objects.own_drafts)
    for objects, keep in ((places.held, referred), (places.staging, wanted)):
        old = set() if alone else {name for name in objects.names(LONG) if name.partition(".")[0] not in open_}
        gone = [name for name in there[objects] if name not in keep and (alone or name in old or name.partition(".")[0] in over)]
        objects.remove(gone)
        removed += len(gone)
    return removed


# Nobody decides these any more, and nobody erases anything in them.
_OVER = (SubmissionState.REFUSED, SubmissionState.REPEATED, SubmissionState.LAPSED, SubmissionState.DISPOSED)
