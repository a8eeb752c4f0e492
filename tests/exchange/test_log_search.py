"""Searching the log, proving entries, redacting them, and the export for the Information Commissioner: by the command line, as people use it."""

import csv
import io
import json
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from adapters.agency.agreements_store import verify_export
from adapters.agency.evidence import Trust, verify_files
from adapters.errors import IntegrityFailed
from exchange import schedule
from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.db import reading, writing
from exchange.exports.csv_table import inert
from exchange.exports.signed import signed_export
from exchange.log import repeats, search
from exchange.log.record import Event, Operation, append, size
from exchange.log.search import Wanted
from exchange.log.tables import EntryRow, RepeatRow
from exchange.register import agreements
from keys.checkpoint import cosign, witness_name
from keys.encoding import b64
from keys.sign import SigningKey
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, problem
from tests.exchange.test_witnesses import head_of, post, signed
from tests.folders import lying

HARM = '=HYPERLINK("http://x")<script>alert(1)</script>%_\\'


def exchange(world: World, *arguments: str) -> Any:
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def refused(*arguments: str) -> int:
    return run_code(["--json", *arguments])


def run_code(arguments: list[str]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["exchange", *arguments])
        return run(cli)


def many(world: World) -> int:
    with reading(world.hub.engine) as session:
        return size(session)


def put(world: World, **members: Any) -> int:
    event = {"operation": Operation.DISCLOSURE, "who": "w", "organisation": "o", "reference": "", "what": "x", "subject": "s", **members}
    with writing(world.hub.engine) as session:
        return append(session, Event(**event), world.clock())


def head_in(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8").split("\n", 1)[0])["checkpoint"])


def details(row: EntryRow) -> dict[str, Any]:
    assert row.entry is not None
    found = row.entry["details"]
    assert isinstance(found, dict)
    return found


def key_of(world: World) -> str:
    return world.hub.keyring.signing("log").public.fingerprint


# ------------------------------------------------------------------------------------------------------------- search


def narrowing(world: World) -> None:
    first = put(world, who="someone", recipient=TEAM, organisation=DURHAM, reference=REFERENCE, what="edition downloaded", subject="ed-1")
    world.clock.forward(days=2)
    later = put(world, who="someone", organisation=DURHAM, reference="OTHER", what="edition_downloaded", subject="ed-2")
    second = search.span(date(2026, 11, 23), None)[0]
    for wanted, expected in (
        (Wanted(who="someone"), [later, first]),
        (Wanted(recipient=TEAM), [first]),
        (Wanted(organisation=DURHAM, reference=REFERENCE, who="someone"), [first]),
        (Wanted(operation="disclosure"), [later, first]),
        (Wanted(subject="ed-2"), [later]),
        (Wanted(what="DOWNLOADED"), [later, first]),
        (Wanted(what="n_d"), [later]),  # no wildcard
        (Wanted(what="%"), []),
        (Wanted(who="someone", last=second), [first]),
        (Wanted(who="someone", first=second), [later]),
        (Wanted(who=HARM), []),
    ):
        with reading(world.hub.engine) as session:
            found = [one.number for one in search.search(session, wanted, None, limit=9)]
            assert found == expected, wanted
            assert search.numbers(session, wanted) == sorted(expected)
            assert [one.number for one in search.search(session, wanted, None, limit=1)] == expected[:1]
            assert [one.number for one in search.search(session, wanted, None, limit=9, below=later)] == expected[-1:] * (first in expected)


def test_every_column_is_searched_and_together_they_narrow_sqlite(world: World) -> None:
    narrowing(world)


def test_every_column_is_searched_and_together_they_narrow_postgresql(world: World) -> None:
    narrowing(world)


def test_the_command_finds_them_and_says_who(world: World) -> None:
    pushed = world.hold()
    of_it = exchange(world, "log", "search", "--subject", pushed.id, "--organisation", CLEVELAND, "--from", "2026-11-22")["entries"]
    assert [one["what"] for one in of_it] == ["submission held", "submission acknowledged", "submission opened"]
    done = CliRunner().invoke(cli, ["--config", str(configured(world)), "log", "search", "--what", "statement"], catch_exceptions=False)
    assert search.PURPOSE in done.output
    assert re.search(r"; by [A-Z].*, Cleveland", done.output), done.output


def test_the_columns_say_what_the_entries_say(world: World) -> None:
    world.hold()
    with reading(world.hub.engine) as session:
        for row in session.execute(select(EntryRow)).scalars():
            assert row.entry is not None
            said = {name: row.entry[name] for name in ("who", "what", "subject", "recipient", "operation", "organisation")}
            assert said == {name: getattr(row, name) for name in said}


def test_a_search_is_in_the_log_before_it_answers_and_once_a_minute(world: World) -> None:
    before = many(world)
    for _ in range(3):
        exchange(world, "log", "search", "--who", "secret words of somebody", "--person", "per-1")
    assert many(world) == before + 1
    exchange(world, "log", "search", "--who", "other words", "--person", "per-1")
    assert many(world) == before + 2
    with reading(world.hub.engine) as session:
        row = session.get_one(EntryRow, before)
        assert row.entry is not None
        assert (row.operation, row.who, row.what, row.organisation) == ("security", "per-1", "log searched", OPERATOR)
        assert "secret words" not in json.dumps(row.entry)


def test_scope_keeps_others_entries_out(world: World) -> None:
    world.hold()
    with reading(world.hub.engine) as session:
        mine = search.search(session, Wanted(), [DURHAM], limit=1000)
        assert mine
        assert {one.organisation for one in mine} == {DURHAM}
        assert search.search(session, Wanted(organisation=CLEVELAND), [DURHAM], limit=10) == []
        theirs = search.search(session, Wanted(organisation=CLEVELAND), None, limit=1)[0]
        assert search.one(session, theirs.number, [DURHAM]) is None
        assert search.one(session, theirs.number, [CLEVELAND]) == theirs


def test_a_table_of_what_is_found_runs_nothing(world: World, tmp_path: Path) -> None:
    number = put(world, who=HARM, subject=HARM, details={"reason": HARM})
    exchange(world, "log", "search", "--subject", HARM, "--csv", str(tmp_path / "found.csv"))
    text = (tmp_path / "found.csv").read_bytes().decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["number"], row["who"], row["subject"]) == (str(number), inert(HARM), inert(HARM))
    assert row["who"].startswith("'=")


# ------------------------------------------------------------------------------------------------------------- repeats


def test_a_refusal_met_again_and_again_is_logged_once_a_minute_with_a_count(world: World) -> None:
    before = many(world)
    for _ in range(7):
        problem(world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND), 404, "unknown-agreement")
    assert many(world) == before + 1
    problem(world.call("get", "/v1/agreements/LCJP-NONE", DURHAM), 404, "unknown-agreement")
    assert many(world) == before + 2
    world.clock.forward(seconds=61)
    problem(world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND), 404, "unknown-agreement")
    with reading(world.hub.engine) as session:
        counted, again = (session.get_one(EntryRow, number) for number in (before + 2, before + 3))
        assert (counted.what, counted.who, again.what) == ("the same again", CLEVELAND, "refused")
        assert (details(counted)["times"], details(counted)["like entry"]) == (6, before)


def test_what_is_counted_is_logged_though_nobody_comes_again(world: World) -> None:
    for _ in range(3):
        world.call("get", "/v1/agreements/LCJP-NONE", CLEVELAND)
    before = many(world)
    schedule.count_repeats(world.hub)
    assert many(world) == before
    world.clock.forward(minutes=2)
    schedule.count_repeats(world.hub)
    schedule.count_repeats(world.hub)
    assert many(world) == before + 1
    with reading(world.hub.engine) as session:
        assert session.execute(select(func.count()).select_from(RepeatRow)).scalar_one() == 0
        assert details(session.get_one(EntryRow, before))["times"] == 2


def test_different_refusals_are_each_logged(world: World) -> None:
    before = many(world)
    for reason in ("one", "two", "one"):
        with writing(world.hub.engine) as session:
            event = Event(Operation.SECURITY, "w", "o", "", "refused", "/x", details={"reason": reason})
            repeats.note(session, event, world.clock())
    assert many(world) == before + 2


def test_a_clock_set_back_hides_nothing(world: World) -> None:
    event = Event(Operation.SECURITY, "w", "o", "", "refused", "/x")
    with writing(world.hub.engine) as session:
        assert repeats.note(session, event, world.clock()) is not None
        assert repeats.note(session, event, world.clock() - timedelta(days=1)) is not None


# ------------------------------------------------------------------------------------------------------------- proofs


def trust(world: World) -> Trust:
    with reading(world.hub.engine) as session:
        found = agreements.current(session, REFERENCE)
        assert found is not None
        return Trust([verify_export(json.loads(signed_export(found)))])


def test_a_proof_is_verified_by_both_sides_without_the_hub(world: World, tmp_path: Path) -> None:
    world.hold()
    with reading(world.hub.engine) as session:
        number = session.execute(select(EntryRow.number).where(EntryRow.what == "submission held")).scalar_one()
    out = tmp_path / "one.proof.jsonl"
    made = exchange(world, "log", "prove", str(number), "3", "--out", str(out))
    assert made["entries"] == 2
    world.disconnect()
    done = CliRunner().invoke(cli, ["--json", "log", "verify", str(out), "--key", made["keys"][0]], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["entries"] == 2
    (proof,) = verify_files([out], trust(world))
    assert "submission held" in proof.says
    text = out.read_text(encoding="utf-8")
    assert f'"number": {number}' in text
    out.write_text(text.replace("submission held", "submission lost"), encoding="utf-8")
    assert refused("log", "verify", str(out), "--key", made["keys"][0]) == 10
    with pytest.raises(IntegrityFailed):
        list(verify_files([out], trust(world)))


def test_nobody_is_called_a_witness_by_a_key_of_ones_own(world: World, tmp_path: Path) -> None:
    assert post(world, signed(world, head_of(world))).status_code == 201
    out = tmp_path / "one.proof.jsonl"
    exchange(world, "log", "prove", "2", "--out", str(out))
    head, *rest = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    note, strange = head["checkpoint"], SigningKey.generate()
    forged = cosign(note, witness_name(note.split("\n")[0], DURHAM), strange, int(world.clock().timestamp()))
    head["witnesses"].append({"party": DURHAM, "key": b64(strange.public.raw), "note": forged, "proof": []})
    out.write_text("".join(json.dumps(line) + "\n" for line in (head, *rest)), encoding="utf-8")
    (proof,) = verify_files([out], trust(world))
    assert (f"{CLEVELAND} cosigned" in proof.says, f"{DURHAM} cosigned" in proof.says) == (True, False)


@pytest.mark.parametrize("spoilt", [b"\xff\xfe\n", b"[" * 10**5 + b"\n", b'{"number": NaN}\n', b'{"format": 1, "format": 2}\n'])
def test_a_line_that_is_no_json_is_said_to_be_none(world: World, tmp_path: Path, spoilt: bytes) -> None:
    out = tmp_path / "one.proof.jsonl"
    exchange(world, "log", "prove", "2", "--out", str(out))
    whole = out.read_bytes()
    for content in (spoilt, whole + spoilt):
        out.write_bytes(content)
        assert refused("log", "verify", str(out), "--key", key_of(world)) == 6


def test_what_is_read_two_ways_is_no_proof(world: World, tmp_path: Path) -> None:
    out = tmp_path / "one.proof.jsonl"
    exchange(world, "log", "prove", "2", "--out", str(out))
    text = out.read_text(encoding="utf-8")
    out.write_text(text.replace('"entry": {', '"entry": {"what": "something else"}, "entry": {', 1), encoding="utf-8")
    assert refused("log", "verify", str(out), "--key", key_of(world)) == 6


def test_of_one_entry_the_words_are_said_and_of_no_entry_nothing(world: World, tmp_path: Path) -> None:
    out = tmp_path / "one.proof.jsonl"
    exchange(world, "log", "prove", "2", "--out", str(out))
    done = CliRunner().invoke(cli, ["log", "verify", str(out), "--key", key_of(world)], catch_exceptions=False)
    assert "Entry 2: {" in done.output
    assert refused("--config", str(configured(world)), "log", "prove", "999999", "--out", str(tmp_path / "none")) == 9
    assert not (tmp_path / "none").exists()


# ------------------------------------------------------------------------------------------------------------- redaction


def test_a_redacted_entry_is_said_to_be_so_everywhere(world: World, tmp_path: Path) -> None:
    number = put(world, who="Named Person", subject="something private", organisation=DURHAM)
    done = exchange(world, "log", "redact", str(number), "--reason", "it named somebody", "--person", "per-dpo")
    assert done == {"redacted": number, "entry": number + 1}
    assert exchange(world, "log", "search", "--subject", "something private")["entries"] == []
    (shown,) = [one for one in exchange(world, "log", "search", "--organisation", DURHAM)["entries"] if one["number"] == number]
    assert (shown["redacted"], shown["who"], shown["what"], shown["details"]) == (True, "", "", {})
    out = tmp_path / "gone.jsonl"
    exchange(world, "log", "prove", str(number), "--out", str(out))
    told = CliRunner().invoke(cli, ["log", "verify", str(out), "--key", key_of(world)], catch_exceptions=False)
    assert f"Entry {number}: redacted" in told.output
    assert "redacted" in next(iter(verify_files([out], trust(world)))).says
    exchange(world, "log", "export", str(tmp_path / "all.jsonl"))
    whole = CliRunner().invoke(cli, ["--json", "log", "verify", str(tmp_path / "all.jsonl"), "--key", key_of(world)])
    assert json.loads(whole.output)["redacted"] == 1
    everything = b"".join(lying(world.settings, "second_store").values())
    assert b"something private" not in everything
    config = str(configured(world))
    assert refused("--config", config, "log", "redact", str(number), "--reason", "again", "--person", "p") == 9
    assert refused("--config", config, "log", "redact", "10", "--reason", " ", "--person", "p") == 6


# ---------------------------------------------------------------------------------------------- for the Information Commissioner


@pytest.mark.parametrize("name", ["evidence", "evidence.zip"])
def test_the_export_for_the_information_commissioner_stands_by_itself(world: World, tmp_path: Path, name: str) -> None:
    world.hold()
    hostile = put(world, organisation=CLEVELAND, reference=REFERENCE, who=HARM, what="x", details={"reason": HARM})
    gone = put(world, organisation=CLEVELAND, reference=REFERENCE)
    exchange(world, "log", "redact", str(gone), "--reason", "it named somebody", "--person", "per-dpo")
    out = tmp_path / name
    chosen = ("--commissioner", "--reference", REFERENCE, "--organisation", CLEVELAND, "--from", "2026-11-01", "--to", "2026-12-01")
    made = exchange(world, "log", "export", str(out), *chosen)
    folder = out
    if out.suffix:
        with zipfile.ZipFile(out) as packed:
            packed.extractall(tmp_path / "unpacked")
        folder = tmp_path / "unpacked" / out.stem
    assert {path.name for path in folder.iterdir()} == {"entries.csv", "entries.jsonl", "checkpoint.txt", "README.txt"}
    rows = list(csv.DictReader(io.StringIO((folder / "entries.csv").read_bytes().decode(), newline="")))
    assert len(rows) == made["entries"] > 5
    assert {row["organisation"] for row in rows} == {CLEVELAND}
    assert {row["purpose"] for row in rows} == {REFERENCE}
    by_number = {row["number"]: row for row in rows}
    assert by_number[str(hostile)]["who"] == inert(HARM)
    assert by_number[str(gone)]["redacted"] == "yes"
    assert {"collection", "agreement", "erasure"} <= {row["operation"] for row in rows}
    assert any(row["name"] for row in rows)  # who signed has a name in the agreement
    world.disconnect()
    done = CliRunner().invoke(
        cli, ["--json", "log", "verify", str(folder / "entries.jsonl"), "--key", key_of(world)], catch_exceptions=False
    )
    assert json.loads(done.output)["entries"] == made["entries"]
    said = {proof.what for proof in verify_files([folder / "entries.jsonl"], trust(world))}
    assert said == {"log proof"}
    assert (folder / "checkpoint.txt").read_text(encoding="utf-8") in head_in(folder / "entries.jsonl")
    words = (folder / "README.txt").read_text(encoding="utf-8")
    assert key_of(world) in words
    assert "{" not in words
    assert refused("--config", str(configured(world)), "log", "export", str(out), "--commissioner") == 3


def test_entries_are_chosen_for_the_commissioner_alone(world: World, tmp_path: Path) -> None:
    done: Result = CliRunner().invoke(
        cli, ["--config", str(configured(world)), "log", "export", str(tmp_path / "x"), "--reference", REFERENCE]
    )
    assert done.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_what_a_witness_cosigned_goes_with_a_proof(world: World, tmp_path: Path) -> None:
    answer = post(world, signed(world, head_of(world)))
    assert answer.status_code == 201, answer.text
    put(world)
    out = tmp_path / "one.proof.jsonl"
    exchange(world, "log", "prove", "2", "--out", str(out))
    done = CliRunner().invoke(cli, ["--json", "log", "verify", str(out), "--key", key_of(world)], catch_exceptions=False)
    (witness,) = json.loads(done.output)["witnesses"]
    assert (witness["party"], witness["size"]) == (CLEVELAND, answer.get_json()["size"])
    assert witness["key"] == world.signing(f"{CLEVELAND}/witness").public.fingerprint
    assert f"{CLEVELAND} cosigned its first" in next(iter(verify_files([out], trust(world)))).says
