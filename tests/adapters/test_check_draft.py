"""``exchange-agency check --draft``: what check shows, under words that nobody signed, with no hub, no key and no settings."""

from pathlib import Path

import pytest

from tests.adapters.conftest import CRIMES, Answer, Desk
from tests.agreements import papers

PLAINLY = "a draft that nobody signed. No signature was looked for, and nothing can be sent under it."


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The shipped words, with every place of a fingerprint still open."""
    path = tmp_path / "draft.toml"
    path.write_text(papers.TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture
def nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk without folder, settings or keys."""
    return Desk(tmp_path / "none", capsys)


def checked(desk: Desk, draft: Path, *more: str | Path, dataset: str = "crimes", file: Path = CRIMES, period: str = "2021-04") -> Answer:
    return desk("check", "--draft", draft, dataset, file, "--period", period, *more)


def test_it_shows_what_check_shows_under_the_same_words_in_force(nobody: Desk, draft: Path, cleveland: Desk) -> None:
    signed, drafted = (
        desk("check", *more, "crimes", CRIMES, "--period", "2021-04", "--json")
        for desk, more in ((cleveland, ()), (nobody, ("--draft", draft)))
    )
    assert (signed.code, drafted.code) == (0, 0), drafted.err
    [shown], [alike] = signed.json["agreements"], drafted.json["agreements"]
    assert alike.pop("draft") is True
    for told in (shown, alike):  # a pseudonym is made under a secret that is thrown away
        told["fields"][0]["invented"].pop("after")
    assert shown == alike
    plain = checked(nobody, draft).out
    lines = cleveland("check", "crimes", CRIMES, "--period", "2021-04").out.splitlines()
    assert [line for line in lines if "leaves as" not in line] == [
        line for line in plain[plain.index("LCJP-MV7") :].splitlines() if "leaves as" not in line
    ]


def test_it_says_plainly_that_nobody_signed_and_leaves_nothing_behind(nobody: Desk, draft: Path) -> None:
    answer = checked(nobody, draft)
    assert answer.code == 0, answer.err
    assert " ".join(answer.out.split()).startswith(f"{draft}: {PLAINLY}")
    assert answer.out.endswith("Nothing was sent.\n")
    assert not nobody.home.exists()


def test_a_document_that_is_no_agreement_is_refused_by_its_places(nobody: Desk, draft: Path) -> None:
    draft.write_text(draft.read_text(encoding="utf-8").replace('mode = "replace"', 'mode = "repalce"', 1), encoding="utf-8")
    answer = checked(nobody, draft)
    assert (answer.code, answer.out) == (3, "")
    assert "datasets.0.mode" in answer.err
    draft.write_bytes(b"\xff\xfe")
    assert checked(nobody, draft).code == 3
    draft.unlink()
    assert "no such file" in checked(nobody, draft).err


@pytest.mark.parametrize(
    ("dataset", "period", "said"),
    [
        ("crime", "2021-04", "It names: crimes, outcomes."),
        ("crimes", "2019-04", "no data from before 2021-01"),
        ("crimes", "2021", "this dataset's period is a month"),
    ],
)
def test_what_the_words_do_not_admit_is_refused_by_them(nobody: Desk, draft: Path, dataset: str, period: str, said: str) -> None:
    answer = checked(nobody, draft, dataset=dataset, period=period)
    assert answer.code == 5
    assert said in answer.err
    assert "LCJP-MV7 version 1" in answer.err


def test_faults_end_it_as_they_end_check_and_say_rows_and_no_value(nobody: Desk, draft: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(CRIMES.read_text(encoding="utf-8").replace("Robbery", "Piracy"), encoding="utf-8")
    answer = checked(nobody, draft, file=spoiled)
    assert (answer.code, "Piracy" in answer.out + answer.err) == (6, False)
    assert "crime_type: 1 row breaks the rule" in answer.err


def test_a_field_that_the_source_does_not_have_is_refused_before_a_row_is_read(nobody: Desk, draft: Path) -> None:
    draft.write_text(draft.read_text(encoding="utf-8").replace('from = "crime_type"', 'from = "crime_kind"', 1), encoding="utf-8")
    answer = checked(nobody, draft)
    assert answer.code == 3
    assert "crime_kind" in answer.err


def test_code_lists_are_those_of_the_settings_where_there_are_any(cleveland: Desk, draft: Path, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    cleveland.setting(f'codes = "{tmp_path / "lists"}"')
    answer = checked(cleveland, draft)
    assert (answer.code, "code list" in answer.err) == (3, True)


def test_a_draft_and_an_agreement_are_not_asked_together(nobody: Desk, draft: Path) -> None:
    assert checked(nobody, draft, "--agreement", "LCJP-MV7").code == 2
