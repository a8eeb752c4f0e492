"""Noise in an agreement: what is said of it in words, what changes between versions, and that agreements without it are what they were."""

import hashlib

import pytest

from agreements.difference import difference
from agreements.document import canonical
from agreements.minimisation import findings
from agreements.perturbation import spread, unit_kind
from agreements.plain_english import sections, terms_in_words
from agreements.release import Level, Method, Terms, Zeros
from tests.agreements.papers import Document, agreement, build, document, edited

NOISE = {"method": "cell-key", "bound": 20, "variance": 8, "smallest": 3}


def noisy(parsed: Document) -> None:
    parsed["releases"][0]["terms"].update(NOISE)


def test_an_agreement_without_noise_says_nothing_of_it_in_what_is_signed() -> None:
    signed = canonical(agreement())
    assert not any(word in signed for word in (b'"bound"', b'"variance"', b'"smallest"'))
    assert agreement().digest == "sha256:" + hashlib.sha256(signed).hexdigest()
    assert build(document()).releases[0].terms.noise == (0, 0, 0)


def test_the_words_say_how_far_a_count_may_be_from_the_truth_and_that_totals_need_not_add_up() -> None:
    found = edited(noisy)
    [said] = [one.words for section in sections(found) for one in section.sentences if one.clause == "release mv7-outcomes, terms"]
    assert said == terms_in_words(found.releases[0].terms)
    for words in ("at most 20 more or fewer", "variance of 8", "within 6", "Noughts are shown as they are", "under 3", "need not add up"):
        assert words in said
    assert "every small count could be any of at least 10 whole numbers" in said


def test_a_release_is_counted_by_the_one_pseudonym_that_every_unit_has() -> None:
    found = edited(noisy)
    kind = unit_kind(found, found.releases[0])
    assert kind is not None
    assert kind[0] == "crime"
    assert not [one for one in findings(found) if "field crime" in one.clause]


@pytest.mark.parametrize(("variance", "within"), [(1, 2), (2, 3), (4, 4), (8, 6), (20, 9)])
def test_mostly_is_two_standard_deviations_rounded_up(variance: int, within: int) -> None:
    assert spread(Terms(10, Zeros.PUBLISHED, Level.C, Method.CELL_KEY, bound=20, variance=variance, smallest=1)) == within


@pytest.mark.parametrize("change", [{"method": "suppress"}, {"bound": 25}, {"variance": 9}, {"smallest": 4}])
def test_other_noise_is_another_protection(change: dict[str, object]) -> None:
    def other(parsed: Document) -> None:
        noisy(parsed)
        parsed["agreement"]["version"] = 2
        parsed["releases"][0]["terms"].update(change)
        if change.get("method"):
            for name in ("bound", "variance", "smallest"):
                del parsed["releases"][0]["terms"][name]

    told = [one.words for one in difference(edited(noisy), edited(other))]
    assert "How counts of mv7-outcomes are protected changes." in told
