from pathlib import Path

from adapters.crc_caseload import CrcCaseload
from adapters.prison_movements import PrisonMovements
from tests.adapters.contract import DATA, SourceContract, read_any


class TestPrisonMovements(SourceContract):
    source = PrisonMovements()
    sample = DATA / "prison_movements.txt"
    rows = 6

    def test_a_date_is_read_in_four_forms(self) -> None:
        days = [day.isoformat() for day in read_any(self.source, self.sample)["movement_date"].to_pylist()]
        assert days == ["2026-05-03", "2026-05-03", "2026-05-10", "2026-05-11", "2026-05-20", "2026-05-31"]

    def test_codes_are_those_of_the_agreements(self) -> None:
        rows = read_any(self.source, self.sample).to_pylist()
        assert [row["movement"] for row in rows] == ["R", "R", "D", "D", "R", "D"]
        assert [row["sentence_band"] for row in rows][2:] == ["UNDER_12M", "12M_TO_4Y", "INDETERMINATE", None]
        assert [row["release_accommodation"] for row in rows][2:4] == ["SETTLED", "NONE"]
        assert [row["release_employment"] for row in rows][2:4] == ["NONE", "TRAINING"]

    def test_a_name_with_an_accent_makes_the_key_of_the_probation_company(self) -> None:
        ours = read_any(self.source, self.sample).to_pylist()[3]
        theirs = read_any(CrcCaseload(), DATA / "crc_caseload.csv").to_pylist()[0]
        assert ours["name_dob"] == theirs["name_dob"] is not None

    def test_a_file_cut_short_is_refused(self, edited: Path) -> None:
        lines = self.sample.read_bytes().splitlines(keepends=True)
        edited.write_bytes(b"".join(lines[:3] + lines[-1:]))
        assert "counts another number" in self.refused(edited).what


class TestPrisonPopulation(SourceContract):
    source = PrisonMovements()
    sample = DATA / "prison_population.txt"
    rows = 3

    def test_the_snapshot_has_a_day_and_no_movement(self) -> None:
        table = read_any(self.source, self.sample)
        assert "movement" not in table.column_names
        assert {day.isoformat() for day in table["snapshot_date"].to_pylist()} == {"2026-05-31"}

    def test_a_movement_wanted_of_the_snapshot_is_missing(self) -> None:
        assert "“MOVE_TYPE” is missing" in self.refused(self.sample, "movement").what
