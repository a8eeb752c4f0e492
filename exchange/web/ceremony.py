"""What every passkey ceremony shares: a challenge that is sent, kept for five minutes, bound to the browser, and answered once."""

import json
from typing import Any

from flask import g, request
from flask import session as browser
from sqlalchemy.orm import Session

from exchange.asked import json_object
from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unacceptable
from exchange.limits import network
from exchange.people import waiting
from exchange.web.door import hub

BODY_LIMIT = 64 << 10


def body() -> dict[str, Any]:
    """The JSON object that static/passkey.js sends, strictly read."""
    return json_object(BODY_LIMIT)


def credential(said: dict[str, Any]) -> dict[str, Any]:
    """The browser's answer to a challenge."""
    found = said.get("credential")
    if not isinstance(found, dict):
        raise Unacceptable("credential: not an object.", code="bad-format")
    return found


def tried() -> None:
    """Count this try, whatever becomes of it: of whoever is signed in, so that strangers at the same address cannot keep anybody from
    signing or stopping an agreement; else of the address it comes from.
    """
    here, signed = hub(), g.get("signed")
    who = signed.person.id if signed else network(request.remote_addr or "")
    with reading(here.engine) as session:
        waiting.require_left(session, here.keyring.web, who, here.clock())
    with writing(here.engine) as session:
        waiting.attempt(session, here.keyring.web, who, here.clock())


def begin(session: Session, kind: str, value: dict[str, Any], options: str) -> dict[str, Any]:
    """Keep ``value`` until this browser answers, and say what static/passkey.js is to hand to the device."""
    browser[f"begun-{kind}"] = waiting.put(session, kind, value, hub().clock())
    return {"options": json.loads(options)}


def finish(kind: str) -> dict[str, Any]:
    """What :func:`begin` kept for this browser; it is there once. Gone at once, whatever comes of the answer: nothing is tried twice."""
    here, name = hub(), browser.pop(f"begun-{kind}", None)
    if name is None:
        raise Unacceptable("nothing was begun in this browser, or it was ended before.", remedy="Begin again.", code="begin-again")
    with reading(here.engine) as session:  # who sends old cookies again and again does not wait to write
        if waiting.peek(session, kind, str(name), here.clock()) is None:
            raise waiting.over()
    with writing(here.engine) as session:
        return waiting.take(session, kind, str(name), here.clock())


def relying_party() -> str:
    """The name passkeys are bound to."""
    host = hub().settings.web_host
    if not host or host.replace(".", "").isdigit() or ":" in host:
        raise Misconfigured("passkeys need a host name, and the hub's public_url holds an address.", remedy="Set public_url to a name.")
    return host
