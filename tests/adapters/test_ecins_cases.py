from datetime import date

from adapters.ecins_cases import EcinsCases
from tests.adapters.contract import DATA, SourceContract, read, read_any


class TestEcinsCases(SourceContract):
    source = EcinsCases()
    sample = DATA / "ecins_cases.json"
    rows = 5

    def test_keys_left_out_are_empty(self) -> None:
        rows = read_any(self.source, self.sample).to_pylist()
        assert [row["pnc_id"] is None for row in rows] == [False, False, False, True, True]
        assert [row["iom_start_date"] for row in rows][2:] == [date(2023, 2, 1), None, None]

    def test_true_and_false_are_yes_and_no(self) -> None:
        assert read(self.source, self.sample, "troubled_families")["troubled_families"].to_pylist() == ["Y", "Y", "N", None, None]

    def test_homes_and_work_are_those_of_the_agreement(self) -> None:
        rows = read(self.source, self.sample, "accommodation", "employment").to_pylist()
        assert [row["accommodation"] for row in rows] == ["SETTLED", "SETTLED", "TEMPORARY", None, "SOFA"]
        assert [row["employment"] for row in rows] == ["NONE", "NONE", None, "TRAINING", None]
