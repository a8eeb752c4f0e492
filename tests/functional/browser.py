"""A real browser for tests: headless Chromium, devices that hold passkeys, the accessibility check, and what the console said."""

import ctypes.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

from demo.cast import Places
from tests.functional.world import World

FLAGS = (
    "--no-sandbox",  # tests run as whoever they run as, in containers too
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDTHS = (320, 1280)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOTS = os.environ.get("LCJP_SCREENSHOTS")  # a folder: every page that is checked is also photographed


def require_node() -> None:
    """Node, which drives the browser and runs the OpenID provider, needs one library that a bare Linux has not."""
    if sys.platform == "linux" and ctypes.util.find_library("atomic") is None:
        pytest.skip("libatomic is not installed (Debian: libatomic1): what needs Node was not tested")


def chromium_path() -> str:
    """The browser; the test is skipped where there is none."""
    found = (
        os.environ.get("LCJP_TEST_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if found is None:
        pytest.skip("no Chromium on the PATH (or in LCJP_TEST_CHROMIUM): the pages were not tested in a browser")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a run; each test has contexts of its own."""
    path = chromium_path()
    require_node()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser: one page, a device with passkeys, and everything the console complained of."""

    page: Page
    address: str
    devtools: CDPSession
    device: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the hub."""
        self.page.goto(path if "://" in path else self.address + path)
        return self.page

    def follow(self, role: Literal["link", "button"], name: str) -> None:
        """Click what leads to another page, and wait until that is there."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.get_by_role(role, name=name).click()

    def use_passkey(self, button: str, wanted: str | Callable[[str], bool]) -> None:
        """Click a button that the device answers, and wait for the address that follows; what the page said where that did not come."""
        self.page.get_by_role("button", name=button).click()
        try:
            self.page.wait_for_url(wanted)
        except TookTooLong as error:
            said = self.page.locator("#passkey-fault")
            raise AssertionError(f"{button}: {said.inner_text() if said.count() else self.page.url!r}, {self.complaints}") from error

    def enrol(self, invitation: str, label: str = "Test device") -> str:
        """Follow an invitation to the end; the fingerprint that the page shows."""
        self.go(invitation)
        self.page.get_by_label("Name of the device").fill(label)
        self.use_passkey("Create a passkey", "**/people/me")
        return self.page.locator(".exchange-fingerprint").first.inner_text()

    def sign_in(self, wanted: str = "/") -> Page:
        """Sign in with the passkey on this device."""
        self.go(f"/sign-in?next={wanted}")
        self.use_passkey("Sign in with a passkey", self.address + wanted)
        return self.page

    def sign_out(self) -> None:
        """Sign out by the button of the navigation."""
        menu = self.page.get_by_role("button", name="Menu")
        if menu.is_visible():
            menu.click()
        self.page.get_by_role("button", name="Sign out", exact=True).click()
        self.page.wait_for_url("**/sign-in*")

    def passkeys(self) -> int:
        """How many passkeys the device holds."""
        return len(self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.device})["credentials"])

    def check(self, name: str) -> None:
        """The page as it stands is accessible, fits the screen, and the console is silent: at 320 and at 1280 pixels."""
        self.page.wait_for_load_state()
        self.page.evaluate("delete window.axeSaw")
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            shoot(self.page, f"{name}-{width}")
            overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} pixels wider than a screen of {width}"
            found = violations(self.page)
            assert found == [], f"{name}: {found}"
        assert self.complaints == [], f"{name}: {self.complaints}"


@contextmanager
def visitor(chromium: Browser, address: str, **options: Any) -> Iterator[Visitor]:
    """A visitor of their own: no cookie and no passkey of anybody else's."""
    context: BrowserContext = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", **options)
    try:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        device = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
        found = Visitor(page, address, devtools, device)

        def heard(message: ConsoleMessage) -> None:
            # CSP and Trusted Types report here too. The status of an error page that a test asked for is no complaint.
            if message.type in ("error", "warning") and "status of" not in message.text:
                found.complaints.append(message.text)

        page.on("console", heard)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.set_default_timeout(15_000)
        yield found
    finally:
        context.close()


DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


# Contrast is nine tenths of what axe takes, so at the second width it looks at what is seen, or has other colours or letters, for the first
# time. All other rules are for the whole page at each.
_LOOK = """
async ([tags, contrast]) => {
    const look = element => {
        const style = getComputedStyle(element);
        return [style.color, style.backgroundColor, style.backgroundImage, style.fontSize, style.fontWeight, style.opacity].join();
    };
    const run = async (context, runOnly, rules) => (await axe.run(context, { runOnly, rules, resultTypes: ["violations"] })).violations;
    const shown = new Map([...document.body.querySelectorAll("*")].filter(one => one.checkVisibility()).map(one => [one, look(one)]));
    const before = window.axeSaw;
    window.axeSaw = new Map([...(before ?? []), ...shown]);
    if (!before) return run(document, { type: "tag", values: tags });
    const fresh = [...shown].filter(([one, looks]) => before.get(one) !== looks).map(([one]) => one);
    const found = await run(document, { type: "tag", values: tags }, { [contrast]: { enabled: false } });
    return fresh.length ? [...found, ...await run({ include: fresh }, { type: "rule", values: [contrast] })] : found;
}
"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong on the page: rule, and the first place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_LOOK, [WCAG, "color-contrast"])
    return [f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['html'][:120]}" for one in found]


def shoot(page: Page, name: str) -> None:
    """Photograph the whole page, if a folder was given for it."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def at_localhost(world: World, *settings: str) -> World:
    """The same partnership under a name, as passkeys need it, with more lines of settings for the hub."""
    named = world.address.replace("127.0.0.1", "localhost")
    bind, port = world.address.removeprefix("http://"), world.address.rsplit(":", 1)[1]
    for path in (world.config, *world.places.run.glob("*/agency.toml")):
        text = path.read_text(encoding="utf-8").replace(world.address, named)
        path.write_text(text.replace(f'bind = "{bind}"', f'bind = "127.0.0.1:{port}"'), encoding="utf-8")
    found = World(Places(world.places.run), named)
    if settings:
        found.add(found.config, "\n".join(settings) + "\n")
    return found


def invite(world: World, party: str, name: str, *roles: str, position: str = "Head of Information") -> str:
    """The address of an invitation, from the operator's command."""
    flags = [flag for role in roles for flag in ("--role", role)]
    printed = world.exchange("person", "invite", "--party", party, "--name", name, "--position", position, *flags)
    return printed.splitlines()[0]
