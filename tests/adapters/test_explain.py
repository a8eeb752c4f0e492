"""``exchange-agency explain``: the rule's own answer from the agreements verified here, with no hub."""

from collections.abc import Callable

import pytest

from tests.adapters.conftest import Desk
from tests.adapters.standin import StandIn

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def offline(cleveland: Desk, hub: StandIn) -> Desk:
    """A desk that has verified the agreement once, and whose hub answers no more."""
    assert cleveland("status").code == 0
    return cleveland


def ask(*more: str) -> list[str]:
    return ["explain", "LCJP-MV7", "--dataset", "crimes", *more, "--hub", NOBODY]


def test_every_check_is_told_with_its_clause_and_words_offline(offline: Desk) -> None:
    answer = offline(*ask("--period", "2021-04"))
    assert answer.code == 0, answer.err
    assert answer.out.startswith("Allowed, by LCJP-MV7 version 1, dataset crimes, retention.")
    assert "  yes  Is the party a supplier of this dataset? LCJP-MV7 version 1, dataset crimes, suppliers." in answer.out
    assert "“Kept for 10 years after the end of the period, then destroyed.”" in answer.out


def test_a_refusal_has_the_exit_code_of_refusals(offline: Desk) -> None:
    answer = offline(*ask("--period", "2019-04"))
    assert answer.code == 5
    assert "  NO   Does the agreement admit this period?" in answer.out
    assert "the agreement admits no data from before 2021-01" in answer.out
    told = offline(*ask("--period", "2019-04", "--json")).json
    assert (told["ok"], told["exit"], told["allowed"]) == (False, 5, False)
    assert told["clause"] == "LCJP-MV7 version 1, dataset crimes, period"
    assert [check["clause"] for check in told["checks"] if not check["allowed"]] == [told["clause"]]


def test_an_agreement_that_was_never_verified_here_is_unknown(offline: Desk) -> None:
    answer = offline("explain", "LCJP-OTHER", "--dataset", "crimes", "--period", "2021-04")
    assert (answer.code, "to which you are a party" in answer.err) == (5, True)


@pytest.mark.parametrize("words", [[], ["--dataset", "crimes"], ["--operation", "receive"], ["--dataset", "crimes", "--period", "April"]])
def test_a_question_that_is_not_whole_is_wrong_usage(offline: Desk, words: list[str]) -> None:
    assert offline("explain", "LCJP-MV7", *words).code == 2


def test_a_recipient_asks_what_it_may_receive(install: Callable[[str], Desk]) -> None:
    team = install("lcjp-performance-team")
    assert team("status").code == 0
    answer = team("explain", "LCJP-MV7", "--release", "mv7-outcomes", "--hub", NOBODY)
    assert answer.code == 0, answer.err
    assert answer.out.startswith("Allowed, by LCJP-MV7 version 1, release mv7-outcomes, recipients.")
