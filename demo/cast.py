"""Who plays in the demonstration, and where each keeps its things. Every folder stands for one organisation's own machine."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT / "demo" / "data"
TEMPLATE = ROOT / "config" / "agreements" / "mv7.toml"
REFERENCE, RELEASE = "LCJP-MV7", "mv7-outcomes"
MONTHS = ("2021-04", "2021-05")
RECIPIENT = "lcjp-performance-team"
OPERATOR = "lcjp-operator"


@dataclass(frozen=True)
class Agency:
    """A supplier: its party id, and how its public files are named."""

    party: str
    short: str

    def files(self, kind: str) -> list[Path]:
        """Its extracts of one kind, a month each."""
        return [DATA / f"{month}-{self.short}-{kind}.csv.gz" for month in MONTHS]


AGENCIES = (Agency("cleveland-police", "cleveland"), Agency("durham-constabulary", "durham"))
PARTIES = (*(agency.party for agency in AGENCIES), OPERATOR)


@dataclass(frozen=True)
class Places:
    """Folders of one run."""

    run: Path

    @property
    def hub(self) -> Path:
        """The operator's machine."""
        return self.run / "hub"

    def agency(self, party: str) -> Path:
        """An agency's machine."""
        return self.run / party

    def people(self, party: str) -> Path:
        """The key files of a party's people; each would be on its owner's own device."""
        return self.run / "people" / party

    def key(self, party: str, role: str) -> Path:
        """A person's key file."""
        return self.people(party) / f"{party}-{role}.key.json"

    def cards(self) -> list[Path]:
        """Every public-key card handed in."""
        return sorted({*self.run.glob("*/cards/*.card.json"), *self.run.glob("people/*/*.card.json")})

    @property
    def agreement(self) -> Path:
        """The agreement, filled in."""
        return self.run / "lcjp-mv7.toml"

    @property
    def out(self) -> Path:
        """What the performance team receives: a folder an edition."""
        return self.run / "performance-team"

    @property
    def edition(self) -> Path:
        """The folder of the edition that was downloaded."""
        return next(path for path in sorted(self.out.iterdir()) if path.is_dir())
