"""No version moves outside the table."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.decisions import Refused
from agreements.lifecycle import TRANSITIONS, Act, By, State, after, may
from agreements.signing import MAY_SAY, Capacity, Voice

OPEN = {(row.source, row.act): row.target for row in TRANSITIONS}
ENDS = {State.EXPIRED, State.TERMINATED, State.WITHDRAWN}


def test_the_table_has_one_row_for_a_state_and_an_act() -> None:
    assert len(OPEN) == len(TRANSITIONS)


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_an_act_is_open_where_the_table_says_so_and_nowhere_else(state: State, act: Act) -> None:
    decision = may(state, act, "a clause")
    assert bool(decision) is ((state, act) in OPEN)
    if isinstance(decision, Refused):
        assert state in decision.reason
        assert act in decision.reason
        assert decision.remedy
        with pytest.raises(KeyError):
            after(state, act)
    else:
        assert after(state, act) is OPEN[state, act]


@given(st.lists(st.sampled_from(Act), max_size=40))
def test_any_walk_keeps_to_the_order_of_things(acts: list[Act]) -> None:
    state, been = State.DRAFT, [State.DRAFT]
    for act in acts:
        if may(state, act, ""):
            state = after(state, act)
            been.append(state)
    if State.IN_FORCE in been:
        assert been.index(State.PROPOSED) < been.index(State.SIGNED) < been.index(State.IN_FORCE)
    if State.SUSPENDED in been:
        assert State.IN_FORCE in been[: been.index(State.SUSPENDED)]
    assert all(state not in ENDS for state in been[:-1])


def test_what_has_ended_stays_ended_and_everything_can_end() -> None:
    assert not [row for row in TRANSITIONS if row.source in ENDS]
    reached = {State.DRAFT}
    for _ in State:
        reached |= {row.target for row in TRANSITIONS if row.source in reached}
    assert reached == set(State)
    for state in set(State) - ENDS:
        assert {row.target for row in TRANSITIONS if row.source is state} & ENDS


def test_only_the_clock_brings_into_force_and_only_signatories_resume_or_end_what_is_in_force() -> None:
    by = {(row.source, row.act): row.by for row in TRANSITIONS}
    assert {row.act for row in TRANSITIONS if row.by is By.CLOCK} == {Act.COME_INTO_FORCE, Act.EXPIRE, Act.OVERTAKE}
    assert by[State.SUSPENDED, Act.RESUME] is by[State.SUSPENDED, Act.RESUME_LAST] is By.SIGNATORY
    assert by[State.IN_FORCE, Act.TERMINATE] is By.SIGNATORY
    assert by[State.IN_FORCE, Act.SUSPEND] is By.PARTY


def test_what_is_suspended_moves_again_only_by_the_last_suspenders_word() -> None:
    out_of_it = {row.act: row.target for row in TRANSITIONS if row.source is State.SUSPENDED and row.target is not State.SUSPENDED}
    assert out_of_it == {Act.RESUME_LAST: State.IN_FORCE, Act.EXPIRE: State.EXPIRED, Act.TERMINATE: State.TERMINATED}
    assert {row.source for row in TRANSITIONS if row.target is State.SUSPENDED} == {State.IN_FORCE, State.SUSPENDED}


def test_stopping_one_dataset_leaves_the_agreement_where_it_is() -> None:
    for row in TRANSITIONS:
        if row.act in (Act.SUSPEND_DATASET, Act.RESUME_DATASET):
            assert row.source is row.target
            assert row.source in (State.IN_FORCE, State.SUSPENDED)


def test_the_operator_alone_moves_a_draft_and_nothing_else() -> None:
    assert {row.act for row in TRANSITIONS if row.by is By.OPERATOR} == {Act.PROPOSE, Act.WITHDRAW}
    assert {row.by for row in TRANSITIONS if row.source is State.DRAFT} == {By.OPERATOR}


def test_the_table_and_who_may_say_what_agree() -> None:
    voices = {
        Voice.ADVISE_FOR: {Act.ADVISE},
        Voice.ADVISE_AGAINST: {Act.ADVISE},
        Voice.SIGN: {Act.SIGN, Act.SIGN_LAST},
        Voice.ENDORSE: {Act.ENDORSE},
        Voice.SUSPEND: {Act.SUSPEND, Act.SUSPEND_DATASET},
        Voice.RESUME: {Act.RESUME, Act.RESUME_LAST, Act.RESUME_DATASET},
        Voice.TERMINATE: {Act.TERMINATE},
    }
    entitled = {
        By.DPO: {Capacity.DPO},
        By.SIGNATORY: {Capacity.SIGNATORY},
        By.FORMER: {Capacity.SIGNATORY},
        By.PARTY: {Capacity.DPO, Capacity.SIGNATORY},
    }
    assert set(voices) == set(Voice)
    for voice, acts in voices.items():
        who = {capacity for capacity, sayings in MAY_SAY.items() if voice in sayings}
        assert {frozenset(entitled[row.by]) for row in TRANSITIONS if row.act in acts} == {frozenset(who)}
