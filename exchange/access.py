"""Who is calling, and what each role may do: one table, and what is not in it is refused.

Machines call the API with a token; people use the pages with a session (``exchange.people.sessions``) and may hold several roles. The token is the hub's own, short-lived, and says who and with which key; the key is looked up at every request, so that a revocation
bites at once.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from exchange.errors import Forbidden, Unauthenticated
from exchange.register import dataset_tokens, partners

TOKEN_LIFE = timedelta(minutes=5)
_TYPE = "at+jwt"  # RFC 9068: nothing else that is signed passes for an access token
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST = 1_024


class Role(StrEnum):
    """As what somebody calls."""

    PUBLIC = "public"
    SUPPLIER = "supplier"
    RECIPIENT = "recipient"
    READER = "reader"  # whoever holds a token of one release (exchange.register.dataset_tokens)
    DPO = "dpo"
    SIGNATORY = "signatory"
    CHECKER = "checker"
    ANALYST = "analyst"
    OPERATOR = "operator"


PUBLIC = frozenset(Role)
PEOPLE = frozenset({Role.DPO, Role.SIGNATORY, Role.CHECKER, Role.ANALYST, Role.OPERATOR})
OPERATORS = frozenset({Role.OPERATOR})
SPEAKERS = frozenset({Role.DPO, Role.SIGNATORY})  # who speaks for a party; as whom, the agreement says
ACCOUNTABLE = SPEAKERS | {Role.CHECKER, Role.OPERATOR}  # who answers for what flowed
CHECKERS = frozenset({Role.CHECKER})
DECIDERS = SPEAKERS | CHECKERS  # who may take a published edition back, where the agreement names them
ANSWERABLE = SPEAKERS | OPERATORS  # who may read the log: each of their own organisation, the operator the hub's
CLIENTS = frozenset({Role.SUPPLIER, Role.RECIPIENT})
SUPPLIERS = frozenset({Role.SUPPLIER})
RECIPIENTS = frozenset({Role.RECIPIENT})
PULLERS = RECIPIENTS | {Role.READER}

OPERATIONS: Mapping[str, frozenset[Role]] = {
    "tokens.Token": PUBLIC,
    "agreements.Agreements": CLIENTS,
    "agreements.Agreement": CLIENTS,
    "agreements.Contract": SUPPLIERS,
    "agreements.Envelopes": SUPPLIERS,
    "versions.Difference": CLIENTS,
    "versions.Rehearsal": SUPPLIERS,
    "versions.Explain": CLIENTS,
    "versions.ExplainSubmission": SUPPLIERS,
    "submissions.Submissions": SUPPLIERS,
    "submissions.Submission": SUPPLIERS,
    "submissions.Part": SUPPLIERS,
    "submissions.Complete": SUPPLIERS,
    "scorecard.Scorecard": SUPPLIERS,
    "rights.Rights": SUPPLIERS,
    "log.CheckpointNote": CLIENTS,
    "log.Consistency": CLIENTS,
    "log.OwnEntries": CLIENTS,
    "log.Cosignatures": SUPPLIERS,
    "log.Witnesses": CLIENTS,
    "requests.Requests": CLIENTS,
    "editions.Editions": RECIPIENTS,
    "editions.Edition": RECIPIENTS,
    "editions.TableFile": PULLERS,
    "editions.Latest": RECIPIENTS,
    "pulling.LatestFile": PULLERS,
    "odata.Service": PULLERS,
    "odata.Metadata": PULLERS,
    "odata.Rows": PULLERS,
    "odata.Count": PULLERS,
    "catalogue.Catalogue": RECIPIENTS,
    "public.PublicCatalogue": PUBLIC,
    "public.PublicFile": PUBLIC,
    "service.health": PUBLIC,
    "service.ready": PUBLIC,
    "api-docs.openapi_json": PUBLIC,
    "web.static": PUBLIC,
    "web.sign_in": PUBLIC,
    "web.sign_in_challenge": PUBLIC,
    "web.sign_in_passkey": PUBLIC,
    "web.sign_in_openid": PUBLIC,
    "web.sign_in_openid_back": PUBLIC,
    "web.enrol": PUBLIC,
    "web.enrol_challenge": PUBLIC,
    "web.enrol_passkey": PUBLIC,
    "web.accessibility": PUBLIC,
    "web.public_register": PUBLIC,
    "web.public_register_csv": PUBLIC,
    "web.framework_public": PUBLIC,
    "web.framework_public_measure": PUBLIC,
    "web.framework_public_csv": PUBLIC,
    "web.framework": PEOPLE,
    "web.framework_measure": PEOPLE,
    "web.framework_csv": PEOPLE,
    "web.framework_board_pack": PEOPLE,
    "web.sign_out": PEOPLE,
    "web.home": PEOPLE,
    "web.organisations": PEOPLE,
    "web.organisation": PEOPLE,
    "web.people": PEOPLE,
    "web.invite": OPERATORS,
    "web.invite_again": OPERATORS,
    "web.end_person": OPERATORS,
    "web.condition": OPERATORS,
    "web.requests_page": PEOPLE,
    "web.me": PEOPLE,
    "web.card": PEOPLE,
    "web.passkey_challenge": PEOPLE,
    "web.add_passkey": PEOPLE,
    "web.revoke_passkey": PEOPLE,
    "web.sign_out_everywhere": PEOPLE,
    "web.notices": PEOPLE,
    "web.end_notices": PEOPLE,
    "web.log": ANSWERABLE,
    "web.log_csv": ANSWERABLE,
    "web.log_entry": ANSWERABLE,
    "web.log_proof": ANSWERABLE,
    "web.agreements": PEOPLE,
    "web.agreement_now": PEOPLE,
    "web.agreement": PEOPLE,
    "web.difference": PEOPLE,
    "web.rehearsal": ACCOUNTABLE,
    "web.explain": PEOPLE,
    "web.checks": ACCOUNTABLE,
    "web.check": ACCOUNTABLE,
    "web.decide": CHECKERS,
    "web.withdraw": DECIDERS,
    "web.withdraw_sent": DECIDERS,
    "web.decision": DECIDERS,
    "web.decision_challenge": DECIDERS,
    "web.decision_passkey": DECIDERS,
    "web.submissions": ACCOUNTABLE,
    "web.submission": ACCOUNTABLE,
    "web.scorecard_page": ACCOUNTABLE,
    "web.retention": ACCOUNTABLE,
    "web.submission_receipt": ACCOUNTABLE,
    "web.submission_certificate": ACCOUNTABLE,
    "web.review": SPEAKERS,
    "web.review_section": SPEAKERS,
    "web.review_checked": SPEAKERS,
    "web.advise": SPEAKERS,
    "web.advise_sent": SPEAKERS,
    "web.sign": SPEAKERS,
    "web.sign_sent": SPEAKERS,
    "web.endorse": SPEAKERS,
    "web.endorse_sent": SPEAKERS,
    "web.suspend": SPEAKERS,
    "web.suspend_sent": SPEAKERS,
    "web.resume": SPEAKERS,
    "web.resume_sent": SPEAKERS,
    "web.terminate": SPEAKERS,
    "web.terminate_sent": SPEAKERS,
    "web.statement": SPEAKERS,
    "web.statement_challenge": SPEAKERS,
    "web.statement_passkey": SPEAKERS,
    "web.recorded": SPEAKERS,
    "web.statement_file": SPEAKERS | OPERATORS,
    "web.statement_file_sent": SPEAKERS | OPERATORS,
    "web.releases": PEOPLE,
    "web.release": PEOPLE,
    "web.agreement_pdf": PEOPLE,
    "web.agreement_json": PEOPLE,
    "web.agreement_odrl": PEOPLE,
    "web.agreement_article30": PEOPLE,
}


@dataclass(frozen=True)
class Caller:
    """A client that has shown who it is.

    ``token``: of whoever came with a token of one release, its id; ``only``: that release, with its agreement's reference first.
    """

    id: str
    role: Role
    key: str
    token: str = ""
    only: tuple[str, str] | None = None


def issue(secret: bytes, caller: Caller, now: datetime) -> str:
    """A token for this caller, good for five minutes."""
    issued = int(now.timestamp())
    claims = {
        "sub": caller.id,
        "role": caller.role.value,
        "key": caller.key,
        "iat": issued,
        "exp": issued + int(TOKEN_LIFE.total_seconds()),
    }
    return jwt.encode({"alg": "HS256", "typ": _TYPE}, claims, OctKey.import_key(secret), algorithms=["HS256"])


def identify(session: Session | Connection, secret: bytes, authorization: str | None, now: datetime, address: str | None = None) -> Caller:
    """The caller of an ``Authorization: Bearer …`` header; or of ``Basic …``, whose password is then a token of one release."""
    scheme, _, token = (authorization or "").partition(" ")
    if (scheme.lower() == "basic" and token) or dataset_tokens.looks_like_one(token):
        word = _password(token) if scheme.lower() == "basic" else token if scheme.lower() == "bearer" else ""
        found = dataset_tokens.reader(session, word, address, now)
        return Caller(found.recipient, Role.READER, found.key, found.token, (found.reference, found.release))
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no access token was sent.", remedy="Get one from /oauth2/token and send it as “Bearer”.", code="no-token")
    try:
        caller, expires = _said(token, secret)
    except (JoseError, KeyError, ValueError, TypeError) as error:
        raise Unauthenticated("the access token is not one of this hub's.", remedy="Get a new one.", code="bad-token") from error
    if now.timestamp() >= expires:
        raise Unauthenticated("the access token has expired.", remedy="Get a new one.", code="expired-token")
    if not partners.is_live(session, caller.key):
        raise Unauthenticated("the key this token was asked with has been revoked.", remedy="Ask the operator.", code="revoked-key")
    return caller


def named_in(secret: bytes, authorization: str | None) -> str:
    """The client of a genuine access token, be it good no more; empty where there is none. For what is told to that client, never for letting it in."""
    try:
        return _said((authorization or "").partition(" ")[2], secret)[0].id
    except (JoseError, KeyError, ValueError, TypeError):
        return ""


def _password(credentials: str) -> str:
    """The password of Basic credentials (RFC 7617). The user name is not looked at: it proves nothing, and the log names the token."""
    if len(credentials) > _LONGEST:
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


@lru_cache(maxsize=1024)
def _said(token: str, secret: bytes) -> tuple[Caller, int]:
    """Whom a token names and when it expires, if it is genuine. A genuine token always says the same, so it is read once."""
    if len(token) > _LONGEST or not _COMPACT.fullmatch(token):
        raise ValueError("not compact")  # joserfc would take padding, and so a second spelling
    signed = jws.deserialize_compact(token, OctKey.import_key(secret), algorithms=["HS256"])
    if signed.protected.get("typ") != _TYPE:
        raise ValueError("not an access token")
    claims = json.loads(signed.payload)
    return Caller(str(claims["sub"]), Role(claims["role"]), str(claims["key"])), int(claims["exp"])


def is_public(endpoint: str) -> bool:
    """Whether nobody need say who they are."""
    return Role.PUBLIC in OPERATIONS.get(endpoint, frozenset())


def admit(endpoint: str, role: Role) -> None:
    """Refuse what the table does not allow; an endpoint that is not in the table is refused to everybody."""
    if role not in OPERATIONS.get(endpoint, frozenset()):
        raise Forbidden("your role may not do this.", remedy="Suppliers submit and read contracts; recipients download editions.")


def admit_person(endpoint: str, roles: Iterable[str]) -> None:
    """As :func:`admit`, for somebody who holds several roles, or none."""
    if not OPERATIONS.get(endpoint, frozenset()) & {Role(role) for role in roles}:
        raise Forbidden("none of your roles may do this.", remedy="Ask the operator which roles you need.")
