"""The quality report: what is doubtful is accepted and scored, against the supplier's own earlier periods alone, in counts of agreed codes."""

import json
from collections import Counter
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agreements.listed import listed_fields
from exchange import schedule
from exchange.submissions import quality, retention
from exchange.submissions.quality import Earlier, drift, volume
from tests.exchange.quicker import open_here
from tests.exchange.standing import CLEVELAND, DURHAM, World, crimes

counts = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 50), min_size=1)


def before(*codes: dict[str, int]) -> list[Earlier]:
    return [Earlier(sum(one.values()), {"x": one}) for one in codes]


@given(now=counts, last=counts)
def test_rows_moved_are_the_fewest_that_would_have_to_carry_another_code(now: dict[str, int], last: dict[str, int]) -> None:
    assume(sum(now.values()) and sum(last.values()))
    moved = drift({"x": now}, before(last))["x"]["moved"]
    assert 0 <= moved <= sum(now.values())
    same = {code: 3 * count for code, count in now.items()}
    assert drift({"x": now}, before(same))["x"]["moved"] == 0
    rows, were = sum(now.values()), sum(last.values())
    exact = sum(max(0.0, now.get(code, 0) - rows * last.get(code, 0) / were) for code in "abcd")
    assert exact - 1e-9 <= moved < exact + 1 + 1e-9


def test_codes_never_seen_and_codes_gone() -> None:
    now, seen = {"a": 5, "b": 0, "c": 2}, {"a": 9, "b": 1}
    assert drift({"x": now}, []) == {}
    assert drift({"x": now}, before(seen))["x"] == {"new": ["c"], "new_rows": 2, "gone": [], "moved": 2, "rows": 7}
    assert drift({"x": now}, before(seen, seen, seen))["x"]["gone"] == ["b"]  # it takes three periods to be missed
    assert drift({"x": now}, before(seen, {"c": 1}))["x"]["new"] == []


@pytest.mark.parametrize(
    ("rows", "jump"), [(100, False), (49, True), (50, False), (220, False), (221, False), (241, True), (0, True)]
)  # fmt: skip
def test_a_jump_is_more_than_twice_the_most_or_less_than_half_the_least(rows: int, jump: bool) -> None:
    found = volume(rows, before({"a": 100}, {"a": 120}, {"a": 110}))
    assert (found["least"], found["most"], found["jump"]) == (100, 120, jump)


def test_volume_is_judged_from_three_periods_on_and_by_more_than_a_few_rows() -> None:
    assert not volume(10_000, before({"a": 1}, {"a": 1}))["jump"]
    assert not volume(40, before({"a": 1}, {"a": 1}, {"a": 1}))["jump"]
    assert not volume(0, before({"a": 500}, {"a": 500}, {"a": 500}), only_more=True)["jump"]


@pytest.fixture
def opened_here(monkeypatch: pytest.MonkeyPatch) -> None:
    open_here(monkeypatch)


def hold(world: World, month: int, kinds: list[str], supplier: str = CLEVELAND) -> dict[str, Any]:
    rows = crimes(len(kinds), month=date(2021, month, 1), seed=month)
    rows = rows.set_column(3, "crime_type", pa.array(kinds, pa.string()))
    return report(world, world.hold([rows], supplier=supplier, period=f"2021-{month:02d}").id)


def report(world: World, submission: str) -> dict[str, Any]:
    found = world.row(submission).report
    assert found is not None
    return found


def test_the_report_counts_agreed_codes_and_compares_a_supplier_with_itself(world: World, opened_here: None) -> None:
    usual = ["Drugs"] * 60 + ["Robbery"] * 40
    hold(world, 1, ["Burglary"] * 500, supplier=DURHAM)  # another's, of which nothing may show
    for found in [hold(world, month, usual) for month in (1, 2, 3)]:
        assert (found["doubts"], found["score"], found["back_fill"], found["late_by_days"]) == ([], 100, True, 0)
        assert found["codes"] == {"authority": {"Hartlepool": 100}, "crime_type": dict(Counter(usual)), "last_outcome": {}}
    odd = hold(world, 4, ["Burglary"] * 300)
    assert odd["drift"]["crime_type"] == {"new": ["Burglary"], "new_rows": 300, "gone": ["Drugs", "Robbery"], "moved": 300, "rows": 300}
    assert odd["volume"] == {"rows": 300, "periods": 3, "least": 100, "most": 100, "jump": True}
    assert (odd["doubts"], odd["score"]) == (["new codes", "codes gone", "rows moved", "volume"], 20)
    theirs = hold(world, 2, ["Burglary"] * 500, supplier=DURHAM)
    assert theirs["doubts"] == []


def test_lateness_is_counted_and_back_fill_is_not_late(world: World, opened_here: None) -> None:
    world.clock.forward(days=400)
    world.clock.now = world.clock.now.replace(hour=12)
    schedule.rotate_sealing_keys(world.hub)
    rows = crimes(2, month=date(2026, 10, 1))
    found = report(world, world.hold([rows], period="2026-10").id)
    late = (world.clock.now.date() - date(2026, 12, 30)).days
    assert (found["late_by_days"], found["back_fill"], found["doubts"], found["score"]) == (late, False, ["late"], 80)


def test_a_refused_submission_counts_no_codes_and_a_destroyed_one_no_more(world: World, opened_here: None) -> None:
    bad = world.prepare([crimes(2, authority=["Hartlepool", "Zebedee Quillfeather"])])
    world.send(bad)
    assert world.process(bad.id) == "refused"
    refused = report(world, bad.id)
    assert "codes" not in refused
    assert "Zebedee" not in json.dumps(refused)
    held = world.hold([crimes(3)])
    retention.dispose(world.hub.engine, world.hub.keyring, world.hub.places, held.id, world.clock())
    assert world.row(held.id).report is None


def test_counts_of_another_form_than_agreed_are_left_out(world: World) -> None:
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    number = len(listed_fields(dataset)["crime_type"])
    for told in ([1], "1", ["1"] * number, None, [True] * number):
        assert "crime_type" not in quality.counts(dataset, {"codes": {"crime_type": told}})
    assert "crime_type" in quality.counts(dataset, {"codes": {"crime_type": [0] * number}})


def test_only_the_supplier_is_shown_it(world: World, opened_here: None) -> None:
    held = world.hold()
    assert world.call("get", f"/v1/submissions/{held.id}", CLEVELAND).get_json()["report"]["codes"]
    assert world.call("get", f"/v1/submissions/{held.id}", DURHAM).status_code == 404
