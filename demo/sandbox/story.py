"""How a sandbox is made: keys, agreement, signatures, linkage secret, pushes, an edition; all of it with the real programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from demo.cast import Places
from demo.sandbox.cast import CARD, DATASET, OPERATOR, ORIGIN, PARTIES, RECIPIENT, REFERENCE, RELEASE, SUPPLIERS, Card, Months
from demo.sandbox.data import invent
from demo.stage import Failed, free_port, hub, serving, step
from demo.steps import approve, enter, in_turn, make_keys, request, share_secret, sign

ROWS = 600
SETTINGS = "requests_kept = 50\n"  # whoever builds a client here looks at how each of its requests was answered
GUEST = ("Robin Example", "Developer of a client", "analyst")


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Card]:
    """A sandbox that serves for as long as the block runs: the one that was kept in this folder, or a new one where it is empty."""
    if (folder / CARD).exists():
        step(f"The sandbox of {folder} serves again.")
        kept = Card.read(folder)
        with serving(kept.places.hub / "hub.toml", kept.url, kept.places.run / "hub.log"):
            yield kept
        return
    if folder.exists() and any(folder.iterdir()):
        raise Failed(f"{folder} holds something else than a sandbox. Name an empty folder, or one that is not there.")
    address = f"http://localhost:{port or free_port()}"  # a name: passkeys know no bare addresses
    places, months = Places(folder), Months(datetime.now(UTC).date())
    config = _begin(places, months, address)
    with serving(config, address, places.run / "hub.log"):
        yield _fill(places, months, config, address)


def _begin(places: Places, months: Months, address: str) -> Path:
    step("Every invented organisation makes its keys; the hub its own, and its own issuer of tokens.")
    origin = ("--origin", f"{ORIGIN}/{datetime.now(UTC):%Y%m%dT%H%M%S}")
    people = dict.fromkeys(PARTIES, ("dpo", "signatory", "checker"))
    places.run.mkdir(parents=True, exist_ok=True)
    settings = places.run / "settings.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    further = (*origin, "--settings", str(settings))
    config = make_keys(places, address, OPERATOR, people, SUPPLIERS, recipient=RECIPIENT, further=further)
    step(f"The agreement {REFERENCE} is entered, advised on and signed.")
    template = places.run / "agreement.template.toml"
    template.write_text(months.agreement(), encoding="utf-8")
    document = places.run / "agreement.toml"
    enter(places, config, template, document)
    sign(places, config, document, PARTIES)
    return config


def _fill(places: Places, months: Months, config: Path, address: str) -> Card:
    step("Both suppliers share a linkage secret and push two invented months.")
    share_secret(places, REFERENCE, SUPPLIERS)
    files = {
        one: {month: invent(places.run / "extracts" / f"{one}-{month}.csv", one, month, ROWS) for month in (*months.held, months.ready)}
        for one in SUPPLIERS
    }
    in_turn(
        ["push", DATASET, *(f"{files[one][month]}:{month}" for month in months.held), "--home", places.agency(one)] for one in SUPPLIERS
    )
    step("An edition is asked for, checked by two people, and published.")
    approve(places, config, request(places, config, (REFERENCE, RELEASE), months.held, OPERATOR), SUPPLIERS)
    asked = ("dataset-token", "issue", REFERENCE, RELEASE, "--recipient", RECIPIENT, "--purpose", "trying the sandbox")
    token = str(json.loads(hub(config, "--json", *asked))["token"])
    name, position, role = GUEST
    guest = ("person", "invite", "--party", SUPPLIERS[0], "--name", name, "--position", position, "--role", role)
    pages = str(json.loads(hub(config, "--json", *guest))["address"])
    card = Card(address, str(places.run), REFERENCE, DATASET, RELEASE, months.free, months.ready, *SUPPLIERS, RECIPIENT, token, pages)
    card.write(places)
    return card
