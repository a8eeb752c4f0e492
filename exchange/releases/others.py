"""Editions over the same people as a supplier sees them that sent other rows for one than for the next: what the others sent, by subtraction.

It is published which submissions an edition was counted from, so whoever corrected its own rows can tell that the others did not. To it a cell that only its
own correction changed is, less its own part, one cell of both editions, though to everybody else the two have nothing to do with each other.
What it can make of that is attacked once more, over the counts of all others.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from agreements.release import Method, Release
from exchange.disclosure import DisclosureError, Files, Need
from exchange.disclosure.attack import attack
from exchange.releases.errors import Unconnected
from exchange.releases.past import Past
from exchange.releases.series import joined
from exchange.releases.tabulate import Tabulated, beside_of


def require_kept(release: Release, now: Tabulated, pasts: Sequence[Past], exact: Files, protected: Files) -> None:
    """Unconnected where what others sent falls to a supplier that sent other rows for one edition than for the next. ``release``: with the strictest terms."""
    if release.terms.method is not Method.SUPPRESS:
        return  # what is shown is no count
    for supplier, files, shown in views(release, now, pasts, exact, protected):
        try:
            safe = attack(files, shown, Need(0, release.terms.min_width)).safe  # the least of each cell stands beside it
        except DisclosureError as error:
            raise Unconnected(f"what {supplier} could work out from both cannot be told ({error})") from None
        if not safe:
            raise Unconnected(f"{supplier} sent other rows for one than for the other, and could work out from both what others sent")


def views(release: Release, now: Tabulated, pasts: Sequence[Past], exact: Files, protected: Files) -> Iterator[tuple[str, Files, Files]]:
    """For each supplier whose own part changed between two editions: it, the others' counts as a table set, and what of these is published.

    ``exact``, ``protected``: the set of all editions (``series.joined``), and what the gate made of it. Of editions that cannot be made again nobody's part
    is known; what they hid stays hidden, so they tell such a supplier nothing more.

    Raises:
        Unconnected: what the others changed went away and nearly came back.
    """
    made = [past for past in pasts if past.made is not None]
    suppliers = sorted({name for one in (now, *(past.made for past in made)) if one is not None for name in one.shares})
    for supplier in suppliers if made and len(suppliers) > 1 else ():
        rest = [replace(past, made=_without(supplier, past.made)) for past in made if past.made is not None]
        files = _nobodys(joined(release, _without(supplier, now), rest))
        if len(made) < len(pasts) or any(_changes(files[name]) != _changes(exact[name]) for name in _files(files)):
            seen = {name: _less(name, supplier, exact, protected, release.terms.known_min) for name in _files(files) if name in protected}
            yield supplier, files, seen


def _without(supplier: str, made: Tabulated) -> Tabulated:
    """The counts of all other suppliers."""
    own = made.shares.get(supplier)
    if own is None:
        return made
    tables = {name: np.asarray(counts - own[name], dtype=np.int64) for name, counts in made.tables.items()}
    return Tabulated(made.along, tables, {name: found for name, found in made.shares.items() if name != supplier})


def _nobodys(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The set without the suppliers' own parts: those who are left do not pool what they know."""
    spec: dict[str, Any] = json.loads(files["spec.json"])
    for entry in spec["tables"].values():
        entry.pop("suppliers", None)
    kept = {entry["file"]: files[entry["file"]] for entry in spec["tables"].values()}
    return {**kept, "spec.json": json.dumps(spec, ensure_ascii=False, sort_keys=True).encode()}


def _files(files: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in files if name.endswith(".csv"))


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def _changes(content: bytes) -> list[str]:
    return [row.get("changed", "") for row in _rows(content)]


def _less(name: str, supplier: str, exact: Files, protected: Files, known_min: int) -> bytes:
    """A protected table less a supplier's own part. Where all of a hidden cell is its own, it knows that nobody else has any.

    ``known_min``: the least that a hidden count can be; where the supplier has none of it, so are the others'.
    """
    shown = _rows(protected[name])
    codes = [column for column in shown[0] if column not in {"value", "suppressed"}]

    def cell(row: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(row[code] for code in codes)

    own = {cell(row): int(row["value"]) for row in _rows(exact[beside_of(name.removesuffix(".csv"))]) if row["supplier"] == supplier}
    true = {cell(row): int(row["value"]) for row in _rows(exact[name])}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*codes, "value", "suppressed", "least"])
    for row in shown:
        mine = own.get(at := cell(row), 0)
        hidden = row["suppressed"] == "1" and not (mine and mine == true[at])
        writer.writerow([*at, *(("", 1, 0 if mine else known_min) if hidden else (true[at] - mine, 0, 0))])
    return text.getvalue().encode()
