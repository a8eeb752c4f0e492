"""An edition: asked for by somebody named, from what every supplier has sent, bound to its inputs, published once, received by the named."""

import hashlib
from typing import Any

import pytest

from agreements.periods import Period
from agreements.rules import UNKNOWN
from agreements.signing import Capacity, Voice
from exchange.errors import Conflict, ExchangeError, RefusedByAgreement, Unacceptable, UnknownAgreement
from exchange.releases import edition
from exchange.releases import tabulate as tabulation
from exchange.releases.tables import EditionState
from keys.formats import digest
from keys.sign import Use, verify_document
from tests.exchange.releases.drafted import APRIL, CHECKERS, ask, publish, row
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, TEAM, World, crimes, problem

MAY = Period.parse("2021-05")


def test_a_draft_names_what_it_read_and_every_file_that_would_be_published(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    found = row(world, identity)
    assert found.state == EditionState.AWAITING_CHECK
    assert found.draft_digest == digest(found.draft)
    assert {one["supplier"] for one in found.draft["inputs"]} == {CLEVELAND, DURHAM}
    assert found.draft["agreement"] == world.agreement.digest
    assert found.draft["files"] == {file.name: "sha256:" + hashlib.sha256(file.content).hexdigest() for file in found.files}
    assert found.dispose_on.isoformat() == "2031-04-30"


def test_no_small_count_is_in_any_file_of_it(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    for file in row(world, identity).files:
        if file.name.endswith(".csv"):
            cells = [line.rsplit(",", 1)[-1].strip('"') for line in file.content.decode().splitlines()[1:]]
            assert cells
            assert not [cell for cell in cells if cell.isdigit() and 0 < int(cell) < 10]


def test_a_draft_is_nobodys_to_receive(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    problem(world.call("get", f"/v1/editions/{identity}", TEAM), 404, "unknown-agreement")
    problem(world.call("get", f"/v1/editions/{identity}/tables/by-area.csv", TEAM), 404, "unknown-agreement")
    problem(world.call("get", f"/v1/releases/{REFERENCE}/{RELEASE}/latest", TEAM), 404, "unknown-agreement")
    assert world.call("get", "/v1/editions", TEAM).get_json() == {"editions": []}


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"last": MAY}, Unacceptable, "has not been submitted"),
        ({"first": MAY}, Unacceptable, "has not been submitted"),
        ({"release": "mv8"}, RefusedByAgreement, "no such release"),
        ({"requester": f"{CLEVELAND}/manifest"}, RefusedByAgreement, "nobody the agreement names"),
    ],
    ids=["a gap", "no months", "no release", "nobody"],
)
def test_what_cannot_be_asked_for(drafted: tuple[World, str], asked: dict[str, Any], error: type[ExchangeError], said: str) -> None:
    with pytest.raises(error, match=said):
        ask(drafted[0], **asked)


def test_under_a_suspended_agreement_nothing_is_drafted_checked_or_received(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    world.say(OPERATOR, Capacity.DPO, Voice.SUSPEND)
    with pytest.raises(RefusedByAgreement, match="suspended"):
        ask(world)
    problem(world.call("get", f"/v1/editions/{identity}", TEAM), 403, "refused-by-agreement")
    assert world.call("get", "/v1/editions", TEAM).get_json() == {"editions": []}


@pytest.mark.parametrize("change", ["inputs", "agreement", "suspension"])
def test_what_changes_while_it_is_made_is_noticed(drafted: tuple[World, str], change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world, identity = drafted
    tabulate = tabulation.tabulate

    def meanwhile(*arguments: Any, **more: Any) -> Any:
        made = tabulate(*arguments, **more)
        match change:
            case "inputs":
                [held] = [one["submission"] for one in row(world, identity).draft["inputs"] if one["supplier"] == CLEVELAND]
                world.hold([crimes(130, seed=1)], after=held)
            case "agreement":
                second = world.version(2)
                world.enter(second)
                world.sign_all(second)
            case _:
                world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
        return made

    monkeypatch.setattr(edition, "tabulate", meanwhile)
    with pytest.raises(RefusedByAgreement if change == "suspension" else Conflict):
        ask(world)


def test_a_published_edition_is_received_whole_and_each_download_is_logged(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    listed = world.call("get", "/v1/editions", TEAM).get_json()["editions"]
    assert [one["id"] for one in listed] == [identity]
    answer = world.call("get", f"/v1/editions/{identity}", TEAM).get_json()
    hub = world.agreement.operator.hub
    assert hub is not None
    signed = verify_document(answer["edition"], Use.EDITION, hub.editions)
    assert len(signed["checks"]) == len(CHECKERS)
    names = [f"{table['name']}.{ending}" for table in answer["tables"] for ending in table["formats"]]
    assert set(names) <= set(signed["files"])
    for name in names:
        file = world.call("get", f"/v1/editions/{identity}/tables/{name}", TEAM)
        sha = hashlib.sha256(file.data).hexdigest()
        assert signed["files"][name] == f"sha256:{sha}"
        assert file.headers["ETag"] == f'"{sha}"'
        again = world.call("get", f"/v1/editions/{identity}/tables/{name}", TEAM, headers={"If-None-Match": f'"{sha}"'})
        assert (again.status_code, again.data) == (304, b"")
    problem(world.call("get", f"/v1/editions/{identity}/tables/by-area.xlsx", TEAM), 404, "no-such-file")
    latest = world.call("get", f"/v1/releases/{REFERENCE}/{RELEASE}/latest", TEAM)
    assert (latest.status_code, latest.headers["Location"]) == (307, f"/v1/editions/{identity}")


def test_a_second_edition_of_the_same_rows_is_the_first_again(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    publish(world, identity)
    again = ask(world)
    assert row(world, again).draft["history"] == [identity]
    publish(world, again)
    one, other = ({file.name: file.content for file in row(world, edition).files} for edition in (identity, again))
    assert one == other


def test_of_two_drafts_of_one_population_one_is_published(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    other = ask(world)
    publish(world, identity)
    with pytest.raises(Conflict, match="were published"):
        publish(world, other)
    assert row(world, other).state == EditionState.AWAITING_CHECK
    assert row(world, other).signed is None


def test_an_agreement_nobody_knows() -> None:
    with pytest.raises(UnknownAgreement):
        edition.require(UNKNOWN)
    assert edition.Wanted(REFERENCE, RELEASE, APRIL, MAY, "key").periods == [APRIL, MAY]
