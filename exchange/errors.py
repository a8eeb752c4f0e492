"""The one root of everything the hub raises on purpose, sorted by what the caller must do."""

from collections.abc import Mapping
from typing import Any

from agreements.decisions import Refused


class ExchangeError(Exception):
    """Root. ``status`` and ``code`` are what the problem document says, ``clause`` the agreement's words behind it, ``remedy`` what to do."""

    status = 500
    code = "internal-error"
    title = "Something went wrong"

    def __init__(self, detail: str, *, remedy: str = "", code: str = "", clause: str = "", extra: Mapping[str, Any] | None = None) -> None:
        self.detail = detail
        self.remedy = remedy
        self.code = code or type(self).code
        self.extra = {**({"clause": clause} if clause else {}), **(extra or {})}
        super().__init__(detail if not remedy else f"{detail} {remedy}")


class Unauthenticated(ExchangeError):
    """Who is calling is not known."""

    status, code, title = 401, "invalid-client", "Not authenticated"


class Forbidden(ExchangeError):
    """Known, and not allowed to do this at all."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(ExchangeError):
    """There is no such thing, or none that the caller may know of: the answer is the same."""

    status, code, title = 404, "not-found", "Not found"


class Conflict(ExchangeError):
    """What is asked does not fit what is already there."""

    status, code, title = 409, "conflict", "Conflict"


class Gone(ExchangeError):
    """It was there, and is not any more."""

    status, code, title = 410, "gone", "Gone"


class NoSuchForm(ExchangeError):
    """It is there, but in no form that the request accepts (RFC 9110 section 15.5.7)."""

    status, code, title = 406, "no-such-form", "Not in such a form"


class BadQuestion(ExchangeError):
    """A question that is not written as questions are."""

    status, code, title = 400, "bad-question", "Question not understood"


class NotOffered(ExchangeError):
    """Rightly asked, and not offered here."""

    status, code, title = 501, "not-offered", "Not offered"


class Unacceptable(ExchangeError):
    """What was sent is not as it must be: sending it again will not help."""

    status, code, title = 422, "not-acceptable", "Cannot be accepted"


class TooLarge(ExchangeError):
    """Over a limit."""

    status, code, title = 413, "too-large", "Too large"


class TooMany(ExchangeError):
    """Tried too often; later it may succeed. ``seconds``: how much later."""

    status, code, title = 429, "too-many-attempts", "Too many attempts"
    seconds = 300


class WrongMedia(ExchangeError):
    """A body of another type, or packed in a way that is not taken."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class AddressTooLong(ExchangeError):
    """More address and question than any of ours needs."""

    status, code, title = 414, "address-too-long", "Address too long"


class HeadersTooLarge(ExchangeError):
    """More headers than any request needs."""

    status, code, title = 431, "headers-too-large", "Headers too large"


class WrongHost(ExchangeError):
    """Asked by a name that is not the hub's (RFC 9110 section 15.5.20)."""

    status, code, title = 421, "wrong-host", "Not this hub's name"


class LengthRequired(ExchangeError):
    """A body without a length or a digest does not count."""

    status, code, title = 411, "length-required", "Length and digest required"


class Unavailable(ExchangeError):
    """Not now; the same request may succeed later."""

    status, code, title = 503, "unavailable", "Not available now"


class NoRoom(Unavailable):
    """There is no room for it now (RFC 4918 section 11.5); the same request may succeed later."""

    status, code, title = 507, "storage-full", "No room now"


class Misconfigured(ExchangeError):
    """The hub cannot start, or a command cannot run, as it is set up."""

    code, title = "misconfigured", "Not set up"


class RefusedByAgreement(ExchangeError):
    """An agreement says no; the clause, the reason and the remedy are the agreement's own."""

    status, code, title = 403, "refused-by-agreement", "Refused by the agreement"

    def __init__(self, refused: Refused, *, code: str = "", extra: Mapping[str, Any] | None = None) -> None:
        self.refused = refused
        super().__init__(refused.reason, remedy=refused.remedy, code=code, clause=refused.clause, extra=extra)

    def __str__(self) -> str:
        return str(self.refused)


class UnknownAgreement(RefusedByAgreement):
    """To someone who is no party, an agreement is unknown."""

    status, code, title = 404, "unknown-agreement", "Unknown agreement"
