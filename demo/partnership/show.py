"""What is on the screen at the end: every measure beside the ledger and the plan, the linkage report beside the truth, and where to look next."""

import csv
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from demo.cast import RECIPIENT
from demo.partnership.cast import PEOPLE, Extract, Scene
from demo.partnership.reread.compared import Beside, beside
from demo.partnership.story import Edition, Played
from demo.partnership.truth import Truth, truth
from demo.partnership.truth_compared import compare
from demo.partnership.truth_plan import baselines
from demo.stage import Failed, console, say

Rows = Sequence[Mapping[str, str]]


def shown(played: Played, began: float) -> None:
    """Show all of it. ``began``: when the demonstration did, by the monotonic clock.

    Raises:
        Failed: something published is not what follows from what was delivered.
    """
    again = beside(played.extracts, played.editions)
    _measures(played, again)
    _cells(played, again)
    for edition in played.editions:
        if edition.release == PEOPLE:
            _linkage(played.stage.scene, edition, truth(played.stage, _latest(played), edition.paper.linked))
    say(
        "Published figures are the hub's, linked by pseudonyms alone and protected. Delivered: counted once more from the agencies' own files, in the clear, "
        "by code that is neither the hub's nor an adapter's; it must be equal. Ledger: what truly happened, which neither reading saw."
    )
    say("[c] is confidential: hidden so that nobody can be found out.")
    _where_to_look(played, time.monotonic() - began)
    if again.unequal:
        raise Failed(f"{len(again.unequal)} things published are not what was delivered: {'; '.join(again.unequal)}.")


def _measures(played: Played, again: Beside) -> None:
    """The headline of every measure: as published, as it was delivered, as the ledger has it; and what the plan printed, beneath."""
    table = Table(title="The performance framework", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("", "Headline", "Of"):
        table.add_column(name, no_wrap=not name)
    for name in ("Published", "Delivered", "Ledger"):
        table.add_column(name, justify="right", no_wrap=True)
    found = baselines(played.stage, played.extracts, played.editions)
    for one in found:
        _, delivered = again.headlines[one.measure]
        table.add_row(one.measure, one.title, one.period, *(_told(value, one.unit) for value in (one.ours, delivered, one.delivered)))
    console.print(table)
    headlines = [pair for pair in again.headlines.values() if pair[0] is not None]
    hidden = len(again.headlines) - len(headlines)
    say(
        f"Headlines: {sum(ours == delivered for ours, delivered in headlines)} of {len(headlines)} equal to what was delivered"
        + (f"; {hidden} hidden." if hidden else ".")
    )
    console.print("What the partnership's plan printed of them, of its own years:")
    for one in found:
        if plan := "; ".join(f"{what}: {value}" + (f" ({when})" if when else "") for what, value, when in one.plan):
            say(f"  {one.measure}  {plan}", indent=7)
    console.print()


def _told(value: Decimal | None, unit: str) -> Text:
    if value is None:
        return Text("[c]")
    return Text(f"{value}%" if unit == "%" else f"{value:,}")


def _cells(played: Played, again: Beside) -> None:
    """Every published cell beside what was delivered, and beside an independent reading of the ledger."""
    compared = compare(played.stage, played.extracts, played.editions)
    ledger = {release: list(several) for release, several in groupby(compared, key=lambda one: one.release)}
    table = _table(
        "Published cells that are equal to what was delivered, and to the ledger",
        "Release",
        "Cells",
        "As delivered",
        "As in ledger",
        "Furthest off",
    )
    because: dict[str, str] = {}
    for release, several in groupby(again.cells, key=lambda one: one.release):
        mine, true = list(several), ledger.get(release, [])
        cells, shown, equal = (sum(numbers) for numbers in zip(*((one.cells, one.shown, one.delivered.equal) for one in mine), strict=True))
        so, largest = sum(one.delivered.equal for one in true), max((one.delivered.largest for one in true), default=Decimal(0))
        beside_ledger = (f"{so:,}", "-" if so == shown else f"{largest:,}") if true else ("", "")
        table.add_row(release, f"{cells:,}", f"{equal:,} of {shown:,}", *beside_ledger)
        if true and so < shown:
            because[release] = true[0].why
    console.print(table)
    shown, equal = sum(one.shown for one in again.cells), sum(one.delivered.equal for one in again.cells)
    say(f"Shown cells: {equal:,} of {shown:,} equal to what was delivered.")
    if because:
        say("Why what was delivered is not all of what is in the ledger:")
    for release, why in because.items():
        say(f"  {release}: {why}", indent=4, style="dim")


def _latest(played: Played) -> list[Extract]:
    """The extracts of the months of which people are counted by who knows them."""
    scene = played.stage.scene
    return [one for one in played.extracts if scene.first <= one.period <= scene.last]


def _linkage(scene: Scene, edition: Edition, true: Truth) -> None:
    """People by how many datasets know them, and of each source those whom another knows: as published, and as the ledger has them."""
    people = [row for row in _rows(edition.folder / "people.csv") if row["month"] == "All months"]
    table = _table(
        f"{edition.paper.reference}, {scene.first} to {scene.last}: who is known to how many", "Known to", "Published", "In truth"
    )
    for number, row in enumerate(people):
        told = sum(true.people.values()) if number == 0 else true.people.get(number, 0)
        table.add_row(row["known_to"], _number(row["count"]), Text(f"{told:,}"))
    console.print(table)
    records = [row for row in _rows(edition.folder / "linkage-report.csv") if row["rule"] == "All rules"]
    table = _table("People whom another source knows too", "Source", "Published", "In truth", "Its people")
    for row, place in zip(records[1:], edition.paper.linked, strict=True):
        elsewhere, every = true.elsewhere.get(place, 0), true.known.get(place, 0)
        table.add_row(row["source"], _number(row["count"]), Text(f"{elsewhere:,}"), Text(f"{every:,}"))
    console.print(table)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> Text:
    return Text(f"{int(text):,}" if text.isdigit() else text)


def _where_to_look(played: Played, seconds: float) -> None:
    stage, first, supplier = played.stage, played.editions[0], played.pushed[0].supplier
    near = [
        ("the invented extracts, as each agency's system exports them", stage.data),
        ("what truly happened in them: the ledger", stage.ledger),
        ("the released files (CSV, Parquet, JSON, CSVW)", stage.run / "performance-team"),
        (
            "the performance framework as plain pages, public measures alone",
            f".venv/bin/exchange --config {stage.hub / 'hub.toml'} framework export --out FOLDER",
        ),
        ("an agreement in plain English", f".venv/bin/exchange agreement show {stage.paper(first.paper)}"),
        ("how the hub stands", f".venv/bin/exchange --config {stage.hub / 'hub.toml'} status"),
        ("an agency's signed receipts and quality reports", stage.agency(supplier) / "receipts"),
        ("the hub, serving again", f".venv/bin/exchange --config {stage.hub / 'hub.toml'} serve"),
        ("then, what exactly leaves an agency, before and after each rule", _check(played)),
        ("how each supplier's data are doing, to itself alone", f".venv/bin/exchange-agency scorecard --home {stage.agency(supplier)}"),
        (
            "and the performance team's download",
            f".venv/bin/exchange-agency pull {first.paper.reference} {first.release} --home {stage.agency(RECIPIENT)} --to FOLDER",
        ),
    ]
    accepted = f"{len(played.pushed)} submissions from {len({one.supplier for one in played.pushed})} agencies, all accepted"
    console.print(f"\nDone in {seconds:.0f} seconds: {accepted}. Look next at:")
    for what, where in near:
        console.print(f"  {what}:\n    {where}", markup=False, soft_wrap=True)


def _check(played: Played) -> str:
    one = next((one for one in played.extracts if one.dataset == "prison_movements"), played.extracts[0])
    home = played.stage.agency(one.supplier)
    return f".venv/bin/exchange-agency check {one.dataset} {one.path} --period {one.period} --home {home}"
