"""Rights by pseudonym: whose rows go, what stays as it was, what is answered, and what is left of the person afterwards."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.submissions import holdings, holds, retention
from exchange.submissions.holds import Over
from exchange.submissions.tables import SubmissionState
from keys.errors import KeyDestroyed
from keys.rights import digest_after
from tests.exchange.asking import ask, entries, everything_readable, parts, pseudonym, receipt_of, rekeyed, request
from tests.exchange.quicker import open_here
from tests.exchange.standing import CLEVELAND, DURHAM, NOW, OPERATOR, REFERENCE, TEAM, Pushed, World, crimes, problem
from tests.exchange.test_modes import under
from tests.exchange.web.signed_in import sign_in
from tests.folders import content_of, lying

SUBMISSIONS = f"/agreements/{REFERENCE}/submissions"
WHOM = [pseudonym(1)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener without a process of its own."""
    open_here(monkeypatch)


@pytest.fixture(scope="session")
def first_held(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Pushed]:
    """Three rows held, once; tests use copies."""
    world = first_world.copy(tmp_path_factory.mktemp("held") / "hub")
    return world, world.hold([crimes(3)])


@pytest.fixture
def pushed(first_held: tuple[World, Pushed]) -> Pushed:
    """The submission that ``held`` holds."""
    return first_held[1]


@pytest.fixture
def held(first_held: tuple[World, Pushed], tmp_path: Path) -> Iterator[World]:
    """A hub of the test's own that holds it."""
    mine = first_held[0].copy(tmp_path / "held")
    yield mine
    mine.close()
    shutil.rmtree(mine.folder, ignore_errors=True)


def batches(world: World) -> dict[str, holdings.Batch]:
    with writing(world.hub.engine) as session:
        return {one.submission: one for one in holdings.live(session, REFERENCE, "crimes")}


def copies(world: World, submission: str) -> list[tuple[bytes, bytes, str]]:
    """What a backup would have of a submission: its objects with their wrapped data keys."""
    held = world.hub.places.held
    return [(content_of(held, part.object), part.wrapped_key, part.aad) for part in world.row(submission).held]


def without(tables: list[pa.Table], gone: set[bytes]) -> list[pa.Table]:
    return [table.filter(pa.array([value not in gone for value in table.column("crime").to_pylist()])) for table in tables]


def test_an_erased_person_is_in_nothing_that_anybody_could_read(world: World) -> None:
    mixed = crimes(4, crime=[pseudonym(1), None, pseudonym(7), pseudonym(1)])
    pushed = world.hold([crimes(3), mixed, crimes(3, seed=5)])
    old, before, backup = world.row(pushed.id), parts(world, pushed.id), copies(world, pushed.id)
    gone = rekeyed(world, WHOM)
    assert gone <= everything_readable(world, backup)

    receipt = ask(world, "erasure", WHOM)

    row, hub = world.row(pushed.id), world.hub
    assert parts(world, pushed.id) == without(before, gone)
    assert [part.rows for part in row.held] == [2, 2, 3]
    assert not gone & everything_readable(world, backup)
    assert row.key == f"{old.key}/2"
    with pytest.raises(KeyDestroyed):
        hub.keyring.store.unwrap(old.key, old.held[0].wrapped_key)
    changed = {part.object for part in row.held} - {part.object for part in old.held}
    assert len(changed) == 2
    assert set(hub.places.held.names()) == {part.object for part in row.held}
    [line] = receipt.batches
    assert (receipt.rows, line.rows, line.left, line.key, line.replaced) == (3, 3, 7, row.key, old.key)
    assert (line.submission, line.period, line.state, line.dispose_on) == (pushed.id, "2021-04", "held", "2031-04-30")
    assert not receipt.deferred
    assert not receipt.push_again
    assert receipt.recipients == (TEAM,)
    found = batches(world)[pushed.id]
    assert (found.rows, found.rows_digest) == (7, line.rows_digest)
    assert line.rows_digest == digest_after(old.rows_digest, receipt.request, 3)
    assert (row.rows, row.rows_digest, row.receipt) == (old.rows, old.rows_digest, old.receipt)  # what was receipted stays true


def test_nothing_of_the_person_is_kept_or_logged(held: World) -> None:
    receipt = ask(held, "erasure", WHOM)
    held.disconnect()
    kept = {str(path): path.read_bytes() for path in held.folder.rglob("*") if path.is_file()}
    for path, content in (kept | lying(held.settings, "objects", "staging", "keystore", "second_store")).items():
        for value in (*WHOM, *rekeyed(held, WHOM)):
            assert value not in content, path
            assert value.hex().encode() not in content, path
    said = [*entries(held, "rows erased"), *entries(held, "rights request"), *entries(held, "replaced key destroyed")]
    assert [entry["what"] for entry in said] == ["rows erased", "rights request: erasure", "replaced key destroyed"]
    assert {entry["organisation"] for entry in said} == {CLEVELAND}
    assert {entry["operation"] for entry in said} == {"erasure"}
    assert said[1]["subject"] == receipt.request


def test_every_submission_is_searched_superseded_ones_too_and_nobody_elses(world: World) -> None:
    first = world.hold([crimes(3)])
    second = world.hold([crimes(4)], after=first.id)
    later = world.hold([crimes(3, month=date(2021, 5, 1))], period="2021-05")
    other = world.hold([crimes(3)], supplier=DURHAM)
    without_them = world.hold([crimes(3, seed=9, month=date(2021, 6, 1))], period="2021-06")
    before = copies(world, other.id)
    receipt = ask(world, "erasure", WHOM)
    assert {(line.submission, line.state) for line in receipt.batches} == {
        (first.id, "superseded"),
        (second.id, "held"),
        (later.id, "held"),
    }
    assert (receipt.searched, receipt.rows) == (4, 3)
    assert copies(world, other.id) == before
    assert world.row(without_them.id).key == f"submission/{without_them.id}"
    assert ask(world, "erasure", WHOM).rows == 0
    assert ask(world, "access", WHOM, supplier=DURHAM).rows == 1


def test_access_tells_counts_and_changes_nothing(held: World, pushed: Pushed) -> None:
    before = copies(held, pushed.id)
    receipt = ask(held, "access", WHOM)
    assert [(line.rows, line.left, line.key, line.replaced) for line in receipt.batches] == [(1, 3, f"submission/{pushed.id}", None)]
    assert receipt.recipients == (TEAM,)
    assert [(one.dataset, one.law) for one in receipt.grounds] == [("crimes", "UK GDPR Article 15")]
    assert copies(held, pushed.id) == before
    [entry] = entries(held, "rights request")
    assert entry["operation"] == "consultation"


def test_rectification_takes_the_rows_out_and_asks_for_the_period_again(held: World, pushed: Pushed) -> None:
    receipt = ask(held, "rectification", WHOM)
    assert [(one.dataset, one.period) for one in receipt.push_again] == [("crimes", "2021-04")]
    problem(held.open(held.prepare([crimes(3)], after=pushed.id)), 409, "rows-erased")
    held.hold([crimes(3, crime_type="Burglary")], after=pushed.id)


@pytest.mark.parametrize(("right", "again"), [("erasure", False), ("restriction", True), ("objection", True)])
def test_the_same_content_again_is_no_repeat(held: World, pushed: Pushed, right: str, *, again: bool) -> None:
    ask(held, right, WHOM)
    same = held.prepare([crimes(3)], after=pushed.id)
    if again:  # a restriction or an objection may have ended, and the hub knows nobody whom it was about
        held.send(same)
        assert same.id != pushed.id
        assert held.process(same.id) == "held"
        assert batches(held)[same.id].rows == 3
    else:
        problem(held.open(same), 409, "rows-erased")
    replaced = held.hold([crimes(2, seed=1)], after=same.id if again else pushed.id)
    if not again:  # nor once another has taken its place
        problem(held.open(held.prepare([crimes(3)], after=replaced.id)), 409, "rows-erased")


def test_a_closed_period_is_open_to_what_is_put_right(world: World) -> None:
    agreement = under(world, 2, "snapshot")
    held = world.hold([crimes(3)], about=agreement, mode="snapshot")
    right = world.prepare([crimes(3, crime_type="Burglary")], about=agreement, mode="snapshot", after=held.id)
    problem(world.open(right), 403, "period-closed")
    assert ask(world, "rectification", WHOM, about=agreement).rows == 1
    world.send(right)
    assert world.process(right.id) == "held"


def test_what_is_appended_again_after_a_restriction_is_counted_once(world: World) -> None:
    agreement = under(world, 2, "append")
    first = world.hold([crimes(3)], about=agreement, mode="append")
    second = world.hold([crimes(3, seed=1)], about=agreement, mode="append", after=first.id)
    assert ask(world, "restriction", WHOM, about=agreement).rows == 1
    assert sum(one.rows for one in batches(world).values()) == 5
    again = world.hold([crimes(3)], about=agreement, mode="append", after=second.id)
    assert {name: one.rows for name, one in batches(world).items()} == {second.id: 3, again.id: 3}


def test_what_is_staged_lapses_and_is_pushed_again(world: World) -> None:
    opened, complete = world.prepare([crimes(3)]), world.prepare([crimes(3, month=date(2021, 5, 1))], period="2021-05")
    world.open(opened)
    world.put(opened, 1)
    world.send(complete)
    told = ask(world, "access", WHOM)
    assert {one.submission for one in told.deferred} == {opened.id, complete.id}
    receipt = ask(world, "erasure", WHOM)
    assert [one.period for one in receipt.push_again] == ["2021-04", "2021-05"]
    assert {world.row(one.id).state for one in (opened, complete)} == {SubmissionState.LAPSED}
    assert list(world.hub.places.staging.names()) == []
    problem(world.complete(opened), 409, "sealing-key-expired")
    assert world.process(complete.id) == "lapsed"


def test_a_legal_hold_defers_what_would_destroy(world: World) -> None:
    spared = world.hold([crimes(3)])
    free = world.hold([crimes(3, month=date(2021, 5, 1))], period="2021-05")
    person = world.agreement.party(CLEVELAND)
    assert person is not None
    over = Over(REFERENCE, "crimes", submission=spared.id)
    with writing(world.hub.engine) as session:
        hold = holds.place(session, over, reason="an inquest", person=person.dpo.key, until=date(2027, 1, 31), clock=world.clock)
    before = copies(world, spared.id)
    receipt = ask(world, "erasure", WHOM)
    assert [line.submission for line in receipt.batches] == [free.id]
    [deferred] = receipt.deferred
    assert deferred.submission == spared.id
    assert "2027-01-31" in deferred.reason
    assert "inquest" not in deferred.reason
    assert deferred.clause.startswith(f"{REFERENCE} version 1, dataset crimes")
    assert copies(world, spared.id) == before
    assert ask(world, "access", WHOM).rows == 1
    with writing(world.hub.engine) as session:
        holds.lift(session, hold.id, person.dpo.key, world.clock)
    assert [line.submission for line in ask(world, "erasure", WHOM).batches] == [spared.id]


def test_what_waits_to_be_opened_under_a_legal_hold_is_left_as_it_is(world: World) -> None:
    person = world.agreement.party(CLEVELAND)
    assert person is not None
    over = Over(REFERENCE, "crimes", supplier=CLEVELAND)
    with writing(world.hub.engine) as session:
        holds.place(session, over, reason="an inquest", person=person.dpo.key, until=date(2027, 1, 31), clock=world.clock)
    waiting = world.prepare([crimes(3)])
    world.send(waiting)
    receipt = ask(world, "erasure", WHOM)
    assert [(one.submission, "2027-01-31" in one.reason) for one in receipt.deferred] == [(waiting.id, True)]
    assert receipt.push_again == ()
    assert world.process(waiting.id) == "held"
    assert [one.submission for one in ask(world, "erasure", WHOM).deferred] == [waiting.id]


def test_people_see_counts_of_their_own(held: World, pushed: Pushed) -> None:
    mine, theirs = (sign_in(held, party, "dpo") for party in (CLEVELAND, DURHAM))
    assert "about people’s rights" not in mine.get(SUBMISSIONS).text
    ask(held, "erasure", WHOM)
    ask(held, "access", WHOM)
    assert "2 requests about people’s rights have been carried out" in mine.get(SUBMISSIONS).text
    assert "of which 1 was removed since" in mine.get(f"{SUBMISSIONS}/{pushed.id}").text
    assert "about people’s rights" not in theirs.get(SUBMISSIONS).text
    assert "of which" not in theirs.get(f"{SUBMISSIONS}/{pushed.id}").text
    assert "2 requests" in sign_in(held, OPERATOR, "operator").get(SUBMISSIONS).text


def test_the_same_request_again_gets_the_same_receipt(held: World) -> None:
    signed = request(held, "erasure", WHOM)
    first = held.call("post", "/v1/rights", CLEVELAND, json=signed)
    held.clock.forward(days=1)
    again = held.restarted().call("post", "/v1/rights", CLEVELAND, json=signed)
    assert receipt_of(held, again, signed) == receipt_of(held, first, signed)
    assert len(entries(held, "rights request")) == 1
    other = request(held, "access", WHOM, request=signed["document"]["request"])
    problem(held.call("post", "/v1/rights", CLEVELAND, json=other), 409, "request-conflict")


def test_erased_again_and_again_until_nothing_is_left(world: World) -> None:
    pushed = world.hold([crimes(2), crimes(1, seed=4)])
    for row, seed, left in ((0, 0, 2), (1, 0, 1), (0, 4, 0)):
        receipt = ask(world, "erasure", [pseudonym(row, seed)])
        assert [line.left for line in receipt.batches] == [left]
    assert [table.num_rows for table in parts(world, pushed.id)] == [0, 0]
    assert world.row(pushed.id).key == f"submission/{pushed.id}/4"
    with writing(world.hub.engine) as session:
        dataset = world.agreement.dataset("crimes")
        assert dataset is not None
        found = holdings.live(session, REFERENCE, "crimes")
        held = world.hub.places.held
        assert holdings.rows(session, world.hub.keyring, held, found, world.agreement, dataset).count_rows() == 0


def test_a_next_key_that_was_destroyed_unused_is_passed_over(held: World, pushed: Pushed) -> None:
    held.hub.keyring.store.destroy(f"submission/{pushed.id}/2")
    ask(held, "erasure", WHOM)
    assert held.row(pushed.id).key == f"submission/{pushed.id}/3"
    ask(held, "erasure", [pseudonym(2)])
    assert held.row(pushed.id).key == f"submission/{pushed.id}/4"


def test_several_people_at_once(world: World) -> None:
    pushed = world.hold([crimes(9), crimes(9, seed=1)])
    receipt = ask(world, "erasure", [pseudonym(row, seed) for row in range(3) for seed in (0, 1, 2)])
    assert (receipt.rows, world.row(pushed.id).erased_rows) == (6, 6)


def test_what_no_secret_of_the_request_reaches_is_said(world: World) -> None:
    old = world.hold([crimes(3)])
    issued = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope(epoch=2))
    assert issued.status_code == 201, issued.text
    new = world.hold([crimes(3)], after=old.id, epoch=2)
    receipt = ask(world, "erasure", WHOM, epoch=2)
    assert [line.submission for line in receipt.batches] == [new.id]
    assert [(one.submission, "epoch 1" in one.reason) for one in receipt.deferred] == [(old.id, True)]
    assert receipt.searched == 1


def test_rights_outlive_suspension_and_the_end(held: World) -> None:
    held.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    assert ask(held, "erasure", WHOM).rows == 1
    held.say(DURHAM, Capacity.SIGNATORY, Voice.TERMINATE)
    assert ask(held, "restriction", [pseudonym(2)]).rows == 1
    assert [line.left for line in ask(held, "access", [pseudonym(0)]).batches] == [1]


def forged(world: World, **members: Any) -> dict[str, Any]:
    return request(world, "erasure", WHOM, **members)


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"datasets": ["crimes", "nothing"]}, 403, "refused-by-agreement"),
        ({"kind": "person"}, 403, "refused-by-agreement"),
        ({"normaliser": 2}, 422, "linkage-mismatch"),
        ({"epochs": [{"epoch": 1, "key_check": "f" * 16}]}, 422, "linkage-mismatch"),
        ({"epochs": [{"epoch": 7, "key_check": "0123456789abcdef"}]}, 422, "linkage-mismatch"),
        ({"sealing_key": "seal-20200101-00000000"}, 422, "sealing-key-expired"),
        ({"sealed": "AAAA"}, 422, "bad-request"),
        ({"version": 2}, 422, "bad-request"),
        ({"agreement": "sha256:" + "0" * 64}, 404, "unknown-agreement"),
        ({"key": f"{CLEVELAND}/client"}, 422, "wrong-key"),
        ({"key": f"{DURHAM}/manifest"}, 422, "wrong-key"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_what_does_not_hold_is_refused_and_changes_nothing(
    held: World, pushed: Pushed, members: dict[str, Any], status: int, code: str
) -> None:
    before = copies(held, pushed.id)
    problem(held.call("post", "/v1/rights", CLEVELAND, json=forged(held, **members)), status, code)
    assert copies(held, pushed.id) == before
    assert not entries(held, "rights request")


def test_a_sealed_request_is_of_use_for_nothing_else(held: World) -> None:
    mine = forged(held)["document"]
    moved = forged(held, sealed=mine["sealed"])  # the same people under another request id
    problem(held.call("post", "/v1/rights", CLEVELAND, json=moved), 422, "bad-request")
    problem(held.call("post", "/v1/rights", DURHAM, json=forged(held)), 422, "wrong-key")
    assert held.call("post", "/v1/rights", json=forged(held)).status_code == 401
    assert held.call("post", "/v1/rights", TEAM, json=forged(held)).status_code == 403
    headers = held.other_key(CLEVELAND)
    problem(held.call("post", "/v1/rights", json=forged(held), headers=headers), 403, "wrong-client-key")


def test_what_is_needed_to_ask_is_told_to_parties_alone(world: World) -> None:
    path = f"/v1/rights?agreement={world.agreement.digest}"
    found = world.call("get", path, CLEVELAND).get_json()
    assert found["epochs"] == [{"epoch": 1, "key_check": "0123456789abcdef"}]
    assert found["sealing_key"]["document"]["id"] == world.sealing_notice()["id"]
    problem(world.call("get", f"/v1/rights?agreement=sha256:{'0' * 64}", CLEVELAND), 404, "unknown-agreement")
    assert world.call("get", path, TEAM).status_code == 403


def test_a_disposed_submission_is_not_searched(held: World, pushed: Pushed) -> None:
    ask(held, "erasure", WHOM)
    held.clock.now = NOW.replace(year=2031)
    retention.dispose(held.hub.engine, held.hub.keyring, held.hub.places, pushed.id, held.clock())
    row = held.row(pushed.id)
    assert row.certificate is not None
    assert held.hub.keyring.store.names(f"submission/{pushed.id}") == []
    with pytest.raises(KeyDestroyed):
        held.hub.keyring.store.get(row.key)
