from adapters.liaison_diversion import LiaisonDiversion
from tests.adapters.contract import DATA, SourceContract, read


class TestLiaisonDiversion(SourceContract):
    source = LiaisonDiversion()
    sample = DATA / "liaison_diversion.csv"
    rows = 5

    def test_an_nhs_number_is_checked(self) -> None:
        numbers = read(self.source, self.sample, "nhs_number")["nhs_number"].to_pylist()
        assert numbers == ["9434765870", "9434765870", None, None, None]

    def test_engaged_is_yes_or_no(self) -> None:
        assert read(self.source, self.sample, "engaged")["engaged"].to_pylist() == ["Y", "Y", "N", "Y", "N"]
