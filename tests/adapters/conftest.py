"""A partnership, its hub on loopback, and two agencies' folders, for tests that walk the whole road."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.agency.cli import run
from tests.adapters.contract import DATA
from tests.adapters.partnership import SUPPLIERS, Partnership
from tests.adapters.standin import StandIn

CRIMES, OUTCOMES = DATA / "police_crimes.csv", DATA / "police_outcomes.csv"


@dataclass(frozen=True)
class Answer:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """One agency's desk: its folder, and its command."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Answer:
        self.capture.readouterr()
        code = run([*(str(one) for one in arguments), "--home", str(self.home)])
        said = self.capture.readouterr()
        return Answer(code, said.out, said.err)

    def setting(self, line: str) -> None:
        """Put a line at the head of agency.toml."""
        path = self.home / "agency.toml"
        path.write_text(line + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")

    @property
    def spooled(self) -> list[Path]:
        spool = self.home / "spool"
        return sorted(path for path in spool.iterdir()) if spool.is_dir() else []


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy", "EXCHANGE_AGENCY_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def partnership() -> Partnership:
    return Partnership()


@pytest.fixture
def hub(partnership: Partnership) -> Iterator[StandIn]:
    found = StandIn(partnership)
    with found.serving():
        yield found


@pytest.fixture
def install(tmp_path: Path, hub: StandIn, partnership: Partnership, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Desk]:
    return lambda party: Desk(partnership.install(tmp_path / party, party, hub.address), capsys)


@pytest.fixture
def cleveland(install: Callable[[str], Desk]) -> Desk:
    """The first supplier, its secret issued: ready to push."""
    desk = install(SUPPLIERS[0])
    assert desk("keys", "issue", "LCJP-MV7").code == 0
    return desk


@pytest.fixture
def durham(cleveland: Desk, install: Callable[[str], Desk]) -> Desk:
    """The second supplier, who has accepted the secret."""
    desk = install(SUPPLIERS[1])
    assert desk("keys", "accept", "LCJP-MV7").code == 0
    return desk


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Twenty thousand invented crimes, nearly all with ids of their own."""
    return generate(tmp_path / "big.csv", 20_000)


def generate(path: Path, rows: int, seed: int = 1) -> Path:
    """A street file of invented crimes."""
    chance = random.Random(seed)
    types = ["Burglary", "Drugs", "Robbery", "Shoplifting", "Vehicle crime"]
    last = ["Under investigation", "Local resolution", "Investigation complete; no suspect identified", ""]
    with path.open("w", encoding="utf-8") as file:
        file.write(CRIMES.read_text(encoding="utf-8").splitlines()[0] + "\n")
        for _ in range(rows):
            asb = chance.random() < 0.2
            crime = "" if asb else f"{chance.getrandbits(256):064x}"
            kind = "Anti-social behaviour" if asb else chance.choice(types)
            outcome = "" if asb else chance.choice(last)
            place = f"On or near CANARY {chance.randrange(999)}"
            file.write(
                f"{crime},2021-04,Cleveland Police,Cleveland Police,-1.23,54.71,{place},E01011954,Hartlepool 001A,{kind},{outcome},\n"
            )
    return path
