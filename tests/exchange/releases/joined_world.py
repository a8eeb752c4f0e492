"""A small partnership whose victims, charges, trials and notes are joined: its rows as plain values, and its units as they may be compared."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pyarrow as pa

from agreements.coarsen import Flag
from agreements.fields import FieldType, KeepRange, KeepValues, PseudonymiseRule
from agreements.linkage import Linkage
from agreements.model import Agreement, Category, Dataset, Field, Mode, Subjects
from agreements.periods import Duration, Period, PeriodKind
from agreements.release import Dimension, Level, Lookup, Release, Table, Terms, Zeros
from agreements.worked_out import Band, Banded, Case, Cases, FirstOf, Matched, MonthsBetween, Number, Show, Value
from exchange.releases.engine import Engine, Relation
from exchange.releases.joining import row_units
from exchange.releases.persons import persons
from exchange.releases.units import ABSENT, Units
from tests.agreements import papers

CLEVELAND, DURHAM, CPS, COURTS = "cleveland-police", "durham-constabulary", "cps", "courts"
PNC, NAME = "person_pnc", "person_name_dob"
LINKAGE = Linkage("people", "One person", (PNC, NAME), (), 500)
SUPPLIERS = {
    "victims": (CLEVELAND, DURHAM),
    "charges": (DURHAM, CPS, CLEVELAND),
    "trials": (CPS, COURTS),
    "notes": (CLEVELAND, DURHAM),
}
KEY, DAY, TEXT, WHOLE, YES_NO = pa.binary(16), pa.date32(), pa.string(), pa.int64(), pa.bool_()
TYPES: dict[str, dict[str, pa.DataType]] = {
    "victims": {"crime": KEY, PNC: KEY, NAME: KEY, "report_date": DAY, "kind": TEXT, "adult": YES_NO, "age": WHOLE},
    "charges": {"crime": KEY, "case": KEY, PNC: KEY, NAME: KEY, "charge_date": DAY, "disposal": TEXT, "amount": WHOLE},
    "trials": {"case": KEY, PNC: KEY, NAME: KEY, "held_date": DAY, "result": TEXT, "video": YES_NO},
    "notes": {"crime": KEY, "note_date": DAY, "note": TEXT},
}
KINDS, DISPOSALS, RESULTS = ("Person", "Shop"), ("Charged", "Caution", "Dropped"), ("Convicted", "Acquitted")
RANKED = ("Dropped", "Caution")
Row = dict[str, Any]
World = Mapping[tuple[str, str], Sequence[Row]]
"""(dataset, supplier) → rows; a field that a row does not name is absent. Things and people are small numbers."""

SPAN = [Period.parse("2026-05"), Period.parse("2026-06")]
BINARY = (("true", "Yes"), ("false", "No"))
DAYS = Value("days_to_trial", Number.DAYS, ("victims.report_date", "trials.held_date"))
AMOUNT = Value("amount", Number.AMOUNT, ("charges.amount",))
BANDS = (Band("Up to 10 days", 10), Band("Up to 40 days", 40))
DERIVED = (
    FirstOf("group", ("trials.result", "charges.disposal", "notes.note", "victims.kind"), "Nothing"),
    FirstOf("disposal", ("charges.disposal",), "none said"),
    Matched("charged", "charges"),
    Matched("noted", "notes"),
    Banded("speed", "days_to_trial", BANDS, "Longer", "Before", "No trial"),
    MonthsBetween("months", "victims.report_date", "charges.charge_date", (Band("0", 0), Band("1", 1)), "2+", "before", "none"),
    Cases(
        "way",
        (
            Case("seen on video", (("trials.video", ("true",)), ("charged", ("true",)))),
            Case("soon", (("speed", ("Up to 10 days", "Before")),)),
            Case("May's adults", (("victims.report_date", ("2026-05",)), ("victims.adult", ("true",)))),
            Case("large", (("charges.amount", ("2", "3")),)),
        ),
        "other",
    ),
)
CATEGORIES: dict[str, tuple[str, ...]] = {
    "group": (*RESULTS, *DISPOSALS, *KINDS, "a note", "Nothing"),
    "disposal": (*DISPOSALS, "none said"),
    "speed": ("Up to 10 days", "Up to 40 days", "Longer", "Before", "No trial"),
    "months": ("0", "1", "2+", "before", "none"),
    "way": ("seen on video", "soon", "May's adults", "large", "other"),
}


def lookups(charges: Mapping[str, Any] | None = None, trials: Mapping[str, Any] | None = None, notes_of: str = "") -> tuple[Lookup, ...]:
    """Charges of a victim's crime, trials of the charge's case, and the force's own notes; with what is told otherwise."""
    return (
        replace(Lookup("charges", "crime", "charge_date", across=True), **(charges or {})),
        replace(Lookup("trials", "case", "held_date", of="charges", across=True), **(trials or {})),
        Lookup("notes", "crime", "note_date", of=notes_of),
    )


def release(found: tuple[Lookup, ...] | None = None, **changed: Any) -> Release:
    """Victims by everything that was found of them, with two numbers."""
    dimensions = (
        Dimension("month", "Month", "victims.report_date", (), "All"),
        Dimension("charged", "Charged", "charged", BINARY, "All"),
        Dimension("noted", "Noted", "noted", BINARY, "All"),
        Dimension("force", "Force", "supplier", tuple((one, one) for one in SUPPLIERS["victims"]), "All"),
        *(Dimension(name, name, name, tuple((one, one) for one in codes), "All") for name, codes in CATEGORIES.items()),
    )
    made = Release(
        name="mv6",
        measure="MV6",
        title="Attrition",
        question="What becomes of crimes?",
        unit="victims",
        base="victims",
        present=("crime",),
        period_dimension="month",
        lookups=lookups() if found is None else found,
        derived=DERIVED,
        dimensions=dimensions,
        tables=tuple(Table(f"by-{one.name}", one.title, (one.name,), of=("amount",), show=(Show.SUM,)) for one in dimensions),
        terms=Terms(10, Zeros.SUPPRESSIBLE, Level.B),
        recipients=(),
        caveats=(),
        public=False,
        permission="",
        earlier_rows=False,
        values=(DAYS, AMOUNT),
    )
    return replace(made, **changed)


@cache
def agreement() -> Agreement:
    """The four datasets and the linkage; parties and words are those of the shipped paper."""
    return replace(papers.agreement(), linkages=(LINKAGE,), datasets=tuple(map(_dataset, TYPES)))


def _dataset(name: str) -> Dataset:
    rules: dict[pa.DataType, Any] = {
        TEXT: KeepValues(("any",)),
        WHOLE: KeepRange(0, 99),
        DAY: KeepRange(date(2000, 1, 1), date(2099, 1, 1)),
        YES_NO: Flag(("Y",)),
    }
    types = {WHOLE: FieldType.INTEGER, DAY: FieldType.DATE}
    fields = tuple(
        Field(
            one,
            one,
            types.get(kind, FieldType.TEXT),
            PseudonymiseRule(one) if kind == KEY else rules[kind],
            True,
            Category.ORDINARY,
            "meaning",
            "reason",
        )
        for one, kind in TYPES[name].items()
    )
    dated = next(one for one, kind in TYPES[name].items() if kind == DAY)
    told = (PeriodKind.MONTH, dated, 20, Mode.REPLACE, Duration.parse("P5Y"), fields)
    return Dataset(name, name, "one row a thing", (Subjects.CONVICTED,), name, SUPPLIERS[name], *told)


def relations(world: World) -> dict[tuple[str, str], Relation]:
    """What every supplier of every dataset has: nothing, where the world names no rows."""
    return {(name, one): _relation(name, world.get((name, one), ())) for name in TYPES for one in SUPPLIERS[name]}


def _relation(dataset: str, rows: Sequence[Row]) -> pa.Table:
    held = {
        name: [bytes([row[name]] * 16) if kind == KEY and row.get(name) is not None else row.get(name) for row in rows]
        for name, kind in TYPES[dataset].items()
    }
    return pa.table({name: pa.array(column, TYPES[dataset][name]) for name, column in held.items()})


def units_of(held: Mapping[tuple[str, str], Relation], of: Release, periods: Sequence[Period] = SPAN) -> Units:
    """Units over a real engine, people linked where the release asks for them."""
    asked = [lookup for lookup in of.lookups if LINKAGE.name in lookup.also_on]
    datasets = [name for lookup in asked for name in (lookup.of or of.base, lookup.dataset)]
    with Engine(memory="500MB") as engine:
        known = {place: engine.register(table) for place, table in held.items()}
        people = persons(engine, agreement(), LINKAGE, known, datasets).of if datasets else None
        return row_units(engine, of, agreement(), known, periods, people=people)


Unit = tuple[Any, ...]
"""(dimension, code) of every dimension, the two numbers (None: none), who has named it, who sent it."""


def told(found: Units, of: Release) -> Counter[Unit]:
    """Units as values: codes in place of places, suppliers in place of bits."""
    codes = {one.name: [code for code, _ in one.categories] for one in of.dimensions}
    codes[of.period_dimension] = [period.name for period in SPAN]
    return Counter(
        (
            frozenset((name, codes[name][places[unit]]) for name, places in found.places.items()),
            *(None if (number := int(found.values[one.name][unit])) == ABSENT else number for one in of.values),
            frozenset(one for place, one in enumerate(found.suppliers) if int(found.named[unit]) >> place & 1),
            found.suppliers[found.sent[unit]],
        )
        for unit in range(len(found))
    )
