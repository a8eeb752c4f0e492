"""An edition made once more from the inputs that it names, while they are held: the same bytes, or which files are not."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from agreements.periods import Period
from agreements.rules import UNKNOWN, may_tabulate
from exchange.db import reading, writing
from exchange.errors import Gone, UnknownAgreement
from exchange.keyring import Keyring
from exchange.log.record import moment
from exchange.objects import Store
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import edition, history, noted, overrides, spans
from exchange.releases.contents import file_digests
from exchange.releases.engine import OnSpark, Power
from exchange.releases.remaking import rows_of
from exchange.releases.tables import EditionRow
from exchange.submissions.holdings import Batch
from exchange.times import Clock

WHO = "hub"


@dataclass(frozen=True)
class Reproduced:
    """Whether every file came out as it was; ``differing``: the names of those that did not, or that only one of the two has."""

    same: bool
    differing: list[str]


def reproduce(engine: Engine, keyring: Keyring, held: Store, identity: str, clock: Clock, memory: Power) -> Reproduced:
    """Make an edition again and compare; nothing is kept of it. The log says first that the rows are read.

    It is made under its own version of the agreement, together with the editions that it was protected with.
    Raises:
        NotFound: there is no such edition.
        RefusedByAgreement: no edition of the release may be made now.
        Gone: an input, an override or exact counts that it was made with are not held any more, or may not be read now.
    """
    with writing(engine) as session:
        row = edition.find(session, identity)
        agreements.by_digest(session, row.agreement, lock=True)
        now = moment(session, clock)
        current = agreements.current(session, row.reference)
        edition.require(may_tabulate(agreements.standing(current), row.release, now))
        inputs, wanted = _inputs(session, row)
        earlier = _earlier(session, keyring, row, inputs, wanted)
        batches = [batch for found in inputs.batches.values() for batch in found]
        noted.read_for(session, identity, inputs.agreement, batches, who=WHO, details={**wanted.said(), "again": True}, now=now)
        noted.counts_for(session, identity, history.opened(earlier), who=WHO, now=now)
        before: Mapping[str, str] = dict(row.draft["files"])
    with reading(engine) as session:
        rows = rows_of(session, keyring, held, inputs.agreement, inputs.batches, refer=isinstance(memory, OnSpark))
    made = file_digests(edition.make(keyring, inputs, rows, wanted, earlier, memory=memory, advised=False).files)
    differing = sorted(name for name in {*before, *made} if before.get(name) != made.get(name))
    return Reproduced(not differing, differing)


def _inputs(session: Session, row: EditionRow) -> tuple[edition.Inputs, edition.Wanted]:
    """The batches that an edition names, if all of them are held as they were."""
    under = session.get_one(AgreementRow, row.agreement)
    standing = agreements.standing(under)
    release = standing.agreement.release(row.release) if standing else None
    if standing is None or release is None:
        raise UnknownAgreement(UNKNOWN)
    wanted = edition.Wanted(row.reference, row.release, Period.parse(row.first_period), Period.parse(row.last_period), row.requested_by)
    held = {
        batch.submission: batch for found in spans.batches(session, standing.agreement, release, wanted.periods).values() for batch in found
    }
    batches: dict[str, list[Batch]] = {name: [] for name in release.datasets}
    for one in row.draft["inputs"]:
        batch = held.get(one["submission"])
        if batch is None or batch.rows_digest != one["rows_digest"]:
            raise _gone(f"submission {one['submission']} is not held any more as it was read")
        batches[one["dataset"]].append(batch)
    said = overrides.for_edition(session, standing.agreement, release, batches)
    if row.overrides is not None and [one.id for one in said] != list(row.overrides):
        raise _gone("overrides of its linkage have come or gone since")
    return edition.Inputs(standing, release, batches, said), wanted


def _earlier(
    session: Session, keyring: Keyring, row: EditionRow, inputs: edition.Inputs, wanted: edition.Wanted
) -> list[history.Published]:
    """The editions that it was protected together with, in their order, with the exact counts of those."""
    names = list(row.draft.get("history", []))
    if not names:
        return []
    every = {
        one.edition: one
        for one in history.read(session, keyring, inputs.agreement, inputs.release, edition.populations(inputs, wanted), inputs.lineage())
    }
    if any(name not in every or every[name].made is None for name in names):
        raise _gone("exact counts of editions that it was protected together with are not kept any more")
    return [every[name] for name in names]


def _gone(what: str) -> Gone:
    return Gone(
        f"{what}: the edition cannot be made again.",
        remedy="Its signed files stand. What was destroyed is in the log.",
        code="inputs-gone",
    )
