"""Proof 1 of the agreements: a new version's whole life in browsers, every person of every party with a passkey of their own.

It is proposed, differs, is rehearsed over what was sent before, advised on by every DPO, signed by every signatory, comes into force, lets
a push through, is suspended, and stops the next push in the same words on screen, in the API and at the agency's terminal.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from demo.cast import PARTIES, REFERENCE
from demo.stage import hub
from keys.keyfile import read_keyfile
from tests.functional.browser import Visitor, at_localhost, invite, visitor
from tests.functional.raw import Raw, small
from tests.functional.world import CLEVELAND, DURHAM, World, agency, document_of, replaced, serving

SECOND = f"/agreements/{REFERENCE}/versions/2"
ROLES = ("dpo", "signatory")
AGREEMENT_REFUSED = 5
REASON = "the agreement is suspended."
REMEDY = "It moves again when every party that suspended it has resumed."


def propose(world: World, passkeys: dict[tuple[str, str], str]) -> None:
    """Version 2 names everybody's passkey in place of the key file, and keeps crimes for nine years; the old keys vouch for the new."""
    places, document = world.places, world.places.run / "version-2.toml"
    text = (forerunner := places.run / "lcjp-mv7.toml").read_text(encoding="utf-8")
    for (party, role), fingerprint in passkeys.items():
        text = replaced(text, (read_keyfile(places.key(party, role)).fingerprint, fingerprint))
    document.write_text(replaced(text, ("\nversion = 1\n", "\nversion = 2\n")).replace('"P10Y"', '"P9Y"', 1), encoding="utf-8")
    world.exchange("agreement", "enter", document)
    for party in PARTIES:
        out = places.run / f"endorse-{party}.json"
        key = places.key(party, "signatory")
        hub(None, "agreement", "endorse", document, "--forerunner", forerunner, "--key", key, "--out", out)
        world.exchange("agreement", "record", out)


def review(reader: Visitor) -> None:
    """Tick off every section of the task list."""
    reader.go(f"{SECOND}/review")
    reader.follow("link", "Check the purpose")
    while not reader.page.url.endswith("/review"):
        reader.follow("button", "I have checked this")


def advise(reader: Visitor) -> None:
    review(reader)
    reader.follow("link", "Give your advice")
    reader.page.get_by_label("Yes, I advise for it").check()
    reader.follow("button", "Continue")
    reader.use_passkey("Give this advice", "**/recorded/*")


def sign(reader: Visitor) -> str:
    review(reader)
    reader.follow("link", "Sign this agreement")
    reader.follow("button", "Continue")
    reader.use_passkey("Sign this agreement", "**/recorded/*")
    return reader.page.inner_text("main")


def suspend(reader: Visitor) -> None:
    page = reader.go(f"{SECOND}/suspend")
    page.get_by_label("The whole agreement").check()
    page.get_by_label("Why").fill("An incident is looked into.")
    reader.follow("button", "Continue")
    reader.use_passkey("Suspend now", "**/recorded/*")


def explained(reader: Visitor, period: str) -> str:
    page = reader.go(f"/agreements/{REFERENCE}/explain")
    page.get_by_label("What is to be done").select_option("submit")
    page.get_by_label("Dataset").select_option("crimes")
    page.get_by_label("Period").fill(period)
    reader.follow("button", "Explain")
    return page.inner_text("main")


@pytest.mark.timeout(300)
def test_a_version_from_its_proposal_to_its_suspension(world: World, chromium: Browser, tmp_path: Path) -> None:
    world = at_localhost(world)
    before, then, never = (small(tmp_path, CLEVELAND, "crimes", month, rows=20) for month in ("2021-06", "2021-07", "2021-08"))
    home = world.home(CLEVELAND)
    invitations = {(party, role): invite(world, party, f"{party} {role}", role) for party in PARTIES for role in ROLES}
    with serving(world), ExitStack() as browsers:
        assert agency("push", "crimes", before.path, "--period", "2021-06", "--home", home).code == 0
        people = {who: browsers.enter_context(visitor(chromium, world.address)) for who in invitations}
        propose(world, {who: reader.enrol(invitations[who]) for who, reader in people.items()})

        reader = people[CLEVELAND, "dpo"]  # of its own submissions it sees what would have become; Durham has sent none
        assert "10 years" in (difference := reader.go(f"{SECOND}/difference").inner_text("main"))
        assert "9 years" in difference
        assert "2021-06" in reader.go(f"{SECOND}/rehearsal").inner_text("main")
        for (_, role), reader in people.items():
            if role == "dpo":
                advise(reader)
        said = [sign(reader) for (_, role), reader in people.items() if role == "signatory"]
        assert ["In force" in one for one in said] == [False, False, True]

        pin = world.home(CLEVELAND) / "agency.toml"
        old = read_keyfile(world.places.key(CLEVELAND, "signatory")).fingerprint
        pinned = agency("push", "crimes", then.path, "--period", "2021-07", "--home", home)
        assert (pinned.code, "pinned" in pinned.err) == (10, True)  # the agency takes no new key of its signatory but by another road
        signatory = people[CLEVELAND, "signatory"].go("/people/me").locator(".exchange-fingerprint").first.inner_text()
        pin.write_text(replaced(pin.read_text(encoding="utf-8"), (old, signatory)), encoding="utf-8")
        pushed = agency("push", "crimes", then.path, "--period", "2021-07", "--home", home)
        assert pushed.code == 0, pushed
        assert f"{REFERENCE} version 2" in pushed.out

        raw = Raw(world, CLEVELAND)
        late = raw.sealed(never)
        suspend(people[DURHAM, "dpo"])
        refused = agency("push", "crimes", never.path, "--period", "2021-08", "--home", home)
        assert refused.code == AGREEMENT_REFUSED
        clause = f"{REFERENCE} version 2, suspension"
        answer = raw.announce(late)
        problem = document_of(answer)
        assert (answer.status_code, problem["clause"]) == (403, clause)
        screen = explained(people[CLEVELAND, "dpo"], "2021-08")
        for words in (clause, REASON, REMEDY):
            assert words in refused.err
            assert words in f"{problem['clause']} {problem['detail']} {problem['remedy']}"
            assert words in screen
        verified = world.places.run / "exported.json"
        world.exchange("agreement", "export", REFERENCE, "--out", verified)
        told = world.exchange("agreement", "verify", verified)
        assert told.count("passkey at http://localhost") == 2 * len(PARTIES) + 1
