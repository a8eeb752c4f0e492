"""What is on the screen at the end: the released table as the performance team downloaded it, and where to look next."""

import csv

from rich.table import Table

from demo.cast import RECIPIENT, REFERENCE, Places
from demo.stage import console

_ALL = {"force": "Both forces", "month": "All months"}


def table(places: Places) -> None:
    """Outcomes by authority, both forces and all months, from the downloaded CSV."""
    with (places.out / "by-area.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if all(row[name] == label for name, label in _ALL.items())]
    groups = list(dict.fromkeys(row["group"] for row in found))
    shown = Table(title="MV7: outcomes of recorded crime by area, April and May 2021", title_justify="left")
    shown.add_column("Local authority")
    for group in groups:
        shown.add_column(group, justify="right")
    counts = {(row["authority"], row["group"]): row["count"] for row in found}
    for authority in dict.fromkeys(row["authority"] for row in found):
        cells = [counts[authority, group] for group in groups]
        shown.add_row(authority, *(f"{int(cell):,}" if cell.isdigit() else cell for cell in cells))
    console.print()
    console.print(shown)
    console.print("[c] (confidential): hidden so that nobody can be found out; every [c] could be at least ten different numbers.", markup=False)


def where_to_look(places: Places, seconds: float) -> None:
    """A line for each thing to look at next."""
    config = places.hub / "hub.toml"
    near = [
        ("the released files", places.out),
        ("the agreement in plain English", f".venv/bin/exchange agreement show {places.agreement}"),
        ("who signed it, checked offline", f".venv/bin/exchange agreement verify {places.run / 'agreement.export.json'}"),
        ("everything that happened, entry by entry", places.run / "log.export.jsonl"),
        ("how the hub stands", f".venv/bin/exchange --config {config} status"),
        ("what an agency knows of its submissions", places.agency("cleveland-police") / "state" / "receipts"),
        ("the hub, serving again", f".venv/bin/exchange --config {config} serve"),
        ("the performance team's download", f".venv/bin/exchange-agency pull {REFERENCE} mv7-outcomes --home {places.agency(RECIPIENT)} --to FOLDER"),
    ]
    console.print(f"\nDone in {seconds:.0f} seconds. Look next at:")
    for what, where in near:
        console.print(f"  {what}:", markup=False)
        console.print(f"    {where}", markup=False, soft_wrap=True)
