"""The demonstration's own reading of the ledger, held against the hub's exact counts: what was delivered is counted alike, to the last unit."""

import csv
import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from agreements.periods import Period, months
from agreements.release import Release, Table
from agreements.worked_out import Show
from demo.partnership.cast import PAPERS, Paper, Scene, Stage
from demo.partnership.truth_compared import Against, Comparison, compare
from demo.partnership.truth_measures import READINGS
from demo.partnership.truth_plan import baselines
from exchange.releases.cells import axes
from exchange.releases.counted_units import Counted
from exchange.releases.tabulate import tabulate
from tests.exchange.measures.counting import half_up
from tests.exchange.measures.held import FIRST, LAST, SCALE, SEED, Held, Invented
from tests.exchange.measures.test_row_measures import COUNTED, EDITION, cells, release_of
from tests.exchange.measures.test_unit_measures import COUNTED as COUNTED_BY_UNIT
from tests.exchange.measures.test_unit_measures import QUARTILES, READ, counted
from tests.exchange.measures.test_unit_measures import READINGS as BY_UNIT

JOINED = [one for one in COUNTED_BY_UNIT if one[1] in READINGS]
REFERENCES = {paper.reference: paper for paper in PAPERS}


@dataclass(frozen=True)
class Played(Stage):
    """A stage whose extracts were invented elsewhere."""

    invented: Path = Path()

    @property
    def data(self) -> Path:
        return self.invented


@dataclass(frozen=True)
class Download:
    """An edition as if it had been downloaded."""

    paper: Paper
    release: str
    folder: Path


def stage(invented: Invented, run: Path) -> Played:
    return Played(run, Scene(PAPERS, FIRST, LAST, scale=SCALE, seed=SEED), invented.folder)


Columns = Mapping[str, Mapping[tuple[str, ...], object]]
"""Column → cell → what stands there."""


def labelled(release: Release, periods: list[Period], table: str, columns: Columns) -> bytes:
    """A table as it is published: labels as values."""
    along = axes(release, periods)
    names = next(one.dimensions for one in release.tables if one.name == table)
    shown = {name: dict(zip(along[name].all_codes, along[name].all_labels, strict=True)) for name in names}
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*names, *columns])
    for cell in columns["count"]:
        rows.writerow(
            [*(shown[name][code] for name, code in zip(names, cell, strict=True)), *(column[cell] for column in columns.values())]
        )
    return text.getvalue().encode()


def compared(
    invented: Invented, run: Path, workstream: Held, name: str, tables: Mapping[str, Columns], periods: list[Period]
) -> list[Comparison]:
    release = release_of(workstream, name)
    folder = run / name
    folder.mkdir(parents=True)
    for table, columns in tables.items():
        (folder / f"{table}.csv").write_bytes(labelled(release, periods, table, columns))
    here = stage(invented, run)
    return compare(here, here.extracts(), [Download(REFERENCES[workstream.agreement.reference], name, folder)])


@pytest.mark.parametrize(("workstream", "name"), [one for one in COUNTED if one[1] in READINGS])
def test_rows_that_were_delivered_are_counted_alike(
    workstream: str, name: str, held: Callable[[str], Held], invented: Invented, tmp_path: Path
) -> None:
    rows = held(workstream)
    release = release_of(rows, name)
    periods = months(*(Period.parse(month) for month in EDITION))
    files = tabulate(release, rows.agreement, rows.rows, periods)
    found = compared(invented, tmp_path, rows, name, {one.name: {"count": cells(files, one.name)} for one in release.tables}, periods)
    assert [(one.table, one.column) for one in found] == [(table.name, "count") for table in release.tables]
    for one in found:
        assert one.hidden == 0
        assert one.delivered == Against(one.cells, Decimal(0))
        assert abs(one.total[1] - one.total[2]) < one.total[2] / 20, "what is late, or twice, is little"


@pytest.mark.parametrize(("workstream", "name"), JOINED)
def test_what_is_joined_is_what_the_ledger_has_but_for_links_not_found(
    workstream: str, name: str, held: Callable[[str], Held], invented: Invented, tmp_path: Path
) -> None:
    rows, reading = held(workstream).between(READ.get(name, {})), BY_UNIT[name]
    release = release_of(rows, name)
    found, codes = counted(rows, release, reading)
    tables = {table.name: _columns(table, found, codes) for table in release.tables}
    for one in compared(invented, tmp_path, rows, name, tables, [Period.parse(period) for period in reading.periods]):
        published, delivered, _ = one.total
        assert published is not None
        if reading.people:
            assert abs(published - delivered) <= delivered * Decimal("0.06") + 1, one
        else:
            assert one.delivered == Against(one.shown, Decimal(0)), one


def _columns(table: Table, found: Counted, codes: Mapping[str, tuple[str, ...]]) -> dict[str, dict[tuple[str, ...], object]]:
    """Count and figures of a table, nothing hidden but figures of nobody."""
    cells_of = list(itertools.product(*(codes[name] for name in table.dimensions)))
    columns: dict[str, dict[tuple[str, ...], object]] = {
        "count": dict(zip(cells_of, found.tables[table.name].ravel().tolist(), strict=True))
    }
    for value in table.of:
        numbers = found.numbers[table.name, value]
        n, total = numbers.n.ravel().tolist(), numbers.total.ravel().tolist()
        figures: dict[str, list[object]] = {}
        if Show.SUM in table.show:
            figures["sum"] = [*total]
        if Show.MEAN in table.show:
            figures["mean"] = [half_up(Decimal(whole) / many, 2) if many else "[c]" for many, whole in zip(n, total, strict=True)]
        if Show.QUARTILES in table.show:
            for name, one in zip(QUARTILES, numbers.quartiles, strict=True):
                figures[name] = [figure if many else "[c]" for many, figure in zip(n, one.ravel().tolist(), strict=True)]
        columns |= {f"{value}_{figure}": dict(zip(cells_of, values, strict=True)) for figure, values in figures.items()}
    return columns


def test_a_headline_stands_beside_the_ledger_and_the_plan(held: Callable[[str], Held], invented: Invented, tmp_path: Path) -> None:
    rows, names = held("effectiveness"), ("me1-trials", "me3-completions", "me6-special-measures")
    periods = months(*(Period.parse(month) for month in EDITION))
    downloads = []
    for name in names:
        release = release_of(rows, name)
        files = tabulate(release, rows.agreement, rows.rows, periods)
        for table in release.tables:
            counts: dict[tuple[str, ...], object] = dict(cells(files, table.name))
            if name == "me6-special-measures":
                counts = {cell: "[c]" if count == 0 or "Required and used" in cell else count for cell, count in counts.items()}
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{table.name}.csv").write_bytes(labelled(release, periods, table.name, {"count": counts}))
        downloads.append(Download(REFERENCES["LCJP-EFFECTIVENESS"], name, tmp_path / name))
    here = stage(invented, tmp_path)
    found = {one.measure: one for one in baselines(here, here.extracts(), downloads)}
    assert list(found) == ["ME1", "ME2", "ME3", "ME4", "ME6"]
    assert found["ME6"].ours is None, "hidden in, hidden out"
    for one in found.values():
        assert one.ours in {one.delivered, None}
        assert one.delivered is not None
        assert one.truth is not None
        assert abs(one.truth - one.delivered) < 3
        assert one.period == "2024-04 to 2024-09"
    assert ("Cleveland", "69%", "May 2017") in {(what, value.replace(" ", ""), when) for what, value, when in found["ME3"].plan}
    trials = pq.read_table(invented.folder / "ledger" / "listings.parquet").to_pandas()
    held_then = trials[(trials["day"].astype(str) >= "2024-04-01") & (trials["day"].astype(str) <= "2024-09-30") & trials["said"]]
    share = 100 * (held_then["end"] == 0).sum() / (held_then["end"] < 3).sum()
    assert abs(float(found["ME1"].truth or 0) - share) < 0.2


def test_a_wrong_cell_is_a_difference_and_a_hidden_one_is_not(held: Callable[[str], Held], invented: Invented, tmp_path: Path) -> None:
    rows, periods = held("effectiveness"), months(*(Period.parse(month) for month in EDITION))
    release = release_of(rows, "me6-special-measures")
    right = {table.name: cells(tabulate(release, rows.agreement, rows.rows, periods), table.name) for table in release.tables}
    spoilt: dict[tuple[str, ...], object] = dict(right["special-measures"])
    wrong, hidden = ("2024-05", "Attended", "Total"), ("2024-06", "Attended", "Total")
    spoilt |= {wrong: right["special-measures"][wrong] + 7, hidden: "[c]"}
    told: dict[str, Columns] = {"special-measures": {"count": spoilt}, "video-links": {"count": right["video-links"]}}
    measures, links = compared(invented, tmp_path, rows, "me6-special-measures", told, periods)
    assert (measures.cells, measures.shown, measures.hidden) == (len(spoilt), len(spoilt) - 1, 1)
    assert measures.delivered == Against(len(spoilt) - 2, Decimal(7))
    assert links.delivered == Against(links.cells, Decimal(0))
