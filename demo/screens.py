"""``dev.py demo --screens``: the hub goes on serving, three people are invited to the pages, and a second version waits for their decision."""

import json
import time
import tomllib
from pathlib import Path
from typing import Any

from demo.cast import AGENCIES, OPERATOR, PARTIES, REFERENCE, Places
from demo.stage import console, hub, serving
from keys.keyfile import read_keyfile

PARTY = AGENCIES[0].party
GUESTS = (
    (PARTY, "Avery Lindqvist", "Data Protection Officer", "dpo"),
    (PARTY, "Morgan Hetherington", "Assistant Chief Constable, SIRO", "signatory"),
    (OPERATOR, "Frankie Olusanya", "Statistician", "operator"),
)
EDITS = (("\nversion = 1\n", "\nversion = 2\n"), ('retention = "P10Y"', 'retention = "P5Y"'))


def open_house(places: Places) -> None:
    """Serve until Ctrl-C. As soon as the DPO and the signatory have passkeys, a version 2 that names them is proposed."""
    config = places.hub / "hub.toml"
    address = str(tomllib.loads(config.read_text(encoding="utf-8"))["public_url"])
    with serving(config, address, places.run / "hub.log"):
        console.print(
            f"\nThe hub serves on at [bold]{address}[/bold] until Ctrl-C. Open each invitation once, in a browser of this machine:"
        )
        for party, name, position, role in GUESTS:
            asked = ("person", "invite", "--party", party, "--name", name, "--position", position, "--role", role)
            made = json.loads(hub(config, "--json", *asked))
            console.print(f"  {name}, {role} of {party}:\n    {made['address']}", markup=False, soft_wrap=True)
        console.print(
            "Each makes a passkey there; a browser without one of its own can lend a virtual device (developer tools, WebAuthn).\n"
            f"Then read {REFERENCE}, see what was sent under it, who signed; anybody may open {address}/register.",
            markup=False,
            soft_wrap=True,
        )
        try:
            _propose(places, config, _passkeys(config))
            console.print(
                f"Version 2 of {REFERENCE} is proposed and waits for both of them: compare, rehearse, advise, sign.", markup=False
            )
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            console.print("The hub ends.")


def _passkeys(config: Path) -> dict[str, str]:
    """Role → fingerprint of the passkey, once both people of the force have one."""
    while True:
        listed: list[dict[str, Any]] = json.loads(hub(config, "--json", "person", "list", "--party", PARTY))["people"]
        found = {role: one["passkeys"][0] for one in listed for role in one["roles"] if one["passkeys"]}
        if {"dpo", "signatory"} <= set(found):
            return found
        time.sleep(1)


def _propose(places: Places, config: Path, passkeys: dict[str, str]) -> None:
    """Keep rows half as long, and name the two passkeys; everybody else advises and signs by key file, and vouches for the new keys so."""
    text = places.agreement.read_text(encoding="utf-8")
    for role in ("dpo", "signatory"):
        text = text.replace(read_keyfile(places.key(PARTY, role)).fingerprint, passkeys[role])
    for old, new in EDITS:
        text = text.replace(old, new)
    document = places.run / "lcjp-mv7.version-2.toml"
    document.write_text(text, encoding="utf-8")
    hub(config, "agreement", "enter", document)
    for party in PARTIES:
        for verb, role in (("advise", "dpo"), ("sign", "signatory")) if party != PARTY else ():
            out = places.run / "statements" / f"2-{party}-{verb}.json"
            hub(None, "agreement", verb, document, "--key", places.key(party, role), "--out", out)
            hub(config, "agreement", "record", out)
