"""Partners as each other's witnesses: one log for all of them, or it is said and nothing is pushed."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from adapters.agency.lock import only_run
from adapters.agency.witness import Witness
from keys.checkpoint import Checkpoint, cosign, sign_checkpoint, witness_name
from keys.merkle import root
from keys.sign import SigningKey
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.intake import Problem
from tests.adapters.partnership import SUPPLIERS, Partnership
from tests.adapters.standin import StandIn

CLEVELAND, DURHAM = SUPPLIERS
PUSH = ("push", "crimes", CRIMES, "--period", "2021-04")
WEEK = 7 * 24 * 3600
NAMED = tuple(f', witness = "@{party}/witness"' for party in SUPPLIERS)


def witnesses(desk: Desk, *arguments: str | Path) -> dict[str, Any]:
    answer = desk("watch", "--json", *arguments)
    assert answer.code == 0, answer
    return {one["party"]: one for one in json.loads(answer.out)["witnesses"]}


def warnings(desk: Desk) -> str:
    return " ".join(json.loads(desk("watch", "--json").out)["warnings"])


def fork(hub: StandIn, cleveland: Desk, durham: Desk, *, theirs: int, ours: int) -> None:
    """Both saw one log; then Durham was shown one that grew by ``theirs``, and now Cleveland another that grew by ``ours``."""
    assert cleveland("watch").code == durham("watch").code == 0
    common = copy.deepcopy(hub.log)
    for _ in range(theirs):
        hub.log.append(b"for Durham")
    assert durham("watch").code == 0
    hub.log = common
    for _ in range(ours):
        hub.log.append(b"for Cleveland")


def test_each_cosigns_and_sees_what_the_other_has_seen(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert witnesses(cleveland) == {}
    hub.log.append(b"something")
    seen = witnesses(durham)
    assert set(seen) == {CLEVELAND}
    assert seen[CLEVELAND]["size"] == hub.log.size - 1
    assert witnesses(cleveland)[DURHAM]["size"] == hub.log.size
    said = cleveland("status", "--offline").out
    assert f"{DURHAM} cosigned {hub.log.size} entries on" in said
    assert f"{DURHAM} cosigned" in cleveland("doctor").out
    assert "cosigned by cleveland-police" in cleveland("verify", cleveland.home / "cosigned.txt").out


def test_a_push_asks_little_more(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert durham("watch").code == 0
    before = len(hub.requests)
    assert cleveland(*PUSH).code == 0
    asked = [one.split("/v1/")[-1] for one in hub.requests[before:] if "/log/" in one]
    assert sorted(asked) == ["log/checkpoint", "log/cosignatures", "log/entries", "log/witnesses"]


@pytest.mark.parametrize(("theirs", "ours"), [(2, 5), (2, 2), (5, 2), (1, 0)])
def test_a_forked_log_is_refused_by_who_saw_the_other_branch(cleveland: Desk, durham: Desk, hub: StandIn, theirs: int, ours: int) -> None:
    fork(hub, cleveland, durham, theirs=theirs, ours=ours)
    answer = cleveland(*PUSH)
    assert answer.code == 10
    assert "forked or rolled back: durham-constabulary cosigned a head of" in answer.err
    assert not hub.submissions
    kept = {path.name.split("-", 2)[2] for path in cleveland.home.glob("evidence-*.txt")}
    assert kept == {"ours.txt", "durham-constabulary.txt"}
    for path in cleveland.home.glob("evidence-*.txt"):  # anyone can tell that the hub signed both
        assert cleveland("verify", path).code == 0

    hub.cosigned.clear()  # it cannot be talked out of it
    assert cleveland("watch").code == 10
    assert "forked" in durham("watch").err  # and Durham is shown a log that is not the one it saw


def test_an_honest_log_that_grew_back_is_believed(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    """A restored hub that has replayed its log: until then its log is too short, and afterwards it continues what everybody saw."""
    assert cleveland("watch").code == durham("watch").code == 0
    for number in range(3):
        hub.log.append(f"after the backup {number}".encode())
    assert durham("watch").code == 0
    whole, hub.log = hub.log, copy.deepcopy(hub.log)
    hub.log.size -= 2
    for desk, words in ((durham, "entries and now shows"), (cleveland, "durham-constabulary cosigned")):
        answer = desk("watch")
        assert answer.code == 10
        assert words in answer.err
        assert "replay the log from its second store" in answer.err
        assert "--succession" in answer.err
    hub.log = whole
    assert cleveland(*PUSH).code == durham("watch").code == 0


def test_a_partner_who_was_quicker_is_no_fork(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert cleveland("watch").code == 0

    def quicker(asked: str) -> None:
        if asked == "GET /v1/log/witnesses" and not hub.cosigned.get(DURHAM):
            hub.log.append(b"meanwhile")
            hub.cosigned[DURHAM] = _cosigned(hub, DURHAM)

    hub.faults.before = quicker
    assert witnesses(cleveland)[DURHAM]["size"] == hub.log.size
    kept = json.loads((cleveland.home / "checkpoint.json").read_text())["note"]
    assert kept.split("\n")[1] == str(hub.log.size)


def _cosigned(hub: StandIn, party: str, *, key: SigningKey | None = None, name: str = "") -> str:
    partnership = next(iter(hub.partnerships.values()))
    note = sign_checkpoint(Checkpoint(hub.origin, hub.log.size, root(hub.log.size, hub.log.get)), partnership.signing("lcjp-operator/log"))
    return cosign(note, name or witness_name(hub.origin, party), key or partnership.signing(f"{party}/witness"), int(time.time()))


def test_what_does_not_verify_counts_as_left_out(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    good = _cosigned(hub, DURHAM)
    spoilt = good[:-10] + ("AAAA" if good[-10:-6] != "AAAA" else "BBBB") + good[-6:]
    for note in ("no note", spoilt, good.split("\n— log")[0] + "\n"):
        hub.cosigned[DURHAM] = note if note != "no note" else "a\n1\nb"
        assert "does not verify" in warnings(cleveland)
    for other in (_cosigned(hub, DURHAM, key=SigningKey.generate()), _cosigned(hub, DURHAM, name="somebody/else")):
        hub.cosigned[DURHAM] = other
        assert witnesses(cleveland) == {}
    hub.cosigned[DURHAM] = good
    assert set(witnesses(cleveland)) == {DURHAM}


def test_partners_need_no_hub_between_them(cleveland: Desk, durham: Desk, hub: StandIn, tmp_path: Path) -> None:
    note = tmp_path / "durham.txt"
    assert cleveland("watch").code == 0
    assert durham("watch", "--note", note).code == 0
    hub.cosigned.clear()
    assert witnesses(cleveland, "--witness", note)[DURHAM]["size"] == hub.log.size

    fork(hub, cleveland, durham, theirs=3, ours=4)
    assert note.write_text((durham.home / "cosigned.txt").read_text())
    hub.cosigned.clear()  # a hub that forks says nothing of it
    assert cleveland("watch").code == 0
    answer = cleveland("watch", "--witness", note)
    assert answer.code == 10
    assert "durham-constabulary cosigned a head" in answer.err
    assert cleveland(*PUSH).code == 10


@pytest.mark.parametrize("content", ["", "nothing\n", "a\n1\nb\n\n— c d\n"])
def test_a_file_that_is_no_witnesss_note_is_refused(cleveland: Desk, tmp_path: Path, content: str) -> None:
    path = tmp_path / "note.txt"
    path.write_text(content, encoding="utf-8")
    assert cleveland("watch", "--witness", path).code == 2
    assert cleveland("watch", "--witness", tmp_path / "none").code == 2


def test_seven_days_without_another_witness_is_said_and_stops_nothing(cleveland: Desk, durham: Desk) -> None:
    assert durham("watch").code == 0
    assert warnings(cleveland) == ""
    path = cleveland.home / "witnesses.json"
    state = json.loads(path.read_text())
    state["since"] -= WEEK + 60
    state["seen"][DURHAM]["at"] -= WEEK + 60
    path.write_text(json.dumps(state))
    answer = cleveland("status", "--offline")
    assert "No other party has cosigned the log for 7 days" in answer.out
    assert "No other party has cosigned" in cleveland("doctor").out
    state["seen"] = {}
    path.write_text(json.dumps(state))
    assert "No other party" in cleveland("status", "--offline").out
    assert cleveland(*PUSH).code == 0
    assert warnings(cleveland) == ""  # the hub has shown Durham's meanwhile


@pytest.mark.parametrize("content", [b"{}", b"no", b'{"since":1,"seen":{"durham-constabulary":{}}}', b'{"since":1,"seen":[]}'])
def test_a_state_that_was_altered_is_said(cleveland: Desk, content: bytes) -> None:
    assert cleveland("watch").code == 0
    (cleveland.home / "witnesses.json").write_bytes(content)
    answer = cleveland("watch")
    assert (answer.code, "witnesses.json" in answer.err) == (10, True)


def test_a_key_that_the_agreement_does_not_name_cosigns_nothing(cleveland: Desk, hub: StandIn) -> None:
    (cleveland.home / "keys" / "witness.json").unlink()
    assert "set keys.witness" in warnings(cleveland).lower()
    assert hub.cosigned == {}
    assert cleveland("watch", "--note", cleveland.home / "out.txt").code == 3
    assert cleveland(*PUSH).code == 0
    (cleveland.home / "cards").mkdir()
    (cleveland.home / "keys").chmod(0o700)
    made = [cleveland("keys", "witness", "--json").json["cards"]["witness"] for _ in range(2)]
    assert made[0] == made[1]  # nothing is overwritten
    assert (cleveland.home / "cards" / f"{CLEVELAND}-witness.card.json").is_file()
    assert "set keys.witness" in warnings(cleveland).lower()  # a key, but not the one that the agreement names


def test_an_agreement_without_witnesses_goes_on_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def without(text: str) -> str:
        for named in NAMED:
            assert named in text
            text = text.replace(named, "")
        return text

    partnership = Partnership(edit=without)
    hub = StandIn(partnership)
    with hub.serving():
        desk = Desk(partnership.install(tmp_path / CLEVELAND, CLEVELAND, hub.address), capsys)
        assert desk("watch").code == 0
        assert warnings(desk) == ""
        assert hub.cosigned == {}
        assert desk("doctor").code == 0


def test_a_hub_that_does_not_take_our_cosignature_is_told_of(cleveland: Desk, hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: Request, party: str) -> Response:
        raise Problem(422, "unknown-witness", "not cosigned by a witness of yours")

    monkeypatch.setattr(hub, "on_cosignatures", refuse)
    assert "does not take our cosignature" in warnings(cleveland)
    assert cleveland(*PUSH).code == 0


def test_a_list_that_holds_does_not_hide_what_was_handed_over(cleveland: Desk, durham: Desk, hub: StandIn, tmp_path: Path) -> None:
    """The hub lists an older note of Durham's, new here and of this log: the fork that Durham handed over is compared all the same."""
    fork(hub, cleveland, durham, theirs=3, ours=4)
    note = tmp_path / "durham.txt"
    note.write_text((durham.home / "cosigned.txt").read_text())
    hub.cosigned[DURHAM] = _cosigned(hub, DURHAM)
    answer = cleveland("watch", "--witness", note)
    assert (answer.code, "durham-constabulary cosigned a head" in answer.err) == (10, True), answer
    hub.cosigned.clear()
    assert cleveland(*PUSH).code == 10


def test_an_older_note_handed_over_is_compared_and_the_newer_is_kept(cleveland: Desk, durham: Desk, hub: StandIn, tmp_path: Path) -> None:
    assert durham("watch").code == 0
    note = tmp_path / "durham.txt"
    note.write_text((durham.home / "cosigned.txt").read_text())
    hub.log.append(b"more")
    assert durham("watch").code == 0
    assert witnesses(cleveland)[DURHAM]["size"] == hub.log.size
    assert witnesses(cleveland, "--witness", note)[DURHAM]["size"] == hub.log.size
    log = next(iter(hub.partnerships.values())).signing("lcjp-operator/log")
    key = next(iter(hub.partnerships.values())).signing(f"{DURHAM}/witness")
    forked = sign_checkpoint(Checkpoint(hub.origin, hub.log.size - 1, bytes(32)), log)
    note.write_text(cosign(forked, witness_name(hub.origin, DURHAM), key, int(time.time())))
    assert cleveland("watch", "--witness", note).code == 10


def test_a_hub_that_withholds_a_witness_key_does_not_silence_the_warning(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert durham("watch").code == 0
    partnership = next(iter(hub.partnerships.values()))
    key = partnership.signing(f"{DURHAM}/witness").public.fingerprint
    for export in hub.exports.values():
        export["keys"] = {name: raw for name, raw in export["keys"].items() if name != key}
    said = warnings(cleveland)
    assert f"does not hand out the witness key of {DURHAM}" in said
    path = cleveland.home / "witnesses.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "since": state["since"] - WEEK - 60, "seen": {}}))
    assert "No other party has cosigned the log for 7 days" in warnings(cleveland)


def test_two_runs_at_once_are_no_fork(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    """A push that witnesses a newer head while a watch compares: the proofs of the list are to the head that was asked for."""
    assert durham("watch").code == cleveland("watch").code == 0
    hub.log.append(b"one")
    assert durham("watch").code == 0
    newer = copy.deepcopy(hub.log)
    newer.append(b"two")
    partnership = next(iter(hub.partnerships.values()))
    head = Checkpoint(hub.origin, newer.size, root(newer.size, newer.get))
    key = partnership.signing("lcjp-operator/log")

    def between(asked: str) -> None:
        if asked == "GET /v1/log/witnesses":
            hub.log = newer
            Witness(cleveland.home).keep(sign_checkpoint(head, key), head, key.public)

    hub.faults.before = between
    assert cleveland("watch").code == 0
    with only_run(cleveland.home):
        assert cleveland("watch").code == cleveland(*PUSH).code != 0
