"""The one way out of the hub: to the OpenID provider that the settings name, at its own scheme, host and port, and nowhere it points to.

Its metadata name further addresses, for keys and tokens. They are asked only where they are the issuer's own, and a redirect is not
followed: whoever could change an answer of the provider's still cannot make the hub ask another machine.
"""

from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.requests_client import OAuth2Session


class ElsewhereError(OSError):
    """The provider points to another machine."""


def only(issuer: str) -> type[OAuth2Session]:
    """A kind of session that asks the issuer's own address alone. An :class:`OSError` (:class:`ElsewhereError`) for any other."""
    allowed = _origin(issuer)

    class Only(OAuth2Session):
        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            if _origin(url) != allowed:
                raise ElsewhereError("the OpenID provider names an address that is not its own")
            answer = super().request(method, url, *args, **{**kwargs, "allow_redirects": False})
            if answer.is_redirect:
                raise ElsewhereError("the OpenID provider sends to another address")
            return answer

    return Only


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        found = urlsplit(url)
        return found.scheme, found.hostname, found.port or {"https": 443, "http": 80}.get(found.scheme)
    except ValueError:
        return "", None, None
