from adapters.doubts import Doubts
from adapters.nps_caseload import NpsCaseload
from tests.adapters.contract import DATA, SourceContract, read


class TestNpsCaseload(SourceContract):
    source = NpsCaseload()
    sample = DATA / "nps_caseload.csv"
    rows = 5

    def test_a_need_nobody_assessed_is_empty_and_not_no(self) -> None:
        assert read(self.source, self.sample, "need_drugs")["need_drugs"].to_pylist() == ["Y", "Y", None, "N", "Y"]

    def test_two_orders_of_one_person_are_two_rows(self) -> None:
        crns = read(self.source, self.sample, "crn")["crn"].to_pylist()
        assert crns == ["X123456", "X123456", "X234567", "X345678", "X456789"]

    def test_tiers_that_were_numbers_are_letters(self) -> None:
        doubts = Doubts()
        assert read(self.source, self.sample, "risk_tier", doubts=doubts)["risk_tier"].to_pylist() == ["B", "B", "B", "D", "C"]
        assert len(doubts.items()) == 1
