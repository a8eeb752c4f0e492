"""Invitations: good once, for seven days, for one person; and what comes of them."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from exchange.db import reading, writing
from exchange.errors import Unacceptable
from exchange.log.tables import EntryRow
from exchange.people import invitations, people
from exchange.people.tables import InvitationRow, PersonRow
from exchange.register import partners
from keys.encoding import parse_json
from keys.formats import Card
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, URL, World, problem
from tests.exchange.web.signed_in import FORGERY, ask, enter, forgery, send, sign_in
from tests.keys.authenticator import SoftAuthenticator


def invited(world: World, *roles: str, name: str = "Robin Example") -> tuple[PersonRow, str]:
    with writing(world.hub.engine) as session:
        made = {"party": CLEVELAND, "name": name, "position": "Head of Things"}
        row = people.create(session, **made, roles=roles or ["dpo"], who="hub", now=world.clock())
        return row, invitations.invite(session, row.id, "hub", world.clock())


def enrol(browser: FlaskClient, token: str, device: SoftAuthenticator, **said: str) -> TestResponse:
    page = browser.get(f"/enrol/{token}")
    found = FORGERY.search(page.text)
    assert found is not None, page.text
    begun = ask(browser, f"/enrol/{token}/challenge", found[1], {})
    assert begun.status_code == 200, begun.text
    made = device.create(json.dumps(begun.get_json()["options"]), URL)
    return ask(browser, f"/enrol/{token}/passkey", found[1], {"credential": made, **said})


def test_from_invitation_to_card(world: World) -> None:
    row, token = invited(world, "dpo", "checker")
    browser, device = world.app.test_client(), SoftAuthenticator()
    page = browser.get(f"/enrol/{token}").text
    assert all(words in page for words in ("Robin Example", "Head of Things", CLEVELAND, "advise on them"))
    assert enrol(browser, token, device, label="Work laptop").get_json() == {"next": "/people/me"}
    me = browser.get("/people/me").text
    with reading(world.hub.engine) as session:
        mine = people.fingerprints(session, row.id)
        (key,) = people.live_passkeys(session, row.id)
    assert len(mine) == 1
    assert mine.pop() in me
    assert "Work laptop" in me
    answer = browser.get(f"/people/me/passkeys/{key.id}/dpo.card.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{CLEVELAND}-dpo.card.json"'
    card = Card.parse(parse_json(answer.data))
    assert (card.kind, card.owner, card.role, card.fingerprint) == ("passkey", CLEVELAND, "dpo", key.fingerprint)
    problem(browser.get(f"/people/me/passkeys/{key.id}/signatory.card.json", headers={"Accept": "application/json"}), 422, "not-acceptable")
    used = world.app.test_client().get(f"/enrol/{token}")
    assert (used.status_code, "no-invitation" in used.text) == (404, True)


def test_an_invitation_that_was_used_expired_or_invented_is_the_same_to_whoever_asks(world: World) -> None:
    _, spent = invited(world)
    enrol(world.app.test_client(), spent, SoftAuthenticator())
    row, ended = invited(world)
    with writing(world.hub.engine) as session:
        people.end(session, row.id, "hub", world.clock())
    _, again = invited(world)
    with writing(world.hub.engine) as session:
        owner = invitations.invited(session, again, world.clock())
        invitations.invite(session, owner.id, "hub", world.clock())
    _, late = invited(world)
    world.clock.forward(days=7)
    pages = set()
    for token in (spent, ended, again, late, "invented", "x" * 300):
        answer = world.app.test_client().get(f"/enrol/{token}", headers={"Accept": "application/json"})
        found = problem(answer, 404, "no-invitation")
        pages.add((found["detail"], found["remedy"]))
    assert len(pages) == 1


def test_two_who_follow_one_invitation_do_not_both_get_in(world: World) -> None:
    row, token = invited(world)
    browsers = [world.app.test_client() for _ in range(2)]
    begun = []
    for browser in browsers:
        forged = FORGERY.search(browser.get(f"/enrol/{token}").text)
        assert forged is not None
        options = ask(browser, f"/enrol/{token}/challenge", forged[1], {}).get_json()["options"]
        begun.append((browser, forged[1], SoftAuthenticator().create(json.dumps(options), URL)))
    answers = [ask(browser, f"/enrol/{token}/passkey", forged, {"credential": made}) for browser, forged, made in begun]
    assert [answer.status_code for answer in answers] == [200, 404]
    with reading(world.hub.engine) as session:
        assert len(people.passkeys(session, row.id)) == 1


def test_only_the_invitations_digest_is_kept_and_the_log_has_neither_word_nor_name(world: World) -> None:
    _, token = invited(world, name="Zebedee Quillfeather")
    enrol(world.app.test_client(), token, SoftAuthenticator())
    with reading(world.hub.engine) as session:
        kept = session.execute(select(InvitationRow.token)).scalars().all()
        entries = session.execute(select(EntryRow.entry).order_by(EntryRow.number.desc()).limit(4)).scalars().all()
    assert token not in kept
    assert [one["what"] for one in entries if one] == ["signed in", "passkey enrolled", "person invited", "person entered"]
    assert not {"Zebedee", token} & set(json.dumps(list(entries)).replace('"', " ").split())


@pytest.mark.parametrize("break_it", ["unverified", "other challenge", "other origin", "no object"])
def test_what_does_not_verify_is_not_enrolled(world: World, break_it: str) -> None:
    row, token = invited(world)
    browser, device = world.app.test_client(), SoftAuthenticator(flags=0x01 if break_it == "unverified" else 0x05)
    found = FORGERY.search(browser.get(f"/enrol/{token}").text)
    assert found is not None
    options = ask(browser, f"/enrol/{token}/challenge", found[1], {}).get_json()["options"]
    if break_it == "other challenge":
        options["challenge"] = "A" * 43
    made = device.create(json.dumps(options), "https://elsewhere.example" if break_it == "other origin" else URL)
    answer = ask(browser, f"/enrol/{token}/passkey", found[1], {"credential": 7 if break_it == "no object" else made})
    assert answer.status_code == 422
    with reading(world.hub.engine) as session:
        assert people.passkeys(session, row.id) == []
        assert invitations.invited(session, token, world.clock()).id == row.id  # still good


def test_another_passkey_and_not_the_same_device_twice(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()
    token = forgery(browser)
    options = json.dumps(ask(browser, "/people/me/passkeys/challenge", token, {}).get_json()["options"])
    with pytest.raises(LookupError):
        somebody.authenticator.create(options, URL)
    made = SoftAuthenticator().create(options, URL)
    assert ask(browser, "/people/me/passkeys", token, {"credential": made, "label": "Key ring"}).status_code == 200
    with reading(world.hub.engine) as session:
        assert len(people.fingerprints(session, somebody.id)) == 2
    problem(ask(browser, "/people/me/passkeys", token, {"credential": made}), 422, "begin-again")


def test_a_passkey_that_is_lost_signs_nothing_ever_after(world: World) -> None:
    somebody = enter(world, CLEVELAND, "dpo")
    browser = somebody.client()
    page = browser.get(f"/people/me/passkeys/{somebody.passkey.id}/revoke").text
    assert "only passkey" in page
    send(browser, f"/people/me/passkeys/{somebody.passkey.id}/revoke")
    with reading(world.hub.engine) as session:
        assert people.fingerprints(session, somebody.id) == set()
        with pytest.raises(Unacceptable, match="revoked"):
            partners.require_not_revoked(session, somebody.fingerprint)


def test_nobody_revokes_another_persons_passkey(world: World) -> None:
    mine, others = enter(world, CLEVELAND, "dpo"), enter(world, CLEVELAND, "signatory")
    browser = mine.client()
    assert browser.get(f"/people/me/passkeys/{others.passkey.id}/revoke").status_code == 404
    assert send(browser, f"/people/me/passkeys/{others.passkey.id}/revoke").status_code == 404
    assert browser.get(f"/people/me/passkeys/{others.passkey.id}/signatory.card.json").status_code == 404


def test_the_operator_invites_in_the_browser(world: World) -> None:
    browser = sign_in(world, OPERATOR, "operator")
    faulty = send(browser, "/people/invite", party="No Such", name="", position="x")
    assert faulty.status_code == 422
    assert "<title>Error: Invite a person" in faulty.text
    assert all(f'href="#{field}"' in faulty.text for field in ("party", "name", "roles"))
    assert 'value="No Such"' in faulty.text
    made = send(browser, "/people/invite", party=DURHAM, name="Kim Example", position="SIRO", roles=["signatory", "dpo"])
    address = made.text.split('id="invitation">')[1].split("<")[0]
    assert address.startswith(f"{URL}/enrol/")
    assert "Kim Example" in world.app.test_client().get(address.removeprefix(URL)).text
    with reading(world.hub.engine) as session:
        (row,) = people.everyone(session, DURHAM)
    assert row.roles == ["dpo", "signatory"]
    again = send(browser, f"/people/{row.id}/invite").text.split('id="invitation">')[1].split("<")[0]
    assert world.app.test_client().get(address.removeprefix(URL)).status_code == 404
    assert world.app.test_client().get(again.removeprefix(URL)).status_code == 200


def test_nobody_ends_their_own_access(world: World) -> None:
    somebody = enter(world, OPERATOR, "operator")
    answer = send(somebody.client(), f"/people/{somebody.id}/end")
    assert (answer.status_code, "own-account" in answer.text) == (409, True)
