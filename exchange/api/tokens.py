"""``POST /oauth2/token``: client credentials, the client shown by a signed assertion (RFC 7523). No passwords, no shared secrets."""

import re
from datetime import UTC, datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange.access import TOKEN_LIFE, Caller, Role, issue
from exchange.api.door import hub
from exchange.api.schemas import TokenAnswer, TokenRequest
from exchange.db import writing
from exchange.errors import Unauthenticated
from exchange.register import partners
from exchange.register.tables import AssertionRow, KeyRow
from keys.encoding import b64

blueprint = Blueprint("tokens", __name__, description="Access tokens")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 300
SKEW = 60
# joserfc accepts padding in a compact token; one spelling of a token is enough.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# Plain characters only: JSON can carry half a surrogate pair, which no database takes.
_KID = re.compile(r"ed25519:[0-9a-f]{64}", re.ASCII)
_JTI = re.compile(r"[!-~]{8,200}", re.ASCII)


def _refuse(detail: str, remedy: str, code: str) -> Unauthenticated:
    return Unauthenticated(detail, remedy=remedy, code=code)


def authenticate(session: Session, form: dict[str, str], audience: str, now: datetime) -> Caller:
    """The client that a token request shows itself to be; every assertion is good once."""
    if form["grant_type"] != "client_credentials" or form["client_assertion_type"] != TYPE:
        raise _refuse("only client credentials with a jwt-bearer assertion are taken.", "See /openapi.json.", "unsupported-grant")
    token = form["client_assertion"]
    row = _key(session, token)
    if form.get("client_id", row.owner) != row.owner:
        raise _refuse("the assertion's key belongs to another client.", "Use your own client id and key.", "unknown-client")
    claims = _claims(token, row)
    _check(claims, row.owner, audience, now)
    session.execute(delete(AssertionRow).where(AssertionRow.expires_at < now))
    session.add(AssertionRow(client=row.owner, jti=claims["jti"], expires_at=datetime.fromtimestamp(claims["exp"] + SKEW, UTC)))
    try:
        session.flush()
    except IntegrityError as error:
        raise _refuse("this assertion was used before.", "Make a new one for every request.", "replayed-assertion") from error
    role = Role.SUPPLIER if partners.live_keys(session, row.owner, "manifest") else Role.RECIPIENT
    return Caller(row.owner, role, row.fingerprint)


def _key(session: Session, token: str) -> KeyRow:
    unknown = _refuse("no client is registered with this key.", "Give the operator your client card.", "unknown-client")
    if not _COMPACT.fullmatch(token):
        raise _refuse("the assertion is not a compact signed token.", "Sign it as RFC 7515 says.", "bad-signature")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise _refuse("the assertion is not a compact signed token.", "Sign it as RFC 7515 says.", "bad-signature") from error
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise unknown
    query = select(KeyRow).where(KeyRow.fingerprint == kid, KeyRow.role == "client", KeyRow.revoked_at.is_(None))
    row = session.execute(query).scalar_one_or_none()
    if row is None or header.get("alg") != "Ed25519":
        raise unknown
    return row


def _claims(token: str, row: KeyRow) -> dict[str, Any]:
    # The key and the algorithm are the registered ones, whatever the header says.
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": b64(row.public)})
    try:
        return dict(jwt.decode(token, key, algorithms=["Ed25519"]).claims)
    except (JoseError, ValueError) as error:
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
    if not now.timestamp() - SKEW < expires <= issued + LONGEST or issued > now.timestamp() + SKEW:
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
        with writing(here.engine) as session:
            caller = authenticate(session, form, here.settings.token_url, moment)
        token = issue(here.keyring.tokens, caller, moment)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds())}
