"""What the hub does in any order, and killed at any call on the way: the invariants hold after every step.

A short run in every test; the long one under ``dev.py faults``.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.db import reading
from exchange.hub import open_hub
from exchange.restore.backup import backup
from exchange.submissions import process, retention
from exchange.submissions.tables import SubmissionRow
from tests.exchange import asking, restoring
from tests.exchange.quicker import open_here
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, SUPPLIERS, Pushed, settings_in
from tests.faults import harness, invariants
from tests.faults.failpoints import Crashed, Failpoints, failing
from tests.faults.invariants import broken
from tests.faults.known import Sent, contents, rows_of
from tests.faults.operations import Scene, first

PARTIES = (CLEVELAND, DURHAM, OPERATOR)
# Mostly nothing happens; else the process dies at this call on its files or its database.
CRASH = st.one_of(st.just(0), st.just(0), st.integers(1, 90))


EVER_HELD = ("held", "superseded", "disposing", "disposed")
standing = precondition(lambda self: not self.over)
# What holds of a hub that was restored as well: what came after the backup may be lost, and is asked for again.
RESTORED = (
    invariants.every_held_row_is_held_once,
    invariants.ended_submissions_have_no_key,
    invariants.destroyed_stays_destroyed,
    invariants.nothing_stands_in_the_clear,
    invariants.the_database_is_sound,
    invariants.the_log_verifies_and_only_grew,
    invariants.the_second_store_is_the_same_log,
)


class Hub(RuleBasedStateMachine):
    """Two suppliers, one month; three parties that stop it; its key destroyed; restarts and crashes."""

    scene: ClassVar[Scene]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        mine = self.scene.copied(Path(self.folder.name) / "hub")
        self.world, self.known = mine.world(), mine.known
        self.uploads: list[tuple[str, Pushed]] = []
        self.stopped: set[str] = set()
        self.contents = 20
        self.saved: list[Path] = []
        self.over = False

    def teardown(self) -> None:
        self.world.close()
        self.folder.cleanup()

    def attempt(self, crash: int, work: Callable[[], Any]) -> None:
        """Do it; or die at the n-th call of it, and come up again."""
        if not crash:
            work()
            return
        self.world.token(CLEVELAND)  # the app is made: what is counted is the work
        try:
            with failing(Failpoints(self.world.folder, crash)):
                work()
        except Crashed:
            self.restart()

    def rows(self, *states: str) -> list[SubmissionRow]:
        """What was ever held and is now in one of these states; in an order that does not hang on random ids, so that a run can be repeated."""
        query = select(SubmissionRow).where(SubmissionRow.place.is_not(None), SubmissionRow.state.in_(states))
        with reading(self.world.hub.engine) as session:
            return list(session.execute(query.order_by(SubmissionRow.supplier, SubmissionRow.period, SubmissionRow.place)).scalars())

    def head(self, supplier: str) -> str | None:
        """The last that was ever held, destroyed or not."""
        return next((row.id for row in reversed(self.rows(*EVER_HELD)) if row.supplier == supplier), None)

    def said(self, answer: Any) -> bool:
        """Learn from an answer; whether it is yes."""
        body = answer.get_json()
        if answer.status_code < 300:
            self.known = self.known.told(body.get("submission", ""), body)
        return bool(answer.status_code < 300)

    def send(self, supplier: str, pushed: Pushed) -> None:
        if not self.said(self.world.open(pushed, supplier)):
            return
        for number in range(1, len(pushed.parts) + 1):
            if not self.said(self.world.put(pushed, number, supplier)):
                return
        self.said(self.world.complete(pushed, supplier))

    # ---------------------------------------------------------------------------------------------------- what happens

    @standing
    @rule(supplier=st.sampled_from(SUPPLIERS), parts=st.integers(0, 2), bad=st.booleans(), crash=CRASH)
    def submit(self, supplier: str, parts: int, bad: bool, crash: int) -> None:
        self.contents += 1
        tables = contents(self.contents, parts, bad=bad and self.contents % 3 == 0)
        pushed = self.world.prepare(tables, supplier=supplier, after=self.head(supplier))
        self.known = self.known.sending(Sent(pushed, rows_of(*tables)))
        self.uploads.append((supplier, pushed))
        self.attempt(crash, lambda: self.send(supplier, pushed))

    @standing
    @precondition(lambda self: self.uploads)
    @rule(which=st.integers(0, 20), crash=CRASH)
    def send_again(self, which: int, crash: int) -> None:
        """The answer was lost, or the way to it: the same upload once more."""
        supplier, pushed = self.uploads[which % len(self.uploads)]
        self.attempt(crash, lambda: self.send(supplier, pushed))

    @standing
    @rule(crash=CRASH)
    def process_what_waits(self, crash: int) -> None:
        def work() -> None:
            hub = self.world.hub
            for one in process.pending(hub.engine, self.world.clock()):
                self.world.process(one)

        self.attempt(crash, work)

    @standing
    @precondition(lambda self: self.rows("held", "superseded"))
    @rule(which=st.integers(0, 20), crash=CRASH)
    def dispose(self, which: int, crash: int) -> None:
        hub, rows = self.world.hub, self.rows("held", "superseded")
        one = rows[which % len(rows)].id

        def work() -> None:
            certificate = retention.dispose(hub.engine, hub.keyring, hub.places, one, self.world.clock())
            self.known = self.known.told(one, {"certificate": certificate})

        self.attempt(crash, work)

    @standing
    @precondition(lambda self: self.rows("disposing"))
    @rule(crash=CRASH)
    def finish_disposing(self, crash: int) -> None:
        def work() -> None:
            schedule.dispose_due(self.world.hub)

        self.attempt(crash, work)

    @standing
    @precondition(lambda self: self.rows("held"))
    @rule(which=st.integers(0, 20), crash=CRASH)
    def erase(self, which: int, crash: int) -> None:
        """Somebody's rows; asked again where the process died over it."""
        rows = self.rows("held")
        row = rows[which % len(rows)]
        people = frozenset(self.known.sent[row.upload].rows.column("crime").to_pylist()[:1]) - self.known.erased
        if not people:
            return
        signed = asking.request(self.world, "erasure", people, supplier=row.supplier)
        before, self.known = self.known, replace(self.known, asked=self.known.asked | people)

        def work() -> Any:
            return self.world.call("post", "/v1/rights", row.supplier, json=signed)

        self.attempt(crash, work)
        answer = work()
        self.known = replace(self.known, erased=self.known.asked) if answer.status_code == 200 else before

    @standing
    @rule(party=st.sampled_from(PARTIES))
    def suspend(self, party: str) -> None:
        self.world.say(party, Capacity.DPO, Voice.SUSPEND)
        self.stopped.add(party)

    @standing
    @precondition(lambda self: self.stopped)
    @rule()
    def resume(self) -> None:
        self.world.say(self.stopped.pop(), Capacity.SIGNATORY, Voice.RESUME)

    @rule()
    def restart(self) -> None:
        if self.over:
            self.look_at_the_restored()
            return
        self.world = self.world.restarted()
        harness.restart(self.world.hub)

    @standing
    @rule()
    def witness(self) -> None:
        self.known = self.known.saw(self.world.hub)

    @standing
    @rule()
    def save(self) -> None:
        out = Path(self.folder.name) / f"backup-{len(self.saved)}"
        backup(self.world.hub, out, self.world.clock)
        self.saved.append(out)

    @standing
    @precondition(lambda self: self.saved)
    @rule()
    def restore(self) -> None:
        """The database and the objects of the last backup, beside the keystore and the second store of today; and all is done again."""
        self.known = self.known.saw(self.world.hub)
        restoring.replayed(self.world, restoring.put_over(self.world, self.saved[-1]))
        self.over = True
        self.look_at_the_restored()

    def look_at_the_restored(self) -> None:
        """Start it, and see what must hold of it still."""
        hub = open_hub(settings_in(self.world.folder), self.world.clock)
        harness.restart(hub)
        with reading(hub.engine) as session:
            found = [f"{invariants.plain(check)}: {what}" for check in RESTORED for what in check(session, hub, self.known)]
        hub.engine.dispose()
        assert found == []

    # ---------------------------------------------------------------------------------------------------- what must hold

    @standing
    @invariant()
    def all_invariants_hold(self) -> None:
        assert broken(self.world.hub, self.known, at_rest=False) == []

    @standing
    @invariant()
    def what_is_stopped_takes_nothing(self) -> None:
        if self.stopped:
            pushed = self.world.prepare([], supplier=DURHAM, period="2021-06")
            assert self.world.open(pushed, DURHAM).status_code == 403


def run(base: Scene, monkeypatch: pytest.MonkeyPatch, examples: int, steps: int) -> None:
    # The real opener, without a process of its own for each of hundreds of submissions.
    open_here(monkeypatch)
    Hub.scene = base
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Hub, settings=how)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return first(tmp_path_factory.mktemp("first"))


def test_in_any_order(base: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    run(base, monkeypatch, 5, 12)


def test_a_period_goes_on_in_one_line_when_its_head_is_destroyed(base: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the long run found: a nil return waits while what it follows is destroyed; then it is destroyed itself, and rows come again."""
    open_here(monkeypatch)
    Hub.scene = base
    hub = Hub()
    try:
        before = hub.head(CLEVELAND)
        for parts in (0, 2):
            hub.submit(supplier=CLEVELAND, parts=parts, bad=False, crash=0)
            hub.dispose(which=[row.id for row in hub.rows("held", "superseded")].index(str(hub.head(CLEVELAND))), crash=0)
            hub.send_again(which=-1, crash=0)
            hub.process_what_waits(crash=0)
            hub.all_invariants_hold()
            now = hub.world.row(str(hub.head(CLEVELAND)))
            assert (now.state, now.after) == ("held", before)
            before = now.id
    finally:
        hub.teardown()


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_any_order_at_length(base: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    run(base, monkeypatch, 20, 30)
