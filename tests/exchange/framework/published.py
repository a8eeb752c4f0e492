"""Published editions in a test's hub, with invented counts: of MV7's release, through the functions that make what is really published."""

import csv
import io
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import product

import numpy as np

from agreements.model import Agreement
from agreements.periods import Period, months
from agreements.release import Release
from exchange.db import writing
from exchange.releases.cells import Axis, axes
from exchange.releases.contents import file_rows
from exchange.releases.formats import published
from exchange.releases.tables import EditionRow, EditionState
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, RELEASE, World

FORCE_OF = {"County Durham": DURHAM, "Darlington": DURHAM}
SIZES = {
    "County Durham": 4200,
    "Darlington": 1100,
    "Hartlepool": 1000,
    "Middlesbrough": 2200,
    "Redcar and Cleveland": 1150,
    "Stockton-on-Tees": 1700,
    "Elsewhere": 35,
    "Not known": 120,
}
CHARGED = {"Hartlepool": 0.155, "Middlesbrough": 0.105}


def table_files(release: Release, along: Mapping[str, Axis], seed: int, smallest: int = 10) -> dict[str, bytes]:
    """Every table of the release as the protection writes it: codes, value, suppressed; every count from 1 to 9 hidden."""
    return {f"{table.name}.csv": _table([along[name] for name in table.dimensions], seed, smallest) for table in release.tables}


def _table(axes_of: list[Axis], seed: int, smallest: int) -> bytes:
    names = [axis.name for axis in axes_of]
    cube = np.zeros([len(axis.codes) for axis in axes_of], dtype=np.int64)
    for place in product(*(range(len(axis.codes)) for axis in axes_of)):
        at = {name: axes_of[number].codes[place[number]] for number, name in enumerate(names)}
        cube[place] = _count(at, np.random.default_rng([seed, *place]))
    for number in range(cube.ndim):
        cube = np.concatenate([cube.sum(axis=number, keepdims=True), cube], axis=number)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names, "value", "suppressed"])
    for place in np.ndindex(cube.shape):
        count, codes = int(cube[place]), [axis.all_codes[one] for axis, one in zip(axes_of, place, strict=True)]
        hidden = 0 < count < smallest
        writer.writerow([*codes, "" if hidden else count, int(hidden)])
    return out.getvalue().encode()


def _count(at: Mapping[str, str], random: np.random.Generator) -> int:
    """A plausible count: by place, with a season, and the share charged slowly rising."""
    area = at.get("authority")
    if area is not None and FORCE_OF.get(area, CLEVELAND) != at["force"]:
        return 0
    size = SIZES[area] if area else 4000 / 14 if "crime_type" in at else 4000
    month = Period.parse(at["month"])
    when = (month.start.year - 2021) * 12 + month.start.month - 4
    season = 1 + 0.08 * np.cos(2 * np.pi * (month.start.month - 7) / 12)
    if "group" not in at:
        return int(random.poisson(size * season / 6))
    charged = CHARGED.get(area or "", 0.128) + 0.0009 * when
    share = charged if at["group"] == "Charged" else (1 - charged) / 9
    return int(random.poisson(size * season * share))


def publish(
    world: World,
    first: str,
    last: str,
    identity: str,
    *,
    seed: int = 7,
    agreement: Agreement | None = None,
    state: EditionState = EditionState.PUBLISHED,
    days: float = 0,
    release: str = RELEASE,
    status: str = "final",
    smallest: int = 10,
) -> str:
    """Put an edition of these months into the database as published; ``days``: how long after the clock's time."""
    about = agreement or world.agreement
    found = about.release(release)
    assert found is not None
    periods = months(Period.parse(first), Period.parse(last))
    files = published(found, about, periods, table_files(found, axes(found, periods), seed, smallest), {"edition": identity})
    inputs = [
        {"dataset": name, "supplier": supplier, "period": month.name, "submission": f"sub-{name}-{supplier}-{month.name}"}
        for name in found.datasets
        for supplier in (CLEVELAND, DURHAM)
        for month in periods
    ]
    row = EditionRow(
        id=identity,
        reference=REFERENCE,
        agreement=about.digest,
        release=release,
        first_period=first,
        last_period=last,
        state=state,
        requested_by="sha256:x",
        requested_at=world.clock(),
        draft={"inputs": inputs, "status": status},
        draft_digest="sha256:x",
        report={},
        dispose_on=date(2031, 1, 1),
        published_at=world.clock() + timedelta(days=days),
        signed={},
    )
    row.files.extend(file_rows(files))
    with writing(world.hub.engine) as session:
        session.add(row)
    return identity
