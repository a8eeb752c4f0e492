from adapters.victim_survey import VictimSurvey
from tests.adapters.contract import DATA, SourceContract, read


class TestVictimSurvey(SourceContract):
    source = VictimSurvey()
    sample = DATA / "victim_survey.xlsx"
    rows = 6

    def test_answers_are_read_as_words_and_as_numbers(self) -> None:
        answers = read(self.source, self.sample, "satisfaction")["satisfaction"].to_pylist()
        assert answers == ["COMPLETELY", "COMPLETELY", "FAIRLY_DIS", None, "DONT_KNOW", "COMPLETELY"]

    def test_groups_are_written_as_the_agreement_writes_them(self) -> None:
        groups = read(self.source, self.sample, "crime_group")["crime_group"].to_pylist()
        assert groups == ["Burglary", "Burglary", "Vehicle crime", "Hate crime", "Domestic abuse", "Anti-social behaviour"]

    def test_days_are_read_from_cells_of_dates_and_from_text(self) -> None:
        days = [day.isoformat() for day in read(self.source, self.sample, "survey_date")["survey_date"].to_pylist()]
        assert days == ["2026-05-02", "2026-05-02", "2026-05-07", "2026-05-09", "2026-05-31", "2026-05-31"]
