"""An agreement with one leaf changed at a time: every word, number and date of a whole document, each to another that may stand there."""

import copy
import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

from agreements.errors import InvalidDocument
from agreements.fields import FieldType
from agreements.model import AfterEnd, Agreement, Category, Mode, Regime, Role, Subjects
from agreements.periods import PeriodKind
from agreements.release import Level, Zeros
from tests.agreements import papers

Place = tuple[str | int, ...]
ENUMS = (Role, Regime, Subjects, Category, AfterEnd, Mode, PeriodKind, FieldType, Zeros, Level)


def whole() -> papers.Document:
    """The shipped agreement with everything else that a document may hold: Part 3, crossings, a permission, categories, a public release."""
    parsed = papers.document()
    parsed["parties"][0]["lawful_bases"][0] |= {"regime": "part3", "basis": "DPA 2018 s.35(2)(b), Schedule 8 paragraph 1"}
    names = ["crimes", "outcomes"]
    parsed["crossings"] = [
        {"datasets": names, "from": "part3", "to": "uk-gdpr", "gateway": "DPA 2018 s.36(4), authorised by law."},
        {"datasets": names, "from": "uk-gdpr", "to": "part3", "gateway": "Crime and Disorder Act 1998 s.115."},
    ]
    parsed["permissions"] = [{"name": "joining", "joins": ["victims", "suspects"], "because": "the measure is about both."}]
    parsed["releases"][0] |= {"permission": "joining", "public": True, "earlier_rows": True}
    parsed["releases"][0]["terms"]["level"] = "B"  # noughts may be hidden there, or shown
    for dataset, about in zip(parsed["datasets"], (["victims", "others"], ["suspects"]), strict=True):
        dataset["about"] = about
        for field in dataset["fields"]:
            field.setdefault("may_be_empty", False)
            field.setdefault("category", "criminal-offence")
    return parsed


@cache
def original() -> Agreement:
    return papers.build(whole())


def _set(place: Place, value: Any) -> papers.Document:
    parsed = whole()
    papers.at(parsed, place[:-1])[place[-1]] = value
    return parsed


def _rename(value: Any, old: str, new: str) -> Any:
    """A name changed wherever it stands, in ``dataset.field`` too."""
    if isinstance(value, dict):
        return {_rename(key, old, new): _rename(member, old, new) for key, member in value.items()}
    if isinstance(value, list):
        return [_rename(member, old, new) for member in value]
    if isinstance(value, str) and " " not in value:
        return ".".join(new if part == old else part for part in value.split("."))
    return value


def _others(place: Place, value: Any) -> Iterator[papers.Document]:
    """Documents that differ in this leaf, the plainest first; many may not stand."""
    match value:
        case bool():
            yield _set(place, not value)
        case int():
            yield from (_set(place, value + step) for step in (1, -1))
        case date():
            yield from (_set(place, value + timedelta(days=step)) for step in (1, -1, 31, -31))
        case str():
            yield _set(place, value + " (otherwise)")
            kind, _, digits = value.partition(":")
            if len(digits) == 64:
                yield _set(place, f"{kind}:{'0' * 64}")
            for enum in ENUMS:
                yield from (_set(place, one.value) for one in enum if value in list(enum) and one.value != value)
            yield from (_set(place, other) for other in ("P9Y", "2020-01", "MV8", "LCJP-OTHER"))
            yield _rename(copy.deepcopy(whole()), value, f"{value}-x" if "-" in value else f"{value}x")
            # A regime changes for a whole crossing or a whole party; a source field may be any other.
            yield _rename(copy.deepcopy(whole()), value, f"{value}_x")


def changed(place: Place) -> Agreement | None:
    """The agreement with this leaf changed, or None where nothing else may stand there by itself."""
    for other in itertools.islice(_others(place, papers.at(whole(), place)), 60):
        try:
            found = papers.build(other)
        except (InvalidDocument, KeyError, AttributeError):
            continue
        if found.digest != original().digest:
            return found
    return None


@cache
def all_changes() -> dict[str, Agreement | None]:
    """Every leaf by its place (``datasets.0.retention``), with the agreement in which it is another."""
    return {".".join(map(str, place)): changed(place) for place in papers.leaves(whole())}


def unnoticed(export: Callable[[Agreement], str]) -> set[str]:
    """The places that may change without the export changing, digests aside."""
    base = export(original()).replace(original().digest, "DIGEST")
    found = {place: agreement for place, agreement in all_changes().items() if agreement is not None}
    return {place for place, agreement in found.items() if export(agreement).replace(agreement.digest, "DIGEST") == base}
