"""Who each row is about: the rows of some datasets linked into people, as other stories ask for them, supplier by supplier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from agreements.linkage import Linkage
from agreements.linked import keys
from agreements.model import Agreement, Dataset
from exchange.releases.engine import Engine
from exchange.releases.errors import BadRelease
from exchange.releases.linking import PERSON, ROW, SOURCE, Override, Records, Report, link
from exchange.releases.reading import Relations, agreed, relation

PersonOf = Mapping[tuple[str, str], ibis.Table]
"""(dataset, supplier) → the PERSON of each ROW of that relation, as ``linking.numbered`` numbers them. A row without any linking key is not there."""


@dataclass(frozen=True)
class Persons:
    """People of one edition, in its engine: their numbers mean nothing outside it. ``report``: exact counts of the linkage."""

    of: PersonOf
    report: Report


def persons(
    engine: Engine, agreement: Agreement, linkage: Linkage, known: Relations, datasets: Sequence[str], said: Sequence[Override] = ()
) -> Persons:
    """Link every row of these datasets, of all their suppliers, and nothing else.

    Args:
        known: (dataset, supplier) → its rows as registered, all that were read.
        said: what named persons said, on re-keyed pseudonyms; it holds before every rule.
    Raises:
        BadRelease: a dataset is none of the agreement's, or has no pseudonym by which the linkage links.
        BadRelation: a supplier's rows are not there, or lack a key.
    """
    mine = [agreed(agreement, name) for name in dict.fromkeys(datasets)]
    records = [_records(agreement, linkage, known, dataset, supplier) for dataset in mine for supplier in dataset.suppliers]
    linked = link(engine, linkage, records, said)
    people = {
        (one.dataset, one.supplier): linked.people.filter(linked.people[SOURCE] == place).select(ROW, PERSON)
        for place, one in enumerate(records)
    }
    return Persons(people, linked.report)


def _records(agreement: Agreement, linkage: Linkage, known: Relations, dataset: Dataset, supplier: str) -> Records:
    kinds = keys(linkage, dataset)
    if not set(kinds) & set(linkage.rules):
        raise BadRelease(f"{agreement.clause('linkages')}: dataset {dataset.name} has no pseudonym by which {linkage.name} links.")
    rows = relation(known, dataset.name, supplier, list(kinds.values()), places=True)
    return Records(dataset.name, supplier, rows, {kind: f"{dataset.name}.{field}" for kind, field in kinds.items()})
