"""What an analyst pulls with, against the real server: every line that the release page offers, run as it stands there where its tool is installed.

Skipped by name where a tool is not: Rscript (Debian: r-base-core), soffice (libreoffice-calc-nogui), curl.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import requests
from csvw import CSVW
from odata import ODataService

from demo.cast import OPERATOR, RECIPIENT, REFERENCE, RELEASE
from exchange.web.pasting import Paste, pasted
from tests.functional.raw import Raw, small
from tests.functional.truth import log_entries
from tests.functional.world import CLEVELAND, DURHAM, Server, World, copied, document_of, person

MONTH, TABLE = "2021-06", "by-area"


@dataclass
class Scene:
    """A server with one published edition, and a token of its release."""

    world: World
    edition: str
    token: str

    @property
    def latest(self) -> str:
        return f"{self.world.address}/v1/releases/{REFERENCE}/{RELEASE}/latest"

    @property
    def feed(self) -> str:
        return f"{self.world.address}/odata/{REFERENCE}/{RELEASE}/"

    def get(self, address: str, **headers: str) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return requests.get(address, headers=sent, timeout=60)

    def rows(self) -> list[dict[str, str]]:
        """The published CSV, read by the standard library."""
        return list(csv.DictReader(io.StringIO(self.get(f"{self.latest}/{TABLE}.csv").text)))

    def line(self, tool: str) -> Paste:
        """The lines as the page has them."""
        return next(one for one in pasted(self.world.address, REFERENCE, RELEASE, TABLE, ("[c]",)) if one.tool == tool)

    def run(self, *command: str, cwd: Path) -> str:
        """A tool, with the token in its environment as the page says."""
        asked = {**os.environ, "LCJP_TOKEN": self.token}
        done = subprocess.run(command, cwd=cwd, env=asked, capture_output=True, text=True, timeout=180, check=False)  # our own words
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


def program(name: str) -> str:
    """Where a tool is; the test is skipped where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: its line was not tried")
    return found


def fill(world: World, folder: Path) -> None:
    """One month of both suppliers, held."""
    for party in (CLEVELAND, DURHAM):
        raw = Raw(world, party)
        for dataset in ("crimes", "outcomes"):
            submission = raw.sent(raw.sealed(small(folder, party, dataset, MONTH, rows=400)))
            assert raw.decided(submission)["state"] == "held"


def published(world: World) -> str:
    """An edition of that month, checked by two."""
    asked = ("--json", "release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH)
    edition = str(json.loads(world.exchange(*asked, "--key", person(world, OPERATOR, "checker")))["edition"])
    for party in (CLEVELAND, DURHAM):
        world.exchange("release", "check", edition, "--approve", "--key", person(world, party, "checker"))
    return edition


def token_of(world: World, *more: str) -> str:
    """What the operator runs, and hands over."""
    asked = ("dataset-token", "issue", REFERENCE, RELEASE, "--recipient", RECIPIENT, "--purpose", "a test", *more)
    return world.exchange(*asked).splitlines()[0]


@pytest.fixture(scope="module")
def scene(prepared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    world = copied(prepared, tmp_path_factory.mktemp("pulling") / "run")
    with Server(world) as server:
        server.start()
        fill(world, tmp_path_factory.mktemp("extracts"))
        yield Scene(world, published(world), token_of(world))


# ------------------------------------------------------------------------------------------------------- the lines


def test_python(scene: Scene, tmp_path: Path) -> None:
    script = (
        scene.line("Python").lines
        + "\nimport json\nprint(json.dumps([df['count'].dtype.kind, len(df), df['count'].sum(), int(df['count'].isna().sum())]))"
    )
    kind, length, total, hidden = json.loads(scene.run(sys.executable, "-c", script, cwd=tmp_path))
    rows = scene.rows()
    shown = [int(one["count"]) for one in rows if one["count"] != "[c]"]
    assert (kind, length, total, hidden) == ("f", len(rows), sum(shown), len(rows) - len(shown))
    assert hidden > 0


def test_r(scene: Scene, tmp_path: Path) -> None:
    rscript = program("Rscript")
    script = tmp_path / "line.R"
    script.write_text(
        scene.line("R").lines
        + '\ncat(is.numeric(df$count), nrow(df), sum(df$count, na.rm = TRUE), sum(is.na(df$count)), names(df), sep = "|")\n',
        "utf-8",
    )
    rows = scene.rows()
    shown = [int(one["count"]) for one in rows if one["count"] != "[c]"]
    wanted = ["TRUE", str(len(rows)), str(sum(shown)), str(len(rows) - len(shown)), *rows[0]]
    assert scene.run(rscript, "--vanilla", str(script), cwd=tmp_path).split("|") == wanted


def test_curl(scene: Scene, tmp_path: Path) -> None:
    program("curl")
    shell = program("bash")
    for _ in range(2):  # the second time nothing has changed, and the file stays
        scene.run(shell, "-c", scene.line("curl").lines, cwd=tmp_path)
        assert (tmp_path / f"{TABLE}.csv").read_text(encoding="utf-8") == scene.get(f"{scene.latest}/{TABLE}.csv").text


def test_odata_as_power_bi_asks(scene: Scene) -> None:
    """Basic credentials, the service document, metadata, then pages: by a client that is not ours."""
    assert scene.feed in scene.line("Power BI").lines
    assert scene.feed in scene.line("Excel").lines
    session = requests.Session()
    session.auth = ("anybody", scene.token)
    session.headers["Prefer"] = "odata.maxpagesize=100"
    service = ODataService(scene.feed, session=session, reflect_entities=True, quiet_progress=True)
    assert {"by_area", "by_type", "months_to_outcome"} <= set(service.entities)
    entity = service.entities["by_area"]
    found = [(one.force, one.authority, one.month, one.group, one.count) for one in service.query(entity)]
    wanted = [
        (*(one[name] for name in ("force", "authority", "month", "group")), int(one["count"]) if one["count"] != "[c]" else None)
        for one in scene.rows()
    ]
    assert len(found) > 300
    assert found == wanted
    picked = service.query(entity).filter(entity.force == "Cleveland").filter(entity.group != "Charged")
    assert [one.count for one in picked] == [one[4] for one in wanted if one[0] == "Cleveland" and one[3] != "Charged"]


def test_whoever_comes_without_a_token_is_told_how_to_come(scene: Scene) -> None:
    answer = requests.get(scene.feed, timeout=30)
    assert document_of(answer)["code"] == "no-token"
    assert "Basic" in answer.headers["WWW-Authenticate"]


# ------------------------------------------------------------------------------------------------------- the files


def test_the_csvw_is_valid_by_itself_and_beside_its_csv(scene: Scene, tmp_path: Path) -> None:
    for table in ("by-area", "by-type", "months-to-outcome"):
        for name in (f"{table}.csv", f"{table}.csv-metadata.json"):
            (tmp_path / name).write_bytes(scene.get(f"{scene.latest}/{name}").content)
        read = CSVW(str(tmp_path / f"{table}.csv-metadata.json"), validate=True)
        assert read.is_valid
        (only,) = read.tables
        counts = [row["count"] for row in only]
        assert None in counts or table != TABLE
        assert all(count is None or isinstance(count, int) for count in counts)


def test_libreoffice_opens_the_spreadsheet_and_reads_the_same(scene: Scene, tmp_path: Path) -> None:
    soffice = program("soffice")
    path = tmp_path / "edition.xlsx"
    path.write_bytes(scene.get(f"{scene.latest}/edition.xlsx").content)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    export = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,4"  # UTF-8, cells as they are, the fourth sheet
    scene.run(soffice, "--headless", profile, "--convert-to", export, "--outdir", str(tmp_path / "out"), str(path), cwd=tmp_path)
    (made,) = (tmp_path / "out").glob("*.csv")
    read = list(csv.reader(io.StringIO(made.read_text(encoding="utf-8"))))
    head = next(number for number, row in enumerate(read) if row[:2] == ["Police force", "Local authority"])
    assert [row[:5] for row in read[head + 1 :]] == [list(one.values()) for one in scene.rows()]
    assert openpyxl.load_workbook(path).sheetnames[:3] == ["Cover_sheet", "Contents", "Notes"]


def test_what_was_pulled_stands_in_the_log_and_the_token_does_not(scene: Scene) -> None:
    assert scene.get(f"{scene.latest}/{TABLE}.parquet").status_code == 200
    entries: list[dict[str, Any]] = log_entries(scene.world.hub())
    pulled = [one for one in entries if one["what"] == "edition downloaded" and one["details"]["file"] == f"{TABLE}.parquet"]
    assert pulled[-1]["details"]["token"] == scene.token.split("_")[1]
    assert pulled[-1]["recipient"] == RECIPIENT
    word = scene.token.split("_", 2)[2]  # it may have a "_" of its own
    assert word not in json.dumps(entries)
    assert word not in scene.world.log.read_text(encoding="utf-8")
    assert word not in scene.world.exchange("--json", "dataset-token", "list")


def test_a_revoked_token_is_refused_at_once(scene: Scene) -> None:
    token = token_of(scene.world, "--days", "7", "--network", "127.0.0.0/8")
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{scene.latest}/{TABLE}.csv", headers=headers, timeout=30).status_code == 200
    scene.world.exchange("dataset-token", "revoke", token.split("_")[1], "--reason", "a test")
    assert document_of(requests.get(f"{scene.latest}/{TABLE}.csv", headers=headers, timeout=30))["code"] == "revoked-token"
    assert "REVOKED" in scene.world.exchange("dataset-token", "list")
