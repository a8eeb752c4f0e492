"""``exchange dataset-token …``: tokens with which a recipient's tools read one release. Shown once, and never again."""

from datetime import timedelta
from typing import Any

import click

from exchange.commands.shared import OPERATOR, hub_of, say
from exchange.db import reading, writing
from exchange.register import dataset_tokens
from exchange.register.dataset_token_tables import DatasetTokenRow
from exchange.register.dataset_tokens import Asked
from exchange.times import rfc3339


@click.group("dataset-token")
def dataset_token() -> None:
    """Read-only tokens of one release, for Power BI, Excel, R and Python (docs/pulling.md)."""


@dataset_token.command()
@click.argument("reference")
@click.argument("release")
@click.option("--recipient", required=True, help="in whose name: a recipient that the agreement names for the release")
@click.option("--purpose", required=True, help="what it is for, in a few words, for the log; name nobody of whom there are data")
@click.option("--days", type=click.IntRange(1, dataset_tokens.LONGEST.days), default=dataset_tokens.USUAL.days, show_default=True)
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="good from there alone (may be given several times)")
@click.pass_context
def issue(
    context: click.Context, reference: str, release: str, *, recipient: str, purpose: str, days: int, networks: tuple[str, ...]
) -> None:
    """Make a token for RELEASE of the agreement REFERENCE. It is printed now, and cannot be printed again."""
    hub = hub_of(context)
    asked = Asked(reference, release, recipient, purpose, timedelta(days=days), networks)
    with writing(hub.engine) as session:
        row, token = dataset_tokens.issue(session, asked, OPERATOR, hub.clock())
    lines = (
        token,
        f"Token {row.id}: reads {release} of {reference} for {recipient}, until {rfc3339(row.expires_at)}.",
        "Hand it over by a safe channel; the hub keeps its digest alone, and cannot show it again.",
        f"Feed for Power BI: {hub.settings.public_url}/odata/{reference}/{release}/ (user name: any; password: the token)",
    )
    say(context, {**document(row), "token": token}, *lines)


@dataset_token.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """Every token there was, and whether it is still good."""
    hub = hub_of(context)
    with reading(hub.engine) as session:
        rows = dataset_tokens.everything(session)
    now = hub.clock()
    lines = []
    for row in rows:
        ended = "REVOKED" if row.revoked_at else "EXPIRED" if now >= row.expires_at else f"until {rfc3339(row.expires_at)}"
        lines.append(f"{row.id}  {row.reference} {row.release}  {row.recipient}  {ended}  {row.purpose}")
    say(context, {"tokens": [document(row) for row in rows]}, *(lines or ["No tokens yet."]))


@dataset_token.command()
@click.argument("token")
@click.option("--reason", required=True, help="why, for the log")
@click.pass_context
def revoke(context: click.Context, token: str, reason: str) -> None:
    """End a token, by its id (16 digits): it opens nothing from now on."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        row = dataset_tokens.revoke(session, token, OPERATOR, reason, hub.clock())
    say(context, document(row), f"Revoked: {row.id}, {row.recipient}'s token for {row.release}.")


def document(row: DatasetTokenRow) -> dict[str, Any]:
    """A token for ``--json``, without its word."""
    return {
        "id": row.id,
        "reference": row.reference,
        "release": row.release,
        "recipient": row.recipient,
        "purpose": row.purpose,
        "networks": row.networks,
        "issued": rfc3339(row.issued_at),
        "expires": rfc3339(row.expires_at),
        "revoked": rfc3339(row.revoked_at) if row.revoked_at else None,
    }
