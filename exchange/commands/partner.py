"""Partners' public keys: ``exchange partner …``."""

from pathlib import Path

import click
from sqlalchemy import select

from exchange.commands.shared import hub_of, read_text, say
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.register import partners
from exchange.register.tables import KeyRow
from keys.encoding import parse_json
from keys.errors import BadFormat
from keys.formats import Card


def read_card(path: str) -> Card:
    """A public-key card from its file."""
    try:
        return Card.parse(parse_json(read_text(path).encode()))
    except BadFormat as error:
        raise Unacceptable(f"{Path(path).name} is not a key card: {error}.", remedy="Ask its owner for the card again.") from error


@click.group()
def partner() -> None:
    """Public keys of agencies, people and recipients."""


@partner.command("add")
@click.argument("cards", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def add(context: click.Context, cards: tuple[str, ...]) -> None:
    """Register the keys on CARDS. Compare each fingerprint with its owner by another channel."""
    hub, read = hub_of(context), [read_card(path) for path in cards]
    with writing(hub.engine) as session:
        for card in read:
            partners.register(session, card, hub.clock())
    found = [{"owner": card.owner, "role": card.role, "fingerprint": card.fingerprint} for card in read]
    say(context, {"registered": found}, *(f"{one['owner']:24} {one['role']:12} {one['fingerprint']}" for one in found))


@partner.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every registered key."""
    with reading(hub_of(context).engine) as session:
        rows = session.execute(select(KeyRow).order_by(KeyRow.owner, KeyRow.role)).scalars().all()
    found = [{"owner": row.owner, "role": row.role, "fingerprint": row.fingerprint, "revoked": row.revoked_at is not None} for row in rows]
    lines = [f"{row.owner:24} {row.role:12} {row.fingerprint}{'  REVOKED' if row.revoked_at else ''}" for row in rows]
    say(context, {"keys": found}, *lines)


@partner.command("revoke")
@click.argument("fingerprint")
@click.option("--reason", required=True, help="why, for the log")
@click.pass_context
def revoke(context: click.Context, fingerprint: str, reason: str) -> None:
    """Revoke a key: it counts for nothing from now on."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        row = partners.revoke(session, fingerprint, reason, hub.clock())
    say(context, {"revoked": fingerprint}, f"Revoked: {row.owner}'s {row.role} key.")
