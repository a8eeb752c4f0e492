"""Partners' keys and people's keys: ``exchange partner …`` and ``exchange person …``."""

from pathlib import Path

import click
from sqlalchemy import select

from exchange.commands.shared import hub_of, read_text, say, slug, write_new
from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.register import partners
from exchange.register.tables import KeyRow
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat
from keys.formats import Card
from keys.keyfile import write_keyfile
from keys.sign import SigningKey

ROLES = ("dpo", "signatory", "checker", "client")


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


@click.group()
def person() -> None:
    """Key files of the people who advise, sign, check and receive."""


@person.command("new")
@click.option("--owner", required=True, help="party id (or recipient id)")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="folder for the key file and its card")
@click.pass_context
def new(context: click.Context, owner: str, role: str, folder: Path) -> None:
    """Make a key. The key file stays with the person; the card goes to the operator and into the agreement."""
    stem = f"{slug(owner)}-{role}"
    folder.mkdir(parents=True, exist_ok=True)
    made = write_keyfile(folder / f"{stem}.key.json", SigningKey.generate(), owner=owner, role=role)
    write_new(folder / f"{stem}.card.json", canonical(made.card().document()).decode() + "\n")
    say(
        context,
        {"fingerprint": made.fingerprint, "key": str(folder / f"{stem}.key.json")},
        f"{owner} {role}: {made.fingerprint}",
        f"Keep {stem}.key.json to yourself; hand out {stem}.card.json.",
    )


@person.command("fingerprint")
@click.argument("card", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def fingerprint(context: click.Context, card: str) -> None:
    """The fingerprint of the key on a CARD: what people compare by another channel."""
    read = read_card(card)
    say(context, {"owner": read.owner, "role": read.role, "fingerprint": read.fingerprint}, f"{read.owner} {read.role}: {read.fingerprint}")
