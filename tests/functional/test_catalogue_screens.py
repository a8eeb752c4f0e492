"""Releases in a real browser: an analyst finds one, cuts its newest table, and reads how to pull it; wide, narrow, and without JavaScript."""

from pathlib import Path

from playwright.sync_api import Browser

from demo.cast import REFERENCE, RELEASE
from tests.functional.browser import at_localhost, invite, shoot, visitor
from tests.functional.test_pulling import fill, published
from tests.functional.world import CLEVELAND, World, serving

PAGE = f"/releases/{REFERENCE}/{RELEASE}"


def test_an_analyst_looks_at_a_release(world: World, chromium: Browser, tmp_path: Path) -> None:
    world = at_localhost(world)
    way = invite(world, CLEVELAND, "Robin Analyst", "analyst", position="Analyst")
    with serving(world), visitor(chromium, world.address) as analyst:
        fill(world, tmp_path)
        analyst.enrol(way)
        analyst.go("/releases")
        analyst.check("catalogue-empty")
        edition = published(world)
        page = analyst.go("/")
        page.get_by_role("link", name="Releases").first.click()
        analyst.check("catalogue")
        page.get_by_role("link", name="Outcomes of recorded crime by area and type").click()
        page.wait_for_url(f"**{PAGE}")
        assert edition in page.get_by_role("main").inner_text()
        analyst.check("release")
        page.get_by_label("Down the side").select_option("authority")
        page.get_by_label("Month recorded", exact=True).select_option("2021-06")
        page.get_by_role("button", name="Show").click()
        grid = page.locator(".exchange-grid")
        assert grid.locator("thead th").first.inner_text() == "Local authority"
        assert {"Cleveland", "Durham", "Both forces", "[c]"} <= set(grid.locator("th, td").all_inner_texts())
        assert "Month recorded: 2021-06" in page.locator("#grid-said").inner_text()
        analyst.check("release-cut")
        cookies = page.context.cookies()
        with visitor(chromium, world.address, java_script_enabled=False) as plain:
            plain.page.context.add_cookies([{**one} for one in cookies])  # type: ignore[typeddict-item]
            plain.go(f"{PAGE}?rows=authority&columns=force")
            plain.page.get_by_label("Down the side").select_option("group")
            plain.page.get_by_role("button", name="Show").click()
            assert plain.page.locator(".exchange-grid thead th").first.inner_text() == "Outcome"
            shoot(plain.page, "release-without-javascript")
