"""``exchange person …``: what the operator does for people who sign in."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.db import reading
from exchange.errors import ExchangeError
from exchange.people import people
from keys.encoding import parse_json
from keys.formats import Card
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, DURHAM, URL, World
from tests.exchange.web.signed_in import enter

INVITE = ("invite", "--party", CLEVELAND, "--name", "Robin Example", "--position", "DPO", "--role", "dpo", "--role", "checker")


def person(world: World, *arguments: str) -> Any:
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "--json", "person", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_invited_listed_linked_and_ended(world: World) -> None:
    made = person(world, *INVITE)
    assert made["address"].startswith(f"{URL}/enrol/")
    page = world.app.test_client().get(made["address"].removeprefix(URL))
    assert "Robin Example" in page.text
    (listed,) = person(world, "list")["people"]
    assert (listed["person"], listed["roles"], listed["passkeys"]) == (made["person"], ["checker", "dpo"], [])
    assert person(world, "list", "--party", DURHAM) == {"people": []}
    again = person(world, "invite", "--again", made["person"])
    assert again["address"] != made["address"]
    assert world.app.test_client().get(made["address"].removeprefix(URL)).status_code == 404
    person(world, "link-oidc", made["person"], "--issuer", "https://idp.example", "--subject", "robin")
    with reading(world.hub.engine) as session:
        row = people.identified(session, "https://idp.example", "robin")
        assert row is not None
        assert row.id == made["person"]
        assert people.identified(session, "https://other.example", "robin") is None
    person(world, "end", made["person"])
    assert person(world, "list")["people"][0]["ended"]
    with reading(world.hub.engine) as session:
        assert people.identified(session, "https://idp.example", "robin") is None


def test_a_card_for_an_agreement(world: World, tmp_path: Path) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    out = tmp_path / "dpo.card.json"
    found = person(world, "card", somebody.id, "--role", "dpo", "--out", str(out))
    card = Card.parse(parse_json(out.read_bytes()))
    assert (card.kind, card.owner, card.role) == ("passkey", CLEVELAND, "dpo")
    assert card.fingerprint == found["fingerprint"] == somebody.fingerprint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("invite", "--party", CLEVELAND), "Give --party"),
        (("invite", "--again", "per-nobody"), "no such person"),
        (("end", "per-nobody"), "no such person"),
        (("card", "per-nobody", "--role", "dpo", "--out", "x"), "no such person"),
        (("invite", "--party", "No Such", "--name", "x", "--position", "y", "--role", "dpo"), "party's id"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(world: World, arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "person", *arguments])
    assert done.exit_code != 0
    assert said in (str(done.exception) if isinstance(done.exception, ExchangeError) else done.output)
    assert callable(run)


def test_one_identity_is_one_person(world: World) -> None:
    first, second = enter(world, CLEVELAND, "dpo"), enter(world, CLEVELAND, "signatory")
    linked = ("--issuer", "https://idp.example", "--subject", "robin")
    person(world, "link-oidc", first.id, *linked)
    person(world, "link-oidc", first.id, *linked)
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "person", "link-oidc", second.id, *linked])
    assert "another person" in str(done.exception)


def test_no_invitation_where_passkeys_cannot_work(world: World) -> None:
    config = configured(world)
    config.write_text(config.read_text().replace(URL, "http://127.0.0.1:8080"))
    done = CliRunner().invoke(cli, ["--config", str(config), "person", *INVITE])
    assert "host name" in str(done.exception)
