"""An agreement as frozen values. One that contradicts itself cannot be built (``agreements.consistency``).

Names are the field's own: see DOMAIN and the glossary in ``docs/architecture.md``.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa

from agreements.fields import FieldType, Rule
from agreements.items import Item, Said
from agreements.items import missing as items_missing
from agreements.linkage import Linkage
from agreements.machines import HubKeys, MachineKeys
from agreements.periods import Duration, PeriodKind
from agreements.release import Release


class Role(StrEnum):
    """What a party is in law, for the data of the agreement."""

    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint-controller"
    PROCESSOR = "processor"


class Regime(StrEnum):
    """Under which part of data-protection law a party processes a dataset (DPA 2018 Part 3; UK GDPR with Part 2)."""

    PART_3 = "part3"
    UK_GDPR = "uk-gdpr"


class Subjects(StrEnum):
    """Whose data a dataset holds. DPA 2018 s.38(3) has suspects, the convicted, victims and witnesses told apart."""

    SUSPECTS = "suspects"
    CONVICTED = "convicted"
    VICTIMS = "victims"
    WITNESSES = "witnesses"
    OTHERS = "others"
    NOBODY = "nobody"


HARMED = frozenset({Subjects.VICTIMS, Subjects.WITNESSES})
ACCUSED = frozenset({Subjects.SUSPECTS, Subjects.CONVICTED})


class Category(StrEnum):
    """What data-protection law sees in a data item, beyond ordinary personal data."""

    ORDINARY = "ordinary"
    SPECIAL = "special-category"
    OFFENCE = "criminal-offence"


class AfterEnd(StrEnum):
    """What becomes of held data when the agreement is terminated or expires before their own day."""

    DESTROY = "destroy"
    KEEP = "keep-until-due"


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
class LawfulBasis:
    """By what law a party shares a dataset: regime and basis in data-protection law and, apart from them, the power to share."""

    datasets: tuple[str, ...]
    regime: Regime
    basis: str
    gateway: str


@dataclass(frozen=True)
class Crossing:
    """The power by which datasets pass from one regime to the other. Without it, nothing crosses (DPA 2018 s.36(4))."""

    datasets: tuple[str, ...]
    source: Regime
    target: Regime
    gateway: str


@dataclass(frozen=True)
class Permission:
    """Leave to join people harmed (victims, witnesses) with people accused (suspects, convicted): which, and why. Releases name it."""

    name: str
    joins: tuple[Subjects, ...]
    because: str


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

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who speaks or checks for this party."""
        return (self.dpo, self.signatory, *self.checkers)

    @property
    def machines(self) -> tuple[str, ...]:
        """The fingerprints of this party's machine keys, and of the hub's where it runs the hub."""
        named = (*(astuple(self.keys) if self.keys else ()), *(astuple(self.hub) if self.hub else ()))
        return tuple(key for key in named if key)

    def bases_of(self, dataset: str) -> tuple[LawfulBasis, ...]:
        """The lawful bases under which this party processes a dataset."""
        return tuple(basis for basis in self.lawful_bases if dataset in basis.datasets)


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
    category: Category
    meaning: str
    reason: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type in which the field travels and is held."""
        return self.rule.output(self.type)


@dataclass(frozen=True)
class Dataset:
    """One kind of extract, from one or more suppliers, on one schedule. ``grain``: what one row is."""

    name: str
    title: str
    grain: str
    about: tuple[Subjects, ...]
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
    """How many people check an edition before it is published. ``from_lineage``: each of a party of its own that supplied what the edition was made from."""

    output_checkers: int
    from_lineage: bool = False


@dataclass(frozen=True)
class Agreement:
    """One version of an information-sharing agreement, and the digest of its canonical form."""

    reference: str
    version: int
    title: str
    purpose: str
    necessity: str
    dpia: str
    incident_contact: str
    rights_contact: str
    in_force_from: date
    expires: date
    review: date
    back_fill_from: str
    after_end: AfterEnd
    items: Mapping[str, Said]
    parties: tuple[Party, ...]
    recipients: tuple[Recipient, ...]
    crossings: tuple[Crossing, ...]
    permissions: tuple[Permission, ...]
    linkages: tuple[Linkage, ...]
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

    def linkage(self, name: str) -> Linkage | None:
        """The linkage of that name, or None."""
        return next((found for found in self.linkages if found.name == name), None)

    def permission(self, name: str) -> Permission | None:
        """The permission of that name, or None."""
        return next((found for found in self.permissions if found.name == name), None)

    @property
    def missing(self) -> tuple[Item, ...]:
        """Mandatory items about which the document says nothing. While there is one it is a draft and cannot be proposed."""
        return items_missing(self.items)

    @property
    def operator(self) -> Party:
        """The party that runs the hub."""
        return next(party for party in self.parties if party.operator)

    def clause(self, *place: str) -> str:
        """How every refusal cites this agreement: ``LCJP-MV7 version 1, dataset crimes, retention``."""
        return ", ".join((f"{self.reference} version {self.version}", *place))


@dataclass(frozen=True)
class Standing:
    """An agreement and where it stands at one moment: all that the rules need to answer.

    Attributes:
        suspended: datasets that are suspended by themselves.
        replaced_at: since when a newer version has been in force, and ``successor`` which; None where this is the newest.
    """

    agreement: Agreement
    state: str
    suspended: frozenset[str] = frozenset()
    replaced_at: datetime | None = None
    successor: Agreement | None = None
