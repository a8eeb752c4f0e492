"""Who plays in the sandbox, which months, and what it tells other programs of itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template

from demo.cast import Places

TEMPLATE = Path(__file__).parent / "agreement.toml"
REFERENCE, RELEASE, DATASET = "SANDBOX-OUTCOMES", "outcomes", "crimes"
ORIGIN = "lcjp-exchange/sandbox"
SUPPLIERS = ("sandbox-northmoor", "sandbox-eastvale")
OPERATOR, RECIPIENT = "sandbox-operator", "sandbox-performance-team"
PARTIES = (*SUPPLIERS, OPERATOR)
CARD = "sandbox.json"


@dataclass(frozen=True)
class Months:
    """The months of a sandbox made on a day, counted back from it. All but ``free`` follow each other."""

    today: date

    def back(self, months: int) -> str:
        """The month so many before this one, ``YYYY-MM``."""
        number = self.today.year * 12 + self.today.month - 1 - months
        return f"{number // 12:04}-{number % 12 + 1:02}"

    @property
    def held(self) -> tuple[str, str]:
        """Of these both suppliers' rows are held, and an edition is published."""
        return self.back(3), self.back(2)

    @property
    def ready(self) -> str:
        """Of this there are extracts that nobody has pushed."""
        return self.back(1)

    @property
    def free(self) -> str:
        """Of this nobody has anything: for trying whatever one likes."""
        return self.back(9)

    def agreement(self) -> str:
        """The agreement with its days, its fingerprints not yet filled in: in force since the first of this month, for a year."""
        year, month = self.today.year, self.today.month
        half = date(year + (month + 5) // 12, (month + 5) % 12 + 1, 1)
        days: Mapping[str, object] = {
            "begins": date(year, month, 1),
            "ends": date(year + 1, month, 1),
            "review": half,
            "first": self.back(24),
        }
        return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(days)


@dataclass(frozen=True)
class Card:
    """What another program needs to use a sandbox, as it stands in ``sandbox.json``. Paths are absolute."""

    url: str
    folder: str
    reference: str
    dataset: str
    release: str
    free_period: str
    ready_period: str
    supplier: str
    tried: str
    recipient: str
    dataset_token: str
    invitation: str

    def write(self, places: Places) -> None:
        """Leave it in the sandbox's folder."""
        (places.run / CARD).write_text(json.dumps(self.__dict__, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Card":
        """That of a sandbox's folder."""
        return cls(**json.loads((folder / CARD).read_text(encoding="utf-8")))

    @property
    def places(self) -> Places:
        """The sandbox's folders."""
        return Places(Path(self.folder))

    def key(self, party: str, use: str) -> Path:
        """A machine's key file."""
        return self.places.agency(party) / "keys" / f"{use}.json"
