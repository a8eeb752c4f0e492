"""Signing in at an OpenID provider: authorization code with PKCE, state, nonce and issuer checked. Nobody is created by signing in."""

import json
import secrets
from datetime import timedelta
from typing import Any, cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, current_app, g, request
from flask import session as browser
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError

from exchange.db import reading, writing
from exchange.errors import Misconfigured, NotFound, Unauthenticated, Unavailable
from exchange.hub import Hub
from exchange.people import people, sessions, waiting
from exchange.settings import Settings
from exchange.web import ceremony
from exchange.web.door import blueprint, give_cookie, go, hub, local, page
from exchange.web.outbound import only

NAME, AWAY = "provider", "lcjp-openid-away"
SECONDS = 10
REST = timedelta(seconds=10)  # a provider that did not answer is not asked again for so long: each who asks waits, and holds up others
# Asymmetric only, whatever the provider offers: nobody who knows the client's secret makes an identity.
ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "ES384", "PS256", "RS256")


class Kept:
    """Authlib's memory between the two halves of a sign-in, in the hub's own database: state, nonce and verifier never reach the browser."""

    def __init__(self, here: Hub) -> None:
        self.here = here

    def get(self, key: str) -> str | None:
        """The value, if it is still there."""
        with reading(self.here.engine) as session:
            found = waiting.peek(session, "openid", key, self.here.clock())
        return json.dumps(found) if found is not None else None

    def set(self, key: str, value: str, _expires: int | None = None) -> None:
        """Keep it for five minutes, whatever was asked."""
        with writing(self.here.engine) as session:
            waiting.put(session, "openid", json.loads(value), self.here.clock(), name=key)

    def delete(self, key: str) -> None:
        """Forget it; where it is forgotten already, nobody waits to write."""
        if self.get(key) is None:
            return
        with writing(self.here.engine) as session:
            waiting.drop(session, "openid", key)


def set_up(app: Flask, here: Hub) -> None:
    """Make the client, if a provider is configured. The provider is not asked anything before somebody signs in."""
    settings = here.settings
    if not settings.oidc_issuer:
        return
    oauth = OAuth(app, cache=Kept(here))
    secret = _secret(settings)
    client = oauth.register(
        NAME,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
            "default_timeout": SECONDS,
        },
    )
    client.client_cls = only(settings.oidc_issuer)
    app.extensions["lcjp-openid"] = oauth


def _secret(settings: Settings) -> str | None:
    if settings.oidc_client_secret_file is None:
        return None
    try:
        return settings.oidc_client_secret_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misconfigured(
            "the file of the hub's secret at the OpenID provider cannot be read.", remedy="See oidc_client_secret_file."
        ) from error


def _client() -> Any:
    oauth = current_app.extensions.get("lcjp-openid")
    if oauth is None:
        raise NotFound("this hub has no OpenID provider.", remedy="Sign in with a passkey.")
    client, here, kept = oauth.create_client(NAME), hub(), current_app.extensions
    if (since := kept.get(AWAY)) is not None and here.clock() < since + REST:
        raise _away()
    try:
        found = client.load_server_metadata()
    except (OSError, ValueError) as error:  # OSError: every failure of requests
        kept[AWAY] = here.clock()
        raise _away() from error
    if found.get("issuer") != here.settings.oidc_issuer:
        raise Misconfigured("the OpenID provider calls itself by another name than oidc_issuer says.", remedy="Tell the operator.")
    found["id_token_signing_alg_values_supported"] = list(ALGORITHMS)
    return client


def _away() -> Unavailable:
    return Unavailable("the OpenID provider cannot be reached.", remedy="Try again in a minute, or sign in with a passkey.")


@blueprint.get("/sign-in/openid")
def sign_in_openid() -> ResponseReturnValue:
    """To the provider."""
    ceremony.tried()
    client = _client()
    browser["next"] = local(request.args.get("next"))
    return cast(ResponseReturnValue, client.authorize_redirect(_back(), nonce=secrets.token_urlsafe(24)))


def _back() -> str:
    return f"{hub().settings.public_url}/sign-in/openid/back"


@blueprint.get("/sign-in/openid/back")
def sign_in_openid_back() -> ResponseReturnValue:
    """Back from the provider: whoever is linked to this identity is signed in."""
    if "next" not in browser:
        raise _refused()
    ceremony.tried()
    here, client = hub(), _client()
    if request.args.get("iss", here.settings.oidc_issuer) != here.settings.oidc_issuer:
        raise _refused()  # RFC 9207: another provider's answer
    try:
        claims = client.authorize_access_token(leeway=60, claims_options=_claims(here.settings)).get("userinfo")
    except OSError as error:
        raise _away() from error
    except (OAuthError, AuthlibBaseError, JoseError, ValueError, KeyError, RuntimeError) as error:
        raise _refused() from error
    if not claims or not claims.get("sub"):
        raise _refused()
    issuer, subject, wanted = here.settings.oidc_issuer, str(claims["sub"]), local(browser.get("next"))
    browser.clear()
    with writing(here.engine) as session:
        row = people.identified(session, issuer, subject)
        if row is None:
            return page("not-linked.html", 403, issuer=issuer, subject=subject, name=here.settings.oidc_name)
        token = sessions.begin(session, row.id, None, here.clock(), g.signed)
    response = go("web.home")
    response.headers["Location"] = wanted
    return give_cookie(response, token)


def _claims(settings: Settings) -> dict[str, Any]:
    """From whom an identity must be and for whom, however it is called besides: the library by itself is content with ``azp``."""
    return {"iss": {"essential": True, "value": settings.oidc_issuer}, "aud": {"essential": True, "value": settings.oidc_client_id}}


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "signing in at the OpenID provider did not succeed, was cancelled, or took too long.", remedy="Begin again.", code="openid-refused"
    )
