"""A supplier's own scorecard for its people; for the operator's, what of everybody's is late and who is silent, and nobody's scorecard."""

from flask.typing import ResponseReturnValue

from exchange.db import reading
from exchange.people.people import Post
from exchange.submissions import attendance, scorecard
from exchange.web.door import blueprint, hub, page, person

TRENDS = {"better": ("Better", "green"), "worse": ("Worse", "red"), "same": ("As before", "grey"), "too few": ("Too few periods", "grey")}


@blueprint.get("/scorecard")
def scorecard_page() -> ResponseReturnValue:
    """Completeness, conformance and timeliness of one's own organisation's submissions."""
    here, who = hub(), person()
    now = here.clock()
    operates = who.holds(Post.OPERATOR)
    with reading(here.engine) as session:
        cards = scorecard.cards(session, who.party, now)
        silent = attendance.silent(session, now, None if operates else who.party)
        late = attendance.overdue(session, now) if operates else []
    return page("scorecard.html", cards=cards, silent=silent, late=late, operates=operates, trends=TRENDS)
