"""Targets of the board: entered by a named person, dated, never changed, only followed by another. No figure of ours makes one."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import Unacceptable
from exchange.framework.comparing import Target
from exchange.framework.measures import Direction, Measure
from exchange.framework.tables import TargetRow
from exchange.log.record import Event, Operation, append, moment
from exchange.people import people
from exchange.people.people import Post, person_of, reasoned
from exchange.people.tables import PersonRow
from exchange.times import Clock

MAY = frozenset({Post.OPERATOR, Post.ANALYST})
"""As what somebody enters what the board has decided, or what a ministry has published."""

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_DECIDED = "Say in one line when and where the board decided it, such as “board of 12 March 2026, item 4”."


@dataclass(frozen=True)
class Wanted:
    """A target as it is asked for. ``value`` and ``by`` are both there, or neither: then there is no target any more."""

    figure: str
    value: str | None
    by: date | None
    direction: Direction | None
    decided: str


def entitled(session: Session, person: str) -> PersonRow:
    """The person, if they may enter targets and baselines.

    Raises:
        NotFound, Unacceptable.
    """
    row = people.find(session, person)
    if row.ended_at is not None or not person_of(row).holds(*MAY):
        raise Unacceptable("only an operator or an analyst may enter this.", remedy="Name a person who holds one of these roles.")
    return row


def place(session: Session, measure: Measure, wanted: Wanted, person: str, clock: Clock) -> TargetRow:
    """Enter a target, and write it in the log.

    Raises:
        NotFound: there is no such person. Unacceptable: the person may not, or the target is none.
    """
    owner = entitled(session, person)
    figure = measure.figure(wanted.figure) if wanted.figure else measure.headline
    if figure is None:
        raise Unacceptable(f"{measure.id} has no such figure.", remedy=f"It has: {', '.join(one.name for one in measure.figures)}.")
    direction = wanted.direction or measure.direction
    if (wanted.value is None) != (wanted.by is None):
        raise Unacceptable("a target is a value and a day.", remedy="Give both --value and --by, or --none to end the target there is.")
    if wanted.value is not None and not _NUMBER.fullmatch(wanted.value):
        raise Unacceptable("a target's value is a plain number in the figure's own unit.", remedy="Write it like 70 or 70.5.")
    if wanted.value is not None and direction is Direction.NONE:
        raise Unacceptable(
            "this measure says no direction.", remedy="Say with --direction whether the figure is to be up or down to the target."
        )
    decided = reasoned(wanted.decided, _DECIDED)
    now = moment(session, clock)
    row = TargetRow(
        id=f"tgt-{secrets.token_hex(8)}",
        measure=measure.id,
        figure=figure.name,
        value=wanted.value,
        by=wanted.by,
        direction=direction.value,
        decided=decided,
        person=owner.id,
        set_at=now,
    )
    session.add(row)
    session.flush()
    what = "target set" if wanted.value is not None else "target ended"
    told = {"measure": measure.id, "figure": figure.name, "value": wanted.value, "by": wanted.by.isoformat() if wanted.by else None}
    append(session, Event(Operation.ALTERATION, owner.id, owner.party, measure.agreement, what, row.id, details=told), now)
    return row


def history(session: Session) -> list[tuple[TargetRow, str]]:
    """Every target ever entered, oldest first, with the name of who entered it."""
    query = select(TargetRow, PersonRow.name).join(PersonRow, PersonRow.id == TargetRow.person).order_by(TargetRow.set_at, TargetRow.id)
    return [(row, name) for row, name in session.execute(query).all()]


def standing(session: Session) -> Mapping[tuple[str, str], Target]:
    """The targets that count now, by measure and figure."""
    newest = {(row.measure, row.figure): (row, name) for row, name in history(session)}
    return {place: found for place, (row, name) in newest.items() if (found := _target(row, name, row.set_at)) is not None}


def _target(row: TargetRow, name: str, at: datetime) -> Target | None:
    if row.value is None or row.by is None:
        return None
    return Target(Fraction(row.value), row.by, Direction(row.direction), row.decided, name, at.date())
