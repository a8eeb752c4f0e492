"""The keystore: what it keeps, what it refuses, and that what is destroyed stays destroyed."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from keys.errors import BadFormat, CannotOpen, KeyDestroyed, KeyExists, KeystoreUnreadable, UnknownKey
from keys.generation import Generation
from keys.keystore import Keystore, SealedFileKeystore
from keys.providers import CredentialFileRoots
from tests.keys.stores import Place, opens


def test_keys_live_on_in_another_process(place: Place) -> None:
    store: Keystore = place.open()
    made = store.create("submission/1")
    store.put("hub/identity", b"seed")
    assert len(made) == 32
    again = place.open()
    assert (again.get("submission/1"), again.get("hub/identity")) == (made, b"seed")
    assert again.names() == ["hub/identity", "submission/1"]
    assert again.names("sub") == ["submission/1"]
    assert again.get_or_create("submission/1") == made
    assert again.get_or_create("rekey") == store.get("rekey")


def test_two_open_keystores_see_each_others_changes(place: Place) -> None:
    one, other = place.open(), place.open()
    key = one.create("a")
    assert other.get("a") == key
    other.destroy("a")
    assert one.destroyed("a")
    with pytest.raises(KeyDestroyed):
        one.get("a")


def test_names_are_used_once(place: Place) -> None:
    store = place.open()
    store.create("a")
    for again in (lambda: store.create("a"), lambda: store.put("a", b"x")):
        with pytest.raises(KeyExists):
            again()
    store.destroy("a")
    for use in (store.create, store.get, store.get_or_create, lambda name: store.wrap(name, bytes(32)), lambda name: store.put(name, b"x")):
        with pytest.raises(KeyDestroyed):
            use("a")
    with pytest.raises(UnknownKey):
        store.get("b")
    assert store.names() == []


def test_destroying_leaves_a_tombstone_and_may_be_repeated(place: Place) -> None:
    store = place.open()
    store.create("a")
    assert not store.destroyed("a")
    for _ in range(2):
        store.destroy("a")
        store.destroy("never there")
    assert store.tombstones() == ["a", "never there"]
    assert place.open().tombstones("n") == ["never there"]


def test_wrapping(place: Place) -> None:
    store = place.open()
    store.create("a")
    store.create("b")
    store.put("short", b"x")
    wrapped = store.wrap("a", bytes(range(32)))
    assert len(wrapped) == 40
    assert store.unwrap("a", wrapped) == bytes(range(32))
    for name, bad in (("b", wrapped), ("a", wrapped[:-1]), ("a", b""), ("a", bytes([wrapped[0] ^ 1]) + wrapped[1:])):
        with pytest.raises(CannotOpen):
            store.unwrap(name, bad)
    for name, key in (("a", bytes(31)), ("short", bytes(32))):
        with pytest.raises(BadFormat):
            store.wrap(name, key)


@pytest.mark.parametrize("name", ["", "x" * 256, "a\nb", "a\0"])
def test_names_and_material_have_their_form(place: Place, name: str) -> None:
    store = place.open()
    with pytest.raises(BadFormat):
        store.create(name)
    with pytest.raises(BadFormat):
        store.destroy(name)
    for material in (b"", bytes(65_537)):
        with pytest.raises(BadFormat):
            store.put("a", material)


def test_an_old_copy_does_not_open_once_anything_was_destroyed(place: Place) -> None:
    store = place.open()
    store.create("kept")
    key = store.create("gone")
    old = place.file.read_bytes()
    found = opens(old, place.roots)
    assert found is not None
    assert found.keys["gone"] == key
    roots = place.roots.ids()
    store.destroy("gone")
    assert place.roots.ids() != roots
    assert len(place.roots.ids()) == 1
    assert opens(old, place.roots) is None
    place.file.write_bytes(old)
    with pytest.raises(KeystoreUnreadable):
        place.open()
    with pytest.raises(KeystoreUnreadable):
        store.get("kept")
    assert len(place.roots.ids()) == 1, "a keystore that cannot be read costs no root"


def test_an_older_copy_under_the_same_root_is_noticed_by_who_saw_the_newer(place: Place) -> None:
    store = place.open()
    old = place.file.read_bytes()
    store.create("a")
    place.file.write_bytes(old)
    with pytest.raises(KeystoreUnreadable, match="older"):
        store.get("a")


def test_every_altered_byte_is_refused(place: Place) -> None:
    place.open().create("a")
    sealed = place.file.read_bytes()
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        place.file.write_bytes(altered)
        with pytest.raises(KeystoreUnreadable):
            place.open()
    for cut in (b"", sealed[:20], sealed[:-1]):
        place.file.write_bytes(cut)
        with pytest.raises(KeystoreUnreadable):
            place.open()
    place.file.write_bytes(sealed)
    assert place.open().names() == ["a"]


def test_nothing_is_ever_made_unasked(place: Place, tmp_path: Path) -> None:
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(tmp_path / "elsewhere", place.roots)
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(KeyExists):
        SealedFileKeystore.initialise(place.folder, place.roots)
    with pytest.raises(KeyExists):
        SealedFileKeystore.initialise(tmp_path / "second", place.roots)
    place.file.unlink()
    with pytest.raises(KeystoreUnreadable):
        place.open()
    with pytest.raises(KeyExists):
        SealedFileKeystore.initialise(place.folder, place.roots)
    assert len(place.roots.ids()) == 1


def test_only_this_credential_opens_the_roots(place: Place, tmp_path: Path) -> None:
    credential = tmp_path / "credential"
    for data, mode in ((os.urandom(32), 0o600), (b"short", 0o600), (credential.read_bytes(), 0o604)):
        other = tmp_path / "other"
        other.unlink(missing_ok=True)
        other.write_bytes(data)
        other.chmod(mode)
        with pytest.raises(KeystoreUnreadable):
            SealedFileKeystore(place.folder, CredentialFileRoots(tmp_path / "roots", other))
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(place.folder, CredentialFileRoots(tmp_path / "roots", tmp_path / "missing"))
    (root,) = (tmp_path / "roots").iterdir()
    shutil.copy(root, root.with_name("root-" + "0" * 32))
    with pytest.raises(KeystoreUnreadable):
        place.roots.get("0" * 32)
    with pytest.raises(KeystoreUnreadable):
        place.roots.get("../store/keystore.sealed")


def test_files_are_private_and_hold_no_key_in_clear(place: Place, tmp_path: Path) -> None:
    key = place.open().create("a")
    assert repr(key) not in repr(Generation.unseal(place.file.read_bytes(), place.roots.get(place.roots.ids()[0])))
    for path in (*place.folder.iterdir(), *(tmp_path / "roots").iterdir()):
        assert path.stat().st_mode & 0o077 == 0
        assert key not in path.read_bytes()


def test_threads_share_a_keystore(place: Place) -> None:
    stores = [place.open(), place.open()]

    def work(number: int) -> None:
        store = stores[number % 2]
        store.create(f"{number}")
        store.get_or_create("shared")
        if number % 3 == 0:
            store.destroy(f"{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = place.open()
    assert set(store.names()) == {"shared", *(str(number) for number in range(12) if number % 3)}
    assert len(store.tombstones()) == 4
    assert len(place.roots.ids()) == 1
