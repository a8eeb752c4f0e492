"""The hub's own keys: ``exchange keys …``."""

from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.commands.shared import config_path, hub_of, require_new, say, write_new
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.keyring import OWN, USES
from exchange.keystores import roots_of
from exchange.register import hub_keys
from exchange.settings import read_settings
from exchange.submissions.tables import SubmissionRow
from keys.encoding import canonical
from keys.keystore import SealedFileKeystore


@click.group()
def keys() -> None:
    """The hub's own keys: list, rotate, destroy; and the root they are all sealed under."""


def _kept(session: Session) -> set[str]:
    """Digests of the versions under which something is still to be certified, whatever became of it: with the keys that they name."""
    waiting = select(SubmissionRow.agreement).where(SubmissionRow.certificate.is_(None)).distinct()
    return set(session.execute(waiting).scalars())


@keys.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every live signing key of the hub, and the versions that name it."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        found = hub_keys.inventory(session, hub.keyring, _kept(session))
    lines = [f"{one.use:10} {one.fingerprint}  {', '.join(one.named_by) or 'named by no version'}" for one in found]
    say(context, {"keys": [vars(one) | {"named_by": list(one.named_by)} for one in found]}, *lines)


@keys.command()
@click.argument("use", type=click.Choice([*USES, *OWN]))
@click.option("--reason", default="routine", show_default=True, help="why, for the log")
@click.option("--card", "card_file", type=click.Path(path_type=Path), help="where to write the new key's card (default: beside the others)")
@click.pass_context
def rotate(context: click.Context, use: str, reason: str, card_file: Path | None) -> None:
    """Make the next key for USE. A signing key stands beside the old one until agreements name it; the others are replaced at once."""
    hub = hub_of(context)
    if card_file is not None:  # a key whose card cannot be written would be one more that nobody can name
        require_new(card_file)
    with writing(hub.engine) as session:
        if use in OWN:
            hub_keys.renew(session, hub.keyring.store, use, hub_keys.owner(session, hub.keyring), reason, hub.clock())
            say(context, {"renewed": use}, f"The key for {use} is another; what the old one vouched for counts no more.")
            return
        card = hub_keys.make(session, hub.keyring, use, hub.clock())
    place = card_file or config_path(context.obj["config"]).parent / "cards" / f"{card.owner}-{use}-{card.fingerprint[8:16]}.card.json"
    write_new(place, canonical(card.document()).decode() + "\n")
    say(
        context,
        {"use": use, "fingerprint": card.fingerprint, "card": str(place)},
        f"The new {use} key: {card.fingerprint}",
        f"Its card is {place}. Name it in the next version of every agreement; until then the old one signs.",
        "When no version names the old one any more: exchange keys destroy FINGERPRINT",
    )


@keys.command()
@click.argument("fingerprint")
@click.option("--reason", default="replaced", show_default=True, help="why, for the log")
@click.pass_context
def destroy(context: click.Context, fingerprint: str, reason: str) -> None:
    """Destroy a signing key of the hub that nothing names any more."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        gone = hub_keys.destroy(session, hub.keyring, fingerprint, _kept(session), reason, hub.clock())
    say(context, {"destroyed": fingerprint, "use": gone.use}, f"The {gone.use} key {fingerprint} is destroyed.")


@keys.command()
@click.option(
    "--settings", "other", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="settings that name another provider of roots"
)
@click.pass_context
def reseal(context: click.Context, other: Path | None) -> None:
    """Seal the keystore under a fresh root key, of another provider or credential if --settings names one. Stop the hub first."""
    hub = hub_of(context)
    later = hub.settings if other is None else read_settings(other)
    if later.keystore != hub.settings.keystore:
        raise Misconfigured("the other settings name another keystore.", remedy="Only what wraps the root keys may differ.")
    store = hub.keyring.store
    if not isinstance(store, SealedFileKeystore):
        raise Misconfigured("this keystore has no root of its own.")
    store.reseal(roots_of(later))
    lines = ["The keystore is sealed under a fresh root; every older one is erased. Copy the keystore again."]
    if other is not None:
        lines.append(f"Start the hub with the settings of {other} from now on.")
    say(context, {"resealed": later.root_provider}, *lines)
