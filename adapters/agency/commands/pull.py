"""``exchange-agency pull``: the newest edition of a release, with its signed statement, verified before it is put in its place."""

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from adapters.agency.client import Client
from adapters.agency.commands.common import Context, common
from adapters.agency.evidence import Trust, sha256_of, verify_files
from adapters.agency.run import Run
from adapters.errors import IntegrityFailed
from keys.encoding import canonical
from keys.files import replace

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9-]+)+")
_EDITION = re.compile(r"/v1/editions/([A-Za-z0-9_-]{1,100})")
STATEMENT = "edition.json"


@click.command()
@click.argument("reference")
@click.argument("release")
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="Where the files go: DIR/<edition>/.")
@common
def pull(context: Context, reference: str, release: str, folder: Path) -> None:
    """Fetch the newest edition of a release: tables and signed statement, verified"""
    agency = context.agency()
    run = Run(agency, agency.client())
    verified = run.verified(reference)
    identity = _latest(run.client, reference, release)
    answer = run.client.get(f"/v1/editions/{identity}", f"fetching edition {identity}")
    signed = answer.get("edition")
    into = folder / identity
    into.mkdir(parents=True, exist_ok=True)
    replace(into / STATEMENT, canonical(signed) + b"\n")
    # The statement is verified before any table is asked for; it alone says which files there are, and what is in them.
    list(verify_files([into / STATEMENT], Trust(verified)))
    if (signed["document"].get("reference"), signed["document"].get("release")) != (reference, release):
        raise IntegrityFailed("The hub answers with an edition of another release.", remedy="Speak to the operator.")
    files = [_fetch(run.client, identity, name, wanted, into) for name, wanted in sorted(signed["document"]["files"].items())]
    proofs = list(verify_files([into / STATEMENT, *files], Trust(verified)))
    for proof in proofs:
        context.console.line(f"ok  {proof.file}: {proof.says}")
    context.console.result(edition=identity, folder=str(into), files=[vars(proof) for proof in proofs])


def _latest(client: Client, reference: str, release: str) -> str:
    """The id of the newest edition, from where the hub redirects to. Never followed blindly: our token goes to the hub alone."""
    answer = client.call("GET", f"/v1/releases/{reference}/{quote(release, safe='')}/latest", f"asking for the newest edition of {release}")
    location = answer.headers.get("Location", "").removeprefix(client.settings.hub)
    found = _EDITION.search(location)
    if answer.status_code != 307 or found is None:
        raise IntegrityFailed("The hub does not say which edition is the newest.", why=f"HTTP status {answer.status_code}.")
    return found[1]


def _fetch(client: Client, identity: str, name: str, wanted: Any, into: Path) -> Path:
    """One table file, unless it is here already; put in its place only when its digest is the signed one."""
    if not _FILE.fullmatch(name):
        raise IntegrityFailed("The edition names a file by something that is no file name.")
    path = into / name
    if path.is_file() and sha256_of(path) == wanted:
        return path
    content = client.call("GET", f"/v1/editions/{identity}/tables/{name}", f"fetching {name}").content
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != wanted:
        raise IntegrityFailed(
            f"{name} is not the file that the signed edition lists.",
            why=f"Signed: {wanted}.",
            remedy="Use none of this edition, and speak to the operator.",
        )
    replace(path, content)
    return path
