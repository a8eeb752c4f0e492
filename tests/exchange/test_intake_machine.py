"""Intake in any order that anybody may think of: a model beside the hub, and what must hold after every step."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange.db import reading
from exchange.submissions import leftovers
from exchange.submissions.tables import HeldPartRow, SubmissionRow
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, SUPPLIERS, Pushed, World, crimes

PARTIES = (CLEVELAND, DURHAM, OPERATOR)
BAD = 99  # a content that breaks a rule


class Intake(RuleBasedStateMachine):
    """Two suppliers push one month, two contents and a bad one, in parts, over and over; three parties suspend and resume."""

    first: ClassVar[World]
    uploads: Bundle[tuple[str, Pushed, int]] = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = self.first.copy(Path(self.folder.name) / "hub")
        self.stopped: set[str] = set()
        self.receipts: dict[str, Any] = {}
        self.held_when_stopped: set[str] | None = None

    def teardown(self) -> None:
        self.world.close()
        self.folder.cleanup()

    def rows(self) -> list[SubmissionRow]:
        with reading(self.world.hub.engine) as session:
            return list(session.execute(select(SubmissionRow)).scalars())

    def head(self, supplier: str) -> str | None:
        heads = [row.id for row in self.rows() if (row.supplier, row.state) == (supplier, "held")]
        assert len(heads) <= 1
        return heads[0] if heads else None

    @initialize()
    def begin(self) -> None:
        assert self.rows() == []

    @rule(
        target=uploads,
        supplier=st.sampled_from(SUPPLIERS),
        content=st.sampled_from([1, 2, BAD]),
        follow=st.booleans(),
        parts=st.integers(0, 2),
    )
    def open(self, supplier: str, content: int, follow: bool, parts: int) -> Any:
        kind = "Piracy" if content == BAD else "Drugs"
        tables = [crimes(content % 7 + 1, seed=content * 10 + number, crime_type=kind) for number in range(parts)]
        head = self.head(supplier)
        pushed = self.world.prepare(tables, supplier=supplier, after=head if follow else None)
        answer = self.world.open(pushed, supplier)
        same = head is not None and self.world.row(head).rows_digest == pushed.manifest.rows_digest
        if self.stopped:
            assert answer.status_code == 403
        elif same:
            assert (answer.status_code, pushed.id) == (200, head)
        elif follow or head is None:
            assert answer.status_code == 201
            return (supplier, pushed, parts)
        else:
            assert (answer.status_code, answer.get_json()["head"]) == (409, head)
        return multiple()

    @rule(upload=uploads)
    def open_again(self, upload: tuple[str, Pushed, int]) -> None:
        supplier, pushed, _ = upload
        before = pushed.id
        assert self.world.open(pushed, supplier).status_code == 200
        assert pushed.id == before

    @rule(upload=uploads, number=st.integers(1, 2))
    def put(self, upload: tuple[str, Pushed, int], number: int) -> None:
        supplier, pushed, parts = upload
        if number > parts:
            return
        row = self.world.row(pushed.id)
        answer = self.world.put(pushed, number, supplier)
        if number in {part.number for part in row.parts}:
            assert answer.status_code == 200
        elif row.state == "open":
            assert answer.status_code == (403 if self.stopped else 201)
        else:
            assert answer.status_code in (200, 409)

    @rule(upload=uploads)
    def complete(self, upload: tuple[str, Pushed, int]) -> None:
        supplier, pushed, parts = upload
        row = self.world.row(pushed.id)
        answer = self.world.complete(pushed, supplier)
        if row.state != "open":
            assert answer.status_code == 202
        elif len(row.parts) < parts:
            assert answer.get_json()["code"] == "parts-missing"
        else:
            assert answer.status_code == (403 if self.stopped else 202)

    @rule(upload=uploads)
    def process(self, upload: tuple[str, Pushed, int]) -> None:
        _, pushed, _ = upload
        before = self.world.row(pushed.id).state
        after = self.world.process(pushed.id)
        assert after == before if before != "complete" or self.stopped else after in ("held", "refused", "repeated")

    @rule(upload=consumes(uploads))
    def hurry(self, upload: tuple[str, Pushed, int]) -> None:
        """The whole way at once."""
        supplier, pushed, parts = upload
        for number in range(1, parts + 1):
            self.put(upload, number)
        self.world.complete(pushed, supplier)
        self.process(upload)

    @rule(party=st.sampled_from(PARTIES))
    def suspend(self, party: str) -> None:
        if not self.stopped:
            self.held_when_stopped = {row.id for row in self.rows() if row.state in ("held", "superseded", "refused")}
        self.world.say(party, Capacity.DPO, Voice.SUSPEND)
        self.stopped.add(party)

    @precondition(lambda self: self.stopped)
    @rule()
    def resume(self) -> None:
        self.world.say(self.stopped.pop(), Capacity.SIGNATORY, Voice.RESUME)

    @rule()
    def restart(self) -> None:
        self.world = self.world.restarted()
        leftovers.tidy(self.world.hub.engine, self.world.hub.places)

    @invariant()
    def one_head_a_series_and_a_chain_behind_it(self) -> None:
        rows = {row.id: row for row in self.rows()}
        for supplier in SUPPLIERS:
            head = self.head(supplier)
            taken = {row.id for row in rows.values() if row.supplier == supplier and row.state in ("held", "superseded")}
            chain = set()
            while head is not None:
                chain.add(head)
                head = rows[head].after
            assert chain == taken

    @invariant()
    def receipts_are_true_and_never_change(self) -> None:
        for row in self.rows():
            if row.receipt is None:
                assert row.state in ("open", "complete", "repeated")
                assert row.id not in self.receipts
                continue
            receipt = self.world.receipt(row.id)
            assert self.receipts.setdefault(row.id, row.receipt) == row.receipt
            assert (receipt.submission, receipt.upload, receipt.manifest) == (row.id, row.upload, row.manifest_digest)
            assert (receipt.outcome == "refused") == (row.state == "refused")
            assert (receipt.rows, receipt.rows_digest) == (row.rows, row.rows_digest)

    @invariant()
    def a_repeat_has_the_receipt_of_what_it_repeats_and_nothing_else(self) -> None:
        rows = {row.id: row for row in self.rows()}
        for row in rows.values():
            assert (row.repeats is not None) == (row.state == "repeated")
            if row.repeats is not None:
                first = rows[row.repeats]
                assert (first.rows_digest, first.supplier) == (row.rows_digest, row.supplier)
                assert first.state in ("held", "superseded")
                answer = self.world.call("get", f"/v1/submissions/{row.id}", row.supplier).get_json()
                assert (answer["receipt"], answer["same_content"]) == (first.receipt, True)

    @invariant()
    def one_submission_an_upload_and_every_held_object_is_somebodys(self) -> None:
        rows = self.rows()
        assert len({row.upload for row in rows}) == len(rows)
        with reading(self.world.hub.engine) as session:
            objects = set(session.execute(select(HeldPartRow.object)).scalars())
        assert set(self.world.hub.places.held.names()) == objects

    @invariant()
    def a_suspended_agreement_decides_nothing(self) -> None:
        if self.stopped:
            assert {row.id for row in self.rows() if row.state in ("held", "superseded", "refused")} == self.held_when_stopped

    @invariant()
    def the_contract_shows_the_head(self) -> None:
        for supplier in SUPPLIERS:
            answer = self.world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", supplier).get_json()
            assert {period: head["submission"] for period, head in answer["heads"].items()} == (
                {"2021-04": self.head(supplier)} if self.head(supplier) else {}
            )


def run(first_world: World, examples: int) -> None:
    Intake.first = first_world
    run_state_machine_as_test(
        Intake, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    )


def test_intake_in_any_order(first_world: World) -> None:
    run(first_world, 6)


@pytest.mark.slow
def test_intake_in_any_order_at_length(first_world: World) -> None:
    run(first_world, 25)
