"""What is said of the most recent figure: which way, against the target, beside all areas. Chance is never called failure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from agreements.periods import Period
from exchange.framework.comparing import Status, Target, Way, against, change, compared
from exchange.framework.figures import ALL, HIDDEN, Point, Value, point
from exchange.framework.measures import Direction, Kind
from exchange.framework.series import Series
from exchange.framework.uncertainty import Chance
from tests.exchange.framework.test_figures import CHARGED

TODAY = date(2026, 11, 22)


def share(period: str, part: int | None, whole: int, area: str = ALL) -> Point:
    over = Value(marker=HIDDEN) if part is None else Value(part)
    return point(CHARGED, Period.parse(period), area, {"numerator": over, "denominator": Value(whole)})


def way(points: Sequence[Point], direction: Direction = Direction.UP, breaks: Sequence[str] = ()) -> Way:
    return change(CHARGED, direction, points, breaks).way


def test_the_same_period_of_the_year_before_is_compared_and_else_the_one_before() -> None:
    points = [share("2024-03", 100, 1000), share("2025-02", 300, 1000), share("2025-03", 180, 1000)]
    found = change(CHARGED, Direction.UP, points, ())
    assert (found.way, found.up) == (Way.BETTER, True)
    assert found.says == "18.0% in March 2025, 10.0% in March 2024: more than chance explains."
    assert way(points[1:]) is Way.WORSE


def test_better_is_as_the_measure_says() -> None:
    points = [share("2025-02", 100, 1000), share("2025-03", 180, 1000)]
    assert [way(points, one) for one in Direction] == [Way.BETTER, Way.WORSE, Way.HIGHER]


def test_what_chance_explains_is_no_change() -> None:
    found = change(CHARGED, Direction.UP, [share("2025-02", 100, 1000), share("2025-03", 110, 1000)], ())
    assert found.way is Way.SAME
    assert found.says.endswith("within what chance explains.")


def test_nothing_is_compared_across_a_break_or_with_what_is_hidden() -> None:
    points = [share("2025-02", 100, 1000), share("2025-03", 180, 1000)]
    assert way(points, breaks=["2025-03"]) is Way.UNKNOWN
    assert way([share("2025-02", None, 1000), points[1]]) is Way.UNKNOWN
    assert way([]) is Way.UNKNOWN


def test_a_figure_that_has_no_test_is_called_higher_or_lower_and_never_better() -> None:
    median = replace(CHARGED, kind=Kind.MEDIAN, unit="days", numerator=None, denominator=None, value=CHARGED.numerator)
    points = [Point(Period.parse(name), ALL, Fraction(days)) for name, days in (("2025-02", 90), ("2025-03", 60))]
    found = change(median, Direction.DOWN, points, ())
    assert found.way is Way.LOWER
    assert "not tested" in found.says
    assert found.says.endswith("Lower is better.")


AIM = Target(Fraction(18), date(2027, 3, 31), Direction.UP, "board of 12 March 2026", "Frankie", date(2026, 3, 13))


@pytest.mark.parametrize(
    ("part", "aim", "today", "status"),
    [
        (150, None, TODAY, Status.NONE),
        (190, AIM, TODAY, Status.MET),
        (250, AIM, TODAY, Status.MET),
        (170, AIM, TODAY, Status.NEAR),
        (100, AIM, TODAY, Status.NOT_YET),
        (100, AIM, date(2027, 4, 1), Status.NOT_YET),
        (100, replace(AIM, direction=Direction.DOWN), TODAY, Status.MET),
        (250, replace(AIM, direction=Direction.DOWN), TODAY, Status.NOT_YET),
    ],
)
def test_against_the_target(part: int, aim: Target | None, today: date, status: Status) -> None:
    assert against(CHARGED, aim, share("2026-09", part, 1000), today).status is status


def test_a_target_is_missed_once_a_figure_of_its_day_says_so() -> None:
    found = against(CHARGED, AIM, share("2027-03", 100, 1000), date(2027, 5, 1))
    assert found.status is Status.MISSED
    assert "no figure of it" in against(CHARGED, AIM, share("2027-02", 100, 1000), date(2027, 5, 1)).says


def test_a_target_that_is_met_by_less_than_chance_says_so() -> None:
    assert "interval still holds" in against(CHARGED, AIM, share("2026-09", 185, 1000), TODAY).says
    assert "interval" not in against(CHARGED, AIM, share("2026-09", 300, 1000), TODAY).says
    assert against(CHARGED, AIM, None, TODAY).status is Status.NO_FIGURE


def areas(**parts: tuple[int | None, int]) -> Series:
    points = {name: (share("2025-03", *found, area=name),) for name, found in parts.items()}
    whole = share("2025-03", sum(found[0] or 0 for found in parts.values()), sum(found[1] for found in parts.values()))
    return Series({ALL: (whole,), **points}, tuple(parts))


def test_areas_are_set_beside_the_limits_of_their_own_size() -> None:
    found = compared(CHARGED, areas(small=(9, 50), large=(480, 4000), middle=(150, 1000), lost=(None, 20)))
    assert found is not None
    assert found.drawable
    said = {one.area: one.chance for one in found.areas}
    assert said == {"small": Chance.WITHIN, "large": Chance.WITHIN, "middle": Chance.WATCH_HIGH, "lost": None}
    assert min(found.limits) < 50
    assert max(found.limits) > 4000


def test_a_funnel_wants_three_areas_and_a_quotient() -> None:
    found = compared(CHARGED, areas(one=(10, 100), other=(20, 100)))
    assert found is not None
    assert not found.drawable
    assert compared(CHARGED, Series({ALL: (share("2025-03", 1, 10),)}, ())) is None
