"""What will be destroyed and when, for those who answer for what flowed; with the holds that it waits for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from exchange.db import writing
from exchange.people import people
from exchange.questions import leap
from exchange.submissions import holds
from exchange.submissions.holds import Over
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, World, crimes, print_of
from tests.exchange.web.signed_in import sign_in
from tests.exchange.web.test_agreement_pages import SUBMISSIONS, refused

PAGE = f"/agreements/{REFERENCE}/retention"


def test_what_goes_when_what_it_waits_for_and_who_sees_what(world: World) -> None:
    mine, theirs = world.hold().id, world.hold([crimes(4)], supplier=DURHAM).id
    bad = refused(world)
    browser = sign_in(world, CLEVELAND, "dpo")
    page = browser.get(PAGE).text
    assert "Nothing under this agreement is under a legal hold" in page
    assert mine not in page  # years away
    far = browser.get(f"{PAGE}?span=all").text
    assert far.index(mine) < far.index(theirs) or far.index(theirs) < far.index(mine)
    assert "30 April 2031" in far
    assert bad not in far
    assert bad in sign_in(world, DURHAM, "signatory").get(PAGE).text
    with writing(world.hub.engine) as session:
        made: dict[str, Any] = {"name": "Robin Example", "position": "Legal counsel", "roles": ["dpo"], "who": "hub", "now": world.clock()}
        account = people.create(session, party=CLEVELAND, **made).id
        by_key = print_of(world.keys[f"{DURHAM}/dpo"])
        reason = "an inquiry <script>alert(1)</script>"
        one = holds.place(session, Over("", "", submission=mine), reason=reason, person=by_key, until=date(2031, 5, 9), clock=world.clock)
        holds.place(session, Over(REFERENCE, "outcomes"), reason="a claim", person=account, until=date(2027, 1, 31), clock=world.clock)
    found = browser.get(f"{PAGE}?span=all").text
    assert "10 May 2031" in found
    assert f"Legal hold {one.id}, until 9 May 2031" in found
    assert "Sasha Okonjo, Data Protection Officer" in found
    assert "Robin Example, Legal counsel" in found
    assert "<script>alert(1)" not in found
    assert f"Under legal hold {one.id} until 9 May 2031" in browser.get(f"{SUBMISSIONS}/{mine}").text
    assert leap.believed(world.hub.engine, world.clock, timedelta(days=1)) is None
    world.clock.now = datetime(2031, 5, 2, tzinfo=UTC)
    operators = sign_in(world, OPERATOR, "operator").get(PAGE).text
    assert "Late by 2 days" in operators
    assert "Nothing is destroyed for now: the clock says 2031-05-02T00:00:00Z" in operators
    assert sign_in(world, OPERATOR, "analyst").get(PAGE).status_code == 403
    assert sign_in(world, "another-force", "dpo").get(PAGE).status_code == 404
