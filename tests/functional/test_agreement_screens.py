"""The real server and a real browser: a new version is read, reviewed, advised on, signed, and comes into force; then it is stopped.

The people of one force hold passkeys; the others sign with key files, as the agreement names them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from demo.cast import PARTIES, REFERENCE
from demo.stage import hub
from exchange.db import writing
from exchange.register import agreements
from keys.keyfile import read_keyfile
from tests.exchange.web.hostile import hostile
from tests.functional.browser import Visitor, at_localhost, invite, visitor
from tests.functional.raw import small
from tests.functional.truth import Extract
from tests.functional.world import CLEVELAND, DURHAM, Ended, World, agency, replaced, serving

FIRST, SECOND = (f"/agreements/{REFERENCE}/versions/{number}" for number in (1, 2))
AGREEMENT_REFUSED = 5  # exit code of the agency's client


@dataclass
class Scene:
    """A running hub with a second version proposed, and the two people of one force who must speak about it."""

    world: World
    dpo: Visitor
    signatory: Visitor


@contextmanager
def scene(world: World, chromium: Browser) -> Iterator[Scene]:
    world = at_localhost(world)
    ways = {role: invite(world, CLEVELAND, f"Robin {role.capitalize()}", role) for role in ("dpo", "signatory")}
    with serving(world), visitor(chromium, world.address) as dpo, visitor(chromium, world.address) as signatory:
        propose(world, {role: one.enrol(ways[role]) for role, one in (("dpo", dpo), ("signatory", signatory))})
        yield Scene(world, dpo, signatory)


def propose(world: World, named: dict[str, str]) -> None:
    """Enter version 2, which names the passkeys and keeps rows longer; everybody else advises and signs it by key file."""
    places, document = world.places, world.places.run / "version-2.toml"
    keys = [(read_keyfile(places.key(CLEVELAND, role)).fingerprint, fingerprint) for role, fingerprint in named.items()]
    edits = (("\nversion = 1\n", "\nversion = 2\n"), ('retention = "P10Y"', 'retention = "P11Y"'))
    document.write_text(replaced((places.run / "lcjp-mv7.toml").read_text(encoding="utf-8"), *keys, *edits), encoding="utf-8")
    world.exchange("agreement", "enter", document)
    for party in PARTIES:
        for verb, role in (("advise", "dpo"), ("sign", "signatory")) if party != CLEVELAND else ():
            out = places.run / f"2-{party}-{verb}.json"
            hub(None, "agreement", verb, document, "--key", places.key(party, role), "--out", out)
            world.exchange("agreement", "record", out)


def review(reader: Visitor, *, looked_at: bool) -> None:
    """Check every section, one page after another; and look at each of these pages."""
    reader.go(f"{SECOND}/review")
    reader.follow("link", "Check the purpose")
    while not reader.page.url.endswith("/review"):
        if looked_at:
            reader.check("review-" + reader.page.url.rsplit("/", 1)[1])
        reader.follow("button", "I have checked this")


def by_passkey(reader: Visitor, button: str, name: str) -> None:
    """The page where it is checked, then the device, then the page that confirms it; both looked at."""
    reader.check(f"{name}-check")
    reader.use_passkey(button, "**/recorded/*")
    reader.check(f"{name}-recorded")


@pytest.mark.timeout(600)
def test_reviewed_advised_on_signed_in_force_suspended_resumed_ended(world: World, chromium: Browser, tmp_path: Path) -> None:
    with scene(world, chromium) as here:
        read(here.dpo)
        advise(here.dpo)
        sign_by_keyboard(here.signatory)
        first, second = (small(tmp_path, DURHAM, "crimes", month, rows=20) for month in ("2021-06", "2021-07"))
        pushed = push(here.world, first)
        assert pushed.code == 0, pushed
        look_at_submissions(here.dpo)
        suspend(here.dpo)
        refused = push(here.world, second)
        reason, remedy = "the agreement is suspended.", "It moves again when every party that suspended it has resumed."
        place = f"{REFERENCE} version 2, suspension"
        assert refused.code == AGREEMENT_REFUSED, refused
        assert all(words in refused.err for words in (place, reason, remedy)), refused
        assert f"{place}: {reason} {remedy}" in explain(here.dpo)
        resume(here.signatory)
        again = push(here.world, second)
        assert again.code == 0, again
        terminate(here.signatory)


def push(world: World, extract: Extract) -> Ended:
    return agency("push", "crimes", extract.path, "--period", extract.period, "--home", world.home(DURHAM))


def read(reader: Visitor) -> None:
    """Every page on which nothing is said."""
    for name, path in {
        "register": "/agreements",
        "agreement-proposed": SECOND,
        "review": f"{SECOND}/review",
        "difference": f"{SECOND}/difference",
        "rehearsal-empty": f"{SECOND}/rehearsal",
        "statement-file": f"{FIRST}/statement-file?say=suspend",
        "unknown": f"/agreements/{REFERENCE}/versions/9",
        "refused": f"{SECOND}/resume",
    }.items():
        reader.go(path)
        reader.check(name)


def advise(dpo: Visitor) -> None:
    review(dpo, looked_at=True)
    dpo.check("review-done")
    dpo.follow("link", "Give your advice")
    dpo.follow("button", "Continue")
    assert dpo.page.title().startswith("Error: ")
    dpo.check("advise-error")
    dpo.page.get_by_label("Yes, I advise for it").check()
    dpo.page.get_by_label("Your words").fill("The eleventh year is needed for the ten-year comparison.")
    dpo.follow("button", "Continue")
    by_passkey(dpo, "Give this advice", "advise")


def sign_by_keyboard(signatory: Visitor) -> None:
    """From the form to the confirmation with Tab and Enter alone."""
    review(signatory, looked_at=False)  # the pages are those that the DPO has looked at
    signatory.follow("link", "Sign this agreement")
    signatory.check("sign")
    tab_to(signatory, "document.activeElement.textContent.trim() == 'Continue'")
    signatory.page.keyboard.press("Enter")
    signatory.page.wait_for_url("**/statements/*")
    signatory.check("sign-check")
    tab_to(signatory, "document.activeElement.hasAttribute('data-passkey')")
    assert signatory.page.evaluate("document.activeElement.textContent.trim()") == "Sign this agreement"
    signatory.page.keyboard.press("Enter")
    signatory.page.wait_for_url("**/recorded/*")
    assert "In force" in signatory.page.inner_text("main")
    signatory.check("sign-recorded")


def tab_to(reader: Visitor, reached: str) -> None:
    """Press Tab from the top of the page until the element is reached."""
    reader.page.reload()
    for _ in range(60):
        reader.page.keyboard.press("Tab")
        if reader.page.evaluate(reached):
            return
    raise AssertionError(f"Tab never reached it: {reached}")


def look_at_submissions(reader: Visitor) -> None:
    """The list, filtered and not, one submission, and what the next version would have made of it."""
    reader.go(f"/agreements/{REFERENCE}/submissions")
    reader.check("submissions")
    reader.page.get_by_label("State").select_option("refused")
    reader.follow("button", "Apply")
    assert "There are none of this kind" in reader.page.inner_text("main")
    reader.check("submissions-none")
    reader.go(f"/agreements/{REFERENCE}/submissions")
    reader.follow("link", "crimes, 2021-06")
    reader.check("submission")
    reader.go(f"{SECOND}/rehearsal")
    reader.check("rehearsal")


def suspend(dpo: Visitor) -> None:
    dpo.go(SECOND)
    dpo.check("agreement-in-force")
    dpo.follow("button", "Suspend")
    dpo.check("suspend")
    dpo.page.get_by_label("The whole agreement").check()
    dpo.page.get_by_label("Why").fill("An incident is looked into.")
    dpo.follow("button", "Continue")
    by_passkey(dpo, "Suspend now", "suspend")
    assert "millisecond" in dpo.page.inner_text("main")
    dpo.go(SECOND)
    dpo.check("agreement-suspended")


def explain(reader: Visitor) -> str:
    """Ask why; what the page says."""
    reader.go(f"/agreements/{REFERENCE}/explain")
    reader.check("explain")
    reader.page.get_by_label("What is to be done").select_option("submit")
    reader.page.get_by_label("Dataset").select_option("crimes")
    reader.page.get_by_label("Period").fill("2021-07")
    reader.follow("button", "Explain")
    reader.check("explained")
    return reader.page.inner_text("main")


def resume(signatory: Visitor) -> None:
    signatory.go(f"{SECOND}/resume")
    signatory.check("resume")
    signatory.follow("button", "Continue")
    by_passkey(signatory, "Resume", "resume")


def terminate(signatory: Visitor) -> None:
    signatory.go(f"{SECOND}/terminate")
    signatory.follow("button", "Continue")
    signatory.check("terminate-error")
    signatory.page.get_by_label("Type the reference").fill(REFERENCE)
    signatory.follow("button", "Continue")
    by_passkey(signatory, "End this agreement now", "terminate")
    signatory.go(SECOND)
    signatory.check("agreement-ended")


@pytest.mark.timeout(300)
def test_hostile_words_fit_the_screen_and_do_nothing(world: World, chromium: Browser) -> None:
    """Script, markup, endless words, a megabyte of them: shown as they are written, wrapped, and nothing runs."""
    world = at_localhost(world)
    with writing((here := world.hub()).engine) as session:
        row = agreements.current(session, REFERENCE)
        assert row is not None
        agreements.enter(session, hostile(row.canonical), "operator", here.clock())
    invitation = invite(world, CLEVELAND, "Robin Example", "dpo")
    with serving(world), visitor(chromium, world.address) as robin:
        robin.enrol(invitation)
        dialogs: list[str] = []
        robin.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for path in ("/agreements", SECOND, f"{SECOND}/difference", f"{SECOND}/review/dataset-crimes"):
            robin.go(path)
            for width in (320, 1280):
                robin.page.set_viewport_size({"width": width, "height": 900})
                assert robin.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, (
                    path,
                    width,
                )
            assert "<script>alert(1)</script>" in robin.page.inner_text("main")
        assert dialogs == []
        assert robin.complaints == []
