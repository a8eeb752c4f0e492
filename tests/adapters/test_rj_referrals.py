from pathlib import Path

from adapters.rj_referrals import RjReferrals
from tests.adapters.contract import DATA, SourceContract, read


class TestRjReferrals(SourceContract):
    source = RjReferrals()
    sample = DATA / "rj_referrals.csv"
    rows = 5

    def test_trailing_columns_without_a_header_are_accepted_while_they_are_empty(self, edited: Path) -> None:
        text = self.sample.read_text(encoding="utf-8")
        assert text.splitlines()[0].endswith(",,")
        edited.write_text(text.rstrip("\n") + "CANARY\n", encoding="utf-8")
        assert "as many values as there are headers" in self.refused(edited).what

    def test_references_are_in_one_form(self) -> None:
        references = read(self.source, self.sample, "crime_reference")["crime_reference"].to_pylist()
        assert references == ["CVP/26/000101", "CVP/26/000101", "CVP/26/000102", "CVP/26/000103", "CVP/26/000105"]
