"""The register: signatures bring an agreement into force, suspensions stop it, versions replace each other, the clock ends it."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agreements.errors import InvalidDocument, InvalidStatement
from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Conflict, ExchangeError, NotFound, RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.register import agreements, partners
from exchange.register.agreements import advance
from exchange.register.versions import parsed
from exchange.releases.counting import require_told_apart
from exchange.releases.errors import BadRelease
from keys.errors import BadSignature
from keys.sign import SigningKey, Use, sign_document
from tests.agreements import papers
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, card_of, crimes, print_of, problem

DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY


def state(world: World, version: int = 1) -> str:
    with reading(world.hub.engine) as session:
        row = agreements.current(session, REFERENCE, version)
        assert row is not None
        return row.state


def moved(world: World) -> list[str]:
    with writing(world.hub.engine) as session:
        return advance(session, world.clock())


def test_it_comes_into_force_with_the_last_signature_and_not_before(world: World) -> None:
    second = world.version(2)
    world.enter(second)
    for party in second.parties:
        with pytest.raises(RefusedByAgreement, match="has not advised"):
            world.say(party.id, SIGNATORY, Voice.SIGN, second)
        assert world.say(party.id, DPO, Voice.ADVISE_AGAINST, second) == State.PROPOSED
        last = party is second.parties[-1]
        assert world.say(party.id, SIGNATORY, Voice.SIGN, second) == (State.IN_FORCE if last else State.PROPOSED)
    assert state(world, 2) == State.IN_FORCE


def test_a_version_signed_early_waits_for_its_day(world: World) -> None:
    later = world.version(2, in_force_from="2026-12-01")
    world.enter(later)
    assert world.sign_all(later) == State.SIGNED
    assert moved(world) == []
    world.clock.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert moved(world) == []
    world.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert moved(world) == [f"agreement in force: {REFERENCE} version 2"]
    assert moved(world) == []


def test_a_version_signed_early_does_not_come_round_a_suspension(world: World) -> None:
    later = world.version(2, in_force_from="2026-12-01")
    world.enter(later)
    world.sign_all(later)
    world.say(DURHAM, DPO, Voice.SUSPEND)
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    moved(world)
    assert state(world, 2) == State.SUSPENDED
    problem(world.open(world.prepare([crimes()], about=later)), 403, "refused-by-agreement")
    assert world.say(DURHAM, SIGNATORY, Voice.RESUME, later) == State.IN_FORCE
    assert world.open(world.prepare([crimes()], about=later)).status_code == 201


@pytest.mark.parametrize("party", [CLEVELAND, DURHAM, OPERATOR])
@pytest.mark.parametrize("capacity", Capacity)
def test_any_party_suspends_and_only_its_signatory_resumes(world: World, party: str, capacity: Capacity) -> None:
    assert world.say(party, capacity, Voice.SUSPEND) == State.SUSPENDED
    with pytest.raises(InvalidStatement, match="cannot resume"):
        world.say(party, DPO, Voice.RESUME)
    for other in {CLEVELAND, DURHAM, OPERATOR} - {party}:
        with pytest.raises(RefusedByAgreement, match="has not suspended it"):
            world.say(other, SIGNATORY, Voice.RESUME)
    assert state(world) == State.SUSPENDED
    assert world.say(party, SIGNATORY, Voice.RESUME) == State.IN_FORCE
    with pytest.raises(RefusedByAgreement, match="cannot resume"):
        world.say(party, SIGNATORY, Voice.RESUME)


def test_every_suspender_must_resume(world: World) -> None:
    for party in (CLEVELAND, DURHAM, CLEVELAND):
        assert world.say(party, DPO, Voice.SUSPEND) == State.SUSPENDED
    assert world.say(CLEVELAND, SIGNATORY, Voice.RESUME) == State.SUSPENDED
    assert world.say(DURHAM, SIGNATORY, Voice.RESUME) == State.IN_FORCE


def test_any_walk_of_suspending_and_resuming_is_right(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    steps = st.lists(st.tuples(st.sampled_from([CLEVELAND, DURHAM, OPERATOR]), st.sampled_from([Voice.SUSPEND, Voice.RESUME])), max_size=10)

    @hypothesis_settings(max_examples=8)
    @given(steps)
    def walk(said: list[tuple[str, Voice]]) -> None:
        world = first_world.copy(tmp_path_factory.mktemp("walk") / "hub")
        stopped: set[str] = set()
        for party, voice in said:
            if voice is Voice.SUSPEND:
                stopped.add(party)
                assert world.say(party, SIGNATORY, voice) == State.SUSPENDED
            elif party in stopped:
                stopped.remove(party)
                assert world.say(party, SIGNATORY, voice) == (State.SUSPENDED if stopped else State.IN_FORCE)
            else:
                with pytest.raises(RefusedByAgreement):
                    world.say(party, SIGNATORY, voice)
            assert state(world) == (State.SUSPENDED if stopped else State.IN_FORCE)
        world.close()

    walk()


def test_a_new_version_replaces_the_old_which_stays_good_for_a_day(world: World) -> None:
    second = world.version(2)
    world.enter(second)
    world.sign_all(second)
    contract = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()
    assert (contract["version"], contract["agreement"]) == (2, second.digest)
    under_way = world.prepare([crimes()])
    assert world.open(under_way).status_code == 201
    world.put(under_way, 1)
    world.clock.forward(hours=23, minutes=59)
    world.complete(under_way)
    assert world.process(under_way.id) == "held"
    world.clock.forward(minutes=1)
    found = problem(world.open(world.prepare([crimes(9)], after=under_way.id)), 403, "refused-by-agreement")
    assert "newer version" in found["detail"]


COARSER = """[[releases.dimensions]]
name = "last"
title = "Last outcome"
source = "crimes.last_outcome"
categories = [{codes}]
total = "All outcomes"

[[releases.tables]]
name = "by-last"
title = "By last outcome"
dimensions = ["month", "last"]

[[releases.tables]]
name = "by-area"
"""


def two_ways(world: World, number: int) -> Agreement:
    """A version with tables by one field that is made in two ways, as it could be written before that was refused."""
    [group] = [one for one in world.agreement.releases[0].dimensions if one.name == "group"]
    codes = ", ".join(f'"{code}"' for code, _ in group.categories if code != "No outcome yet")
    text = world.words(version=str(number)).replace('[[releases.tables]]\nname = "by-area"\n', COARSER.replace("{codes}", codes))
    return papers.build(tomllib.loads(text))


def test_what_was_signed_before_a_rule_was_made_stands_and_new_words_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = two_ways(world, 2)
    with pytest.raises(InvalidDocument, match="made from one field"):
        world.enter(old)
    with monkeypatch.context() as yesterday:
        yesterday.setattr(agreements, "require_new", lambda words: words)
        world.enter(old)
    parsed.cache_clear()  # as another process has it
    assert world.sign_all(old) == State.IN_FORCE
    world.enter(old)  # the same words are one
    assert world.call("get", f"/v1/agreements/{REFERENCE}", CLEVELAND).get_json()["version"] == 2
    assert world.open(world.prepare([crimes()], about=old)).status_code == 201
    with pytest.raises(InvalidDocument, match="made from one field"):
        world.enter(two_ways(world, 3))
    with pytest.raises(BadRelease, match="made from one field"):
        require_told_apart(old, old.releases[0])


def test_a_version_is_entered_once_and_never_in_other_words(world: World) -> None:
    world.enter(world.agreement)
    with pytest.raises(Conflict, match="other words"):
        world.enter(world.version(1, due_days="61"))
    world.enter(world.version(3))
    with pytest.raises(Conflict, match="version 3"):
        world.enter(world.version(2))


def test_a_statement_counts_once_and_only_about_words_that_are_here(world: World) -> None:
    signed = world.statement(CLEVELAND, DPO, Voice.SUSPEND)
    for expected in (None, RefusedByAgreement):
        if expected is None:
            with writing(world.hub.engine) as session:
                agreements.record(session, signed, world.clock)
        else:
            with pytest.raises(expected, match="recorded before"), writing(world.hub.engine) as session:
                agreements.record(session, signed, world.clock)
    with pytest.raises(UnknownAgreement), writing(world.hub.engine) as session:
        agreements.record(session, world.statement(CLEVELAND, DPO, Voice.SUSPEND, world.version(7)), world.clock)


def test_a_statement_by_another_key_leaves_everything_as_it_is(world: World) -> None:
    signed = world.statement(CLEVELAND, DPO, Voice.SUSPEND)
    for key in (world.signing(f"{DURHAM}/dpo"), SigningKey.generate()):
        with pytest.raises(BadSignature), writing(world.hub.engine) as session:
            agreements.record(session, sign_document(signed["document"], Use.STATEMENT, key), world.clock)
    assert state(world) == State.IN_FORCE


def test_a_revoked_key_states_nothing_more(world: World) -> None:
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/signatory"]), "left", world.clock())
    with pytest.raises(Unacceptable, match="revoked"):
        world.say(CLEVELAND, SIGNATORY, Voice.TERMINATE)
    assert state(world) == State.IN_FORCE


def test_it_expires_on_its_day_even_while_suspended(world: World) -> None:
    world.say(CLEVELAND, DPO, Voice.SUSPEND)
    world.clock.now = datetime(2036, 11, 1, tzinfo=UTC)
    assert moved(world) == [f"agreement expired: {REFERENCE} version 1"]
    with pytest.raises(RefusedByAgreement, match="cannot resume"):
        world.say(CLEVELAND, SIGNATORY, Voice.RESUME)


def test_who_may_know_of_it(world: World) -> None:
    with reading(world.hub.engine) as session:
        for caller in (CLEVELAND, DURHAM, OPERATOR, TEAM):
            assert agreements.known(session, REFERENCE, caller).digest == world.agreement.digest
            assert len(agreements.visible(session, caller)) == 1
        for reference, caller in ((REFERENCE, "stranger"), ("LCJP-NONE", CLEVELAND), ("LCJP-NONE", "stranger")):
            with pytest.raises(UnknownAgreement) as caught:
                agreements.known(session, reference, caller)
            assert "no agreement of that reference" in str(caught.value)
        with pytest.raises(UnknownAgreement):
            agreements.supplied(session, REFERENCE, TEAM)
        assert agreements.visible(session, "stranger") == []


def test_a_key_has_one_owner_and_one_use_for_ever(world: World) -> None:
    place = f"{CLEVELAND}/client"
    with writing(world.hub.engine) as session:
        assert partners.register(session, card_of(place, world.keys[place]), world.clock()).owner == CLEVELAND
        for other in (f"{DURHAM}/client", f"{CLEVELAND}/manifest"):
            with pytest.raises(Conflict):
                partners.register(session, card_of(other, world.keys[place]), world.clock())
        with pytest.raises(NotFound):
            partners.revoke(session, "ed25519:" + "0" * 64, "x", world.clock())
        first = partners.revoke(session, print_of(world.keys[place]), "x", world.clock()).revoked_at
        later = world.clock() + timedelta(days=1)
        assert partners.revoke(session, print_of(world.keys[place]), "y", later).revoked_at == first
        assert partners.register(session, card_of(place, world.keys[place]), later).revoked_at == first


def test_what_is_refused_is_one_root_of_errors() -> None:
    assert issubclass(RefusedByAgreement, ExchangeError)
    assert UnknownAgreement.status == 404
