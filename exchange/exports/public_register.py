"""The public register of agreements, in the shape of the Digital Economy Act register of information-sharing agreements.

Only what was agreed is in it, one row a version. No key is in it, and nobody whom the agreement names as DPO, signatory or checker:
where the words of an agreement use such a name, the register leaves it out. Which column answers which field: ``docs/exports.md``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agreements.lifecycle import State
from agreements.model import Agreement, Category, Party, Regime, Role
from agreements.rules import today
from exchange.exports.csv_table import to_csv
from exchange.exports.version import AGREED, Version
from exchange.exports.vocabulary import SUBJECTS

COLUMNS: Mapping[str, str] = {
    "reference": "Reference",
    "version": "Version",
    "title": "Name",
    "status": "Status",
    "purpose": "Purpose",
    "benefits": "Benefits of sharing",
    "legal_power": "Legal power to share",
    "lawful_basis": "Lawful basis",
    "disclosed": "Information disclosed",
    "categories": "Categories of data",
    "subjects": "Whose data",
    "controllers": "Controllers",
    "processors": "Processors",
    "disclosing": "Disclosing parties",
    "receiving": "Receiving parties",
    "method": "Method of sharing",
    "retention": "Retention",
    "start": "Start date",
    "end": "End date",
    "review": "Review date",
    "dpia": "Data protection impact assessment",
    "contact": "Contact",
    "digest": "Digest of the words agreed",
}
REGIMES = {Regime.PART_3: "Data Protection Act 2018, Part 3", Regime.UK_GDPR: "UK GDPR"}
CATEGORIES = {Category.ORDINARY: "ordinary", Category.SPECIAL: "special category", Category.OFFENCE: "criminal offence"}
STATUS = {State.IN_FORCE: "In force", State.SUSPENDED: "Suspended", State.EXPIRED: "Expired", State.TERMINATED: "Terminated"}


@dataclass(frozen=True)
class Entry:
    """One row: what it says by column, in the order of ``COLUMNS``; several things under one column one by one. Days are ISO 8601."""

    lines: Mapping[str, tuple[str, ...]]

    @property
    def values(self) -> dict[str, str]:
        """For a table: the things under a column in one cell, parted by semicolons."""
        return {name: "; ".join(lines) for name, lines in self.lines.items()}


def entries(versions: Iterable[Version]) -> list[Entry]:
    """The register: agreed versions alone, by reference, the newest first. A version ended before it was agreed was never agreed."""
    agreed = [one for one in versions if one.state in AGREED and one.in_force_at is not None]
    agreed.sort(key=lambda one: one.agreement.version, reverse=True)
    return [_entry(one) for one in sorted(agreed, key=lambda one: one.agreement.reference)]


def register_csv(found: Iterable[Entry]) -> str:
    """The register as CSV, headings as in ``COLUMNS``' keys: stable names for programs."""
    return to_csv(tuple(COLUMNS), [entry.values for entry in found])


def _entry(version: Version) -> Entry:
    agreement = version.agreement
    suppliers = {name for dataset in agreement.datasets for name in dataset.suppliers}
    datasets, parties = agreement.datasets, agreement.parties
    lines: dict[str, Iterable[str]] = {
        "reference": [agreement.reference],
        "version": [str(agreement.version)],
        "title": [agreement.title],
        "status": [_status(version)],
        "purpose": [agreement.purpose],
        "benefits": _said(agreement, "benefits"),
        "legal_power": [*_each(agreement, "gateway"), *_crossings(agreement)],
        "lawful_basis": _each(agreement, "basis"),
        "disclosed": [f"{one.title} ({one.grain}): {', '.join(field.name for field in one.fields)}" for one in datasets],
        "categories": (CATEGORIES[field.category] for one in datasets for field in one.fields),
        "subjects": [f"{one.title}: {', '.join(SUBJECTS[who] for who in one.about)}" for one in datasets],
        "controllers": [party.name for party in parties if party.role is not Role.PROCESSOR],
        "processors": [party.name for party in parties if party.role is Role.PROCESSOR],
        "disclosing": [party.name for party in parties if party.id in suppliers],
        "receiving": _receiving(agreement),
        "method": _said(agreement, "stages"),
        "retention": [f"{one.title}: {one.retention.in_words()} after the end of the {one.period}" for one in datasets],
        "start": [agreement.in_force_from.isoformat()],
        "end": [_end(agreement, version.replaced_at)],
        "review": [agreement.review.isoformat()],
        "dpia": [agreement.dpia],
        "contact": [f"{party.name}: {party.contact}" for party in parties],
        "digest": [agreement.digest],
    }
    hide = _hiding(agreement)
    return Entry({name: tuple(_once(one if name in _FACTS else hide(one) for one in lines[name])) for name in COLUMNS})


# Columns that hold no free words: a reference or a date is never taken for somebody's name.
_FACTS = frozenset({"reference", "version", "status", "controllers", "processors", "disclosing", "start", "end", "review", "digest"})
_KEY = r"(?:ed25519|es256|passkey|xwing):[0-9a-f]{64}"


def _hiding(agreement: Agreement) -> Callable[[str], str]:
    people = {one.name for party in agreement.parties for one in party.people}
    names = "|".join(re.escape(name) for name in sorted(people, key=len, reverse=True))
    found = re.compile(rf"(?<!\w)(?:{names}|{_KEY})(?!\w)", re.IGNORECASE)
    return lambda words: found.sub("[left out]", words)


def _receiving(agreement: Agreement) -> list[str]:
    """The party that runs the hub, which receives rows, and the recipients of releases."""
    recipients = [f"{one.name} (tables of releases)" for one in agreement.recipients]
    return [f"{agreement.operator.name} (rows, at the hub)", *recipients]


def _status(version: Version) -> str:
    """Of two versions that follow each other, one is in force."""
    replaced = version.replaced_at is not None and version.state is not State.TERMINATED
    if replaced:
        return "Replaced by a newer version"
    titles = [one.title for one in version.agreement.datasets if one.name in version.suspended]
    return STATUS[version.state] + (f"; suspended in part: {', '.join(titles)}" if titles else "")


def _end(agreement: Agreement, replaced: datetime | None) -> str:
    return min(agreement.expires, today(replaced)).isoformat() if replaced else agreement.expires.isoformat()


def _each(agreement: Agreement, what: str) -> list[str]:
    """The lawful bases or powers of all parties; the same words of several parties once, with their names."""
    found: dict[str, list[Party]] = {}
    for party in agreement.parties:
        for basis in party.lawful_bases:
            words = f"{getattr(basis, what)} [{', '.join(basis.datasets)}; {REGIMES[basis.regime]}]"
            found.setdefault(words, []).append(party)
    return [f"{', '.join(_once(party.name for party in parties))}: {words}" for words, parties in found.items()]


def _crossings(agreement: Agreement) -> list[str]:
    return [f"{', '.join(one.datasets)}, from {REGIMES[one.source]} to {REGIMES[one.target]}: {one.gateway}" for one in agreement.crossings]


def _said(agreement: Agreement, item: str) -> list[str]:
    said = agreement.items.get(item)
    return [] if said is None else [said.words if said.applies else f"Not applicable, {said.words}"]


def _once(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
