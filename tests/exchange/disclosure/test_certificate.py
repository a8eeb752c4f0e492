"""The checker accepts what protection made, and refuses every certificate or file that was touched."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from exchange.disclosure import BadCertificate, Need, check_certificate, protect, read_table_set
from tests.exchange.disclosure.tables import change, load

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def original() -> Files:
    return load("b1")


@pytest.fixture(scope="module")
def protected(original: Files) -> Files:
    return protect(read_table_set(original)).files()


def _certificate(touch: Callable[[dict[str, Any]], None]) -> Callable[[Files], Files]:
    def apply(files: Files) -> Files:
        document = json.loads(files["certificate.json"])
        touch(document)
        return {**files, "certificate.json": json.dumps(document).encode()}

    return apply


def _flip(document: dict[str, Any]) -> None:
    document["witnesses"][0][3][0] *= -1


def _further(document: dict[str, Any]) -> None:
    document["witnesses"][0][0] += 10
    document["witnesses"][0][1] += 10


def _twice(document: dict[str, Any]) -> None:
    document["witnesses"][0][2].append(document["witnesses"][0][2][0])
    document["witnesses"][0][3].append(0)


def _elsewhere(document: dict[str, Any]) -> None:
    """A witness is said to move a published cell in the place of a hidden one."""
    document["cells"][document["witnesses"][0][2][0]] = ["T1", "Total", "Total"]


def _also_published(document: dict[str, Any]) -> None:
    """A witness moves a whole published row as well; every sum still balances."""
    document["cells"] += [["T1", "r05", "Total"], ["T1", "Total", "Total"]]
    document["witnesses"][0][2] += [len(document["cells"]) - 2, len(document["cells"]) - 1]
    document["witnesses"][0][3] += [1, 1]


def _weaker(document: dict[str, Any]) -> None:
    document["min_width"] = 1


def _text(document: dict[str, Any]) -> None:
    document["witnesses"][0][3][0] = "1"


TOUCHES: dict[str, Callable[[Files], Files]] = {
    "flipped sign": _certificate(_flip),
    "too far": _certificate(_further),
    "cell twice": _certificate(_twice),
    "text": _certificate(_text),
    "published cell": _certificate(_elsewhere),
    "published cells too": _certificate(_also_published),
    "one witness fewer": _certificate(lambda document: document["witnesses"].pop()),
    "fraction": _certificate(lambda document: document["witnesses"][0][3].__setitem__(0, 1.0)),
    "truth": _certificate(lambda document: document["witnesses"][0].__setitem__(1, True)),
    "not lists": _certificate(lambda document: document.__setitem__("witnesses", {})),
    "cells not lists": _certificate(lambda document: document["cells"].__setitem__(0, "T1")),
    "cells no texts": _certificate(lambda document: document["cells"].__setitem__(0, ["T1", [], {}])),
    "cell in no table": _certificate(lambda document: document["cells"].__setitem__(0, ["", 0])),
    "level no number": _certificate(lambda document: document.__setitem__("known_min", None)),
    "level not known": _certificate(lambda document: document.__setitem__("known_min", 7)),
    "supplier invented": _certificate(lambda document: document.__setitem__("suppliers", ["north"])),
    "no suppliers named": _certificate(lambda document: document.pop("suppliers")),
    "a list": lambda files: {**files, "certificate.json": b"[]"},
    "numbers without end": lambda files: {**files, "certificate.json": b'{"version": 2, "known_min": 1e999, "min_width": 4}'},
    "nested without end": lambda files: {**files, "certificate.json": b"[" * 100_000},
    "negative repeat": _certificate(lambda document: document["witnesses"][0].__setitem__(0, -1)),
    "no witnesses": _certificate(lambda document: document.__setitem__("witnesses", [])),
    "witness malformed": _certificate(lambda document: document["witnesses"].__setitem__(0, [1, 1, [0]])),
    "cell unknown": _certificate(lambda document: document["cells"].__setitem__(0, ["T1", "r01", "nowhere"])),
    "table unknown": _certificate(lambda document: document["cells"].__setitem__(0, ["T9", "r01", "c01"])),
    "other input": _certificate(lambda document: document.__setitem__("input", "0" * 64)),
    "other version": _certificate(lambda document: document.__setitem__("version", 1)),
    "weaker level": _certificate(_weaker),
    "insiders claimed": _certificate(lambda document: document.__setitem__("insiders", True)),
    "no certificate": lambda files: {name: content for name, content in files.items() if name != "certificate.json"},
    "not JSON": lambda files: {**files, "certificate.json": b"["},
    "no table": lambda files: {name: content for name, content in files.items() if name != "T1.csv"},
    "value changed": lambda files: change(files, "Total,Total,243478,0", "Total,Total,243479,0", "T1.csv"),
    "value left": lambda files: change(files, ",,1\n", ",3,1\n", "T1.csv"),
    "row moved": lambda files: {**files, "T1.csv": b"\n".join(sorted(files["T1.csv"].split(b"\n")))},
    "extra column": lambda files: change(files, "value,suppressed", "value,suppressed,reason", "T1.csv"),
}


def test_what_protection_made_is_accepted(original: Files, protected: Files) -> None:
    check_certificate(original, protected)
    check_certificate(original, protected, Need(1, 4))
    check_certificate(original, protected, Need(0, 4))
    with pytest.raises(BadCertificate, match="proves less"):
        check_certificate(original, protected, Need(1, 5))


@pytest.mark.parametrize("touch", TOUCHES)
def test_whatever_is_touched_is_refused(original: Files, protected: Files, touch: str) -> None:
    with pytest.raises(BadCertificate):
        check_certificate(original, TOUCHES[touch](protected), Need(1, 4))


def test_every_single_witness_of_a_lean_certificate_is_needed(original: Files, protected: Files) -> None:
    """Drop witnesses while the rest still proves everything; of what is left, none can go."""
    document = json.loads(protected["certificate.json"])
    accepted: list[Any] = document["witnesses"]
    for witness in list(accepted):
        fewer = [other for other in accepted if other is not witness]
        if _accepted(original, {**protected, "certificate.json": json.dumps({**document, "witnesses": fewer}).encode()}):
            accepted = fewer
    assert accepted
    for witness in accepted:
        fewer = [other for other in accepted if other is not witness]
        assert not _accepted(original, {**protected, "certificate.json": json.dumps({**document, "witnesses": fewer}).encode()})


def _accepted(original: Files, protected: Files) -> bool:
    try:
        check_certificate(original, protected)
    except BadCertificate:
        return False
    return True


def test_publishing_one_more_cell_is_refused(original: Files, protected: Files) -> None:
    """Every hidden cell is there for a reason, so giving any back must be noticed."""
    values = {row.rsplit(",", 2)[0]: row.split(",")[2] for row in original["T1.csv"].decode().splitlines()[1:]}
    hidden = [line for line in protected["T1.csv"].decode().splitlines() if line.endswith(",,1")]
    assert hidden
    for line in hidden:
        codes = line.removesuffix(",,1")
        published = change(protected, line, f"{codes},{values[codes]},0", "T1.csv")
        assert not _accepted(original, published)
