from adapters.doubts import Doubts
from adapters.match_keys import match_keys
from adapters.police_victims import PoliceVictims
from tests.adapters.contract import DATA, SourceContract, read, read_any

MATCH_KEYS = tuple(match_keys("surname", "forename", "date_of_birth", postcode="postcode"))


class TestPoliceVictims(SourceContract):
    source = PoliceVictims()
    sample = DATA / "police_victims.csv"
    rows = 7

    def test_dates_are_read_in_three_forms_and_a_time_of_day_is_cut_off(self) -> None:
        days = [day.isoformat() for day in read_any(self.source, self.sample)["report_date"].to_pylist()]
        assert days == ["2026-05-01", "2026-05-01", "2026-05-03", "2026-05-07", "2026-05-09", "2026-05-31", "2026-05-12"]

    def test_an_organisation_has_neither_age_nor_match_key(self) -> None:
        rows = read_any(self.source, self.sample).to_pylist()
        for row in (row for row in rows if row["victim_kind"] == "O"):
            assert [row[name] for name in ("age", "date_of_birth", *MATCH_KEYS)] == [None] * (2 + len(MATCH_KEYS))

    def test_a_type_no_longer_issued_is_read_as_what_it_became(self) -> None:
        doubts = Doubts()
        kinds = read(self.source, self.sample, "victim_kind", doubts=doubts)["victim_kind"].to_pylist()
        assert kinds == ["P", "P", "P", "P", "O", "P", "P"]
        assert [(column, count) for column, _, count in doubts.items()] == [("victim_kind", 1)]

    def test_outcome_types_lose_their_nought_and_their_word(self) -> None:
        assert read(self.source, self.sample, "outcome_type")["outcome_type"].to_pylist() == ["16", "16", "1", None, "18", "1A", "14"]

    def test_an_unknown_name_is_no_key(self) -> None:
        assert read_any(self.source, self.sample)["name_dob"].to_pylist()[-1] is None
