"""The commands as people and schedules meet them."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.agency.cli import run
from agreements.document import canonical
from keys.encoding import parse_json
from keys.formats import Card
from keys.sign import SigningKey, Use, sign_document
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.partnership import REPOSITORY, Partnership
from tests.adapters.standin import StandIn

RECIPIENT = "lcjp-performance-team"


def command(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-W", "error", "-m", "adapters.agency.cli", *(str(one) for one in arguments)]
    return subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


# ---------------------------------------------------------------------------------------------------------------- init


def test_init_makes_keys_cards_and_settings_and_says_what_is_next(tmp_path: Path) -> None:
    done = command("init", "--party", "cleveland-police", "--hub", "https://hub.example", "--home", tmp_path / "new", "--json")
    assert done.returncode == 0, done.stderr
    cards = {path.name: Card.parse(parse_json(path.read_bytes())) for path in (tmp_path / "new" / "cards").iterdir()}
    assert sorted(cards) == [f"cleveland-police-{role}.card.json" for role in ("client", "encryption", "manifest", "witness")]
    assert {card.role: card.fingerprint for card in cards.values()} == json.loads(done.stdout)["cards"]
    assert "Next:" in done.stderr
    for path in (tmp_path / "new" / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    config = command("config", "--origin", "--home", tmp_path / "new", EXCHANGE_AGENCY_PATIENCE="7")
    assert "network.patience = 7.0    (environment, EXCHANGE_AGENCY_PATIENCE)" in config.stdout
    assert "agency.toml, party)" in config.stdout


def test_init_never_overwrites_and_finishes_what_was_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["init", "--party", "cleveland-police", "--hub", "https://hub.example", "--home", str(tmp_path)]
    assert run(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert run(arguments) == 3
    (tmp_path / "agency.toml").unlink()
    (tmp_path / "cards" / "cleveland-police-client.card.json").unlink()
    assert run(arguments) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before
    (tmp_path / "agency.toml").unlink()
    assert run(["init", "--party", "durham-constabulary", *arguments[3:]]) == 3


def test_a_recipient_has_a_client_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--party", RECIPIENT, "--hub", "https://hub.example", "--home", str(tmp_path), "--recipient"]) == 0
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["client.json"]
    assert run(["push", "crimes", str(CRIMES), "--period", "2021-04", "--home", str(tmp_path)]) == 3


@pytest.mark.parametrize(
    "spoiled",
    [
        ["--hub", "http://hub.example"],
        ["--hub", 'https://x"\ny'],
        ["--party", "No Name"],
        ["--pin-signatory", "abc"],
        ["--hub", "ftp://x"],
        ["--hub", f"https://{'a' * 64}.example"],
    ],
)
def test_init_refuses_what_cannot_be_before_it_makes_anything(
    tmp_path: Path, spoiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["init", "--party", "cleveland-police", "--hub", "https://hub.example", "--home", str(tmp_path / "new"), *spoiled]
    assert run(given) == 3
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------------------------------------------------------- doctor


def steps(desk: Desk) -> dict[str, str]:
    lines = desk("doctor").out.splitlines()
    return {line.split()[1]: line.split()[0] for line in lines if line and not line.startswith(" ")}


def test_doctor_walks_the_whole_road(cleveland: Desk) -> None:
    found = steps(cleveland)
    assert list(found) == ["clock", "DNS", "proxy", "TLS", "key", "token", "agreement", "witnesses"]
    assert {name for name, mark in found.items() if mark != "ok"} == {"witnesses"}  # nothing was watched from here yet
    assert cleveland("watch").code == 0
    assert set(steps(cleveland).values()) == {"ok"}


def test_doctor_stops_at_the_first_fault_and_says_what_to_do(cleveland: Desk, hub: StandIn, tmp_path: Path) -> None:
    cleveland.setting('audience = "https://elsewhere.example/oauth2/token"')
    answer = cleveland("doctor")
    assert (answer.code, steps(cleveland)["token"]) == (4, "STOP")
    assert "Set “audience”" in answer.err or "set “audience”" in answer.err
    (cleveland.home / "keys" / "client.json").chmod(0o644)
    assert (cleveland("doctor").code, steps(cleveland)["key"]) == (3, "STOP")


def test_doctor_says_when_nobody_answers(cleveland: Desk) -> None:
    answer = cleveland("doctor", "--hub", "http://127.0.0.1:9")
    assert answer.code == 8
    assert "STOP TLS" in answer.out
    assert "Not tried. It needs TLS, which failed." in answer.out


# ---------------------------------------------------------------------------------------------------------------- check, status


def test_check_shows_what_would_leave_on_invented_values_and_sends_nothing(cleveland: Desk, hub: StandIn) -> None:
    answer = cleveland("check", "crimes", CRIMES, "--period", "2021-04", "--json")
    assert answer.code == 0, answer.err
    [shown] = answer.json["agreements"]
    assert [one["field"] for one in shown["fields"]] == ["crime", "month", "authority", "crime_type", "last_outcome"]
    assert [one["empty"] for one in shown["fields"]] == [2, 0, 0, 0, 3]
    assert shown["unread"] == ["Reported by", "Falls within", "Longitude", "Latitude", "Location", "LSOA name", "Context"]
    assert shown["rows"] == 7
    assert not hub.submissions
    assert cleveland.spooled == []
    plain = cleveland("check", "crimes", CRIMES, "--period", "2021-04", "--offline")
    assert "Never read past the header: Reported by" in plain.out
    assert hashlib.sha256(b"an invented crime").hexdigest() in plain.out
    for line in CRIMES.read_text().splitlines()[1:]:
        assert not line.split(",")[0] or line.split(",")[0] not in plain.out


def test_check_names_faults_as_push_would(cleveland: Desk, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(CRIMES.read_text().replace("Robbery", "Piracy"))
    answer = cleveland("check", "crimes", spoiled, "--period", "2021-04")
    assert (answer.code, "crime_type: 1 row" in answer.err, "Piracy" in answer.err + answer.out) == (6, True, False)


def test_status_says_what_waits_and_what_is_held(cleveland: Desk, hub: StandIn) -> None:
    cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait")
    assert "Waiting here: LCJP-MV7 crimes 2021-04" in cleveland("status").out
    cleveland("push", "--resume")
    found = cleveland("status", "--json").json
    assert (found["waiting"], found["submissions"][0]["receipt_here"]) == ([], True)
    assert cleveland("status", "--offline").code == 0


def test_status_alarms_at_a_submission_that_this_folder_did_not_send(cleveland: Desk, hub: StandIn) -> None:
    cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    for path in (cleveland.home / "receipts").glob("*/*"):
        path.unlink()
    assert "NO RECEIPT HERE" in cleveland("status").out


# ---------------------------------------------------------------------------------------------------------------- pull, verify


def publish(hub: StandIn, partnership: Partnership, key: SigningKey | None = None) -> None:
    files = {"by-area.csv": b"force,value\nBoth,10\n", "by-area.json": b"{}", "by-area.csv-metadata.json": b'{"a":1}'}
    document = {
        "format": 1,
        "edition": "ed-1",
        "reference": "LCJP-MV7",
        "version": 1,
        "agreement": partnership.agreement.digest,
        "release": "mv7-outcomes",
        "first_period": "2021-04",
        "last_period": "2021-05",
        "files": {name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    hub.editions["ed-1"] = (sign_document(document, Use.EDITION, key or partnership.signing("lcjp-operator/editions")), files)


@pytest.fixture
def team(install: Callable[[str], Desk]) -> Desk:
    return install(RECIPIENT)


def test_a_recipient_pulls_a_verified_edition_and_verifies_it_again_offline(
    team: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path
) -> None:
    publish(hub, partnership)
    answer = team("pull", "LCJP-MV7", "mv7-outcomes", "--to", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    folder = tmp_path / "out" / "ed-1"
    assert sorted(path.name for path in folder.iterdir()) == ["by-area.csv", "by-area.csv-metadata.json", "by-area.json", "edition.json"]
    before = len(hub.requests)
    assert team("verify", *sorted(folder.iterdir())).code == 0
    assert len(hub.requests) == before
    assert team("pull", "LCJP-MV7", "mv7-outcomes", "--to", tmp_path / "out").code == 0
    assert not [asked for asked in hub.requests[before:] if "/tables/" in asked]
    (folder / "by-area.csv").write_bytes(b"force,value\nBoth,11\n")
    assert team("verify", folder / "edition.json", folder / "by-area.csv").code == 10


def test_a_table_or_statement_that_does_not_hold_is_not_kept(team: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path) -> None:
    publish(hub, partnership)
    hub.editions["ed-1"][1]["by-area.csv"] = b"other"
    assert team("pull", "LCJP-MV7", "mv7-outcomes", "--to", tmp_path / "out").code == 10
    assert not (tmp_path / "out" / "ed-1" / "by-area.csv").exists()
    publish(hub, partnership, SigningKey.generate())
    assert team("pull", "LCJP-MV7", "mv7-outcomes", "--to", tmp_path / "other").code == 10


def test_everything_signed_is_verified_offline_by_the_agreement_alone(
    cleveland: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path
) -> None:
    cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    [folder] = (cleveland.home / "receipts").iterdir()
    export = tmp_path / "agreement.json"
    export.write_text(json.dumps(partnership.export()))
    checkpoint = tmp_path / "checkpoint.txt"
    checkpoint.write_text(json.loads((cleveland.home / "checkpoint.json").read_text())["note"])
    envelope = tmp_path / "envelope.json"
    envelope.write_text(json.dumps(hub.envelopes[0]))
    done = command(
        "verify", *sorted(folder.iterdir()), export, checkpoint, envelope, "--agreement", export, "--home", tmp_path / "none", "--json"
    )
    assert done.returncode == 0, done.stderr
    whats = [one["what"] for one in json.loads(done.stdout)["files"]]
    assert sorted(whats) == ["acknowledgement", "agreement", "checkpoint", "envelope", "manifest", "receipt"]
    assert command("verify", folder / "receipt.json", "--home", tmp_path / "none").returncode == 3


def test_anything_altered_is_noticed(cleveland: Desk, hub: StandIn, partnership: Partnership, tmp_path: Path) -> None:
    cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    [folder] = (cleveland.home / "receipts").iterdir()
    for path in folder.iterdir():
        changed = tmp_path / path.name
        changed.write_bytes(path.read_bytes().replace(b"2021-04", b"2021-05").replace(b'"received":"20', b'"received":"21'))
        assert cleveland("verify", changed).code == 10
    stripped = {"canonical": canonical(partnership.agreement).decode(), "statements": partnership.statements()[:-1]}
    (tmp_path / "stripped.json").write_text(json.dumps(stripped))
    assert cleveland("verify", tmp_path / "stripped.json").code == 5
    assert cleveland("verify", CRIMES).code == 2
