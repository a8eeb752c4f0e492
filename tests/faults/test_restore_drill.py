"""The restore drill, on a real server and real files: a backup with an old keystore copy is put over the hub, and nothing destroyed comes back.

Tried with the product's own tools, and by hand: raw pyarrow, with every key that anything in the restored files or the present keystore gives.
"""

import itertools
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from exchange.errors import Misconfigured
from exchange.keystores import open_keystore
from exchange.settings import read_settings
from exchange.submissions import retention
from keys.errors import KeystoreUnreadable
from keys.places import FILE
from tests.functional.raw import Raw, small
from tests.functional.world import CLEVELAND, World, agency, document_of, operator, serving

MONTHS = ("2021-05", "2021-06", "2021-07")
ROWS = 40


@pytest.fixture
def drilled(world: World, tmp_path: Path) -> tuple[World, list[str], Path]:
    """Three months: two in the backup, of which one is destroyed after it; the third pushed after it. The backup is then put over the hub."""
    copy, held = tmp_path / "backup", []
    with serving(world):
        raw = Raw(world, CLEVELAND)
        for number, month in enumerate(MONTHS):
            submission = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "crimes", month, ROWS, first=number * ROWS)))
            assert raw.decided(submission)["state"] == "held"
            held.append(submission)
            if number == 1:
                assert agency("watch", "--home", world.home(CLEVELAND)).code == 0
                world.exchange("backup", copy)  # while it serves
        here = world.hub()
        retention.dispose(here.engine, here.keyring, here.places, held[0], here.clock())
        here.engine.dispose()
        assert agency("watch", "--home", world.home(CLEVELAND)).code == 0  # the agency has now seen what the backup does not know
    hub = world.places.hub
    for path in hub.glob("hub.sqlite*"):
        path.unlink()
    shutil.rmtree(hub / "objects")
    return world, held, copy


def materials(world: World, copy: Path) -> set[bytes]:
    """Everything of 32 bytes that could be a key: all that the present keystore holds, and what lies in the sealed files and the root folder."""
    store = open_keystore(read_settings(world.config))
    found = {material for name in store.names() if len(material := store.get(name)) == 32}
    files = [copy / "keystore" / FILE, world.places.hub / "keystore" / FILE, *(world.places.hub / "roots").iterdir()]
    for content in (path.read_bytes() for path in files):
        found |= {content[at : at + 32] for at in range(0, len(content) - 31, 8)}
    return found


def parts(database: Path, submission: str) -> list[tuple[str, bytes, str]]:
    """Object, wrapped key and aad of each held part, read from the database by hand."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT object, wrapped_key, aad FROM held_parts WHERE submission = ?"
        return list(connection.execute(query, (submission,)))


def read_by_hand(folder: Path, part: tuple[str, bytes, str], keys: set[bytes]) -> int:
    """The rows of a part, tried with every key as the one that wraps its data key, and as the data key; -1 if none reads it."""
    name, wrapped, aad = part
    unwrapped = set[bytes]()
    for key in keys:
        try:
            unwrapped.add(aes_key_unwrap(key, wrapped))
        except (InvalidUnwrap, ValueError):
            continue
    for key in (*unwrapped, wrapped[:32], *itertools.islice(keys, 200)):
        try:
            properties = pe.create_decryption_properties(key, aad_prefix=aad.encode())
            return int(pq.read_table(folder / name[:2] / name, decryption_properties=properties).num_rows)
        except OSError:
            continue
    return -1


def test_the_restore_drill(drilled: tuple[World, list[str], Path], tmp_path: Path) -> None:
    world, (gone, kept, later), copy = drilled
    world.exchange("restore", copy)
    hub = world.places.hub

    # An old copy of the keystore over the top: it does not open, with anything that is left here.
    present = (hub / "keystore" / FILE).read_bytes()
    shutil.copy(copy / "keystore" / FILE, hub / "keystore" / FILE)
    with pytest.raises(KeystoreUnreadable):
        open_keystore(read_settings(world.config))
    (hub / "keystore" / FILE).write_bytes(present)

    # By hand: the objects and the wrapped keys are here again, and no key opens the destroyed ones. What is kept opens: it is no idle test.
    [mine], [other] = parts(hub / "hub.sqlite", gone), parts(hub / "hub.sqlite", kept)
    keys = materials(world, copy)
    assert (hub / "objects" / mine[0][:2] / mine[0]).is_file()
    assert read_by_hand(hub / "objects", mine, keys) == -1
    assert read_by_hand(hub / "objects", other, keys) == ROWS

    # The hub refuses to serve, and its worker to work, until it is told to do again what was done.
    refused = operator(world.config, "serve")
    assert (refused.code, "exchange restore --replay" in refused.err) == (3, True), refused
    with pytest.raises(Misconfigured, match="exchange restore --replay"):
        world.exchange("worker", "--once")
    told = json.loads(world.exchange("--json", "restore", "--replay"))
    assert (told["destroyed"], [one["submission"] for one in told["lost"]]) == ([gone], [later])

    with serving(world):
        # An honest restore is no rollback: the agency that saw more than the backup knows finds the log continued.
        watched = agency("watch", "--home", world.home(CLEVELAND))
        assert watched.code == 0, watched
        raw = Raw(world, CLEVELAND)
        assert raw.state(gone)["state"] == "disposed"
        assert raw.state(kept)["state"] == "held"
        lost = document_of(raw.call("GET", f"/v1/submissions/{later}"))
        assert (lost["status"], lost["code"], lost["remedy"]) == (410, "push-again", "Push the extract again.")
        again = raw.sent(raw.sealed(small(tmp_path, CLEVELAND, "crimes", MONTHS[2], ROWS, first=2 * ROWS)))
        assert raw.decided(again)["state"] == "held"
        with pytest.raises(Misconfigured, match="Stop"):
            world.exchange("restore", "--replay")
    assert not (hub / "objects" / mine[0][:2] / mine[0]).exists()
    assert "The log holds" in world.exchange("log", "verify")
    key = json.loads(world.exchange("--json", "backup", "--verify", copy))["key"]
    world.exchange("backup", "--verify", copy, "--key", key)
    with pytest.raises(Misconfigured, match="a database already"):
        world.exchange("restore", copy)
