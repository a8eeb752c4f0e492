from pathlib import Path

from adapters.witness_care import WitnessCare
from tests.adapters.contract import DATA, SourceContract, read


class TestWitnessCare(SourceContract):
    source = WitnessCare()
    sample = DATA / "witness_care.csv"
    rows = 6

    def test_attendance_and_measures_are_read_in_words_and_codes(self) -> None:
        rows = read(self.source, self.sample, "attendance", "special_measures", "video_link").to_pylist()
        assert [row["attendance"] for row in rows] == ["ATTENDED", "ATTENDED", "ATTENDED", "ABSENT", "DEWARNED", "DEWARNED"]
        assert [row["special_measures"] for row in rows] == ["USED", "USED", "USED", "NONE", "NOT_USED", "NOT_USED"]
        assert [row["video_link"] for row in rows][3:] == ["NONE", "NONE", "NOT_USED"]

    def test_the_witness_service_exports_answers_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "answers.csv"
        path.write_text("Asked On,Would Attend Again\n14/05/2026,y\n2026-05-15,\n16-MAY-2026,NO\n", encoding="utf-8")
        assert read(self.source, path, "would_attend_again")["would_attend_again"].to_pylist() == ["YES", None, "NO"]

    def test_a_witness_without_date_of_birth_has_no_key(self) -> None:
        keys = read(self.source, self.sample, "name_dob")["name_dob"].to_pylist()
        assert [key is None for key in keys] == [False, False, False, False, True, False]

    def test_blanks_within_a_reference_are_taken_out(self) -> None:
        assert read(self.source, self.sample, "case_urn")["case_urn"].to_pylist()[-1] == "11DU0024126"
