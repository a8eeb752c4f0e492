from adapters.police_outcomes import PoliceOutcomes
from tests.adapters.contract import DATA, SourceContract, read


class TestPoliceOutcomes(SourceContract):
    source = PoliceOutcomes()
    sample = DATA / "police_outcomes.csv"
    rows = 6
    real = "police_uk/*-outcomes.csv.gz"

    def test_exact_repeats_and_several_outcomes_of_one_crime_are_kept(self) -> None:
        rows = read(self.source, self.sample).to_pylist()
        assert rows[0] == rows[1]
        assert len({row["crime_id"] for row in rows}) == 4
