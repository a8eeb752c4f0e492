from adapters.laa_claims import LaaClaims
from tests.adapters.contract import DATA, SourceContract, read


class TestLaaClaims(SourceContract):
    source = LaaClaims()
    sample = DATA / "laa_claims.csv"
    rows = 5

    def test_a_correction_is_a_negative_amount_in_a_row_of_its_own(self) -> None:
        assert read(self.source, self.sample, "amount")["amount"].to_pylist() == [412, 412, 12873, -250, 95]

    def test_an_unlisted_stage_is_delivered_in_capitals_and_a_retired_one_as_what_it_became(self) -> None:
        stages = read(self.source, self.sample, "stage")["stage"].to_pylist()
        assert stages == ["MAGISTRATES", "MAGISTRATES", "AGFS", "LGFS", "DUTY SOLICITOR"]

    def test_a_reference_that_is_none_is_missing(self) -> None:
        assert read(self.source, self.sample, "case_urn")["case_urn"].to_pylist()[-1] is None
