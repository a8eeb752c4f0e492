"""``exchange backup`` and ``exchange restore``: see docs/restore.md."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from exchange.background import PRESENT, SCHEDULING
from exchange.commands.shared import config_path, hub_of, say
from exchange.errors import Misconfigured, Unacceptable
from exchange.hub import Hub
from exchange.leader import nobody_else, take
from exchange.restore.backup import backup as write_backup
from exchange.restore.putting_back import check, put_back
from exchange.restore.replay import Replayed, replay
from exchange.watch import jobs
from keys.encoding import parse_json
from keys.errors import BadFormat

_FOLDER = click.Path(path_type=Path, file_okay=False)
_THERE = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command()
@click.argument("out", type=_FOLDER)
@click.option("--verify", "only_check", is_flag=True, help="write nothing: check the backup that is in OUT")
@click.option("--key", default="", help="with --verify: fingerprint of the hub's identity key, as agreements name it")
@click.pass_context
def backup(context: click.Context, out: Path, *, only_check: bool, key: str) -> None:
    """Write a backup of this hub to the new folder OUT, while it serves; or check one, which needs no hub."""
    if only_check:
        found = check(out, {key} if key else ())
        document: Any = found.document
        words = "" if key else " Compare it with the identity key that agreements name."
        lines = [f"Signed with {found.key}.{words}", *(["Its keystore is kept apart."] if found.apart else [])]
        say(context, {"whole": True, "key": found.key, "log": document["log"]}, f"Whole: {len(found.files):,} files.", *lines)
        return
    hub = hub_of(context)
    try:
        document = write_backup(hub, out.resolve(), hub.clock)
    except OSError as error:
        raise Misconfigured(f"the backup cannot be written: {error.strerror}. There is none in {out.name}.") from error
    jobs.happened(hub.engine, jobs.BACKUP, hub.clock())
    say(
        context,
        {"backup": str(out), "files": len(document["files"]), "log": document["log"]},
        f"{len(document['files']):,} files in {out}, with a log of {document['log']['size']:,} entries.",
        f"Carry {out / 'keystore'} apart from the rest. Check it with: exchange backup --verify {out}",
    )


@click.command()
@click.argument("source", metavar="[BACKUP]", required=False, type=_THERE)
@click.option("--into", type=_FOLDER, help="the hub's folder: an empty one, or what is left of it (default: where the settings are)")
@click.option("--keystore", type=_THERE, help="folder with a copy of the keystore, where the hub's own is lost")
@click.option("--key", default="", help="fingerprint of the hub's identity key, where no keystore is there to tell")
@click.option("--replay", "again", is_flag=True, help="continue the log, and do again everything that was done since")
@click.option(
    "--certificates", type=_THERE, help="with --replay: folder of certificates, and receipts for people's rights, that agencies hand in"
)
@click.option("--give-up", is_flag=True, help="with --replay: lose rows whose keys this keystore never had; their suppliers push again")
@click.pass_context
def restore(
    context: click.Context, /, source: Path | None, *, into: Path | None, keystore: Path | None, key: str, again: bool, **how: Any
) -> None:
    """Put a BACKUP back, and, with --replay, do again what was destroyed, stopped or revoked since. The hub serves only then."""
    if source is None and not again:
        raise click.UsageError("name a backup, or --replay.")
    config = (into / "hub.toml") if into else config_path(context.obj["config"])
    if source is not None:
        config = put_back(source, config.resolve().parent, keystore=keystore, key=key)
    context.obj["config"] = str(config)
    if not again:
        say(context, {"restored": str(config)}, "The backup is put back.", f"Next: exchange --config {config} restore --replay")
        return
    hub = hub_of(context)
    with stopped(hub):
        done = replay(hub, _certificates(how["certificates"]), give_up=how["give_up"])
    say(context, asdict(done), *_told(done))


@contextmanager
def stopped(hub: Hub) -> Iterator[None]:
    """Nothing serves or works meanwhile, on this host or another: all their locks are held."""
    with ExitStack() as locks:
        for name in ("instance.lock", SCHEDULING, PRESENT):
            lock = take(hub.settings.home / name, 0)
            if lock is None:
                raise Misconfigured("this hub is running.", remedy="Stop “exchange serve” and “exchange worker” first.")
            locks.enter_context(lock)
        if not locks.enter_context(nobody_else(hub.engine)):
            raise Misconfigured(
                "this hub is running on another host.", remedy="Stop “exchange serve” and “exchange worker” on every host first."
            )
        yield


def _certificates(folder: Path | None) -> list[object]:
    found: list[object] = []
    for path in sorted(folder.glob("*.json")) if folder else ():
        try:
            found.append(parse_json(path.read_bytes()))
        except BadFormat as error:
            raise Unacceptable(f"{path.name} is not a certificate: {error}.", remedy="Leave in the folder what agencies kept.") from error
    return found


def _told(done: Replayed) -> Sequence[str]:
    """The outcome, for people: what was done, and then what only they can do."""
    lines = [
        f"The log continues: {done.replayed:,} entries put back after the {done.entries:,} of the backup.",
        f"{done.keys} key(s) and {len(done.destroyed)} submission(s) destroyed again; {len(done.revoked)} revocation(s) done again.",
    ]
    lines += [
        f"Lost, to be pushed again: {one['submission']} of {one['supplier']} ({one['dataset']} {one['period']}, {one['had']})"
        for one in done.lost
    ]
    lines += [
        f"Suspended until people act: {reference}. Record the lost statements again, then let the operator's signatory resume."
        for reference in done.suspended
    ]
    lines += [f"{done.holds} legal hold(s) placed again: their reasons are lost."] if done.holds else []
    lines += [
        f"Published, and not known here: edition {one}. Draft nothing under its agreement before it is entered again."
        for one in done.editions
    ]
    lines += [f"To be done again by people: {what} × {count}" for what, count in sorted(done.again.items())]
    return [*lines, "Everybody is signed out. The hub may serve: exchange serve"]
