"""Signing in with a passkey, and signing out."""

from flask import g, jsonify, request
from flask import session as browser
from flask.typing import ResponseReturnValue

from exchange.db import writing
from exchange.errors import Unauthenticated
from exchange.people import people, sessions
from exchange.web import ceremony
from exchange.web.door import blueprint, give_cookie, go, hub, local, page, signed, take_cookie
from keys.encoding import b64, unb64
from keys.errors import KeysError
from keys.passkey import new_challenge, request_options, verify_login


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The ways in."""
    settings = hub().settings
    openid = settings.oidc_name if settings.oidc_issuer else ""
    return page("sign-in.html", next=local(request.args.get("next")), openid=openid, ended="ended" in request.args)


@blueprint.post("/sign-in/challenge")
def sign_in_challenge() -> ResponseReturnValue:
    """A challenge for any passkey of this hub: whom it belongs to is not asked, and so not told."""
    ceremony.tried()
    challenge = new_challenge()
    options = request_options(rp_id=ceremony.relying_party(), challenge=challenge)
    value = {"challenge": b64(challenge), "next": local(request.args.get("next"))}
    with writing(hub().engine) as session:
        return ceremony.begin(session, "sign-in", value, options)


@blueprint.post("/sign-in/passkey")
def sign_in_passkey() -> ResponseReturnValue:
    """The answer: who holds the passkey is signed in, under a new session id."""
    here, answer = hub(), ceremony.credential(ceremony.body())
    begun = ceremony.finish("sign-in")
    with writing(here.engine) as session:
        passkey = people.by_credential(session, _credential_id(answer))
        if passkey is None:
            raise _unknown()
        try:
            passkey.sign_count = verify_login(
                answer, challenge=unb64(begun["challenge"]), passkey=people.passkey_of(passkey), sign_count=passkey.sign_count
            )
        except KeysError as error:
            raise _unknown() from error
        token = sessions.begin(session, passkey.person, passkey.id, here.clock(), g.signed)
    browser.clear()
    return give_cookie(jsonify({"next": begun["next"]}), token)


def _credential_id(answer: dict[str, object]) -> bytes:
    try:
        return unb64(answer.get("rawId"))
    except KeysError as error:
        raise _unknown() from error


def _unknown() -> Unauthenticated:
    """One answer for every failure: nobody learns which passkeys there are."""
    return Unauthenticated(
        "this passkey is not in use here.", remedy="Use another, or ask the operator for an invitation.", code="unknown-passkey"
    )


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session."""
    here = hub()
    with writing(here.engine) as session:
        sessions.end(session, signed(), here.clock())
    browser.clear()
    return take_cookie(go("web.sign_in", ended=""))
