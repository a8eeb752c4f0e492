"""What a document's shape cannot say: names that must exist, roles that must be filled, rules that must suit their fields."""

from collections import Counter
from collections.abc import Iterable, Iterator

from agreements.consistency_releases import problems as release_problems
from agreements.consistency_releases import told_apart
from agreements.errors import InvalidRule
from agreements.fields import FieldType
from agreements.linked import problems as linkage_problems
from agreements.model import ACCUSED, HARMED, Agreement, Dataset, Field, Subjects


def problems(agreement: Agreement) -> list[str]:
    """Every way in which the agreement contradicts itself, each line beginning with its place. Empty when there is none."""
    return [
        *_dates(agreement),
        *_parties(agreement),
        *_recipients(agreement),
        *_crossings(agreement),
        *_permissions(agreement),
        *linkage_problems(agreement),
        *(line for dataset in agreement.datasets for line in _dataset(agreement, dataset)),
        *_releases(agreement),
        *_checkers(agreement),
    ]


def asked_of_new(agreement: Agreement) -> list[str]:
    """What new words must hold to beside, by place: of an agreement that does not contradict itself.

    Words that were signed before this was asked are opened as they were: what they publish is refused, and all else under them goes on.
    """
    return [line for release in agreement.releases for line in told_apart(agreement, release)]


def _releases(agreement: Agreement) -> Iterator[str]:
    """What releases ask of fields goes by their types: where a rule does not suit its field, that is said first."""
    if not any(_unsuited(field) for dataset in agreement.datasets for field in dataset.fields):
        yield from (line for release in agreement.releases for line in release_problems(agreement, release))


def _unsuited(field: Field) -> str:
    """Why a field's rule does not suit its type; "" where it does."""
    try:
        field.arrow_type  # noqa: B018  # building the type is the check
    except InvalidRule as error:
        return str(error)
    return ""


def _twice(place: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f"{place}: “{name}” stands {count} times." for name, count in Counter(names).items() if count > 1)


def _dates(agreement: Agreement) -> Iterator[str]:
    if not agreement.in_force_from < agreement.expires:
        yield "agreement.expires: must lie after in_force_from."
    if not agreement.in_force_from <= agreement.review <= agreement.expires:
        yield "agreement.review: must lie between in_force_from and expires."


def _parties(agreement: Agreement) -> Iterator[str]:
    yield from _twice("parties", (party.id for party in agreement.parties))
    if sum(party.operator for party in agreement.parties) != 1:
        yield "parties: exactly one party is the hub's operator."
    for party in agreement.parties:
        if party.operator != (party.hub is not None):
            yield f"parties.{party.id}: the operator, and nobody else, names the hub's keys."
        if party.dpo.key == party.signatory.key:
            yield f"parties.{party.id}: the DPO advises and the signatory signs; they must not share a key."
        for basis in party.lawful_bases:
            for name in basis.datasets:
                if agreement.dataset(name) is None:
                    yield f"parties.{party.id}.lawful_bases: there is no dataset “{name}”."
    yield from _keys(agreement)


def _recipients(agreement: Agreement) -> Iterator[str]:
    yield from _twice("recipients", (recipient.id for recipient in agreement.recipients))
    for recipient in agreement.recipients:
        if agreement.party(recipient.party) is None:
            yield f"recipients.{recipient.id}: there is no party “{recipient.party}”."
        if agreement.party(recipient.id) is not None:
            yield f"recipients.{recipient.id}: a recipient pulls under an id of its own, not a party's."


def _crossings(agreement: Agreement) -> Iterator[str]:
    """A dataset that parties process under different regimes passes from one to the other, and needs a power to do so."""
    allowed = {(name, crossing.source, crossing.target) for crossing in agreement.crossings for name in crossing.datasets}
    for number, crossing in enumerate(agreement.crossings):
        yield from (f"crossings.{number}: there is no dataset “{name}”." for name in crossing.datasets if agreement.dataset(name) is None)
        if crossing.source is crossing.target:
            yield f"crossings.{number}: from and to are the same regime."
    for dataset in agreement.datasets:
        sent = {basis.regime for party in agreement.parties if party.id in dataset.suppliers for basis in party.bases_of(dataset.name)}
        taken = {basis.regime for party in agreement.parties for basis in party.bases_of(dataset.name)}
        for source, target in sorted((source, target) for source in sent for target in taken if source is not target):
            if (dataset.name, source, target) not in allowed:
                yield f"crossings: dataset {dataset.name} passes from {source} to {target}, and no crossing says by which power."


def _permissions(agreement: Agreement) -> Iterator[str]:
    """Victims and witnesses are not joined with suspects or convicted people unless a named permission says so (DPA 2018 s.38(3))."""
    yield from _twice("permissions", (permission.name for permission in agreement.permissions))
    for release in agreement.releases:
        about = {who for name in release.datasets if (dataset := agreement.dataset(name)) for who in dataset.about}
        permission = agreement.permission(release.permission)
        if release.permission and permission is None:
            yield f"releases.{release.name}.permission: there is no permission “{release.permission}”."
        elif about & HARMED and about & ACCUSED and (permission is None or not about & (HARMED | ACCUSED) <= set(permission.joins)):
            groups = ", ".join(sorted(about & (HARMED | ACCUSED)))
            yield f"releases.{release.name}.permission: it joins {groups}, and names no permission to join all of them."


def _keys(agreement: Agreement) -> Iterator[str]:
    keys = [fingerprint for party in agreement.parties for fingerprint in _machine_keys(agreement, party.id)]
    people = [person.key for party in agreement.parties for person in (party.dpo, party.signatory)]
    if repeated := list(_twice("keys", keys + people)):
        yield f"keys: {len(repeated)} fingerprint(s) are named for more than one use; one key, one use."
    if any(person.key in keys for party in agreement.parties for person in party.checkers):
        yield "keys: an output checker is a person, and must not share a key with a machine."


def _machine_keys(agreement: Agreement, party_id: str) -> Iterator[str]:
    party = agreement.party(party_id)
    if party:
        yield from party.machines
    yield from (recipient.client for recipient in agreement.recipients if recipient.party == party_id)


def _dataset(agreement: Agreement, dataset: Dataset) -> Iterator[str]:
    place = f"datasets.{dataset.name}"
    yield from _twice(place, (field.name for field in dataset.fields))
    yield from _twice(f"{place}.suppliers", dataset.suppliers)
    if len(set(dataset.about)) != len(dataset.about) or (Subjects.NOBODY in dataset.about and len(dataset.about) > 1):
        yield f"{place}.about: names each group once, and “nobody” only by itself."
    for supplier in dataset.suppliers:
        party = agreement.party(supplier)
        if party is None or party.keys is None:
            yield f"{place}.suppliers: “{supplier}” is no party with machine keys."
        elif not any(dataset.name in basis.datasets for basis in party.lawful_bases):
            yield f"{place}.suppliers: “{supplier}” names no lawful basis and gateway for this dataset."
    yield from (f"{place}.{field.name}.rule: {because}" for field in dataset.fields if (because := _unsuited(field)))
    if dataset.period_field not in {field.name for field in dataset.fields}:
        yield f"{place}.period_field: there is no field “{dataset.period_field}”."
    elif dataset.field(dataset.period_field).type not in (FieldType.DATE, FieldType.MONTH):
        yield f"{place}.period_field: must be a date or a month."


def _checkers(agreement: Agreement) -> Iterator[str]:
    if (
        agreement.releases
        and len({person.key for party in agreement.parties for person in party.checkers}) < agreement.approvals.output_checkers
    ):
        yield "approvals.output_checkers: the parties name fewer output checkers than an edition needs."
