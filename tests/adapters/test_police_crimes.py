from datetime import date

from adapters.police_crimes import PoliceCrimes
from tests.adapters.contract import DATA, SourceContract, read


class TestPoliceCrimes(SourceContract):
    source = PoliceCrimes()
    sample = DATA / "police_crimes.csv"
    rows = 7
    real = "police_uk*/*-street*.csv.gz"

    def test_anti_social_behaviour_has_no_id_and_keeps_none(self) -> None:
        table = read(self.source, self.sample, "crime_id", "crime_type").to_pylist()
        assert [row["crime_id"] is None for row in table] == [row["crime_type"] == "Anti-social behaviour" for row in table]

    def test_a_month_is_its_first_day(self) -> None:
        assert set(read(self.source, self.sample, "month")["month"].to_pylist()) == {date(2021, 4, 1)}

    def test_a_blank_place_is_null(self) -> None:
        assert read(self.source, self.sample, "lsoa_code")["lsoa_code"].null_count == 1

    def test_repeats_are_kept_as_they_are(self) -> None:
        rows = read(self.source, self.sample).to_pylist()
        assert rows[0] == rows[1]
