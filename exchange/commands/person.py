"""People: ``exchange person …``. Accounts for the pages (invite, list, end, link-oidc, card), and key files for offline signing."""

from pathlib import Path

import click

from exchange.commands.partner import read_card
from exchange.commands.shared import hub_of, say, slug, write_new
from exchange.db import reading, writing
from exchange.errors import Misconfigured
from exchange.notify import subscriptions
from exchange.people import invitations, people
from exchange.people.people import Post
from exchange.settings import Settings
from exchange.times import rfc3339
from keys.encoding import canonical
from keys.keyfile import write_keyfile
from keys.sign import SigningKey

ROLES = ("dpo", "signatory", "checker", "client")


@click.group()
def person() -> None:
    """People who sign in, and key files of those who advise, sign, check and receive offline."""


@person.command("invite")
@click.option("--party", help="party id, as agreements write it")
@click.option("--name", help="full name, as agreements write it")
@click.option("--position", help="what the person is there")
@click.option("--role", "roles", multiple=True, type=click.Choice([post.value for post in Post]), help="repeat for several")
@click.option("--again", metavar="PERSON", help="only a new invitation, for a person who is there already")
@click.pass_context
def invite(
    context: click.Context, party: str | None, name: str | None, position: str | None, roles: tuple[str, ...], again: str | None
) -> None:
    """Enter a person and print the one-time address at which that person makes a passkey."""
    hub = hub_of(context)
    _require_name(hub.settings)
    with writing(hub.engine) as session:
        if again is not None:
            row = people.find(session, again)
        elif party and name and position and roles:
            made = {"party": party, "name": name, "position": position}
            row = people.create(session, **made, roles=roles, who="hub", now=hub.clock())
        else:
            raise click.UsageError("Give --party, --name, --position and --role, or --again PERSON.")
        token = invitations.invite(session, row.id, "hub", hub.clock())
    address = invitations.address(hub.settings.public_url, token)
    say(
        context,
        {"person": row.id, "address": address},
        address,
        f"For {row.name} ({row.party}, {row.id}) and nobody else; it works once, for {invitations.LIVES.days} days.",
    )


def _require_name(settings: Settings) -> None:
    if not settings.web_host or settings.web_host.replace(".", "").isdigit() or ":" in settings.web_host:
        raise Misconfigured(
            "passkeys need a host name, and public_url holds an address.", remedy="Set public_url to a name (or localhost)."
        )


@person.command("list")
@click.option("--party", help="only this party's")
@click.pass_context
def list_(context: click.Context, party: str | None) -> None:
    """Everyone who has been entered, with the fingerprints of their passkeys."""
    with reading(hub_of(context).engine) as session:
        rows = [(row, sorted(people.fingerprints(session, row.id))) for row in people.everyone(session, party)]
    found = [
        {
            "person": row.id,
            "party": row.party,
            "name": row.name,
            "position": row.position,
            "roles": row.roles,
            "created": rfc3339(row.created_at),
            "ended": rfc3339(row.ended_at) if row.ended_at else None,
            "passkeys": passkeys,
        }
        for row, passkeys in rows
    ]
    lines = []
    for row, passkeys in rows:
        lines.append(f"{row.id}  {row.party:24} {row.name}, {row.position}: {', '.join(row.roles)}{'  ENDED' if row.ended_at else ''}")
        lines += [f"  {fingerprint}" for fingerprint in passkeys]
    say(context, {"people": found}, *lines)


@person.command("end")
@click.argument("person_id", metavar="PERSON")
@click.pass_context
def end(context: click.Context, person_id: str) -> None:
    """End a person's access: passkeys, sessions, signatures to come and own notices, at once."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        row = subscriptions.end_person(session, person_id, "hub", hub.clock())
    say(context, {"ended": row.id}, f"Ended: {row.name} ({row.party}).")


@person.command("link-oidc")
@click.argument("person_id", metavar="PERSON")
@click.option("--issuer", required=True, help="the provider's issuer, exactly as it writes it")
@click.option("--subject", required=True, help="the person's subject there; the page shows it to whoever is not linked yet")
@click.pass_context
def link_oidc(context: click.Context, person_id: str, issuer: str, subject: str) -> None:
    """Let a person sign in with an account at the OpenID provider."""
    hub = hub_of(context)
    with writing(hub.engine) as session:
        people.link(session, person_id, issuer, subject, hub.clock())
    say(context, {"linked": person_id}, f"Linked: {person_id} signs in there from now on.")


@person.command("card")
@click.argument("person_id", metavar="PERSON")
@click.option(
    "--role", required=True, type=click.Choice([post.value for post in Post]), help="in which capacity an agreement is to name it"
)
@click.option("--fingerprint", "wanted", help="which passkey, where there are several (default: the newest)")
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.pass_context
def card(context: click.Context, person_id: str, role: str, wanted: str | None, out: Path) -> None:
    """Write the public-key card of a person's passkey, for “exchange agreement fill”."""
    with reading(hub_of(context).engine) as session:
        found = people.card(session, person_id, role, wanted)
    write_new(out, canonical(found.document()).decode() + "\n")
    say(context, {"fingerprint": found.fingerprint, "card": str(out)}, f"{found.owner} {found.role}: {found.fingerprint}")


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
