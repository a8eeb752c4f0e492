import csv
import gzip
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.baseline_files import financial_quarter, month, quarter_ending, year_ending
from adapters.baseline_tables import PUBLISHED
from adapters.csv_extract import CsvSource
from adapters.national_baseline import NationalBaseline
from tests.adapters.contract import DATA, SHARED, SourceContract, read
from tests.adapters.copies import Copier, CsvCopier
from tests.adapters.hostile import nothing_said

SOURCE = NationalBaseline()
REOFFENDING = "year_ending,age,index_offence,proportion\n"


def figures(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(SOURCE, path).to_pylist()
    return rows


class TestNationalBaseline(SourceContract):
    source = SOURCE
    sample = DATA / "national_baseline.csv"
    rows = 6
    real = "moj/proven_reoffending_rates.csv.gz"

    @property
    def copies(self) -> Copier:
        """In the form of the series itself, which is read as well."""
        return CsvCopier(CsvSource())

    def test_an_absent_figure_stays_away_and_is_marked(self) -> None:
        rows = figures(self.sample)
        assert [row["value"] for row in rows] == ["0.25", "0.4000005", "0.3", "0.3", "[x]", "[x]"]
        assert [row["number"] is None for row in rows] == [False, False, False, False, True, True]
        assert [row["marker"] for row in rows] == [None, None, "[b]", "[b]", "[x]", "[x]"]

    def test_a_seventh_decimal_is_rounded_to_the_even_millionth_and_kept_in_the_number(self) -> None:
        row = figures(self.sample)[1]
        assert (row["number"], row["millionths"]) == ("0.4000005", 400_000)

    def test_a_year_is_named_by_its_end_and_has_its_days(self) -> None:
        row = figures(self.sample)[0]
        assert (row["period"], row["period_start"], row["period_end"]) == ("year ending 2015-03", date(2014, 4, 1), date(2015, 3, 31))
        assert (row["area"], row["area_kind"], row["category"]) == ("England and Wales", "nation", "adult; robbery")

    @pytest.mark.parametrize("cell", ["CANARY", "0.25 CANARY", "1,23", "[CANARY]", "12%%", "NaN", "inf", "1e999", "9" * 40])
    def test_what_is_no_figure_is_refused_by_row(self, tmp_path: Path, cell: str) -> None:
        path = tmp_path / "file.csv"
        path.write_text(f'{REOFFENDING}2015-03-31,adult,robbery,0.2\n2015-03-31,adult,theft,"{cell}"\n', encoding="utf-8")
        assert "Column proportion: row 2" in self.refused(path).what

    @pytest.mark.parametrize("period", ["CANARY", "2015-02-30", "", "March 2015"])
    def test_what_is_no_period_is_refused_by_row(self, tmp_path: Path, period: str) -> None:
        path = tmp_path / "file.csv"
        path.write_text(f"{REOFFENDING}{period},adult,robbery,0.2\n", encoding="utf-8")
        assert "Column year_ending: row 1" in self.refused(path).what


class TestOpenDocument:
    sample = DATA / "national_baseline.ods"

    def test_each_figure_of_a_row_is_a_row(self) -> None:
        rows = figures(self.sample)
        assert len(rows) == 5 * 4
        assert [row["measure"] for row in rows[:4]] == [series.measure for series in PUBLISHED[-1].series]
        assert {row["publication"] for row in rows} == {"moj-proven-reoffending-table"}

    def test_cells_of_dates_numbers_and_text_are_read_alike(self) -> None:
        rows = figures(self.sample)
        assert rows[0]["period_end"] == rows[16]["period_end"] == date(2015, 3, 31)
        assert [row["number"] for row in rows[:4]] == ["400000", "100000", "25", "3.25"]

    def test_marks_of_the_publisher_stay_beside_the_figure_or_in_its_place(self) -> None:
        rows = figures(self.sample)
        assert [(row["value"], row["number"], row["marker"]) for row in rows[4:8]] == [
            ("390000", "390000", None),
            ("97,500 [r]", "97500", "[r]"),
            ("25.0 [b]", "25", "[b]"),
            ("3.5 [b]", "3.5", "[b]"),
        ]
        assert [(row["value"], row["number"], row["marker"]) for row in rows[13:20]] == [
            ("[c]", None, "[c]"),
            ("[c]", None, "[c]"),
            ("[c]", None, "[c]"),
            ("[x]", None, "[x]"),
            ("[x]", None, "[x]"),
            ("[x]", None, "[x]"),
            ("[z]", None, "[z]"),
        ]

    def test_notes_and_titles_are_not_read(self) -> None:
        assert "CANARY" not in str(figures(self.sample))

    def test_areas_are_told_apart(self) -> None:
        assert {(row["area"], row["area_kind"]) for row in figures(self.sample)} == {
            ("England and Wales", "nation"),
            ("Durham", "police area"),
            ("Cleveland", "police area"),
        }


def test_publications_are_told_apart_by_their_headers() -> None:
    known = [tuple(sorted(one.headers)) for one in PUBLISHED]
    assert len(set(known)) == len(known)
    assert len({one.key for one in PUBLISHED}) == len(PUBLISHED)
    for one in PUBLISHED:
        assert len(set(one.headers)) == len(one.headers)
        assert set(one.needed) <= set(one.headers)
        assert all(series.measure and series.unit for series in one.series)
        assert bool(one.area) != bool(one.fixed_area)
        assert all((series.period is None) == bool(one.period) for series in one.series)


def test_a_file_nobody_described_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("year,area,CANARY\n2015,Durham,12\n", encoding="utf-8")
    with nothing_said() as caught:
        read(SOURCE, path)
    assert "not those of any publication" in caught[0].what


def written(number: Decimal, commas: bool, percent: str) -> str:
    return f"{number:,f}{percent}" if commas else f"{number:f}{percent}"


ways = st.tuples(
    st.decimals(min_value=-(10**11), max_value=10**11, allow_nan=False, allow_infinity=False, places=7),
    st.booleans(),
    st.sampled_from(["", "%", " %"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ways, min_size=1, max_size=20))
def test_a_figure_is_the_same_number_however_it_is_written(tmp_path: Path, cells: list[tuple[Decimal, bool, str]]) -> None:
    path = tmp_path / "file.csv"
    lines = [f'2015-03-31,adult,robbery,"{written(*cell)}"\n' for cell in cells]
    path.write_text(REOFFENDING + "".join(lines), encoding="utf-8")
    for (number, commas, percent), row in zip(cells, figures(path), strict=True):
        assert row["value"] == written(number, commas, percent)
        assert Decimal(row["number"]) == number
        assert abs(Decimal(row["millionths"]) - number * 1_000_000) <= Decimal("0.5")


@given(st.dates(date(1990, 1, 1), date(2040, 12, 31)))
def test_periods_hold_their_days_and_follow_each_other(day: date) -> None:
    """Whatever the way of telling a period: it begins the day after the one before it ends."""
    ends = date(day.year, 3 * ((day.month + 2) // 3), 1)
    end = ends.replace(day=monthrange(ends.year, ends.month)[1])
    quarter = quarter_ending([end.isoformat()])
    assert quarter is not None
    assert quarter[1] <= day <= quarter[2] == end
    assert (quarter_ending([day.isoformat()]) is None) == (day != end)
    after = end + timedelta(days=1)
    following = quarter_ending([after.replace(month=after.month + 2, day=monthrange(after.year, after.month + 2)[1]).isoformat()])
    assert following is not None
    assert following[1] == after
    found = month([f"{day:%Y-%m}"])
    assert found is not None
    assert found[1] <= day <= found[2]
    assert (found[2] + timedelta(days=1)).day == 1
    year = year_ending([end.isoformat()])
    assert year is not None
    assert 364 <= (year[2] - year[1]).days <= 365
    financial = day.year - (day.month < 4)
    told = financial_quarter([f"{financial}/{(financial + 1) % 100:02}", str((day.month - 4) % 12 // 3 + 1)])
    assert told is not None
    assert told[1:] == quarter[1:]


# ----------------------------------------------------------------------------------------------------------------- the real files

REAL = {
    "moj/proven_reoffending_rates.csv.gz": ("moj-proven-reoffending", 308),
    "moj/time_offence_to_completion_by_offence_2018.csv.gz": ("moj-timeliness-by-offence", 21 * 13),
    "moj/crown_court_backlog_by_court.csv.gz": ("moj-crown-court-backlog-by-court", 70 * 2),
    "moj/crown_court_court_backlog_ratio.csv.gz": ("moj-crown-court-backlog-ratio", 66 * 2),
    "moj/crown_court_backlog_trajectory.csv.gz": ("moj-crown-court-backlog", 40 * 3),
    "moj/crown_court_caseload_age.csv.gz": ("moj-crown-court-caseload-age", 360),
    "moj/crown_court_timeliness_by_region.csv.gz": ("moj-crown-court-timeliness-by-region", 320 * 2),
    "moj/crown_court_timeliness_trend.csv.gz": ("moj-crown-court-timeliness", 40 * 4),
    "moj/prison_population_by_offence_sex.csv.gz": ("moj-prison-population", 130),
    "cps/cps_outcomes_by_principal_offence_2014_2016.csv.gz": ("cps-outcomes-by-principal-offence", 1_419 * 50),
    "home_office/outcomes_open_data_2018_19.csv.gz": ("home-office-outcomes", 132_529 * 2),
}


def real(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip("the shared data are not here")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", REAL)
def test_every_figure_of_a_real_file_is_delivered_as_published(name: str) -> None:
    """Read once more with the standard library: as many figures, each in its place, and none that the file has not."""
    path = real(name)
    key, count = REAL[name]
    table = read(SOURCE, path, "publication", "value", "number", "marker", "period_start", "period_end")
    assert table.num_rows == count
    assert set(table["publication"].to_pylist()) == {key}
    published = next(one for one in PUBLISHED if one.key == key)
    texts = [row[series.header].strip() for row in rows_of(path) for series in published.series]
    rows = table.to_pylist()
    for text, row in zip(texts, rows, strict=True):
        if text in ("", "NA"):
            assert (row["value"], row["number"], row["marker"]) == ("[x]", None, "[x]")
        elif text == "-":
            assert (row["value"], row["number"], row["marker"]) == ("[z]", None, "[z]")
        else:
            assert row["value"] == text
            assert Decimal(row["number"]) == Decimal(text.rstrip("%").replace(",", ""))
        assert row["period_start"] <= row["period_end"]
    quarters = {(row["period_start"].isoformat(), row["period_end"].isoformat()) for row in rows}
    if key == "home-office-outcomes":
        assert quarters == {
            ("2018-04-01", "2018-06-30"),
            ("2018-07-01", "2018-09-30"),
            ("2018-10-01", "2018-12-31"),
            ("2019-01-01", "2019-03-31"),
        }


def test_the_real_series_of_reoffending_breaks_where_the_method_changed() -> None:
    rows = figures(real("moj/proven_reoffending_rates.csv.gz"))
    assert {row["period"] for row in rows if row["marker"] == "[b]"} == {"year ending 2016-03"}
    assert sum(row["marker"] == "[x]" for row in rows) == 16


def test_months_the_prosecution_did_not_publish_are_not_there() -> None:
    rows = read(SOURCE, real("cps/cps_outcomes_by_principal_offence_2014_2016.csv.gz"), "period", "area", "area_kind").to_pylist()
    periods = {row["period"] for row in rows}
    assert len(periods) == 33
    assert periods.isdisjoint({"2015-11", "2016-02", "2016-03"})
    assert {row["area_kind"] for row in rows if row["area"] in ("Cleveland", "Durham")} == {"police area"}
