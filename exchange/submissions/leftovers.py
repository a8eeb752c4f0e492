"""What ended submissions and killed processes leave behind, and its removal."""

from sqlalchemy import Engine, select

from exchange.db import reading, writing
from exchange.submissions import intake
from exchange.submissions.process import Places
from exchange.submissions.tables import HeldPartRow, PartRow, SubmissionRow, SubmissionState


def clear_lapsed(engine: Engine, places: Places) -> None:
    """Remove the sealed parts of submissions whose sealing key has been destroyed: nobody can open them any more."""
    with writing(engine) as session:
        lapsed = select(PartRow).join(SubmissionRow).where(SubmissionRow.state == SubmissionState.LAPSED)
        for part in session.execute(lapsed).scalars():
            places.staging.delete(intake.part_name(part.submission, part.number))
            session.delete(part)


def tidy(engine: Engine, places: Places) -> int:
    """Remove what a killed process left: drafts, held objects no submission refers to, sealed parts no submission waits for.

    Only while nothing else runs: ``exchange serve`` does it at its start, under the instance lock.
    """
    with reading(engine) as session:
        referred = set(session.execute(select(HeldPartRow.object)).scalars())
        waiting = select(SubmissionRow).where(SubmissionRow.state.in_([SubmissionState.OPEN, SubmissionState.COMPLETE]))
        wanted = {intake.part_name(row.id, part.number) for row in session.execute(waiting).scalars() for part in row.parts}
    removed = places.held.sweep() + places.staging.sweep()
    for objects, keep in ((places.held, referred), (places.staging, wanted)):
        for name in [name for name in objects.names() if name not in keep]:
            objects.delete(name)
            removed += 1
    return removed
