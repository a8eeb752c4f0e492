"""The file of measures: read whole, or refused with the place that is wrong."""

import re
from pathlib import Path

import pytest

from exchange.errors import Misconfigured
from exchange.framework.measures import Direction, Kind, Workstream
from exchange.framework.reading import read_measures
from tests.exchange.framework.conftest import MEASURES
from tests.exchange.standing import ROOT

TEXT = MEASURES.read_text(encoding="utf-8")


def test_a_file_is_read_as_it_stands() -> None:
    first, second, third = read_measures(MEASURES)
    assert (first.id, first.workstream, first.direction, first.serves) == ("MV7", Workstream.VICTIMS, Direction.UP, ("V6",))
    assert first.headline.kind is Kind.SHARE
    assert first.headline.per == 100
    assert first.headline.numerator is not None
    assert first.headline.numerator.where == (("group", ("Charged",)),)
    assert first.releases == {"mv7-outcomes"}
    assert [one.period for one in first.breaks] == ["2022-04"]
    assert second.direction is Direction.DOWN
    assert third.headline.value is not None
    assert third.headline.value.column == "days_median"


WRONG = {
    "no TOML": ('id = "MV7"', "id = ", "not TOML"),
    "an unknown key": ('serves = ["V6"]', 'serves = ["V6"]\nservs = []', "MV7: unknown servs"),
    "an unknown key of cells": ('table = "by-area" }\nnational', 'table = "by-area", wher = {} }\nnational', "denominator: unknown wher"),
    "another workstream": ('workstream = "victims"', 'workstream = "witnesses"', "MV7: workstream must be one of"),
    "another id": ('id = "MV7"', 'id = "mv7"', "id must be two capitals"),
    "no title": ('title = "Crimes that end in a charge"', 'title = " "', "MV7: title must be a text"),
    "two headlines": (
        'kind = "count"\nunit = "crimes"',
        'kind = "count"\nunit = "crimes"\nheadline = true',
        "exactly one of them the headline",
    ),
    "a share without a denominator": ('kind = "count"', 'kind = "share"', "denominator and numerator"),
    "a count with nothing": ('kind = "median"', 'kind = "count"', "must be a count with numerator"),
    "a figure that is the count": ('column = "days_median"', 'column = "count"', "named by its column"),
    "a code twice": ('group = ["Charged"]', 'group = ["Charged", "Charged"]', "each once"),
    "no code": ('group = ["Charged"]', "group = []", "each once"),
    "a break that is no period": ('period = "2022-04"', 'period = "April 2022"', "period must be a year"),
    "an id twice": ('id = "ME9"', 'id = "MV7"', "two measures have one id"),
    "a name for a path": ('name = "charged"', 'name = "../charged"', "name must be small letters"),
}


@pytest.mark.parametrize(("old", "new", "words"), WRONG.values(), ids=WRONG)
def test_what_it_does_not_know_it_refuses(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in TEXT
    path = tmp_path / "measures.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Misconfigured, match=re.escape(words)):
        read_measures(path)


def test_no_file_says_which_setting_names_one(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="measures = FILE"):
        read_measures(tmp_path / "measures.toml")


def test_the_shipped_measures_are_read() -> None:
    path = ROOT / "config" / "measures.toml"
    assert {one.workstream for one in read_measures(path)} == set(Workstream)
