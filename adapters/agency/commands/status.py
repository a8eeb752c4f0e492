"""``exchange-agency status``: what waits here, what the hub holds in our name, and under which agreements."""

from collections.abc import Mapping
from typing import Any

import click

from adapters.agency.agreements_store import Verified
from adapters.agency.commands.common import Context, common
from adapters.agency.problems import plain
from adapters.agency.run import Run
from adapters.agency.spool import waiting
from adapters.errors import IntegrityFailed

_MEMBERS = ("submission", "reference", "dataset", "period", "state", "rows", "received", "dispose_on")


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing of the hub.")
@click.option("--full", is_flag=True, help="Every submission, not only what is live.")
@common
def status(context: Context, offline: bool, full: bool) -> None:  # noqa: FBT001
    """Say what waits here, what the hub holds in our name, and under which agreements"""
    agency, console = context.agency(), context.console
    spooled = waiting(agency.settings.spool)
    checkpoint = agency.witness.last()
    if offline:
        verified, held = agency.store.all(), None
    else:
        run = Run(agency, agency.client())
        verified = run.verified()
        held = [] if agency.settings.recipient else _submissions(run)
    for one in verified:
        console.line(_agreement(one))
    for upload in spooled:
        console.line(f"Waiting here: {upload} (push --resume sends it)")
    known = agency.receipts.known()
    for row in held or []:
        if full or row["state"] not in ("superseded", "refused", "disposed"):
            console.line(_submission(row, known=row["submission"] in known))
    if checkpoint:
        console.line(f"Log {checkpoint.origin}: {checkpoint.size:,} entries when last witnessed")
    if not (verified or spooled or held):
        console.line("Nothing yet.")
    console.result(
        agreements=[{"reference": one.agreement.reference, "version": one.agreement.version, "state": one.state} for one in verified],
        waiting=[upload.plan.document() for upload in spooled],
        submissions=None if held is None else [{**row, "receipt_here": row["submission"] in known} for row in held],
        log={"origin": checkpoint.origin, "size": checkpoint.size} if checkpoint else None,
    )


def _submissions(run: Run) -> list[dict[str, Any]]:
    found = run.client.get("/v1/submissions", "listing our submissions").get("submissions")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IntegrityFailed("The hub's list of submissions is not a list.")
    return [{name: _cell(one.get(name)) for name in _MEMBERS} for one in found]


def _cell(value: Any) -> str | int:
    return value if isinstance(value, int) else plain(value)


def _agreement(one: Verified) -> str:
    agreement = one.agreement
    said = str(one.standing.state)
    return f"{agreement.reference} version {agreement.version}: {plain(said)}, verified; until {agreement.expires}. {agreement.title}"


def _submission(one: Mapping[str, Any], *, known: bool) -> str:
    alarm = "" if known or one["state"] in ("open", "complete") else "  NO RECEIPT HERE: if this folder did not send it, who did?"
    return (
        f"{one['reference']} {one['dataset']} {one['period']}: {one['state']}, {one['rows']:,} rows, "
        f"submission {one['submission']}, to be destroyed on {one['dispose_on'] or '-'}{alarm}"
    )
