"""``exchange init``: a new hub in a folder, or an existing one brought to this version.

The settings have the name ``hub.toml.new`` until keystore and folders stand (what fails before is undone), ``hub.toml.unfinished`` until the
database does (what fails before is gone on with when the command runs again), and their own then: no other command takes half a hub for one.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from exchange import places
from exchange.commands.backup import stopped
from exchange.commands.shared import say, write_new
from exchange.db import writing
from exchange.errors import ExchangeError, Misconfigured
from exchange.hub import Hub, open_hub
from exchange.keyring import USES, make_keys
from exchange.keystores import make_keystore
from exchange.log import record
from exchange.migrate import back, upgrade
from exchange.register.partners import register
from exchange.restore.putting_back import require_no_database
from exchange.settings import Settings, read_settings
from exchange.submissions import sealing
from keys.encoding import b64, canonical
from keys.errors import KeyExists, KeystoreUnreadable
from keys.formats import Card

_SETTINGS = """\
# Settings of the hub. Every name is explained in exchange/settings.py; paths are relative to this file.
public_url = "{url}"
origin = "{origin}"
database_url = "{database}"
objects = "objects"
staging = "staging"
keystore = "keystore"
roots = "roots"
credential = "credential"
codes = "{codes}"
bind = "{bind}"
"""
_PROVIDER = {
    "file": "See that the credential is a file of at least 32 bytes that the hub alone reads.",
    "transit": "See that the key service runs and is unsealed, and that the token has the policy config/transit.hcl for this root_prefix.",
    "pkcs11": "See that the module, the token's label and its PIN are what the settings say.",
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--public-url", default="http://localhost:8080", show_default=True, help="the address of the hub; passkeys need a name")
@click.option("--origin", default="lcjp-exchange/log", show_default=True, help="the log's name; it never changes")
@click.option("--operator", default="lcjp-operator", show_default=True, help="the operator's party id")
@click.option("--database-url", "database", default="", help="an empty PostgreSQL database (default: a file in FOLDER)")
@click.option(
    "--settings", "further", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="further settings, copied into hub.toml"
)
@click.option("--upgrade", "only_upgrade", is_flag=True, help="only bring an existing hub's database and keystore to this version")
@click.option("--back-to", "revision", default="", metavar="SCHEMA", help="only take an existing hub's database back to an older release's")
@click.pass_context
def init(
    context: click.Context,
    /,
    folder: Path,
    *,
    public_url: str,
    origin: str,
    operator: str,
    database: str,
    further: Path | None,
    **instead: Any,
) -> None:
    """Set up a new hub in FOLDER: settings, keystore, keys, database, log."""
    folder = folder.resolve()
    config = folder / "hub.toml"
    if instead["only_upgrade"] or instead["revision"]:
        _move(context, config, instead["revision"])
        return
    if config.exists():
        raise Misconfigured(f"{folder.name} holds a hub already.", remedy="Name another folder, or use --upgrade.")
    if not (unfinished := folder / "hub.toml.unfinished").exists():
        bind = public_url.split("://", 1)[-1].split("/", 1)[0]
        bind = bind if ":" in bind else "127.0.0.1:8080"
        database = database or f"sqlite:///{folder}/hub.sqlite"
        codes = Path(__file__).parents[2] / "config" / "codes"
        text = _SETTINGS.format(url=public_url, origin=origin, database=database, codes=codes, bind=bind)
        _lay_out(folder, _with(text, further.read_text(encoding="utf-8") if further else ""), unfinished)
    with _to_be_gone_on_with():
        hub = open_hub(read_settings(unfinished))
        context.call_on_close(hub.engine.dispose)
        _begin(hub, operator, folder / "cards")
        unfinished.rename(config)
    say(
        context,
        {"settings": str(config), "cards": str(folder / "cards")},
        f"A hub is set up in {folder}.",
        f"Its public keys are on the cards in {folder / 'cards'}: agreements name them.",
        f"Next: exchange --config {config} partner add CARD…   then: exchange --config {config} serve",
    )


def _move(context: click.Context, config: Path, revision: str) -> None:
    """Bring an existing hub's database to this version, or back to an older one's schema."""
    existing = open_hub(read_settings(config))
    context.call_on_close(existing.engine.dispose)
    if revision:
        with stopped(existing):
            back(existing.engine, revision)
        say(context, {"schema": revision}, f"The database is at schema {revision}. Next: start the release that needs it.")
        return
    make_keys(existing.keyring.store)
    upgrade(existing.engine)
    say(context, {"upgraded": str(config)}, "The database is at this version.")


def _with(text: str, further: str) -> str:
    """The settings with further ones, which stand in the place of those of the same name: a place may be in a bucket."""
    given = {line.partition("=")[0].strip() for line in further.splitlines()}
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in given]
    return "\n".join([*kept, further])


@contextmanager
def _to_be_gone_on_with() -> Iterator[None]:
    """Say of what fails or is broken off in here that nothing need be undone."""
    try:
        yield
    except BaseException:
        click.echo("The hub is not finished. Mend what is named, then run the same command again: it goes on from here.", err=True)
        raise


def _lay_out(folder: Path, text: str, done: Path) -> None:
    """The folder, the settings, the credential and an empty keystore; nothing of these stays where one of the places named is not fit."""
    config = folder / "hub.toml.new"
    with ExitStack() as undone:
        _make_folder(folder, undone, 0o777)
        config.write_text(text, encoding="utf-8")
        undone.callback(config.unlink)
        settings = read_settings(config)
        for place in (settings.home, settings.objects, settings.staging, settings.keystore):
            if isinstance(place, Path):
                _make_folder(place, undone)
        if settings.root_provider == "file" and settings.credential == folder / "credential":
            with os.fdopen(os.open(settings.credential, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32) + "\n")
            undone.callback(settings.credential.unlink)
        places.check(settings)
        places.require_new(settings)
        require_no_database(settings)
        _make_keystore(settings)
        config.rename(done)
        undone.pop_all()


def _make_folder(folder: Path, undone: ExitStack, mode: int = 0o700) -> None:
    """A folder, if it is not there; with what is above it taken away again if it stays empty."""
    for made in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        made.mkdir(mode=mode if made == folder else 0o777, exist_ok=True)
        undone.callback(partial(_remove_empty, made))


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _make_keystore(settings: Settings) -> None:
    try:
        make_keystore(settings)
    except KeyExists as error:
        remedy = "They may belong to a hub that was lost. Give this one a keystore, and roots, of its own."
        raise Misconfigured(f"{error}.", remedy=remedy) from error
    except KeystoreUnreadable as error:
        if isinstance(error, ExchangeError):
            raise
        raise Misconfigured(f"{error}.", remedy=f"{_PROVIDER[settings.root_provider]} Then run it again: nothing was kept.") from error


def _begin(hub: Hub, operator: str, cards: Path) -> None:
    """The hub's keys and their cards, the database, the log; what of it is there already stays."""
    make_keys(hub.keyring.store)
    upgrade(hub.engine)
    with writing(hub.engine) as session:
        if new := not record.is_begun(session):
            record.begin(session, hub.settings.origin, hub.clock())
            session.flush()
        mine = [Card("ed25519", operator, use, b64(hub.keyring.signing(use).public.raw)) for use in USES]
        for card in mine:
            register(session, card, hub.clock())
        if new:
            sealing.rotate(session, hub.keyring, operator, hub.clock())
    for card in mine:
        _keep(cards / f"{operator}-{card.role}.card.json", canonical(card.document()).decode() + "\n")


def _keep(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_new(path, text)
