"""Every release of the shipped agreements can be counted, counts each unit once, and asks for a protection that can be given."""

import csv
import io
import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from agreements.coarsen import Flag
from agreements.columns import conform
from agreements.fields import PseudonymiseRule
from agreements.linked import bands
from agreements.model import Dataset
from agreements.periods import Period, PeriodKind
from agreements.possible import possible as told_by
from agreements.release import Release, Zeros
from agreements.worked_out import FirstOf, Where
from exchange.releases.counting import require_told_apart
from exchange.releases.engine import Engine
from exchange.releases.formats import published
from exchange.releases.gate import guard
from exchange.releases.linked_edition import people_tables
from exchange.releases.of_units import protected_units, units_of
from exchange.releases.tabulate import tabulate
from tests.agreements import examples
from tests.agreements.examples import WORKSTREAMS, agreement

PERIOD = Period.parse("2026-07")
ROWS = 60
RELEASES = [(name, release.name) for name in WORKSTREAMS for release in agreement(name).releases if not release.linked]
JOINED = [
    (name, release.name) for name in WORKSTREAMS for release in agreement(name).releases if any(one.across for one in release.lookups)
]
COHORTS = [(name, release.name) for name in WORKSTREAMS for release in agreement(name).releases if release.cohort]
LINKED = [(name, release.name) for name in WORKSTREAMS for release in agreement(name).releases if release.known_people]


def release_of(name: str, release: str) -> Release:
    found = agreement(name).release(release)
    assert found is not None
    return found


def dataset_of(name: str, dataset: str) -> Dataset:
    found = agreement(name).dataset(dataset)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "release"), RELEASES)
def test_a_release_has_a_category_for_all_that_its_fields_may_hold(name: str, release: str) -> None:
    found = release_of(name, release)
    derived = {value.name: value for value in found.derived}
    for dimension in found.dimensions:
        categories = {code for code, _ in dimension.categories}
        if dimension.source == "supplier":
            assert categories == set(dataset_of(name, found.base).suppliers)
        elif dimension.name != found.period_dimension:
            one = derived.get(dimension.source)
            if one is not None and not isinstance(one, FirstOf):
                # What cases, bands and matches may say stands in the release itself.
                assert categories == set(told_by(agreement(name), found, dimension.source) or ()), dimension.name
                continue
            sources = one.first_of if isinstance(one, FirstOf) else (dimension.source,)
            rest = {one.otherwise} if one else set()
            held = set().union(*(possible(name, source, found) for source in sources)) | rest
            assert categories == held - ({None} if rest else set()), dimension.name


def possible(name: str, source: str, release: Release) -> set[Any]:
    """Every value that a field may hold; None where it may be missing from a counted row."""
    dataset, _, field_name = source.partition(".")
    field = dataset_of(name, dataset).field(field_name)
    values = (
        ("true", "false") if isinstance(field.rule, Flag) else getattr(field.rule, "products", None) or getattr(field.rule, "labels", None)
    )
    missing = {None} if field.may_be_empty and field_name not in release.present else set()
    return set(values or field.rule.values) | missing  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "release"), RELEASES)
def test_joined_outcomes_may_hide_noughts_and_what_is_asked_can_be_promised(name: str, release: str) -> None:
    found = release_of(name, release)
    assert (found.terms.zeros is Zeros.SUPPRESSIBLE) == any(one.across for one in found.lookups)
    assert found.terms.threshold == 10
    assert found.terms.known_min == (0 if found.terms.zeros is Zeros.SUPPRESSIBLE else 1), "level and zeros contradict each other"


@pytest.mark.parametrize(("name", "release"), RELEASES)
def test_a_release_counts_every_unit_once(name: str, release: str) -> None:
    found, chance = release_of(name, release), random.Random(release)
    held = {
        (dataset, supplier): examples.rows(dataset_of(name, dataset), PERIOD, ROWS, chance)
        for dataset in found.datasets
        for supplier in dataset_of(name, dataset).suppliers
    }
    for (dataset, _), table in held.items():
        [batch] = table.combine_chunks().to_batches()
        assert not conform(batch, dataset_of(name, dataset), PERIOD)
    if (name, release) in JOINED:
        with Engine() as engine:
            known = {place: engine.register(table) for place, table in held.items()}
            made = units_of(engine, found, agreement(name), known, [PERIOD], [])
        rows = [(supplier, held[dataset, supplier]) for dataset, supplier in held if dataset == found.base]
        assert len(made) == sum(len(counted(found, name, supplier, table)) for supplier, table in rows) > 0
        return
    files = tabulate(found, agreement(name), held, [PERIOD])
    units = [row for (dataset, supplier), table in held.items() if dataset == found.base for row in counted(found, name, supplier, table)]
    for table in found.tables:
        cells = {tuple(row[one] for one in table.dimensions): int(row["value"]) for row in read_csv(files[f"{table.name}.csv"])}
        assert cells[("Total",) * len(table.dimensions)] == len(units) > 0
        if not (found.present or found.derived):
            expected = Counter(tuple(shown(found, dimension, row) for dimension in table.dimensions) for row in units)
            assert {place: count for place, count in cells.items() if "Total" not in place and count} == expected


@pytest.mark.parametrize(("name", "release"), LINKED)
def test_a_release_of_people_counts_each_once_however_many_records_it_has(name: str, release: str) -> None:
    """Where every record of a person has the same value of one kind, people are the values of that kind, and only they are linked."""
    found, chance = release_of(name, release), random.Random(release)
    assert found.terms.threshold == 10
    held, sources = {}, {}
    for dataset in found.linked:
        for supplier in dataset_of(name, dataset).suppliers:
            table = examples.rows(dataset_of(name, dataset), PERIOD, ROWS, chance)
            keys = [one.name for one in dataset_of(name, dataset).fields if isinstance(one.rule, PseudonymiseRule)]
            people = [f"person {chance.randrange(200)}".encode().ljust(16) for _ in range(ROWS)]
            for key in keys:
                column = pa.array(people if key == "person_name_dob" else [None] * ROWS, pa.binary(16))
                table = table.set_column(table.schema.get_field_index(key), table.schema.field(key), column)
            held[dataset, supplier], sources[dataset, supplier] = table, people
    files = people_tables(found, agreement(name), held, [PERIOD]).files
    known: dict[bytes, set[str]] = {}
    for (dataset, _), people in sources.items():
        for person in people:
            known.setdefault(person, set()).add(dataset)
    cells = {(row["month"], row["known_to"]): int(row["value"]) for row in read_csv(files["people.csv"])}
    assert cells["Total", "Total"] == cells["2026-07", "Total"] == len(known)
    for code, band in bands(code for code, _ in found.dimension("known_to").categories).items():
        assert cells["2026-07", code] == sum(len(datasets) in band for datasets in known.values())


@pytest.mark.parametrize(("name", "release"), COHORTS)
def test_a_cohort_counts_everybody_with_an_entry_in_a_window_once(name: str, release: str) -> None:
    found, chance = release_of(name, release), random.Random(release)
    assert found.cohort is not None
    months = [Period.parse(one) for one in ("2026-07", "2026-08", "2026-09")]
    held: dict[tuple[str, str], pa.Table] = {}
    came: set[tuple[str, bytes]] = set()
    for dataset in found.datasets:
        keys = [one.name for one in dataset_of(name, dataset).fields if isinstance(one.rule, PseudonymiseRule)]
        for supplier in dataset_of(name, dataset).suppliers:
            table = pa.concat_tables([examples.rows(dataset_of(name, dataset), month, ROWS, chance) for month in months])
            people = [f"person {chance.randrange(90)}".encode().ljust(16) for _ in range(table.num_rows)]
            for key in (key for key in keys if key.startswith("person_")):
                column = pa.array(people if key == "person_name_dob" else [None] * table.num_rows, pa.binary(16))
                table = table.set_column(table.schema.get_field_index(key), table.schema.field(key), column)
            held[dataset, supplier] = table
            for entry in (one for one in found.cohort.entries if one.dataset == dataset):
                for row, person in zip(table.to_pylist(), people, strict=True):
                    day = row[entry.date]
                    if day is not None and months[0].start <= day <= months[-1].end and holds(row, entry.where):
                        came.add((f"{day:%Y-%m}" if found.cohort.window is PeriodKind.MONTH else "2026-Q3", person))
    with Engine() as engine:
        known = {place: engine.register(table) for place, table in held.items()}
        made = units_of(engine, found, agreement(name), known, months, [])
    assert len(made) == len(came) > 50


@pytest.mark.parametrize(("name", "release"), RELEASES + COHORTS)
def test_an_edition_of_every_release_can_be_drafted(name: str, release: str) -> None:
    """Counted, protected, attacked, and in every form: as an edition is, from few rows, of which much is hidden."""
    found, chance = release_of(name, release), random.Random(release)
    months = [Period.parse(one) for one in ("2026-07", "2026-08", "2026-09")] if found.cohort else [PERIOD]
    held = {
        (dataset, supplier): pa.concat_tables([examples.rows(dataset_of(name, dataset), month, ROWS, chance) for month in months])
        for dataset in found.datasets
        for supplier in dataset_of(name, dataset).suppliers
    }
    require_told_apart(agreement(name), found)
    if found.by_unit:
        made = protected_units(found, agreement(name), held, months, memory="1GB")
        files = published(found, agreement(name), months, made.files, figures=made.figures)
    else:
        protected, _ = guard(tabulate(found, agreement(name), held, months), found)
        files = published(found, agreement(name), months, protected)
    assert {f"{table.name}.csv" for table in found.tables} <= set(files)


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def counted(release: Release, name: str, supplier: str, table: pa.Table) -> list[dict[str, Any]]:
    """The units among a supplier's rows, in plain Python."""
    base = dataset_of(name, release.base)
    every = [{**row, "supplier": supplier} for row in table.to_pylist() if all(row[one] is not None for one in release.present)]
    rows = [row for row in every if holds(row, release.where)]
    keys = [one for one in release.present if isinstance(base.field(one).rule, PseudonymiseRule)]
    return list({tuple(row[one] for one in (base.period_field, *keys)): row for row in rows}.values()) if keys else rows


def holds(row: dict[str, Any], where: Where) -> bool:
    """Whether a row meets a condition, in plain Python."""
    return all((str(row[name]).lower() if isinstance(row[name], bool) else row[name]) in codes for name, codes in where)


def shown(release: Release, dimension: str, row: dict[str, Any]) -> str:
    value = row[release.dimension(dimension).source.rpartition(".")[2]]
    return str(value).lower() if isinstance(value, bool) else str(value)[:7] if dimension == release.period_dimension else str(value)
