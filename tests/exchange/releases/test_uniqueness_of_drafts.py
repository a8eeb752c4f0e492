"""Findings from held data, with the draft they belong to: bound by its digest, seen by its checkers and DPOs alone, and gone when it is."""

import json
import secrets
from pathlib import Path

import pytest
from click.testing import CliRunner

from agreements.signing import Capacity, Voice
from exchange.commands.root import cli
from exchange.db import reading
from exchange.errors import ExchangeError, NotFound, RefusedByAgreement
from exchange.log.tables import EntryRow
from exchange.releases import checking
from exchange.releases.tables import EditionState
from exchange.releases.uniqueness import TOO_FEW
from exchange.settling import settle
from keys.formats import digest
from keys.keyfile import write_keyfile
from tests.exchange.configured import configured
from tests.exchange.releases.drafted import CHECKERS, REQUESTER, ask, publish, record, row, vote
from tests.exchange.standing import CLEVELAND, OPERATOR, TEAM, World, crimes, print_of


def seen(world: World, identity: str, place: str) -> dict[str, object]:
    with reading(world.hub.engine) as session:
        found = checking.findings(session, row(world, identity), print_of(world.keys[place]), world.clock())
        return dict(found)


def phrases(world: World) -> str:
    with reading(world.hub.engine) as session:
        return json.dumps([str(entry.entry) for entry in session.query(EntryRow)])


def test_a_draft_binds_what_its_rows_showed_and_does_not_hold_it(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    draft = row(world, identity)
    kept = draft.report["uniqueness"]
    assert {one["dataset"]: one["share"] for one in kept["datasets"]} == {"crimes": "under 10 %", "outcomes": TOO_FEW}
    assert draft.draft["uniqueness"] == digest(kept)
    assert draft.draft_digest == digest(draft.draft)
    assert len(kept["salt"]) == 32
    assert "under 10 %" not in json.dumps(draft.draft)
    assert not [file.name for file in draft.files if b"under 10 %" in file.content]
    again = row(world, ask(world))
    assert again.report["uniqueness"]["datasets"] == kept["datasets"]
    assert again.draft["files"] == draft.draft["files"]
    assert again.draft["uniqueness"] != draft.draft["uniqueness"]  # salted: equal findings cannot be told by their digests


@pytest.mark.parametrize("place", [*CHECKERS, REQUESTER, f"{CLEVELAND}/dpo", f"{OPERATOR}/dpo"])
def test_checkers_and_data_protection_officers_see_it(drafted: tuple[World, str], place: str) -> None:
    world, identity = drafted
    assert seen(world, identity, place) == row(world, identity).report["uniqueness"]


@pytest.mark.parametrize("place", [f"{CLEVELAND}/signatory", f"{CLEVELAND}/manifest", f"{TEAM}/client"])
def test_nobody_else_does(drafted: tuple[World, str], place: str) -> None:
    with pytest.raises(RefusedByAgreement, match="no output checker or data protection officer"):
        seen(*drafted, place)


def test_nobody_does_while_the_agreement_is_suspended(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    world.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND)
    with pytest.raises(RefusedByAgreement, match="suspended"):
        seen(world, identity, CHECKERS[0])


@pytest.mark.parametrize("end", ["published", "dropped"])
def test_it_ends_with_the_draft_and_is_nowhere_else(drafted: tuple[World, str], end: str) -> None:
    world, identity = drafted
    record(world, vote(world, identity, CHECKERS[0]))
    assert "uniqueness" in row(world, identity).report
    record(world, vote(world, identity, CHECKERS[1], checking.APPROVE if end == "published" else checking.REFUSE))
    ended = row(world, identity)
    assert ended.state == (EditionState.PUBLISHED if end == "published" else EditionState.DROPPED)
    assert set(ended.report) == {"attack"}
    assert "under 10 %" not in json.dumps([ended.draft, ended.signed, ended.report]) + phrases(world)
    with pytest.raises(NotFound, match="destroyed"):
        seen(world, identity, CHECKERS[0])


def test_recipients_receive_none_of_it(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    salt = row(world, identity).report["uniqueness"]["salt"]
    publish(world, identity)
    answer = world.call("get", f"/v1/editions/{identity}", TEAM).get_data(as_text=True)
    assert "under 10 %" not in answer
    assert salt not in answer
    assert TOO_FEW not in answer


def test_it_goes_when_rows_it_was_made_from_are_held_no_longer(drafted: tuple[World, str]) -> None:
    world, identity = drafted
    settle(world.hub)
    assert "uniqueness" in row(world, identity).report
    [held] = [one["submission"] for one in row(world, identity).draft["inputs"] if one["supplier"] == CLEVELAND]
    world.hold([crimes(130, seed=1)], after=held)
    with pytest.raises(NotFound, match="destroyed"):
        seen(world, identity, CHECKERS[0])  # at once, even before the clock's next job
    settle(world.hub)
    dropped = row(world, identity)
    assert (dropped.state, set(dropped.report)) == (EditionState.DROPPED, {"attack"})
    assert phrases(world).count("edition dropped") == 1
    settle(world.hub)
    assert phrases(world).count("edition dropped") == 1


def test_the_command_shows_it_to_a_checker_and_to_nobody_who_gives_no_key(drafted: tuple[World, str], tmp_path: Path) -> None:
    world, identity = drafted
    config = configured(world)
    keys = {}
    for place in (CHECKERS[0], f"{CLEVELAND}/signatory"):
        keys[place] = tmp_path / f"{secrets.token_hex(4)}.key.json"
        write_keyfile(keys[place], world.signing(place), owner=CLEVELAND, role=place.split("/")[1])

    def shown(*more: str) -> str:
        return CliRunner().invoke(cli, ["--config", str(config), *more], catch_exceptions=False).output

    told = "crimes, all kept fields (month, authority, crime_type, last_outcome): under 10 %"
    assert told in shown("release", "show", identity, "--key", str(keys[CHECKERS[0]]))
    assert json.loads(shown("--json", "release", "show", identity, "--key", str(keys[CHECKERS[0]])))["uniqueness"]["datasets"]
    for words in (("release", "show", identity), ("--json", "release", "show", identity)):
        assert identity in shown(*words)
        assert "under 10 %" not in shown(*words)
    with pytest.raises(ExchangeError, match="no output checker"):
        shown("release", "show", identity, "--key", str(keys[f"{CLEVELAND}/signatory"]))
