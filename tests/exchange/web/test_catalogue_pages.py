"""Releases on screen: who sees which, the table that is shown, and its cuts."""

import html
import re

import pytest

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.releases.tables import EditionRow
from tests.exchange.releases import drafted
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, World, crimes
from tests.exchange.web.signed_in import sign_in

PAGE = f"/releases/{REFERENCE}/{RELEASE}"


@pytest.fixture
def published(world: World) -> str:
    world.hold([crimes(46, seed=2, authority=["Hartlepool"] * 30 + ["Middlesbrough"] * 12 + ["Stockton-on-Tees"] * 4)])
    world.hold([crimes(35, seed=1, authority=["Darlington"] * 30 + ["County Durham"] * 5)], DURHAM)
    edition = drafted.ask(world)
    drafted.publish(world, edition)
    return edition


def cells(page: str) -> list[list[str]]:
    """The table of figures, row by row, headings included."""
    table = page[page.index('class="govuk-table exchange-grid"') :].split("</table>", maxsplit=1)[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def test_a_release_before_and_after_its_first_edition(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "analyst")
    assert "Agreed, and not published yet" in browser.get("/releases").text
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert "Nothing has been published yet" in page.text
    assert "Pull it into your own tools" not in page.text


def test_who_sees_it(world: World, published: str) -> None:
    for party, role in ((CLEVELAND, "analyst"), (DURHAM, "dpo"), (OPERATOR, "operator")):
        browser = sign_in(world, party, role)
        assert published in browser.get(PAGE).text
        assert "Outcomes of recorded crime" in browser.get("/releases").text
    stranger = sign_in(world, "another-force", "analyst")
    assert stranger.get(PAGE).status_code == 404
    assert REFERENCE not in stranger.get("/releases").text
    assert sign_in(world, CLEVELAND, "analyst").get(f"/releases/{REFERENCE}/nothing").status_code == 404


def test_while_it_is_suspended_its_figures_are_shown_to_nobody(world: World, published: str) -> None:
    browser = sign_in(world, CLEVELAND, "analyst")
    assert cells(browser.get(PAGE).text)
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    stopped = browser.get(PAGE).text
    assert "is shown to nobody now" in stopped
    assert "exchange-grid" not in stopped
    assert "Pull it into your own tools" not in stopped
    assert published in stopped  # that there is one is no secret to a party


def test_the_table_is_cut_as_asked_and_says_so(world: World, published: str) -> None:
    browser = sign_in(world, CLEVELAND, "analyst")
    chosen = browser.get(f"{PAGE}?table=by-area&rows=authority&columns=month&at-force=Cleveland&at-group=All+outcomes").text
    rows = cells(chosen)
    assert rows[0] == ["Local authority", "2021-04", "All months"]
    assert ["Hartlepool", "30", "30"] in rows
    assert ["Stockton-on-Tees", "[c]", "[c]"] in rows
    assert rows[-1] == ["All places", "46", "46"]
    assert "Police force: Cleveland; Outcome: All outcomes" in chosen
    assert '<option value="Cleveland" selected>' in chosen
    for odd in ("?table=nothing", "?rows=nothing&columns=nothing&figure=nothing&at-force=nobody", "?rows=force&columns=force", "?rows=%00"):
        assert browser.get(PAGE + odd).status_code == 200


def test_every_line_names_this_hub_and_this_release(world: World, published: str) -> None:
    page = html.unescape(sign_in(world, CLEVELAND, "analyst").get(PAGE).text)
    assert f'OData.Feed("http://localhost/odata/{REFERENCE}/{RELEASE}/"' in page
    assert page.count(f"http://localhost/v1/releases/{REFERENCE}/{RELEASE}/latest/by-area.csv") >= 3
    assert f"exchange dataset-token issue {REFERENCE} {RELEASE} --recipient lcjp-performance-team" in page


def test_words_of_an_edition_are_words(world: World, published: str) -> None:
    """A reason is what somebody wrote; the page shows it as text."""
    with writing(world.hub.engine) as session:
        session.get_one(EditionRow, published).reason = "Late rows <script>alert(1)</script>"
    page = sign_in(world, CLEVELAND, "analyst").get(PAGE).text
    assert "Late rows &lt;script&gt;" in page
    assert "<script>alert" not in page
