"""Private key files: private, never overwritten, strict to read."""

import json
from pathlib import Path

import pytest

from keys.errors import BadFormat, KeyExists, KeystoreUnreadable, UnknownKey
from keys.keyfile import read_keyfile, write_keyfile
from keys.seal import EncryptionKey
from keys.sign import SigningKey


@pytest.mark.parametrize("key", [SigningKey.generate(), EncryptionKey.generate()], ids=["signing", "encryption"])
def test_a_key_comes_back_and_its_card_is_public(tmp_path: Path, key: SigningKey | EncryptionKey) -> None:
    path = tmp_path / "key.json"
    write_keyfile(path, key, owner="durham-police", role="manifest")
    found = read_keyfile(path)
    assert (found.owner, found.role, path.stat().st_mode & 0o777) == ("durham-police", "manifest", 0o600)
    card = found.card()
    assert found.fingerprint == card.fingerprint
    private = json.loads(path.read_text())["private"]
    assert private not in json.dumps(card.document())
    assert private not in repr(found)
    if isinstance(key, SigningKey):
        assert found.signing.seed == key.seed
        with pytest.raises(BadFormat):
            _ = found.encryption
    else:
        assert found.encryption.private == key.private
        with pytest.raises(BadFormat):
            _ = found.signing


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    write_keyfile(path, SigningKey.generate(), owner="a", role="b")
    before = path.read_bytes()
    with pytest.raises(KeyExists):
        write_keyfile(path, SigningKey.generate(), owner="a", role="b")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.json"
    write_keyfile(path, SigningKey.generate(), owner="a", role="b")
    path.chmod(mode)
    with pytest.raises(KeystoreUnreadable):
        read_keyfile(path)


def test_what_is_no_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    with pytest.raises(UnknownKey):
        read_keyfile(path)
    good = {"kind": "ed25519", "owner": "a", "role": "b", "private": "A" * 43}
    for bad in (b"", b"{}", b"\xff", *(json.dumps({**good, **change}).encode() for change in (
        {"kind": "rsa"}, {"kind": "passkey"}, {"private": "A" * 42}, {"private": ""}, {"private": "AAAA"}, {"kind": "xwing"}, {"owner": ""}, {"more": 1},
    ))):  # fmt: skip
        path.write_bytes(bad)
        path.chmod(0o600)
        with pytest.raises(BadFormat) as refused:
            read_keyfile(path)
        assert "AAA" not in str(refused.value)
    path.write_text(json.dumps(good))
    assert read_keyfile(path).owner == "a"
