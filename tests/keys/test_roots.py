"""Every provider of root keys keeps one contract, each against the real thing: a credential, a key service, a hardware module."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from keys.errors import BadFormat, KeyDestroyed, KeyExists, KeystoreUnreadable
from keys.hardware import HardwareRoots
from keys.keystore import SealedFileKeystore
from keys.places import FILE
from keys.providers import CredentialFileRoots, RootProvider
from keys.transit import TransitRoots
from tests.keys.services import KeyService, Token, hardware, key_service

PROVIDERS = ("file", "transit", "pkcs11")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyService]:
    with key_service(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(scope="module")
def token() -> Token:
    return hardware()


@dataclass(frozen=True)
class Made:
    """A provider on a folder, and how to make it again on another."""

    folder: Path
    on: Callable[[Path], RootProvider]

    @property
    def roots(self) -> RootProvider:
        return self.on(self.folder)


@pytest.fixture(params=PROVIDERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    match request.param:
        case "transit":
            service: KeyService = request.getfixturevalue("service")
            return Made(tmp_path / "roots", lambda folder: TransitRoots(folder, service.address, service.token_file))
        case "pkcs11":
            token: Token = request.getfixturevalue("token")
            return Made(tmp_path / "roots", lambda folder: HardwareRoots(folder, token.module, token.label, token.pin_file))
        case _:
            credential = tmp_path / "credential"
            credential.write_bytes(os.urandom(32))
            credential.chmod(0o600)
            return Made(tmp_path / "roots", lambda folder: CredentialFileRoots(folder, credential))


def test_a_root_comes_back_and_is_erased_for_ever(made: Made) -> None:
    roots = made.roots
    assert roots.ids() == []
    (one, key), (other, another) = roots.create(), roots.create()
    assert len(key) == len(another) == 32
    assert key != another
    assert roots.ids() == sorted([one, other])
    assert (made.roots.get(one), made.roots.get(other)) == (key, another)
    for path in made.folder.iterdir():
        assert key not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    for _ in range(2):  # once more does nothing
        roots.erase(one)
        with pytest.raises(KeystoreUnreadable, match="not there"):
            roots.get(one)
    assert (roots.ids(), roots.get(other)) == ([other], another)


def test_a_wrapped_root_is_bound_to_its_id(made: Made) -> None:
    roots = made.roots
    (one, _), (other, _) = roots.create(), roots.create()
    (made.folder / f"root-{one}").write_bytes((made.folder / f"root-{other}").read_bytes())
    with pytest.raises(KeystoreUnreadable):
        roots.get(one)
    for bad in (b"", b"x" * 40, b"vault:v1:AAAA"):
        (made.folder / f"root-{other}").write_bytes(bad)
        with pytest.raises(KeystoreUnreadable):
            roots.get(other)
    with pytest.raises(KeystoreUnreadable, match="not a root key id"):
        roots.get("../credential")


def test_a_keystore_on_it_destroys_for_ever(made: Made, tmp_path: Path) -> None:
    store = SealedFileKeystore.initialise(tmp_path / "store", made.roots)
    key = store.create("submission/1")
    kept = (tmp_path / "store" / FILE).read_bytes()
    store.destroy("submission/1")
    again = SealedFileKeystore(tmp_path / "store", made.roots)
    assert again.destroyed("submission/1")
    with pytest.raises(KeyDestroyed):
        again.get("submission/1")
    assert len(made.roots.ids()) == 1
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / FILE).write_bytes(kept)
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(tmp_path / "old", made.roots)
    assert key not in (tmp_path / "store" / FILE).read_bytes()
    with pytest.raises(KeyExists):
        SealedFileKeystore.initialise(tmp_path / "third", made.roots)


@pytest.mark.parametrize("made", ["transit", "pkcs11"], indirect=True)
def test_a_copy_of_the_roots_folder_is_worth_nothing_once_they_are_erased(made: Made, tmp_path: Path) -> None:
    store = SealedFileKeystore.initialise(tmp_path / "store", made.roots)
    store.create("submission/1")
    shutil.copytree(made.folder, tmp_path / "roots copied")
    shutil.copytree(tmp_path / "store", tmp_path / "store copied")
    SealedFileKeystore(tmp_path / "store copied", made.on(tmp_path / "roots copied"))  # as yet they open
    store.destroy("submission/1")
    with pytest.raises(KeystoreUnreadable):
        SealedFileKeystore(tmp_path / "store copied", made.on(tmp_path / "roots copied"))


def test_another_provider_takes_over(made: Made, tmp_path: Path) -> None:
    store = SealedFileKeystore.initialise(tmp_path / "store", made.roots)
    key = store.create("a")
    store.destroy("b")
    credential = tmp_path / "another credential"
    credential.write_bytes(os.urandom(32))
    credential.chmod(0o600)
    later = CredentialFileRoots(made.folder, credential)
    for folder in (made.folder, tmp_path / "elsewhere"):  # in the same folder as well as in another
        later = CredentialFileRoots(folder, credential)
        store.reseal(later)
        again = SealedFileKeystore(tmp_path / "store", later)
        assert (again.get("a"), again.destroyed("b"), len(later.ids())) == (key, True, 1)
        with pytest.raises(KeystoreUnreadable):
            SealedFileKeystore(tmp_path / "store", made.roots)
    store.destroy("a")
    assert SealedFileKeystore(tmp_path / "store", later).tombstones() == ["a", "b"]


def test_the_service_holds_one_key_a_root_and_the_hub_can_do_no_more(service: KeyService, tmp_path: Path) -> None:
    before = set(service.root_keys())
    roots = TransitRoots(tmp_path / "roots", service.address, service.token_file)
    root, _ = roots.create()
    assert set(service.root_keys()) - before == {f"lcjp-root-{root}"}
    about = service.ask("GET", f"transit/keys/lcjp-root-{root}").json()["data"]
    assert (about["exportable"], about["deletion_allowed"], about["allow_plaintext_backup"]) == (False, False, False)
    roots.erase(root)
    assert set(service.root_keys()) == before
    elsewhere = TransitRoots(tmp_path / "roots", service.address, service.token_file, prefix="another-hub")
    with pytest.raises(KeystoreUnreadable, match="status 403"):
        elsewhere.create()
    assert elsewhere.ids() == []


def test_a_service_that_does_not_answer(service: KeyService, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(service.new_token())
    token.chmod(0o600)
    store = SealedFileKeystore.initialise(tmp_path / "store", TransitRoots(tmp_path / "roots", service.address, token))
    key = store.create("a")
    assert service.ask("POST", "auth/token/revoke", {"token": token.read_text()}).status_code == 204
    assert store.get("a") == key  # what is open stays open
    with pytest.raises(KeystoreUnreadable, match="403"):
        store.destroy("a")
    assert not store.destroyed("a")
    with pytest.raises(KeystoreUnreadable):
        store.create("b")
    token.write_text(service.new_token())  # an agent renews it
    store.destroy("a")
    assert store.destroyed("a")
    for address, reason in (("http://127.0.0.1:9", "cannot be reached"), (service.address + "/no", "status 404")):
        with pytest.raises(KeystoreUnreadable, match=reason):
            SealedFileKeystore(tmp_path / "store", TransitRoots(tmp_path / "roots", address, token))
    with pytest.raises(BadFormat, match="https"):
        TransitRoots(tmp_path / "roots", "http://keys.example", token)
    for mode, content, reason in ((0o644, "x", "readable by everyone"), (0o600, "", "holds none"), (0o600, "a\nb", "holds none")):
        token.write_text(content)
        token.chmod(mode)
        with pytest.raises(KeystoreUnreadable, match=reason):
            TransitRoots(tmp_path / "roots", service.address, token).create()


def test_keys_in_the_module_cannot_be_taken_out(token: Token, tmp_path: Path) -> None:
    roots = HardwareRoots(tmp_path / "roots", token.module, token.label, token.pin_file)
    root, key = roots.create()
    pin = token.pin_file.read_text().strip()
    with pkcs11.lib(str(token.module)).get_token(token_label=token.label).open(user_pin=pin) as session:
        (found,) = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: f"lcjp-root-{root}"})
        assert (found[Attribute.SENSITIVE], found[Attribute.EXTRACTABLE]) == (True, False)
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            found[Attribute.VALUE]
    assert HardwareRoots(tmp_path / "roots", token.module, token.label, token.pin_file).get(root) == key


def test_a_module_that_refuses(token: Token, tmp_path: Path) -> None:
    wrong = tmp_path / "pin"
    wrong.write_text("0000")
    wrong.chmod(0o600)
    for made in (
        HardwareRoots(tmp_path / "roots", token.module, token.label, wrong),
        HardwareRoots(tmp_path / "roots", token.module, "no such token", token.pin_file),
        HardwareRoots(tmp_path / "roots", tmp_path / "none.so", token.label, token.pin_file),
        HardwareRoots(tmp_path / "roots", token.module, token.label, tmp_path / "no pin"),
    ):
        with pytest.raises(KeystoreUnreadable):
            made.create()
    wrong.chmod(0o644)
    with pytest.raises(KeystoreUnreadable, match="readable by everyone"):
        HardwareRoots(tmp_path / "roots", token.module, token.label, wrong).create()


def test_a_module_opened_before_a_fork_works_after_it(token: Token, tmp_path: Path) -> None:
    """As `exchange serve` does: the keystore is opened, then the web processes are made."""
    program = (
        "import os, sys\n"
        "from keys.hardware import HardwareRoots\n"
        "from keys.keystore import SealedFileKeystore\n"
        "store = SealedFileKeystore.initialise(sys.argv[1], HardwareRoots(*sys.argv[2:]))\n"
        "store.create('a')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    store.destroy('a')\n"
        "    os._exit(0 if store.destroyed('a') else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or (0 if store.destroyed('a') else 2))\n"
    )
    where = [str(tmp_path / "store"), str(tmp_path / "roots"), str(token.module), token.label, str(token.pin_file)]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, *where], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
