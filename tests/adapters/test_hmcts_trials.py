from pathlib import Path

from adapters.hmcts_trials import HmctsTrials
from tests.adapters.contract import DATA, SourceContract, read, read_any


class TestHmctsTrials(SourceContract):
    source = HmctsTrials()
    sample = DATA / "hmcts_trials.xml"
    rows = 7

    def test_courts_lose_the_noughts_of_their_unit(self) -> None:
        courts = read(self.source, self.sample, "court_code")["court_code"].to_pylist()
        assert courts == ["B17JA", "B17JA", "B11EI", "C11DU", "C11DU", "C17TE", "C17TE"]

    def test_only_the_first_day_of_a_trial_has_an_outcome(self) -> None:
        assert read(self.source, self.sample, "trial_outcome")["trial_outcome"].to_pylist() == ["E", None, "C", "I", "I", "V", "V"]

    def test_co_defendants_have_a_row_each_and_repeats_stay(self) -> None:
        rows = read_any(self.source, self.sample).to_pylist()
        assert rows[3]["case_urn"] == rows[4]["case_urn"]
        assert rows[3]["name_dob"] != rows[4]["name_dob"]
        assert rows[5] == rows[6]

    def test_an_extract_of_no_known_system_is_refused(self, edited: Path) -> None:
        edited.write_text(self.sample.read_text(encoding="utf-8").replace('"XHIBIT"', '"CANARY"', 1), encoding="utf-8")
        assert "Column system: row 4" in self.refused(edited, "system").what
