"""MV7 counted again from the published CSVs by plain Python: nothing of the exchange's own code, its rules or its code lists of outcomes."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

Row = dict[str, str]
TOTAL = "Total"
ORDER = [
    "Charged",
    "Out of court",
    "Not in the public interest",
    "Other organisation",
    "Unable to prosecute",
    "No suspect identified",
    "Status unavailable",
    "Under investigation",
    "Other outcome",
]
GROUP = {
    "Suspect charged": "Charged",
    "Suspect charged as part of another case": "Charged",
    "Awaiting court outcome": "Charged",
    "Court result unavailable": "Charged",
    "Local resolution": "Out of court",
    "Offender given a caution": "Out of court",
    "Offender given a drugs possession warning": "Out of court",
    "Offender given penalty notice": "Out of court",
    "Formal action is not in the public interest": "Not in the public interest",
    "Further action is not in the public interest": "Not in the public interest",
    "Further investigation is not in the public interest": "Not in the public interest",
    "Action to be taken by another organisation": "Other organisation",
    "Unable to prosecute suspect": "Unable to prosecute",
    "Investigation complete; no suspect identified": "No suspect identified",
    "Status update unavailable": "Status unavailable",
}
SIX = {
    "E06000047": "County Durham",
    "E06000005": "Darlington",
    "E06000001": "Hartlepool",
    "E06000002": "Middlesbrough",
    "E06000003": "Redcar and Cleveland",
    "E06000004": "Stockton-on-Tees",
}
Tables = dict[str, Counter[tuple[str, ...]]]


def rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def authorities(shared: Path, lists: Path) -> dict[str, str]:
    """LSOA → one of the six, from the published look-ups where they are at hand, else from the shipped list."""
    if not (shared / "ref").is_dir():
        with (lists / "lsoa_authority.csv").open(encoding="utf-8", newline="") as file:
            return {row["code"]: row["value"] for row in csv.DictReader(file)}
    found = {
        row["LSOA11CD"]: SIX[row["LAD17CD"]] for row in rows(shared / "ref" / "lsoa2011_ward2017_la2017.csv.gz") if row["LAD17CD"] in SIX
    }
    seen = rows(shared / "ref" / "lsoa_seen_police_uk_six_authorities.csv.gz")
    return found | {row["lsoa_code"]: SIX[row["la_code"]] for row in seen if row["la_code"] in SIX}


def count(folder: Path, months: Sequence[str], places: dict[str, str]) -> Tables:
    """Codes with every total → count, for each of the three tables; combinations that never occur are not there."""
    tables: Tables = {"by-area": Counter(), "by-type": Counter(), "months-to-outcome": Counter()}
    for force, supplier in (("cleveland", "cleveland-police"), ("durham", "durham-constabulary")):
        latest = _latest(row for month in months for row in rows(folder / f"{month}-{force}-outcomes.csv.gz"))
        for month in months:
            for row in rows(folder / f"{month}-{force}-street.csv.gz"):
                if row["Crime ID"]:
                    _add(tables, supplier, row, latest.get(row["Crime ID"]), places)
    return tables


def _latest(outcomes: Iterator[Row]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for row in outcomes:
        month, group = row["Month"], GROUP.get(row["Outcome type"], "Other outcome")
        before = found.get(row["Crime ID"])
        if before is None or month > before[0] or (month == before[0] and ORDER.index(group) < ORDER.index(before[1])):
            found[row["Crime ID"]] = (month, group)
    return found


def _add(tables: Tables, supplier: str, row: Row, outcome: tuple[str, str] | None, places: dict[str, str]) -> None:
    last = row["Last outcome category"]
    group = outcome[1] if outcome else GROUP.get(last, "Other outcome") if last else "No outcome yet"
    place = places.get(row["LSOA code"], "Elsewhere") if row["LSOA code"] else "Not known"
    for table, values in (
        ("by-area", (supplier, place, row["Month"], group)),
        ("by-type", (supplier, row["Month"], row["Crime type"], group)),
        ("months-to-outcome", (supplier, row["Month"], _after(row["Month"], outcome))),
    ):
        tables[table].update(product(*((value, TOTAL) for value in values)))


def _after(month: str, outcome: tuple[str, str] | None) -> str:
    if outcome is None:
        return "No row among the outcomes"
    start, end = (int(text[:4]) * 12 + int(text[5:]) for text in (month, outcome[0]))
    if end < start:
        return "Dated before the crime"
    return ["Same month", "1 month", "2 months"][end - start] if end - start < 3 else "3 months or more"
