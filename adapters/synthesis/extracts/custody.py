"""Prisons and probation."""

from collections.abc import Iterator

import numpy as np

from adapters.synthesis.calendar import dates, month_of
from adapters.synthesis.extracts.names import without, writer
from adapters.synthesis.feeds import Feed, Made, made, of_day, standing, words
from adapters.synthesis.frames import NEVER, Array, size
from adapters.synthesis.supervision import NEEDS
from adapters.synthesis.world import World

PRISONS, NPS, CRC = "tees-wear-prisons", "national-probation-service", "durham-tees-valley-crc"


def feeds(world: World) -> Iterator[Feed]:
    """Every extract of prisons and probation."""
    yield _movements(world)
    yield _population(world)
    yield _caseload(world, NPS, "nps_caseload", national=True)
    yield _caseload(world, CRC, "crc_caseload", national=False)


def _movements(world: World) -> Feed:
    """Receptions and releases: event numbers are spells, releases after all receptions (spell + number of spells)."""
    spells, people, write = world.tables["spells"], world.people, writer(world, PRISONS)
    count = size(spells)
    arrivals, departures = (of_day(world, "spells", day)[0] for day in ("reception_day", "release_day"))
    departures = departures[world.window.known(spells["release_day"][departures]) < NEVER]
    events = np.concatenate([arrivals, departures + count])
    day_of = np.concatenate([spells["reception_day"], spells["release_day"]])
    events = events[np.argsort(day_of[events], kind="stable")]

    def make(events: Array, _: Array) -> Made:
        spell, release, day = events % count, events >= count, day_of[events]
        person = spells["person"][spell]
        recorded = write.write(person, day, person)
        recorded.columns = without(recorded.columns, "postcode")
        columns = {
            "noms_number": people.noms.take(person),
            "pnc_id": write.numbers(people.pnc, person, person, "pnc"),
            "cro_number": write.numbers(people.cro, person, person, "cro"),
            "establishment": words(spells["prison"][spell]),
            "movement": words(np.where(release, "D", "R").astype(object)),
            "movement_date": dates(day),
            "sentence_band": words(_band(world, spell, day)),
            "release_accommodation": words(np.where(release, spells["home"][spell], "").astype(object)),
            "release_employment": words(np.where(release, spells["work"][spell], "").astype(object)),
        }
        return made(recorded, columns, len(events))

    person = spells["person"][events % max(count, 1)]
    months = month_of(day_of[events])
    return Feed(PRISONS, "prison_movements", "prison_movements", ("prison_movements",), "spells", events, months, person, make)


def _band(world: World, spell: Array, day: Array) -> Array:
    """The sentence band on a day: on remand until the sentence, or for good."""
    spells = world.tables["spells"]
    sentenced = spells["sentence_day"][spell] <= day
    return np.where(sentenced & (spells["band"][spell] != ""), spells["band"][spell], "REMAND").astype(object)


def _population(world: World) -> Feed:
    spells, people, write = world.tables["spells"], world.people, writer(world, PRISONS)
    rows, months = standing(world, "spells", "reception_day", "release_day")

    def make(events: Array, last: Array) -> Made:
        person = spells["person"][events]
        recorded = write.write(person, last, person)
        recorded.columns = without(recorded.columns, "postcode")
        columns = {
            "noms_number": people.noms.take(person),
            "pnc_id": write.numbers(people.pnc, person, person, "pnc"),
            "establishment": words(spells["prison"][events]),
            "snapshot_date": dates(last),
            "sentence_band": words(_band(world, events, last)),
        }
        return made(recorded, columns, len(events))

    person = spells["person"][rows]
    return Feed(PRISONS, "prison_movements", "prison_population", ("prison_population",), "spells", rows, months, person, make, twice=False)


def _caseload(world: World, supplier: str, adapter: str, *, national: bool) -> Feed:
    orders, people, write = world.tables["orders"], world.people, writer(world, supplier)
    rows, months = standing(world, "orders", "start_day", "end_day", orders["national"] == national)

    def make(events: Array, last: Array) -> Made:
        person = orders["person"][events]
        recorded = write.write(person, np.minimum(last, orders["start_day"][events] + 200), events)
        if not national:
            surname = recorded.columns["surname"]
            recorded.columns["surname"] = words(np.array([name.upper() for name in surname.to_pylist()], object))
        assessed = orders["assessed_day"][events]
        known = assessed <= last
        needs = {
            f"need_{need}": words(np.where(known, np.where(orders["needs"][events, place], "Y", "N"), "").astype(object))
            for place, need in enumerate(NEEDS)
        }
        columns = {
            "crn": people.crn.take(person),
            "pnc_id": write.numbers(people.pnc, person, events, "pnc"),
            "noms_number": write.numbers(people.noms, np.where(orders["kind"][events] == "LICENCE", person, -1), events, "noms"),
            "snapshot_date": dates(last),
            "order_type": words(orders["kind"][events]),
            "start_date": dates(orders["start_day"][events]),
            "end_date": dates(orders["end_day"][events]),
            "risk_tier": words(orders["risk"][events]),
            "assessment_date": dates(np.where(known, assessed, NEVER)),
            **needs,
        }
        return made(recorded, columns, len(events))

    return Feed(supplier, adapter, adapter, (adapter,), "orders", rows, months, orders["person"][rows], make)
