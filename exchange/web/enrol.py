"""Enrolling: an invitation's person makes the first passkey."""

import hashlib

from flask import flash, g, jsonify
from flask import session as browser
from flask.typing import ResponseReturnValue

from exchange.db import reading, writing
from exchange.people import invitations, people, sessions
from exchange.people.tables import PersonRow
from exchange.web import ceremony
from exchange.web.door import blueprint, give_cookie, hub, page
from keys.encoding import b64, unb64
from keys.passkey import registration_options, verify_registration

NAME = "LCJP Exchange"


@blueprint.get("/enrol/<token>")
def enrol(token: str) -> ResponseReturnValue:
    """Who is invited, as what, and what the passkey will be used for."""
    here = hub()
    with reading(here.engine) as session:
        owner = invitations.invited(session, token, here.clock())
    return page("enrol.html", person=owner, token=token)


@blueprint.post("/enrol/<token>/challenge")
def enrol_challenge(token: str) -> ResponseReturnValue:
    """What the device needs to make the passkey."""
    ceremony.tried()
    here = hub()
    with writing(here.engine) as session:
        owner = invitations.invited(session, token, here.clock())
        options, challenge = creation(owner, [row.credential for row in people.passkeys(session, owner.id)])
        return ceremony.begin(session, "enrol", {"challenge": b64(challenge), "person": owner.id}, options)


@blueprint.post("/enrol/<token>/passkey")
def enrol_passkey(token: str) -> ResponseReturnValue:
    """The passkey that was made: it is enrolled, the invitation used up, and its owner signed in."""
    here, said = hub(), ceremony.body()
    begun = ceremony.finish("enrol")
    made = verify_registration(
        ceremony.credential(said),
        challenge=unb64(begun["challenge"]),
        rp_id=ceremony.relying_party(),
        origin=here.settings.web_origin,
    )
    with writing(here.engine) as session:
        row = invitations.enrol(session, token, begun["person"], made, label(said), here.clock())
        cookie = sessions.begin(session, row.person, row.id, here.clock(), g.signed)
    browser.clear()
    flash("Your passkey is ready. Read its fingerprint out to the operator, by telephone or in person.")
    return give_cookie(jsonify({"next": "/people/me"}), cookie)


def creation(owner: PersonRow, exclude: list[bytes]) -> tuple[str, bytes]:
    """Options for a new passkey of a person. The device is given a digest for an id, which says nothing of the person."""
    return registration_options(
        rp_id=ceremony.relying_party(),
        rp_name=NAME,
        user_id=hashlib.sha256(owner.id.encode()).digest(),
        user_name=f"{owner.name} ({owner.party})",
        display_name=owner.name,
        exclude=exclude,
    )


def label(said: dict[str, object]) -> str:
    """What the owner calls the device; a default where nothing was said."""
    found = " ".join(str(said.get("label") or "").split())
    return found[:80] or "My passkey"
