"""Output checking: two named people, neither who asked, each once, about exactly this draft."""

from typing import Any

import pytest

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.errors import Conflict, ExchangeError, NotFound, RefusedByAgreement, Unacceptable
from exchange.people import people
from exchange.people.tables import PasskeyRow
from exchange.register import partners
from exchange.releases.checking import REFUSE
from exchange.releases.tables import EditionState
from exchange.settling import settle
from keys.errors import KeysError
from tests.exchange.releases.drafted import CHECKERS, REQUESTER, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, OPERATOR, REFERENCE, RELEASE, TEAM, World, print_of, problem


def test_two_approvals_publish_and_one_does_not(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    assert record(world, vote(world, identity, CHECKERS[0])) == EditionState.AWAITING_CHECK
    assert row(world, identity).signed is None
    assert record(world, vote(world, identity, CHECKERS[1])) == EditionState.PUBLISHED
    found = row(world, identity)
    assert found.signed is not None
    assert found.published_at == world.clock()


def test_one_refusal_drops_it_for_good(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    assert record(world, vote(world, identity, CHECKERS[1], REFUSE)) == EditionState.DROPPED
    with pytest.raises(Conflict, match="not being checked"):
        record(world, vote(world, identity, CHECKERS[1]))
    assert row(world, identity).signed is None


def test_nobody_checks_twice(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    once = vote(world, identity, CHECKERS[0])
    record(world, once)
    for again in (once, vote(world, identity, CHECKERS[0])):
        with pytest.raises(Conflict, match="already checked"):
            record(world, again)
    assert row(world, identity).state == EditionState.AWAITING_CHECK
    assert len(row(world, identity).votes) == 1


def one_account(world: World, *places: str) -> None:
    """Enter these keys as the passkeys of one and the same person."""
    with writing(world.hub.engine) as session:
        who = people.create(
            session, party=OPERATOR, name="Robin Two-Keys", position="Statistician", roles=["checker"], who="x", now=world.clock()
        )
        for place in places:
            key, now = print_of(world.keys[place]), world.clock()
            session.add(
                PasskeyRow(
                    id=key[-40:],
                    person=who.id,
                    credential=key.encode(),
                    fingerprint=key,
                    public=b"",
                    sign_count=0,
                    label="",
                    created_at=now,
                )
            )


def test_two_keys_of_one_person_are_one_pair_of_eyes(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    one_account(world, *CHECKERS)
    record(world, vote(world, identity, CHECKERS[0]))
    with pytest.raises(Conflict, match="already checked"):
        record(world, vote(world, identity, CHECKERS[1]))
    assert row(world, identity).state == EditionState.AWAITING_CHECK


def test_who_asked_does_not_check_with_another_key(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    one_account(world, REQUESTER, CHECKERS[0])
    with pytest.raises(RefusedByAgreement, match="whoever asked for an edition cannot check it"):
        record(world, vote(world, identity, CHECKERS[0]))
    assert row(world, identity).votes == []


@pytest.mark.parametrize("who", [REQUESTER, f"{CLEVELAND}/dpo", f"{CLEVELAND}/signatory", f"{CLEVELAND}/manifest", f"{OPERATOR}/editions"])
def test_nobody_else_checks(drafted: tuple[World, str], who: str) -> None:
    world, identity = drafted
    with pytest.raises(RefusedByAgreement):
        record(world, vote(world, identity, who))


@pytest.mark.parametrize(
    "members",
    [
        {"draft": "sha256:" + "0" * 64},
        {"nonce": "0" * 31},
        {"nonce": "0" * 32 + "\n"},
        {"nonce": 5},
        {"person": "Somebody Else"},
        {"decision": "maybe"},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_check_of_something_else_does_not_count(drafted: tuple[World, str], members: dict[str, Any]) -> None:
    world, identity = drafted
    with pytest.raises(Unacceptable) as caught:
        record(world, vote(world, identity, CHECKERS[0], **members))
    assert caught.value.code == "bad-check"
    assert row(world, identity).votes == []


def test_a_check_of_an_edition_that_is_not_there(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    with pytest.raises(NotFound):
        record(world, vote(world, identity, CHECKERS[0], edition="ed-none"))


def test_a_check_of_one_draft_is_none_of_another(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    other = ask(world)
    with pytest.raises(Unacceptable, match="another draft"):
        record(world, vote(world, identity, CHECKERS[0], edition=other))


def test_a_forged_check_does_not_count(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    right = vote(world, identity, CHECKERS[0])
    forged = vote(world, identity, CHECKERS[0], key=world.signing(CHECKERS[1]))
    for attempt in ({**right, "signature": forged["signature"]}, {**forged, "key": right["key"]}, {**right, "use": "receipt"}):
        with pytest.raises(KeysError):
            record(world, attempt)
    with pytest.raises(ExchangeError):
        record(world, {})
    with pytest.raises(Unacceptable, match="another person"):
        record(world, forged)


def test_a_revoked_checker_checks_no_more(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[CHECKERS[0]]), "left", world.clock())
    with pytest.raises(Unacceptable, match="revoked"):
        record(world, vote(world, identity, CHECKERS[0]))


def test_what_a_checker_said_whose_key_is_revoked_before_it_is_decided_falls(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    other = ask(world, requester=f"{CLEVELAND}/dpo")
    record(world, vote(world, other, CHECKERS[0]))
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[CHECKERS[0]]), "left", world.clock())
    assert record(world, vote(world, other, CHECKERS[1])) == EditionState.AWAITING_CHECK
    assert [one.key for one in row(world, other).votes] == [print_of(world.keys[CHECKERS[1]])]
    assert record(world, vote(world, other, f"{OPERATOR}/checker")) == EditionState.PUBLISHED
    assert row(world, identity).state == EditionState.AWAITING_CHECK


@pytest.mark.parametrize("settled", [True, False])
def test_while_the_agreement_is_suspended_nobody_checks_and_what_was_said_before_falls(drafted: tuple[World, str], settled: bool) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    world.clock.forward(seconds=1)
    world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
    with pytest.raises(RefusedByAgreement, match="suspended"):
        record(world, vote(world, identity, CHECKERS[1]))
    if settled:  # the schedule may see the suspension, or it may be over before
        assert settle(world.hub) == [f"output check fallen: {identity}"]
        assert settle(world.hub) == []
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.RESUME)
    world.clock.forward(seconds=1)
    assert record(world, vote(world, identity, CHECKERS[1])) == EditionState.AWAITING_CHECK
    assert record(world, vote(world, identity, CHECKERS[0])) == EditionState.PUBLISHED


def test_a_recipient_comes_with_the_key_that_the_agreement_names(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    headers = world.other_key(TEAM)
    for path in (f"/v1/editions/{identity}", f"/v1/editions/{identity}/tables/by-area.csv", f"/v1/releases/{REFERENCE}/{RELEASE}/latest"):
        assert world.call("get", path, TEAM).status_code in (200, 307)
        refused = problem(world.call("get", path, headers=headers), 403, "wrong-client-key")
        assert f"recipients, {TEAM}" in refused["clause"]
