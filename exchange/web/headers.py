"""What every answer tells the browser it may do: nothing, but for pages what they need and no more."""

from flask import Response

from exchange.web.door import nonce

MACHINES = "default-src 'none'; frame-ancestors 'none'"
PEOPLE = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PERMISSIONS = ", ".join(
    (
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
        *(f"{name}=()" for name in ("camera", "clipboard-read", "display-capture", "geolocation", "microphone", "payment", "usb")),
    )
)
A_YEAR = 31_536_000
MARK = "Exchange-Sandbox"
SAYING = "A sandbox: every organisation and every row is invented"


def guard_headers(response: Response, *, secure: bool, sandbox: bool = False) -> Response:
    """Put the headers on an answer.

    ``secure``: the hub is reached by https, and browsers are to keep to that. ``sandbox``: every answer says so, to machines as to people.
    """
    is_page = response.mimetype == "text/html"
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = PEOPLE.format(nonce=nonce()) if is_page else MACHINES
    # Within the hub a browser may say where it comes from; forms are checked by it. To others it says nothing.
    response.headers["Referrer-Policy"] = "same-origin" if is_page else "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if is_page:
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")  # what is public says so itself
    if sandbox:
        response.headers[MARK] = SAYING
    if secure:
        response.headers["Strict-Transport-Security"] = f"max-age={A_YEAR}; includeSubDomains"
    return response
