"""The lives of the hub's own keys: an overlap in which each version has the keys it names, an end when nothing names them, others replaced at once."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from agreements.document import read
from agreements.model import Agreement
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Conflict, Misconfigured, NotFound
from exchange.keyring import USES, Keyring, make_next, number_of, signing_name
from exchange.register import hub_keys, partners
from exchange.submissions import retention
from keys.checkpoint import verify_checkpoint
from keys.errors import BadSignature
from keys.formats import Receipt, SealingKeyNotice
from keys.sign import SigningKey, Use, VerifyKey, verify_document
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, REFERENCE, World, crimes, problem
from tests.exchange.test_endings import agree


def rotate(world: World, use: str) -> str:
    """A second key of a use; its fingerprint."""
    with writing(world.hub.engine) as session:
        return hub_keys.make(session, world.hub.keyring, use, world.clock()).fingerprint


def renamed(world: World, changes: dict[str, str]) -> Agreement:
    """Version 2, naming other keys of the hub."""
    text = world.words(version="2")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return read(text)


def destroy(world: World, fingerprint: str, kept: frozenset[str] = frozenset()) -> None:
    with writing(world.hub.engine) as session:
        hub_keys.destroy(session, world.hub.keyring, fingerprint, kept, "replaced", world.clock())


def test_each_version_has_the_keys_it_names(world: World) -> None:
    before = {use: world.hub.keyring.signing(use).public.fingerprint for use in USES}
    after = {use: rotate(world, use) for use in USES}
    first = world.hold()
    assert first_receipt(world, first.id)["key"] == before["receipts"]  # nothing names the new one yet
    second = agree(world, renamed(world, {before[use]: after[use] for use in USES}))

    notice = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()["sealing_key"]
    SealingKeyNotice.parse(verify_document(notice, Use.SEALING_KEY, after["identity"]))
    later = world.hold([crimes(4)], about=second, after=first.id)
    Receipt.parse(verify_document(first_receipt(world, later.id), Use.RECEIPT, after["receipts"]))
    with pytest.raises(BadSignature):
        verify_document(first_receipt(world, later.id), Use.RECEIPT, before["receipts"])
    note = world.call("get", "/v1/log/checkpoint", CLEVELAND).text
    for key in world.hub.keyring.every("log"):
        verify_checkpoint(note, "lcjp-exchange/test", key.public)
    with pytest.raises(BadSignature):
        verify_checkpoint(note, "lcjp-exchange/test", SigningKey.generate().public)
    certificate = retention.dispose(world.hub.engine, world.hub.keyring, world.hub.places, first.id, world.clock())
    verify_document(certificate, Use.CERTIFICATE, before["receipts"])  # what was agreed under the first version is certified under it


def first_receipt(world: World, submission: str) -> dict[str, object]:
    found = world.row(submission).receipt
    assert found is not None
    return found


def test_a_key_ends_when_nothing_names_it(world: World) -> None:
    ring = world.hub.keyring
    old = ring.signing("receipts").public.fingerprint
    with pytest.raises(Conflict, match=f"{REFERENCE} version 1"):
        destroy(world, old)
    new = rotate(world, "receipts")
    held = world.hold()
    receipt = first_receipt(world, held.id)
    second = agree(world, renamed(world, {old: new}))
    with pytest.raises(Conflict, match="version 1"):  # something is still held under it
        destroy(world, old, frozenset({world.agreement.digest}))
    assert [one.named_by for one in listed(world) if one.use == "receipts"] == [(), (f"{REFERENCE} version 2",)]
    destroy(world, old)
    assert [key.public.fingerprint for key in ring.every("receipts")] == [new] == [ring.signing("receipts").public.fingerprint]
    Receipt.parse(verify_document(receipt, Use.RECEIPT, old))  # old receipts verify for ever
    with pytest.raises(Misconfigured, match=r"does not hold the receipts key that LCJP-MV7 version 1 names"):
        ring.signing_for("receipts", world.agreement)
    assert ring.signing_for("receipts", second).public.fingerprint == new
    for wrong in (old, VerifyKey(ring.signing("log").public.raw).fingerprint[:-1]):
        with pytest.raises(NotFound):
            destroy(world, wrong)
    make_next(ring.store, "receipts")
    assert ring.names("receipts") == ["hub/receipts/2", "hub/receipts/3"]  # the name of the destroyed one is not used again


def listed(world: World) -> list[hub_keys.HubKey]:
    with reading(world.hub.engine) as session:
        return hub_keys.inventory(session, world.hub.keyring)


def test_what_a_renewed_key_vouched_for_counts_no_more(world: World) -> None:
    token = world.token(CLEVELAND)
    headers = {"Authorization": f"Bearer {token}"}
    assert world.call("get", "/v1/agreements", headers=headers).status_code == 200
    with writing(world.hub.engine) as session:
        hub_keys.renew(session, world.hub.keyring.store, "tokens", "lcjp-operator", "leaked", world.clock())
    problem(world.call("get", "/v1/agreements", headers=headers), 401, "bad-token")
    assert world.call("get", "/v1/agreements", CLEVELAND).status_code == 200
    assert Keyring(world.hub.keyring.store).names("tokens") == ["hub/tokens/2"]


def test_a_key_that_goes_while_it_is_looked_for_is_not_missed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store = world.hub.keyring.store
    named, old = store.names, world.hub.keyring.tokens

    def slow(prefix: str = "") -> list[str]:
        found = named(prefix)
        monkeypatch.undo()
        make_next(store, "tokens")  # between the names and the key, another process renews it
        store.destroy(signing_name("tokens"))
        return found

    monkeypatch.setattr(store, "names", slow)
    assert world.hub.keyring.tokens == store.get(signing_name("tokens", 2)) != old


def test_the_keys_of_what_is_still_to_be_certified_stay(world: World, tmp_path: Path) -> None:
    old = world.hub.keyring.signing("receipts").public.fingerprint
    bad = world.prepare([crimes(crime_type="Piracy")])
    world.send(bad)
    assert world.process(bad.id) == "refused"
    new = rotate(world, "receipts")
    agree(world, renamed(world, {old: new}))
    line = ["--config", str(configured(world)), "keys", "destroy", old]
    kept = CliRunner().invoke(cli, line)
    assert isinstance(kept.exception, Conflict), kept.output
    certificate = retention.dispose(world.hub.engine, world.hub.keyring, world.hub.places, bad.id, world.clock())
    verify_document(certificate, Use.CERTIFICATE, old)
    assert CliRunner().invoke(cli, line).exit_code == 0


def test_no_key_is_made_whose_card_cannot_be_written(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for card, kind in ((tmp_path / "file", Misconfigured), (tmp_path / "file" / "card", OSError)):
        done = CliRunner().invoke(cli, ["--config", str(configured(world)), "keys", "rotate", "receipts", "--card", str(card)])
        assert isinstance(done.exception, kind)
    assert len(world.hub.keyring.names("receipts")) == 1


def test_names_have_numbers() -> None:
    for number in (1, 2, 10, 999_999_999):
        assert number_of("log", signing_name("log", number)) == number
    for other in ("hub/log2", "hub/log/0", "hub/log/02", "hub/log/x", "hub/log/2/3", "hub/logs", "hub/logs/2", "log", "hub/log/"):
        assert number_of("log", other) == 0


def test_at_the_command_line(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, ["--config", str(tmp_path / "hub" / "hub.toml"), *words])
        assert done.exit_code == 0, done.output
        return done.output

    CliRunner().invoke(cli, ["init", str(tmp_path / "hub")], catch_exceptions=False)
    assert run("keys", "list").count("named by no version") == len(USES)
    made = run("keys", "rotate", "receipts")
    assert len(list((tmp_path / "hub" / "cards").glob("lcjp-operator-receipts-*.card.json"))) == 1
    assert run("keys", "list").count("receipts") == 2
    old = next(line.split()[1] for line in run("keys", "list").splitlines() if line.startswith("receipts"))
    assert old not in made
    assert "is destroyed" in run("keys", "destroy", old)
    assert "counts no more" in run("keys", "rotate", "web", "--reason", "a person left")
    kept = (tmp_path / "hub" / "keystore" / "keystore.sealed").read_bytes()
    (root,) = (tmp_path / "hub" / "roots").iterdir()
    assert "fresh root" in run("keys", "reseal")
    assert not root.exists()
    assert (tmp_path / "hub" / "keystore" / "keystore.sealed").read_bytes() != kept
    (tmp_path / "other.credential").write_bytes(b"c" * 40)
    (tmp_path / "other.credential").chmod(0o600)
    settings = (
        (tmp_path / "hub" / "hub.toml").read_text().replace('credential = "credential"', f'credential = "{tmp_path}/other.credential"')
    )
    (tmp_path / "hub" / "later.toml").write_text(settings)
    run("keys", "reseal", "--settings", str(tmp_path / "hub" / "later.toml"))
    (tmp_path / "hub" / "credential").unlink()
    (tmp_path / "hub" / "later.toml").replace(tmp_path / "hub" / "hub.toml")
    assert run("log", "verify")


def test_a_revoked_manifest_key_completes_nothing(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.open(pushed)
    world.put(pushed, 1)
    headers = {"Authorization": f"Bearer {world.token(CLEVELAND)}"}  # from before: it still says “supplier”
    with writing(world.hub.engine) as session:
        partners.revoke(session, world.signing(f"{CLEVELAND}/manifest").public.fingerprint, "lost", world.clock())
    problem(world.call("post", f"/v1/submissions/{pushed.id}/complete", headers=headers), 422, "wrong-key")
    problem(world.complete(pushed), 403, "forbidden")  # a new one does not
    assert world.row(pushed.id).state == "open"
