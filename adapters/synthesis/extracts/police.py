"""The two forces: recorded crime as published, victims, charges and cautions, the survey of victims."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.synthesis import numbers
from adapters.synthesis.calendar import dates
from adapters.synthesis.crimes import CODES
from adapters.synthesis.extracts.names import asns, crime_refs, urns, writer
from adapters.synthesis.feeds import Feed, Made, made, of_day, words, yes
from adapters.synthesis.frames import NEVER, Array, full
from adapters.synthesis.people import home_on
from adapters.synthesis.places import CENTRES
from adapters.synthesis.rates import AUTHORITIES, FORCES
from adapters.synthesis.streams import mixed
from adapters.synthesis.street import LABELS, NUISANCE, OPEN
from adapters.synthesis.victims import GROUPS, MARKERS
from adapters.synthesis.world import World

TITLES = ("Cleveland Police", "Durham Constabulary")
_STREETS = np.array(
    [
        "Albert",
        "Station",
        "Church",
        "Mill",
        "Park",
        "Queens",
        "Victoria",
        "Front",
        "North",
        "West",
        "Chapel",
        "Garden",
        "School",
        "High",
        "Bridge",
        "Moor",
    ],
    object,
)
_KINDS = np.array(["Street", "Road", "Terrace", "Close", "Avenue", "Lane", "Supermarket", "Parking Area"], object)


def feeds(world: World) -> Iterator[Feed]:
    """Every extract of the two forces."""
    for force, supplier in enumerate(FORCES):
        yield _street(world, force, supplier)
        yield _outcomes(world, force, supplier)
        yield _victims(world, force, supplier)
        yield _charges(world, force, supplier)
        yield _survey(world, force, supplier)


def _published(world: World, crime: Array) -> pa.Array:
    """The published id of crimes, 64 hexadecimal digits; null for -1."""
    rounds = [mixed(crime, world.streams.seed * 4 + turn) for turn in range(4)]
    parts = np.stack(rounds, axis=1).astype(">u8").view(np.uint8).reshape(len(crime), 32)
    text = np.frombuffer(parts.tobytes().hex().encode(), "S64") if len(crime) else np.zeros(0, "S64")
    return pa.array(text.astype("U64").astype(object), pa.string(), mask=crime < 0)


def _where(world: World, area: Array, placed: Array, force: int, salt: Array) -> dict[str, pa.Array]:
    """The columns of both published extracts that say where."""
    rows = len(area)
    luck = [world.streams.luck(f"street/{name}", salt) for name in ("longitude", "latitude", "name")]
    centre = np.array(CENTRES)[world.places.authority[area]]
    longitude, latitude = (np.round(centre[:, place] + (luck[place] - 0.5) * 0.16, 6) for place in (0, 1))
    place = (luck[2] * 9973).astype(int)
    street = "On or near " + _STREETS[place % len(_STREETS)] + " " + _KINDS[place // len(_STREETS) % len(_KINDS)]
    code = world.places.codes[area]
    here = np.asarray(placed, bool)
    return {
        "reported_by": pa.array([TITLES[force]] * rows, pa.string()),
        "falls_within": pa.array([TITLES[force]] * rows, pa.string()),
        "longitude": pc.if_else(pa.array(here), pa.array(longitude).cast(pa.string()), pa.scalar(None, pa.string())),
        "latitude": pc.if_else(pa.array(here), pa.array(latitude).cast(pa.string()), pa.scalar(None, pa.string())),
        "location": pa.array(np.where(here, street, "No Location"), pa.string()),
        "lsoa_code": pa.array(code, pa.string(), mask=~here),
        "lsoa_name": pa.array(np.array(AUTHORITIES, object)[world.places.authority[area]], pa.string(), mask=~here),
    }


def _street(world: World, force: int, supplier: str) -> Feed:
    frame, crimes, window = world.tables["street"], world.tables["crimes"], world.window
    rows, months = of_day(world, "street", "day", frame["force"] == force)

    def make(events: Array, last: Array) -> Made:
        crime = frame["crime"][events]
        known = np.maximum(crime, 0)
        came = (crimes["outcome_day"][known] <= window.as_of) & (crimes["outcome"][known] != "")
        label = np.array([LABELS.get(code, OPEN) for code in crimes["outcome"][known]], object)
        columns = {
            "crime_id": _published(world, crime),
            "month": _months(last),
            **_where(world, frame["area"][events], frame["placed"][events], force, events),
            "crime_type": pa.array(frame["type"][events], pa.string()),
            "last_outcome": pa.array(np.where(came, label, OPEN), pa.string(), mask=frame["type"][events] == NUISANCE),
        }
        return made(None, columns, len(events))

    return Feed(supplier, "police_crimes", "police_crimes", ("crimes",), "street", rows, months, full(len(rows), -1), make, twice=False)


def _outcomes(world: World, force: int, supplier: str) -> Feed:
    frame, crimes = world.tables["outcomes"], world.tables["crimes"]
    rows, months = of_day(world, "outcomes", "day", frame["force"] == force)

    def make(events: Array, last: Array) -> Made:
        crime = frame["crime"][events]
        columns = {
            "crime_id": _published(world, crime),
            "month": _months(last),
            **_where(world, crimes["area"][crime], np.ones(len(crime), bool), force, crime),
            "outcome_type": pa.array(frame["label"][events], pa.string()),
        }
        return made(None, columns, len(events))

    return Feed(supplier, "police_outcomes", "police_outcomes", ("outcomes",), "outcomes", rows, months, full(len(rows), -1), make)


def _months(last: Array) -> pa.Array:
    return pc.strftime(pa.array(last.astype(np.int32), pa.date32()), "%Y-%m")


def _victims(world: World, force: int, supplier: str) -> Feed:
    frame, crimes, window = world.tables["victims"], world.tables["crimes"], world.window
    rows, months = of_day(world, "victims", "day", crimes["force"][frame["crime"]] == force, late=f"{supplier}/victims")
    write = writer(world, supplier)

    def make(events: Array, _: Array) -> Made:
        crime, person = frame["crime"][events], frame["person"][events]
        report = frame["day"][events]
        recorded = write.write(person, report, events)
        incident = crimes["incident"][crime]
        came = (crimes["outcome_day"][crime] <= window.as_of) & (crimes["outcome"][crime] != "")
        organisation = person < 0
        firm = np.char.add(_STREETS[crime % len(_STREETS)].astype(str), " Street Stores Ltd").astype(object)
        columns = {
            "crime_reference": crime_refs(world, crime),
            "incident_reference": numbers.incident_references(incident, crimes["force"][incident], crimes["report_day"][incident]),
            "victim_kind": words(np.where(organisation, "O", "P").astype(object)),
            "surname": pc.if_else(pa.array(organisation), pa.array(firm, pa.string()), recorded.columns["surname"]),
            "report_date": dates(report),
            "offence_code": words(CODES[crimes["kind"][crime]]),
            **{marker: yes(frame[marker][events]) for marker in MARKERS},
            "outcome_type": words(np.where(came, crimes["outcome"][crime], "").astype(object)),
            "outcome_date": dates(np.where(came, crimes["outcome_day"][crime], NEVER)),
        }
        return made(recorded, columns, len(events))

    return Feed(supplier, "police_victims", "police_victims", ("victims",), "victims", rows, months, frame["person"][rows], make)


def _charges(world: World, force: int, supplier: str) -> Feed:
    frame, episodes, window = world.tables["offences"], world.tables["episodes"], world.window
    rows, months = of_day(world, "offences", "charge_day", episodes["force"][frame["episode"]] == force, late=f"{supplier}/charges")
    write, people = writer(world, supplier), world.people

    def make(events: Array, _: Array) -> Made:
        episode, crime = frame["episode"][events], frame["crime"][events]
        person, day = episodes["person"][episode], frame["charge_day"][events]
        recorded = write.write(person, day, episode)
        done = window.known(episodes["disposal_day"][episode])
        ended = done < NEVER
        area, _ = home_on(people.frame, person, day)
        columns = {
            "crime_reference": crime_refs(world, crime),
            "case_urn": urns(world, episodes["case"][episode]),
            "asn": asns(world, episode),
            "pnc_id": write.numbers(people.pnc, person, episode, "pnc"),
            "cro_number": write.numbers(people.cro, person, episode, "cro"),
            "authority_of_residence": words(np.array(AUTHORITIES, object)[world.places.authority[area]]),
            "offence_code": words(CODES[frame["kind"][events]]),
            "recordable": yes(frame["recordable"][events]),
            "breach": yes(frame["breach"][events]),
            "offence_date": dates(frame["day"][events]),
            "charge_date": dates(day),
            "disposal": words(np.where(ended, episodes["disposal"][episode], "").astype(object)),
            "disposal_date": dates(done),
            "sentence_type": words(np.where(ended, episodes["sentence"][episode], "").astype(object)),
            **{marker: yes(frame[marker][events]) for marker in MARKERS},
        }
        return made(recorded, columns, len(events))

    person = episodes["person"][frame["episode"][rows]]
    return Feed(supplier, "police_charges", "police_charges", ("charges",), "offences", rows, months, person, make)


def _survey(world: World, force: int, supplier: str) -> Feed:
    frame, victims = world.tables["survey"], world.tables["victims"]
    crime_of = victims["crime"][frame["victim"]]
    rows, months = of_day(world, "survey", "day", world.tables["crimes"]["force"][crime_of] == force)

    def make(events: Array, _: Array) -> Made:
        excluded = frame["excluded"][events]
        columns = {
            "respondent": numbers.text("R", numbers.padded(events, 6)),
            "crime_reference": crime_refs(world, crime_of[events]),
            "survey_date": dates(frame["day"][events]),
            "crime_group": words(GROUPS[frame["group"][events]]),
            "satisfaction": words(frame["answer"][events]),
            "excluded": yes(excluded),
            "exclusion_reason": words(np.where(excluded, "Victim is also a suspect", "").astype(object)),
        }
        return made(None, columns, len(events))

    person = victims["person"][frame["victim"][rows]]
    return Feed(supplier, "victim_survey", "victim_survey", ("survey",), "survey", rows, months, person, make, twice=False)
