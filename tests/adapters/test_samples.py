"""What check shows: invented values of every rule, kind and source, valid where they must be, and of nobody; in any terminal; and the scorecard."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adapters.agency.commands.scorecard import card_lines
from adapters.agency.commands.sheet import field_lines
from adapters.agency.samples import _FORMS, _IDENTIFIERS, before_and_after
from adapters.agency.settings import PRODUCT_CODES
from adapters.doubts import Doubts
from adapters.identifiers import IDENTIFIERS
from adapters.police_crimes import PoliceCrimes
from adapters.registry import SOURCES
from agreements.codes import CodeList, read_lists
from agreements.document import fill, placeholders, read
from agreements.fields import KeepPattern, PseudonymiseRule
from agreements.model import Dataset
from keys.pseudonym import KINDS
from tests.adapters.conftest import CRIMES, Desk

SHIPPED = sorted((PRODUCT_CODES.parent / "agreements").glob("*.toml"))


@pytest.fixture(scope="module")
def lists() -> dict[str, CodeList]:
    return read_lists(PRODUCT_CODES)


def datasets(path: Path) -> Iterator[Dataset]:
    text = path.read_text(encoding="utf-8")
    keys = {
        place: ("xwing:" if place.endswith("/encryption") else "ed25519:") + f"{number:064x}"
        for number, place in enumerate(placeholders(text))
    }
    yield from read(fill(text, keys)).datasets


EVERY = [pytest.param(one, id=f"{path.stem}-{one.name}") for path in SHIPPED for one in datasets(path)]


@pytest.mark.parametrize("dataset", EVERY)
def test_every_field_of_every_shipped_agreement_has_a_sample_that_its_rule_lets_through(
    dataset: Dataset, lists: dict[str, CodeList]
) -> None:
    source = SOURCES[dataset.adapter]
    found = before_and_after(source, dataset, lists)
    headers = {column.name: header for header, column in source.columns.items()}
    assert list(found) == [one.name for one in dataset.fields]
    for one in dataset.fields:
        sample = found[one.name]
        assert sample.delivered not in ("", "(empty)"), one.name
        assert sample.after not in ("", "(empty)"), one.name
        if isinstance(one.rule, PseudonymiseRule):
            assert re.fullmatch(r"[0-9a-f]{32}", sample.after)
        if (derived := source.derived.get(one.source)) is not None:
            assert list(sample.parts) == list(derived.parts)
            assert sample.columns == tuple(headers[part] for part in derived.parts)
            assert all(sample.parts.values())
        else:
            assert (sample.columns, dict(sample.parts)) == ((headers[one.source],), {})
        left = pa.array([sample.after], pa.string())
        if isinstance(one.rule, KeepPattern) and not sample.after.startswith("("):
            assert not any(one.rule.faults(left).to_pylist())


def test_the_shipped_agreements_show_every_kind_of_pseudonym_that_adapters_deliver() -> None:
    shown = {
        one.rule.kind for path in SHIPPED for dataset in datasets(path) for one in dataset.fields if isinstance(one.rule, PseudonymiseRule)
    }
    assert set(KINDS) <= shown


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_invented_identifier_is_one(name: str) -> None:
    [canonical] = IDENTIFIERS[name].canonical(pa.array([_IDENTIFIERS[name]])).to_pylist()
    assert canonical is not None


def test_samples_of_patterns_are_told_apart_from_forms() -> None:
    assert all(not form.startswith("(") for form in _FORMS)


@pytest.mark.parametrize("width", [80, 120, 300])
def test_a_field_fits_the_terminal_and_loses_nothing(width: int, lists: dict[str, CodeList]) -> None:
    for path in SHIPPED:
        for dataset in datasets(path):
            samples = before_and_after(SOURCES[dataset.adapter], dataset, lists)
            for one in dataset.fields:
                lines = "\n".join(field_lines(one, samples[one.name], 3, 1_234, width)).split("\n")
                long = [line for line in lines if len(line) > width]
                assert all(len(line.split()) <= 2 for line in long), long  # but for a word, which is never cut
                said = " ".join(" ".join(lines).split())
                assert " ".join(one.rule.describe().split()) in said
                assert samples[one.name].after in said
                assert all(f"“{header}”" in said for header in samples[one.name].columns)


def test_check_says_what_is_doubtful_read_only_and_never_read(cleveland: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        answer = cleveland("check", "crimes", CRIMES, "--period", "2021-04")
        assert answer.code == 0
        assert max(len(line) for line in answer.out.splitlines() if "Nothing" not in line) <= int(columns)
        assert "Never read past the header: Reported by" in answer.out
    document = cleveland("check", "crimes", CRIMES, "--period", "2021-04", "--json").json["agreements"][0]
    assert (document["doubts"], document["read_only"]) == ([], [])
    crime = document["fields"][0]
    assert crime["columns"] == ["Crime ID"]
    assert set(crime["invented"]) == {"written", "parts", "before", "after"}


def test_doubts_are_shown_by_check_and_by_push(cleveland: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read_it = PoliceCrimes.extract

    def extract(self: PoliceCrimes, *given: Any, doubts: Doubts | None = None, **more: Any) -> Any:
        if doubts is not None:
            doubts.add("crime_type", "of a code no longer issued, read as the code that replaced it", 1_200)
        return read_it(self, *given, doubts=doubts, **more)

    monkeypatch.setattr(PoliceCrimes, "extract", extract)
    said = "crime_type: of a code no longer issued, read as the code that replaced it (1,200 values)."
    assert said in " ".join(cleveland("check", "crimes", CRIMES, "--period", "2021-04").out.split())
    [told] = cleveland("check", "crimes", CRIMES, "--period", "2021-04", "--json").json["agreements"][0]["doubts"]
    assert (told["column"], told["count"]) == ("crime_type", 1_200)
    pushed = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (pushed.code, said in pushed.err) == (0, True)


# ------------------------------------------------------------------------------------------------------------ the scorecard


def card(**members: Any) -> dict[str, Any]:
    period = {
        "period": "2021-04",
        "submission": "sub-1",
        "received": "2021-05-01",
        "rows": 1_000,
        "present": {"crime": 900, "month": 1_000},
        "otherwise": {},
        "refused": 1,
        "rules": [{"field": "crime_type", "rule": "must be one of 16 values", "count": 4}],
        "doubts": ["late", "new codes"],
        "late_by_days": 3,
        "back_fill": False,
        "score": 60,
        "completeness": 0.95,
        "conformance": None,
    }
    head = {"reference": "LCJP-MV7", "dataset": "crimes", "title": "Crimes", "trend": {"completeness": "worse"}}
    return {**head, "overdue": [{"period": "2021-05", "due": "2021-06-30", "days": 4}], "periods": [period], **members}


def test_a_card_for_people() -> None:
    text = "\n".join(card_lines(card(), 80))
    for said in (
        "LATE 2021-05",
        "95.0%",
        "1,000",
        "doubtful, and accepted: late, new codes",
        "crime_type must be one of 16 values: 4",
        "crime 900",
    ):
        assert said in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "Nothing has been sent yet." in "\n".join(card_lines(card(periods=[]), 80))


@pytest.mark.parametrize("odd", [None, 3, "x", [], {}, [3], {"a": 1}, "\x1b[31mred"])
def test_whatever_the_hub_answers_a_card_is_text(odd: object) -> None:
    whole = card()
    for name in whole:
        assert "\x1b" not in "\n".join(card_lines({**whole, name: odd}, 80))
    for name in whole["periods"][0]:
        assert "\x1b" not in "\n".join(card_lines({**whole, "periods": [{**whole["periods"][0], name: odd}]}, 80))
