"""People: who may sign in, for whom, as what; inviting them, and ending their access."""

from collections.abc import Sequence

from flask import flash, request
from flask.typing import ResponseReturnValue

from exchange.db import reading, writing
from exchange.errors import Conflict, Unacceptable
from exchange.notify import subscriptions
from exchange.people import invitations, sessions
from exchange.people import people as accounts
from exchange.people.people import Post
from exchange.people.tables import PersonRow
from exchange.web.door import blueprint, go, hub, page, person


@blueprint.get("/people")
def people() -> ResponseReturnValue:
    """Operators see everyone; others the people of their own party."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        rows = accounts.everyone(session, None if who.holds(Post.OPERATOR) else who.party)
        listed = [(row, sorted(accounts.fingerprints(session, row.id)), sessions.live(session, row.id, here.clock())) for row in rows]
    return page("people.html", listed=listed, all=who.holds(Post.OPERATOR))


@blueprint.route("/people/invite", methods=["GET", "POST"])
def invite() -> ResponseReturnValue:
    """Enter a person and make the invitation."""
    if request.method != "POST":  # HEAD asks, too
        return page("invite.html", given={}, roles=[])
    here, given, roles = hub(), request.form, request.form.getlist("roles")
    if faults := _faults(given.get("party", ""), given.get("name", ""), given.get("position", ""), roles):
        return page("invite.html", 422, faults=faults, given=given, roles=roles)
    try:
        with writing(here.engine) as session:
            made = {"party": given["party"].strip(), "name": given["name"], "position": given["position"]}
            row = accounts.create(session, **made, roles=roles, who=person().id, now=here.clock())
            token = invitations.invite(session, row.id, person().id, here.clock())
    except Unacceptable as error:
        return page("invite.html", 422, faults={"name": str(error)}, given=given, roles=roles)
    return _invitation(row, token)


def _faults(party: str, name: str, position: str, roles: Sequence[str]) -> dict[str, str]:
    said = {
        "party": "" if accounts.is_party(party.strip()) else "Enter the organisation’s id, in small letters, digits and hyphens",
        "name": "" if name.strip() else "Enter the person’s name",
        "position": "" if position.strip() else "Enter the person’s position",
        "roles": "" if roles and set(roles) <= set(Post) else "Choose one role at least",
    }
    return {field: words for field, words in said.items() if words}


@blueprint.post("/people/<id>/invite")
def invite_again(id: str) -> ResponseReturnValue:  # noqa: A002  # the word in the address
    """A new invitation for somebody who has lost the first, or every passkey."""
    here = hub()
    with writing(here.engine) as session:
        row = accounts.find(session, id)
        token = invitations.invite(session, id, person().id, here.clock())
    return _invitation(row, token)


def _invitation(row: PersonRow, token: str) -> ResponseReturnValue:
    return page("invitation.html", row=row, address=invitations.address(hub().settings.public_url, token), days=invitations.LIVES.days)


@blueprint.route("/people/<id>/end", methods=["GET", "POST"])
def end_person(id: str) -> ResponseReturnValue:  # noqa: A002
    """Ask once more, then end a person's access at once."""
    here = hub()
    if id == person().id:
        raise Conflict("nobody ends their own access.", remedy="Another operator does it.", code="own-account")
    if request.method != "POST":  # HEAD asks, too
        with reading(here.engine) as session:
            return page("end-person.html", row=accounts.find(session, id))
    with writing(here.engine) as session:
        row = subscriptions.end_person(session, id, person().id, here.clock())
    flash(f"{row.name} can no longer sign in, advise or sign. Everything they were signed in to has ended.")
    return go("web.people")
