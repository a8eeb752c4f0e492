"""How editions follow each other: revised for a reason, provisional or final, withdrawn by whoever may; and nothing of a check is told before it is decided."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from agreements.document import read
from agreements.periods import Duration, Period
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Conflict, RefusedByAgreement, Unacceptable
from exchange.log.tables import EntryRow
from exchange.register import partners
from exchange.releases import edition, life, withdrawing
from exchange.releases.checking import APPROVE
from exchange.releases.tables import EditionRow, EditionState
from exchange.settling import settle
from keys.errors import KeysError
from keys.keyfile import write_keyfile
from keys.sign import Use, sign_document, verify_document
from tests.exchange.configured import configured
from tests.exchange.releases.drafted import APRIL, CHECKERS, REASON, REQUESTER, ask, publish, record, row, vote
from tests.exchange.restoring import put_over, replayed, saved
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, RELEASE, TEAM, World, crimes, print_of, problem

WHY = "A force's month was counted twice."


def withdrawal(world: World, identity: str, place: str, reason: str = WHY, use: Use = Use.WITHDRAWAL, **members: Any) -> dict[str, Any]:
    """A signed withdrawal by the person who holds this key."""
    named = {one.key: one.name for party in world.agreement.parties for one in party.people}
    document = withdrawing.withdrawal_document(
        row(world, identity),
        person=named.get(print_of(world.keys[place]), "Nobody"),
        reason=reason,
        made=world.clock(),
        nonce=secrets.token_hex(16),
    )
    return sign_document({**document, **members}, use, world.signing(place))


def withdraw(world: World, signed: Mapping[str, Any]) -> EditionRow:
    with writing(world.hub.engine) as session:
        return withdrawing.record(session, signed, world.clock)


def entries(world: World) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        return [one for one in session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars() if one]


@pytest.fixture
def published(drafted: tuple[World, str]) -> tuple[World, str]:
    publish(*drafted)
    return drafted


# ------------------------------------------------------------------------------------------------------------ revised, provisional


def test_what_revises_a_published_edition_says_which_and_why(published: tuple[World, str]) -> None:
    world, first = published
    wanted = edition.Wanted(REFERENCE, RELEASE, APRIL, APRIL, print_of(world.keys[REQUESTER]))
    before = len(entries(world))
    with pytest.raises(Unacceptable, match=f"it would revise {first}") as caught:
        edition.draft(world.hub.engine, world.hub.keyring, world.hub.places.held, wanted, world.clock, memory="512MB")
    assert caught.value.code == "reason-needed"
    assert len(entries(world)) == before  # refused before anything is read
    second = ask(world)
    assert row(world, second).revises == first
    publish(world, second)
    signed = row(world, second).signed
    hub = world.agreement.operator.hub
    assert signed is not None
    assert hub is not None
    document = verify_document(signed, Use.EDITION, hub.editions)
    assert (document["status"], document["revises"], document["reason"]) == ("final", first, REASON)
    assert "revises" not in row(world, first).draft


def test_an_edition_is_provisional_until_its_time_is_over(drafted: tuple[World, str]) -> None:
    world, _ = drafted
    release = world.agreement.release(RELEASE)
    assert release is not None
    timed = type(release)(
        **{**{name: getattr(release, name) for name in release.__dataclass_fields__}, "provisional": Duration.parse("P12M")}
    )
    wanted = edition.Wanted(REFERENCE, RELEASE, APRIL, Period.parse("2021-06"), "key")
    place = life.Place(wanted, None, None)
    for day, status in ((datetime(2022, 6, 30, 22, 59, tzinfo=UTC), "provisional"), (datetime(2022, 6, 30, 23, 0, tzinfo=UTC), "final")):
        assert place.facts(timed, day) == {"status": status}
    assert place.facts(release, datetime(2021, 7, 1, tzinfo=UTC)) == {"status": "final"}


# ------------------------------------------------------------------------------------------------------------ withdrawn


@pytest.mark.parametrize("place", [f"{CLEVELAND}/dpo", f"{DURHAM}/signatory", CHECKERS[0], f"{OPERATOR}/checker"])
def test_a_dpo_signatory_or_checker_withdraws_it_and_the_log_says_so(published: tuple[World, str], place: str) -> None:
    world, identity = published
    found = withdraw(world, withdrawal(world, identity, place))
    assert (found.state, found.ended, found.withdrawn_at) == (EditionState.WITHDRAWN, WHY, world.clock())
    last = entries(world)[-1]
    assert (last["what"], last["who"], last["details"]["reason"]) == ("edition withdrawn", print_of(world.keys[place]), WHY)
    with pytest.raises(Conflict, match="the edition is withdrawn"):
        withdrawal(world, identity, place)


@pytest.mark.parametrize("place", [f"{CLEVELAND}/manifest", f"{TEAM}/client", f"{OPERATOR}/editions"])
def test_nobody_else_withdraws_it(published: tuple[World, str], place: str) -> None:
    world, identity = published
    with pytest.raises(RefusedByAgreement, match="no output checker, data protection officer or signatory"):
        withdraw(world, withdrawal(world, identity, place))
    assert row(world, identity).state == EditionState.PUBLISHED


@pytest.mark.parametrize(
    "members",
    [{"published": "sha256:" + "0" * 64}, {"nonce": "x"}, {"person": "Somebody Else"}, {"decision": APPROVE}, {"extra": 1}],
    ids=str,
)
def test_a_withdrawal_of_something_else_does_not_count(published: tuple[World, str], members: dict[str, Any]) -> None:
    world, identity = published
    with pytest.raises(Unacceptable) as caught:
        withdraw(world, withdrawal(world, identity, CHECKERS[0], **members))
    assert caught.value.code == "bad-withdrawal"
    assert row(world, identity).state == EditionState.PUBLISHED


def test_a_withdrawal_signed_for_another_use_or_by_a_revoked_key_does_not_count(published: tuple[World, str]) -> None:
    world, identity = published
    with pytest.raises(KeysError):
        withdraw(world, withdrawal(world, identity, CHECKERS[0], use=Use.OUTPUT_CHECK))
    signed = withdrawal(world, identity, CHECKERS[0])
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[CHECKERS[0]]), "left", world.clock())
    with pytest.raises(Unacceptable, match="revoked"):
        withdraw(world, signed)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b"])
def test_without_a_reason_nothing_is_withdrawn(published: tuple[World, str], reason: str) -> None:
    with pytest.raises(Unacceptable):
        withdrawal(*published, CHECKERS[0], reason=reason)


def test_a_draft_is_not_withdrawn(drafted: tuple[World, str]) -> None:
    with pytest.raises(Conflict, match="the edition is awaiting-check"):
        withdrawal(*drafted, CHECKERS[0])


def test_every_address_of_it_is_gone_and_names_what_took_its_place(published: tuple[World, str]) -> None:
    world, first = published
    withdraw(world, withdrawal(world, first, CHECKERS[0]))
    paths = (f"/v1/editions/{first}", f"/v1/editions/{first}/tables/by-area.csv", f"/v1/editions/{first}/tables/edition.xlsx")
    for path in paths:
        gone = problem(world.call("get", path, TEAM), 410, "edition-withdrawn")
        assert (gone["reason"], gone["successor"]) == (WHY, None)
    problem(world.call("get", f"/v1/releases/{REFERENCE}/{RELEASE}/latest", TEAM), 404, "unknown-agreement")
    assert world.call("get", "/v1/editions", TEAM).get_json()["editions"] == []
    problem(world.call("get", paths[0], CLEVELAND), 403, "forbidden")
    world.clock.forward(hours=1)
    second = ask(world)
    publish(world, second)
    for path in paths:
        gone = problem(world.call("get", path, TEAM), 410, "edition-withdrawn")
        assert gone["successor"] == second
        assert second in gone["remedy"]
    assert second in world.call("get", f"/v1/releases/{REFERENCE}/{RELEASE}/latest", TEAM).headers["Location"]


def test_it_stays_in_the_history_of_its_people_and_is_kept(published: tuple[World, str]) -> None:
    world, first = published
    withdraw(world, withdrawal(world, first, CHECKERS[0]))
    settle(world.hub)
    world.clock.now = datetime(2031, 5, 1, tzinfo=UTC)
    settle(world.hub)
    kept = row(world, first)
    assert (kept.state, bool(kept.files)) == (EditionState.WITHDRAWN, True)
    world.clock.now = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_new_edition_is_protected_together_with_a_withdrawn_one(published: tuple[World, str]) -> None:
    world, first = published
    withdraw(world, withdrawal(world, first, CHECKERS[0]))
    assert row(world, ask(world)).draft["history"] == [first]


# ------------------------------------------------------------------------------------------------------------ at the command line


class Shell:
    """The command line of a hub, with key files of its people."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.config = world, folder, configured(world)

    def key(self, place: str) -> str:
        path = self.folder / f"{secrets.token_hex(4)}.key.json"
        write_keyfile(path, self.world.signing(place), owner=place.split("/", maxsplit=1)[0], role=place.split("/")[1])
        return str(path)

    def run(self, *words: str) -> str:
        return CliRunner().invoke(cli, ["--config", str(self.config), *words], catch_exceptions=False).output


def test_the_command_line_withdraws_and_lists(published: tuple[World, str], tmp_path: Path) -> None:
    world, identity = published
    shell = Shell(world, tmp_path)
    with pytest.raises(RefusedByAgreement):
        shell.run("release", "withdraw", identity, "--reason", WHY, "--key", shell.key(f"{CLEVELAND}/manifest"))
    said = shell.run("release", "withdraw", identity, "--reason", WHY, "--key", shell.key(f"{CLEVELAND}/dpo"))
    assert f"{identity} is withdrawn: {WHY}" in said
    assert f"withdrawn, final, {WHY}" in shell.run("release", "list")


def test_the_command_line_makes_an_edition_again_and_says_what_is_due(published: tuple[World, str], tmp_path: Path) -> None:
    world, identity = published
    shell = Shell(world, tmp_path)
    assert f"{identity} comes out the same, to the byte, in every file." in shell.run("release", "reproduce", identity)
    assert "No edition is expected." in shell.run("release", "due")


def test_no_command_and_no_answer_tells_of_a_check_before_it_is_decided(drafted: tuple[World, str], tmp_path: Path) -> None:
    world, identity = drafted
    shell = Shell(world, tmp_path)
    asked = (
        ("release", "list"),
        ("--json", "release", "list"),
        ("release", "show", identity),
        ("--json", "release", "show", identity, "--key", shell.key(CHECKERS[1])),
    )
    before = [shell.run(*words) for words in asked]
    first = vote(world, identity, CHECKERS[0])
    record(world, first)
    assert [shell.run(*words) for words in asked] == before
    told = json.dumps(entries(world))
    assert print_of(world.keys[CHECKERS[0]]) not in told.split("edition drafted")[1]
    assert "output check: " not in told
    assert world.call("get", f"/v1/editions/{identity}", TEAM).status_code == 404
    record(world, vote(world, identity, CHECKERS[1]))
    assert json.dumps(entries(world)).count("output check: approve") == 2


# ------------------------------------------------------------------------------------------------------------ by lineage


def test_where_lineage_decides_the_suppliers_checkers_check_and_nobody_else(world: World) -> None:
    agreement = read(world.words(version="2").replace("output_checkers = 2", "output_checkers = 2\nfrom_lineage = true"))
    assert agreement.approvals.from_lineage
    world.enter(agreement)
    world.sign_all(agreement)
    for number, supplier in enumerate((CLEVELAND, DURHAM), 1):
        world.hold([crimes(120, seed=number)], supplier=supplier, about=agreement)
    identity = ask(world, requester=f"{DURHAM}/dpo")
    with pytest.raises(RefusedByAgreement, match="has supplied nothing that this edition was made from"):
        record(world, vote(world, identity, f"{OPERATOR}/checker"))
    publish(world, identity)
    assert row(world, identity).state == EditionState.PUBLISHED
    assert world.clock() - timedelta(0) == row(world, identity).published_at


# ------------------------------------------------------------------------------------------------------------ after a restore


def test_what_was_withdrawn_after_a_backup_is_not_given_out_again(published: tuple[World, str], tmp_path: Path) -> None:
    world, identity = published
    copy = saved(world, tmp_path / "backup")
    withdraw(world, withdrawal(world, identity, CHECKERS[0]))
    replayed(world, put_over(world, copy))
    again = world.restarted()
    found = row(again, identity)
    assert (found.state, found.ended, found.withdrawal) == (EditionState.WITHDRAWN, WHY, None)
    gone = problem(again.call("get", f"/v1/editions/{identity}", TEAM), 410, "edition-withdrawn")
    assert gone["reason"] == WHY
