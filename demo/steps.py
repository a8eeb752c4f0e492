"""Steps that every scenario takes: keys, an agreement entered and signed, a linkage secret, an edition asked for and checked, a download."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from demo.cast import RECIPIENT, Places
from demo.stage import agency, finish, hub, start

AT_ONCE = 3
"""Agency commands running beside the hub: more only wait for each other on a small machine."""


def in_turn(commands: Iterable[Sequence[str | Path]]) -> list[str]:
    """Agency commands, a few at a time; what each printed, in order."""
    with ThreadPoolExecutor(AT_ONCE) as workers:
        return list(workers.map(lambda arguments: finish([start(*arguments)])[0], commands))


def make_keys(
    places: Places,
    address: str,
    operator: str,
    people: Mapping[str, Sequence[str]],
    suppliers: Sequence[str],
    *,
    recipient: str = RECIPIENT,
    further: Sequence[str] = (),
) -> Path:
    """A hub at an address, and everybody's keys, registered; the hub's settings.

    ``people``: party → roles of those who have a key. ``further``: options of ``exchange init``.
    """
    hub(None, "init", places.hub, "--public-url", address, "--operator", operator, *further)
    for party, roles in people.items():
        for role in roles:
            hub(None, "person", "new", "--owner", party, "--role", role, "--out", places.people(party))
    common: tuple[str | Path, ...] = ("init", "--hub", address)
    made = [(*common, "--party", one, "--home", places.agency(one), "--pin-signatory", _signatory(places, one)) for one in suppliers]
    in_turn([*made, (*common, "--party", recipient, "--home", places.agency(recipient), "--recipient")])
    config = places.hub / "hub.toml"
    hub(config, "partner", "add", *places.cards())
    return config


def _signatory(places: Places, party: str) -> str:
    """The fingerprint that an agency pins: its own signatory's."""
    listed = json.loads(hub(None, "--json", "person", "fingerprint", places.people(party) / f"{party}-signatory.card.json"))
    return str(listed["fingerprint"])


def enter(places: Places, config: Path, template: Path, document: Path) -> None:
    """Fill an agreement in with everybody's fingerprints, and enter it."""
    cards = [flag for card in places.cards() for flag in ("--card", card)]
    hub(None, "agreement", "fill", template, *cards, "--out", document)
    hub(config, "agreement", "enter", document)


def sign(places: Places, config: Path, document: Path, parties: Iterable[str]) -> str:
    """Every DPO advises and every signatory signs, offline; what the hub said when it recorded that."""
    said = []
    for party in parties:
        for verb, role in (("advise", "dpo"), ("sign", "signatory")):
            out = places.run / "statements" / f"{document.stem}-{party}-{verb}.json"
            hub(None, "agreement", verb, document, "--key", places.key(party, role), "--out", out)
            said.append(out)
    return hub(config, "agreement", "record", *said)


def share_secret(places: Places, reference: str, suppliers: Sequence[str]) -> None:
    """The first supplier makes the linkage secret and seals it to the others."""
    first, *others = suppliers
    agency("keys", "issue", reference, "--home", places.agency(first))
    in_turn(["keys", "accept", reference, "--home", places.agency(one)] for one in others)


def request(places: Places, config: Path, asked: tuple[str, str], months: tuple[str, str], by: str) -> str:
    """Ask for an edition of (agreement, release) over (first, last) month, as a party's checker; its id."""
    window = ("--from", months[0], "--to", months[1])
    return str(json.loads(hub(config, "--json", "release", "request", *asked, *window, "--key", places.key(by, "checker")))["edition"])


def approve(places: Places, config: Path, edition: str, parties: Iterable[str]) -> list[str]:
    """A checker of each party approves; what the hub said to each."""
    return [hub(config, "release", "check", edition, "--approve", "--key", places.key(party, "checker")).strip() for party in parties]
