"""``exchange retention …``: what is due and its destruction, legal holds, and the clock that decides both."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from agreements.rules import today
from exchange import schedule
from exchange.commands.shared import hub_of, say, write_new
from exchange.db import reading, writing
from exchange.hub import Hub
from exchange.questions import due as dues
from exchange.questions import leap
from exchange.settling import settle
from exchange.submissions import holds as legal
from exchange.submissions.holds import Hold, Over
from exchange.submissions.retention import due as waiting_for
from exchange.submissions.tables import SubmissionRow
from exchange.times import rfc3339

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def retention() -> None:
    """How long data are kept, their destruction, and legal holds."""


@retention.command()
@click.option("--by", type=_DAY, help="the day up to which to look, as 2027-03-31 (default: today)")
@click.option("--reference", help="only this agreement's")
@click.pass_context
def due(context: click.Context, by: datetime | None, reference: str | None) -> None:
    """What is to be destroyed by a day: submissions, drafts, reports, remains; with the holds and drafts it waits for."""
    hub = hub_of(context)
    on = today(hub.clock())
    with reading(hub.engine) as session:
        found = dues.everything(session, by.date() if by else on, on, reference)
        ahead = leap.ahead(session, hub.clock(), _limit(hub))
    lines = [_line(one) for one in found] or ["Nothing is due."]
    if ahead is not None:
        lines.append(f"Nothing is destroyed for now: {ahead.words}. If the clock is right: exchange retention confirm")
    say(context, {"due": [one.document() for one in found], "clock": ahead.words if ahead else None}, *lines)


def _line(one: dues.Due) -> str:
    said = [f"{one.kind} {one.id}  {one.what}: {one.state}, due {one.due}"]
    said += [f"under legal hold {one.hold} until {one.until}"] if one.hold else []
    said += [f"kept for {', '.join(one.waits_for)}"] if one.waits_for else []
    said += [f"LATE by {one.late} day{'' if one.late == 1 else 's'}"] if one.late else []
    return ", ".join(said)


@retention.command()
@click.option("--certificates", type=click.Path(path_type=Path), help="folder for the certificates of destruction")
@click.pass_context
def run(context: click.Context, certificates: Path | None) -> None:
    """Destroy what is due, now."""
    hub = hub_of(context)
    leap.require_believed(hub.engine, hub.clock, _limit(hub))
    with writing(hub.engine) as session:
        legal.end_past(session, hub.clock)
    settle(hub)
    with reading(hub.engine) as session:
        waiting = [row.id for row in waiting_for(session, today(hub.clock()))]
    try:
        schedule.dispose_due(hub)
    finally:
        destroyed = _certified(hub, waiting)
        for submission, signed in destroyed.items():
            if certificates is not None:
                write_new(certificates / f"{submission}.certificate.json", json.dumps(signed, indent=1) + "\n")
    settle(hub)  # drafts that were made from what is gone now
    say(context, {"destroyed": list(destroyed)}, *([f"{one} destroyed" for one in destroyed] or ["Nothing is due."]))


def _certified(hub: Hub, submissions: list[str]) -> dict[str, Any]:
    with reading(hub.engine) as session:
        found = {one: session.get_one(SubmissionRow, one).certificate for one in submissions}
    return {one: certificate for one, certificate in found.items() if certificate is not None}


def _limit(hub: Hub) -> timedelta:
    return timedelta(days=hub.settings.clock_leap_days)


@retention.command()
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_context
def confirm(context: click.Context, yes: bool) -> None:  # noqa: FBT001  # click passes flags so
    """Say that the machine's clock is right, after a leap that makes things due. What is due is destroyed from then on."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        found = leap.ahead(session, hub.clock(), timedelta(0))
    if found is not None and not yes:
        click.confirm(f"{found.words}. Is the clock right?", abort=True, err=True)
    with writing(hub.engine) as session:
        leap.confirm(session, hub.clock)
    say(context, {"confirmed": rfc3339(hub.clock())}, "The clock is taken to be right.")


# ------------------------------------------------------------------------------------------------------------ legal holds


@retention.command()
@click.argument("what", nargs=-1, required=True, metavar="SUBMISSION | REFERENCE DATASET")
@click.option("--supplier", default="", help="of a series: only this supplier's")
@click.option("--period", default="", help="of a series: only this period, as the submissions write it")
@click.option("--reason", required=True, help="why it must be kept; name no person of whom there are data")
@click.option("--person", required=True, help="who orders it: a key's fingerprint that the agreement names, or an account's id")
@click.option("--until", required=True, type=_DAY, help="the last day of the hold, as 2027-03-31")
@click.pass_context
def hold(context: click.Context, what: tuple[str, ...], *, supplier: str, period: str, reason: str, person: str, until: datetime) -> None:
    """Place a legal hold on a submission, or on an agreement's dataset and all that arrives in it: kept, and read by nobody, until it ends."""
    if len(what) > 2 or (len(what) == 1 and (supplier or period)):
        raise click.UsageError("Name one submission, or an agreement's reference and one of its datasets.")
    over = Over("", "", submission=what[0]) if len(what) == 1 else Over(what[0], what[1], supplier, period)
    hub = hub_of(context)
    with writing(hub.engine) as session:
        placed = legal.place(session, over, reason=reason, person=person, until=until.date(), clock=hub.clock)
    done = settle(hub, placed.over.reference)  # drafts that were made of it
    say(context, {"hold": document(placed), "done": done}, f"{placed.id}: {placed.over.words} is held until {placed.until}.", *done)


@retention.command()
@click.argument("hold_id", metavar="HOLD")
@click.option("--person", required=True, help="who orders it: a key's fingerprint that the agreement names, or an account's id")
@click.pass_context
def lift(context: click.Context, hold_id: str, person: str) -> None:
    """End a hold before its day. What was due meanwhile is destroyed at the next run."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        found = legal.lift(session, hold_id, person, hub.clock)
    ended = rfc3339(found.ended_at) if found.ended_at else ""
    say(context, {"hold": document(found)}, f"{found.id}: {found.over.words} is held no longer since {ended}.")


@retention.command("holds")
@click.option("--reference", help="only this agreement's")
@click.option("--ended", is_flag=True, help="those that have ended too")
@click.pass_context
def holds_(context: click.Context, reference: str | None, ended: bool) -> None:  # noqa: FBT001  # click passes flags so
    """Legal holds: on what, why, by whom, until when."""
    with reading(hub_of(context).engine) as session:
        found = legal.everything(session, reference, ended=ended)
    lines = [
        f"{one.id}  {one.over.words} until {one.until}{'' if one.ended_at is None else ', ended ' + rfc3339(one.ended_at)}: {one.reason} "
        f"({one.person})"
        for one in found
    ]
    say(context, {"holds": [document(one) for one in found]}, *(lines or ["Nothing is under a legal hold."]))


def document(found: Hold) -> dict[str, Any]:
    """A hold as JSON."""
    over = {
        "reference": found.over.reference,
        "dataset": found.over.dataset,
        "supplier": found.over.supplier,
        "period": found.over.period,
        "submission": found.over.submission,
    }
    return {
        "id": found.id,
        "over": over,
        "reason": found.reason,
        "person": found.person,
        "until": found.until.isoformat(),
        "placed": rfc3339(found.placed_at),
        "ended": rfc3339(found.ended_at) if found.ended_at else None,
        "lifted_by": found.lifted_by,
    }
