"""A person's own choice of notices: by e-mail, of what the person may look at, logged, and over with the account."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Forbidden, NotFound, Unacceptable
from exchange.log.tables import EntryRow
from exchange.notify import sending, subscriptions
from exchange.notify.kinds import CHOICES, OF_THE_HUB, Kind, open_to
from exchange.notify.subscriptions import MOST, Wanted, Way
from exchange.notify.tables import SubscriptionRow
from exchange.people.people import Post
from tests.exchange.notify.servers import in_folder, mail_server
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, World
from tests.exchange.web.signed_in import enter, send, sign_in

PAGE = "/people/me/notices"
ADDRESS = "robin@police.example"
BOX = re.compile(r'name="kinds"[^>]*?value="([a-z.-]+)"')


@pytest.fixture
def mailing(world: World, tmp_path: Path) -> World:
    """A hub whose settings name a mail server (which nobody asks anything yet)."""
    return with_mail(world, tmp_path, 1)


def with_mail(world: World, folder: Path, port: int, ca_file: Path | None = None) -> World:
    lines = ["[mail]", 'host = "localhost"', 'sender = "hub@hub.example"', f"port = {port}"]
    (folder / "notices.toml").write_text("\n".join([*lines, *([f'ca_file = "{ca_file}"'] if ca_file else [])]), encoding="utf-8")
    return with_notices(world, folder / "notices.toml")


def with_notices(world: World, path: Path) -> World:
    world.more = {**world.more, "notices": path}
    return world.restarted()


def mine(world: World, person: str) -> SubscriptionRow | None:
    with reading(world.hub.engine) as session:
        return subscriptions.own(session, person)


def logged(world: World, who: str) -> list[str]:
    with reading(world.hub.engine) as session:
        query = select(EntryRow.what).where(EntryRow.who == who, EntryRow.what.like("notices%")).order_by(EntryRow.number)
        return list(session.execute(query).scalars())


def offered(browser: FlaskClient) -> set[str]:
    return set(BOX.findall(browser.get(PAGE).text))


# ------------------------------------------------------------------------------------------------------------------ the rule


def test_one_may_choose_what_ones_roles_may_look_at() -> None:
    assert set(open_to([Post.OPERATOR])) == set(CHOICES)
    seen = set(open_to([Post.ANALYST]))
    assert seen == {kind for kind in CHOICES if kind.startswith("agreement.")} | {Kind.PUBLISHED, Kind.WITHDRAWN}
    for post in (Post.DPO, Post.SIGNATORY, Post.CHECKER):
        assert set(open_to([post])) == set(CHOICES) - OF_THE_HUB
    assert open_to([]) == []


@pytest.mark.parametrize("role", list(Post))
def test_the_page_offers_exactly_that(mailing: World, role: Post) -> None:
    assert offered(sign_in(mailing, OPERATOR, role)) == {kind.value for kind in open_to([role])}


# ------------------------------------------------------------------------------------------------------------------- the page


def test_chosen_on_the_page_sent_to_a_mail_server_and_over_with_the_account(world: World, tmp_path: Path) -> None:
    authority = in_folder(tmp_path / "authority")
    with mail_server(authority) as box:
        world = with_mail(world, tmp_path, box.port, authority.file)
        robin = enter(world, CLEVELAND, "dpo")
        browser = robin.client()
        assert "You are sent none" in browser.get("/people/me").text
        sending.run(world.hub)
        answer = send(browser, PAGE, PAGE, address=ADDRESS, kinds=["agreement.suspended", "agreement.resumed"], named="yes")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/people/me")
        shown = browser.get("/people/me").text
        assert ADDRESS in shown
        assert "An agreement was suspended" in shown
        assert "A submission was refused" not in shown
        world.say(DURHAM, Capacity.SIGNATORY, Voice.SUSPEND)
        assert sending.run(world.hub) == sending.Sent(1, 0)
        with writing(world.hub.engine) as session:
            subscriptions.end_person(session, robin.id, "hub", world.clock())
        world.say(DURHAM, Capacity.SIGNATORY, Voice.RESUME)
        assert sending.run(world.hub) == sending.Sent(0, 0)
    assert [one["To"] for one in box.messages] == [ADDRESS]
    assert REFERENCE in box.messages[0].get_content()
    assert mine(world, robin.id) is None
    assert (logged(world, robin.id), logged(world, "hub")) == (["notices asked for"], ["notices ended"])


def test_a_choice_is_changed_where_it_stands_and_stopped(mailing: World) -> None:
    robin = enter(mailing, CLEVELAND, "analyst")
    browser = robin.client()
    send(browser, PAGE, PAGE, address=ADDRESS, kinds=["agreement.ended"])
    first = mine(mailing, robin.id)
    send(browser, PAGE, PAGE, address="other@police.example", kinds=["agreement.ended", "edition.published"], named="yes")
    second = mine(mailing, robin.id)
    assert first is not None
    assert second is not None
    assert (second.id, second.since) == (first.id, first.since)
    assert (second.address, second.kinds, second.named) == ("other@police.example", ["agreement.ended", "edition.published"], True)
    assert re.search(r'value="edition.published"[^>]*checked', browser.get(PAGE).text)
    assert send(browser, f"{PAGE}/end", PAGE).status_code == 303
    assert mine(mailing, robin.id) is None
    assert send(browser, f"{PAGE}/end", PAGE).status_code == 303  # sent twice it is one end
    assert logged(mailing, robin.id) == ["notices asked for", "notices asked for", "notices ended"]


@pytest.mark.parametrize(
    ("address", "kinds", "fault"),
    [
        ("", ["agreement.ended"], "Enter an e-mail address, like name@example.com"),
        ("robin@police.example\r\nBcc: x@y.example", ["agreement.ended"], "Enter an e-mail address, like name@example.com"),
        ("https://police.example/hook", ["agreement.ended"], "Enter an e-mail address, like name@example.com"),
        (ADDRESS, [], "Choose at least one thing to be told of"),
        (ADDRESS, ["hub.worsened"], "Choose at least one thing to be told of"),
        (ADDRESS, ["agreement.ended", "submission.refused"], "Choose at least one thing to be told of"),
        (ADDRESS, ["hub.test"], "Choose at least one thing to be told of"),
    ],
)
def test_what_cannot_be_chosen_is_sent_back_with_its_fault(mailing: World, address: str, kinds: list[str], fault: str) -> None:
    robin = enter(mailing, CLEVELAND, "analyst")
    answer = send(robin.client(), PAGE, PAGE, address=address, kinds=kinds)
    assert answer.status_code == 422
    assert answer.text.count(fault) == 2  # in the summary, and at the field
    assert "<title>Error: " in " ".join(answer.text.split()).replace("<title> ", "<title>")
    assert mine(mailing, robin.id) is None
    assert logged(mailing, robin.id) == []


def test_a_hub_that_sends_no_mail_says_so_and_takes_no_choice(world: World) -> None:
    browser = sign_in(world, CLEVELAND, "dpo")
    assert "This hub sends no e-mail" in browser.get(PAGE).text
    answer = send(browser, PAGE, address=ADDRESS, kinds=["agreement.ended"])
    assert answer.status_code == 422
    assert "this hub sends no e-mail" in answer.text


def test_a_file_of_notices_that_cannot_be_read_leaves_the_passkeys_in_reach(world: World, tmp_path: Path) -> None:
    (tmp_path / "notices.toml").write_text("[mail", encoding="utf-8")
    browser = sign_in(with_notices(world, tmp_path / "notices.toml"), CLEVELAND, "dpo")
    assert "notices.toml cannot be read" in browser.get(PAGE).text
    assert browser.get("/people/me").status_code == 200


# ------------------------------------------------------------------------------------------------------------------ the story


def test_nobody_chooses_for_an_ended_account_another_party_or_another_way(world: World) -> None:
    robin, gone = enter(world, CLEVELAND, "dpo"), enter(world, CLEVELAND, "dpo")
    with writing(world.hub.engine) as session:
        subscriptions.end_person(session, gone.id, "hub", world.clock())
    wish = Wanted(CLEVELAND, Way.MAIL, ADDRESS, [Kind.ENDED])
    wrong = (
        (gone.id, wish, Forbidden),
        (robin.id, Wanted(DURHAM, Way.MAIL, ADDRESS, [Kind.ENDED]), Forbidden),
        (robin.id, Wanted(CLEVELAND, Way.WEBHOOK, "https://hooks.example/x", [Kind.ENDED]), Forbidden),
        (robin.id, Wanted(CLEVELAND, Way.MAIL, ADDRESS, [Kind.WORSENED]), Unacceptable),
        ("per-nobody", wish, NotFound),
    )
    for person, wanted, error in wrong:
        with writing(world.hub.engine) as session, pytest.raises(error):
            subscriptions.choose(session, person, wanted, world.clock())
    with reading(world.hub.engine) as session:
        assert subscriptions.every(session) == []


def test_people_take_none_of_their_partys_places(world: World) -> None:
    with writing(world.hub.engine) as session:
        for number in range(MOST):
            wish = Wanted(CLEVELAND, Way.MAIL, f"{number}@police.example", [Kind.ENDED])
            subscriptions.add(session, wish, "operator", world.clock())
    robin = enter(world, CLEVELAND, "dpo")
    with writing(world.hub.engine) as session:
        subscriptions.choose(session, robin.id, Wanted(CLEVELAND, Way.MAIL, ADDRESS, [Kind.ENDED]), world.clock())
    with writing(world.hub.engine) as session, pytest.raises(Unacceptable, match="at most"):
        subscriptions.add(session, Wanted(CLEVELAND, Way.MAIL, ADDRESS, [Kind.ENDED]), "operator", world.clock())
    assert mine(world, robin.id) is not None
