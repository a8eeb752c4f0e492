"""One's own account: passkeys with their fingerprints, another one, revoking one; notices by e-mail; and signing out everywhere."""

from collections.abc import Sequence

from flask import Response, flash, jsonify, request
from flask.typing import ResponseReturnValue

from exchange.db import reading, writing
from exchange.errors import NotFound, Unacceptable
from exchange.notify import subscriptions
from exchange.notify.kinds import WORDS, Kind, open_to
from exchange.notify.subscriptions import Wanted, Way
from exchange.notify.tables import SubscriptionRow
from exchange.notify.ways import read_ways
from exchange.people import people as accounts
from exchange.people import sessions
from exchange.web import ceremony
from exchange.web.door import blueprint, go, hub, page, person, signed, take_cookie
from exchange.web.enrol import creation, label
from keys.encoding import b64, canonical, unb64
from keys.passkey import verify_registration


@blueprint.get("/people/me")
def me() -> ResponseReturnValue:
    """Who one is here, and with which passkeys."""
    here, who = hub(), person()
    with reading(here.engine) as session:
        rows = [(row, accounts.counts(session, row)) for row in accounts.passkeys(session, who.id)]
        places, told = sessions.live(session, who.id, here.clock()), subscriptions.own(session, who.id)
    of = [WORDS[kind] for kind in Kind if told is not None and kind in told.kinds]
    return page("me.html", rows=rows, places=places, present=signed().passkey, told=told, of=of)


@blueprint.get("/people/me/passkeys/<passkey>/<role>.card.json")
def card(passkey: str, role: str) -> ResponseReturnValue:
    """The public-key card of a passkey, which the agreement's author fills in."""
    who = person()
    with reading(hub().engine) as session:
        row = next((one for one in accounts.live_passkeys(session, who.id) if one.id == passkey), None)
        if row is None:
            raise NotFound("you have no such passkey in use.", remedy="Look at the list again.")
        found = accounts.card(session, who.id, role, row.fingerprint)
    response = Response(canonical(found.document()) + b"\n", mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{who.party}-{role}.card.json"'
    return response


@blueprint.post("/people/me/passkeys/challenge")
def passkey_challenge() -> ResponseReturnValue:
    """What the device needs to make another passkey."""
    ceremony.tried()
    who = person()
    with writing(hub().engine) as session:
        known = [row.credential for row in accounts.passkeys(session, who.id)]
        options, challenge = creation(accounts.find(session, who.id), known)
        return ceremony.begin(session, "add", {"challenge": b64(challenge), "person": who.id}, options)


@blueprint.post("/people/me/passkeys")
def add_passkey() -> ResponseReturnValue:
    """The other passkey that was made."""
    here, said, who = hub(), ceremony.body(), person()
    begun = ceremony.finish("add")
    if begun["person"] != who.id:
        raise NotFound("this was begun by somebody else.", remedy="Begin again.")
    made = verify_registration(
        ceremony.credential(said), challenge=unb64(begun["challenge"]), rp_id=ceremony.relying_party(), origin=here.settings.web_origin
    )
    with writing(here.engine) as session:
        accounts.add_passkey(session, who.id, made, label(said), here.clock())
    flash("Your passkey is ready. Read its fingerprint out to the operator, by telephone or in person.")
    return jsonify({"next": "/people/me"})


@blueprint.route("/people/me/passkeys/<passkey>/revoke", methods=["GET", "POST"])
def revoke_passkey(passkey: str) -> ResponseReturnValue:
    """Ask once more, then revoke a passkey at once."""
    here, who = hub(), person()
    if request.method != "POST":  # HEAD asks, too
        with reading(here.engine) as session:
            row = next((one for one in accounts.live_passkeys(session, who.id) if one.id == passkey), None)
            if row is None:
                raise NotFound("you have no such passkey in use.", remedy="Look at the list again.")
            return page("revoke-passkey.html", row=row, last=len(accounts.live_passkeys(session, who.id)) == 1)
    with writing(here.engine) as session:
        accounts.revoke_passkey(session, who.id, passkey, who.id, here.clock())
    if signed().passkey == passkey:
        return take_cookie(go("web.sign_in", ended=""))
    flash("The passkey is revoked: it opens nothing and signs nothing any more.")
    return go("web.me")


@blueprint.post("/people/me/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End all of one's sessions, this one too."""
    here = hub()
    with writing(here.engine) as session:
        sessions.end_all(session, person(), here.clock())
    return take_cookie(go("web.sign_in", ended=""))


@blueprint.route("/people/me/notices", methods=["GET", "POST"])
def notices() -> ResponseReturnValue:
    """Of what one is told by e-mail: ask, then note the choice."""
    here, who = hub(), person()
    able = read_ways(here.settings.notices).mail is not None
    if request.method != "POST":  # HEAD asks, too
        told = _told()
        given = (told.address, told.kinds, told.named) if told else ("", (), False)
        return _notices(given, able=able, told=told is not None)
    address, kinds, named = given = request.form.get("address", "").strip(), request.form.getlist("kinds"), "named" in request.form
    if not able:
        raise Unacceptable("this hub sends no e-mail.", remedy="Ask the operator to set it up.")
    if faults := _faults(address, kinds):
        return _notices(given, able=able, told=_told() is not None, faults=faults)
    with writing(here.engine) as session:
        subscriptions.choose(session, who.id, Wanted(who.party, Way.MAIL, address, kinds, named), here.clock())
    flash("Your choice is saved. You are told of what happens from now on.")
    return go("web.me")


def _told() -> SubscriptionRow | None:
    with reading(hub().engine) as session:
        return subscriptions.own(session, person().id)


def _notices(
    given: tuple[str, Sequence[str], bool], *, able: bool, told: bool, faults: dict[str, str] | None = None
) -> ResponseReturnValue:
    address, kinds, named = given
    choices = [(kind, WORDS[kind]) for kind in open_to(person().roles)]
    status = 422 if faults else 200
    shown = {"address": address, "kinds": kinds, "named": named, "choices": choices, "able": able, "told": told}
    return page("notices.html", status, faults=faults, **shown)


def _faults(address: str, kinds: Sequence[str]) -> dict[str, str]:
    said = {
        "address": "" if subscriptions.is_address(Way.MAIL, address) else "Enter an e-mail address, like name@example.com",
        "kinds": "" if kinds and set(kinds) <= set(open_to(person().roles)) else "Choose at least one thing to be told of",
    }
    return {field: words for field, words in said.items() if words}


@blueprint.post("/people/me/notices/end")
def end_notices() -> ResponseReturnValue:
    """Be told of nothing any more."""
    here, who = hub(), person()
    with writing(here.engine) as session:
        told = subscriptions.own(session, who.id)
        if told is not None:
            subscriptions.end(session, told.id, who.id, here.clock(), who.id)
    flash("You are sent no e-mails any more.")
    return go("web.me")
