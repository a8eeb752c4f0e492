"""Ways round a stop, or round what somebody last said, that must lead nowhere: old statements kept back, false times, versions run out."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agreements.document import read
from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from exchange import schedule
from exchange.db import writing
from exchange.errors import RefusedByAgreement
from exchange.register import agreements
from keys.sign import Use, sign_document
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, crimes, problem
from tests.exchange.test_lives import EVERYONE, entered, say, state

DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY


def made(
    world: World, party: str, capacity: Capacity, voice: Voice, *, about: Agreement | None = None, dataset: str = "", **later: float
) -> dict[str, Any]:
    """A statement signed now, or so much later or earlier, and not recorded yet."""
    agreement = about or world.agreement
    at = (world.clock() + timedelta(**later)).replace(microsecond=0)
    said = Statement(party, capacity, speaker(agreement, party, capacity).name, voice, "", at, secrets.token_hex(16), dataset)
    return sign_document(statement_document(agreement, said), Use.STATEMENT, world.signing(f"{party}/{capacity}"))


def recorded(world: World, signed: dict[str, Any]) -> str:
    with writing(world.hub.engine) as session:
        return agreements.record(session, signed, world.clock)[0].state


# ------------------------------------------------------------------------------------------------------------ kept back


@pytest.mark.parametrize("dataset", ["", "crimes"])
def test_a_resumption_that_was_kept_back_does_not_undo_a_later_stop(world: World, dataset: str) -> None:
    say(world, CLEVELAND, Voice.SUSPEND, dataset=dataset)
    world.clock.forward(hours=1)
    kept_back = made(world, CLEVELAND, SIGNATORY, Voice.RESUME, dataset=dataset)
    say(world, CLEVELAND, Voice.RESUME, dataset=dataset)
    world.clock.forward(hours=1)
    say(world, CLEVELAND, Voice.SUSPEND, dataset=dataset, capacity=DPO)
    with pytest.raises(RefusedByAgreement, match=r"version 1, suspension: .* made before this party's last word .* suspend") as caught:
        recorded(world, kept_back)
    assert caught.value.code == "statement-refused"
    problem(world.open(world.prepare([crimes()])), 403, "refused-by-agreement")
    say(world, CLEVELAND, Voice.RESUME, dataset=dataset)
    assert world.open(world.prepare([crimes()])).status_code == 201


def test_a_stop_said_twice_is_undone_only_by_what_was_said_after_it(world: World) -> None:
    say(world, CLEVELAND, Voice.SUSPEND)
    world.clock.forward(hours=1)
    kept_back = made(world, CLEVELAND, SIGNATORY, Voice.RESUME)
    world.clock.forward(hours=1)
    say(world, CLEVELAND, Voice.SUSPEND, capacity=DPO)
    with pytest.raises(RefusedByAgreement, match="made before"):
        recorded(world, kept_back)
    assert state(world) == State.SUSPENDED


def test_a_resumption_of_the_new_version_that_was_kept_back_does_not_undo_a_stop_of_the_old(world: World) -> None:
    second = world.version(2, in_force_from="2026-12-01")
    entered(world, second)
    world.sign_all(second)
    kept_back = made(world, CLEVELAND, SIGNATORY, Voice.RESUME, about=second)
    world.clock.forward(hours=1)
    say(world, CLEVELAND, Voice.SUSPEND)
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert state(world, 2) == State.SUSPENDED
    with pytest.raises(RefusedByAgreement, match="made before"):
        recorded(world, kept_back)
    assert say(world, CLEVELAND, Voice.RESUME, second) == State.IN_FORCE


def test_advice_that_was_kept_back_does_not_take_the_place_of_later_advice(world: World) -> None:
    second = world.version(2)
    entered(world, second)
    kept_back = made(world, CLEVELAND, DPO, Voice.ADVISE_FOR, about=second)
    world.clock.forward(hours=1)
    say(world, CLEVELAND, Voice.ADVISE_AGAINST, second, capacity=DPO)
    with pytest.raises(RefusedByAgreement, match=f"version 2, parties, {CLEVELAND}: .* made before"):
        recorded(world, kept_back)
    say(world, CLEVELAND, Voice.ADVISE_FOR, second, capacity=DPO)


# ------------------------------------------------------------------------------------------------------------ false times


@pytest.mark.parametrize("voice", [Voice.SUSPEND, Voice.TERMINATE])
def test_nothing_is_said_from_the_future(world: World, voice: Voice) -> None:
    with pytest.raises(RefusedByAgreement, match=f"version 1, parties, {CLEVELAND}: .* lies in the future"):
        recorded(world, made(world, CLEVELAND, SIGNATORY, voice, minutes=11))
    assert state(world) == State.IN_FORCE
    assert recorded(world, made(world, CLEVELAND, SIGNATORY, voice, minutes=9)) != State.IN_FORCE  # clocks differ a little


def test_a_version_whose_term_is_over_is_not_signed_and_ends_nothing(world: World) -> None:
    second = world.version(2, in_force_from="2026-11-01", expires="2026-12-01", review="2026-11-30")
    entered(world, second)
    for party in EVERYONE:
        say(world, party, Voice.ADVISE_FOR, second, capacity=DPO)
    for party in EVERYONE[:-1]:
        say(world, party, Voice.SIGN, second)
    held = world.hold()
    world.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    with pytest.raises(RefusedByAgreement, match=r"version 2, term: .* expired on 1 December 2026"):
        say(world, OPERATOR, Voice.SIGN, second)
    schedule.advance_agreements(world.hub)
    assert (state(world, 1), state(world, 2)) == (State.IN_FORCE, State.PROPOSED)
    assert world.row(held.id).dispose_on.year == 2031


# ------------------------------------------------------------------------------------------------------------ round a stop


@pytest.mark.parametrize("dataset", ["", "crimes"])
def test_nobody_gets_round_anothers_stop_by_ending_the_version_that_is_stopped(world: World, dataset: str) -> None:
    second = world.version(2, in_force_from="2026-12-01")
    entered(world, second)
    world.sign_all(second)
    say(world, CLEVELAND, Voice.SUSPEND, dataset=dataset, capacity=DPO)
    assert say(world, DURHAM, Voice.TERMINATE) == State.TERMINATED
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    problem(world.open(world.prepare([crimes()], about=second)), 403, "refused-by-agreement")
    assert say(world, CLEVELAND, Voice.RESUME, second, dataset=dataset) == State.IN_FORCE


def test_who_has_ended_a_version_holds_up_none_after_it(world: World) -> None:
    second = world.version(2, in_force_from="2026-12-01")
    entered(world, second)
    world.sign_all(second)
    say(world, CLEVELAND, Voice.SUSPEND)
    assert say(world, CLEVELAND, Voice.TERMINATE) == State.TERMINATED
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert state(world, 2) == State.IN_FORCE


@pytest.mark.parametrize("stop", [Voice.SUSPEND, Voice.TERMINATE])
def test_no_sealed_part_is_taken_while_it_is_stopped(world: World, stop: Voice) -> None:
    under_way = world.prepare([crimes(), crimes(4, seed=1)])
    world.open(under_way)
    assert world.put(under_way, 1).status_code == 201
    say(world, DURHAM, stop)
    found = problem(world.put(under_way, 2), 403, "refused-by-agreement")
    assert found["clause"] == f"{REFERENCE} version 1, {'suspension' if stop is Voice.SUSPEND else 'term'}"
    assert len(list(world.hub.places.staging.names())) == 1
    assert world.put(under_way, 1).status_code == 200  # it is here already: nothing moves
    if stop is Voice.SUSPEND:
        say(world, DURHAM, Voice.RESUME)
        assert world.put(under_way, 2).status_code == 201
        assert world.complete(under_way).status_code == 202


# ------------------------------------------------------------------------------------------------------------ the gap


def test_between_two_versions_nothing_moves_and_nothing_is_destroyed(world: World) -> None:
    """The first expires before the second, signed by everyone, begins: the end has not come, so its words are not applied."""
    first = world.version(2, expires="2026-12-01", review="2026-11-30")
    entered(world, first)
    world.sign_all(first)
    held = world.hold(about=first)
    second = world.version(3, in_force_from="2026-12-05")
    entered(world, second)
    assert world.sign_all(second) == State.SIGNED
    for at in (datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 4, 23, 59, 59, tzinfo=UTC)):
        world.clock.now = at
        for job in (schedule.advance_agreements, schedule.rotate_sealing_keys, schedule.dispose_due):
            job(world.hub)
        for about, word in ((first, "expired"), (second, "not in force before")):
            found = problem(world.open(world.prepare([crimes(4)], about=about, after=held.id)), 403, "refused-by-agreement")
            assert word in found["detail"]
        assert world.row(held.id).state == "held"
        assert world.row(held.id).dispose_on.year == 2031
        assert world.hub.keyring.store.get(f"rekey/{REFERENCE}/published_crime/1")
    world.clock.now = datetime(2026, 12, 5, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    again = world.hold([crimes(4)], about=second, after=held.id)
    assert world.row(again.id).state == "held"


def test_a_clock_that_goes_back_moves_nothing_that_has_ended_or_not_begun(world: World) -> None:
    second = world.version(2, in_force_from="2026-12-01", expires="2027-01-01", review="2026-12-31")
    entered(world, second)
    world.sign_all(second)
    world.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    world.clock.now = datetime(2026, 11, 30, 23, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert "not in force before" in problem(world.open(world.prepare([crimes()], about=second)), 403, "refused-by-agreement")["detail"]
    world.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    world.clock.now = datetime(2026, 12, 15, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert (state(world, 1), state(world, 2)) == (State.EXPIRED, State.EXPIRED)
    assert "is expired" in problem(world.open(world.prepare([crimes()], about=second)), 403, "refused-by-agreement")["detail"]


# ------------------------------------------------------------------------------------------------------------ unknown


def test_a_draft_is_explained_to_its_parties_and_to_no_recipient(world: World) -> None:
    words = world.words().replace(REFERENCE, "LCJP-NEW").splitlines()
    entered(world, read("\n".join(line for line in words if not line.startswith("complaints = "))))
    asked = "explain?operation=receive&release=mv7-outcomes"
    hidden, none = (world.call("get", f"/v1/agreements/{name}/{asked}", TEAM) for name in ("LCJP-NEW", "LCJP-NONE"))
    told, nothing = problem(hidden, 404, "unknown-agreement"), problem(none, 404, "unknown-agreement")
    own = {"instance": "", "request": ""}
    assert told | own == nothing | own
    found = world.call("get", "/v1/agreements/LCJP-NEW/explain?operation=tabulate&release=mv7-outcomes", CLEVELAND)
    assert (found.status_code, found.get_json()["allowed"]) == (200, False)


# ------------------------------------------------------------------------------------------------------------ by which words


def test_every_refusal_about_the_linkage_secret_and_the_contract_cites_the_agreement(world: World) -> None:
    path = f"/v1/agreements/{REFERENCE}/envelopes"
    other = world.envelope(issuer=DURHAM, recipient=CLEVELAND, check="f" * 16)
    assert problem(world.call("post", path, DURHAM, json=other), 409, "epoch-exists")["clause"] == f"{REFERENCE} version 1, linkage"
    found = problem(world.call("get", f"/v1/agreements/{REFERENCE}/datasets/cats/contract", CLEVELAND), 404, "unknown-dataset")
    assert found["clause"] == f"{REFERENCE} version 1, datasets"
