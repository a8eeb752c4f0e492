"""Agencies as witnesses of the real hub's log: they cosign and exchange; a forked or rolled-back log is refused, an honest restore is not;
and where the log is lost for good, another goes on only with every party's signature.
"""

import json
import shutil
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from adapters.agency.cli import run as run_agency
from demo.cast import OPERATOR, PARTIES
from exchange.db import writing
from exchange.errors import Conflict, RefusedByAgreement
from exchange.register import partners
from keys.checkpoint import origin_of
from keys.encoding import b64
from keys.formats import Card
from keys.sign import SigningKey
from keys.succession import bundle
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, DURHAM, World, person, serving

MONTHS = ("2021-06", "2021-07")
NEW = "lcjp-exchange/log-2"


def ran(*arguments: str | Path) -> tuple[int, str]:
    """An agency's command, in this process for speed: its exit code, and all that it said."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run_agency([str(one) for one in arguments])
    return code, said.getvalue()


def pushed(world: World, party: str, month: str, folder: Path) -> None:
    extract = small(folder, party, "crimes", month, rows=10)
    code, said = ran("push", "crimes", extract.path, "--period", month, "--home", world.home(party))
    assert code == 0, said


def grow(world: World, count: int = 1) -> None:
    """Something happens at the hub that is in no agency's name."""
    here = world.hub()
    for _ in range(count):
        with writing(here.engine) as session:
            card = Card("ed25519", "somebody", "client", b64(SigningKey.generate().public.raw))
            partners.register(session, card, here.clock())
    here.engine.dispose()


def watched(world: World, party: str, *arguments: str | Path) -> tuple[int, str]:
    return ran("watch", *arguments, "--home", world.home(party))


def copied(world: World, folder: Path) -> Path:
    """The database and the second store as they are now."""
    folder.mkdir()
    with closing(sqlite3.connect(world.places.hub / "hub.sqlite")) as source, closing(sqlite3.connect(folder / "hub.sqlite")) as target:
        source.backup(target)
    shutil.copytree(world.places.hub / "leaves", folder / "leaves")
    return folder


def put_back(world: World, copy: Path) -> None:
    """Put them in the place of what there is: whatever came since is lost."""
    for path in (*world.places.hub.glob("hub.sqlite*"), *(world.places.hub / "leaves").iterdir()):
        path.unlink()
    shutil.copytree(copy, world.places.hub, dirs_exist_ok=True)


def test_cosigned_exchanged_forked_rolled_back_and_succeeded(world: World, tmp_path: Path) -> None:
    note = tmp_path / "durham.txt"
    with serving(world):
        assert watched(world, CLEVELAND)[0] == 0
        grow(world)
        assert f"{CLEVELAND} cosigned" in watched(world, DURHAM)[1]
        assert f"{DURHAM} cosigned" in watched(world, CLEVELAND)[1]
        listed = world.exchange("log", "witnesses")
        assert CLEVELAND in listed
        assert DURHAM in listed
        assert f"cosigned: {CLEVELAND}" in world.exchange("status")

        copy = copied(world, tmp_path / "copy")
        grow(world)  # one branch: Durham sees it, Cleveland does not
        assert watched(world, DURHAM, "--note", note)[0] == 0

    put_back(world, copy)
    with serving(world):  # rolled back: too short for who has seen more
        code, words = watched(world, DURHAM)
        assert (code, "and now shows" in words, "--succession" in words) == (10, True, True)
        grow(world, 3)  # and, grown again, another log than the one that Durham saw
        for _ in range(2):
            code, words = watched(world, DURHAM)
            assert (code, "rolled back or forked" in words) == (10, True)
        assert watched(world, CLEVELAND)[0] == 0  # it has seen nothing of the other branch, until Durham tells
        code, words = watched(world, CLEVELAND, "--witness", note)
        assert (code, f"{DURHAM} cosigned a head" in words) == (10, True)
        extract = small(tmp_path, CLEVELAND, "crimes", MONTHS[0], rows=10)
        assert ran("push", "crimes", extract.path, "--period", MONTHS[0], "--home", world.home(CLEVELAND))[0] == 10
        succeeded(world, note, tmp_path)


def succeeded(world: World, note: Path, folder: Path) -> None:
    """The branch that Durham saw is lost for good: all sign for what goes on."""
    drafted, whole, partial = folder / "succession.json", folder / "whole.json", folder / "partial.json"
    draft = ("log", "succeed", "draft", "--origin", NEW, "--reason", "Disk and second store burnt.")
    with pytest.raises(Conflict, match="nothing is lost"):  # of the other branch this hub knows nothing
        world.exchange(*draft, "--out", drafted)
    world.exchange(*draft, "--note", note, "--out", drafted)
    signed = {party: folder / f"{party}.signed.json" for party in PARTIES}
    for party, out in signed.items():
        world.exchange("log", "succeed", "sign", drafted, "--key", person(world, party, "signatory"), "--out", out)
    without = [out for party, out in signed.items() if party != OPERATOR]
    with pytest.raises(RefusedByAgreement, match=OPERATOR):
        world.exchange("log", "succeed", "begin", *without, "--out", partial)
    partial.write_text(json.dumps(bundle([json.loads(out.read_text()) for out in without])))
    assert watched(world, DURHAM, "--succession", partial)[0] == 5
    world.exchange("log", "succeed", "begin", *signed.values(), "--out", whole)
    for party in (DURHAM, CLEVELAND):
        assert watched(world, party)[0] == 10  # another log, and nobody has told this client why
        assert watched(world, party, "--succession", partial)[0] == 5
        code, words = watched(world, party, "--succession", whole)
        assert (code, f"The log {NEW} has" in words) == (0, True), words
        assert watched(world, party)[0] == 0
    pushed(world, CLEVELAND, MONTHS[0], folder)
    assert f"{CLEVELAND} cosigned" in watched(world, DURHAM)[1]
    kept = json.loads((world.home(DURHAM) / "checkpoint.json").read_text())
    assert origin_of(kept["note"]) == NEW


def test_an_honest_restore_is_no_rollback(world: World, tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    with serving(world):
        assert watched(world, CLEVELAND)[0] == 0
        world.exchange("backup", copy)
        pushed(world, DURHAM, MONTHS[0], tmp_path)
        assert watched(world, CLEVELAND)[0] == watched(world, DURHAM)[0] == 0
    for path in world.places.hub.glob("hub.sqlite*"):
        path.unlink()
    shutil.rmtree(world.places.hub / "objects")
    world.exchange("restore", copy, "--replay")
    with serving(world):
        for party in (CLEVELAND, DURHAM):
            code, words = watched(world, party)
            assert (code, "continues what was seen here before" in words) == (0, True), words
        pushed(world, CLEVELAND, MONTHS[1], tmp_path)
        assert f"{CLEVELAND} cosigned" in watched(world, DURHAM)[1]
