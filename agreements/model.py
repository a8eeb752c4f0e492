"""An agreement as frozen values. One that contradicts itself cannot be built (``agreements.consistency``).

Names are the field's own: see DOMAIN and the glossary in ``docs/architecture.md``.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa

from agreements.fields import FieldType, Rule
from agreements.periods import Duration, PeriodKind
from agreements.release import Release


class Role(StrEnum):
    """What a party is in law, for the data of the agreement."""

    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint-controller"
    PROCESSOR = "processor"


class Mode(StrEnum):
    """What a further submission for the same period means."""

    REPLACE = "replace"
    APPEND = "append"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Person:
    """A named person who advises, signs or checks, and the fingerprint of the key that speaks for them."""

    name: str
    position: str
    key: str


@dataclass(frozen=True)
class MachineKeys:
    """Fingerprints of a supplier's machine keys: manifest and OAuth client (Ed25519), encryption (X-Wing)."""

    manifest: str
    client: str
    encryption: str


@dataclass(frozen=True)
class HubKeys:
    """Fingerprints of the hub's Ed25519 keys: identity (vouches for sealing keys), receipts, editions and the log."""

    identity: str
    receipts: str
    editions: str
    log: str


@dataclass(frozen=True)
class LawfulBasis:
    """By what law a party shares a dataset: the basis in data-protection law and, apart from it, the power to share."""

    datasets: tuple[str, ...]
    basis: str
    gateway: str


@dataclass(frozen=True)
class Party:
    """One organisation bound by the agreement."""

    id: str
    name: str
    short_name: str
    role: Role
    operator: bool
    registration: str
    contact: str
    dpo: Person
    signatory: Person
    checkers: tuple[Person, ...]
    keys: MachineKeys | None
    hub: HubKeys | None
    lawful_bases: tuple[LawfulBasis, ...]


@dataclass(frozen=True)
class Recipient:
    """Who may pull what a release publishes, and the fingerprint of the OAuth client key they pull it with."""

    id: str
    name: str
    party: str
    client: str


@dataclass(frozen=True)
class Field:
    """One data item: which source field it is made from, the rule applied to it, what it means and why it is needed."""

    name: str
    source: str
    type: FieldType
    rule: Rule
    may_be_empty: bool
    meaning: str
    reason: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type in which the field travels and is held."""
        return self.rule.output(self.type)


@dataclass(frozen=True)
class Dataset:
    """One kind of extract, from one or more suppliers, on one schedule."""

    name: str
    title: str
    adapter: str
    suppliers: tuple[str, ...]
    period: PeriodKind
    period_field: str
    due_days: int
    mode: Mode
    retention: Duration
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of that name; KeyError if there is none."""
        return {field.name: field for field in self.fields}[name]

    @property
    def schema(self) -> pa.Schema:
        """The exact Arrow schema of a submission: agreed fields, in the agreement's order, and nothing else."""
        return pa.schema([pa.field(field.name, field.arrow_type) for field in self.fields])


@dataclass(frozen=True)
class Approvals:
    """How many people check an edition before it is published."""

    output_checkers: int


@dataclass(frozen=True)
class Agreement:
    """One version of an information-sharing agreement, and the digest of its canonical form."""

    reference: str
    version: int
    title: str
    purpose: str
    necessity: str
    regime: str
    dpia: str
    incident_contact: str
    rights_contact: str
    in_force_from: date
    expires: date
    review: date
    back_fill_from: str
    parties: tuple[Party, ...]
    recipients: tuple[Recipient, ...]
    datasets: tuple[Dataset, ...]
    releases: tuple[Release, ...]
    approvals: Approvals
    digest: str
    document: dict[str, Any]

    def party(self, party: str) -> Party | None:
        """The party of that id, or None: to a non-party an agreement is unknown."""
        return next((found for found in self.parties if found.id == party), None)

    def dataset(self, name: str) -> Dataset | None:
        """The dataset of that name, or None."""
        return next((found for found in self.datasets if found.name == name), None)

    def release(self, name: str) -> Release | None:
        """The release of that name, or None."""
        return next((found for found in self.releases if found.name == name), None)

    @property
    def operator(self) -> Party:
        """The party that runs the hub."""
        return next(party for party in self.parties if party.operator)

    def clause(self, *place: str) -> str:
        """How every refusal cites this agreement: ``LCJP-MV7 version 1, dataset crimes, retention``."""
        return ", ".join((f"{self.reference} version {self.version}", *place))


@dataclass(frozen=True)
class Standing:
    """An agreement and where it stands at one moment: all that the rules need to answer."""

    agreement: Agreement
    state: str
    suspended: frozenset[str] = frozenset()
    replaced_at: datetime | None = None
