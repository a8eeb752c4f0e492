"""Invented crimes: spread by chance, from a seed, in the form that ``police_crimes`` reads."""

import csv
import hashlib
import random
from pathlib import Path

HEADER = (
    "Crime ID",
    "Month",
    "Reported by",
    "Falls within",
    "Longitude",
    "Latitude",
    "Location",
    "LSOA code",
    "LSOA name",
    "Crime type",
    "Last outcome category",
    "Context",
)
TYPES = {"Burglary": 2, "Drugs": 1, "Shoplifting": 4, "Vehicle crime": 3}
OUTCOMES = {
    "Investigation complete; no suspect identified": 8,
    "Unable to prosecute suspect": 6,
    "Suspect charged": 3,
    "Local resolution": 2,
    "Under investigation": 2,
}


def invent(path: Path, force: str, month: str, rows: int) -> Path:
    """Write a month of a force; the same force and month give the same rows, whichever seed Python was started with."""
    draw = random.Random(f"{force} {month}")  # noqa: S311  # chance of no weight: nobody is to be kept from guessing these
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEADER)
        for number in range(rows):
            crime = hashlib.sha256(f"{force} {month} {number}".encode()).hexdigest()
            kind = draw.choices(list(TYPES), list(TYPES.values()))[0]
            outcome = draw.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
            lines.writerow([crime, month, force, force, "", "", "", "", "", kind, outcome, ""])
    return path
