"""What is on the screen at the end: the released table as the performance team downloaded it, and where to look next."""

import csv

from rich import box
from rich.table import Table
from rich.text import Text

from demo.cast import RECIPIENT, REFERENCE, RELEASE, Places
from demo.stage import console

_ALL = {"force": "Both forces", "month": "All months"}
# Headings short enough for a terminal; the files have the agreement's own words.
_SHORT = {
    "All outcomes": "All",
    "Not in the public interest": "Public interest",
    "Other organisation": "Other body",
    "Unable to prosecute": "Unable to pros.",
    "No suspect identified": "No suspect",
}


def table(places: Places) -> None:
    """Outcomes by authority, both forces and all months, from the downloaded CSV; columns and rows of noughts alone are left out."""
    with (places.edition / "by-area.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if all(row[name] == label for name, label in _ALL.items())]
    counts = {(row["authority"], row["group"]): row["count"] for row in found}
    groups = [
        group for group in dict.fromkeys(row["group"] for row in found) if any(counts[row["authority"], group] != "0" for row in found)
    ]
    shown = Table(title="MV7: outcomes of crimes recorded in April and May 2021, by area", title_justify="left", box=box.SIMPLE_HEAD)
    shown.add_column("Authority", no_wrap=True)
    for group in groups:
        shown.add_column(
            _SHORT.get(group, group), justify="right", min_width=max(6, *(len(word) for word in _SHORT.get(group, group).split()))
        )
    for authority in dict.fromkeys(row["authority"] for row in found):
        cells = [counts[authority, group] for group in groups]
        if any(cell != "0" for cell in cells):
            shown.add_row(authority, *(Text(f"{int(cell):,}" if cell.isdigit() else cell) for cell in cells))
    console.print()
    console.print(shown, width=max(console.width, 96), crop=False)
    console.print(
        "[c] is confidential: hidden so that nobody can be found out. Every hidden small count could be any of ten numbers or more.",
        markup=False,
    )


def where_to_look(places: Places, seconds: float) -> None:
    """A line for each thing to look at next."""
    config = places.hub / "hub.toml"
    near = [
        ("the released files (CSV, Parquet, JSON, CSVW)", places.edition),
        ("the agreement in plain English", f".venv/bin/exchange agreement show {places.agreement}"),
        ("who signed it, checked offline", f".venv/bin/exchange agreement verify {places.run / 'agreement.export.json'}"),
        ("everything that happened, entry by entry", places.run / "log.export.jsonl"),
        ("how the hub stands", f".venv/bin/exchange --config {config} status"),
        ("an agency's signed receipts and quality reports", places.agency("cleveland-police") / "receipts"),
        ("the pages in a browser: the same again, and then the hub goes on serving", "python3 dev.py demo --screens"),
        ("the hub, serving again", f".venv/bin/exchange --config {config} serve"),
        ("then, what exactly leaves an agency, before and after each rule", _check(places)),
        ("and the performance team's download", _pull(places)),
    ]
    console.print(f"\nDone in {seconds:.0f} seconds. Look next at:")
    for what, where in near:
        console.print(f"  {what}:\n    {where}", markup=False, soft_wrap=True)


def _check(places: Places) -> str:
    home = places.agency("cleveland-police")
    return f".venv/bin/exchange-agency check crimes demo/data/2021-04-cleveland-street.csv.gz --period 2021-04 --home {home}"


def _pull(places: Places) -> str:
    return f".venv/bin/exchange-agency pull {REFERENCE} {RELEASE} --home {places.agency(RECIPIENT)} --to FOLDER"
