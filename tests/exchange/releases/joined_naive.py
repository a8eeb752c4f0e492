"""Units of the small partnership looked for one by one in plain Python: nothing of the exchange's own code."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from agreements.release import Lookup, Release
from tests.exchange.releases.joined_world import CLEVELAND, COURTS, CPS, DURHAM, LINKAGE, NAME, PNC, SUPPLIERS, Row, Unit, World


def read(world: World, of: Release) -> Counter[Unit]:
    """Every unit of a world."""
    rows = {place: [{**row, "by": place[1], "in": place[0]} for row in found] for place, found in world.items()}
    _name_people([row for found in rows.values() for row in found], of)
    return Counter(_unit(base, of, rows) for base in _base(of, rows))


def _name_people(rows: Sequence[Row], of: Release) -> None:
    """Who shares a PNC id or a name with somebody is that person, and so on; of the datasets that are asked for people only."""
    asked = {name for one in of.lookups if LINKAGE.name in one.also_on for name in (one.of or of.base, one.dataset)}
    linked = [row for row in rows if row["in"] in asked and (row.get(PNC) or row.get(NAME))]
    for number, row in enumerate(linked):
        row["person"] = number
    changed = True
    while changed:
        changed = False
        for one in linked:
            for other in linked:
                alike = any(one.get(key) and one.get(key) == other.get(key) for key in (PNC, NAME))
                if alike and one["person"] < other["person"]:
                    other["person"], changed = one["person"], True


def _base(of: Release, rows: Mapping[tuple[str, str], Sequence[Row]]) -> list[Row]:
    """Every unit's row: of those that name the same things on a day, the first by what is read."""
    found: dict[Any, list[Row]] = {}
    for supplier in SUPPLIERS["victims"]:
        for number, row in enumerate(rows.get(("victims", supplier), ())):
            day = row.get("report_date")
            if day is None or not date(2026, 5, 1) <= day <= date(2026, 6, 30) or any(row.get(name) is None for name in of.present):
                continue
            if all(_words(row.get(name)) in codes for name, codes in of.where):
                found.setdefault((supplier, day, *(row[name] for name in of.present)) if of.present else (supplier, number), []).append(row)
    names = ["crime", "adult", "kind", *_keys(of, "victims"), *(name for name, _ in of.where)]
    return [min(alike, key=lambda row: [_last(row.get(name)) for name in names]) for alike in found.values()]


def _keys(of: Release, dataset: str) -> list[str]:
    """The keys of people that are read of a dataset."""
    mine = [one for one in of.lookups if dataset in {one.dataset, one.of or of.base}]
    return [PNC, NAME] if any(LINKAGE.name in one.also_on for one in mine) else [PNC] if any(PNC in one.also_on for one in mine) else []


def _last(value: Any) -> tuple[bool, Any]:
    """Absent comes last."""
    return (value is None, 0 if value is None else value)


def _words(value: Any) -> str | None:
    return (
        f"{value:%Y-%m}"
        if isinstance(value, date)
        else str(value).lower()
        if isinstance(value, bool)
        else None
        if value is None
        else str(value)
    )


def _match(lookup: Lookup, of: Release, start: Row, own: str, rows: Mapping[tuple[str, str], Sequence[Row]]) -> Row:
    reached = SUPPLIERS[lookup.dataset] if lookup.across else (own,)
    names = [lookup.on, *("person" if name == LINKAGE.name else name for name in lookup.also_on)]
    found = [
        row
        for supplier in reached
        for row in rows.get((lookup.dataset, supplier), ())
        if all(start.get(name) is not None and start[name] == row.get(name) for name in names)
        and all(_words(row.get(name)) in codes for name, codes in lookup.where)
    ]
    rest = {
        "charges": ["amount", "disposal", "case", *_keys(of, "charges")],
        "trials": ["result", "video", *_keys(of, "trials")],
        "notes": ["note"],
    }[lookup.dataset]

    def order(row: Row) -> tuple[Any, ...]:
        day, said = row.get(lookup.latest_by), row.get(lookup.then_by)
        turned = day and (day.toordinal() if lookup.earliest else -day.toordinal())
        rank = lookup.order.index(said) if said in lookup.order else len(lookup.order)
        then = [lookup.then_by] if lookup.then_by else []
        return (_last(turned), rank, [_last(row.get(name)) for name in (*then, *rest)], SUPPLIER_ORDER.index(row["by"]))

    return min(found, key=order) if found else {}


SUPPLIER_ORDER = (CLEVELAND, DURHAM, CPS, COURTS)


def _unit(base: Row, of: Release, rows: Mapping[tuple[str, str], Sequence[Row]]) -> Unit:
    found: dict[str, Row] = {"victims": base}
    for lookup in of.lookups:
        found[lookup.dataset] = _match(lookup, of, found[lookup.of or "victims"], base["by"], rows)
    charge, trial, note = (found[name] for name in ("charges", "trials", "notes"))
    report, held, charged = base["report_date"], trial.get("held_date"), charge.get("charge_date")
    days = None if held is None else (held - report).days
    speed = _band(days, ((10, "Up to 10 days"), (40, "Up to 40 days")), ("No trial", "Before", "Longer"))
    months = None if charged is None else charged.year * 12 + charged.month - report.year * 12 - report.month
    codes = {
        "month": f"{report:%Y-%m}",
        "force": base["by"],
        "charged": "true" if charge else "false",
        "noted": "true" if note else "false",
        "group": trial.get("result") or charge.get("disposal") or note.get("note") or base.get("kind") or "Nothing",
        "disposal": charge.get("disposal") or "none said",
        "speed": speed,
        "months": _band(months, ((0, "0"), (1, "1")), ("none", "before", "2+")),
        "way": "other",
    }
    if trial.get("video"):
        codes["way"] = "seen on video"
    elif days is not None and days <= 10:
        codes["way"] = "soon"
    elif codes["month"] == "2026-05" and base.get("adult"):
        codes["way"] = "May's adults"
    elif charge.get("amount") in {2, 3}:
        codes["way"] = "large"
    return frozenset(codes.items()), days, charge.get("amount"), frozenset(row["by"] for row in found.values() if row), base["by"]


def _band(number: int | None, bands: Sequence[tuple[int, str]], words: tuple[str, str, str]) -> str:
    absent, before, beyond = words
    if number is None:
        return absent
    return before if number < 0 else next((label for up_to, label in bands if number <= up_to), beyond)
