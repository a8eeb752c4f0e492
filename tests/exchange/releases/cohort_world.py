"""A small partnership for cohorts: prison, two forces and the councils' managed cases; its rows as plain values, and units as they may be compared."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pyarrow as pa

from agreements.cohort import Attribute, Cohort, Entry, Event
from agreements.fields import FieldType, KeepRange, KeepValues, PseudonymiseRule
from agreements.linkage import Linkage
from agreements.model import Agreement, Category, Dataset, Field, Mode, Subjects
from agreements.periods import Duration, Period, PeriodKind
from agreements.release import Dimension, Level, Release, Table, Terms, Zeros
from agreements.worked_out import Derived, Number, Value
from exchange.releases.cohorts import cohort_units
from exchange.releases.engine import Engine
from exchange.releases.linking import Override
from exchange.releases.units import Units
from exchange.releases.windows import windows
from tests.agreements import papers

PRISON, CLEVELAND, DURHAM, COUNCILS = "prisons", "cleveland-police", "durham-constabulary", "councils"
PNC, NAME = "person_pnc", "person_name_dob"
LINKAGE = Linkage("person", "One person", (PNC, NAME), (PNC,), 500)
Row = dict[str, Any]
World = Mapping[tuple[str, str], Sequence[Row]]
"""(dataset, supplier) → rows; a field that a row does not name is absent. People and crimes are small numbers."""

TYPES: dict[str, dict[str, pa.DataType]] = {
    "prison_movements": {"movement": pa.string(), "movement_date": pa.date32(), "days": pa.int64()},
    "charges": {
        "crime": pa.binary(16),
        "incident": pa.binary(16),
        "offence_date": pa.date32(),
        "disposal": pa.string(),
        "disposal_date": pa.date32(),
        "recordable": pa.bool_(),
        "breach": pa.bool_(),
        "age_band": pa.string(),
        "fine": pa.int64(),
    },
    "managed": {"start_date": pa.date32(), "end_date": pa.date32(), "home": pa.string(), "needs": pa.int64()},
    "victims": {
        "crime": pa.binary(16),
        "incident": pa.binary(16),
        "report_date": pa.date32(),
        "victim_kind": pa.string(),
        "loss": pa.int64(),
    },
}
SUPPLIERS = {
    "prison_movements": (PRISON,),
    "charges": (CLEVELAND, DURHAM),
    "managed": (COUNCILS, DURHAM),
    "victims": (CLEVELAND, DURHAM),
}
RELEASED, CONVICTED, CAUTIONED = "Release from custody", "Conviction", "Caution"
PROVEN = ("Convicted", "Caution")


def within(text: str) -> Duration:
    return Duration.parse(text)


def cohort(window: PeriodKind = PeriodKind.MONTH) -> Cohort:
    """Proven reoffending, with events before and attributes of every kind."""
    return Cohort(
        window,
        (
            Entry(RELEASED, "prison_movements", "movement_date", (("movement", ("Release",)),)),
            Entry(CONVICTED, "charges", "disposal_date", (("disposal", ("Convicted",)),)),
            Entry(CAUTIONED, "charges", "disposal_date", (("disposal", ("Caution",)),)),
        ),
        (
            Event(
                "reoffences",
                "charges",
                "offence_date",
                within("P12M"),
                (("recordable", ("true",)), ("breach", ("false",)), ("disposal", PROVEN)),
                proven="disposal_date",
                proven_within=within("P18M"),
            ),
            Event("earlier", "charges", "offence_date", within("P1M"), before=True),
            Event("another", "charges", "disposal_date", within("P30D"), before=True, differs=("crime", "incident")),
            Event("otherwise", "charges", "disposal_date", within("P1M2D"), differs=("crime",)),
        ),
        (
            Attribute("managed", "managed", "start_date", "", within("P12M"), "false", until="end_date"),
            Attribute("home", "managed", "start_date", "home", within("P1M"), "Not known", until="end_date"),
            Attribute("left", "managed", "start_date", "", within("P12M"), "false", since="end_date"),
            Attribute("needs", "managed", "start_date", "needs", within("P12M"), "Not known"),
            Attribute("age", "charges", "offence_date", "age_band", within("P1M"), "Not known", where=(("recordable", ("true",)),)),
        ),
    )


def repeat_victims() -> Cohort:
    """Repeat victimisation: another crime of another incident in the 365 days before."""
    people = (("victim_kind", ("Person",)),)
    entry = Entry("Victim", "victims", "report_date", people)
    return Cohort(
        PeriodKind.MONTH,
        (entry,),
        (Event("repeats", "victims", "report_date", within("P365D"), people, before=True, differs=("crime", "incident")),),
    )


VALUES = (
    Value("how_often", Number.EVENTS, ("reoffences",)),
    Value("others", Number.EVENTS, ("another",)),
    Value("fine", Number.AMOUNT, ("charges.fine",)),
    Value("took", Number.DAYS, ("charges.offence_date", "charges.disposal_date")),
)
BINARY = (("true", "Yes"), ("false", "No"))
REPEATS = {"cohort.window": (), "events.repeats": BINARY}
CATEGORIES: dict[str, tuple[tuple[str, str], ...]] = {
    "cohort.window": (),
    "cohort.entry": tuple((one, one) for one in (RELEASED, CONVICTED, CAUTIONED)),
    **{f"events.{name}": BINARY for name in ("reoffences", "earlier", "another", "otherwise")},
    "attributes.managed": BINARY,
    "attributes.home": tuple((one, one) for one in ("Settled", "None", "Not known")),
    "attributes.left": BINARY,
    "attributes.needs": tuple((one, one) for one in ("2", "10", "Not known")),
    "attributes.age": tuple((one, one) for one in ("18-25", "26+", "Not known")),
}


def release(
    of: Cohort | None = None,
    values: tuple[Value, ...] = VALUES,
    derived: tuple[Derived, ...] = (),
    categories: Mapping[str, tuple[tuple[str, str], ...]] = CATEGORIES,
) -> Release:
    """A release with one dimension a source, all in one table."""
    dimensions = tuple(
        Dimension("window" if source == "cohort.window" else source.replace(".", "_"), source, source, codes, "All")
        for source, codes in categories.items()
    )
    return Release(
        name="mr1",
        measure="MR1",
        title="Proven reoffending",
        question="Who comes back?",
        unit="people",
        base=LINKAGE.name,
        present=(),
        period_dimension="window",
        lookups=(),
        derived=derived,
        dimensions=dimensions,
        tables=tuple(
            Table(f"by-{one.name}", one.title, ("window", one.name) if one.name != "window" else ("window",)) for one in dimensions
        ),
        terms=Terms(10, Zeros.SUPPRESSIBLE, Level.B),
        recipients=(),
        caveats=(),
        public=False,
        permission="",
        earlier_rows=False,
        values=values,
        cohort=of or cohort(),
    )


@cache
def agreement() -> Agreement:
    """The three datasets and the linkage; parties and words are those of the shipped paper."""
    return replace(papers.agreement(), linkages=(LINKAGE,), datasets=tuple(map(_dataset, TYPES)))


def _dataset(name: str) -> Dataset:
    fields = [_field(kind, PseudonymiseRule(kind), FieldType.TEXT) for kind in (PNC, NAME)]
    fields += [
        _field(
            one,
            PseudonymiseRule(one) if kind == pa.binary(16) else KeepRange(0, 1) if kind == pa.int64() else KeepValues(("any",)),
            FieldType.DATE if kind == pa.date32() else FieldType.INTEGER if kind == pa.int64() else FieldType.TEXT,
        )
        for one, kind in TYPES[name].items()
    ]
    period = {"charges": "disposal_date", "managed": "start_date", "prison_movements": "movement_date", "victims": "report_date"}[name]
    told = (PeriodKind.MONTH, period, 20, Mode.REPLACE, Duration.parse("P5Y"), tuple(fields))
    return Dataset(name, name, "one row a thing", (Subjects.CONVICTED,), name, SUPPLIERS[name], *told)


def _field(name: str, rule: Any, kind: FieldType) -> Field:
    return Field(name, name, kind, rule, True, Category.ORDINARY, "meaning", "reason")


def relation(dataset: str, rows: Sequence[Row]) -> pa.Table:
    types = {PNC: pa.binary(16), NAME: pa.binary(16)} | TYPES[dataset]
    return pa.table({name: pa.array([_held(row.get(name), kind) for row in rows], kind) for name, kind in types.items()})


def _held(value: Any, kind: pa.DataType) -> Any:
    return bytes([value] * 16) if kind == pa.binary(16) and value is not None else value


def relations(world: World) -> dict[tuple[str, str], pa.Table]:
    """What every supplier of every dataset has: nothing, where the world names no rows."""
    return {(name, one): relation(name, world.get((name, one), ())) for name in TYPES for one in SUPPLIERS[name]}


def units(world: World, periods: Sequence[Period], of: Release | None = None, said: Sequence[Override] = (), threads: int = 2) -> Units:
    """Units of a world, over a real engine."""
    return units_of(relations(world), periods, of, said, threads)


def units_of(
    held: Mapping[tuple[str, str], pa.Table],
    periods: Sequence[Period],
    of: Release | None = None,
    said: Sequence[Override] = (),
    threads: int = 2,
    memory: str = "500MB",
) -> Units:
    with Engine(memory=memory, threads=threads) as engine:
        known = {place: engine.register(table) for place, table in held.items()}
        return cohort_units(engine, of or release(), agreement(), known, periods, said)


Unit = tuple[Any, ...]
"""Codes by the order of the dimensions, values by that of the release (None: none), who named it, who sent it."""


def told(found: Units, periods: Sequence[Period], of: Release | None = None) -> Counter[Unit]:
    """Units as values: codes in place of places, suppliers in place of bits."""
    mine = of or release()
    codes = {one.name: [code for code, _ in one.categories] for one in mine.dimensions}
    codes[mine.period_dimension] = [window.name for window in windows(mine, periods)]
    return Counter(
        (
            *(codes[one.name][found.places[one.name][unit]] for one in mine.dimensions),
            *(_number(int(found.values[one.name][unit])) for one in mine.values),
            frozenset(one for place, one in enumerate(found.suppliers) if int(found.named[unit]) >> place & 1),
            found.suppliers[found.sent[unit]],
        )
        for unit in range(len(found))
    )


def _number(value: int) -> int | None:
    return value if value > -(2**61) else None


def months(*names: str) -> list[Period]:
    return [Period.parse(name) for name in names]


def day(text: str) -> date:
    return date.fromisoformat(text)
