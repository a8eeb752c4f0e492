"""The first page: what needs the attention of whoever is signed in."""

from datetime import datetime, timedelta

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.db import reading
from exchange.errors import Unavailable
from exchange.people import attention, people
from exchange.people.people import Person, Post
from exchange.submissions import attendance, sealing
from exchange.web import checking, known
from exchange.web.door import blueprint, hub, page, person
from exchange.web.links import agreement_link

OVERDUE = timedelta(days=5)  # a new sealing key comes when the newest has seven days to go


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The in-tray."""
    here, who = hub(), person()
    now = here.clock()
    with reading(here.engine) as session:
        rows = known.own(session, who)
        mine = people.fingerprints(session, who.id)
        found = attention.waiting(rows, who.party, mine, now)
        late, silent = _attended(session, who, now)
        sealing_due = None
        if who.holds(Post.OPERATOR):
            try:
                expires = sealing.current(session).expires_at
                sealing_due = expires if expires <= now + OVERDUE else None
            except Unavailable:
                sealing_due = now
        checks = checking.waiting_for(session, who)
    items = [(one, agreement_link(one.reference, one.version)) for one in found]
    return page(
        "home.html",
        items=items,
        passkeys=len(mine),
        sealing_due=sealing_due,
        today=today(now),
        count=len(rows),
        late=late,
        silent=silent,
        checks=checks,
    )


def _attended(session: Session, who: Person, now: datetime) -> tuple[int, int]:
    """How many periods are late, and how many clients silent: of the person's own organisation; of all, for the operator's people."""
    if not known.link_if("scorecard_page"):
        return 0, 0
    supplier = None if who.holds(Post.OPERATOR) else who.party
    return len(attendance.overdue(session, now, supplier)), len(attendance.silent(session, now, supplier))
