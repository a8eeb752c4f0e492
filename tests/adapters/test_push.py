"""The road from a file to a kept receipt, over real HTTP with real cryptography."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from keys.encoding import parse_json
from keys.keyfile import write_keyfile
from keys.sign import SigningKey
from tests.adapters.conftest import CRIMES, OUTCOMES, Desk
from tests.adapters.intake import Problem
from tests.adapters.partnership import Partnership
from tests.adapters.standin import StandIn

CRIMES_HEADER = CRIMES.read_text(encoding="utf-8").splitlines()[0]


def held(hub: StandIn) -> list[Any]:
    return [one for one in hub.submissions.values() if one.state == "held"]


def test_an_extract_is_held_and_its_receipt_kept_and_the_spool_emptied(cleveland: Desk, hub: StandIn) -> None:
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json")
    assert (answer.code, answer.err) == (0, "")
    [submission] = answer.json["submissions"]
    assert (submission["state"], submission["receipt"]["rows"]) == ("held", 7)
    assert cleveland.spooled == []
    kept = sorted(path.name for path in (cleveland.home / "receipts" / submission["submission"]).iterdir())
    assert kept == ["acknowledgement.json", "manifest.json", "receipt.json"]
    [one] = held(hub)
    rows = [row for batch in one.rows for row in batch.to_pylist()]
    assert [row["crime"] is None for row in rows] == [True, True, False, False, False, False, False]
    assert [row["authority"] for row in rows] == ["Hartlepool"] * 3 + ["Stockton-on-Tees", "Not known", "Elsewhere", "Redcar and Cleveland"]
    assert one.manifest.totals == {"crime": 2, "month": 0, "authority": 0, "crime_type": 0, "last_outcome": 3}


def test_both_suppliers_make_the_same_pseudonym_of_the_same_crime(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    assert durham("push", "outcomes", OUTCOMES, "--period", "2021-04").code == 0
    crimes, outcomes = ({row["crime"] for batch in one.rows for row in batch.to_pylist()} for one in held(hub))
    assert len(crimes & outcomes - {None}) == 3


def test_the_same_content_again_gets_the_same_receipt(cleveland: Desk, hub: StandIn) -> None:
    first = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json").json["submissions"][0]
    again = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json").json["submissions"][0]
    assert again == {**first, "same_content": True}
    assert len(hub.submissions) == 1
    assert cleveland.spooled == []


def test_what_was_sent_twice_at_once_gets_one_receipt(cleveland: Desk, hub: StandIn) -> None:
    """A spool that was away when its extract was pushed again: the hub decides one first, and the other repeats it."""
    hub.faults.undecided = True
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    spool, away = cleveland.home / "spool", cleveland.home / "first"
    spool.rename(away)
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    for upload in away.iterdir():
        upload.rename(spool / upload.name)
    hub.faults.undecided = False
    answer = cleveland("push", "--resume", "--json")
    assert answer.code == 0, answer.err
    one, other = answer.json["resumed"]
    assert one["submission"] == other["submission"]
    assert one["receipt"] == other["receipt"]
    assert sorted([one["same_content"], other["same_content"]]) == [False, True]
    assert cleveland.spooled == []
    told = cleveland("status", "--full")
    assert "; repeats sub-" in told.out
    assert "NO RECEIPT HERE" not in told.out


def test_a_repeat_that_names_another_submission_than_its_receipt_is_refused(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.undecided = True
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    cleveland.home.joinpath("spool").rename(cleveland.home / "first")
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    for one in hub.submissions.values():
        hub._decide(one)
    last = hub.submissions["sub-2"]
    assert last.repeats == "sub-1"
    true = hub._first
    hub._first = lambda found: {**true(found), "repeats": "sub-9"} if found.repeats else {}  # type: ignore[method-assign]
    answer = cleveland("push", "--resume")
    assert (answer.code, "another submission" in answer.err) == (10, True)
    assert len(cleveland.spooled) == 1


def test_parts_that_the_hub_loses_after_its_acknowledgement_are_sent_again(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.lose_parts = 2
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json")
    assert answer.code == 0, answer.err
    assert [one.state for one in hub.submissions.values()] == ["held"]
    assert cleveland.spooled == []


def test_a_hub_that_always_loses_them_is_not_asked_for_ever(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.lose_parts = 100
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "again and again" in answer.err) == (8, True)
    assert len(cleveland.spooled) == 1
    hub.faults.lose_parts = 0
    assert cleveland("push", "--resume").code == 0


@pytest.mark.parametrize("status", [507, 429, 503])
def test_a_hub_without_room_is_asked_again_later(cleveland: Desk, hub: StandIn, status: int) -> None:
    settings = cleveland.home / "agency.toml"
    settings.write_text(settings.read_text().replace("patience = 20", "patience = 0.1"))

    def full(asked: str) -> None:
        hub.faults.statuses = [status] if asked.startswith("PUT ") else []

    hub.faults.before = full
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 8
    assert len(cleveland.spooled) == 1
    hub.faults.before, hub.faults.statuses = (lambda _: None), []
    assert cleveland("push", "--resume").code == 0
    assert held(hub)


def test_what_is_for_a_closed_period_is_not_kept_to_be_refused_again(cleveland: Desk, hub: StandIn) -> None:
    def closed(asked: str) -> None:
        if asked == "POST /v1/submissions":
            raise Problem(403, "period-closed", "2021-04 closed after 29 June 2021", clause="LCJP-MV7 version 1, dataset crimes, mode")

    hub.faults.before = closed
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "dataset crimes, mode" in answer.err) == (5, True)
    assert cleveland.spooled == []


def test_new_content_replaces_and_names_what_it_replaces(cleveland: Desk, hub: StandIn, tmp_path: Path) -> None:
    first = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json").json["submissions"][0]
    later = tmp_path / "later.csv"
    later.write_text(CRIMES.read_text().replace("Under investigation", "Local resolution"))
    second = cleveland("push", "crimes", later, "--period", "2021-04", "--json").json["submissions"][0]
    assert second["receipt"]["after"] == first["submission"]
    assert [one.state for one in hub.submissions.values()] == ["superseded", "held"]


def test_a_head_that_moved_meanwhile_is_named_and_tried_once_more(cleveland: Desk, hub: StandIn, tmp_path: Path) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    later = tmp_path / "later.csv"
    later.write_text(CRIMES.read_text().replace("Drugs", "Robbery"))

    def decide_the_first(asked: str) -> None:
        if asked == "POST /v1/submissions" and "sub-1" in hub.submissions and hub.submissions["sub-1"].state == "complete":
            hub._decide(hub.submissions["sub-1"])

    hub.faults.undecided, hub.faults.before = False, decide_the_first
    cleveland.home.joinpath("spool").rename(cleveland.home / "elsewhere")  # so that this run does not finish the first
    answer = cleveland("push", "crimes", later, "--period", "2021-04", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["submissions"][0]["receipt"]["after"] == "sub-1"


def test_a_nil_return_is_meant_or_refused(cleveland: Desk, hub: StandIn, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.csv"
    nothing.write_text(CRIMES_HEADER + "\n")
    answer = cleveland("push", "crimes", nothing, "--period", "2021-05")
    assert answer.code == 6
    assert "--nil" in answer.err
    assert not hub.submissions
    assert cleveland("push", "crimes", nothing, "--period", "2021-05", "--nil").code == 0
    assert held(hub)[0].manifest.rows == 0
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--nil").code == 6


def test_several_files_each_with_its_period(durham: Desk, hub: StandIn, tmp_path: Path) -> None:
    may = tmp_path / "may.csv"
    may.write_text(OUTCOMES.read_text().replace("2021-04", "2021-05"))
    answer = durham("push", "outcomes", f"{OUTCOMES}:2021-04", f"{may}:2021-05", "--json")
    assert [one["receipt"]["period"] for one in answer.json["submissions"]] == ["2021-04", "2021-05"]


def test_what_was_held_is_said_though_a_later_file_fails(durham: Desk, hub: StandIn, tmp_path: Path) -> None:
    answer = durham("push", "outcomes", f"{OUTCOMES}:2021-04", f"{OUTCOMES}:2021-05")
    assert answer.code == 6
    assert "outcomes 2021-04, 6 rows" in answer.out


def test_many_parts_are_sealed_in_order(cleveland: Desk, hub: StandIn, big: Path) -> None:
    hub.part_rows = 3000
    assert cleveland("push", "crimes", big, "--period", "2021-04").code == 0
    assert [part.rows for part in held(hub)[0].manifest.parts] == [3000] * 6 + [2000]


def test_not_waiting_leaves_the_receipt_to_the_next_run(cleveland: Desk, hub: StandIn) -> None:
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait", "--json")
    assert answer.json["submissions"][0]["state"] == "complete"
    assert len(cleveland.spooled) == 1
    answer = cleveland("push", "--resume", "--json")
    assert [one["state"] for one in answer.json["resumed"]] == ["held"]
    assert cleveland.spooled == []


# ---------------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("edit", "period", "code", "said"),
    [
        (("2021-04", "2021-05"), "2021-04", 6, "must lie in the period 2021-04"),
        (("Burglary", "Jaywalking"), "2021-04", 6, "crime_type: 1 row"),
        (("Under investigation", "Vanished"), "2021-04", 0, ""),  # otherwise = “Other outcome”
        (("Longitude", "Surname"), "2021-04", 6, "“Surname”"),
        (("a", "a"), "2020-12", 5, "admits no data from before 2021-01"),
        (("a", "a"), "2021", 5, "period is a month"),
        (("a", "a"), "2035-01", 5, "has not begun"),
    ],
)
def test_what_breaks_the_agreement_is_refused_here_with_its_clause(
    cleveland: Desk, hub: StandIn, tmp_path: Path, edit: tuple[str, str], period: str, code: int, said: str
) -> None:
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(CRIMES.read_text().replace(*edit))
    answer = cleveland("push", "crimes", spoiled, "--period", period)
    assert answer.code == code, answer.err
    assert said in answer.err
    assert "Jaywalking" not in answer.err + answer.out
    assert cleveland.spooled == []
    assert bool(hub.submissions) == (code == 0)


def test_an_identifier_of_the_wrong_form_is_named_by_row(cleveland: Desk, hub: StandIn, tmp_path: Path) -> None:
    lines = CRIMES.read_text().splitlines()
    lines[3] = "CANARY-7" + lines[3][64:]
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text("\n".join(lines) + "\n")
    answer = cleveland("push", "crimes", spoiled, "--period", "2021-04", "--json")
    assert (answer.code, answer.json["report"][0]["rows"]) == (6, [3])
    assert "CANARY-7" not in answer.err + answer.out
    assert not hub.submissions


def test_an_unknown_agreement_dataset_or_one_of_others_is_refused(cleveland: Desk) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--agreement", "LCJP-OTHER").code == 5
    answer = cleveland("push", "charges", CRIMES, "--period", "2021-04")
    assert answer.code == 5
    assert "It names: crimes, outcomes." in answer.err


@pytest.mark.parametrize("state", ["suspended", "expired", "terminated", "proposed"])
def test_an_agreement_that_is_not_in_force_is_refused(cleveland: Desk, hub: StandIn, state: str) -> None:
    hub.exports["LCJP-MV7"]["state"] = state
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--agreement", "LCJP-MV7")
    assert answer.code == 5
    assert "LCJP-MV7 version 1" in answer.err
    assert not hub.submissions
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 5


def test_the_hubs_refusal_for_good_empties_the_spool_and_names_the_clause(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.refuse = "crime_type: 1 row breaks a rule"
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json")
    assert (answer.code, answer.json["code"]) == (9, "receipt-refused")
    assert "LCJP-MV7 version 1, dataset crimes" in answer.err
    assert cleveland.spooled == []
    assert len(list((cleveland.home / "receipts").glob("*/receipt.json"))) == 1


# ---------------------------------------------------------------------------------------------------------------- what does not hold


@pytest.mark.parametrize(
    "edit", [{"rows": 8}, {"rows_digest": "sha256:" + "0" * 64}, {"period": "2021-05"}, {"manifest": "sha256:" + "0" * 64}]
)
def test_a_receipt_about_something_else_stops_everything_and_keeps_the_spool(cleveland: Desk, hub: StandIn, edit: dict[str, Any]) -> None:
    hub.faults.edit_receipt = edit
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert answer.code == 10
    assert next(iter(edit)) in answer.err
    assert len(cleveland.spooled) == 1


def test_a_receipt_by_another_key_stops_everything(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.receipt_key = SigningKey.generate()
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 10
    assert len(cleveland.spooled) == 1


def test_a_sealing_key_that_the_hubs_identity_does_not_vouch_for_is_not_sealed_to(
    cleveland: Desk, hub: StandIn, partnership: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(partnership.keys, "lcjp-operator/identity", SigningKey.generate())
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert answer.code == 10
    assert not hub.submissions


def test_a_sealing_key_that_has_run_out_is_not_sealed_to(cleveland: Desk, hub: StandIn) -> None:
    hub.sealing_days = 0
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 8


def test_another_linkage_secret_than_the_partners_is_not_used(cleveland: Desk, hub: StandIn) -> None:
    hub.linkage["LCJP-MV7"] = {"epoch": 1, "key_check": "0" * 16}
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert answer.code == 3
    assert "linkage secret" in answer.err


def test_a_key_the_hub_does_not_know_is_an_authentication_failure(cleveland: Desk) -> None:
    (cleveland.home / "keys" / "client.json").unlink()
    write_keyfile(cleveland.home / "keys" / "client.json", SigningKey.generate(), owner="cleveland-police", role="client")
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 4


def test_parts_that_the_hub_lost_are_put_again(cleveland: Desk, hub: StandIn, big: Path) -> None:
    hub.part_rows = 5000
    hub.faults.drop_parts = 2
    assert cleveland("push", "crimes", big, "--period", "2021-04").code == 0
    puts = [asked for asked in hub.requests if asked.startswith("PUT")]
    assert len(puts) == 6


def test_passing_trouble_is_ridden_out_and_lasting_trouble_ends_in_8(cleveland: Desk, hub: StandIn) -> None:
    hub.faults.statuses = [503, 429, 500]
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    path = cleveland.home / "agency.toml"
    path.write_text(path.read_text().replace("patience = 20", "patience = 1"))
    hub.faults.statuses = [503] * 50
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 8


def test_a_manifest_altered_in_the_spool_is_noticed(cleveland: Desk, hub: StandIn) -> None:
    cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait")
    path = cleveland.spooled[0] / "manifest.json"
    changed = parse_json(path.read_bytes())
    changed["document"]["rows"] = 6
    path.write_text(json.dumps(changed))
    assert cleveland("push", "--resume").code == 10


# ---------------------------------------------------------------------------------------------------------------- several agreements


@pytest.fixture
def both(hub: StandIn, partnership: Partnership, cleveland: Desk) -> Partnership:
    """A second agreement of the same parties, which admits only data from 2022 on."""

    def edit(text: str) -> str:
        return text.replace("LCJP-MV7", "LCJP-TWO").replace('back_fill_from = "2021-01"', 'back_fill_from = "2022-01"')

    other = Partnership(keys=partnership.keys, edit=edit)
    hub.partnerships["LCJP-TWO"], hub.exports["LCJP-TWO"] = other, other.export()
    assert cleveland("keys", "issue", "LCJP-TWO").code == 0
    return other


def test_one_push_serves_every_agreement_that_names_the_dataset(cleveland: Desk, hub: StandIn, both: Partnership, tmp_path: Path) -> None:
    later = tmp_path / "later.csv"
    later.write_text(CRIMES.read_text().replace("2021-04", "2022-04"))
    assert cleveland("push", "crimes", later, "--period", "2022-04").code == 0
    assert sorted(one.manifest.reference for one in held(hub)) == ["LCJP-MV7", "LCJP-TWO"]
    first, second = ({row["crime"] for batch in one.rows for row in batch.to_pylist()} - {None} for one in held(hub))
    assert not first & second


def test_an_agreement_that_does_not_admit_the_period_does_not_hold_up_the_other_and_is_said(
    cleveland: Desk, hub: StandIn, both: Partnership
) -> None:
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert [one.manifest.reference for one in held(hub)] == ["LCJP-MV7"]
    assert answer.code == 5
    assert "LCJP-TWO version 1, dataset crimes, period" in answer.err
    assert "Held: LCJP-MV7" in answer.out
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--agreement", "LCJP-MV7").code == 0


def test_what_nobody_will_finish_is_withdrawn(cleveland: Desk, hub: StandIn) -> None:
    def stop(asked: str) -> None:
        if asked.startswith("PUT "):
            raise Problem(403, "refused-by-agreement", "not now")

    hub.faults.before = stop
    cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    [lost] = hub.submissions.values()
    for upload in (cleveland.home / "spool").iterdir():
        shutil.rmtree(upload)
    hub.faults.before = lambda _: None
    for _ in range(2):
        answer = cleveland("withdraw", lost.id, "--json")
        assert (answer.code, answer.json["submission"], lost.state) == (0, lost.id, "lapsed")
    for odd in ("../agreements", "sub/1", "", "sub-1?x"):
        assert cleveland("withdraw", odd).code == 2
    assert cleveland("withdraw", "sub-99").code == 9
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    [complete] = [one for one in hub.submissions.values() if one is not lost]
    assert (cleveland("withdraw", complete.id).code, complete.state) == (9, "complete")
