"""The command line's root, and the commands that are about the hub as a whole: init, serve, worker, status."""

import os
import secrets
import threading
from pathlib import Path

import click
from sqlalchemy import func, select

from exchange import schedule
from exchange.commands.agreement import agreement
from exchange.commands.drill import drill
from exchange.commands.explain import explain
from exchange.commands.exports import COMMANDS as EXPORTS
from exchange.commands.log import log
from exchange.commands.partner import partner
from exchange.commands.person import person
from exchange.commands.rehearse import COMMANDS as BEFORE_SIGNING
from exchange.commands.release import release
from exchange.commands.retention import retention
from exchange.commands.shared import config_path, hub_of, say, write_new
from exchange.db import reading, writing
from exchange.disclosure.commands import attack_command, protect_command
from exchange.errors import Misconfigured
from exchange.hub import open_hub
from exchange.keyring import USES, make_keys
from exchange.log import record
from exchange.log.tables import HeadRow
from exchange.logs import configure
from exchange.migrate import upgrade
from exchange.register import reminders
from exchange.register.partners import register
from exchange.register.tables import AgreementRow
from exchange.releases.contents import code_version
from exchange.releases.tables import EditionRow
from exchange.serve import serve as serve_hub
from exchange.serve import take
from exchange.settings import read_settings
from exchange.submissions import sealing
from exchange.submissions.tables import SubmissionRow
from exchange.times import rfc3339
from keys.encoding import b64, canonical
from keys.formats import Card
from keys.keystore import SealedFileKeystore
from keys.providers import CredentialFileRoots

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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="the hub's settings (default: EXCHANGE_CONFIG, else hub.toml here)")
@click.option("--json", "as_json", is_flag=True, help="results as JSON")
@click.version_option(code_version(), prog_name="exchange")
@click.pass_context
def cli(context: click.Context, config: str | None, as_json: bool) -> None:  # noqa: FBT001  # click passes flags so
    """The information-sharing hub: nothing moves unless an agreement, signed by every party, says so."""
    context.obj = {"config": config, "json": as_json}


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--public-url", default="http://localhost:8080", show_default=True, help="the address of the hub; passkeys need a name")
@click.option("--origin", default="lcjp-exchange/log", show_default=True, help="the log's name; it never changes")
@click.option("--operator", default="lcjp-operator", show_default=True, help="the operator's party id")
@click.option("--database-url", "database", default="", help="an empty PostgreSQL database (default: a file in FOLDER)")
@click.option("--upgrade", "only_upgrade", is_flag=True, help="only bring an existing hub's database and keystore to this version")
@click.pass_context
def init(context: click.Context, folder: Path, *, public_url: str, origin: str, operator: str, database: str, only_upgrade: bool) -> None:
    """Set up a new hub in FOLDER: settings, keystore, keys, database, log."""
    folder = folder.resolve()
    config = folder / "hub.toml"
    if only_upgrade:
        existing = open_hub(read_settings(config))
        context.call_on_close(existing.engine.dispose)
        make_keys(existing.keyring.store)
        upgrade(existing.engine)
        say(context, {"upgraded": str(config)}, "The database is at this version.")
        return
    if config.exists():
        raise Misconfigured(f"{folder.name} holds a hub already.", remedy="Name another folder, or use --upgrade.")
    folder.mkdir(parents=True, exist_ok=True)
    credential = folder / "credential"
    with os.fdopen(os.open(credential, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    for name in ("objects", "staging", "keystore", "roots"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    bind = public_url.split("://", 1)[-1].split("/", 1)[0]
    codes = Path(__file__).parents[2] / "config" / "codes"
    bind = bind if ":" in bind else "127.0.0.1:8080"
    database = database or f"sqlite:///{folder}/hub.sqlite"
    text = _SETTINGS.format(url=public_url, origin=origin, database=database, codes=codes, bind=bind)
    SealedFileKeystore.initialise(folder / "keystore", CredentialFileRoots(folder / "roots", credential))
    write_new(config, text)
    hub = open_hub(read_settings(config))
    context.call_on_close(hub.engine.dispose)
    make_keys(hub.keyring.store)
    upgrade(hub.engine)
    with writing(hub.engine) as session:
        record.begin(session, origin, hub.clock())
        session.flush()
        for use in USES:
            card = Card("ed25519", operator, use, b64(hub.keyring.signing(use).public.raw))
            register(session, card, hub.clock())
            write_new(folder / "cards" / f"{operator}-{use}.card.json", canonical(card.document()).decode() + "\n")
        sealing.rotate(session, hub.keyring, operator, hub.clock())
    say(
        context,
        {"settings": str(config), "cards": str(folder / "cards")},
        f"A hub is set up in {folder}.",
        f"Its public keys are on the cards in {folder / 'cards'}: agreements name them.",
        f"Next: exchange --config {config} partner add CARD…   then: exchange --config {config} serve",
    )


@cli.command()
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve agencies and recipients, and do what is scheduled."""
    hub = hub_of(context)
    click.echo(f"Serving {hub.settings.public_url} on {hub.settings.bind}.", err=True)
    serve_hub(hub.settings, hub)


@cli.command()
@click.option("--once", is_flag=True, help="do everything that waits, once, and end")
@click.pass_context
def worker(context: click.Context, once: bool) -> None:  # noqa: FBT001
    """Do what is scheduled, without serving."""
    hub = hub_of(context)
    if once:
        for job, _ in schedule.JOBS.values():
            job(hub)
        schedule.process_pending(hub)
        return
    configure()
    lock = take(hub.settings.home / "scheduler.lock", 0)
    if lock is None:
        raise Misconfigured("the schedule is already being run, by “exchange serve” or another worker.", remedy="One of them is enough.")
    scheduler = schedule.start(hub)
    try:
        threading.Event().wait()
    finally:
        scheduler.shutdown(wait=True)
        lock.close()


@cli.command()
@click.pass_context
def status(context: click.Context) -> None:
    """How the hub stands: agreements, submissions, editions, log, what is due."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        counted = {
            kind: dict(session.execute(select(column, func.count()).group_by(column)).all())
            for kind, column in (("agreements", AgreementRow.state), ("submissions", SubmissionRow.state), ("editions", EditionRow.state))
        }
        entries = session.execute(select(HeadRow.size)).scalar_one()
        review = [found.words for found in reminders.outstanding(session, "", hub.clock())]
        expires = sealing.current(session).expires_at
    lines = [f"{kind}: " + (", ".join(f"{count} {state}" for state, count in states.items()) or "none") for kind, states in counted.items()]
    lines += [
        f"log: {entries:,} entries",
        f"sealing key: until {rfc3339(expires)}",
        f"settings: {config_path(context.obj['config'])}",
    ]
    lines += [f"to be reviewed: {one}" for one in review]
    say(context, {**counted, "log": entries, "review": review}, *lines)


for command in (partner, person, agreement, release, retention, log):
    cli.add_command(command)
for about in (drill, explain, *BEFORE_SIGNING, *EXPORTS):
    agreement.add_command(about)
cli.add_command(protect_command, "protect")
cli.add_command(attack_command, "attack")
