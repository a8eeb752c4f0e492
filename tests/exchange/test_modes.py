"""What stands for a period: by mode, whatever the order in which submissions come, and never anything twice."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agreements.model import Agreement
from exchange import schedule
from exchange.db import reading
from exchange.submissions import holdings, retention
from tests.exchange.quicker import open_here
from tests.exchange.standing import CLEVELAND, REFERENCE, Pushed, World, crimes, problem

PERIOD = "2021-04"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real opener without a process of its own, and one token each."""
    open_here(monkeypatch)
    ask = World.token

    def token(world: World, client: str) -> str:
        # In a test that moves the clock by more than the life of a token, another is asked for.
        key = f"{client} {world.clock.now:%Y-%m-%d %H}"
        if key not in world.tokens:
            world.tokens[key] = ask(world, client)
        return world.tokens[key]

    monkeypatch.setattr(World, "token", token)


def under(world: World, number: int, mode: str) -> Agreement:
    """A version in force whose first dataset has this mode."""
    return agreed(world, world.version(number, mode=f'"{mode}"'))


def agreed(world: World, agreement: Agreement) -> Agreement:
    """This version, in force."""
    world.enter(agreement)
    world.sign_all(agreement)
    return agreement


def push(world: World, agreement: Agreement, content: int, *, after: str | None = None, period: str = PERIOD, rows: int = 2) -> Pushed:
    dataset = agreement.dataset("crimes")
    assert dataset is not None
    month = date.fromisoformat(f"{period}-01")
    tables = [crimes(rows, seed=content, month=month)] if rows else []
    return world.prepare(tables, about=agreement, mode=str(dataset.mode), after=after, period=period)


def live(world: World, period: str = PERIOD) -> list[str]:
    with reading(world.hub.engine) as session:
        return [one.submission for one in holdings.live(session, REFERENCE, "crimes", [period])]


def held(world: World, pushed: Pushed) -> str:
    world.send(pushed)
    assert world.process(pushed.id) == "held", world.row(pushed.id).report
    return pushed.id


def head(world: World, period: str = PERIOD) -> str | None:
    found = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()["heads"].get(period)
    return found["submission"] if found else None


# ------------------------------------------------------------------------------------------------------------- each mode


def test_a_correction_of_a_correction_leaves_the_last_and_shows_the_line(world: World) -> None:
    one = held(world, push(world, world.agreement, 1))
    two = held(world, push(world, world.agreement, 2, after=one))
    three = held(world, push(world, world.agreement, 3, after=two))
    assert live(world) == [three]
    shown = {row["submission"]: row for row in world.call("get", "/v1/submissions", CLEVELAND).get_json()["submissions"]}
    assert [(shown[name]["after"], shown[name]["superseded_by"], shown[name]["repeats"]) for name in (one, two, three)] == [
        (None, two, None),
        (one, three, None),
        (two, None, None),
    ]
    asked = world.call("get", f"/v1/submissions/{two}", CLEVELAND).get_json()
    assert (asked["after"], asked["superseded_by"], asked["state"]) == (one, three, "superseded")


def test_append_adds_each_content_once_and_the_line_goes_on(world: World) -> None:
    agreement = under(world, 2, "append")
    one = held(world, push(world, agreement, 1))
    two = held(world, push(world, agreement, 2, after=one))
    assert live(world) == [one, two]
    again = push(world, agreement, 1, after=two)  # the first content: it stands, though it is not the head
    assert world.open(again).get_json()["same_content"] is True
    assert again.id == one
    nothing = held(world, push(world, agreement, 0, after=two, rows=0))
    assert live(world) == [one, two, nothing]
    assert head(world) == nothing


def test_what_was_appended_is_replaced_whole_once_the_mode_is_replace(world: World) -> None:
    agreement = under(world, 2, "append")
    one = held(world, push(world, agreement, 1))
    two = held(world, push(world, agreement, 2, after=one))
    replacing = under(world, 3, "replace")
    three = held(world, push(world, replacing, 3, after=two))
    assert live(world) == [three]
    assert [world.row(name).superseded_by for name in (one, two)] == [three, three]


def test_what_is_appended_again_under_a_newer_version_takes_its_own_place(world: World) -> None:
    agreement = under(world, 2, "append")
    one = held(world, push(world, agreement, 1))
    two = held(world, push(world, agreement, 2, after=one))
    newer = under(world, 3, "append")
    again = held(world, push(world, newer, 1, after=two))
    assert live(world) == [two, again]
    assert world.row(one).superseded_by == again


def test_a_new_linkage_epoch_begins_an_appended_period_anew(world: World) -> None:
    agreement = under(world, 2, "append")
    one = held(world, push(world, agreement, 1))
    two = held(world, push(world, agreement, 2, after=one))
    assert world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope(epoch=2)).status_code == 201
    first = world.prepare([crimes(2, seed=11)], about=agreement, mode="append", after=two, epoch=2)
    three = held(world, first)
    assert live(world) == [three]
    four = held(world, world.prepare([crimes(2, seed=12)], about=agreement, mode="append", after=three, epoch=2))
    assert live(world) == [three, four]


def test_a_nil_return_stands_and_differs_from_nothing_sent(world: World) -> None:
    nil = held(world, push(world, world.agreement, 0, rows=0))
    assert live(world) == [nil]
    assert live(world, "2021-05") == []
    assert (head(world), head(world, "2021-05")) == (nil, None)


# ------------------------------------------------------------------------------------------------------------- snapshots


def at(world: World, day: date) -> None:
    world.clock.now = datetime.combine(day, time(3), UTC)


def test_last_nights_caseload_replaces_the_months_until_the_month_closes(world: World) -> None:
    agreement = under(world, 2, "snapshot")
    one = held(world, push(world, agreement, 1, period="2026-10"))
    two = held(world, push(world, agreement, 2, period="2026-10", after=one))
    assert live(world, "2026-10") == [two]
    rotate(world, date(2026, 12, 30))  # sixty days after the month's end
    three = held(world, push(world, agreement, 3, period="2026-10", after=two))
    opened = push(world, agreement, 4, period="2026-10", after=three)
    assert world.open(opened).status_code == 201
    assert world.put(opened, 1).status_code == 201
    at(world, date(2026, 12, 31))
    found = problem(world.complete(opened), 403, "period-closed")
    assert (found["clause"], "closed after 30 December 2026" in found["detail"]) == ("LCJP-MV7 version 2, dataset crimes, mode", True)
    assert "new version" in found["remedy"]
    problem(world.open(push(world, agreement, 5, period="2026-10", after=three)), 403, "period-closed")
    again = push(world, agreement, 3, period="2026-10")
    assert world.open(again).get_json()["same_content"] is True  # what stands may be sent again and again
    assert live(world, "2026-10") == [three]


def rotate(world: World, day: date) -> None:
    """Move the clock by months: sealing keys change meanwhile."""
    at(world, day)
    schedule.rotate_sealing_keys(world.hub)


def test_a_closed_month_is_filled_once_and_sent_again_only_under_a_newer_version(world: World) -> None:
    agreement = under(world, 2, "snapshot")
    one = held(world, push(world, agreement, 1))  # April 2021: closed long ago, and nobody had sent it
    assert world.row(one).report["back_fill"] is True  # type: ignore[index]
    problem(world.open(push(world, agreement, 2, after=one)), 403, "period-closed")
    newer = under(world, 3, "snapshot")
    two = held(world, push(world, newer, 2, after=one))
    problem(world.open(push(world, newer, 3, after=two)), 403, "period-closed")
    assert live(world) == [two]


# ------------------------------------------------------------------------------------------------------------- after a destruction


def destroyed(world: World, submission: str) -> None:
    hub = world.hub
    retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())
    assert live(world) == []


def test_a_period_whose_rows_were_destroyed_goes_on_in_the_same_line(world: World) -> None:
    """Ten years are over, and the version in force since keeps the dataset for twelve: what was destroyed may be sent once more."""
    one = held(world, push(world, world.agreement, 1))
    longer = agreed(world, world.version(2, retention='"P12Y"'))
    rotate(world, date(2031, 5, 1))
    schedule.dispose_due(world.hub)
    assert (world.row(one).state, live(world), head(world)) == ("disposed", [], one)
    moved = problem(world.open(push(world, longer, 1)), 409, "head-moved")
    assert moved["head"] == one
    two = held(world, push(world, longer, 1, after=one))  # the same content: it repeats nothing that stands
    assert (live(world), head(world), world.row(one).superseded_by) == ([two], two, None)


def test_what_was_acknowledged_is_held_though_what_it_follows_is_destroyed_first(world: World) -> None:
    one = held(world, push(world, world.agreement, 1))
    correction, nothing = push(world, world.agreement, 2, after=one), push(world, world.agreement, 0, after=one, rows=0)
    for waiting in (correction, nothing):
        world.send(waiting)
    destroyed(world, one)
    assert world.process(correction.id) == "held"
    assert world.process(nothing.id) == "refused"  # it follows the same, and came later
    assert "held first" in world.receipt(nothing.id).reasons[0].reason
    assert live(world) == [correction.id]
    after_it = held(world, push(world, world.agreement, 0, after=correction.id, rows=0))
    destroyed(world, after_it)
    assert head(world) == after_it


def test_what_was_prepared_before_anything_was_held_is_not_the_newest_once_all_that_came_since_is_destroyed(world: World) -> None:
    stale = push(world, world.agreement, 1)
    world.send(stale)
    one = held(world, push(world, world.agreement, 2))
    two = held(world, push(world, world.agreement, 3, after=one))
    for submission in (one, two):
        hub = world.hub
        retention.dispose(hub.engine, hub.keyring, hub.places, submission, world.clock())
    assert world.process(stale.id) == "refused"
    assert "held first" in world.receipt(stale.id).reasons[0].reason
    assert (live(world), head(world)) == ([], two)


def test_a_closed_period_of_which_everything_was_destroyed_may_be_filled(world: World) -> None:
    agreement = under(world, 2, "snapshot")
    one = held(world, push(world, agreement, 1))  # April 2021: closed long ago
    problem(world.open(push(world, agreement, 2, after=one)), 403, "period-closed")
    destroyed(world, one)
    two = held(world, push(world, agreement, 2, after=one))
    problem(world.open(push(world, agreement, 3, after=two)), 403, "period-closed")
    assert live(world) == [two]


# ------------------------------------------------------------------------------------------------------------- any order

MODES = ("replace", "append", "snapshot")
Step = tuple[str, int]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 3)),
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("decide"), st.integers(0, 5)),
        st.tuples(st.just("version"), st.integers(0, 2)),
    ),
    min_size=4,
    max_size=12,
)


class Model:
    """What should stand: contents, each with the version it came under. A content is its number of rows, too."""

    def __init__(self) -> None:
        self.stands: list[tuple[int, int]] = []

    def take(self, content: int, version: int, mode: str) -> None:
        if mode != "append":
            self.stands = [(content, version)]
        elif (content, version) not in self.stands:
            self.stands = [*(one for one in self.stands if one[0] != content), (content, version)]


class Walk:
    """One random walk: submissions opened, left waiting, decided in any order, under versions of any mode."""

    def __init__(self, world: World) -> None:
        self.world, self.model = world, Model()
        self.version, self.mode, self.agreement = 1, "replace", world.agreement
        self.waiting: list[tuple[Pushed, int, int, str]] = []
        self.counter = 1

    def step(self, what: str, number: int) -> None:
        if what == "version":
            self.counter += 1
            self.version, self.mode = self.counter, MODES[number]
            self.agreement = under(self.world, self.version, self.mode)
        elif what == "decide":
            if self.waiting:
                self.decide(*self.waiting.pop(number % len(self.waiting)))
        else:
            self.open(number)
            if what == "push" and self.waiting:
                self.decide(*self.waiting.pop())

    def open(self, content: int) -> None:
        pushed = push(self.world, self.agreement, content, after=head(self.world), rows=content)
        before = list(self.model.stands)
        answer = self.world.open(pushed)
        if answer.status_code == 200:
            assert (content, self.version) in before
        elif answer.status_code == 403:
            assert self.mode == "snapshot"
            assert self.version == before[-1][1]
        else:
            assert answer.status_code == 201, answer.text
            if content:
                assert self.world.put(pushed, 1).status_code == 201
            if (done := self.world.complete(pushed)).status_code == 202:
                self.waiting.append((pushed, content, self.version, self.mode))
            else:
                problem(done, 403, "refused-by-agreement")

    def decide(self, pushed: Pushed, content: int, version: int, mode: str) -> None:
        state = self.world.process(pushed.id)
        if state == "held":
            self.model.take(content, version, mode)
        elif state == "repeated":
            assert any(one[0] == content and one[1] >= version for one in self.model.stands)
        else:
            assert state == "refused"

    def check(self) -> None:
        with reading(self.world.hub.engine) as session:
            batches = holdings.live(session, REFERENCE, "crimes")
            came = holdings.origins(session, batches)
        stands = [(one.rows, came[one.submission].agreement.version) for one in batches]
        assert stands == self.model.stands
        contents = [rows for rows, _ in stands]
        assert len(contents) == len(set(contents))  # nothing is counted twice
        assert head(self.world) == (batches[-1].submission if batches else None)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(walk=steps)
def test_whatever_the_order_what_stands_is_what_a_simple_model_says(
    walk: list[Step], first_world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = first_world.copy(tmp_path_factory.mktemp("walk") / "hub")
    try:
        walking = Walk(world)
        for what, number in walk:
            walking.step(what, number)
            walking.check()
    finally:
        world.close()
