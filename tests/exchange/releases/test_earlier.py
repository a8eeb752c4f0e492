"""Rows held under version 1 read by a release of version 2: as version 2 has them, for what it may, or refused with the clause that says so."""

import copy
import csv
import io
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import update

from agreements.model import Agreement
from exchange.db import reading, writing
from exchange.errors import RefusedByAgreement, Unacceptable
from exchange.releases import edition
from exchange.releases import tabulate as tabulation
from exchange.submissions import holdings
from exchange.submissions.tables import SubmissionRow
from tests.agreements.papers import build, fingerprint
from tests.exchange.releases.drafted import ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, REFERENCE, RELEASE, SUPPLIERS, World, crimes

Document = dict[str, Any]
Edit = Callable[[Document], Any]
MAY = date(2021, 5, 1)
KINDS = ["Drugs", "Robbery", "Burglary"]


def second(world: World, edit: Edit) -> Agreement:
    """Version 2, changed so, and in force."""
    parsed = copy.deepcopy(world.agreement.document)
    parsed["agreement"]["version"] = 2
    edit(parsed)
    agreement = build(parsed)
    world.enter(agreement)
    world.sign_all(agreement)
    return agreement


def field(parsed: Document, name: str) -> Document:
    found: Document = next(one for one in parsed["datasets"][0]["fields"] if one["name"] == name)
    return found


def mixed(seed: int) -> pa.Table:
    """Three kinds of crime, forty of each."""
    rows = crimes(120, seed=seed)
    return rows.set_column(rows.schema.get_field_index("crime_type"), "crime_type", pa.array(KINDS * 40))


@pytest.fixture
def months(world: World) -> World:
    """A month of both forces, held under version 1."""
    for number, supplier in enumerate(SUPPLIERS, 1):
        world.hold([mixed(number)], supplier=supplier)
    return world


def read(world: World, agreement: Agreement) -> pa.Table:
    """Cleveland's crimes as a release of this version is given them."""
    dataset = agreement.dataset("crimes")
    assert dataset is not None
    with reading(world.hub.engine) as session:
        batches = [one for one in holdings.live(session, REFERENCE, "crimes") if one.supplier == CLEVELAND]
        return holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, agreement, dataset).to_table()


def exact(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The exact tables of the next edition, once it is made."""
    found: dict[str, bytes] = {}
    tabulate = tabulation.tabulate

    def kept(*arguments: Any, **more: Any) -> Any:
        made = tabulate(*arguments, **more)
        found.update(made)
        return made

    monkeypatch.setattr(edition, "tabulate", kept)
    return found


def fewer_types(parsed: Document) -> None:
    """Version 2 tells drugs and the rest apart, and nothing else."""
    field(parsed, "crime_type")["rule"] = {"map": {"codes": {"Drugs": "Drugs"}, "otherwise": "Other crime"}}


def test_an_edition_of_a_narrower_version_counts_what_was_held_before_by_the_narrower_rule(
    months: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = second(months, fewer_types)
    assert Counter(read(months, now)["crime_type"].to_pylist()) == {"Drugs": 40, "Other crime": 80}
    tables = exact(monkeypatch)
    identity = ask(months)
    assert row(months, identity).agreement == now.digest
    [name] = [name for name, content in tables.items() if b"crime_type" in content.splitlines()[0]][:1]
    lines = list(csv.DictReader(io.StringIO(tables[name].decode())))
    assert {one["crime_type"] for one in lines if int(one["value"]) and one["crime_type"] in (*KINDS, "Other crime")} == {
        "Drugs",
        "Other crime",
    }
    publishing = [vote(months, identity, checker) for checker in ("cleveland-police/checker", "durham-constabulary/checker")]
    assert [record(months, signed) for signed in publishing][-1] == "published"


def test_the_older_version_reads_its_rows_as_they_are(months: World) -> None:
    assert Counter(read(months, months.agreement)["crime_type"].to_pylist()) == dict.fromkeys(KINDS, 40)


def without_place(parsed: Document) -> None:
    parsed["datasets"][0]["fields"] = [one for one in parsed["datasets"][0]["fields"] if one["name"] != "authority"]
    parsed["datasets"][0]["fields"].reverse()
    release = parsed["releases"][0]
    gone = {one["name"] for one in release["dimensions"] if one["source"] == "crimes.authority"}
    release["dimensions"] = [one for one in release["dimensions"] if one["name"] not in gone]
    release["tables"] = [one for one in release["tables"] if not gone & set(one["dimensions"])]


def test_a_field_that_the_newer_version_does_not_name_is_not_read_and_their_order_is_its_own(months: World) -> None:
    now = second(months, without_place)
    before, after = read(months, months.agreement), read(months, now)
    assert after.schema.names == ["last_outcome", "crime_type", "month", "crime"]
    assert after.equals(before.select(after.schema.names))
    assert ask(months)


def one_more(parsed: Document) -> None:
    parsed["datasets"][0]["fields"].append({**field(parsed, "month"), "name": "month_again"})


def other_source(parsed: Document) -> None:
    field(parsed, "authority")["from"] = "elsewhere"


@pytest.mark.parametrize(
    ("edit", "name", "why"),
    [(one_more, "month_again", "it was not sent"), (other_source, "authority", "it was made from another source field")],
)
def test_what_a_wider_version_asks_for_is_refused_by_its_clause_until_the_rows_are_pushed_again(
    months: World, edit: Edit, name: str, why: str
) -> None:
    second(months, edit)
    with pytest.raises(Unacceptable, match=rf"the rows of crimes of {CLEVELAND} for 2021-04 \(.*\) were held under version 1") as refused:
        ask(months)
    assert f"cannot be brought under version 2: {name} ({why})" in refused.value.detail
    assert refused.value.extra["clause"] == f"{REFERENCE} version 2, dataset crimes, field {name}"
    assert refused.value.remedy == "Push them again under version 2."
    assert refused.value.code == "held-under-older-version"


def test_rows_that_the_newer_version_refuses_are_counted_and_none_is_dropped(months: World) -> None:
    def edit(parsed: Document) -> None:
        field(parsed, "crime_type")["rule"]["keep"]["values"].remove("Robbery")

    second(months, edit)
    with pytest.raises(Unacceptable, match=r"crime_type \(40 rows are not as it asks\)") as refused:
        ask(months)
    assert "Robbery" not in str(refused.value)


def test_rows_of_both_versions_are_read_together(months: World) -> None:
    now = second(months, fewer_types)
    with reading(months.hub.engine) as session:
        [held] = [one for one in holdings.live(session, REFERENCE, "crimes") if one.supplier == CLEVELAND]
    months.hold([crimes(50, seed=7)], about=now, after=held.submission)
    months.hold([crimes(30, seed=8, month=MAY)], about=now, period="2021-05")
    assert Counter(read(months, now)["crime_type"].to_pylist()) == {"Drugs": 80}
    assert ask(months)


# ------------------------------------------------------------------------------------------- new purposes, new recipients


def another(parsed: Document) -> None:
    parsed["releases"].append({**copy.deepcopy(parsed["releases"][0]), "name": "again"})


def press(parsed: Document) -> None:
    parsed["recipients"].append({"id": "press", "name": "Press", "party": "lcjp-operator", "client": fingerprint("press/client")})
    parsed["releases"][0]["recipients"].append("press")


@pytest.mark.parametrize(("edit", "release"), [(another, "again"), (press, RELEASE)])
def test_a_new_release_or_recipient_reaches_rows_held_before_only_where_the_version_says_so(
    months: World, edit: Edit, release: str
) -> None:
    now = second(months, edit)
    with pytest.raises(RefusedByAgreement, match="new purposes and recipients do not reach them") as refused:
        ask(months, release=release)
    assert f"{REFERENCE} version 2, release {release}, earlier rows" in str(refused.value.extra["clause"])
    for number, supplier in enumerate(SUPPLIERS, 1):  # the same rows, pushed again as the refusal asks
        with reading(months.hub.engine) as session:
            [held] = [one for one in holdings.live(session, REFERENCE, "crimes") if one.supplier == supplier]
        again = [mixed(number)]
        assert months.hold(again, supplier=supplier, about=now, after=held.submission).id != held.submission
    assert ask(months, release=release)


def test_the_same_rows_are_taken_again_under_a_newer_version_once_and_never_back_under_the_older(months: World) -> None:
    first = months.agreement
    now = second(months, press)
    with reading(months.hub.engine) as session:
        [held] = [one for one in holdings.live(session, REFERENCE, "crimes") if one.supplier == CLEVELAND]
    head = months.hold([mixed(1)], about=now, after=held.submission).id
    for about in (now, first):
        again = months.prepare([mixed(1)], about=about, after=head)
        assert months.open(again).status_code == 200
        assert again.id == head


def test_earlier_rows_says_so(months: World) -> None:
    def edit(parsed: Document) -> None:
        another(parsed)
        parsed["releases"][-1]["earlier_rows"] = True

    second(months, edit)
    assert ask(months, release="again")


def test_rows_of_two_linkage_epochs_are_not_read_together(months: World) -> None:
    with writing(months.hub.engine) as session:
        held = holdings.live(session, REFERENCE, "crimes")[0].submission
        manifest = copy.deepcopy(session.get_one(SubmissionRow, held).manifest)
        manifest["document"]["epoch"] = 2
        session.execute(update(SubmissionRow).where(SubmissionRow.id == held).values(manifest=manifest))
    with pytest.raises(Unacceptable, match="older linkage epoch than 2") as refused:
        ask(months)
    assert refused.value.code == "held-under-older-epoch"


def test_what_a_version_published_is_received_after_it_was_replaced(
    drafted: tuple[World, str],
) -> None:
    world, identity = drafted
    publish(world, identity)
    second(world, lambda _: None)
    assert world.call("get", f"/v1/editions/{identity}", "lcjp-performance-team").status_code == 200
