"""``config/measures.toml`` beside the shipped agreements: every figure is read from cells that a release of its agreement publishes."""

import csv
import gzip
from pathlib import Path

import pytest

from adapters.baseline_tables import PUBLISHED
from agreements.release import Release, Table
from agreements.worked_out import Show
from exchange.framework.measures import Cells, Measure
from exchange.framework.reading import read_measures
from tests.agreements import examples, papers

FOUND = read_measures(papers.ROOT / "config" / "measures.toml")
AGREEMENTS = {examples.agreement(name).reference: examples.agreement(name) for name in examples.PATHS}
ENDINGS = {Show.SUM: ("sum",), Show.MEAN: ("mean",), Show.QUARTILES: ("lower_quartile", "median", "upper_quartile")}
WORKSTREAMS = {"E": "effectiveness", "V": "victims", "R": "reoffending"}


def of(measure: Measure, cells: Cells) -> tuple[Release, Table]:
    release = AGREEMENTS[measure.agreement].release(cells.release)
    assert release is not None, (measure.id, cells.release)
    [table] = [one for one in release.tables if one.name == cells.table]
    return release, table


def test_all_measures_are_there_each_in_its_workstream() -> None:
    assert sorted(one.id for one in FOUND) == sorted([*examples.MEASURES, "MV7"])
    assert all(one.workstream == WORKSTREAMS[one.id[1]] for one in FOUND)
    assert all(one.serves and one.definition.endswith(".") and one.question.endswith("?") for one in FOUND)


@pytest.mark.parametrize("measure", FOUND, ids=[one.id for one in FOUND])
def test_every_figure_is_read_from_cells_that_are_published(measure: Measure) -> None:
    for figure in measure.figures:
        for cells in figure.cells:
            release, table = of(measure, cells)
            for name, codes in cells.where:
                assert name in table.dimensions, (figure.name, name)
                assert set(codes) <= {code for code, _ in release.dimension(name).categories}, (figure.name, name, codes)
            columns = {"count"} | {f"{value}_{end}" for value in table.of for show in table.show for end in ENDINGS[show]}
            assert cells.column in columns, (figure.name, cells.column)
        if figure.by:
            assert any(figure.by in of(measure, cells)[1].dimensions for cells in figure.cells), (figure.name, figure.by)
            assert not any(name == figure.by for cells in figure.cells for name, _ in cells.where), figure.name


@pytest.mark.parametrize("measure", [one for one in FOUND if any(each.kind == "share" for each in one.figures)], ids=lambda one: one.id)
def test_what_is_divided_is_part_of_what_it_is_divided_by(measure: Measure) -> None:
    """A share is of the same table, and every condition of the whole holds of the part: it cannot come to more than a hundred per cent."""
    for figure in (one for one in measure.figures if one.kind == "share"):
        part, whole = figure.numerator, figure.denominator
        assert part is not None
        assert whole is not None
        assert (part.release, part.table, part.column) == (whole.release, whole.table, whole.column), figure.name
        asked = dict(part.where)
        assert all(name in asked and set(asked[name]) <= set(codes) for name, codes in whole.where), figure.name
        assert part.where != whole.where


def test_what_a_release_says_it_measures_a_figure_reads() -> None:
    """No release is made for nothing: a measure reads it, or it is one of those that count people by who knows them."""
    read = {(one.agreement, name) for one in FOUND for name in one.releases}
    made = {(reference, one.name) for reference, agreement in AGREEMENTS.items() for one in agreement.releases if not one.known_people}
    assert made == read


def test_a_national_series_is_one_that_a_publication_holds() -> None:
    series = {figure.national for one in FOUND for figure in one.figures if figure.national}
    assert series
    for one in series:
        [publication] = [each for each in PUBLISHED if each.key == one.publication]
        assert one.measure in {each.measure for each in publication.series}
        assert one.area == publication.fixed_area


def test_a_national_series_has_figures_in_the_data_at_hand(shared_data: Path) -> None:
    files = {
        "moj-proven-reoffending": "proven_reoffending_rates",
        "moj-timeliness-by-offence": "time_offence_to_completion_by_offence_2018",
    }
    for one in {figure.national for each in FOUND for figure in each.figures if figure.national}:
        [publication] = [each for each in PUBLISHED if each.key == one.publication]
        with gzip.open(shared_data / "moj" / f"{files[one.publication]}.csv.gz", "rt", encoding="utf-8") as file:
            categories = {"; ".join(row[name] for name in publication.categories) for row in csv.DictReader(file)}
        assert one.category in categories, one
