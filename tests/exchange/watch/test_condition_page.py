"""The page of the hub's condition: for the operator's people, in the words of ``exchange status``."""

from exchange.restore.standing import mark
from tests.exchange.standing import CLEVELAND, OPERATOR, World
from tests.exchange.web.signed_in import sign_in


def test_the_operators_people_see_what_is_the_matter_and_nobody_else(world: World) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    page = browser.get("/condition")
    assert "Nothing needs the operator." in page.text
    assert 'href="/condition"' in browser.get("/").text
    world.clock.forward(minutes=20)
    mark(world.hub.settings).touch()
    page = browser.get("/condition")
    assert "Something needs the operator." in page.text
    assert "Not serving" in page.text
    assert "exchange restore --replay" in page.text
    assert "A backup was put back" in page.text
    assert "Nobody has run the schedule" in page.text
    stranger = sign_in(world, CLEVELAND, "dpo", "signatory", "checker")
    assert stranger.get("/condition").status_code == 403
    assert 'href="/condition"' not in stranger.get("/").text
