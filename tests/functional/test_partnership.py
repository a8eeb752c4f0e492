"""The partnership's scenario with one agreement and one month: real clients, a real hub, every supplier's native extract, people linked."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from demo.partnership.cast import PEOPLE, WHOLE, Scene
from demo.partnership.reread.compared import beside
from demo.partnership.show import shown
from demo.partnership.story import Edition, Played, run
from demo.partnership.truth import truth
from demo.partnership.truth_compared import compare
from demo.stage import Failed, console

REOFFENDING = next(paper for paper in WHOLE.papers if paper.reference == "LCJP-REOFFENDING")
MONTH = ("2026-10", "2026-10")
COUNTED = ("mr5-entrants", "mr7-referrals", "mr8-movements")
SCENE = Scene((REOFFENDING,), *MONTH, history={}, releases={REOFFENDING.reference: dict.fromkeys((PEOPLE, *COUNTED), MONTH)}, scale=0.5)
WITHIN = 0.05
"""How far a published number of people may lie from the truth: keys misspelt or missing make one person two, or nobody."""


def test_every_supplier_is_accepted_and_the_people_linked_are_near_the_truth(tmp_path: Path) -> None:
    played = run(tmp_path / "run", SCENE)
    accepted(played)
    edition = next(one for one in played.editions if one.release == PEOPLE)
    told = truth(played.stage, played.extracts, REOFFENDING.linked)
    published = counted(edition, "people.csv", "known_to")
    assert sum(text.isdigit() for text in published.values()) >= 2, published
    for number, (label, text) in enumerate(published.items()):
        true = sum(told.people.values()) if number == 0 else told.people.get(number, 0)
        if text.isdigit():
            assert abs(int(text) - true) <= max(10, WITHIN * true), (label, text, true)
    compared = compare(played.stage, played.extracts, played.editions)
    assert {one.release for one in compared} == set(COUNTED)
    assert sum(one.shown for one in compared) > 20
    assert all(one.delivered.equal == one.shown for one in compared), compared
    with console.capture() as screen:
        shown(played, 0.0)
    assert "In truth" in screen.get()
    assert "First-time entrants" in screen.get()
    every_cell_is_what_was_delivered(played, tmp_path / "spoilt")


def every_cell_is_what_was_delivered(played: Played, folder: Path) -> None:
    """By the reading of the files themselves; and one cell that is not, is found and fails the demonstration."""
    found = beside(played.extracts, played.editions)
    assert {one.release for one in found.cells} == {PEOPLE, *COUNTED}
    assert all(one.shown and one.equal for one in found.cells if one.release != PEOPLE)
    assert found.unequal == []
    right = next(one for one in played.editions if one.release == "mr8-movements")
    shutil.copytree(right.folder, folder)
    path = next(path for path in sorted(folder.glob("*.csv")) if shown_row(path) is not None)
    rows, place = path.read_text(encoding="utf-8").splitlines(), shown_row(path)
    assert place is not None
    start, _, count = rows[place].rpartition(",")
    rows[place] = f"{start},{int(count) + 1}"
    path.write_text("\n".join(rows), encoding="utf-8")
    spoilt = replace(played, editions=[*(one for one in played.editions if one is not right), replace(right, folder=folder)])
    with pytest.raises(Failed, match=f"mr8-movements, {path.stem}, count: 1 of"):
        shown(spoilt, 0.0)


def shown_row(path: Path) -> int | None:
    """The first line that ends with a shown count."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines[0].endswith(",count"):
        return None
    return next((place for place, line in enumerate(lines) if line.rpartition(",")[2].isdigit()), None)


def accepted(played: Played) -> None:
    """Every extract of every supplier became one held submission, all its rows."""
    supplied = {(supplier, dataset["name"]) for dataset in REOFFENDING.document["datasets"] for supplier in dataset["suppliers"]}
    assert {(one.supplier, one.dataset) for one in played.pushed} == supplied
    assert {one.state for one in played.pushed} == {"held"}
    rows = {(one.supplier, one.dataset): one.rows for one in played.extracts}
    assert {(one.supplier, one.dataset): one.rows for one in played.pushed} == rows


def counted(edition: Edition, name: str, column: str) -> dict[str, str]:
    """Category → count as published, over all months."""
    with (edition.folder / name).open(encoding="utf-8", newline="") as file:
        return {row[column]: row["count"] for row in csv.DictReader(file) if row["month"] == "All months"}


def test_the_cast_is_that_of_the_example_agreements() -> None:
    assert {paper.reference for paper in WHOLE.papers} == {"LCJP-MV7", "LCJP-EFFECTIVENESS", "LCJP-VICTIMS", "LCJP-REOFFENDING"}
    assert (len(WHOLE.parties), len(WHOLE.suppliers)) == (23, 20)
