"""``POST /oauth2/token``: client credentials, the client shown by a signed assertion (RFC 7523). No passwords, no shared secrets.

Everything is verified in a transaction that only reads; nothing is written but the ``jti`` of a genuine assertion that was not used before,
and that its client has been heard of.
A stranger therefore never waits to write, and never makes anybody else wait.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange.access import TOKEN_LIFE, Caller, Role, issue
from exchange.api.door import hub
from exchange.api.schemas import TokenAnswer, TokenRequest
from exchange.db import reading, writing
from exchange.errors import Unauthenticated
from exchange.register import partners
from exchange.register.tables import AssertionRow, KeyRow
from exchange.submissions import attendance
from exchange.submissions.restored import since
from keys.ecdsa import Es256Key
from keys.encoding import parse_json, unb64
from keys.errors import BadFormat, BadSignature
from keys.sign import VerifyKey

blueprint = Blueprint("tokens", __name__, description="Access tokens")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 300
SKEW = 60
LARGEST = 4_096  # characters of an assertion
# One spelling of a token is enough: no padding, no spare bits, nothing around it.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# Plain characters only: JSON can carry half a surrogate pair, which no database takes.
_KID = re.compile(r"(?:ed25519|es256):[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[a-z0-9:-]{1,80}", re.ASCII)
_JTI = re.compile(r"[!-~]{8,200}", re.ASCII)
# The one algorithm of each kind of registered key (RFC 9864, RFC 7518 section 3.4).
_ALGORITHMS = {"ed25519": "Ed25519", "es256": "ES256"}
# A token says what it is (RFC 8725 section 3.11): an access token, or anything else that some key may sign, is no assertion.
_TYPES = (None, "JWT", "client-authentication+jwt")


@dataclass(frozen=True)
class Shown:
    """A client that has shown its key, and by which assertion: it counts once, so its ``jti`` is kept until ``expires``."""

    caller: Caller
    jti: str
    expires: datetime


def _refuse(detail: str, remedy: str, code: str) -> Unauthenticated:
    return Unauthenticated(detail, remedy=remedy, code=code)


def shown(session: Session, form: dict[str, str], audience: str, now: datetime) -> Shown:
    """The client that a token request shows itself to be. Reads only."""
    if form["grant_type"] != "client_credentials" or form["client_assertion_type"] != TYPE:
        raise _refuse("only client credentials with a jwt-bearer assertion are taken.", "See /openapi.json.", "unsupported-grant")
    token = form["client_assertion"]
    header, claims = _parsed(token)
    row = _key(session, header)
    if form.get("client_id", row.owner) != row.owner:
        raise _refuse("the assertion's key belongs to another client.", "Use your own client id and key.", "unknown-client")
    _verify(token, row)
    _check(claims, row.owner, audience, now)
    if (restored := since(session)) is not None and claims["iat"] <= restored.timestamp():
        # Which assertions were used between the backup and the restore, nobody knows any more.
        raise _refuse("the hub was restored after this assertion was made.", "Make a new one.", "expired-assertion")
    if session.get(AssertionRow, (row.owner, claims["jti"])) is not None:
        raise _replayed()
    role = Role.SUPPLIER if partners.live_keys(session, row.owner, "manifest") else Role.RECIPIENT
    expires = datetime.fromtimestamp(claims["exp"] + SKEW, UTC)
    return Shown(Caller(row.owner, role, row.fingerprint), claims["jti"], expires)


def use(session: Session, found: Shown, now: datetime) -> None:
    """Write down that this assertion was used; of two who use it at once, one is refused."""
    session.execute(delete(AssertionRow).where(AssertionRow.expires_at < now))
    session.add(AssertionRow(client=found.caller.id, jti=found.jti, expires_at=found.expires))
    try:
        session.flush()
    except IntegrityError as error:
        raise _replayed() from error


def _replayed() -> Unauthenticated:
    return _refuse("this assertion was used before.", "Make a new one for every request.", "replayed-assertion")


def _parsed(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact token, strictly read: one spelling, no member twice. Nothing of it is believed yet."""
    odd = _refuse("the assertion is not a compact signed token.", "Sign it as RFC 7515 says.", "bad-signature")
    if len(token) > LARGEST or not _COMPACT.fullmatch(token):
        raise odd
    try:
        *read, _signature = (unb64(segment) for segment in token.split("."))
        header, claims = (parse_json(segment, limit=LARGEST) for segment in read)
    except BadFormat as error:
        raise odd from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header or header.get("typ") not in _TYPES:
        raise _refuse("the assertion is not a client's signed token.", "Sign it as RFC 7523 says.", "bad-signature")
    return header, claims


def _key(session: Session, header: dict[str, Any]) -> KeyRow:
    """The registered key of this name. Keys and addresses of keys in the header (jwk, jku, x5u, x5c) are not looked at."""
    unknown = _refuse("no client is registered with this key.", "Give the operator your client card.", "unknown-client")
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise unknown
    query = select(KeyRow).where(KeyRow.fingerprint == kid, KeyRow.role == "client", KeyRow.revoked_at.is_(None))
    row = session.execute(query).scalar_one_or_none()
    if row is None or header.get("alg") != _ALGORITHMS[row.kind]:
        raise unknown
    return row


def claimed(session: Session, form: Mapping[str, str]) -> str:
    """The registered client that a token request names, by its key or else by its id; empty where there is none. Nothing of it is proved."""
    try:
        header, claims = _parsed(form.get("client_assertion", ""))
    except Unauthenticated:
        header, claims = {}, {}
    owners = select(KeyRow.owner).where(KeyRow.role == "client").limit(1)
    for column, value in (
        (KeyRow.fingerprint, header.get("kid")),
        (KeyRow.owner, form.get("client_id")),
        (KeyRow.owner, claims.get("sub")),
    ):
        if (
            isinstance(value, str)
            and _NAME.fullmatch(value)
            and (found := session.execute(owners.where(column == value)).scalar_one_or_none())
        ):
            return str(found)
    return ""


def _verify(token: str, row: KeyRow) -> None:
    # The key and the algorithm are the registered ones, whatever the header says. What is signed: RFC 7515 section 5.2, step 8.
    said, _, signature = token.rpartition(".")
    verify = Es256Key(row.public).verify if row.kind == "es256" else VerifyKey(row.public).verify_raw
    try:
        verify(said.encode(), unb64(signature))
    except BadSignature as error:
        raise _refuse("the assertion's signature does not hold.", "Sign with the registered client key.", "bad-signature") from error


def _check(claims: dict[str, Any], client: str, audience: str, now: datetime) -> None:
    if claims.get("iss") != client or claims.get("sub") != client:
        raise _refuse("iss and sub must both be the client id.", "Set both to your client id.", "unknown-client")
    if claims.get("aud") not in (audience, [audience]):
        raise _refuse(f"the assertion is for another audience; this is {audience}.", "Set aud to exactly that.", "bad-audience")
    times = [claims.get(name) for name in ("iat", "exp")]
    if not all(isinstance(moment, int) and not isinstance(moment, bool) for moment in times):
        raise _refuse("iat and exp must be whole numbers of seconds.", "Set both.", "expired-assertion")
    issued, expires = claims["iat"], claims["exp"]
    begins = claims.get("nbf", issued)
    if not isinstance(begins, int) or isinstance(begins, bool):
        raise _refuse("nbf must be a whole number of seconds.", "Leave it out, or set it right.", "expired-assertion")
    if not now.timestamp() - SKEW < expires <= issued + LONGEST or max(issued, begins) > now.timestamp() + SKEW:
        remedy = f"Set the clock right, and let it expire at most {LONGEST} seconds after it is issued."
        raise _refuse("the assertion has expired, is not yet valid, or lives too long.", remedy, "expired-assertion")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise _refuse("the assertion needs a jti of 8 to 200 printable ASCII characters.", "Set a random one.", "bad-signature")


@blueprint.route("/oauth2/token")
class Token(MethodView):
    """The token endpoint."""

    @blueprint.arguments(TokenRequest, location="form")
    @blueprint.response(200, TokenAnswer)
    def post(self, form: dict[str, str]) -> dict[str, Any]:
        """Exchange a client assertion for an access token."""
        here, moment = hub(), hub().clock()
        with reading(here.engine) as session:
            found = shown(session, form, here.settings.token_url, moment)
        with writing(here.engine) as session:
            use(session, found, moment)
            attendance.heard(session, found.caller.id, moment)
        token = issue(here.keyring.tokens, found.caller, moment)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds())}
