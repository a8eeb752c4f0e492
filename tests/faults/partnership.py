"""An invented partnership of many agencies under one agreement: every key, every signature, the linkage secret shared, all by the product's own commands."""

import re
import secrets
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from adapters.agency.cli import run as run_agency
from agreements.document import read
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from demo.cast import OPERATOR, RECIPIENT, REFERENCE, TEMPLATE, Places
from demo.stage import free_port, hub
from exchange.db import writing
from exchange.hub import now
from exchange.register import agreements
from keys.keyfile import read_keyfile
from keys.sign import Use, sign_document
from tests.functional.world import Server, World

_BLOCK = re.compile(r'\[\[parties\]\]\nid = "(?P<id>[a-z-]+)"\n.*?(?=\[\[parties\]\]|\[\[recipients\]\])', re.DOTALL)
CHECKERS = 2


def agencies(count: int) -> list[str]:
    """Their ids."""
    return [f"agency-{number:02}" for number in range(1, count + 1)]


def words(parties: Sequence[str]) -> str:
    """The shipped agreement with these suppliers in place of its two."""
    text = TEMPLATE.read_text(encoding="utf-8")
    blocks = {match["id"]: match[0] for match in _BLOCK.finditer(text)}
    pattern = blocks["cleveland-police"]
    made = []
    for number, party in enumerate(parties):
        block = pattern.replace("cleveland-police", party).replace('"Cleveland Police"', f'"Agency {party[-2:]}"')
        block = block.replace('short_name = "Cleveland"', f'short_name = "{party[-2:]}"')
        made.append(block if number < CHECKERS else re.sub(r"checkers = .*\n", "", block))
    text = text.replace(blocks["cleveland-police"], "".join(made)).replace(blocks["durham-constabulary"], "")
    named = ", ".join(f'"{party}"' for party in parties)
    text = text.replace('"cleveland-police", "durham-constabulary"', named)
    labels = ", ".join(f'{party} = "{party[-2:]}"' for party in parties)
    return text.replace('cleveland-police = "Cleveland", durham-constabulary = "Durham"', labels)


def build(folder: Path, parties: Sequence[str], *settings: str) -> World:
    """The partnership, ready to push: its hub is not running. ``settings``: lines for the hub's settings."""
    places, address = Places(folder), f"http://127.0.0.1:{free_port()}"
    world = World(places, address)
    hub(None, "init", places.hub, "--public-url", address, "--operator", OPERATOR)
    with_bind = re.sub(r"(?m)^bind = .*$", "", world.config.read_text(encoding="utf-8"))
    world.config.write_text(f'{with_bind}\nbind = "{address.removeprefix("http://")}"\n' + "".join(f"{one}\n" for one in settings))
    for number, party in enumerate((*parties, OPERATOR)):
        for role in ("dpo", "signatory", *(("checker",) if number < CHECKERS or party == OPERATOR else ())):
            hub(None, "person", "new", "--owner", party, "--role", role, "--out", places.people(party))
    for party in parties:
        pin = read_keyfile(places.key(party, "signatory")).fingerprint
        _agency("init", "--party", party, "--hub", address, "--home", str(places.agency(party)), "--pin-signatory", pin)
    _agency("init", "--party", RECIPIENT, "--hub", address, "--home", str(places.agency(RECIPIENT)), "--recipient")
    world.exchange("partner", "add", *places.cards())
    _agree(world, parties)
    with Server(world) as server:
        server.start()
        first, *others = parties
        for verb, party in (("issue", first), *(("accept", other) for other in others)):
            _agency("keys", verb, REFERENCE, "--home", str(world.home(party)))
    return world


def _agree(world: World, parties: Sequence[str]) -> None:
    template = world.places.run / "many.template.toml"
    template.write_text(words(parties), encoding="utf-8")
    cards = [flag for card in world.places.cards() for flag in ("--card", card)]
    hub(None, "agreement", "fill", template, *cards, "--out", world.places.agreement)
    world.exchange("agreement", "enter", world.places.agreement)
    agreement, here, made = read(world.places.agreement.read_text(encoding="utf-8")), world.hub(), now().replace(microsecond=0)
    for party in (*parties, OPERATOR):
        for capacity, voice in ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN)):
            said = Statement(party, capacity, speaker(agreement, party, capacity).name, voice, "", made, secrets.token_hex(16))
            key = read_keyfile(world.places.key(party, capacity.value)).signing
            with writing(here.engine) as session:
                agreements.record(session, sign_document(statement_document(agreement, said), Use.STATEMENT, key), here.clock)
    here.engine.dispose()


def _agency(*arguments: str) -> None:
    with redirect_stdout(StringIO()) as printed:
        assert run_agency([*arguments, "--quiet"]) == 0, printed.getvalue()
