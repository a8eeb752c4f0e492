"""``exchange linkage …``: pairs of records that a named person has linked as one person's, or kept apart. No pseudonym is shown, here or anywhere."""

from pathlib import Path
from typing import Any

import click

from exchange.commands.shared import hub_of, read_text, say
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.releases import overrides
from exchange.releases.overrides import Placed
from exchange.times import rfc3339
from keys.encoding import parse_json
from keys.errors import BadFormat

_PERSON = click.option("--person", required=True, help="who orders it: the fingerprint of a DPO's or signatory's key, or an account's id")
_REASON = click.option("--reason", required=True, help="how it is known, in a sentence; name no person of whom there are data")
_REQUEST = click.argument("request", type=click.Path(exists=True, dir_okay=False))


@click.group()
def linkage() -> None:
    """Overrides of how records are linked, from the next edition on. The supplier makes the request: exchange-agency linkage"""


@linkage.command()
@click.argument("reference")
@_REQUEST
@_PERSON
@_REASON
@click.pass_context
def join(context: click.Context, reference: str, request: str, *, person: str, reason: str) -> None:
    """Two pseudonyms are one person's: enter the supplier's signed REQUEST."""
    _place(context, reference, "join", request, person, reason)


@linkage.command()
@click.argument("reference")
@_REQUEST
@_PERSON
@_REASON
@click.pass_context
def split(context: click.Context, reference: str, request: str, *, person: str, reason: str) -> None:
    """Two pseudonyms are never one person's: enter the supplier's signed REQUEST."""
    _place(context, reference, "split", request, person, reason)


def _place(context: click.Context, reference: str, action: str, request: str, person: str, reason: str) -> None:
    hub = hub_of(context)
    try:
        signed = parse_json(read_text(request).encode())
    except BadFormat as error:
        raise Unacceptable(f"{Path(request).name} is no request: {error}.", remedy="Have the supplier make it again.") from error
    if not isinstance(signed, dict):
        raise Unacceptable(f"{Path(request).name} is no request.", remedy="Have the supplier make it again.")
    with writing(hub.engine) as session:
        placed = overrides.place(session, hub.keyring, reference, action, signed, person=person, reason=reason, clock=hub.clock)
    say(context, {"override": document(placed)}, f"{placed.id}: entered. It holds from the next edition on.")


@linkage.command("list")
@click.argument("reference")
@click.option("--lifted", is_flag=True, help="those that were lifted too")
@click.pass_context
def list_(context: click.Context, reference: str, lifted: bool) -> None:  # noqa: FBT001  # click passes flags so
    """Overrides that stand: of which kind, by whom and why, never of whom."""
    with reading(hub_of(context).engine) as session:
        found = overrides.everything(session, reference, lifted=lifted)
    say(context, {"overrides": [document(one) for one in found]}, *([_line(one) for one in found] or ["Nothing is overridden."]))


@linkage.command()
@click.argument("reference")
@click.argument("override")
@_PERSON
@click.pass_context
def lift(context: click.Context, reference: str, override: str, *, person: str) -> None:
    """End an override: later editions link as if it had never been."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        found = overrides.lift(session, reference, override, person, hub.clock)
    say(context, {"override": document(found)}, f"{found.id}: lifted since {rfc3339(found.lifted_at) if found.lifted_at else ''}.")


def _line(one: Placed) -> str:
    ended = f", lifted {rfc3339(one.lifted_at)}" if one.lifted_at else ""
    return f"{one.id}  {one.action} by {one.kind}, epoch {one.epoch}, asked by {one.supplier}, {rfc3339(one.placed_at)}{ended}: {one.reason} ({one.person})"


def document(one: Placed) -> dict[str, Any]:
    """An override for ``--json``."""
    return {
        "id": one.id,
        "reference": one.reference,
        "supplier": one.supplier,
        "action": one.action,
        "kind": one.kind,
        "epoch": one.epoch,
        "reason": one.reason,
        "person": one.person,
        "placed": rfc3339(one.placed_at),
        "lifted": rfc3339(one.lifted_at) if one.lifted_at else None,
        "lifted_by": one.lifted_by,
    }
