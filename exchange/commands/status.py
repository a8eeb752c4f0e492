"""``exchange status``: what is the matter, and how the hub stands. Exit code 0: nothing; 1: something needs the operator; 2: it cannot be told."""

from datetime import timedelta
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from agreements.rules import today
from exchange.commands import attendance
from exchange.commands.shared import config_path, hub_of, say
from exchange.commands.witnesses import witness_lines
from exchange.db import reading
from exchange.hub import Hub, now
from exchange.log.tables import HeadRow
from exchange.questions import due, leap
from exchange.register import reminders
from exchange.register.tables import AgreementRow
from exchange.releases.tables import EditionRow
from exchange.submissions import holds, sealing
from exchange.submissions.tables import SubmissionRow
from exchange.times import rfc3339
from exchange.watch.condition import Cause, Facts, Finding, Severity, findings, worst
from exchange.watch.facts import keyless, look
from keys.errors import KeystoreUnreadable

_UNKNOWN = frozenset({Cause.DATABASE, Cause.SCHEMA})
_SIGNS = {Severity.NOTE: "note", Severity.ATTENTION: "ATTENTION", Severity.STOPPED: "NOT SERVING"}


@click.command()
@click.option("--metrics", is_flag=True, help="only what is late and who is silent, as figures in Prometheus' text format")
@click.option("--json", "as_json", is_flag=True, help="results as JSON")
@click.pass_context
def status(context: click.Context, metrics: bool, as_json: bool) -> int:  # noqa: FBT001  # click passes flags so
    """What is the matter with the hub and what to do; agreements, submissions, editions, log, what is due, late or silent.

    Ends with 0 if nothing needs the operator, 1 if something does, 2 if it cannot be told.
    """
    context.obj["json"] = context.obj["json"] or as_json
    try:
        hub = hub_of(context, checked=False)
    except KeystoreUnreadable as error:
        return _tell(context, findings(Facts(now(), keystore=False, keyless=keyless(error))), {}, [])
    except SQLAlchemyError:
        return _tell(context, findings(Facts(now(), database=False)), {}, [])
    if metrics:
        with reading(hub.engine) as session:
            click.echo(attendance.metrics(session, hub.clock()), nl=False)
        return 0
    found = findings(look(hub))
    if any(one.cause in _UNKNOWN for one in found):
        return _tell(context, found, {}, [])
    return _tell(context, found, *_standing(context, hub))


def _tell(context: click.Context, found: list[Finding], standing: dict[str, Any], lines: list[str]) -> int:
    """What is the matter first, then how the hub stands."""
    told = [line for one in found for line in _lines(one)] or ["Nothing is the matter."]
    say(context, {"findings": [_document(one) for one in found], **standing}, *told, *lines)
    return 2 if any(one.cause in _UNKNOWN for one in found) else int(worst(found) >= Severity.ATTENTION)


def _lines(one: Finding) -> list[str]:
    since = f" Since {rfc3339(one.since)}." if one.since else ""
    return [f"{_SIGNS[one.severity]}: {one.words}{since}", f"  {one.remedy}", *(f"  - {about}" for about in one.about)]


def _document(one: Finding) -> dict[str, Any]:
    return {
        "cause": one.cause.value,
        "severity": one.severity.name.lower(),
        "words": one.words,
        "remedy": one.remedy,
        "since": rfc3339(one.since) if one.since else None,
        "about": list(one.about),
    }


def _standing(context: click.Context, hub: Hub) -> tuple[dict[str, Any], list[str]]:
    with reading(hub.engine) as session:
        counted = {
            kind: dict(session.execute(select(column, func.count()).group_by(column)).all())
            for kind, column in (("agreements", AgreementRow.state), ("submissions", SubmissionRow.state), ("editions", EditionRow.state))
        }
        entries = session.execute(select(HeadRow.size)).scalar_one()
        review = [found.words for found in reminders.outstanding(session, "", hub.clock())]
        expires = sealing.current(session).expires_at
        ending = _ending(session, hub)
        witnessed = witness_lines(session)
        attended = attendance.found(session, hub.clock())
    lines = [f"{kind}: " + (", ".join(f"{count} {state}" for state, count in states.items()) or "none") for kind, states in counted.items()]
    lines += [
        f"log: {entries:,} entries",
        f"sealing key: until {rfc3339(expires)}",
        f"settings: {config_path(context.obj['config'])}",
    ]
    lines += [f"cosigned: {one['party']}, {one['size']:,} entries, {one['cosigned']}" for one in witnessed]
    lines += [f"to be reviewed: {one}" for one in review]
    lines += attendance.lines(attended)
    lines += [f"retention: {ending['due']} due, {ending['late']} late, {ending['holds']} legal hold(s); see: exchange retention due"]
    lines += [f"NOTHING IS DESTROYED: {ending['clock']}; see: exchange retention confirm"] if ending["clock"] else []
    standing = {**counted, "log": entries, "witnesses": witnessed, "review": review, "attendance": attended, "retention": ending}
    return standing, lines


def _ending(session: Session, hub: Hub) -> dict[str, Any]:
    """What is to be destroyed today, what should have been before, what is held, and whether the clock is believed."""
    on = today(hub.clock())
    found = due.everything(session, on, on)
    ahead = leap.ahead(session, hub.clock(), timedelta(days=hub.settings.clock_leap_days))
    late = sum(one.late > 0 for one in found)
    return {"due": len(found), "late": late, "holds": len(holds.everything(session)), "clock": ahead.words if ahead else None}
