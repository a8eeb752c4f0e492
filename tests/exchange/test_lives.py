"""A version's life at the hub: drafts, suspension of one dataset, who may still sign, keys that change, what replaces what, reviews."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from agreements.document import read
from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.rules import in_force, today
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Conflict, RefusedByAgreement, UnknownAgreement
from exchange.log.tables import EntryRow
from exchange.register import agreements, reminders
from exchange.submissions import process
from keys.sign import SigningKey, Use, sign_document
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, crimes, problem

DPO, SIGNATORY = Capacity.DPO, Capacity.SIGNATORY
EVERYONE = (CLEVELAND, DURHAM, OPERATOR)


def state(world: World, version: int = 1) -> str:
    with reading(world.hub.engine) as session:
        row = agreements.current(session, REFERENCE, version)
        return row.state if row else "unknown"


def entered(world: World, agreement: Agreement) -> str:
    with writing(world.hub.engine) as session:
        return agreements.enter(session, agreement, OPERATOR, world.clock()).state


def say(
    world: World,
    party: str,
    voice: Voice,
    about: Agreement | None = None,
    *,
    capacity: Capacity = SIGNATORY,
    dataset: str = "",
    key: SigningKey | None = None,
    named_in: Agreement | None = None,
) -> str:
    """What :meth:`World.say` does, for one dataset, with another key, or as somebody whom another version names."""
    agreement = about or world.agreement
    person = speaker(named_in or agreement, party, capacity).name
    said = Statement(party, capacity, person, voice, "", world.clock().replace(microsecond=0), secrets.token_hex(16), dataset)
    signed = sign_document(statement_document(agreement, said), Use.STATEMENT, key or world.signing(f"{party}/{capacity}"))
    with writing(world.hub.engine) as session:
        return agreements.record(session, signed, world.clock)[0].state


def logged(world: World, what: str) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [entry for entry in found if entry and entry["what"] == what]


def draft(world: World, version: int, *, purpose: str = "") -> Agreement:
    """The shipped words without one mandatory item."""
    lines = world.words(version=str(version)).splitlines()
    found = [line for line in lines if not line.startswith("complaints = ")]
    assert len(found) == len(lines) - 1
    return read("\n".join(found).replace('purpose = "', f'purpose = "{purpose}', 1))


# ------------------------------------------------------------------------------------------------------------ drafts


def test_a_document_that_lacks_an_item_is_a_draft_about_which_nothing_is_said(world: World) -> None:
    lacking = draft(world, 2)
    assert entered(world, lacking) == State.DRAFT
    for capacity, voice in ((DPO, Voice.ADVISE_FOR), (SIGNATORY, Voice.SIGN)):
        with pytest.raises(RefusedByAgreement, match=r"version 2, items: this is a draft.*Complaints") as caught:
            say(world, CLEVELAND, voice, lacking, capacity=capacity)
        assert caught.value.code == "statement-refused"
    assert (state(world, 1), state(world, 2)) == (State.IN_FORCE, State.DRAFT)


def test_a_draft_is_known_to_its_parties_and_to_nobody_else(world: World) -> None:
    entered(world, draft(world, 2))
    with reading(world.hub.engine) as session:
        assert {row.version for row in agreements.visible(session, CLEVELAND)} == {1, 2}
        assert {row.version for row in agreements.visible(session, TEAM)} == {1}  # a recipient, no party
        assert agreements.known(session, REFERENCE, DURHAM, 2).state == State.DRAFT
        assert agreements.known(session, REFERENCE, TEAM).version == 1
        with pytest.raises(UnknownAgreement):
            agreements.known(session, REFERENCE, TEAM, 2)


def test_a_draft_makes_place_for_other_words_under_the_same_version(world: World) -> None:
    first, second, whole = draft(world, 2), draft(world, 2, purpose="Better said: "), world.version(2)
    entered(world, first)
    assert entered(world, second) == State.DRAFT
    assert entered(world, second) == State.DRAFT  # the same words twice are one
    assert entered(world, whole) == State.PROPOSED
    assert [entry["subject"] for entry in logged(world, "draft replaced")] == [first.digest, second.digest]
    with pytest.raises(Conflict, match="other words"):
        entered(world, first)
    assert world.sign_all(whole) == State.IN_FORCE


def test_only_a_draft_is_withdrawn_and_its_number_is_free_again(world: World) -> None:
    lacking = draft(world, 2)
    entered(world, lacking)

    def withdraw(version: int) -> None:
        with writing(world.hub.engine) as session:
            agreements.withdraw(session, REFERENCE, version, OPERATOR, world.clock())

    withdraw(2)
    assert state(world, 2) == "unknown"
    assert logged(world, "draft withdrawn")[0]["details"]["state"] == State.WITHDRAWN
    with pytest.raises(UnknownAgreement):
        withdraw(2)
    entered(world, world.version(2))
    for version in (1, 2):
        with pytest.raises(RefusedByAgreement, match="cannot withdraw"):
            withdraw(version)


# ------------------------------------------------------------------------------------------------------------ one dataset


def test_a_dataset_stops_alone_and_moves_when_all_who_stopped_it_have_resumed(world: World) -> None:
    under_way = world.prepare([crimes()])
    world.open(under_way)
    world.put(under_way, 1)
    assert say(world, CLEVELAND, Voice.SUSPEND, dataset="crimes") == State.IN_FORCE
    assert say(world, DURHAM, Voice.SUSPEND, dataset="crimes", capacity=DPO) == State.IN_FORCE
    found = problem(world.complete(under_way), 403, "refused-by-agreement")
    assert found["clause"] == f"{REFERENCE} version 1, suspension"
    assert "the dataset crimes is suspended" in found["detail"]
    shown = world.call("get", f"/v1/agreements/{REFERENCE}", CLEVELAND).get_json()
    assert (shown["state"], shown["suspended"], shown["suspended_by"]) == ("in-force", ["crimes"], [])
    assert say(world, CLEVELAND, Voice.RESUME, dataset="crimes") == State.IN_FORCE
    assert world.complete(under_way).status_code == 403
    with pytest.raises(RefusedByAgreement, match="has not suspended the dataset crimes"):
        say(world, CLEVELAND, Voice.RESUME, dataset="crimes")
    with pytest.raises(RefusedByAgreement, match="cannot resume"):
        say(world, DURHAM, Voice.RESUME)  # the whole was never suspended
    say(world, DURHAM, Voice.RESUME, dataset="crimes")
    assert world.complete(under_way).status_code == 202
    assert world.process(under_way.id) == "held"


def test_the_whole_and_a_dataset_of_it_are_stopped_and_resumed_apart(world: World) -> None:
    say(world, CLEVELAND, Voice.SUSPEND, dataset="crimes")
    assert say(world, CLEVELAND, Voice.SUSPEND) == State.SUSPENDED
    assert say(world, DURHAM, Voice.SUSPEND, dataset="outcomes") == State.SUSPENDED
    shown = world.call("get", f"/v1/agreements/{REFERENCE}", CLEVELAND).get_json()
    assert (shown["suspended"], shown["suspended_by"]) == (["crimes", "outcomes"], [CLEVELAND])
    assert say(world, CLEVELAND, Voice.RESUME) == State.IN_FORCE
    problem(world.open(world.prepare([crimes()])), 403, "refused-by-agreement")
    say(world, CLEVELAND, Voice.RESUME, dataset="crimes")
    assert world.open(world.prepare([crimes()])).status_code == 201
    shown = world.call("get", f"/v1/agreements/{REFERENCE}", CLEVELAND).get_json()
    assert (shown["suspended"], shown["suspended_by"]) == (["outcomes"], [])


def test_queued_parts_of_a_suspended_dataset_stay_sealed(world: World) -> None:
    waiting = world.prepare([crimes()])
    world.send(waiting)
    say(world, DURHAM, Voice.SUSPEND, dataset="outcomes")
    assert process.pending(world.hub.engine, world.clock()) == [waiting.id]
    say(world, CLEVELAND, Voice.SUSPEND, dataset="crimes")
    assert process.pending(world.hub.engine, world.clock()) == []
    assert world.process(waiting.id) == "complete"  # though somebody asked
    assert list(world.hub.places.staging.names())
    assert list(world.hub.places.held.names()) == []
    say(world, CLEVELAND, Voice.RESUME, dataset="crimes")
    schedule.process_pending(world.hub)
    assert world.row(waiting.id).state == "held"


def test_a_dataset_suspended_when_the_agreement_ended_holds_nothing_up(world: World) -> None:
    waiting = world.prepare([crimes()])
    world.send(waiting)
    say(world, CLEVELAND, Voice.SUSPEND, dataset="crimes")
    say(world, CLEVELAND, Voice.TERMINATE)
    schedule.process_pending(world.hub)
    assert world.row(waiting.id).state == "refused"
    assert list(world.hub.places.staging.names()) == []


def test_a_statement_about_a_dataset_that_is_not_there_or_not_to_be_stopped_does_not_bind(world: World) -> None:
    for voice, dataset in ((Voice.SUSPEND, "cats"), (Voice.TERMINATE, "crimes"), (Voice.SIGN, "crimes")):
        with pytest.raises(Exception, match="only a dataset of the agreement is suspended or resumed by itself"):
            say(world, CLEVELAND, voice, dataset=dataset)


# ------------------------------------------------------------------------------------------------------------ versions


def test_a_new_version_takes_over_what_was_stopped_under_the_old(world: World) -> None:
    second = world.version(2, in_force_from="2026-12-01")
    world.enter(second)
    world.sign_all(second)
    say(world, CLEVELAND, Voice.SUSPEND, dataset="crimes")
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert state(world, 2) == State.IN_FORCE
    problem(world.open(world.prepare([crimes()], about=second)), 403, "refused-by-agreement")
    say(world, CLEVELAND, Voice.RESUME, second, dataset="crimes")
    assert world.open(world.prepare([crimes()], about=second)).status_code == 201


def test_a_stop_of_the_new_version_stops_what_is_left_of_the_old(world: World) -> None:
    under_way = world.prepare([crimes()])
    world.open(under_way)
    world.put(under_way, 1)
    second = world.version(2)
    world.enter(second)
    world.sign_all(second)
    for dataset in ("", "crimes"):
        say(world, DURHAM, Voice.SUSPEND, second, dataset=dataset)
        assert state(world, 1) == (State.IN_FORCE if dataset else State.SUSPENDED)
        problem(world.complete(under_way), 403, "refused-by-agreement")
        say(world, DURHAM, Voice.RESUME, second, dataset=dataset)
        assert state(world, 1) == State.IN_FORCE
    assert say(world, DURHAM, Voice.TERMINATE, second) == State.TERMINATED
    assert state(world, 1) == State.TERMINATED  # else it would be the version in force again
    problem(world.complete(under_way), 403, "refused-by-agreement")


@pytest.mark.parametrize("voice", [Voice.SUSPEND, Voice.TERMINATE])
def test_a_stop_of_a_replaced_version_names_the_one_that_goes_on(world: World, voice: Voice) -> None:
    second = world.version(2)
    world.enter(second)
    world.sign_all(second)
    with pytest.raises(RefusedByAgreement, match=f"{REFERENCE} version 1, versions: version 2 has replaced this one and would go on"):
        say(world, DURHAM, voice, world.agreement)
    assert (state(world, 1), state(world, 2)) == (State.IN_FORCE, State.IN_FORCE)


def test_what_was_replaced_ends_with_what_replaced_it(world: World) -> None:
    second = world.version(2, expires="2027-01-01", review="2026-12-31")
    world.enter(second)
    world.sign_all(second)
    world.clock.now = datetime(2027, 1, 1, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert (state(world, 1), state(world, 2)) == (State.EXPIRED, State.EXPIRED)


def test_an_upload_under_way_is_accepted_for_a_day_unless_the_new_version_lets_less_through(world: World) -> None:
    under_way = world.prepare([crimes()])
    world.open(under_way)
    world.put(under_way, 1)
    wider = world.version(2)
    world.enter(wider)
    world.sign_all(wider)
    narrower = world.version(3, retention='"P7Y"')
    world.clock.forward(hours=1)
    assert world.open(world.prepare([crimes(4)])).status_code == 201
    world.enter(narrower)
    world.sign_all(narrower)
    found = problem(world.complete(under_way), 403, "refused-by-agreement")
    assert found["clause"] == f"{REFERENCE} version 1, versions"
    assert "version 3, a newer version now in force, admits less of the dataset crimes" in found["detail"]


def test_nobody_speaks_for_an_older_version_once_a_newer_is_signed(world: World) -> None:
    second, third = world.version(2), world.version(3, in_force_from="2026-12-01")
    world.enter(second)
    world.say(CLEVELAND, DPO, Voice.ADVISE_FOR, second)
    world.enter(third)
    assert world.sign_all(third) == State.SIGNED
    for capacity, voice in ((SIGNATORY, Voice.SIGN), (DPO, Voice.ADVISE_AGAINST)):
        with pytest.raises(RefusedByAgreement, match="version 2, versions: version 3, a newer one, has been signed by every party"):
            world.say(CLEVELAND, capacity, voice, second)
    world.clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert [state(world, number) for number in (1, 2, 3)] == [State.IN_FORCE, State.TERMINATED, State.IN_FORCE]
    with pytest.raises(RefusedByAgreement, match="a newer one, has been signed by every party"):
        world.say(CLEVELAND, SIGNATORY, Voice.SIGN, second)
    assert [entry["details"]["version"] for entry in logged(world, "agreement overtaken")] == [2]


def test_a_version_signed_for_later_never_comes_after_a_newer_one(world: World) -> None:
    second, third = world.version(2, in_force_from="2026-12-01"), world.version(3)
    world.enter(second)
    assert world.sign_all(second) == State.SIGNED
    world.enter(third)
    assert world.sign_all(third) == State.IN_FORCE
    assert state(world, 2) == State.TERMINATED
    world.clock.now = datetime(2026, 12, 2, tzinfo=UTC)
    schedule.advance_agreements(world.hub)
    assert (state(world, 2), state(world, 3)) == (State.TERMINATED, State.IN_FORCE)


def test_a_dpo_advises_otherwise_until_the_signatory_has_signed(world: World) -> None:
    second = world.version(2)
    world.enter(second)
    world.say(CLEVELAND, DPO, Voice.ADVISE_AGAINST, second)
    world.say(CLEVELAND, DPO, Voice.ADVISE_FOR, second)
    world.say(CLEVELAND, SIGNATORY, Voice.SIGN, second)
    with pytest.raises(RefusedByAgreement, match="signed on the advice given before"):
        world.say(CLEVELAND, DPO, Voice.ADVISE_AGAINST, second)
    with pytest.raises(RefusedByAgreement, match="already signed"):
        world.say(CLEVELAND, SIGNATORY, Voice.SIGN, second)


# ------------------------------------------------------------------------------------------------------------ keys


def with_keys(world: World, version: int, keys: dict[str, SigningKey]) -> Agreement:
    text = world.words(version=str(version))
    for place, key in keys.items():
        text = text.replace(world.signing(place).public.fingerprint, key.public.fingerprint, 1)
    return read(text)


def test_a_key_changes_when_two_parties_whose_keys_stay_have_signed(world: World) -> None:
    keys = {f"{CLEVELAND}/signatory": SigningKey.generate()}
    second = with_keys(world, 2, keys)
    world.enter(second)
    for party in EVERYONE:
        world.say(party, DPO, Voice.ADVISE_FOR, second)
        say(world, party, Voice.SIGN, second, key=keys.get(f"{party}/signatory"))
    assert state(world, 2) == State.IN_FORCE


def test_keys_of_two_parties_change_only_with_their_old_signatories_word(world: World) -> None:
    places = (f"{CLEVELAND}/signatory", f"{DURHAM}/signatory", f"{DURHAM}/dpo")
    keys = {place: SigningKey.generate() for place in places}
    second = with_keys(world, 2, keys)
    world.enter(second)
    for party in EVERYONE:
        say(world, party, Voice.ADVISE_FOR, second, capacity=DPO, key=keys.get(f"{party}/dpo"))
    for party in (CLEVELAND, DURHAM):
        say(world, party, Voice.SIGN, second, key=keys[f"{party}/signatory"])
    with pytest.raises(RefusedByAgreement, match=f"other keys for {CLEVELAND}, {DURHAM} than version 1 in force"):
        say(world, OPERATOR, Voice.SIGN, second)
    with pytest.raises(RefusedByAgreement, match="only the signatory whom version 1 names"):
        say(world, CLEVELAND, Voice.ENDORSE, second, key=keys[f"{CLEVELAND}/signatory"])
    with pytest.raises(RefusedByAgreement, match="nothing to endorse"):
        say(world, OPERATOR, Voice.ENDORSE, second)
    assert say(world, CLEVELAND, Voice.ENDORSE, second, named_in=world.agreement) == State.PROPOSED
    with pytest.raises(RefusedByAgreement, match=f"other keys for {DURHAM} than version 1"):
        say(world, OPERATOR, Voice.SIGN, second)
    assert state(world, 2) == State.PROPOSED
    say(world, DURHAM, Voice.ENDORSE, second, named_in=world.agreement)
    assert say(world, OPERATOR, Voice.SIGN, second) == State.IN_FORCE
    # What the endorsement let in is what counts from now on.
    assert say(world, DURHAM, Voice.SUSPEND, second, key=keys[f"{DURHAM}/signatory"]) == State.SUSPENDED


# ------------------------------------------------------------------------------------------------------------ reviews


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


REVIEW = date(2027, 5, 1)


def test_the_days_of_a_review() -> None:
    days = [REVIEW + timedelta(days=number) for number in range(-200, 200)]
    changes = [day for day in days if reminders.day_for(REVIEW, day) == day]
    assert changes == [REVIEW + timedelta(days=number) for number in (-60, -14, 0, 30, 60, 90, 120, 150, 180)]
    assert reminders.day_for(REVIEW, REVIEW - timedelta(days=61)) is None


def test_a_review_is_brought_to_mind_on_its_days_and_once_each(world: World) -> None:
    for day in range(-70, 70, 1):
        world.clock.now = at(REVIEW + timedelta(days=day))
        schedule.remind_of_reviews(world.hub)
    schedule.remind_of_reviews(world.hub)
    found = [entry["details"]["days left"] for entry in logged(world, "review due")]
    assert found == [60, 14, 0, -30, -60]
    with reading(world.hub.engine) as session:
        (mine,) = reminders.outstanding(session, CLEVELAND, world.clock())
        assert (mine.reference, mine.version, mine.review, mine.days_left) == (REFERENCE, 1, REVIEW, -69)
        assert mine.words == f"{REFERENCE} version 1: review by 1 May 2027, 69 days overdue"
        assert reminders.outstanding(session, "", world.clock()) == [mine]
        assert reminders.outstanding(session, TEAM, world.clock()) == reminders.outstanding(session, "stranger", world.clock()) == []


def test_nothing_is_outstanding_before_and_after(world: World) -> None:
    schedule.remind_of_reviews(world.hub)
    with reading(world.hub.engine) as session:
        assert reminders.outstanding(session, CLEVELAND, world.clock()) == []
    world.clock.now = at(REVIEW - timedelta(days=3))
    schedule.remind_of_reviews(world.hub)
    second = world.version(2, review="2028-05-01")
    world.enter(second)
    world.sign_all(second)
    schedule.remind_of_reviews(world.hub)
    with reading(world.hub.engine) as session:
        assert reminders.outstanding(session, CLEVELAND, world.clock()) == []
    assert len(logged(world, "review due")) == 1


# ------------------------------------------------------------------------------------------------------------ to the second


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])
def test_it_expires_in_the_register_at_londons_midnight(world: World, day: date) -> None:
    second = world.version(2, expires=day.isoformat(), review="2027-03-01")
    world.enter(second)
    world.sign_all(second)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=day.month == 10)
    world.clock.now = midnight - timedelta(seconds=1)
    assert today(world.clock()) == day - timedelta(days=1)
    schedule.advance_agreements(world.hub)
    assert state(world, 2) == State.IN_FORCE
    world.clock.now = midnight
    with reading(world.hub.engine) as session:
        standing = agreements.standing(agreements.current(session, REFERENCE, 2))
        assert in_force(standing, midnight - timedelta(seconds=1))
        assert not in_force(standing, midnight)  # whether or not the job has run
    schedule.advance_agreements(world.hub)
    assert state(world, 2) == State.EXPIRED
