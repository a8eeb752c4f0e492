"""The real server and a real browser: two checkers with passkeys look at an edition and approve it, blind to each other; a party's DPO looks at it and stops it; one is
refused, one withdrawn.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from adapters.agency.cli import run as run_agency
from demo.cast import OPERATOR, PARTIES, RECIPIENT, REFERENCE, RELEASE
from demo.stage import hub
from keys.keyfile import read_keyfile
from tests.functional.browser import Visitor, at_localhost, invite, visitor
from tests.functional.raw import Raw, small
from tests.functional.truth import log_entries
from tests.functional.world import CLEVELAND, DURHAM, World, document_of, person, replaced, serving

MONTH = "2021-06"
FORCES = (CLEVELAND, DURHAM)


@dataclass
class Scene:
    """A running hub whose version in force names two checkers' passkeys, with a month held of both forces."""

    world: World
    first: Visitor
    second: Visitor
    dpo: Visitor
    public: Visitor

    def ask(self, reason: str = "") -> str:
        """The operator's checker asks for an edition, with a key file; its id."""
        said = ("--json", "release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH, "--reason", reason)
        return str(json.loads(self.world.exchange(*said, "--key", person(self.world, OPERATOR, "checker")))["edition"])

    def fetched(self, path: str) -> requests.Response:
        """What the recipient is answered."""
        return Raw(self.world, RECIPIENT).call("get", path)


@contextmanager
def scene(world: World, chromium: Browser, folder: Path) -> Iterator[Scene]:
    world = at_localhost(world)
    ways = {party: invite(world, party, f"Robin of {party}", "checker", position="Statistician") for party in FORCES}
    answers = invite(world, DURHAM, "Kim of Durham", "dpo", position="Data protection officer")
    with serving(world), ExitStack() as open_:
        first, second, dpo, public = (open_.enter_context(visitor(chromium, world.address)) for _ in range(4))
        dpo.enrol(answers)
        sign(world, {party: one.enrol(ways[party]) for party, one in zip(FORCES, (first, second), strict=True)})
        for party in FORCES:
            for dataset in ("crimes", "outcomes"):
                extract = small(folder, party, dataset, MONTH, rows=400)
                assert run_agency(["push", dataset, str(extract.path), "--period", MONTH, "--home", str(world.home(party)), "--quiet"]) == 0
        yield Scene(world, first, second, dpo, public)


def sign(world: World, named: dict[str, str]) -> None:
    """Version 2 names the checkers' passkeys; everybody advises and signs it by key file."""
    places, document = world.places, world.places.run / "version-2.toml"
    keys = [(read_keyfile(places.key(party, "checker")).fingerprint, fingerprint) for party, fingerprint in named.items()]
    text = (places.run / "lcjp-mv7.toml").read_text(encoding="utf-8")
    received = f'recipients = ["{RECIPIENT}"]\n'
    document.write_text(
        replaced(text, *keys, ("\nversion = 1\n", "\nversion = 2\n"), (received, f"{received}public = true\n")), encoding="utf-8"
    )
    world.exchange("agreement", "enter", document)
    for party in PARTIES:
        for verb, role in (("advise", "dpo"), ("sign", "signatory")):
            out = places.run / f"2-{party}-{verb}.json"
            hub(None, "agreement", verb, document, "--key", places.key(party, role), "--out", out)
            world.exchange("agreement", "record", out)


def decide(reader: Visitor, edition: str, decision: str, comment: str = "", name: str = "") -> None:
    """Look at the edition, say it, and sign it with the device."""
    reader.go(f"/checks/{edition}")
    reader.page.get_by_label("Yes, I approve it" if decision == "approve" else "No, I refuse it").check()
    reader.page.get_by_label("Your words").fill(comment)
    reader.follow("button", "Continue")
    if name:
        reader.check(name)
    confirm(reader, "Approve this edition" if decision == "approve" else "Refuse this edition")


def confirm(reader: Visitor, button: str) -> None:
    reader.use_passkey(button, lambda url: "/decisions/" not in url)


def main_of(reader: Visitor, path: str) -> str:
    return reader.go(path).inner_text("main")


@pytest.mark.timeout(600)
def test_two_checkers_approve_blind_one_refuses_and_what_is_withdrawn_is_gone(world: World, chromium: Browser, tmp_path: Path) -> None:
    with scene(world, chromium, tmp_path) as here:
        edition = here.ask()
        approved(here, edition)
        answered_for(here, edition)
        refused(here, edition)
        withdrawn(here, edition)


def approved(here: Scene, edition: str) -> None:
    here.first.go("/checks")
    here.first.check("checks-queue")
    look(here.first, edition)
    theirs = main_of(here.second, f"/checks/{edition}")
    decide(here.first, edition, "approve", "Every table looked at.", "checking-decision")
    here.first.check("checking-said")
    assert main_of(here.second, f"/checks/{edition}") == theirs  # to the letter
    assert "output check: " not in json.dumps(log_entries(here.world.hub()))
    assert here.fetched(f"/v1/editions/{edition}").status_code == 404
    decide(here.second, edition, "approve")
    assert "the edition is published" in here.second.page.inner_text("main")
    here.second.check("checking-published")
    assert here.fetched(f"/v1/editions/{edition}").ok


def look(reader: Visitor, edition: str) -> None:
    """The page as it opens, another cut of it, and the picture."""
    reader.go(f"/checks/{edition}")
    reader.page.get_by_text("As a picture").click()
    reader.check("checking")
    down = reader.page.get_by_label("Down")
    other = [one.get_attribute("value") for one in down.locator("option").all()][-1]
    down.select_option(other)
    reader.follow("button", "Show this cut")
    assert f"down={other}" in reader.page.url
    reader.check("checking-cut")


def answered_for(here: Scene, edition: str) -> None:
    """A party's DPO finds what was published under the agreement, what it was made from and how it was tested; stops the agreement, and lets it move again."""
    dpo, file = here.dpo, f"{here.world.address}/public/editions/{edition}/by-area.csv"
    received = f"/v1/editions/{edition}/tables/by-area.csv"
    dpo.go("/checks")
    dpo.page.locator(f"a[href$='/checks/{edition}']").first.click()
    dpo.page.wait_for_url(f"**/checks/{edition}")
    seen = dpo.page.inner_text("main")
    for what in ("Published", "The disclosure test", "What it was made from", "Who checked it", "Durham Constabulary: approved it", "Down"):
        assert what.lower() in seen.lower(), what
    assert "Your decision" not in seen
    dpo.check("dpo-edition")
    read = here.public.page.request.get(file)
    assert (read.status, here.fetched(received).status_code) == (200, 200)
    assert "noindex" not in here.public.page.request.get(f"{here.world.address}/public/framework").headers.get("x-robots-tag", "")
    say(here.world, "suspend")
    stopped = dpo.go(f"/checks/{edition}").inner_text("main")
    assert "shown to nobody at present" in stopped
    assert "the agreement is suspended" in stopped
    assert "[c]" not in stopped
    assert dpo.page.get_by_label("Down").count() == 0
    assert "It could work out none." in stopped
    dpo.check("dpo-suspended")
    assert here.public.page.request.get(file).status == 403
    assert here.fetched(received).status_code == 403
    say(here.world, "resume")
    assert here.public.page.request.get(file).body() == read.body()
    assert here.fetched(received).ok


def say(world: World, voice: str) -> None:
    """What the DPO says of version 2, signed with the key that it names."""
    places = world.places
    out = places.run / f"2-{voice}.json"
    key = person(world, DURHAM, "dpo" if voice == "suspend" else "signatory")
    hub(None, "agreement", voice, places.run / "version-2.toml", "--key", key, "--out", out)
    world.exchange("agreement", "record", out)


def refused(here: Scene, before: str) -> None:
    edition = here.ask("The same again.")
    here.first.go(f"/checks/{edition}")
    assert before in here.first.page.inner_text("main")
    with here.first.page.expect_navigation(wait_until="load"):
        here.first.page.get_by_role("button", name="Continue").click()
    assert here.first.page.title().startswith("Error: ")
    here.first.check("checking-error")
    decide(here.first, edition, "refuse", "It says nothing new.")
    assert "the draft is dropped" in here.first.page.inner_text("main")
    here.first.check("checking-dropped")
    assert "It says nothing new." in main_of(here.second, f"/checks/{edition}")


def withdrawn(here: Scene, edition: str) -> None:
    here.second.go(f"/checks/{edition}")
    with here.second.page.expect_navigation(wait_until="load"):
        here.second.page.get_by_role("link", name="Withdraw this edition").click()
    here.second.check("withdraw")
    here.second.page.get_by_label("What is wrong with it").fill("A force’s month was counted twice.")
    with here.second.page.expect_navigation(wait_until="load"):
        here.second.page.get_by_role("button", name="Continue").click()
    here.second.check("withdraw-check")
    confirm(here.second, "Withdraw this edition")
    gone = here.fetched(f"/v1/editions/{edition}/tables/by-area.csv")
    assert (gone.status_code, document_of(gone)["code"], document_of(gone)["successor"]) == (410, "edition-withdrawn", None)
    after = here.ask("The month is counted once.")
    for one in (here.first, here.second):
        decide(one, after, "approve")
    told = document_of(here.fetched(f"/v1/editions/{edition}"))
    assert (told["successor"], told["reason"]) == (after, "A force’s month was counted twice.")
    here.first.go(f"/checks/{edition}")
    here.first.check("withdrawn")
    here.first.go("/checks")
    here.first.check("checks-decided")
