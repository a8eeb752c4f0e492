"""Exports at the command line: PDF, policy for machines, record of processing, and the public register of agreements."""

import json
from pathlib import Path

import click

from exchange.commands.shared import hub_of, say, write_new
from exchange.db import reading
from exchange.errors import Misconfigured, Unacceptable
from exchange.exports.odrl import policy
from exchange.exports.printable import printable
from exchange.exports.processing_records import record_of
from exchange.exports.public_register import entries, register_csv
from exchange.exports.version import Version, signed_version_of, version_of
from exchange.extras import load
from exchange.register import agreements

OUT = click.option("--out", required=True, type=click.Path(path_type=Path), help="the file to write; none is overwritten")
NUMBER = click.option("--version", "number", type=int, help="which version (default: the one that stands now)")


def _version(context: click.Context, reference: str, number: int | None) -> Version:
    with reading(hub_of(context).engine) as session:
        row = agreements.current(session, reference, number)
        if row is None:
            raise Unacceptable("there is no such agreement.", remedy="List them with: exchange agreement list")
        return signed_version_of(row)


def write_new_bytes(path: Path, content: bytes) -> None:
    """As ``write_new``, byte for byte."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise _taken(path) from error


def _taken(path: Path) -> Misconfigured:
    return Misconfigured(f"{path.name} is there already and is not overwritten.", remedy="Name another file.")


@click.command()
@click.argument("reference")
@NUMBER
@OUT
@click.pass_context
def pdf(context: click.Context, reference: str, number: int | None, out: Path) -> None:
    """The whole agreement as an accessible PDF, with who signed it and how to check it."""
    if out.exists():  # before the work of seconds
        raise _taken(out)
    made = load("pdf").to_pdf(printable(_version(context, reference, number), hub_of(context).clock()))
    write_new_bytes(out, made)
    say(context, {"file": str(out), "bytes": len(made)}, f"Printed to {out}. What binds is the signed export: exchange agreement export")


@click.command()
@click.argument("reference")
@NUMBER
@OUT
@click.pass_context
def odrl(context: click.Context, reference: str, number: int | None, out: Path) -> None:
    """The agreement as a policy for machines: ODRL 2.2 with DPV terms, in JSON-LD."""
    found = policy(_version(context, reference, number).agreement)
    write_new(out, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    say(context, {"file": str(out)}, f"Exported to {out}.")


@click.command("processing-record")
@click.argument("reference")
@click.option("--party", required=True, help="whose record")
@NUMBER
@OUT
@click.option("--csv", "as_csv", is_flag=True, help="a table instead of JSON")
@click.pass_context
def processing_record(context: click.Context, reference: str, party: str, number: int | None, out: Path, as_csv: bool) -> None:  # noqa: FBT001
    """A party's record of processing: UK GDPR Article 30, or section 61 for datasets under Part 3."""
    agreement = _version(context, reference, number).agreement
    keeper = agreement.party(party)
    if keeper is None:
        known = ", ".join(one.id for one in agreement.parties)
        raise Unacceptable(f"{agreement.clause('parties')}: there is no such party.", remedy=f"The parties are: {known}.")
    record = record_of(agreement, keeper)
    if as_csv:
        write_new_bytes(out, record.csv().encode())
    else:
        write_new(out, json.dumps(record.document(), ensure_ascii=False, indent=1) + "\n")
    say(context, {"file": str(out), "entries": len(record.entries)}, f"{len(record.entries)} entries written to {out}.")


@click.command()
@OUT
@click.pass_context
def register(context: click.Context, out: Path) -> None:
    """The public register of agreements as CSV: what was agreed, never a draft, a person or a key."""
    with reading(hub_of(context).engine) as session:
        found = entries(version_of(row) for row in agreements.everything(session))
    write_new_bytes(out, register_csv(found).encode())
    say(context, {"file": str(out), "entries": len(found)}, f"{len(found)} entries written to {out}.")
