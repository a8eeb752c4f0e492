"""Rows as an edition reads them; and the exact counts of earlier editions, read back from the tables that are kept of them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from sqlalchemy.orm import Session

from agreements.model import Agreement
from agreements.periods import Period
from agreements.release import Release, Table
from agreements.rules import UNKNOWN
from exchange.disclosure import Files
from exchange.disclosure.perturb import COLUMN as KEY_SUMS
from exchange.errors import UnknownAgreement
from exchange.keyring import Keyring
from exchange.objects import Store
from exchange.releases.cells import Axis, Counts, axes
from exchange.releases.perturbing import perturbs
from exchange.releases.protected import Shown
from exchange.releases.tabulate import Tabulated, beside_of
from exchange.submissions import holdings
from exchange.submissions.holdings import Batch

Rows = Mapping[tuple[str, str], Any]
"""(dataset, supplier) → its rows, decrypted as they are read, or by reference."""


def rows_of(
    session: Session,
    keyring: Keyring,
    held: Store,
    agreement: Agreement,
    batches_of: Mapping[str, Sequence[Batch]],
    *,
    refer: bool = False,
) -> Rows:
    """The rows of these batches (dataset → batches), as this version of the agreement has them. ``refer``: by reference, for Spark."""
    read = holdings.referred if refer else holdings.rows
    relations = {}
    for name, batches in batches_of.items():
        dataset = agreement.dataset(name)
        if dataset is None:
            raise UnknownAgreement(UNKNOWN)
        for supplier in dataset.suppliers:
            mine = [batch for batch in batches if batch.supplier == supplier]
            relations[name, supplier] = read(session, keyring, held, mine, agreement, dataset)
    return relations


def remade(release: Release, periods: Sequence[Period], shown: Mapping[str, Shown], exact: Files | None) -> Tabulated | None:
    """The counts of an earlier edition from its exact tables (``tabulate``); None where there are none, or they are not what it published."""
    if exact is None:
        return None
    along = axes(release, periods)
    tables: dict[str, Counts] = {}
    keys: dict[str, Counts] = {}
    shares: dict[str, dict[str, Counts]] = {}
    for table in release.tables:
        mine = [along[name] for name in table.dimensions]
        columns = _columns(exact[f"{table.name}.csv"], table)
        tables[table.name] = _filled(mine, columns)
        if perturbs(release):
            keys[table.name] = _filled(mine, columns, KEY_SUMS)
        parts = _columns(exact[beside_of(table.name)], table)
        for supplier in pc.unique(parts["supplier"]).to_pylist():
            shares.setdefault(supplier, {})[table.name] = _filled(mine, parts.filter(pc.equal(parts["supplier"], supplier)))
    for table in release.tables:  # of a table in which a supplier has nothing there is no row of its
        for found in shares.values():
            found.setdefault(table.name, np.zeros_like(tables[table.name]))
    made = Tabulated(along, tables, shares, keys)
    # With noise they are not what was published: whether they become that again is seen when they are perturbed (``series.newest``).
    return made if perturbs(release) or reshown(shown, made) else None


def reshown(shown: Mapping[str, Shown], made: Tabulated) -> bool:
    """Whether counts that were made again are what was published."""
    return all(
        one.counts.shape == made.tables[name].shape and bool(((one.counts == made.tables[name]) | one.hidden).all())
        for name, one in shown.items()
    )


def _columns(content: bytes, table: Table) -> pa.Table:
    text = dict.fromkeys((*table.dimensions, "supplier"), pa.string())
    convert = pacsv.ConvertOptions(column_types={**text, "value": pa.int64()}, strings_can_be_null=False)
    return pacsv.read_csv(io.BytesIO(content), parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=convert)


def _filled(along: Sequence[Axis], rows: pa.Table, column: str = "value") -> Counts:
    """One dimension an axis; 0 where there is no row."""
    found = np.zeros(tuple(len(axis.all_codes) for axis in along), dtype=np.int64)
    places = [pc.index_in(rows[axis.name], value_set=pa.array(axis.all_codes, pa.string())).to_numpy() for axis in along]
    found[tuple(places)] = rows[column].to_numpy()
    return found
