"""The national baseline: published figures that stand beside ours, as the adapter ``national_baseline`` delivers them. No personal data."""

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import islice

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exchange.errors import Unacceptable
from exchange.framework.measures import Figure, Measure, National
from exchange.framework.tables import NationalRow
from exchange.framework.targets import entitled
from exchange.log.record import Event, Operation, append, moment
from exchange.times import Clock

COLUMNS = (
    *("publication", "definition", "measure", "category", "area", "area_kind", "period", "period_start", "period_end"),
    *("value", "number", "millionths", "unit", "marker"),
)
"""The series' own columns, in the adapter's order."""
LONGEST = {
    "publication": 120,
    "measure": 200,
    "area": 120,
    "category": 200,
    "period": 80,
    "definition": 200,
    "number": 60,
    "unit": 60,
    "marker": 20,
}
MOST_ROWS = 1_000_000
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,20})?", re.ASCII)
_AGAIN = "Make the file with the adapter national_baseline: exchange-agency knows its layout."


@dataclass(frozen=True)
class Beside:
    """One national figure. ``value`` is absent where ``marker`` stands in its place."""

    publication: str
    definition: str
    area: str
    category: str
    period: str
    start: date
    end: date
    value: Fraction | None
    unit: str
    marker: str


def wanted(measures: Sequence[Measure]) -> dict[National, list[str]]:
    """The series that stand beside our figures, each with where."""
    found: dict[National, list[str]] = {}
    for measure in measures:
        for figure in measure.figures:
            if figure.national is not None:
                found.setdefault(figure.national, []).append(f"{measure.id} {figure.name}")
    return found


def enter(session: Session, content: bytes, series: Collection[National], person: str, clock: Clock) -> tuple[int, int]:
    """Enter the figures of a file that stand beside one of ours; earlier ones of the same place are replaced. (figures entered, figures in the file).

    Raises:
        NotFound: there is no such person. Unacceptable: the person may not, or the file is not the series.
    """
    owner = entitled(session, person)
    rows, kept, number = {}, set(series), 0
    for number, row in enumerate(_rows(content), 1):
        if number > MOST_ROWS:
            raise Unacceptable(f"the file has more than {MOST_ROWS:,} figures.", remedy="Enter the publications one by one.")
        checked = _checked(number, row)
        where = National(row["publication"], row["measure"], row["area"], row["category"])
        if where in kept:
            place = (where, row["period"])
            if place in rows:
                raise Unacceptable(f"row {number}: this figure stands in the file twice.", remedy=_AGAIN)
            rows[place] = checked
    now = moment(session, clock)
    for (where, period), found in rows.items():
        same = (NationalRow.publication == where.publication, NationalRow.measure == where.measure, NationalRow.area == where.area)
        session.execute(delete(NationalRow).where(*same, NationalRow.category == where.category, NationalRow.period == period))
        found.person, found.entered_at = owner.id, now
        session.add(found)
    session.flush()
    told = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "figures": len(rows),
        "publications": sorted({one.publication for one in rows.values()}),
    }
    append(
        session, Event(Operation.ALTERATION, owner.id, owner.party, "", "national baseline entered", "national-baseline", details=told), now
    )
    return len(rows), number


def _rows(content: bytes) -> Iterator[dict[str, str]]:
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise Unacceptable("the columns are not those of the series.", remedy=f"They must be: {', '.join(COLUMNS)}.")
        for number, row in enumerate(islice(reader, MOST_ROWS + 1), 1):
            if len(row) != len(COLUMNS):
                raise Unacceptable(f"row {number}: {len(COLUMNS)} fields are wanted.", remedy=_AGAIN)
            yield dict(zip(COLUMNS, row, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unacceptable("the file is not a CSV in UTF-8.", remedy=_AGAIN) from error


def _checked(number: int, row: Mapping[str, str]) -> NationalRow:
    """The row as it is kept. Which value is wrong is said by its place, never by itself."""
    if long := [name for name, most in LONGEST.items() if len(row[name]) > most or not row[name].isprintable()]:
        raise Unacceptable(f"row {number}: {', '.join(long)} cannot be kept.", remedy=_AGAIN)
    if row["number"] and not _NUMBER.fullmatch(row["number"]):
        raise Unacceptable(f"row {number}: number is not a plain decimal.", remedy=_AGAIN)
    if not row["number"] and not row["marker"]:
        raise Unacceptable(f"row {number}: neither a number nor a marker.", remedy=_AGAIN)
    try:
        start, end = date.fromisoformat(row["period_start"]), date.fromisoformat(row["period_end"])
    except ValueError as error:
        raise Unacceptable(f"row {number}: period_start and period_end are days, YYYY-MM-DD.", remedy=_AGAIN) from error
    kept = {name: row[name] for name in ("publication", "measure", "area", "category", "period", "definition", "unit", "marker")}
    return NationalRow(**kept, period_start=start, period_end=end, number=row["number"] or None)


def beside(session: Session, series: Collection[National]) -> Mapping[National, tuple[Beside, ...]]:
    """Every figure of these series that has been entered, oldest first."""
    if not series:
        return {}
    query = select(NationalRow).order_by(NationalRow.period_end, NationalRow.period_start, NationalRow.period)
    found: dict[National, list[Beside]] = {one: [] for one in series}
    for row in session.execute(query.where(NationalRow.publication.in_({one.publication for one in series}))).scalars():
        where = National(row.publication, row.measure, row.area, row.category)
        if where in found:
            found[where].append(_beside(row))
    return {where: tuple(rows) for where, rows in found.items()}


def _beside(row: NationalRow) -> Beside:
    value = None if row.number is None else Fraction(row.number)
    about = (row.publication, row.definition, row.area, row.category, row.period, row.period_start, row.period_end)
    return Beside(*about, value, row.unit, row.marker)


def in_unit(one: Beside, figure: Figure) -> Fraction | None:
    """The national figure in the unit of ours: a proportion as a percentage; None where the units do not meet."""
    same = {"%": {"percent", "%"}, "": {"", "per one"}}.get(figure.unit, {figure.unit})
    if one.value is None:
        return None
    if figure.unit == "%" and one.unit == "proportion":
        return one.value * 100
    return one.value if one.unit in same or one.unit == figure.unit else None
