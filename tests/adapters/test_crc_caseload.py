from pathlib import Path

from adapters.crc_caseload import CrcCaseload
from adapters.police_victims import PoliceVictims
from tests.adapters.contract import DATA, SourceContract, read, read_any


class TestCrcCaseload(SourceContract):
    source = CrcCaseload()
    sample = DATA / "crc_caseload.csv"
    rows = 4

    def test_names_in_capitals_make_the_same_keys(self) -> None:
        ours = read_any(self.source, self.sample).to_pylist()[2]
        theirs = read_any(PoliceVictims(), DATA / "police_victims.csv").to_pylist()[2]
        assert ours["surname"] != theirs["surname"]
        assert ours["name_dob"] == theirs["name_dob"] is not None

    def test_text_in_windows_1252_makes_the_same_keys(self, edited: Path) -> None:
        edited.write_bytes(self.sample.read_bytes().replace("Łukasz".encode(), b"Lukasz").decode("utf-8").encode("cp1252"))
        assert read_any(self.source, edited)["name_dob"] == read_any(self.source, self.sample)["name_dob"]

    def test_one_and_nought_are_yes_and_no(self) -> None:
        assert read(self.source, self.sample, "need_alcohol", "need_drugs").to_pylist()[-1] == {"need_drugs": "Y", "need_alcohol": "N"}
