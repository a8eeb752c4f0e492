"""From the hub's problem documents (RFC 9457) to this room's errors: one table, by code and status."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.errors import AdapterError, AgreementRefused, AuthenticationFailed, NetworkFailed, PeriodClosed, ServerRefused

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504, 507})
_AGREEMENT_CODES = frozenset({"refused-by-agreement", "unknown-agreement"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_MOST = 500


def plain(value: Any) -> str:
    """Text of the hub as it may be shown on a terminal: one line, no control or direction characters, not endless."""
    return _UNPRINTABLE.sub(" ", value)[:_MOST] if isinstance(value, str) else ""


def as_error(status: int, problem: Any, doing: str) -> AdapterError:
    """What a refusal means to us.

    Args:
        problem: the parsed body, or anything else where there was none.
        doing: what was being done, to complete “The hub … while …”.
    """
    found: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    code = plain(found.get("code"))
    what = f"The hub refused while {doing}: {plain(found.get('detail')) or plain(found.get('title')) or f'HTTP status {status}'}"
    clause = plain(found.get("clause"))
    why = f"{clause}." if clause else (f"Code {code}." if code else "")
    remedy = plain(found.get("remedy"))
    if status == 401:
        return AuthenticationFailed(what, why=_with_code(why, code), remedy=remedy or "Run exchange-agency doctor.")
    if code in _AGREEMENT_CODES or status == 403:
        return (PeriodClosed if code == "period-closed" else AgreementRefused)(what, why=why, remedy=remedy)
    if status in RETRY_STATUSES or status in (408, 413):
        return NetworkFailed(what, why=why, remedy=remedy or "Try again later: the next run resumes where this one stopped.")
    head = found.get("head")
    return ServerRefused(what, why=_with_code(why, code), remedy=remedy, code=code, head=head if isinstance(head, str) else None)


def _with_code(why: str, code: str) -> str:
    return why if not code or code in why else f"{why} Code {code}.".strip()
