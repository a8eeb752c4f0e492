"""The agreement in plain English, made from the same values the software enforces. Lines of text; the doors lay them out."""

from agreements.fields import PseudonymiseRule
from agreements.model import Agreement, Dataset, Field, Party
from agreements.release import Level, Release, Terms, Zeros

_LEVELS = {
    Level.A: "no hidden count can be worked out exactly",
    Level.B: "every hidden count could be any of at least {threshold} whole numbers",
    Level.C: "every hidden count could be any of at least {threshold} whole numbers, even to somebody who knows that it is not nought",
}


def describe(agreement: Agreement) -> list[str]:
    """The whole agreement, a line a statement; headings begin with ``# `` or ``## ``."""
    lines = [
        f"# {agreement.reference} version {agreement.version}: {agreement.title}",
        f"Purpose: {agreement.purpose}",
        f"Why sharing is necessary: {agreement.necessity}",
        f"Impact assessment: {agreement.dpia}",
        f"In force from {agreement.in_force_from}, until {agreement.expires}; to be reviewed by {agreement.review}.",
        f"Data from {agreement.back_fill_from} on may be sent.",
        f"Tell of incidents: {agreement.incident_contact}. For people's rights: {agreement.rights_contact}.",
        "## Parties",
        *(line for party in agreement.parties for line in _party(party)),
    ]
    for dataset in agreement.datasets:
        lines += _dataset(agreement, dataset)
    for release in agreement.releases:
        lines += _release(agreement, release)
    lines += ["## What is never sent", "A column that is not named above is not read past its heading, and cannot be sent."]
    lines.append(f"Digest of these words: {agreement.digest}")
    # A line break in somebody's words must not begin a line, or a heading, of ours.
    return [" ".join(line.split("\n")) for line in lines]


def _party(party: Party) -> list[str]:
    role = f"{party.role.replace('-', ' ')}{' and operator of the hub' if party.operator else ''}"
    return [
        (
            f"{party.name} ({party.id}), {role}. DPO: {party.dpo.name}, {party.dpo.position}. "
            f"Signs: {party.signatory.name}, {party.signatory.position}."
        ),
        *(f"  Shares {', '.join(basis.datasets)} under {basis.basis}; power to share: {basis.gateway}" for basis in party.lawful_bases),
    ]


def _dataset(agreement: Agreement, dataset: Dataset) -> list[str]:
    names = [party.name for name in dataset.suppliers if (party := agreement.party(name))]
    return [
        f"## Dataset {dataset.name}: {dataset.title}",
        f"Supplied by {' and '.join(names)}, one {dataset.period} at a time, due {dataset.due_days} days after it ends.",
        f"Kept for {dataset.retention.in_words()} after the end of the period, then destroyed.",
        *(f"  {field_in_words(field)}" for field in dataset.fields),
    ]


def field_in_words(field: Field) -> str:
    """One data item: what happens to it, what it means, why it is needed."""
    empty = "" if not field.may_be_empty else " It may be empty; an empty one stays empty." if _stays_empty(field) else " It may be empty."
    return f"{field.name} (from {field.source}) is {field.rule.describe()}.{empty} {field.meaning} Needed: {field.reason}"


def _stays_empty(field: Field) -> bool:
    return isinstance(field.rule, PseudonymiseRule)


def terms_in_words(terms: Terms) -> str:
    """The disclosure terms of a release."""
    smallest = f"Counts from 1 to {terms.threshold - 1} are never shown"
    zeros = "noughts are always shown" if terms.zeros is Zeros.PUBLISHED else "a nought may be hidden like a small count"
    return f"{smallest}; {zeros}; {_LEVELS[terms.level].format(threshold=terms.threshold)}."


def _release(agreement: Agreement, release: Release) -> list[str]:
    recipients = [recipient.name for recipient in agreement.recipients if recipient.id in release.recipients]
    joined = "".join(
        f" Joined, within each supplier, with {lookup.dataset} on {lookup.on}: the latest by {lookup.latest_by}."
        for lookup in release.lookups
    )
    return [
        f"## Release {release.name} ({release.measure}): {release.title}",
        f"Question: {release.question}",
        f"Counts {release.unit} in {release.base}.{joined}",
        *(f"  Table {table.name}: {table.title}, by {', '.join(table.dimensions)}." for table in release.tables),
        terms_in_words(release.terms),
        f"{agreement.approvals.output_checkers} people, neither of them the one who asked, check each edition before it is published.",
        f"Received by {', '.join(recipients)}{'; also public' if release.public else ''}.",
        *(f"  Note: {caveat}" for caveat in release.caveats),
    ]
