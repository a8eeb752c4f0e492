"""The record of processing that each party must keep: UK GDPR Article 30, or Data Protection Act 2018 section 61 for Part 3 datasets.

One entry for each dataset and regime under which the party processes it. An entry holds what its law asks for, the reference by which it
is found; for a controller the conditions for sensitive data, which DPA 2018 s.42 and Schedule 1 paragraph 41 have recorded with it; and for
Article 30 the lawful basis as well, which the Information Commissioner advises to record beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agreements.model import Agreement, Category, Dataset, LawfulBasis, Party, Regime, Role
from exchange.exports.csv_table import to_csv
from exchange.exports.vocabulary import SUBJECTS

FORMAT = "lcjp-exchange/processing-record/1"


class Law(StrEnum):
    """The provision that an entry answers."""

    ARTICLE_30_1 = "UK GDPR Article 30(1)"
    ARTICLE_30_2 = "UK GDPR Article 30(2)"
    SECTION_61_2 = "DPA 2018 section 61(2)"
    SECTION_61_4 = "DPA 2018 section 61(4)"


_LAWS: Mapping[tuple[Regime, bool], Law] = {
    (Regime.UK_GDPR, True): Law.ARTICLE_30_1,
    (Regime.UK_GDPR, False): Law.ARTICLE_30_2,
    (Regime.PART_3, True): Law.SECTION_61_2,
    (Regime.PART_3, False): Law.SECTION_61_4,
}
_HEAD = ("law", "agreement", "version", "dataset")
_BOTH = ("organisation", "data_protection_officer")
_BASIS = ("lawful_basis", "legal_power")
_CONTROLLER = (
    *_BOTH,
    "joint_controllers",
    "purposes",
    "subjects",
    "personal_data",
    "recipients",
    "transfers",
    "retention",
    "security",
    "sensitive",
)
_PROCESSOR = (*_BOTH, "controllers", "processing", "transfers", "security")
ASKED: Mapping[Law, tuple[str, ...]] = {
    Law.ARTICLE_30_1: (*_HEAD, *_CONTROLLER, *_BASIS),
    Law.ARTICLE_30_2: (*_HEAD, *_PROCESSOR, *_BASIS),
    Law.SECTION_61_2: (*_HEAD, *_CONTROLLER, *_BASIS, "profiling"),
    Law.SECTION_61_4: (*_HEAD, *_PROCESSOR, *_BASIS, "other_processors"),
}
"""What each law asks for. A column that an entry's law does not ask for is empty in CSV and absent from JSON."""
COLUMNS: tuple[str, ...] = tuple(dict.fromkeys(column for columns in ASKED.values() for column in columns))
_CATEGORIES = {Category.ORDINARY: "", Category.SPECIAL: " [special category]", Category.OFFENCE: " [criminal offence]"}


@dataclass(frozen=True)
class Record:
    """One party's record under one version of an agreement."""

    agreement: Agreement
    party: Party
    entries: tuple[Mapping[str, str], ...]

    def document(self) -> dict[str, Any]:
        """For programs: each entry with exactly what its law asks for."""
        return {
            "format": FORMAT,
            "agreement": self.agreement.reference,
            "version": self.agreement.version,
            "digest": self.agreement.digest,
            "party": self.party.id,
            "role": self.party.role.value,
            "entries": [dict(entry) for entry in self.entries],
        }

    def csv(self) -> str:
        """For spreadsheets: ``COLUMNS``, one row an entry."""
        return to_csv(COLUMNS, [{column: entry.get(column, "") for column in COLUMNS} for entry in self.entries])


def record_of(agreement: Agreement, party: Party) -> Record:
    """The record that this party keeps, in the order of the agreement's datasets."""
    found = [(dataset, basis) for dataset in agreement.datasets for basis in party.bases_of(dataset.name)]
    return Record(agreement, party, tuple(_entry(agreement, party, dataset, basis) for dataset, basis in found))


def _entry(agreement: Agreement, party: Party, dataset: Dataset, basis: LawfulBasis) -> Mapping[str, str]:
    law = _LAWS[basis.regime, party.role is not Role.PROCESSOR]
    values = {
        "law": law.value,
        "agreement": agreement.reference,
        "version": str(agreement.version),
        "dataset": f"{dataset.name}: {dataset.title}",
        "organisation": _contact(party),
        "data_protection_officer": f"{party.dpo.name}, {party.dpo.position}; {party.contact}",
        "joint_controllers": _all(agreement, party, Role.JOINT_CONTROLLER) if party.role is Role.JOINT_CONTROLLER else "",
        "purposes": agreement.purpose,
        "subjects": "; ".join(part for part in (", ".join(SUBJECTS[who] for who in dataset.about), _said(agreement, "people")) if part),
        "personal_data": "; ".join(f"{field.name}{_CATEGORIES[field.category]}: {field.meaning}" for field in dataset.fields),
        "recipients": _recipients(agreement, dataset),
        "transfers": _said(agreement, "transfers"),
        "retention": f"{dataset.retention.in_words()} after the end of the {dataset.period}, then destroyed",
        "security": _said(agreement, "security"),
        "sensitive": "; ".join(part for part in (_said(agreement, "sensitive"), _said(agreement, "policy_document")) if part),
        "lawful_basis": basis.basis,
        "legal_power": basis.gateway,
        "profiling": _said(agreement, "automated_decisions"),
        "controllers": _controllers(agreement, dataset),
        "processing": _processing(agreement, party, dataset),
        "other_processors": "; ".join(part for part in (_all(agreement, party, Role.PROCESSOR), _said(agreement, "processors")) if part),
    }
    return {column: values[column] for column in ASKED[law]}


def _contact(party: Party) -> str:
    return f"{party.name} ({party.registration}); {party.contact}"


def _all(agreement: Agreement, party: Party, role: Role) -> str:
    """Every other party in that role."""
    return "; ".join(_contact(other) for other in agreement.parties if other.role is role and other.id != party.id)


def _controllers(agreement: Agreement, dataset: Dataset) -> str:
    found = (other for other in agreement.parties if other.role is not Role.PROCESSOR and other.bases_of(dataset.name))
    return "; ".join(_contact(other) for other in found)


def _recipients(agreement: Agreement, dataset: Dataset) -> str:
    """Who gets something of a dataset: the hub its rows, the recipients of a release its tables."""
    found = [f"{agreement.operator.name} (runs the hub; holds the rows)"]
    for release in (one for one in agreement.releases if dataset.name in one.datasets):
        found += [f"{one.name} (tables of {release.title})" for one in agreement.recipients if one.id in release.recipients]
        found += [f"the public (tables of {release.title})"] if release.public else []
    return "; ".join(dict.fromkeys(found))


def _processing(agreement: Agreement, party: Party, dataset: Dataset) -> str:
    """The categories of processing that a processor does for the controllers of a dataset."""
    if not party.operator:
        return f"processing of {dataset.title} on the controllers' instructions"
    made = "; ".join(f"counted for {release.title}" for release in agreement.releases if dataset.name in release.datasets)
    stages = f"received, checked, held encrypted, and destroyed {dataset.retention.in_words()} after the end of the {dataset.period}"
    return "; ".join(part for part in (f"{dataset.title}: {stages}", made) if part)


def _said(agreement: Agreement, item: str) -> str:
    said = agreement.items.get(item)
    return "" if said is None else said.words if said.applies else f"Not applicable, {said.words}"
