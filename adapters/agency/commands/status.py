"""``exchange-agency status``: what waits here, what the hub holds in our name, and under which agreements."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from adapters.agency.agreements_store import Verified
from adapters.agency.commands.common import Context, common
from adapters.agency.contract import utc_now
from adapters.agency.problems import plain
from adapters.agency.run import Run, submissions
from adapters.agency.spool import waiting
from adapters.agency.watched import cosigned, destruction, document

_MEMBERS = ("submission", "reference", "dataset", "period", "state", "rows", "received", "dispose_on", "after", "superseded_by", "repeats")


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing of the hub.")
@click.option("--full", is_flag=True, help="Every submission, not only what is live.")
@click.option("--certificates", "handed", type=click.Path(path_type=Path), help="Copy every certificate of destruction into this folder.")
@common
def status(context: Context, offline: bool, full: bool, handed: Path | None) -> None:  # noqa: FBT001
    """Say what waits here, what the hub holds in our name, and under which agreements"""
    agency, console = context.agency(), context.console
    spooled = waiting(agency.settings.spool)
    checkpoint, destroyed = agency.witness.last(), []
    if offline:
        verified, held = agency.store.all(), None
    else:
        run = Run(agency, agency.client())
        verified = run.verified()
        listed = [] if agency.settings.recipient else submissions(run.client)
        held = [{name: _cell(one.get(name)) for name in _MEMBERS} for one in listed]
        destroyed = run.destroyed(listed)
    for one in verified:
        console.line(_agreement(one))
    for upload in spooled:
        console.line(f"Waiting here: {upload} (push --resume sends it)")
    known = agency.receipts.known()
    for row in held or []:
        if full or row["state"] not in ("superseded", "refused", "repeated", "disposed"):
            console.line(_submission(row, known=_receipted(row) in known))
    if handed is not None:
        agency.certificates.copy(handed)
    for certificate in destroyed:
        console.line(destruction(certificate))
    seen, warnings = agency.witnesses.standing(verified, int(utc_now().timestamp())) if checkpoint else ([], [])
    if checkpoint:
        console.line(f"Log {checkpoint.origin}: {checkpoint.size:,} entries when last witnessed")
    for line in (*map(cosigned, seen), *warnings):
        console.line(line)
    if not (verified or spooled or held):
        console.line("Nothing yet.")
    console.result(
        agreements=[{"reference": one.agreement.reference, "version": one.agreement.version, "state": one.state} for one in verified],
        waiting=[upload.plan.document() for upload in spooled],
        submissions=None if held is None else [{**row, "receipt_here": _receipted(row) in known} for row in held],
        log={"origin": checkpoint.origin, "size": checkpoint.size} if checkpoint else None,
        witnesses=[document(one) for one in seen],
        warnings=warnings,
        certificates=sorted(agency.certificates.known()),
    )


def _cell(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, int) else plain(value)


def _receipted(row: Mapping[str, Any]) -> str:
    """The submission under which its receipt is kept: of one that repeats another, that one."""
    return str(row["repeats"] or row["submission"])


def _agreement(one: Verified) -> str:
    agreement = one.agreement
    said = str(one.standing.state)
    return f"{agreement.reference} version {agreement.version}: {plain(said)}, verified; until {agreement.expires}. {agreement.title}"


def _submission(one: Mapping[str, Any], *, known: bool) -> str:
    alarm = "" if known or one["state"] in ("open", "complete") else "  NO RECEIPT HERE: if this folder did not send it, who did?"
    return (
        f"{one['reference']} {one['dataset']} {one['period']}: {one['state']}, {one['rows']:,} rows, "
        f"submission {one['submission']}, to be destroyed on {one['dispose_on'] or '-'}{_line(one)}{alarm}"
    )


def _line(one: Mapping[str, Any]) -> str:
    """Where it stands in the line of its period."""
    said = (("after", "follows"), ("superseded_by", "superseded by"), ("repeats", "repeats"))
    return "".join(f"; {words} {one[name]}" for name, words in said if one[name])
