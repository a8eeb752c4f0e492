"""A log lost for good: another is believed only where it goes on from what was seen here, and with every party's signature."""

import copy
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapters.agency.witness import Witness
from keys.checkpoint import Checkpoint, sign_checkpoint
from keys.encoding import canonical
from keys.formats import Succession
from keys.merkle import root
from keys.sign import SigningKey, Use, sign_document
from keys.succession import bundle
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.partnership import SUPPLIERS, Partnership
from tests.adapters.standin import StandIn

CLEVELAND, DURHAM = SUPPLIERS
NEW = "log.hub.example/2"
PARTIES = (*SUPPLIERS, "lcjp-operator")


def note_of(hub: StandIn, partnership: Partnership, origin: str, key: SigningKey | None = None) -> str:
    head = Checkpoint(origin, hub.log.size, root(hub.log.size, hub.log.get))
    return sign_checkpoint(head, key or partnership.signing("lcjp-operator/log"))


def lose(hub: StandIn, entries: int) -> None:
    """The newest entries are gone, and another log goes on with what is left."""
    hub.log = copy.deepcopy(hub.log)
    hub.log.size -= entries
    hub.origin = NEW
    hub.cosigned.clear()


def signed(folder: Path, partnership: Partnership, ended: str, begins: str, parties: Iterable[str] = PARTIES) -> Path:
    document = Succession(1, ended, begins, "Disk and second store burnt.", "2026-11-22T09:30:00Z").document()
    path = folder / "succession.json"
    said = [sign_document(document, Use.LOG_SUCCESSION, partnership.signing(f"{party}/signatory")) for party in parties]
    path.write_bytes(canonical(bundle(said)))
    return path


@pytest.fixture
def lost(cleveland: Desk, durham: Desk, hub: StandIn, partnership: Partnership) -> str:
    """Both saw three entries more than there are now; what Durham last cosigned."""
    for number in range(3):
        hub.log.append(f"{number}".encode())
    assert cleveland("watch").code == durham("watch").code == 0
    ended = (durham.home / "cosigned.txt").read_text()
    lose(hub, 2)
    return ended


def test_accepted_with_every_signature_from_exactly_what_was_seen(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path
) -> None:
    strange = hub.note(CLEVELAND, "submission opened", upload="f" * 32)  # a number that was read before, in the log that was lost
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW))
    hub.log.append(b"the new log has begun")
    assert cleveland("watch").code == 10
    answer = cleveland("watch", "--succession", path)
    assert answer.code == 10  # the succession is accepted, and what the new log says in our name is read from its beginning
    assert f"Log entry {strange}, in our name" in answer.err
    assert "goes on in place" in answer.err
    assert cleveland("watch", "--know", "f" * 32).code == 0
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    assert list(cleveland.home.glob("succession-*.json"))
    assert cleveland("watch", "--succession", path).code == 2  # accepted already


def test_accepted_from_a_later_head_that_a_witness_cosigned(
    cleveland: Desk, durham: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path
) -> None:
    for number in range(3):
        hub.log.append(f"before {number}".encode())
    assert cleveland("watch").code == 0
    for number in range(4):
        hub.log.append(f"{number}".encode())
    assert durham("watch").code == 0
    ended = (durham.home / "cosigned.txt").read_text()
    bare = ended.partition("— log.hub.example/witness")[0]
    lose(hub, 5)  # even some that Cleveland saw
    begins = note_of(hub, partnership, NEW)
    assert cleveland("watch", "--succession", signed(tmp_path, partnership, bare, begins)).code == 10  # nobody witnessed it
    assert cleveland("watch", "--succession", signed(tmp_path, partnership, ended, begins)).code == 0


def test_accepted_where_the_new_log_begins_with_all_that_was_seen_here(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path
) -> None:
    """Only others saw what was lost; here nothing is, and that is proved."""
    for name in ("checkpoint.json", "witnesses.json"):
        (cleveland.home / name).unlink()
    hub.origin = "log.hub.example"
    assert cleveland("watch").code == 0
    hub.log.append(b"before anybody noticed")
    hub.origin = NEW
    bare = lost.partition("— log.hub.example/witness")[0]
    path = signed(tmp_path, partnership, bare, note_of(hub, partnership, NEW))
    assert cleveland("watch", "--succession", path).code == 0


@pytest.mark.parametrize("missing", PARTIES)
def test_refused_while_a_party_has_not_signed(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path, missing: str
) -> None:
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW), [one for one in PARTIES if one != missing])
    answer = cleveland("watch", "--succession", path)
    assert (answer.code, missing in answer.err) == (5, True)
    assert cleveland("watch").code == 10


def test_refused_where_it_forgets_what_was_seen(cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path) -> None:
    log, begins = partnership.signing("lcjp-operator/log"), note_of(hub, partnership, NEW)
    size = int(lost.split("\n")[1])
    for head in (
        Checkpoint("log.hub.example", size - 1, bytes(32)),
        Checkpoint("log.hub.example", size, bytes(32)),
        Checkpoint("log.hub.example", size + 1, bytes(32)),
        Checkpoint("another.log", size, bytes(32)),
    ):
        answer = cleveland("watch", "--succession", signed(tmp_path, partnership, sign_checkpoint(head, log), begins))
        assert (answer.code, "does not go on from" in answer.err) == (10, True), head
    assert cleveland("watch").code == 10


def test_refused_where_another_witness_saw_more(
    cleveland: Desk, durham: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path
) -> None:
    for number in range(3):
        hub.log.append(f"before {number}".encode())
    assert cleveland("watch").code == 0
    ended = (cleveland.home / "cosigned.txt").read_text()
    hub.log.append(b"more")
    assert durham("watch").code == 0
    hub.log.size -= 1
    assert cleveland("watch", "--witness", durham.home / "cosigned.txt").code == 10
    hub.log.append(b"something else")
    lose(hub, 2)
    path = signed(tmp_path, partnership, ended, note_of(hub, partnership, NEW))
    answer = cleveland("watch", "--succession", path)
    assert (answer.code, f"{DURHAM} cosigned more" in answer.err) == (10, True), answer


def test_refused_where_the_hub_shows_yet_another_log(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path
) -> None:
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW))
    kept = hub.log
    hub.origin = "log.hub.example"  # not begun
    assert "not the one that the succession names" in cleveland("watch", "--succession", path).err
    hub.origin, hub.log = NEW, copy.deepcopy(kept)
    hub.log.size -= 1
    hub.log.append(b"something else")
    answer = cleveland("watch", "--succession", path)
    assert (answer.code, "not the one that the succession names" in answer.err) == (10, True)
    hub.log = kept
    assert cleveland("watch", "--succession", path).code == 0


def test_refused_where_it_is_none(cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path) -> None:
    begins = note_of(hub, partnership, NEW)
    good = json.loads(signed(tmp_path, partnership, lost, begins).read_text())
    forged = note_of(hub, partnership, NEW, SigningKey.generate())
    other = json.loads(signed(tmp_path, partnership, lost, note_of(hub, partnership, "a/third")).read_text())
    spoilt: list[Any] = [
        {},
        [],
        {**good, "format": "another"},
        {**good, "signatures": [*good["signatures"], *other["signatures"]]},
        {**good, "document": {**good["document"], "reason": "Another."}},
        {**good, "signatures": [{}]},
        json.loads(signed(tmp_path, partnership, lost, forged).read_text()),
        json.loads(signed(tmp_path, partnership, lost, note_of(hub, partnership, "log.hub.example")).read_text()),
    ]
    path = tmp_path / "spoilt.json"
    for one in spoilt:
        path.write_text(json.dumps(one))
        assert cleveland("watch", "--succession", path).code == 2, one
    assert cleveland("watch", "--succession", tmp_path / "none.json").code == 2
    (cleveland.home / "checkpoint.json").unlink()
    path.write_text(json.dumps(good))
    assert cleveland("watch", "--succession", path).code == 2  # nothing was witnessed here


def test_after_it_a_note_of_the_lost_log_stops_nobody_and_its_name_does_not_come_back(
    cleveland: Desk, durham: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path
) -> None:
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW))
    assert cleveland("watch", "--succession", path).code == 0
    note = tmp_path / "durham.txt"
    note.write_text(lost)
    hub.cosigned[DURHAM] = lost  # a restored hub may bring it back
    for arguments in ((), ("--witness", note)):
        answer = cleveland("watch", "--json", *arguments)
        assert answer.code == 0, answer
        assert "lost and succeeded" in " ".join(answer.json["warnings"])
    hub.cosigned.clear()
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0

    ended = (cleveland.home / "cosigned.txt").read_text()
    hub.log.size -= 1
    hub.origin = "log.hub.example"
    back = signed(tmp_path, partnership, ended, note_of(hub, partnership, "log.hub.example"))
    answer = cleveland("watch", "--succession", back)
    assert (answer.code, "the name of a log that was lost before" in answer.err) == (10, True)


def test_a_crash_while_accepting_leaves_no_entry_unread(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = hub.note(CLEVELAND, "submission opened", upload="f" * 32)  # a number that was read before, in the log that was lost
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW))
    keep = Witness.keep

    def died(self: Witness, *arguments: Any) -> None:
        keep(self, *arguments)
        raise OSError(5, "died")

    with monkeypatch.context() as patch:
        patch.setattr(Witness, "keep", died)
        assert cleveland("watch", "--succession", path).code != 0
    answer = cleveland("watch")
    assert (answer.code, f"Log entry {strange}, in our name" in answer.err) == (10, True), answer


def test_refused_where_no_agreement_says_who_must_sign(
    cleveland: Desk, hub: StandIn, partnership: Partnership, lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that calls an agreement in force that has expired: without a binding one, no signature would be asked for."""
    path = signed(tmp_path, partnership, lost, note_of(hub, partnership, NEW), PARTIES[:1])
    monkeypatch.setattr("adapters.agency.succession.today", lambda _: date(2999, 1, 1))
    answer = cleveland("watch", "--succession", path)
    assert (answer.code, "binds its parties" in answer.err) == (5, True), answer
