"""``exchange-agency verify``: receipts, acknowledgements, editions and their tables, agreements and checkpoints, with no hub."""

from pathlib import Path

import click

from adapters.agency.agreements_store import EXPORT_LIMIT, Verified, verify_export
from adapters.agency.commands.common import Context, common
from adapters.agency.evidence import Trust, verify_files
from adapters.agency.settings import FILE
from adapters.errors import UsageError
from keys.encoding import parse_json
from keys.errors import BadFormat


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--agreement", "agreement", type=click.Path(path_type=Path), help="An exported agreement whose fingerprints to believe.")
@common
def verify(context: Context, files: tuple[Path, ...], agreement: Path | None) -> None:
    """Verify signed files offline, by the fingerprints of a verified agreement"""
    proofs = []
    for proof in verify_files(files, Trust(_trusted(context, agreement))):
        proofs.append(proof)
        context.console.line(f"ok  {proof.file}: {proof.what}: {proof.says}")
    context.console.result(files=[vars(proof) for proof in proofs])


def _trusted(context: Context, named: Path | None) -> list[Verified]:
    """The named export, verified from its own words; else the agreements verified in the state folder; else none."""
    if named is not None:
        try:
            found = verify_export(parse_json(named.read_bytes(), limit=EXPORT_LIMIT))
        except (OSError, BadFormat):
            raise UsageError(f"{named}: this is no exported agreement.") from None
        context.console.say(f"Believing the fingerprints of {found.agreement.clause()}, digest {found.agreement.digest}.")
        return [found]
    return context.agency().store.all() if (context.home / FILE).is_file() else []
