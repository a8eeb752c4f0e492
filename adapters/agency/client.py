"""The hub over HTTP: who we are, what we ask, and what is worth trying again."""

import base64
import hashlib
import os
import random
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import requests
import truststore
from joserfc import jwt
from joserfc.jwk import OKPKey
from requests.adapters import HTTPAdapter

from adapters.agency.problems import RETRY_STATUSES, as_error, plain
from adapters.agency.settings import Settings
from adapters.errors import AuthenticationFailed, ConfigError, IntegrityFailed, NetworkFailed
from keys.encoding import b64, parse_json
from keys.errors import BadFormat
from keys.sign import SigningKey

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 120
JSON_LIMIT = 16 << 20
BACKOFF = 0.25
LONGEST_PAUSE = 20.0
_PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)


class _SystemTrust(HTTPAdapter):
    """Certificates as this machine trusts them: police networks re-sign traffic, and only their own machines know their authority."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        return super().init_poolmanager(*args, **kwargs, ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def new_session(certificate: Path | None = None) -> requests.Session:
    """A session that honours proxies and certificate settings of the environment, and else the operating system's trust store.

    Args:
        certificate: file of our own certificate and its key (PEM), shown to a hub that asks for one.
    """
    session = requests.Session()
    if certificate is not None:
        if not certificate.is_file():
            raise ConfigError(f"{certificate}: there is no such file.", remedy="Correct “network.certificate”.")
        session.cert = str(certificate)
    session.auth = _as_is  # else requests would put a password from ~/.netrc in the place of our token
    told = any(os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    if not told:
        session.mount("https://", _SystemTrust())
    return session


def _as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def assertion(party: str, audience: str, key: SigningKey, now: int) -> str:
    """The signed JWT by which a client says who it is (RFC 7523): used once, good for two minutes."""
    fingerprint = key.public.fingerprint
    members = {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public.raw), "d": b64(key.seed), "kid": fingerprint}
    header = {"alg": "Ed25519", "kid": fingerprint, "typ": "JWT"}
    claims = {"iss": party, "sub": party, "aud": audience, "jti": uuid.uuid4().hex, "iat": now, "exp": now + LIFETIME}
    return jwt.encode(header, claims, OKPKey.import_key(cast(Any, members)), algorithms=["Ed25519"])


@dataclass
class Client:
    """The hub as one party sees it. Every call raises the room's errors and nothing else.

    Everything asked may safely be asked twice, so everything that fails for a passing reason is tried again, ever more slowly,
    until the settings' patience ends.
    """

    settings: Settings
    key: SigningKey
    session: requests.Session
    clock: Callable[[], float] = time.time
    token: str = ""
    token_until: float = 0.0

    def get(self, path: str, doing: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON that a GET answers."""
        return _json(self.call("GET", path, doing, query=query), doing)

    def get_text(self, path: str, doing: str) -> str:
        """The text that a GET answers, at most 64 KiB."""
        answer = self.call("GET", path, doing)
        if len(answer.content) > 1 << 16:
            raise IntegrityFailed(f"The hub's answer is too long while {doing}.")
        try:
            return answer.content.decode("utf-8")
        except UnicodeDecodeError:
            raise IntegrityFailed(f"The hub's answer is not text while {doing}.") from None

    def post(self, path: str, doing: str, body: Any = None) -> Any:
        """Post JSON; the JSON that it answers."""
        return _json(self.call("POST", path, doing, json=body if body is not None else {}), doing)

    def put(self, path: str, doing: str, body: bytes) -> Any:
        """Put bytes, with their length and digest; the JSON that it answers."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {"Content-Type": "application/octet-stream", "Content-Digest": f"sha-256=:{digest}:"}
        return _json(self.call("PUT", path, doing, data=body, headers=headers), doing)

    def delete(self, path: str, doing: str) -> Any:
        """The JSON that a DELETE answers."""
        return _json(self.call("DELETE", path, doing), doing)

    def call(self, method: str, path: str, doing: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> requests.Response:
        """One request with our token; a token that the hub no longer knows is renewed once."""
        renewed = False
        while True:
            sent = {**(headers or {}), "Authorization": f"Bearer {self.authenticate()}"}
            answer = self._patiently(method, path, doing, headers=sent, **body)
            if answer.status_code == 401 and not renewed:
                self.token, renewed = "", True
                continue
            if answer.status_code >= 400:
                raise as_error(answer.status_code, _body(answer), doing)
            return answer

    def authenticate(self) -> str:
        """An access token, renewed half a minute before it ends. AuthenticationFailed if the hub does not know our key."""
        if self.token and self.clock() < self.token_until - 30:
            return self.token
        doing = "asking for an access token"
        answer = self._patiently("POST", "/oauth2/token", doing, form=self._credentials)
        if answer.status_code >= 400:
            raise _not_known(answer, self.settings)
        granted = _json(answer, doing)
        token, lasts = granted.get("access_token"), granted.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int):
            raise IntegrityFailed("The hub's answer to a request for a token has no token.")
        self.token, self.token_until = token, self.clock() + lasts
        return token

    def _credentials(self) -> dict[str, str]:
        # Made afresh for every attempt: an assertion is good for one use.
        made = assertion(self.settings.party, self.settings.token_audience, self.key, int(self.clock()))
        return {
            "grant_type": "client_credentials",
            "client_id": self.settings.party,
            "client_assertion_type": ASSERTION,
            "client_assertion": made,
        }

    def _patiently(
        self, method: str, path: str, doing: str, *, form: Callable[[], dict[str, str]] | None = None, query: Any = None, **body: Any
    ) -> requests.Response:
        until, attempt = time.monotonic() + self.settings.patience, 0
        while True:
            try:
                sent = {**body, "data": form()} if form else body
                answer = self.session.request(
                    method, self.settings.hub + path, params=query, timeout=self.settings.timeout, allow_redirects=False, **sent
                )
                if answer.status_code not in RETRY_STATUSES:
                    return answer
                failed, told = as_error(answer.status_code, _body(answer), doing), _retry_after(answer)
            except _PASSING as error:
                if untrusted(error):
                    raise _not_trusted(self.settings) from None
                failed, told = _unreachable(self.settings, doing, error), 0.0
            except requests.RequestException as error:
                raise ConfigError(
                    f"{self.settings.hub} cannot be asked anything ({type(error).__name__}).", remedy="Check “hub” and the proxy variables."
                ) from None
            attempt += 1
            pause = max(told, random.uniform(0.5, 1.0) * min(BACKOFF * 2**attempt, LONGEST_PAUSE))  # noqa: S311 - jitter, not a secret
            if time.monotonic() + pause > until:
                raise failed
            time.sleep(pause)


def _body(answer: requests.Response) -> Any:
    try:
        return parse_json(answer.content, limit=JSON_LIMIT)
    except BadFormat:
        return None


def _json(answer: requests.Response, doing: str) -> Any:
    found = _body(answer)
    if not isinstance(found, dict):
        raise IntegrityFailed(
            f"The hub's answer is not a JSON object while {doing}.",
            why=f"HTTP status {answer.status_code}.",
            remedy="Check that “hub” in agency.toml is the hub's address, and that no proxy answers in its place.",
        )
    return found


def _retry_after(answer: requests.Response) -> float:
    told = answer.headers.get("Retry-After", "")
    return min(float(told), LONGEST_PAUSE) if told.isascii() and told.isdigit() else 0.0


def untrusted(error: requests.RequestException) -> bool:
    """Whether a TLS connection failed because of its certificate, not because somebody hung up."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _unreachable(settings: Settings, doing: str, error: requests.RequestException) -> NetworkFailed:
    why = "It did not answer in time." if isinstance(error, requests.Timeout) else "The connection failed or broke off."
    proxied = isinstance(error, requests.exceptions.ProxyError)
    return NetworkFailed(
        f"The hub at {settings.hub} could not be reached while {doing}.",
        why="The proxy did not let the request through." if proxied else why,
        remedy="Run it again later: it resumes where it stopped. exchange-agency doctor finds where the road is blocked.",
    )


def _not_trusted(settings: Settings) -> NetworkFailed:
    return NetworkFailed(
        f"The certificate of {settings.hub} is not one this machine trusts.",
        why="A proxy may re-sign the traffic; what is sent stays sealed for the hub either way.",
        remedy="Install your network's certificate authority on this machine, or name its file in REQUESTS_CA_BUNDLE.",
    )


def _not_known(answer: requests.Response, settings: Settings) -> Exception:
    problem = _body(answer)
    code = plain(problem.get("code") or problem.get("error")) if isinstance(problem, dict) else ""
    if answer.status_code not in (400, 401, 403):
        return as_error(answer.status_code, problem, "asking for an access token")
    remedies = {
        "bad-audience": f"We sent the audience {settings.token_audience}: set “audience” in agency.toml to the one the hub names.",
        "expired-assertion": "Set this machine's clock.",
        "unknown-client": f"We said we are “{settings.party}”: check “party”, and that the operator has your client card.",
        "bad-signature": "The key in the client key file is not the one the operator registered.",
        "client-certificate": "Name the file of a certificate that the operator accepts, and its key, as “network.certificate”.",
    }
    detail = plain(problem.get("detail")) if isinstance(problem, dict) else ""
    return AuthenticationFailed(
        f"The hub does not accept who we say we are{': ' + detail if detail else '.'}",
        why=f"Code {code}." if code else "",
        remedy=remedies.get(code, "Run exchange-agency doctor."),
    )
