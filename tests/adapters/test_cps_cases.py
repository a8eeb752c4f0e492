from datetime import date
from pathlib import Path

from adapters.cps_cases import CpsCases
from tests.adapters.contract import DATA, SourceContract, read


class TestCpsCases(SourceContract):
    source = CpsCases()
    sample = DATA / "cps_cases.csv"
    rows = 6

    def test_words_and_codes_are_delivered_as_the_agreements_list_them(self) -> None:
        rows = read(self.source, self.sample, "police_area", "court_type", "plea_stage", "outcome", "unsuccessful_reason").to_pylist()
        assert [row["police_area"] for row in rows] == ["Cleveland", "Cleveland", "Durham", "Cleveland", "Durham", "Durham"]
        assert [row["court_type"] for row in rows] == ["MCA", "MCA", "CC", "MCY", "MCA", "MCA"]
        assert [row["plea_stage"] for row in rows] == ["FIRST", "FIRST", None, "FIRST", None, "TRIAL"]
        assert [row["outcome"] for row in rows][2:] == ["ACQUITTED", "GUILTY_PLEA", "DISCONTINUED", "SENT_TO_CROWN"]
        assert [row["unsuccessful_reason"] for row in rows][2:] == ["WITNESS_EVIDENCE", None, "VICTIM_ABSENT", "PAPERS LOST"]

    def test_an_extract_of_open_cases_need_not_have_what_an_open_case_lacks(self, tmp_path: Path) -> None:
        path = tmp_path / "open.csv"
        path.write_text(
            "URN,Police Area,Court Type,First Hearing,Extract Date\n11DU0023023,Durham,CC,02/11/2023,31/05/2026\n", encoding="utf-8"
        )
        row = read(self.source, path, "police_area", "court_type", "first_hearing_date", "snapshot_date").to_pylist()[0]
        assert row == {
            "police_area": "Durham",
            "court_type": "CC",
            "first_hearing_date": date(2023, 11, 2),
            "snapshot_date": date(2026, 5, 31),
        }
