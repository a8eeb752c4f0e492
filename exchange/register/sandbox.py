"""What keeps an invented partnership and a real one apart, both ways: each hub refuses the other's organisations and agreements.

A hub is a sandbox by the origin of its log, which never changes in the log's life, so neither can become the other by a setting.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import Misconfigured, Unacceptable
from exchange.log.tables import HeadRow
from exchange.settings_checks import SANDBOX

PARTY, REFERENCE = "sandbox-", "SANDBOX-"


def is_one(session: Session) -> bool:
    """Whether the log of this hub is a sandbox's."""
    origin = session.execute(select(HeadRow.origin)).scalar_one_or_none()
    return origin is not None and origin.startswith(SANDBOX)


def require_owner(session: Session, owner: str) -> None:
    """Refuse a key whose owner belongs on the other side."""
    _require(is_one(session), [owner], PARTY, "key")


def require_agreement(session: Session, reference: str, organisations: Iterable[str]) -> None:
    """Refuse an agreement whose reference, or one of whose organisations (ids of parties and recipients), belongs on the other side."""
    here = is_one(session)
    _require(here, [reference], REFERENCE, "agreement")
    _require(here, organisations, PARTY, "agreement")


def require_origin(session: Session, origin: str) -> None:
    """Refuse a name for the log that goes on which would turn a real hub into a sandbox, or a sandbox into a real one."""
    if origin.startswith(SANDBOX) is not is_one(session):
        raise Unacceptable(
            "a log stays a sandbox's, or a real one's, when it goes on under another name.",
            remedy=f"The name of a sandbox's log begins with “{SANDBOX}”, and no other does.",
            code="sandbox",
        )


def _require(here: bool, names: Iterable[str], beginning: str, what: str) -> None:  # noqa: FBT001  # of which side, of two
    if all(name.startswith(beginning) is here for name in names):
        return
    if here:
        detail = f"this hub is a sandbox, and this {what} is not one of invented organisations."
        remedy = f"Here every name begins with “{beginning}”. Nothing of a real partnership belongs into a sandbox."
    else:
        detail, remedy = f"this {what} is a sandbox's.", f"A name that begins with “{beginning}” is taken by a sandbox alone."
    raise Unacceptable(detail, remedy=remedy, code="sandbox")


def require_same(session: Session, *, declared: bool) -> None:
    """Refuse to serve where the settings say another thing than the log. ``declared``: what the settings say."""
    if is_one(session) is not declared:
        raise Misconfigured(
            "the origin in the settings and that of the log are not both a sandbox's.", remedy="Write the log's origin into hub.toml."
        )
