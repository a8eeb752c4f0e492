"""Prosecution, courts, witness care and legal aid."""

from collections.abc import Iterator

import numpy as np

from adapters.synthesis import numbers
from adapters.synthesis.calendar import dates
from adapters.synthesis.extracts.names import asns, urns, without, writer
from adapters.synthesis.feeds import Columns, Feed, Made, made, of_day, standing, words, yes
from adapters.synthesis.frames import NEVER, Array
from adapters.synthesis.rates import COURTS
from adapters.synthesis.recorded import Recorded, Writer
from adapters.synthesis.trials import ENDINGS
from adapters.synthesis.world import World

CPS, HMCTS, CARE, SERVICE, LAA = "cps-north-east", "hmcts", "witness-care-units", "witness-service", "legal-aid-agency"
AREAS = np.array(["Cleveland", "Durham"], object)


def feeds(world: World) -> Iterator[Feed]:
    """Every extract of the courts' side."""
    yield _completed(world)
    yield _open(world)
    yield _trials(world)
    yield _witness_days(world)
    yield _answers(world)
    yield _claims(world)


def _defendant(world: World, write: Writer, episode: Array, day: Array) -> tuple[Recorded, Columns]:
    """A defendant as the prosecution has them. It reads them off the police's file, and has no address."""
    person = world.tables["episodes"]["person"][episode]
    recorded = write.write(person, day, episode)
    recorded.columns = without(recorded.columns, "postcode", "ethnicity")
    columns = {
        "case_urn": urns(world, world.tables["episodes"]["case"][episode]),
        "pnc_id": write.numbers(world.people.pnc, person, episode, "pnc"),
        "asn": asns(world, episode),
        "police_area": words(AREAS[world.tables["episodes"]["force"][episode]]),
        "first_hearing_date": dates(world.tables["episodes"]["hearing_day"][episode]),
    }
    return recorded, columns


def _completed(world: World) -> Feed:
    frame, episodes = world.tables["prosecutions"], world.tables["episodes"]
    rows, months = of_day(world, "prosecutions", "completion_day", late=f"{CPS}/completed")
    write = writer(world, CPS)

    def make(events: Array, _: Array) -> Made:
        recorded, columns = _defendant(world, write, frame["episode"][events], frame["completion_day"][events])
        plea, sent = frame["plea"][events], frame["outcome"][events] == "SENT_TO_CROWN"
        columns |= {
            "court_type": words(frame["court"][events]),
            "plea": words(np.where(plea != "", "G", np.where(sent, "NONE", "NG")).astype(object)),
            "plea_stage": words(plea),
            "completion_date": dates(frame["completion_day"][events]),
            "outcome": words(frame["outcome"][events]),
            "unsuccessful_reason": words(frame["reason"][events]),
        }
        return made(recorded, columns, len(events))

    person = episodes["person"][frame["episode"][rows]]
    return Feed(CPS, "cps_cases", "cps_completed", ("cps_completed",), "prosecutions", rows, months, person, make)


def _open(world: World) -> Feed:
    frame, episodes = world.tables["prosecutions"], world.tables["episodes"]
    rows, months = standing(world, "prosecutions", "open_day", "completion_day")
    write = writer(world, CPS)

    def make(events: Array, last: Array) -> Made:
        recorded, columns = _defendant(world, write, frame["episode"][events], last)
        heard = episodes["hearing_day"][frame["episode"][events]]
        columns |= {
            "court_type": words(frame["court"][events]),
            "first_hearing_date": dates(np.where(heard <= last, heard, NEVER)),
            "snapshot_date": dates(last),
        }
        return made(recorded, columns, len(events))

    person = episodes["person"][frame["episode"][rows]]
    return Feed(CPS, "cps_cases", "cps_open", ("cps_open",), "prosecutions", rows, months, person, make)


def _trials(world: World) -> Feed:
    frame, listings, episodes = world.tables["defendant_listings"], world.tables["listings"], world.tables["episodes"]
    rows, months = of_day(world, "defendant_listings", "day", late="hmcts/trials")
    write = writer(world, HMCTS)

    def make(events: Array, _: Array) -> Made:
        listing, episode, further = frame["listing"][events], frame["episode"][events], frame["further"][events]
        recorded = write.write(episodes["person"][episode], frame["day"][events], episode)
        recorded.columns = without(recorded.columns, "postcode", "sex", "ethnicity")
        court = listings["court"][listing]
        unsaid = further | ~listings["said"][listing]
        columns = {
            "system": words(np.where(court >= 4, "XHIBIT", "LIBRA").astype(object)),
            "case_urn": urns(world, episodes["case"][episode]),
            "asn": asns(world, episode),
            "court_code": words(np.array(COURTS, object)[court]),
            "court_room": numbers.padded(1 + listing % 9, 2),
            "listed_date": dates(frame["day"][events]),
            "trial_outcome": words(np.where(unsaid, "", ENDINGS[listings["end"][listing]]).astype(object)),
            "reason_code": words(np.where(unsaid, "", listings["reason"][listing]).astype(object)),
            "video_link_used": yes(listings["video"][listing]),
        }
        return made(recorded, columns, len(events))

    person = episodes["person"][frame["episode"][rows]]
    return Feed(HMCTS, "hmcts_trials", "hmcts_trials", ("trials",), "defendant_listings", rows, months, person, make)


def _witness_days(world: World) -> Feed:
    frame = world.tables["witness_days"]
    rows, months = of_day(world, "witness_days", "day", late=f"{CARE}/days")
    write = writer(world, CARE)

    def make(events: Array, _: Array) -> Made:
        person = frame["person"][events]
        recorded = write.write(person, frame["day"][events], person)
        recorded.columns = without(recorded.columns, "sex", "ethnicity")
        columns = {
            "case_urn": urns(world, frame["case"][events]),
            "is_victim": yes(frame["victim"][events]),
            "required_date": dates(frame["day"][events]),
            "attendance": words(frame["attendance"][events]),
            "special_measures": words(frame["special_measures"][events]),
            "video_link": words(frame["video_link"][events]),
        }
        return made(recorded, columns, len(events))

    return Feed(CARE, "witness_care", "witness_days", ("witness_days",), "witness_days", rows, months, frame["person"][rows], make)


def _answers(world: World) -> Feed:
    frame, required = world.tables["after_court"], world.tables["witness_days"]
    rows, months = of_day(world, "after_court", "day")

    def make(events: Array, _: Array) -> Made:
        columns = {"answered_date": dates(frame["day"][events]), "would_attend_again": words(frame["answer"][events])}
        return made(None, columns, len(events))

    person = required["person"][frame["witness_event"][rows]]
    return Feed(SERVICE, "witness_care", "witness_answers", ("witness_answers",), "after_court", rows, months, person, make, twice=False)


def _claims(world: World) -> Feed:
    frame, episodes = world.tables["claims"], world.tables["episodes"]
    rows, months = of_day(world, "claims", "day")

    def make(events: Array, _: Array) -> Made:
        case = episodes["case"][frame["episode"][events]]
        columns = {
            "case_urn": urns(world, np.where(frame["case_known"][events], case, -1)),
            "claim_reference": numbers.text("LAA", numbers.padded(events, 8)),
            "paid_date": dates(frame["day"][events]),
            "amount": numbers.padded(frame["amount"][events], 1),
            "stage": words(frame["stage"][events]),
            "went_to_trial": yes(frame["tried"][events]),
        }
        return made(None, columns, len(events))

    person = episodes["person"][frame["episode"][rows]]
    return Feed(LAA, "laa_claims", "laa_claims", ("legal_aid_claims",), "claims", rows, months, person, make)
