from adapters.doubts import Doubts
from adapters.yos_interventions import YosInterventions
from tests.adapters.contract import DATA, SourceContract, read, read_any


class TestYosInterventions(SourceContract):
    source = YosInterventions()
    sample = DATA / "yos_interventions.xml"
    rows = 5

    def test_types_no_longer_given_and_unlisted_ones_are_delivered(self) -> None:
        doubts = Doubts()
        types = read(self.source, self.sample, "intervention_type", doubts=doubts)["intervention_type"].to_pylist()
        assert types == ["YOUTH_CAUTION", "YOUTH_CAUTION", "TRIAGE", "YOUTH_CAUTION", "MENTORING"]
        assert len(doubts.items()) == 1

    def test_age_is_that_of_the_start(self) -> None:
        assert read_any(self.source, self.sample)["age"].to_pylist() == [18, 18, 16, 16, 18]

    def test_who_has_no_address_has_no_area_and_no_key_of_a_postcode(self) -> None:
        row = read_any(self.source, self.sample).to_pylist()[-1]
        assert (row["lsoa_code"], row["name_postcode"]) == (None, None)
        assert row["name_dob"] is not None
