"""When a dated caseload's period closes, and what the agreement says of it in English."""

from datetime import UTC, date, datetime

import pytest

from agreements.closing import closes_after, may_follow
from agreements.decisions import Refused
from agreements.model import Agreement, Dataset
from agreements.periods import Period
from agreements.plain_english import sections
from tests.agreements import papers

OCTOBER = Period.parse("2026-10")


def with_mode(mode: str) -> tuple[Agreement, Dataset]:
    document = papers.document()
    document["datasets"][0].update(mode=mode, due_days=10)
    agreement = papers.build(document)
    return agreement, agreement.datasets[0]


def test_a_period_closes_its_due_days_after_its_end() -> None:
    agreement, dataset = with_mode("snapshot")
    assert closes_after(dataset, OCTOBER) == date(2026, 11, 10)
    assert may_follow(agreement, dataset, OCTOBER, datetime(2026, 11, 10, 23, 59, tzinfo=UTC))
    closed = may_follow(agreement, dataset, OCTOBER, datetime(2026, 11, 11, 0, 0, tzinfo=UTC))
    assert isinstance(closed, Refused)
    assert closed.clause == agreement.clause(f"dataset {dataset.name}", "mode")
    assert "closed after 10 November 2026" in closed.reason
    assert "new version" in closed.remedy


def test_the_day_is_one_in_london() -> None:
    agreement, dataset = with_mode("snapshot")
    june = Period.parse("2026-06")  # closes after 10 July, in summer time
    assert may_follow(agreement, dataset, june, datetime(2026, 7, 10, 22, 59, tzinfo=UTC))
    assert not may_follow(agreement, dataset, june, datetime(2026, 7, 10, 23, 0, tzinfo=UTC))


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_other_datasets_never_close(mode: str) -> None:
    agreement, dataset = with_mode(mode)
    assert closes_after(dataset, OCTOBER) is None
    assert may_follow(agreement, dataset, OCTOBER, datetime(2099, 1, 1, tzinfo=UTC))


def test_the_english_says_when_it_closes() -> None:
    agreement, dataset = with_mode("snapshot")
    [said] = [one.words for part in sections(agreement) for one in part.sentences if one.clause == f"dataset {dataset.name}, mode"]
    assert "closes 10 days after its end" in said
