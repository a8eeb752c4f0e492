"""Who plays in the partnership, read from the example agreements themselves; and where each keeps its things."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from demo.cast import ROOT, Places

PEOPLE = "people-known"
LATEST = ("2026-08", "2026-10")
"""The months of which most is released."""

QUARTER = ("2025-01", "2025-03")
"""A cohort of which nothing is told until 18 months have passed."""

YEAR = ("2025-11", "2026-10")
"""What few say, is told of a year together, as the partnership's plan tells it."""

YEAR_AGO = ("2025-09", "2025-10")
"""Crimes whose 12 months are over."""

RELEASES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "LCJP-MV7": {"mv7-outcomes": LATEST},
    "LCJP-EFFECTIVENESS": dict.fromkeys(
        ("me1-trials", "me3-completions", "me5-timeliness", "me5-open", "me6-special-measures", "me7-claims"), LATEST
    ),
    "LCJP-VICTIMS": {
        **dict.fromkeys(("mv3-attendance", "mv3-again", "mv4-offers"), LATEST),
        **dict.fromkeys(("mv1-satisfaction", "mv8-support"), YEAR),
        "mv5-repeat": LATEST,
        "mv6-attrition": YEAR_AGO,
        PEOPLE: LATEST,
    },
    "LCJP-REOFFENDING": {
        **dict.fromkeys(("mr4-needs-nps", "mr4-needs-crc", "mr5-entrants", "mr7-referrals", "mr8-population", "mr8-movements"), LATEST),
        "mr1-reoffending": QUARTER,
        "mr7-diverted": QUARTER,
        PEOPLE: LATEST,
    },
}
"""What is released of each agreement, and of which months: all 23 measures. People are counted by who knows them once: an edition of those
charged, as the agreement on effectiveness counts them too, would stand beside the one on reoffending, and is refused."""

HISTORY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "charges": (("2025-01", "2026-07"),),
    "victims": (("2025-08", "2026-07"),),
    "cps_completed": (("2025-09", "2026-07"),),
    "witness_days": (("2025-09", "2026-07"),),
    "rj_offers": (("2025-09", "2026-07"),),
    "survey": (("2025-11", "2026-07"),),
    "support_cases": (("2025-11", "2026-07"),),
    "prison_movements": (QUARTER,),
    "nps_caseload": (QUARTER,),
    "crc_caseload": (QUARTER,),
    "yos_interventions": (QUARTER,),
    "ecins_cases": (("2024-12", QUARTER[1]),),
    "liaison_referrals": (QUARTER,),
}
"""Dataset → what is pushed beside the latest months, for the releases of a year, and those that follow people and cases over time."""

_WORKSTREAMS = ("mv7", "effectiveness", "victims", "reoffending")


@dataclass(frozen=True)
class Paper:
    """One example agreement, as it ships: fingerprints not yet filled in."""

    template: Path

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The tables of the document."""
        return tomllib.loads(self.template.read_text(encoding="utf-8"))

    @property
    def reference(self) -> str:
        """The agreement's reference."""
        return str(self.document["agreement"]["reference"])

    @property
    def parties(self) -> list[str]:
        """Every party's id, in the agreement's order."""
        return [party["id"] for party in self.document["parties"]]

    @property
    def suppliers(self) -> list[str]:
        """The parties that supply any dataset, in the agreement's order."""
        supplying = {name for dataset in self.document["datasets"] for name in dataset["suppliers"]}
        return [party for party in self.parties if party in supplying]

    @property
    def keyed(self) -> list[str]:
        """The suppliers of any pseudonym: those who need the linkage secret."""
        keyed = [one for one in self.document["datasets"] if any("pseudonymise" in field["rule"] for field in one["fields"])]
        return [party for party in self.suppliers if any(party in one["suppliers"] for one in keyed)]

    @property
    def checkers(self) -> list[str]:
        """The parties that have somebody to check outputs."""
        return [party["id"] for party in self.document["parties"] if party.get("checkers")]

    @property
    def linked(self) -> list[tuple[str, str]]:
        """(dataset, supplier) whose records are linked into people: every dataset with a key of a kind that links."""
        kinds = {kind for linkage in self.document.get("linkages", ()) for kind in linkage["rules"]}
        return [
            (dataset["name"], supplier)
            for dataset in self.document["datasets"]
            if any(field["rule"].get("pseudonymise") in kinds for field in dataset["fields"])
            for supplier in dataset["suppliers"]
        ]

    @property
    def operator(self) -> str:
        """The hub's operator."""
        return next(str(party["id"]) for party in self.document["parties"] if party.get("operator"))


PAPERS = tuple(Paper(ROOT / "config" / "agreements" / f"{name}.toml") for name in _WORKSTREAMS)


@dataclass(frozen=True)
class Scene:
    """What is played: which agreements, which months of everything and which more of some datasets, what is released, how large a population

    (1 is the two forces' real size), and from which seed.
    """

    papers: tuple[Paper, ...] = PAPERS
    first: str = LATEST[0]
    last: str = LATEST[1]
    history: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=lambda: HISTORY)
    releases: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=lambda: RELEASES)
    scale: float = 1.0
    seed: int = 1912

    @property
    def began(self) -> str:
        """The first month of which anything is pushed."""
        return min([self.first, *(first for spans in self.history.values() for first, _ in spans)])

    def pushed(self, dataset: str, month: str) -> bool:
        """Whether a month of a dataset is sent."""
        return any(first <= month <= last for first, last in ((self.first, self.last), *self.history.get(dataset, ())))

    @property
    def operator(self) -> str:
        """The hub's operator."""
        return self.papers[0].operator

    @property
    def parties(self) -> list[str]:
        """Everybody, once."""
        return list(dict.fromkeys(party for paper in self.papers for party in paper.parties))

    @property
    def suppliers(self) -> list[str]:
        """Who supplies anything, once."""
        return list(dict.fromkeys(party for paper in self.papers for party in paper.suppliers))

    @property
    def checkers(self) -> frozenset[str]:
        """Who has somebody to check outputs."""
        return frozenset(party for paper in self.papers for party in paper.checkers)


WHOLE = Scene()


@dataclass(frozen=True)
class Extract:
    """One file that an agency's system exports: of which dataset and period, and how many rows it has. ``number``: the ledger's, for its rows."""

    number: int
    supplier: str
    dataset: str
    period: str
    path: Path
    rows: int


@dataclass(frozen=True)
class Stage(Places):
    """Folders of one run."""

    scene: Scene = WHOLE

    @property
    def data(self) -> Path:
        """The invented extracts; each agency would have only its own."""
        return self.run / "synthetic"

    @property
    def ledger(self) -> Path:
        """What truly happened: for the comparison at the end, and for nobody at the hub."""
        return self.data / "ledger"

    def paper(self, paper: Paper) -> Path:
        """An agreement, filled in."""
        return self.run / f"{paper.reference.lower()}.toml"

    def extracts(self) -> list[Extract]:
        """What was invented for the datasets of the agreements, in the order of its index."""
        known = {
            (name, dataset["name"])
            for paper in self.scene.papers
            for dataset in paper.document["datasets"]
            for name in dataset["suppliers"]
        }
        listed = json.loads((self.data / "manifest.json").read_text(encoding="utf-8"))["extracts"]
        return [
            Extract(one["number"], one["supplier"], dataset, one["period"], self.data / one["path"], one["rows"])
            for one in listed
            for dataset in one["datasets"]
            if (one["supplier"], dataset) in known and self.scene.pushed(dataset, one["period"])
        ]
