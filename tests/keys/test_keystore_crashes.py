"""Killed at any moment, the keystore loses no live key, and no copy of it gives back a destroyed one."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keys.errors import KeyDestroyed, KeyExists, KeystoreUnreadable, UnknownKey
from keys.keystore import SealedFileKeystore
from tests.keys.shared import PROJECT
from tests.keys.stores import Place, opens


def command(place: Place, *words: str) -> list[str]:
    roots = place.folder.parent / "roots"
    credential = place.folder.parent / "credential"
    return [sys.executable, "-m", "tests.keys.crashing", str(place.folder), str(roots), str(credential), *words]


def run(place: Place, step: int, verb: str, name: str) -> bool:
    """Whether the process came to its end; False if it was killed at that step."""
    done = subprocess.run(command(place, str(step), verb, name), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode == 0


def check_old_copies(place: Place, copies: list[bytes], store: SealedFileKeystore) -> None:
    """The file of any earlier moment, with the roots there are now, holds nothing that was destroyed."""
    assert len(place.roots.ids()) == 1
    for copy in copies:
        found = opens(copy, place.roots)
        assert found is None or not found.keys.keys() & set(store.tombstones())


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_moment(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    live: dict[str, str] = {}
    gone: set[str] = set()
    copies: list[bytes] = []
    with subprocess.Popen(command(place, "loop"), cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        deadline = time.monotonic() + chance.uniform(0.05, 0.3)
        while time.monotonic() < deadline:
            copies.append(place.file.read_bytes())
            time.sleep(0.005)
        process.kill()
        said = [first, *process.stdout.readlines()]
    unsure: set[str] = set()
    for line in said:
        word, name, *material = line.split()
        if word == "created":
            live[name] = material[0]
        elif word == "destroyed":
            gone.add(name)
            del live[name]
        unsure = {name} if word in {"creating", "destroying"} else set()
    store = place.open()
    assert gone <= set(store.tombstones()) <= gone | unsure
    assert live.keys() - unsure <= set(store.names()) <= live.keys() | unsure
    assert all(store.get(name).hex() == live[name] for name in live.keys() & set(store.names()))
    check_old_copies(place, copies, store)
    for name in gone:
        with pytest.raises(KeyDestroyed):
            store.get(name)
    store.create("and it goes on")


def test_killed_before_each_step_of_a_destruction(place: Place, tmp_path: Path) -> None:
    keys = {name: place.open().create(name) for name in ("kept", "gone")}
    saved = tmp_path / "saved"
    shutil.copytree(tmp_path / "store", saved / "store")
    shutil.copytree(tmp_path / "roots", saved / "roots")
    before = place.file.read_bytes()
    outcomes = []
    for step in range(1, 100):
        for name in ("store", "roots"):
            shutil.rmtree(tmp_path / name)
            shutil.copytree(saved / name, tmp_path / name)
        finished = run(place, step, "destroy", "gone")
        store = place.open()
        assert store.get("kept") == keys["kept"]
        outcomes.append(store.destroyed("gone"))
        if not store.destroyed("gone"):
            assert store.get("gone") == keys["gone"]
        check_old_copies(place, [before], store)
        store.destroy("gone")
        assert opens(before, place.roots) is None
        assert not list(tmp_path.glob("*/.writing-*"))
        if finished:
            break
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert len(outcomes) > 8
    assert outcomes == sorted(outcomes), "once destroyed, no later step brings it back"


def test_killed_before_each_step_of_a_creation(place: Place) -> None:
    kept = place.open().create("kept")
    for step in range(1, 100):
        finished = run(place, step, "create", f"new {step}")
        store = place.open()
        assert store.get("kept") == kept
        if finished:
            assert len(store.get(f"new {step}")) == 32
            break
        try:
            assert len(store.get(f"new {step}")) == 32
        except UnknownKey:
            store.create(f"new {step}")
    else:
        pytest.fail("it never came to its end")


def test_killed_while_it_recovers(place: Place) -> None:
    kept = place.open().create("kept")
    for step in range(1, 100):
        place.roots.create()  # as left by a destruction that was killed before its file was written
        finished = run(place, step, "open", "-")
        assert place.open().get("kept") == kept
        assert len(place.roots.ids()) == 1
        if finished:
            break
    else:
        pytest.fail("it never came to its end")


def test_killed_while_it_is_first_made(place: Place, tmp_path: Path) -> None:
    for step in range(1, 100):
        for name in ("store", "roots"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        if run(place, step, "initialise", "-"):
            break
        try:
            place.open().create("a")
        except KeystoreUnreadable:  # not made: the folders are empty or hold nothing yet, and the operator starts again
            if place.roots.ids() or place.file.exists():
                with pytest.raises(KeyExists):
                    SealedFileKeystore.initialise(place.folder, place.roots)
    place.open().create("a")
