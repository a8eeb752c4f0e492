"""Councils, health, and the services for victims."""

from collections.abc import Iterator

import numpy as np

from adapters.synthesis import numbers
from adapters.synthesis.calendar import dates
from adapters.synthesis.extracts.names import crime_refs, without, writer
from adapters.synthesis.feeds import Feed, Made, made, of_day, standing, words, yes
from adapters.synthesis.frames import NEVER, Array
from adapters.synthesis.people import home_on
from adapters.synthesis.victims import NEEDS
from adapters.synthesis.world import World

# In the order of rates.AUTHORITIES. One youth offending service serves Middlesbrough and Redcar and Cleveland.
COUNCILS = (
    "hartlepool-council",
    "middlesbrough-council",
    "redcar-cleveland-council",
    "stockton-council",
    "durham-county-council",
    "darlington-council",
)
YOUTH_OF = np.array([0, 1, 1, 3, 4, 5])
HEALTH = ("nhs-liaison-diversion", "drug-alcohol-services")
VCAS, RJ = "vcas", "rj-hub"


def feeds(world: World) -> Iterator[Feed]:
    """Every extract of councils, health and services for victims."""
    for place, council in enumerate(COUNCILS):
        if place in YOUTH_OF:
            yield _youth(world, place, council)
        yield _managed(world, place, council)
    for service, supplier in enumerate(HEALTH):
        yield _referrals(world, service, supplier)
    yield _support(world)
    yield _offers(world)


def _authority(world: World, person: Array, day: Array) -> Array:
    area, _ = home_on(world.people.frame, person, day)
    return world.places.authority[area]


def _youth(world: World, place: int, council: str) -> Feed:
    frame = world.tables["youth"]
    home = YOUTH_OF[_authority(world, frame["person"], frame["day"])]
    rows, months = of_day(world, "youth", "day", home == place, late=f"{council}/youth")
    write = writer(world, council)

    def make(events: Array, _: Array) -> Made:
        person, day = frame["person"][events], frame["day"][events]
        recorded = write.write(person, day, person)
        area, _ = home_on(world.people.frame, person, day)
        recorded.columns |= {"lsoa_code": words(np.where(frame["placed"][events], world.places.codes[area], "").astype(object))}
        level = np.array(["HIGH", "VERY_HIGH"], object)[events % 2]
        columns = {
            "yot_id": numbers.text(council[:3].upper(), numbers.padded(person, 7)),
            "pnc_id": write.numbers(world.people.pnc, person, person, "pnc"),
            "intervention_type": words(frame["kind"][events]),
            "start_date": dates(day),
            "end_date": dates(world.window.known(frame["end_day"][events])),
            "first_time_entrant": yes(frame["first"][events]),
            "vulnerability": words(np.where(frame["vulnerable"][events], level, "MEDIUM").astype(object)),
        }
        return made(recorded, columns, len(events))

    person = frame["person"][rows]
    return Feed(council, "yos_interventions", "yos_interventions", ("yos_interventions",), "youth", rows, months, person, make)


def _managed(world: World, place: int, council: str) -> Feed:
    frame = world.tables["managed"]
    home = _authority(world, frame["person"], frame["opened_day"])
    rows, months = standing(world, "managed", "opened_day", "closed_day", home == place)
    write = writer(world, council)

    def make(events: Array, last: Array) -> Made:
        person = frame["person"][events]
        recorded = write.write(person, frame["opened_day"][events], events)
        recorded.columns = without(recorded.columns, "ethnicity")
        ends = frame["iom_end_day"][events]
        columns = {
            "case_number": numbers.text("E", numbers.padded(events, 7)),
            "snapshot_date": dates(last),
            "pnc_id": write.numbers(world.people.pnc, person, events, "pnc"),
            "iom_start_date": dates(frame["iom_start_day"][events]),
            "iom_end_date": dates(np.where(ends <= last, ends, NEVER)),
            "accommodation": words(frame["home"][events]),
            "employment": words(frame["work"][events]),
            "troubled_families": yes(frame["troubled_family"][events]),
        }
        return made(recorded, columns, len(events))

    return Feed(council, "ecins_cases", "ecins_cases", ("ecins_cases",), "managed", rows, months, frame["person"][rows], make)


def _referrals(world: World, service: int, supplier: str) -> Feed:
    frame = world.tables["referrals"]
    rows, months = of_day(world, "referrals", "day", frame["service"] == service)
    write = writer(world, supplier)

    def make(events: Array, _: Array) -> Made:
        person, day = frame["person"][events], frame["day"][events]
        recorded = write.write(person, day, events)
        recorded.columns = without(recorded.columns, "ethnicity")
        columns = {
            "nhs_number": write.numbers(world.people.nhs, person, events, "nhs"),
            "referral_date": dates(day),
            "need": words(frame["need"][events]),
            "engaged": yes(frame["engaged"][events]),
        }
        return made(recorded, columns, len(events))

    person = frame["person"][rows]
    return Feed(supplier, "liaison_diversion", "liaison_diversion", ("liaison_referrals",), "referrals", rows, months, person, make)


def _support(world: World) -> Feed:
    frame, victims = world.tables["assessments"], world.tables["victims"]
    rows, months = of_day(world, "assessments", "day")
    write = writer(world, VCAS)

    def make(events: Array, _: Array) -> Made:
        victim = frame["victim"][events]
        person = victims["person"][victim]
        recorded = write.write(person, frame["day"][events], events)
        recorded.columns = without(recorded.columns, "sex", "ethnicity")
        closed = frame["closed_day"][events] <= world.window.as_of
        columns = {
            "case_number": numbers.text("V", numbers.padded(events, 7)),
            "crime_reference": crime_refs(world, np.where(frame["crime_known"][events], victims["crime"][victim], -1)),
            "assessed_date": dates(frame["day"][events]),
            "closed": yes(closed),
            "closed_date": dates(np.where(closed, frame["closed_day"][events], NEVER)),
            "support_satisfaction": words(np.where(closed, frame["answer"][events], "").astype(object)),
        }
        for place, need in enumerate(NEEDS):
            opening, closing = frame["opening"][events, place], np.where(closed, frame["closing"][events, place], 0)
            columns[f"opening_{need}"] = words(np.where(opening > 0, opening.astype(str), "").astype(object))
            columns[f"closing_{need}"] = words(np.where(closing > 0, closing.astype(str), "").astype(object))
        return made(recorded, columns, len(events))

    person = victims["person"][frame["victim"][rows]]
    return Feed(VCAS, "vcas_cases", "vcas_cases", ("support_cases",), "assessments", rows, months, person, make)


def _offers(world: World) -> Feed:
    frame, victims = world.tables["offers"], world.tables["victims"]
    rows, months = of_day(world, "offers", "day")
    write = writer(world, RJ)

    def make(events: Array, _: Array) -> Made:
        victim = frame["victim"][events]
        recorded = write.write(victims["person"][victim], frame["day"][events], events)
        recorded.columns = without(recorded.columns, "sex", "ethnicity")
        done = world.window.known(frame["completed_day"][events])
        columns = {
            "crime_reference": crime_refs(world, victims["crime"][victim]),
            "offered_date": dates(frame["day"][events]),
            "accepted": yes(frame["accepted_day"][events] <= world.window.as_of),
            "completed": yes(done < NEVER),
            "completed_date": dates(done),
        }
        return made(recorded, columns, len(events))

    person = victims["person"][frame["victim"][rows]]
    return Feed(RJ, "rj_referrals", "rj_referrals", ("rj_offers",), "offers", rows, months, person, make)
