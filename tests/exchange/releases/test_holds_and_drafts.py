"""Rows under a legal hold feed no edition; superseded rows stay for the drafts made from them; and nothing made of rows outlives them unprotected."""

import sqlite3
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from exchange import schedule
from exchange.db import reading, writing
from exchange.errors import Conflict
from exchange.log.tables import EntryRow
from exchange.questions import due
from exchange.releases import checking, edition, gate
from exchange.releases.tables import EditionFileRow, EditionState
from exchange.settling import settle
from exchange.submissions import holdings, holds
from exchange.submissions.holds import Hold, Over
from tests.exchange.releases.drafted import CHECKERS, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes, print_of
from tests.folders import lying

DUE = datetime(2031, 4, 29, 23, 0, tzinfo=UTC)  # 30 April in London


def place(world: World, over: Over) -> Hold:
    who = print_of(world.keys[f"{DURHAM}/dpo"])
    with writing(world.hub.engine) as session:
        return holds.place(session, over, reason="an inquiry", person=who, until=date(2027, 1, 31), clock=world.clock)


def heads(world: World) -> dict[str, str]:
    with reading(world.hub.engine) as session:
        return {one.supplier: one.submission for one in holdings.live(session, REFERENCE, "crimes")}


def replaced(world: World) -> str:
    """Cleveland's month, sent again in other words; the id of the one that it replaces."""
    before = heads(world)[CLEVELAND]
    outcomes = ["Charged", "Unable to prosecute", "No suspect identified", None] * 31
    world.hold([crimes(124, seed=9, last_outcome=outcomes)], after=before)
    return before


def test_an_edition_over_held_rows_is_refused_by_period_and_can_be_made_when_the_hold_is_lifted(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    placed = place(world, Over(REFERENCE, "crimes", DURHAM))
    with pytest.raises(Conflict, match=f"crimes is under legal hold: {DURHAM} 2021-04; while .*{placed.id}") as caught:
        ask(world)
    assert (caught.value.code, caught.value.extra["clause"]) == ("under-hold", f"{REFERENCE} version 1, dataset crimes, retention")
    with pytest.raises(Conflict, match=r"the draft was made from .*, under legal hold now"):
        record(world, vote(world, identity, CHECKERS[0]))
    counts = [f"exact counts destroyed ({what}): {identity}" for what in ("counts", "proof")]
    assert settle(world.hub) == [f"edition dropped: {identity}", *counts]
    found = row(world, identity)
    assert (found.state, found.files, checking.FINDINGS in found.report) == (EditionState.DROPPED, [], False)
    with reading(world.hub.engine) as session:
        entries = [one for one in session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars() if one]
    [said] = [one["details"] for one in entries if (one["subject"], one["what"]) == (identity, "edition dropped")]
    assert said["because"].endswith(f"under legal hold ({placed.id})")  # type: ignore[index]
    with writing(world.hub.engine) as session:
        holds.lift(session, placed.id, print_of(world.keys[f"{DURHAM}/dpo"]), world.clock)
    assert ask(world)


def test_a_hold_placed_while_an_edition_is_made_keeps_it_from_being_drafted(
    drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = drafted
    real = gate.guard

    def meanwhile(*given: Any) -> Any:
        place(world, Over(REFERENCE, "crimes"))
        return real(*given)

    monkeypatch.setattr(edition, "guard", meanwhile)
    with pytest.raises(Conflict, match="under legal hold"):
        ask(world)


def test_superseded_rows_stay_until_the_draft_made_from_them_is_dropped_and_go_promptly_then(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    before = replaced(world)
    schedule.dispose_due(world.hub)
    assert world.row(before).state == "superseded"
    with pytest.raises(Conflict, match="rows it was made from have been replaced, or are held no longer: it is checked no further"):
        record(world, vote(world, identity, CHECKERS[1]))
    with reading(world.hub.engine) as session:
        today = world.clock().date()
        [listed] = [one for one in due.everything(session, today, today) if one.id == before]
        assert listed.waits_for == (identity,)
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    dropped = row(world, identity)
    assert (dropped.state, dropped.votes, dropped.files) == (EditionState.DROPPED, [], [])
    assert dropped.ended == "rows it was made from have been replaced, or are held no longer"
    found = world.row(before)
    assert found.state == "disposed"
    assert found.certificate is not None
    assert (found.certificate["document"]["was"], found.certificate["document"]["due"]) == ("superseded", "2026-11-22")
    assert world.receipt(before).dispose_on == "2031-04-30"  # what was promised then
    assert set(heads(world)) == {CLEVELAND, DURHAM}


def test_a_superseded_submission_that_no_draft_needs_goes_at_once_and_under_a_hold_it_waits(world: World) -> None:
    first = world.hold()
    second = world.hold([crimes(4)], after=first.id)
    placed = place(world, Over("", "", submission=first.id))
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    assert world.row(first.id).state == "superseded"
    with writing(world.hub.engine) as session:
        holds.lift(session, placed.id, print_of(world.keys[f"{DURHAM}/dpo"]), world.clock)
    schedule.dispose_due(world.hub)
    assert [world.row(one.id).state for one in (first, second)] == ["disposed", "held"]
    third = world.hold([crimes(5)], after=second.id)  # a correction of a correction
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    assert [world.row(one.id).state for one in (second, third)] == ["disposed", "held"]


def everything_kept(world: World) -> bytes:
    """Every byte that the hub keeps: the whole database, freed pages and journal too, and every file."""
    whole = sqlite3.connect(world.folder / "hub.sqlite")
    whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole.close()
    return b"".join(path.read_bytes() for path in sorted(world.folder.rglob("*")) if path.is_file())


def test_no_byte_of_unprotected_tables_or_proofs_is_kept_and_findings_and_drafts_go_with_their_rows_on_sqlite(
    drafted: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, first = drafted
    seen: list[dict[str, bytes]] = []
    real = gate.guard

    def guard(exact: Any, release: Any) -> Any:
        protected, report = real(exact, release)
        seen.extend((dict(exact), dict(protected)))
        return protected, report

    monkeypatch.setattr(edition, "guard", guard)
    second = ask(world)
    exact, protected = seen
    assert {"certificate.json", "report.json"} & set(protected)  # made, and used: only not kept
    rows = {line for name, content in exact.items() if name.endswith(".csv") for line in content.splitlines()[1:] if len(line) > 12}
    proof = {line for line in protected["certificate.json"].splitlines() if len(line) > 30}
    secret = rows | proof
    assert len(rows) > 20
    assert proof
    kept = everything_kept(world)
    assert not [line for line in secret if line in kept]
    with writing(world.hub.engine) as session:  # the search would find one
        session.add(EditionFileRow(edition=first, name="control", media_type="text/csv", sha256="", content=min(secret)))
    assert min(secret) in everything_kept(world)
    with writing(world.hub.engine) as session:
        session.execute(delete(EditionFileRow).where(EditionFileRow.name == "control"))
    assert checking.FINDINGS in row(world, second).report
    publish(world, first)
    published = {one.name: one.content for one in row(world, first).files}
    world.clock.now = DUE
    schedule.advance_agreements(world.hub)
    schedule.dispose_due(world.hub)
    schedule.advance_agreements(world.hub)
    assert {one.name: one.content for one in row(world, first).files} == published
    dropped = row(world, second)
    assert (dropped.state, dropped.files, set(dropped.report)) == (EditionState.DROPPED, [], {"attack"})
    with reading(world.hub.engine) as session:
        # What is left of the rows: manifests and receipts as signed, with their counts; certificates; digests. No report, no part, no key.
        left = session.execute(text("SELECT count(*) FROM submissions WHERE report IS NOT NULL AND report <> 'null'")).scalar_one()
        files = session.execute(text("SELECT DISTINCT edition FROM edition_files")).scalars().all()
        assert (left, files) == (0, [first])
        assert session.execute(text("SELECT count(*) FROM held_parts")).scalar_one() == 0
    assert not world.hub.keyring.store.names("submission/")
    assert not lying(world.settings, "objects")
