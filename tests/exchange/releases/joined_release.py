"""Small joined releases, and units of them, for tests: police charge people, another agency says how their cases ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agreements.periods import Period
from agreements.release import Dimension, Level, Lookup, Release, Table, Terms, Zeros
from agreements.worked_out import Case, Cases, Matched, Number, Show, Value
from exchange.releases.cells import Counts
from exchange.releases.units import Units

POLICE, CPS = "police", "cps"
PERIODS = [Period.parse("2025-01"), Period.parse("2025-02")]
YES_NO = (("true", "Yes"), ("false", "No"))
MONTH = Dimension("month", "Month", "charges.month", (), "All months")
COURT = Dimension("court", "Court", "charges.court", tuple((one, one) for one in "ABC"), "All courts")
PROSECUTED = Dimension("prosecuted", "Prosecuted", "prosecuted", YES_NO, "All")
CONVICTED = Dimension("convicted", "Convicted", "convicted", YES_NO, "All")
DERIVED = (
    Matched("prosecuted", "completed"),
    Cases("convicted", (Case("true", (("completed.outcome", ("Convicted",)),)),), "false"),
)
DAYS = Value("days", Number.DAYS, ("charges.charge_date", "completed.completion_date"))
FINE = Value("fine", Number.AMOUNT, ("charges.fine",))


def release(*tables: Table, threshold: int = 3, values: Sequence[Value] = (), across: bool = True) -> Release:
    """A release of these tables."""
    lookup = Lookup("completed", "case", "completion_date", across=across)
    return Release(
        name="trials",
        measure="ME5",
        title="Trials",
        question="How many are convicted?",
        unit="charges",
        base="charges",
        present=(),
        period_dimension="month",
        lookups=(lookup,),
        derived=DERIVED,
        dimensions=(MONTH, COURT, PROSECUTED, CONVICTED),
        tables=tables,
        terms=Terms(threshold, Zeros.SUPPRESSIBLE, Level.B) if across else Terms(threshold, Zeros.PUBLISHED, Level.C),
        recipients=(),
        caveats=(),
        public=False,
        permission="",
        earlier_rows=False,
        values=tuple(values),
    )


def by(name: str, *dimensions: str, of: Sequence[str] = (), show: Sequence[Show] = ()) -> Table:
    """A table."""
    return Table(name, name, dimensions, of=tuple(of), show=tuple(show))


def units(rows: Sequence[Mapping[str, Any]]) -> Units:
    """Units from (month, court, prosecuted, convicted) as places; ``days`` and ``fine`` where they have one. Prosecutors have named whom they prosecuted."""

    def column(name: str, otherwise: int = 0) -> Counts:
        return np.array([row.get(name, otherwise) for row in rows], dtype=np.int64)

    places = {name: column(name) for name in ("month", "court", "prosecuted", "convicted")}
    absent = -(2**62)
    values = {name: column(name, absent) for name in ("days", "fine")}
    named = np.where(places["prosecuted"] == 0, 3, 1).astype(np.int64)
    return Units(places, values, (POLICE, CPS), named, np.zeros(len(rows), dtype=np.int64))
