"""Editions of joined releases, cohorts and figures over the hub: complete inputs, one edition a window, the same bytes again."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from agreements.periods import Period
from exchange.db import reading
from exchange.errors import Conflict, Gone, RefusedByAgreement, Unacceptable
from exchange.releases import edition
from exchange.releases.reproducing import reproduce
from exchange.releases.screen import published_tables
from exchange.releases.tables import EditionState, KeptRow
from tests.exchange import standing
from tests.exchange.releases.drafted import APRIL, REQUESTER, ask, publish, row
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, World, crimes, print_of

MAY, JUNE = Period.parse("2021-05"), Period.parse("2021-06")
WORDS = """
[[linkages]]
name = "person"
title = "One person"
rules = ["published_crime"]
most = 40

[[releases]]
name = "charged-anywhere"
measure = "ME5"
title = "Crimes that anybody charged"
question = "Of the crimes of a month, how many has any force charged, and after how many days?"
unit = "crimes with a published id"
base = "crimes"
present = ["crime"]
period_dimension = "month"
recipients = ["lcjp-performance-team"]
lookups = [{ dataset = "outcomes", on = "crime", latest_by = "month", across = true }]
terms = { threshold = 10, zeros = "suppressible", level = "B" }
values = [{ name = "days", days_between = ["crimes.month", "outcomes.month"] }]
derived = [{ name = "found", matched = "outcomes" }]
dimensions = [
  { name = "month", title = "Month", source = "crimes.month", total = "All months" },
  { name = "crime_type", title = "Type", source = "crimes.crime_type", categories = ["Drugs", "Burglary"], total = "All types" },
  { name = "found", title = "Charged", source = "found", categories = ["true", "false"], labels = { true = "Charged", false = "Not charged" }, total = "All" },
]
tables = [{ name = "charged", title = "Charged", dimensions = ["month", "crime_type", "found"], of = ["days"], show = ["mean", "quartiles"] }]

[[releases]]
name = "again"
measure = "MR1"
title = "People charged again"
question = "Of the people who came in within a month, how many were charged within the next?"
unit = "people"
base = "person"
period_dimension = "window"
recipients = ["lcjp-performance-team"]
wait = "P5Y6M"
terms = { threshold = 10, zeros = "suppressible", level = "B" }
dimensions = [
  { name = "window", title = "Month", source = "cohort.window", total = "All months" },
  { name = "again", title = "Charged again", source = "events.charged", categories = ["true", "false"], labels = { true = "Yes", false = "No" }, total = "All people" },
]
tables = [{ name = "again", title = "Charged again", dimensions = ["window", "again"] }]

[releases.cohort]
window = "month"
entries = [{ label = "Crime", dataset = "crimes", date = "month" }]
events = [{ name = "charged", dataset = "outcomes", date = "month", within = "P1M" }]

[[releases]]
name = "repeat"
measure = "MR1"
title = "People seen again"
question = "Of the people who came in within a month, how many came in again within the next?"
unit = "people"
base = "person"
period_dimension = "window"
recipients = ["lcjp-performance-team"]
wait = "P1M"
terms = { threshold = 10, zeros = "suppressible", level = "B" }
dimensions = [
  { name = "window", title = "Month", source = "cohort.window", total = "All months" },
  { name = "again", title = "Seen again", source = "events.again", categories = ["true", "false"], labels = { true = "Yes", false = "No" }, total = "All people" },
]
tables = [{ name = "again", title = "Seen again", dimensions = ["window", "again"] }]

[releases.cohort]
window = "month"
entries = [{ label = "Crime", dataset = "crimes", date = "month" }]
events = [{ name = "again", dataset = "crimes", date = "month", within = "P1M" }]
"""
JOINED, COHORT, REPEAT = "charged-anywhere", "again", "repeat"


class JoinedWorld(World):
    """A hub whose agreement joins across suppliers, and counts a cohort."""

    def words(self, **replaced: str) -> str:
        return super().words(**replaced).replace('type = "month"', 'type = "date"') + WORDS

    def copy(self, folder: Path) -> "JoinedWorld":
        again = super().copy(folder)
        return JoinedWorld(folder, again.clock, self.keys)


def pseudonym(number: int) -> bytes:
    return hashlib.sha256(f"thing {number}".encode()).digest()[:16]


def hold_crimes(world: World, supplier: str, numbers: range, types: Mapping[int, str], month: Period = APRIL) -> None:
    names = [pseudonym(one) for one in numbers]
    kinds = [types.get(one, "Drugs") for one in numbers]
    rows = crimes(len(names), month=month.start, crime=names)
    kind = rows.schema.get_field_index("crime_type")
    world.hold([rows.set_column(kind, rows.schema.field(kind), pa.array(kinds, pa.string()))], supplier=supplier, period=month.name)


def hold_outcomes(world: World, supplier: str, numbers: range, month: Period, patch: pytest.MonkeyPatch) -> None:
    found = world.agreement.dataset("outcomes")
    assert found is not None
    names = [pseudonym(one) for one in numbers]
    columns = {"crime": names, "month": [month.start] * len(names), "outcome": ["Charged"] * len(names)}
    with patch.context() as meanwhile:
        meanwhile.setattr(standing, "SCHEMA", found.schema)
        world.hold([pa.table(columns, schema=found.schema)], supplier=supplier, dataset="outcomes", period=month.name)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once: Cleveland's 200 crimes of April, a quarter of them burglaries, of which Durham charged 120 in May; Durham's 100, of which nobody charged any."""
    world = JoinedWorld.build(tmp_path_factory.mktemp("joined") / "hub")
    patch = pytest.MonkeyPatch()
    burglaries = dict.fromkeys(range(0, 200, 4), "Burglary")
    hold_crimes(world, CLEVELAND, range(200), burglaries)
    hold_crimes(world, DURHAM, range(1000, 1100), {})
    hold_outcomes(world, DURHAM, range(40, 160), MAY, patch)
    hold_outcomes(world, CLEVELAND, range(0), MAY, patch)
    yield world
    world.close()


@pytest.fixture
def joined(first: World, tmp_path: Path) -> Iterator[World]:
    world = first.copy(tmp_path / "hub")
    yield world
    world.close()


def shown(world: World, identity: str, table: str) -> list[list[str]]:
    [content] = [file.content for file in row(world, identity).files if file.name == f"{table}.csv"]
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_what_others_know_of_crimes_is_counted_with_its_figures(joined: World) -> None:
    identity = ask(joined, release=JOINED)
    rows = shown(joined, identity, "charged")
    assert rows[0] == ["month", "crime_type", "found", "count", "days_mean", "days_lower_quartile", "days_median", "days_upper_quartile"]
    told = {tuple(one[:3]): one[3:] for one in rows[1:]}
    assert told["All months", "All types", "All"] == ["300", "30.00", "30", "30", "30"]
    assert told["All months", "Burglary", "All"] == ["50", "30.00", "[c]", "30", "[c]"]
    assert told["2021-04", "Drugs", "Charged"] == ["90", "30.00", "30", "30", "30"]
    assert told["2021-04", "Drugs", "Not charged"] == ["160", "[c]", "[c]", "[c]", "[c]"]
    release = joined.agreement.release(JOINED)
    assert release is not None
    [table] = published_tables(release, [APRIL], {file.name: file.content for file in row(joined, identity).files})
    assert [one.name for one in table.figures] == rows[0][4:]
    assert [one.texts() for one in table.figures] == [[line[at] for line in rows[1:]] for at in range(4, 8)]


def test_what_rests_on_few_is_not_shown(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_crimes(joined, CLEVELAND, range(2000, 2100), {2000 + n: "Burglary" for n in range(20)}, MAY)
    hold_crimes(joined, DURHAM, range(0), {}, MAY)
    hold_outcomes(joined, DURHAM, range(2015, 2060), JUNE, monkeypatch)
    told = {tuple(one[:3]): one[3] for one in shown(joined, ask(joined, first=MAY, last=MAY, release=JOINED), "charged")[1:]}
    assert told["2021-05", "Burglary", "Charged"] == told["2021-05", "Burglary", "Not charged"] == "[c]"  # 5, and 15 beside it
    assert told["2021-05", "Burglary", "All"] == "20"


def test_it_is_one_edition_a_window_and_apart_from_counts_of_rows(joined: World) -> None:
    plain = ask(joined)
    publish(joined, plain)
    identity = ask(joined, release=JOINED)
    assert row(joined, identity).draft["history"] == []
    other = ask(joined, release=JOINED)
    publish(joined, identity)
    with reading(joined.hub.engine) as session:
        assert session.get(KeptRow, (identity, "counts")) is None
    with pytest.raises(Conflict, match="counted in one edition"):
        ask(joined, release=JOINED)
    with pytest.raises(Conflict, match="published since this draft"):
        publish(joined, other)
    hub = joined.hub
    wanted = edition.Wanted(REFERENCE, RELEASE, APRIL, APRIL, print_of(joined.keys[REQUESTER]), "More came in.")
    again = edition.draft(hub.engine, hub.keyring, hub.places.held, wanted, joined.clock, memory="512MB")
    assert row(joined, again).draft["history"] == [plain]  # rows have a history of their own


def test_a_cohort_needs_every_month_in_which_it_looks(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unacceptable, match=r"outcomes has not been submitted: .*cleveland-police 2021-04"):
        ask(joined, release=COHORT)
    for supplier in (CLEVELAND, DURHAM):
        hold_outcomes(joined, supplier, range(0), APRIL, monkeypatch)
    identity = ask(joined, release=COHORT)
    told = {tuple(one[:2]): one[2] for one in shown(joined, identity, "again")[1:]}
    assert (told["2021-04", "All people"], told["2021-04", "Yes"], told["2021-04", "No"]) == ("300", "120", "180")
    draft = row(joined, identity).draft
    assert {(one["dataset"], one["period"]) for one in draft["inputs"]} == {
        ("crimes", "2021-04"),
        ("outcomes", "2021-04"),
        ("outcomes", "2021-05"),
    }
    assert draft["linkage"] == {"name": "person", "overrides": 0}
    assert "linkage" in row(joined, identity).report["uniqueness"]


def test_the_window_after_one_that_read_its_rows_has_an_edition_of_its_own(joined: World) -> None:
    for month in (MAY, JUNE):
        hold_crimes(joined, CLEVELAND, range(150), {}, month)
        hold_crimes(joined, DURHAM, range(1000, 1100), {}, month)
    first = ask(joined, release=REPEAT)
    assert {one["period"] for one in row(joined, first).draft["inputs"]} == {"2021-04", "2021-05"}
    publish(joined, first)
    publish(joined, ask(joined, first=MAY, last=MAY, release=REPEAT))
    with pytest.raises(Conflict, match="counted in one edition"):
        ask(joined, release=REPEAT)
    with pytest.raises(Conflict, match="counted in one edition"):
        ask(joined, first=MAY, last=MAY, release=REPEAT)


def test_nothing_is_made_before_its_wait_is_over(joined: World) -> None:
    joined.clock.now = joined.clock.now.replace(day=30)
    with pytest.raises(RefusedByAgreement, match="no sooner than 5 years and 6 months after its last day, 31 May 2021"):
        ask(joined, first=MAY, last=MAY, release=COHORT)
    joined.clock.forward(days=1)
    with pytest.raises(Unacceptable, match="has not been submitted"):
        ask(joined, first=MAY, last=MAY, release=COHORT)


def test_an_edition_comes_out_the_same_while_its_inputs_are_held(joined: World) -> None:
    identity = ask(joined, release=JOINED)
    publish(joined, identity)
    hub = joined.hub
    made = reproduce(hub.engine, hub.keyring, hub.places.held, identity, joined.clock, "512MB")
    assert (made.same, made.differing) == (True, [])
    assert row(joined, identity).state == EditionState.PUBLISHED
    plain = ask(joined)
    assert reproduce(hub.engine, hub.keyring, hub.places.held, plain, joined.clock, "512MB").same


def test_what_is_gone_cannot_be_made_again(joined: World) -> None:
    identity = ask(joined, release=JOINED)
    hub = joined.hub
    [read] = [
        one["submission"] for one in row(joined, identity).draft["inputs"] if one["supplier"] == DURHAM and one["dataset"] == "crimes"
    ]
    joined.hold([crimes(3)], supplier=DURHAM, after=read)
    with pytest.raises(Gone, match="not held any more"):
        reproduce(hub.engine, hub.keyring, hub.places.held, identity, joined.clock, "512MB")
