"""The real server, a real browser, a device with a passkey: invited, enrolled, signed in, and every page of the foundation looked at."""

import pytest
from playwright.sync_api import Browser, Route

from demo.cast import OPERATOR
from tests.functional.browser import Visitor, at_localhost, invite, shoot, violations, visitor
from tests.functional.world import CLEVELAND, World, serving

PAGES = {
    "home": "/",
    "organisations": "/organisations",
    "own-organisation": f"/organisations/{CLEVELAND}",
    "operator-organisation": f"/organisations/{OPERATOR}",
    "people": "/people",
    "me": "/people/me",
    "accessibility": "/accessibility",
    "not-found": "/nowhere",
    "unknown-organisation": "/organisations/nobody",
    "forbidden": "/people/invite",
}
BAD_PAGE = """<html><head><title></title></head><body><img src="/static/favicon.svg"><a href="/"></a>
<input type="text"><p style="color:#ccc;background:#fff">faint words</p><button></button></body></html>"""


@pytest.mark.timeout(300)
def test_invited_enrolled_signed_in_and_every_page(world: World, chromium: Browser) -> None:
    world = at_localhost(world)
    invitation = invite(world, CLEVELAND, "Robin Example", "dpo", "checker")
    with serving(world), visitor(chromium, world.address) as robin:
        robin.go("/")
        assert robin.page.url == f"{world.address}/sign-in"
        robin.check("sign-in")
        robin.go(invitation)
        assert "Robin Example" in robin.page.inner_text("main")
        robin.check("enrol")
        fingerprint = robin.enrol(invitation)
        assert fingerprint in world.exchange("person", "list")
        robin.check("enrolled")
        with robin.page.expect_download() as download:
            robin.page.get_by_role("link", name="Download as data protection officer").click()
        assert download.value.suggested_filename == f"{CLEVELAND}-dpo.card.json"
        assert fingerprint.removeprefix("passkey:") not in invitation
        robin.sign_out()
        robin.check("signed-out")
        pressed_before_its_script(robin)
        robin.sign_in("/organisations")
        for name, path in PAGES.items():
            robin.go(path)
            robin.check(name)
        robin.go(invitation)
        robin.check("used-invitation")
        # Its word is no more in the server's log than a password would be.
        assert invitation.rsplit("/", 1)[1] not in world.log.read_text(encoding="utf-8")


def pressed_before_its_script(reader: Visitor) -> None:
    """On a slow line the page is there before what makes its button work: until then the button cannot be pressed in vain."""
    button = reader.page.get_by_role("button", name="Sign in with a passkey")
    before: list[bool] = []

    def late(script: Route) -> None:
        before.append(button.is_disabled())
        script.continue_()

    reader.page.route("**/passkey.js*", late)
    reader.go("/sign-in")
    assert before == [True]
    assert button.is_enabled()
    reader.page.unroute("**/passkey.js*")


@pytest.mark.timeout(300)
def test_the_operator_at_work(world: World, chromium: Browser) -> None:
    world = at_localhost(world)
    invitation = invite(world, OPERATOR, "Oli Operator", "operator")
    with serving(world), visitor(chromium, world.address) as oli:
        oli.enrol(invitation)
        oli.go("/people/invite")
        oli.check("invite")
        oli.page.get_by_role("button", name="Make the invitation").click()
        assert oli.page.title().startswith("Error: ")
        oli.check("invite-faults")
        oli.page.get_by_label("Organisation’s id").fill(CLEVELAND)
        oli.page.get_by_label("Full name").fill("Robin Example")
        oli.page.get_by_label("Position").fill("Analyst")
        oli.page.get_by_label("Analyst", exact=True).check()
        oli.page.get_by_role("button", name="Make the invitation").click()
        oli.check("invitation")
        handed = oli.page.locator("#invitation").inner_text()
        with visitor(chromium, world.address) as robin:
            robin.enrol(handed)
            robin.go("/people/me")
            robin.page.get_by_role("link", name="Revoke").click()
            robin.check("revoke-passkey")
            oli.go("/people")
            oli.check("people-of-the-operator")
            oli.page.get_by_role("link", name="End access of Robin Example").click()
            oli.check("end-person")
            oli.page.get_by_role("button", name="End access").click()
            assert "can no longer sign in" in oli.page.inner_text("main")
            robin.go("/people/me")
            assert "/sign-in" in robin.page.url
            robin.page.get_by_role("button", name="Sign in with a passkey").click()
            fault = robin.page.get_by_role("alert")
            fault.get_by_text("this passkey is not in use here.").wait_for()
            robin.check("sign-in-refused")


@pytest.mark.timeout(300)
def test_notices_are_chosen_by_keyboard_changed_and_stopped(world: World, chromium: Browser) -> None:
    world = at_localhost(world, 'notices = "notices.toml"')
    settings = '[mail]\nhost = "localhost"\nsender = "hub@hub.example"\n'
    (world.config.parent / "notices.toml").write_text(settings, encoding="utf-8")
    invitation = invite(world, CLEVELAND, "Robin Example", "dpo")
    with serving(world), visitor(chromium, world.address) as robin:
        robin.enrol(invitation)
        robin.page.get_by_role("link", name="Choose what to be told of").click()
        robin.check("notices")
        robin.page.get_by_label("Your e-mail address at work").focus()
        robin.page.keyboard.press("Enter")
        robin.page.get_by_role("heading", name="There is a problem").wait_for()
        assert robin.page.title().startswith("Error: ")
        robin.check("notices-faults")
        robin.page.get_by_role("link", name="Choose at least one thing to be told of").click()
        robin.page.keyboard.press("Space")  # the link leads into the list, where the first box is ticked
        robin.page.get_by_label("An agreement was suspended").check()
        robin.page.get_by_label("Name the agreement in the e-mail").check()
        robin.page.get_by_label("Your e-mail address at work").fill("robin@police.example")
        robin.page.keyboard.press("Enter")
        robin.page.wait_for_url("**/people/me")
        robin.check("notices-chosen")
        shown = robin.page.inner_text("main")
        assert "An agreement was signed by a party" in shown
        assert "An agreement was suspended" in shown
        assert "robin@police.example" in world.exchange("notify", "list")
        robin.page.get_by_role("link", name="Change or stop these e-mails").click()
        assert robin.page.get_by_label("An agreement was suspended").is_checked()
        robin.check("notices-again")
        robin.page.get_by_role("button", name="Stop all e-mails to me").click()
        assert "You are sent none." in robin.page.inner_text("main")
    assert "Nobody is told of anything." in world.exchange("notify", "list")


@pytest.mark.timeout(300)
def test_without_a_script_everything_but_the_passkey_works(world: World, chromium: Browser) -> None:
    world = at_localhost(world)
    invitation = invite(world, CLEVELAND, "Robin Example", "dpo")
    with serving(world), visitor(chromium, world.address) as robin:
        robin.enrol(invitation)
        cookies = robin.page.context.cookies()
        context = chromium.new_context(java_script_enabled=False, viewport={"width": 320, "height": 900})
        page = context.new_page()
        page.goto(f"{world.address}/sign-in")
        assert "This needs JavaScript" in page.inner_text("main")
        assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
        shoot(page, "sign-in-without-script-320")
        context.add_cookies(cookies)  # type: ignore[arg-type]  # what it gives is what it takes
        page.goto(f"{world.address}/people/me")
        page.get_by_role("link", name="Organisations").click()
        page.get_by_role("link", name="Cleveland Police").click()
        assert "Keys in the register" in page.inner_text("main")
        shoot(page, "organisation-without-script-320")
        page.get_by_role("button", name="Sign out", exact=True).click()
        assert "You are signed out." in page.inner_text("main")
        context.close()


@pytest.mark.timeout(120)
def test_the_check_finds_what_is_wrong(world: World, chromium: Browser) -> None:
    """The control: a bad page has violations, a wide one overflows, and a script that the policy forbids is heard."""
    world = at_localhost(world)
    with serving(world), visitor(chromium, world.address) as robin:
        robin.page.set_content(BAD_PAGE)
        found = {one.split(":")[0] for one in violations(robin.page)}
        assert {"document-title", "html-has-lang", "image-alt", "link-name", "label", "button-name", "color-contrast"} <= found
        robin.go("/sign-in")
        wide = "const e = document.createElement('p'); e.textContent = 'x'.repeat(900); document.body.append(e)"
        robin.page.evaluate(wide)
        with pytest.raises(AssertionError, match="pixels wider"):
            robin.check("wide")
        robin.go("/sign-in")
        robin.page.evaluate(
            "const e = document.createElement('script'); try { e.text = 'window.x = 1' } catch (x) { console.error(x.message) }"
        )
        robin.page.evaluate("document.body.setAttribute('style', 'color: red')")
        assert any("Trusted" in one for one in robin.complaints)
        assert any("style" in one for one in robin.complaints)
        assert robin.page.evaluate("window.x") is None
