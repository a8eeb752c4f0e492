"""What the log says in our name and nobody here knows of is an alarm, and stays one until a person says otherwise."""

import copy
import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Request

from adapters.agency.ledger import Ledger
from adapters.agency.watch import Known, judge
from keys.sign import SigningKey
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.partnership import SUPPLIERS, Partnership, fingerprint
from tests.adapters.standin import StandIn

CLEVELAND, DURHAM = SUPPLIERS
STRANGE = SigningKey.from_seed(bytes(32)).public.fingerprint
PUSH = ("push", "crimes", CRIMES, "--period", "2021-04")


def alarms(desk: Desk, *arguments: str) -> list[dict[str, object]]:
    answer = desk("watch", "--json", *arguments)
    found = json.loads(answer.out.splitlines()[0])
    return list(found.get("alarms", []))


def test_what_we_did_ourselves_is_no_alarm(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    signatory = fingerprint(partnership.keys[f"{CLEVELAND}/signatory"])
    hub.note(CLEVELAND, "key registered: signatory", subject=signatory)
    hub.note(CLEVELAND, "statement: sign", who=signatory)
    hub.note(CLEVELAND, "key registered: manifest", subject=fingerprint(partnership.keys[f"{CLEVELAND}/manifest"]))
    hub.note(DURHAM, "key registered: manifest", subject=STRANGE)
    assert cleveland(*PUSH).code == 0
    answer = cleveland("watch")
    assert (answer.code, "Nobody here knows" in answer.out) == (0, False), answer
    assert "continues what was seen here before" in answer.out


@pytest.mark.parametrize(
    ("what", "who", "subject", "details"),
    [
        ("submission opened", CLEVELAND, "sub-strange", {"upload": "f" * 32}),
        ("key registered: manifest", "hub", STRANGE, {}),
        ("key registered: client", "hub", STRANGE, {}),
        ("statement: resume", STRANGE, "sha256:" + "0" * 64, {}),
    ],
)
def test_what_we_did_not_do_stops_every_push(
    cleveland: Desk, hub: StandIn, what: str, who: str, subject: str, details: dict[str, str]
) -> None:
    number = hub.note(CLEVELAND, what, who=who, subject=subject, **details)
    for _ in range(2):  # it stands until somebody has said that it is known
        answer = cleveland(*PUSH)
        assert answer.code == 10
        assert f"Log entry {number}, in our name: {what}" in answer.err
    assert not hub.submissions
    assert cleveland("watch").code == 10
    named = details.get("upload") or (who if what.startswith("statement") else subject)
    assert cleveland("watch", "--know", named).code == 0
    assert cleveland(*PUSH).code == 0


def test_a_new_key_of_a_person_is_told_and_stops_nothing(cleveland: Desk, hub: StandIn) -> None:
    hub.note(CLEVELAND, "key registered: dpo", subject=STRANGE)
    answer = cleveland(*PUSH)
    assert answer.code == 0
    assert STRANGE in answer.err
    assert [one["stops"] for one in alarms(cleveland)] == [False]
    assert alarms(cleveland, "--know", STRANGE) == []


def test_a_strange_client_key_of_es256_stops(cleveland: Desk, hub: StandIn) -> None:
    strange = "es256:" + "0" * 64
    hub.note(CLEVELAND, "key registered: client", subject=strange)
    assert cleveland(*PUSH).code == 10
    assert not hub.submissions
    assert cleveland("watch", "--know", strange).code == 0
    assert cleveland(*PUSH).code == 0


def test_entries_come_in_pages_and_each_is_looked_at_once(cleveland: Desk, hub: StandIn) -> None:
    for number in range(7):
        hub.note(CLEVELAND, "key registered: checker", subject=f"ed25519:{number:064x}")
    assert len(alarms(cleveland)) == 7
    asked = len([one for one in hub.requests if one.endswith("/v1/log/entries")])
    assert asked >= 4
    assert len(alarms(cleveland)) == 7
    assert len([one for one in hub.requests if one.endswith("/v1/log/entries")]) == asked


@pytest.mark.parametrize("member", ["number", "organisation", "what", "who", "subject"])
def test_an_entry_that_is_not_in_the_witnessed_log_is_refused(cleveland: Desk, hub: StandIn, member: str) -> None:
    hub.note(CLEVELAND, "submission opened", upload="f" * 32)
    entry = hub.own[-1][3]
    entry[member] = 0 if member == "number" else "something else"
    answer = cleveland("watch")
    assert answer.code == 10
    assert "not in the log it signed" in answer.err


def test_another_partys_entry_is_not_ours(cleveland: Desk, hub: StandIn) -> None:
    hub.note(DURHAM, "submission opened", upload="f" * 32)
    party, number, salt, entry = hub.own.pop()
    hub.own.append((CLEVELAND, number, salt, entry))
    assert party == DURHAM
    assert "another's, or out of place" in cleveland("watch").err


def test_a_hub_that_answers_the_same_page_again_and_again_is_left(cleveland: Desk, hub: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        hub.note(CLEVELAND, f"something {number}")
    honest = hub.on_entries
    monkeypatch.setattr(hub, "on_entries", lambda request, party: honest(_from_the_beginning(request), party))
    answer = cleveland("watch")
    assert (answer.code, "another's, or out of place" in answer.err) == (10, True)
    assert len([one for one in hub.requests if one == "GET /v1/log/entries"]) == 2


def _from_the_beginning(request: Request) -> Request:
    return Request({**request.environ, "QUERY_STRING": f"after=0&of={request.args['of']}"})


def test_a_state_that_was_altered_is_said(cleveland: Desk) -> None:
    assert cleveland("watch").code == 0
    for content in (b"{}", b"not json", b'{"after":0,"known":[],"alarms":[{}]}'):
        (cleveland.home / "watched.json").write_bytes(content)
        answer = cleveland("watch")
        assert answer.code == 10
        assert "Remove it" in answer.err


def test_an_upload_is_known_before_the_hub_can_have_heard_of_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "uploads.txt")
    assert ledger.known() == frozenset()
    ledger.add("a" * 32)
    ledger.add("b" * 32)
    assert ledger.known() == {"a" * 32, "b" * 32}


@pytest.mark.parametrize("left", [b"c" * 7, b"\0" * 33, b"\xff\xfe"])
def test_what_a_crash_left_of_one_upload_hides_no_other(tmp_path: Path, left: bytes) -> None:
    ledger = Ledger(tmp_path / "uploads.txt")
    ledger.add("a" * 32)
    with ledger.path.open("ab") as file:
        file.write(left)
    ledger.add("b" * 32)
    assert ledger.known() >= {"a" * 32, "b" * 32}


def test_a_revoked_key_is_no_alarm() -> None:
    entry = {"what": "key revoked", "who": "hub", "subject": STRANGE, "details": {}}
    assert judge(3, entry, Known(frozenset(), frozenset())) is None


def test_a_log_that_stands_still_for_us_alone_is_found_out(cleveland: Desk, hub: StandIn) -> None:
    """The same old head is shown again and again: the log continues what was seen, but has nothing of what a receipt was given for."""
    frozen, own = copy.deepcopy(hub.log), list(hub.own)
    assert cleveland(*PUSH).code == 0
    grown, hub.log = hub.log, frozen
    honest, hub.own = hub.own, own
    for arguments in (("watch",), PUSH):
        answer = cleveland(*arguments)
        assert (answer.code, "says nothing of 1 submission(s) that it gave us a receipt for" in answer.err) == (10, True), answer
    hub.log, hub.own = grown, honest
    asked = len([one for one in hub.requests if one.endswith("/v1/log/entries")])
    for _ in range(2):
        assert cleveland("watch").code == 0
    assert len([one for one in hub.requests if one.endswith("/v1/log/entries")]) - asked <= 3  # once seen, it is not looked for again


def test_an_entry_seen_before_its_receipt_was_fetched_is_found_again(cleveland: Desk, hub: StandIn) -> None:
    assert cleveland(*PUSH).code == cleveland("watch").code == 0
    [mark] = cleveland.home.glob("receipts/*/.logged")
    mark.unlink()
    assert cleveland("watch").code == 0
    assert mark.is_file()
    mark.unlink()
    hub.own.clear()
    assert cleveland("watch").code == 10
    assert cleveland("watch", "--know", mark.parent.name).code == 0


def test_that_an_entry_in_our_name_was_redacted_is_told_and_stops_nothing(cleveland: Desk, hub: StandIn) -> None:
    hub.note(CLEVELAND, "log entry redacted", subject="17")
    assert cleveland(*PUSH).code == 0
    assert [(one["what"], one["subject"], one["stops"]) for one in alarms(cleveland)] == [("log entry redacted", "17", False)]
    assert alarms(cleveland, "--know", "17") == []
