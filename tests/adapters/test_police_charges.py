from adapters.doubts import Doubts
from adapters.police_charges import PoliceCharges
from adapters.police_victims import PoliceVictims
from tests.adapters.contract import DATA, SourceContract, read, read_any


class TestPoliceCharges(SourceContract):
    source = PoliceCharges()
    sample = DATA / "police_charges.csv"
    rows = 7

    def test_identifiers_are_canonical_and_what_is_none_is_missing(self) -> None:
        rows = read_any(self.source, self.sample).to_pylist()
        assert [row["pnc_id"] for row in rows] == [
            "2010/0012345V",
            "2010/0012345V",
            "1996/0000777E",
            None,  # a wrong check letter
            None,  # “unknown”
            "2003/0000003Y",
            None,
        ]
        assert [row["case_urn"] for row in rows][2:6] == ["17MB0010226", None, "17MB0010826", None]
        assert rows[4]["asn"] is None  # a number made up where there was no arrest

    def test_what_is_missing_is_counted_and_never_quoted(self) -> None:
        doubts = Doubts()
        read(self.source, self.sample, "pnc_id", "cro_number", "asn", doubts=doubts)
        assert {(column, count) for column, _, count in doubts.items()} == {("pnc_id", 1), ("cro_number", 1), ("asn", 1)}

    def test_age_is_that_of_the_day_of_the_charge(self) -> None:
        assert read_any(self.source, self.sample)["age"].to_pylist() == [48, 48, 30, 18, 24, 40, None]

    def test_disposals_and_sentences_no_longer_given_are_read_as_what_they_became(self) -> None:
        table = read_any(self.source, self.sample)
        assert table["disposal"].to_pylist() == [
            None,
            None,
            "CONVICTED",
            "YOUTH_CAUTION",
            "CONDITIONAL_CAUTION",
            "DISCONTINUED",
            "CONVICTED",
        ]
        assert table["sentence_type"].to_pylist()[-1] == "COMMUNITY"

    def test_an_arrested_person_and_a_victim_of_one_name_have_the_same_keys(self) -> None:
        charged = read_any(self.source, self.sample).to_pylist()[5]
        victim = read_any(PoliceVictims(), DATA / "police_victims.csv").to_pylist()[2]
        for key in ("name_dob", "sound_dob", "name_postcode"):
            assert charged[key] == victim[key] is not None
