"""The whole invented partnership, told in one go: every table of events, and everybody in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters.synthesis import rates
from adapters.synthesis.calendar import Window, sitting
from adapters.synthesis.courts import after_court, claims, witness_days
from adapters.synthesis.crimes import crimes, offences
from adapters.synthesis.crowd import Crowd
from adapters.synthesis.frames import Array, Frame, joined, size, spans
from adapters.synthesis.offending import Offenders, episodes
from adapters.synthesis.people import People, people
from adapters.synthesis.places import Places
from adapters.synthesis.planted import plant, seen_by_six
from adapters.synthesis.streams import Streams
from adapters.synthesis.street import outcomes, street
from adapters.synthesis.supervision import custody, managed, orders, referrals, youth
from adapters.synthesis.trials import EFFECTIVE, listings
from adapters.synthesis.victims import answers, assessments, offers, victims

Tables = Mapping[str, Frame]


@dataclass(frozen=True)
class World:
    """Tables of events by name (a row's number is the event's), people, places, chance and time; who is planted to be misspelt everywhere."""

    window: Window
    streams: Streams
    places: Places
    people: People
    tables: Tables
    misspelt: Array


def told(window: Window, seed: int, codes: Path) -> World:
    """Invent the partnership.

    Args:
        codes: the folder of code lists, for the list of areas.
    Raises:
        ConfigError: the list is missing.
    """
    streams, places, crowd = Streams(seed), Places(codes), Crowd()
    episode = episodes(Offenders(window, crowd, streams))
    plant(episode, window)
    offence = offences(episode, streams)
    crime, of = crimes(episode, offence, window, places, streams)
    offence |= {"crime": of, "charge_day": episode["charge_day"][offence["episode"]]}
    victim = victims(crime, crowd, streams)
    victim["day"] = crime["report_day"][victim["crime"]]
    listing = listings(episode, streams)
    witness = witness_days(listing, episode, victim, _crime_of(episode, offence), crowd, streams)
    spell = custody(episode, crowd, window, streams)
    tables = {
        "episodes": episode,
        "offences": offence,
        "crimes": crime,
        "victims": victim,
        "assessments": assessments(victim, crime, window, streams),
        "offers": offers(victim, crime, window, streams),
        "survey": answers(victim, crime, window, streams),
        "listings": listing,
        "witness_days": witness,
        "after_court": after_court(witness, streams),
        "claims": claims(episode, streams),
        "prosecutions": prosecutions(episode),
        "defendant_listings": _defendants(listing, episode),
        "spells": spell,
        "orders": orders(episode, spell, streams),
        "youth": youth(episode, streams),
        "managed": managed(episode, streams),
        "referrals": referrals(episode, streams),
        "street": street(crime, window, places, streams),
        "outcomes": outcomes(crime, episode, window),
    }
    return World(window, streams, places, people(crowd.frame(), window, places, streams), tables, seen_by_six(tables, window))


def prosecutions(episodes: Frame) -> Frame:
    """One row a defendant in a case at one level of court: who is sent to the Crown Court is completed twice."""
    charged = np.flatnonzero(episodes["charged"])
    sent = charged[episodes["court"][charged] == "CC"]
    lower = {
        "episode": sent.astype(np.int32),
        "court": np.where(episodes["age"][sent] < 18, "MCY", "MCA").astype(object),
        "open_day": episodes["charge_day"][sent],
        "completion_day": episodes["sent_day"][sent],
        "outcome": np.full(len(sent), "SENT_TO_CROWN", object),
        "plea": np.full(len(sent), "", object),
        "reason": np.full(len(sent), "", object),
    }
    final = {
        "episode": charged.astype(np.int32),
        "court": episodes["court"][charged],
        "open_day": np.where(episodes["court"][charged] == "CC", episodes["sent_day"][charged], episodes["charge_day"][charged]),
        "completion_day": episodes["completion_day"][charged],
        "outcome": episodes["outcome"][charged],
        "plea": episodes["plea"][charged],
        "reason": episodes["reason"][charged],
    }
    return joined([lower, final])


def _defendants(listings: Frame, episodes: Frame) -> Frame:
    """One row a defendant in a listing, and one for each further day of a trial at the Crown Court that has begun."""
    tried = np.flatnonzero(episodes["trial"])
    tried = tried[np.argsort(episodes["case"][tried], kind="stable")]
    low, high = (np.searchsorted(episodes["case"][tried], listings["case"], side) for side in ("left", "right"))
    listing, defendant = spans(low, high)
    episode = tried[defendant].astype(np.int32)
    day = listings["day"][listing]
    begun = listings["end"][listing] == EFFECTIVE
    more = np.where(begun, np.maximum(episodes["completion_day"][episode] - day - 1, 0), 0)
    row, place = spans(np.zeros_like(more), more + 1)
    at = day[row] + place
    sat = np.flatnonzero(sitting(at) == at)
    row, place, at = row[sat], place[sat], at[sat]
    return {"listing": listing[row].astype(np.int32), "episode": episode[row], "day": at.astype(np.int32), "further": place > 0}


def _crime_of(episodes: Frame, offences: Frame) -> Array:
    """The first crime of each episode, or -1."""
    of = np.full(size(episodes), -1, np.int32)
    rows = np.flatnonzero(offences["crime"] >= 0)[::-1]
    of[offences["episode"][rows]] = offences["crime"][rows]
    return of


def scale_of(people_count: int) -> float:
    """The scale at which the area has so many inhabitants."""
    return people_count / rates.POPULATION
