"""The last requests of one's own organisation's client, and why each was refused; for the operator's people, of any client."""

from flask import request
from flask.typing import ResponseReturnValue

from exchange.db import reading
from exchange.errors import NotFound
from exchange.people.people import Post
from exchange.watch import requests
from exchange.web.door import blueprint, hub, page, person


@blueprint.get("/requests")
def requests_page() -> ResponseReturnValue:
    """Looked up whenever somebody asks; reading one's own is no event of the log."""
    here, who = hub(), person()
    wanted = request.args.get("client", who.party)
    with reading(here.engine) as session:
        others = requests.clients(session) if who.holds(Post.OPERATOR) else []
        if wanted != who.party and wanted not in others:
            raise NotFound("there is no such client, or none of your organisation's.", remedy="Look at your own.")
        found = requests.last(session, wanted)
    most, days = here.settings.requests_kept, requests.LIFE.days
    return page("requests.html", found=found, client=wanted, others=others, most=most, days=days, claimed=requests.CLAIMED)
