"""Intervals and limits against what defines them: equations, exact sums with whole numbers, and tables that were printed long ago."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.framework.uncertainty import (
    Z95,
    Chance,
    beside,
    rate_interval,
    rate_limits,
    rates_differ,
    share_interval,
    share_limits,
    shares_differ,
)

Z998 = 3.090232306167813
PARTS = st.integers(1, 5_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(PARTS)
def test_wilsons_ends_are_where_the_score_test_just_refuses(parts: tuple[int, int]) -> None:
    """(p̂ - p)² = z² p (1 - p) / n at both ends, but where the share is none or all."""
    part, whole = parts
    found, seen = share_interval(part, whole), part / whole
    for end in {found.low, found.high} - {0.0, 1.0}:
        assert (seen - end) ** 2 == pytest.approx(Z95**2 * end * (1 - end) / whole, rel=1e-6, abs=1e-12)
    assert found.low <= seen <= found.high
    assert 0 <= found.low <= found.high <= 1


@given(PARTS)
def test_the_rest_has_the_interval_mirrored(parts: tuple[int, int]) -> None:
    part, whole = parts
    one, other = share_interval(part, whole), share_interval(whole - part, whole)
    assert one.low == pytest.approx(1 - other.high, abs=1e-9)
    assert one.high == pytest.approx(1 - other.low, abs=1e-9)


@given(PARTS, st.integers(2, 20))
def test_more_of_the_same_is_surer(parts: tuple[int, int], times: int) -> None:
    part, whole = parts
    one, more = share_interval(part, whole), share_interval(part * times, whole * times)
    assert more.high - more.low < one.high - one.low


@pytest.mark.parametrize(
    ("events", "low", "high"), [(1, 0.02, 5.57), (5, 1.62, 11.67), (10, 4.80, 18.39), (50, 37.11, 65.92), (100, 81.36, 121.63)]
)
def test_byar_against_the_exact_limits_of_poisson(events: int, low: float, high: float) -> None:
    """The exact limits are those of printed tables (Garwood 1936); Byar's come within two hundredths of them, or a twentieth at one event."""
    found = rate_interval(events, 1)
    assert found.low == pytest.approx(low, abs=0.05)
    assert found.high == pytest.approx(high, abs=0.05)


@given(st.integers(0, 10_000), st.integers(1, 10**6))
def test_a_rate_lies_in_its_interval(events: int, size: int) -> None:
    found = rate_interval(events, size)
    assert 0 <= found.low <= events / size <= found.high


def exact(k: int, size: int, share: Fraction) -> Fraction:
    """The chance of at most k of size, in whole numbers."""
    return sum((math.comb(size, one) * share**one * (1 - share) ** (size - one) for one in range(k + 1)), Fraction(0))


@pytest.mark.parametrize("share", [Fraction(1, 10), Fraction(1, 2), Fraction(17, 20)])
@pytest.mark.parametrize("size", [1, 7, 40, 150])
def test_limits_of_a_share_against_exact_sums(share: Fraction, size: int) -> None:
    found = share_limits(float(share), size)
    for limit, tail in ((found.low95, 0.025), (found.high95, 0.975), (found.low998, 0.001), (found.high998, 0.999)):
        reached = next(k for k in range(size + 1) if exact(k, size, share) > Fraction(str(tail)))
        below = exact(reached - 1, size, share) if reached else Fraction(0)
        here = exact(reached, size, share)
        wanted = reached - float((here - Fraction(str(tail))) / (here - below))
        assert limit * size == pytest.approx(max(0.0, wanted), abs=1e-6)


@given(st.floats(0.02, 0.98), st.integers(5, 100_000))
def test_limits_hold_the_whole_and_the_outer_hold_the_inner(share: float, size: int) -> None:
    found = share_limits(share, size)
    assert 0 <= found.low998 <= found.low95 <= share + 1 / size
    assert share - 1 / size <= found.high95 <= found.high998 <= 1


@given(st.floats(0.05, 0.95), st.integers(20_000, 2_000_000))
def test_for_the_large_the_limits_are_those_of_the_normal(share: float, size: int) -> None:
    found, spread = share_limits(share, size), math.sqrt(share * (1 - share) / size)
    assert found.high95 - share == pytest.approx(Z95 * spread, rel=0.05)
    assert share - found.low998 == pytest.approx(Z998 * spread, rel=0.05)


@given(st.floats(0.001, 5), st.floats(10, 100_000))
def test_limits_of_a_rate_leave_out_what_they_say(rate: float, size: float) -> None:
    assume(rate * size < 20_000)
    found, expected = rate_limits(rate, size), rate * size
    terms = [math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(math.ceil(found.low95 * size))]
    assert sum(terms[:-1]) <= 0.025 + 1e-9
    assert found.low998 <= found.low95 <= rate + 1 / size
    assert found.high998 >= found.high95


def test_words_for_chance() -> None:
    limits = share_limits(0.3, 400)
    assert beside(0.3, limits) is Chance.WITHIN
    assert beside((limits.high95 + limits.high998) / 2, limits) is Chance.WATCH_HIGH
    assert beside(limits.low998 - 0.01, limits) is Chance.SIGNAL_LOW
    assert beside(limits.high998 + 0.01, limits).signal
    assert str(Chance.WITHIN) == "within what chance explains"


def test_a_share_of_none_or_all_has_limits_of_no_width() -> None:
    assert share_limits(0.0, 10).high998 == 0
    assert share_limits(1.0, 10).low998 == 1
    assert beside(0.1, share_limits(0.0, 10)) is Chance.SIGNAL_HIGH


def test_differences() -> None:
    assert not shares_differ(50, 100, 55, 100)
    assert shares_differ(500, 1000, 550, 1000)
    assert not shares_differ(0, 10, 0, 20)
    assert not rates_differ(10, 1000, 14, 1000)
    assert rates_differ(100, 1000, 150, 1000)
    assert not rates_differ(0, 5, 0, 5)
