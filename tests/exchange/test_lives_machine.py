"""Whatever is said, of whichever version, in whatever order, at whatever time: no version moves outside the table, and what is stopped stays so.

The model knows nothing of the register: it keeps who has stopped what, and when which version began. The register is the real one.
"""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from agreements.errors import InvalidStatement
from agreements.lifecycle import TRANSITIONS, State
from agreements.model import Agreement
from agreements.periods import Period
from agreements.rules import in_force, may_hold, may_receive, may_submit, may_tabulate, today
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, RELEASE, TEAM, World
from tests.exchange.test_lives import say

PARTIES, DATASETS = (CLEVELAND, DURHAM, OPERATOR), ("crimes", "outcomes")
LIVE = {State.IN_FORCE, State.SUSPENDED}
APRIL = Period.parse("2021-04")


def reachable(source: str, target: str) -> bool:
    """Whether the table leads from one state to the other at all."""
    found, edge = {source}, {source}
    while edge:
        edge = {row.target.value for row in TRANSITIONS if row.source in edge} - found
        found |= edge
    return target in found


class Lives(RuleBasedStateMachine):
    """Three versions of one agreement: the first in force, the second proposed for later, the third for at once and shorter-lived."""

    first: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = self.first.copy(self.folder / "hub")
        later = (today(self.world.clock()) + timedelta(days=3)).isoformat()
        ends = (today(self.world.clock()) + timedelta(days=9)).isoformat()
        self.versions: dict[int, Agreement] = {
            1: self.world.agreement,
            2: self.world.version(2, in_force_from=later),
            3: self.world.version(3, expires=ends, review=later),
        }
        for number in (2, 3):
            self.world.enter(self.versions[number])
        self.stops: dict[int, set[tuple[str, str]]] = {1: set(), 2: set(), 3: set()}
        self.began = {1}
        self.ended_by: dict[int, set[str]] = {}
        self.states = self.read()

    def teardown(self) -> None:
        self.world.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self) -> dict[int, str]:
        with reading(self.world.hub.engine) as session:
            return dict(session.execute(select(AgreementRow.version, AgreementRow.state)).all())

    def live(self, *, before: int = 99) -> list[int]:
        return [number for number, state in self.states.items() if state in LIVE and number < before]

    def follow(self) -> None:
        """Take over in the model what came into force, and let no version take a step that the table has not."""
        now = self.read()
        for number in sorted(now):
            assert reachable(self.states[number], now[number]), (self.states, now)
            if now[number] in LIVE and self.states[number] not in LIVE:
                before = max(one for one in self.began if one < number)
                ended_by = self.ended_by.get(before, set())  # whoever has ended it holds up none after it; everybody else's stop passes on
                self.stops[number] |= {(party, dataset) for party, dataset in self.stops[before] if party not in ended_by}
                self.began.add(number)
        self.states = now

    @rule(
        party=st.sampled_from(PARTIES),
        capacity=st.sampled_from(Capacity),
        voice=st.sampled_from(Voice),
        version=st.sampled_from([1, 2, 3]),
        dataset=st.sampled_from(["", *DATASETS]),
    )
    def anything(self, party: str, capacity: Capacity, voice: Voice, version: int, dataset: str) -> None:
        if voice is Voice.TERMINATE and version == 1:
            return  # or every walk would soon be over
        self.said(party, capacity, voice, version, dataset)

    @rule(party=st.sampled_from(PARTIES), dataset=st.sampled_from(["", "crimes"]), stop=st.booleans())
    def stop_or_resume(self, party: str, dataset: str, stop: bool) -> None:  # a drawn value
        newest = max(self.live(), default=1)
        self.said(party, Capacity.SIGNATORY, Voice.SUSPEND if stop else Voice.RESUME, newest, dataset)

    @rule(version=st.sampled_from([2, 3]))
    def everybody_signs(self, version: int) -> None:
        for party in PARTIES:
            self.said(party, Capacity.DPO, Voice.ADVISE_FOR, version, "")
            self.said(party, Capacity.SIGNATORY, Voice.SIGN, version, "")

    def said(self, party: str, capacity: Capacity, voice: Voice, version: int, dataset: str) -> None:
        before, was_live = self.read(), self.states[version] in LIVE
        try:
            say(self.world, party, voice, self.versions[version], capacity=capacity, dataset=dataset)
        except (RefusedByAgreement, InvalidStatement):
            assert self.read() == before  # what is refused leaves no trace
            if voice is Voice.SUSPEND and version == max(self.live(), default=0):
                raise  # anybody may stop what is in force, at any time; of what was replaced they are told which version goes on
            return
        if voice is Voice.TERMINATE:
            self.ended_by.setdefault(version, set()).add(party)
        if voice in (Voice.SUSPEND, Voice.RESUME):
            assert was_live
            for number in [version, *self.live(before=version)]:
                (set.add if voice is Voice.SUSPEND else set.discard)(self.stops[number], (party, dataset))
        self.follow()

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.world.clock.forward(hours=hours)
        with writing(self.world.hub.engine) as session:
            agreements.advance(session, self.world.clock())
        self.follow()

    @precondition(lambda self: bool(self.live()))
    @invariant()
    def what_somebody_has_stopped_does_not_move_and_all_else_is_as_the_clock_says(self) -> None:
        now = self.world.clock()
        with reading(self.world.hub.engine) as session:
            for number in self.live():
                standing = agreements.standing(agreements.by_digest(session, self.versions[number].digest))
                assert standing is not None
                stopped = {dataset for _, dataset in self.stops[number]}
                assert (standing.state == State.SUSPENDED) is ("" in stopped)
                assert standing.suspended == stopped - {""}
                for dataset in DATASETS:
                    held_up = bool(stopped & {"", dataset})
                    assert bool(in_force(standing, now, dataset)) is not held_up
                    if held_up:
                        assert not may_submit(standing, CLEVELAND, dataset, APRIL, "replace", now)
                        assert not may_hold(standing, dataset, APRIL, now)
                        assert not may_tabulate(standing, RELEASE, now)
                        assert not may_receive(standing, RELEASE, TEAM, now)

    @invariant()
    def at_most_one_version_stands_and_none_outlives_its_successor(self) -> None:
        with reading(self.world.hub.engine) as session:
            rows = session.execute(select(AgreementRow).order_by(AgreementRow.version)).scalars().all()
            began = [row for row in rows if row.in_force_at is not None]
            standing = [row for row in began if row.state in LIVE and row.replaced_at is None]
            assert len(standing) <= 1
            assert all(row.version < began[-1].version for row in began if row.replaced_at is not None)
            if began and began[-1].state not in LIVE:
                assert not [row for row in rows if row.state in LIVE]
            assert all(today(self.world.clock()) < row.expires for row in rows if row.state in LIVE)
            assert not [row for row in rows if row.state in (State.PROPOSED, State.SIGNED) and row.version < began[-1].version]


def test_a_versions_life_in_any_order(first_world: World) -> None:
    Lives.first = first_world
    run_state_machine_as_test(
        Lives, settings=settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    )


@pytest.mark.parametrize("state", list(State))
def test_the_table_never_leads_back_from_an_end(state: State) -> None:
    for end in (State.EXPIRED, State.TERMINATED, State.WITHDRAWN):
        assert reachable(end, state) is (state is end)
