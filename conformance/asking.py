"""One client of a hub, as plain as can be: it makes assertions as asked (false ones too), and tries nothing twice."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import requests

from conformance.clauses import demand
from keys.encoding import b64, canonical
from keys.sign import SigningKey

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROBLEM = "application/problem+json"
WAIT = 60.0  # seconds for one answer
MEMBERS = {"type", "title", "status", "detail", "code", "remedy", "instance"}


def as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No authentication of the library's own: it would take a password out of ~/.netrc."""
    return request


@dataclass
class Asker:
    """A party (or recipient) with its registered client key, and a hub's address without a slash at its end."""

    url: str
    party: str
    key: SigningKey
    session: requests.Session = field(default_factory=requests.Session)

    def assertion(self, *, key: SigningKey | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A client assertion (RFC 7523) as docs/api.md asks for it, but for what is given; a claim that is None is left out."""
        signer, now = key or self.key, int(time.time())
        head = {"alg": "Ed25519", "typ": "JWT", "kid": signer.public.fingerprint, **(header or {})}
        said = {
            "iss": self.party,
            "sub": self.party,
            "aud": f"{self.audience}/oauth2/token",
            "jti": secrets.token_hex(16),
            "iat": now,
            "exp": now + 120,
            **claims,
        }
        body = f"{b64(canonical(head))}.{b64(canonical({name: value for name, value in said.items() if value is not None}))}"
        return f"{body}.{b64(signer.sign_raw(body.encode()))}"

    @property
    def audience(self) -> str:
        """The hub's own name of itself: its address, where no judge or proxy stands between."""
        return self.said_audience or self.url

    said_audience: str = ""

    def authenticate(self, assertion: str, **form: str) -> requests.Response:
        """Ask for an access token."""
        wanted = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER, "client_assertion": assertion, **form}
        return self.plain("POST", "/oauth2/token", data=wanted)

    @cached_property
    def token(self) -> str:
        """An access token, asked for once."""
        answer = self.authenticate(self.assertion())
        demand(answer.status_code == 200, f"no access token is given: status {answer.status_code}, {code_of(answer)}")
        return str(answer.json()["access_token"])

    def plain(self, method: str, path: str, **more: Any) -> requests.Response:
        """A request with no token but what is given."""
        self.session.auth = as_is
        return self.session.request(method, self.url + path, timeout=WAIT, allow_redirects=False, **more)

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> requests.Response:
        """A request with this client's token."""
        return self.plain(method, path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})}, **more)

    def put(self, path: str, body: bytes, *, digest: str | None = None) -> requests.Response:
        """Put octets with the digest of RFC 9530, or with the one that is given; without any where that is empty."""
        right = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
        said = right if digest is None else digest
        headers = {"Content-Type": "application/octet-stream", **({"Content-Digest": said} if said else {})}
        return self.ask("PUT", path, data=body, headers=headers)


def code_of(answer: requests.Response) -> str:
    """The problem code of an answer, or what stands in its place."""
    try:
        return str(answer.json().get("code", "no code"))
    except (ValueError, AttributeError):
        return "no problem document"


def refused(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, which must be a whole one, of this status and code."""
    demand(
        (answer.status_code, code_of(answer)) == (status, code),
        f"expected {status} {code}, and got {answer.status_code} {code_of(answer)}",
    )
    demand(answer.headers.get("Content-Type", "").startswith(PROBLEM), f"the Content-Type is not {PROBLEM}")
    found: dict[str, Any] = answer.json()
    demand(set(found) >= MEMBERS, f"the problem document lacks {', '.join(sorted(MEMBERS - set(found)))}")
    demand(found["status"] == status and found["type"] == f"urn:lcjp-exchange:problem:{code}", "its members contradict each other")
    return found


def answered(answer: requests.Response, *statuses: int) -> Any:
    """The JSON of an answer, which must have one of these statuses."""
    wanted = " or ".join(map(str, statuses))
    demand(answer.status_code in statuses, f"expected {wanted}, and got {answer.status_code} {code_of(answer)}")
    return answer.json()
