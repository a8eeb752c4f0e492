"""``exchange-agency init``: key files, the cards to hand out, and ``agency.toml``. Nothing that is there is ever overwritten."""

from pathlib import Path

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.settings import FILE, load
from adapters.errors import ConfigError
from keys.encoding import canonical
from keys.errors import KeyExists
from keys.files import write_new
from keys.keyfile import KeyFile, read_keyfile, write_keyfile
from keys.seal import EncryptionKey
from keys.sign import SigningKey

_TOML = """# How exchange-agency knows itself and the hub. Every key: docs/agency.md. Paths are from this folder.
party = "{party}"
hub = "{hub}"
{recipient}
[keys]
{keys}

[pins]
# Your own signatory's key, brought by another road than the hub. Without it, a hub that invents an agreement is noticed later.
{pin}
"""


@click.command()
@click.option("--party", required=True, help="The id by which agreements know your organisation.")
@click.option("--pin-signatory", default="", help="The fingerprint of your own signatory's key (ed25519:…).")
@click.option("--recipient", is_flag=True, help="For those who only receive releases: a client key alone.")
@common
def init(context: Context, party: str, pin_signatory: str, recipient: bool) -> None:  # noqa: FBT001 - click gives it by name
    """Make this organisation's keys, public cards and agency.toml"""
    home, console = context.home, context.console
    if (home / FILE).exists():
        raise ConfigError(f"{home / FILE} is there already.", remedy="Edit it, or name another folder with --home.")
    roles = ["client"] if recipient else ["manifest", "client", "encryption", "witness"]
    if not context.flags.get("hub"):
        raise ConfigError("The hub's address is missing.", remedy="Name it with --hub https://…")
    text = _TOML.format(
        party=party,
        hub=context.flags["hub"],
        recipient="recipient = true\n" if recipient else "",
        keys="\n".join(f'{role} = "keys/{role}.json"' for role in roles),
        pin=f'signatory = "{pin_signatory}"' if pin_signatory else '# signatory = "ed25519:…"',
    )
    _check_before_writing(home, party, str(context.flags["hub"]), pin_signatory)
    for folder in (home / "keys", home / "cards"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [key_and_card(home, party, role) for role in roles]
    write_new(home / FILE, text.encode())
    for key in made:
        console.line(f"{key.owner}/{key.role}: {key.fingerprint}")
    console.line(f"Public cards: {home / 'cards'}")
    console.say(_next_step(home, recipient=recipient))
    console.result(party=party, home=str(home), cards={key.role: key.fingerprint for key in made})


def _check_before_writing(home: Path, party: str, hub: str, pin: str) -> None:
    """Refuse values that agency.toml could not hold, before any key is made."""
    flags = {"party": party, "hub": hub, "pin_signatory": pin}
    try:
        load(home, flags, {}, written={})
    except ConfigError as error:
        raise ConfigError(error.what.replace("command line:", "On the command line,"), remedy=error.remedy) from None


def key_and_card(home: Path, party: str, role: str) -> KeyFile:
    """Make a key file and its public card, or find what an interrupted run has made of them."""
    path, card = home / "keys" / f"{role}.json", home / "cards" / f"{party}-{role}.card.json"
    try:
        made = write_keyfile(path, EncryptionKey.generate() if role == "encryption" else SigningKey.generate(), owner=party, role=role)
    except KeyExists:  # from an init that was interrupted before it wrote agency.toml, which comes last
        made = read_keyfile(path)
        if (made.owner, made.role) != (party, role):
            raise ConfigError(f"{path}: there is a key of “{made.owner}/{made.role}” already.", remedy="Name another --home.") from None
    if not card.exists():
        write_new(card, canonical(made.card().document()) + b"\n")
        card.chmod(0o644)
    return made


def _next_step(home: Path, *, recipient: bool) -> str:
    cards = f"Next: give the cards in {home / 'cards'} to the operator, and read their fingerprints to each other by telephone."
    if recipient:
        return f"{cards}\nOnce the agreement is in force:  exchange-agency pull REFERENCE RELEASE --to DIR --home {home}"
    return (
        f"{cards}\nOnce the agreement is in force, one supplier runs:  exchange-agency keys issue REFERENCE --home {home}\n"
        f"and each other supplier:  exchange-agency keys accept REFERENCE\nThen:  exchange-agency doctor --home {home}"
    )
