"""How much of the hub one supplier may take up, and how much of the disk is left free. What is over it is refused before it costs anything.

Every refusal here passes: when what waits has been opened, or room has been made, the same request succeeds.
"""

import errno
import shutil
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.errors import ExchangeError, NoRoom, TooMany, Unavailable
from exchange.settings import Settings
from exchange.submissions.manifests import PARTS, clause_of, sealed_bytes
from exchange.submissions.tables import SubmissionRow, SubmissionState
from keys.formats import Manifest

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FAILING = frozenset({errno.EIO, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_UNFINISHED = (SubmissionState.OPEN, SubmissionState.COMPLETE)


class TooManyOpen(TooMany):
    """A supplier has more unfinished submissions than it may."""

    code, title = "too-many-open", "Too many unfinished submissions"
    seconds = 30


def require_quota(session: Session, settings: Settings, manifest: Manifest) -> None:
    """Refuse a new submission of a supplier whose unfinished ones are as many, or as large, as they may be. Under the lock of the log's head."""
    mine = select(func.count(), func.coalesce(func.sum(SubmissionRow.sealed_bytes), 0)).where(
        SubmissionRow.supplier == manifest.supplier, SubmissionRow.state.in_(_UNFINISHED)
    )
    count, size = session.execute(mine).one()
    clause = clause_of(manifest, PARTS)
    finish = (
        "Finish them first: exchange-agency push --resume. One that nobody will finish is withdrawn: exchange-agency withdraw SUBMISSION."
    )
    if count >= settings.unfinished:
        raise TooManyOpen(f"you have {count:,} unfinished submissions, and may have {settings.unfinished:,}.", remedy=finish, clause=clause)
    if size + sealed_bytes(manifest) > settings.staged_bytes:
        detail = f"your unfinished submissions have {size:,} bytes of sealed parts; with this one they would have more than the"
        raise NoRoom(f"{detail} {settings.staged_bytes:,} they may have.", remedy=finish, code="quota-full", clause=clause)


def require_free(folder: Path, size: int, keep: int, clause: str = "") -> None:
    """Refuse what would leave less than ``keep`` bytes of the folder's disk free."""
    if shutil.disk_usage(folder).free < size + keep:
        raise _full(clause)


def _full(clause: str) -> NoRoom:
    remedy = "Nothing is lost: try again later; the same part is taken once the operator has made room."
    return NoRoom("the hub has no room for this now; nothing of it was kept.", remedy=remedy, clause=clause)


def storage_failure(error: OSError, clause: str = "") -> ExchangeError | None:
    """What a failed write means to whoever sent what was to be written; None if it was not the disk."""
    if error.errno in FULL:
        return _full(clause)
    if error.errno in FAILING:
        remedy = "Try again in a minute; if it stays so, tell the operator."
        return Unavailable("the hub's disk failed; nothing of this was kept.", remedy=remedy, code="storage-failed", clause=clause)
    return None
