"""One version of an agreement with what was said about it: what the exports are made from."""

from dataclasses import dataclass, replace
from datetime import datetime

from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.signing import Statement, check_statement
from exchange.register.agreements import parsed, verify_statement
from exchange.register.tables import AgreementRow
from keys.statements import road

# What a draft says binds nobody, and a proposal is not agreed yet: neither is anybody else's business.
AGREED = frozenset({State.IN_FORCE, State.SUSPENDED, State.EXPIRED, State.TERMINATED})


@dataclass(frozen=True)
class Stated:
    """A statement that holds: what was said, the fingerprint that signed it, and by which road."""

    said: Statement
    key: str
    road: str


@dataclass(frozen=True)
class Version:
    """A version, where it stands, and what was said about it, in the order in which it came.

    Attributes:
        in_force_at: when it came into force; None if it never did.
        replaced_at: when a newer version took its place; None while none has.
        suspended: datasets that are suspended by themselves.
    """

    agreement: Agreement
    state: State
    statements: tuple[Stated, ...] = ()
    in_force_at: datetime | None = None
    replaced_at: datetime | None = None
    suspended: tuple[str, ...] = ()


def version_of(row: AgreementRow) -> Version:
    """The version of a row of the register, without what was said about it."""
    suspended = tuple(sorted({one.dataset for one in row.suspensions if one.dataset}))
    return Version(parsed(row.canonical), State(row.state), (), row.in_force_at, row.replaced_at, suspended)


def signed_version_of(row: AgreementRow) -> Version:
    """As :func:`version_of`, with every statement verified again; one that does not hold raises, and nothing is exported."""
    bare = version_of(row)
    statements = tuple(
        Stated(check_statement(bare.agreement, one.signed, verify_statement), str(one.signed["key"]), road(one.signed))
        for one in row.statements
    )
    return replace(bare, statements=statements)
