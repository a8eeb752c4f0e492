from adapters.vcas_cases import VcasCases
from tests.adapters.contract import DATA, SourceContract, read


class TestVcasCases(SourceContract):
    source = VcasCases()
    sample = DATA / "vcas_cases.csv"
    rows = 5

    def test_a_score_nobody_gave_is_empty(self) -> None:
        rows = read(self.source, self.sample, "opening_family", "closing_family", "opening_health", "closing_health").to_pylist()
        assert (rows[0]["opening_family"], rows[0]["closing_family"]) == (None, None)
        assert (rows[3]["opening_health"], rows[3]["closing_health"]) == (None, 4)

    def test_an_open_case_has_no_answer_and_an_older_form_is_read(self) -> None:
        answers = read(self.source, self.sample, "support_satisfaction")["support_satisfaction"].to_pylist()
        assert answers == ["STRONGLY_AGREE", "STRONGLY_AGREE", None, "DISAGREE", "NEITHER"]
