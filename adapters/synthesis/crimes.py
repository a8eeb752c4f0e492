"""Recorded crimes: those of the episodes and those whose offender nobody knows; what became of each, day by day."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import Window
from adapters.synthesis.frames import NEVER, Array, Frame, changes, full, joined, size, take
from adapters.synthesis.places import Places, authorities, forces
from adapters.synthesis.streams import Streams, chosen, days

# One row a kind of offence: Home Office code, police.uk crime type, weight among offenders' offences, weight among crimes nobody is known for,
# chance that the victim is a person, that it is an organisation. A crime type of "" is no recorded crime.
KINDS: Sequence[tuple[str, str, float, float, float, float]] = (
    ("8N", "Violence and sexual offences", 12, 9, 0.97, 0.01),
    ("105A", "Violence and sexual offences", 13, 13, 0.97, 0.01),
    ("8L", "Violence and sexual offences", 4, 9, 0.99, 0.0),
    ("19C", "Violence and sexual offences", 0.6, 1.4, 1.0, 0.0),
    ("20A", "Violence and sexual offences", 0.8, 1.6, 1.0, 0.0),
    ("34B", "Robbery", 0.8, 0.8, 0.92, 0.08),
    ("28E", "Burglary", 2.0, 4.2, 1.0, 0.0),
    ("30C", "Burglary", 1.3, 2.2, 0.05, 0.95),
    ("48", "Vehicle crime", 1.2, 3.0, 0.9, 0.1),
    ("45", "Vehicle crime", 1.0, 4.0, 0.85, 0.15),
    ("46", "Shoplifting", 15, 5, 0.0, 1.0),
    ("39", "Theft from the person", 0.4, 1.0, 1.0, 0.0),
    ("49", "Other theft", 3, 7.5, 0.75, 0.25),
    ("44", "Bicycle theft", 0.4, 1.6, 1.0, 0.0),
    ("58A", "Criminal damage and arson", 4, 10, 0.75, 0.25),
    ("58B", "Criminal damage and arson", 2, 4, 0.1, 0.9),
    ("92D", "Drugs", 6, 1, 0.0, 0.0),
    ("92E", "Drugs", 4, 0.5, 0.0, 0.0),
    ("10D", "Possession of weapons", 3, 0.7, 0.0, 0.0),
    ("9A", "Public order", 9, 8, 0.8, 0.05),
    ("66", "Public order", 1.5, 1, 0.2, 0.1),
    ("99", "Other crime", 2.5, 2, 0.2, 0.3),
    ("803", "", 8, 0, 0.0, 0.0),
    ("825", "", 9, 0, 0.0, 0.0),
)
CODES = np.array([row[0] for row in KINDS], object)
TYPES = np.array([row[1] for row in KINDS], object)
IS_CRIME = TYPES != ""
PERSON, ORGANISATION = (np.array([row[place] for row in KINDS]) for place in (4, 5))
VIOLENT = np.array([0, 1, 2])
SEXUAL = np.array([3, 4])
_NOT_RECORDABLE = len(KINDS) - 1

# Home Office outcome types of crimes without an episode, and how often.
OUTCOMES = np.array(["18", "15", "16", "14", "20", "21", "8", "10", "5", ""], object)
_OUTCOME_WEIGHTS = (45, 19, 16, 7, 1.5, 1.2, 3, 0.8, 0.1, 3)
_OF_DISPOSAL = {
    "CAUTION": "3",
    "YOUTH_CAUTION": "2",
    "CONDITIONAL_CAUTION": "3",
    "COMMUNITY_RESOLUTION": "8",
    "PENALTY_NOTICE": "6",
    "DEFERRED": "8",
}


def offences(episodes: Frame, streams: Streams) -> Frame:
    """One row an offence: episode, kind, day, recordable, breach. The first is on the day of the episode."""
    draw = streams.named("offences")
    many = np.where(episodes["leader"] >= 0, 1, np.minimum(draw.geometric(0.72, size(episodes)), 9))
    again = (episodes["parent"] >= 0) & episodes["charged"] & (draw.random(size(episodes)) < rates.BREACH)
    episode = np.repeat(np.arange(size(episodes), dtype=np.int32), many)
    rows = len(episode)
    kind = chosen(draw, [row[2] for row in KINDS], rows)
    later = np.where(changes(episode), 0, draw.integers(0, 9, rows))
    day = np.minimum(
        episodes["offence_day"][episode] + later, np.maximum(episodes["charge_day"][episode], episodes["offence_day"][episode])
    )
    recordable = (kind != _NOT_RECORDABLE) | (draw.random(rows) < 0.5)
    mine: Frame = {
        "episode": episode,
        "kind": kind.astype(np.int16),
        "day": day.astype(np.int32),
        "recordable": recordable,
        "breach": np.zeros(rows, bool),
    }
    order = np.flatnonzero(again).astype(np.int32)
    breach: Frame = {
        "episode": order,
        "kind": full(len(order), _NOT_RECORDABLE).astype(np.int16),
        "day": episodes["offence_day"][order],
        "recordable": np.ones(len(order), bool),
        "breach": np.ones(len(order), bool),
    }
    frame = joined([mine, breach])
    frame["domestic_abuse"] = np.isin(frame["kind"], VIOLENT) & (draw.random(size(frame)) < rates.DOMESTIC)
    frame["hate_crime"] = draw.random(size(frame)) < rates.HATE
    frame["sexual_violence"] = np.isin(frame["kind"], SEXUAL)
    frame["child_sexual_abuse"] = frame["sexual_violence"] & (draw.random(size(frame)) < rates.OF_CHILDREN)
    frame["mental_health"] = draw.random(size(frame)) < rates.MENTAL_HEALTH
    return frame


def crimes(episodes: Frame, offences: Frame, window: Window, places: Places, streams: Streams) -> tuple[Frame, Array]:
    """Crimes, by day of report, and for each offence the number of its crime or -1. Co-defendants' offences are one crime."""
    draw = streams.named("crimes")
    leader = episodes["leader"][offences["episode"]]
    solved = np.flatnonzero(IS_CRIME[offences["kind"]] & ~offences["breach"] & (leader < 0))
    known = _known(episodes, take(offences, solved), draw)
    count = int(draw.poisson(rates.CRIMES * window.scale * (window.as_of - window.first + 31) / 30.4 * 0.86))
    unknown = _unknown(count, window, draw)
    both = joined([known, unknown])
    order = np.argsort(both["report_day"], kind="stable")
    frame = take(both, order)
    frame["area"] = places.areas(np.where(frame["authority"] >= 0, frame["authority"], 0), draw)
    frame |= _incidents(frame, draw)
    of = np.full(size(offences), -1, np.int32)
    of[solved] = np.argsort(order)[: len(solved)]
    return frame, _shared(episodes, offences, of)


def _shared(episodes: Frame, offences: Frame, of: Array) -> Array:
    """A co-defendant's offence is the leader's first: the same crime."""
    first = np.full(size(episodes), -1, np.int32)
    rows = np.flatnonzero(~offences["breach"])[::-1]
    first[offences["episode"][rows]] = of[rows]
    leader = episodes["leader"][offences["episode"]]
    return np.where((leader >= 0) & ~offences["breach"], first[leader], of)


def _known(episodes: Frame, offences: Frame, draw: Generator) -> Frame:
    episode, rows = offences["episode"], size(offences)
    delay = np.where(draw.random(rows) < 0.75, 0, days(draw, 3, 1.4, rows, most=300))
    report = np.minimum(offences["day"] + delay, np.maximum(episodes["charge_day"][episode], offences["day"]))
    code = np.full(rows, "", object)
    for disposal, outcome in _OF_DISPOSAL.items():
        code[episodes["disposal"][episode] == disposal] = outcome
    charged = episodes["charged"][episode]
    code = np.where(charged, np.where(draw.random(rows) < 0.02, "1A", "1"), code).astype(object)
    force = episodes["force"][episode]
    return {
        "kind": offences["kind"],
        "force": force,
        "authority": authorities(force, draw),
        "day": offences["day"],
        "report_day": report.astype(np.int32),
        "episode": episode,
        "outcome": code,
        "outcome_day": episodes["charge_day"][episode],
    }


def _unknown(count: int, window: Window, draw: Generator) -> Frame:
    kind = chosen(draw, [row[3] for row in KINDS], count).astype(np.int16)
    day = draw.integers(window.first - 31, window.as_of, count).astype(np.int32)
    delay = np.where(draw.random(count) < 0.7, 0, days(draw, 4, 1.6, count, most=900))
    force = forces(count, draw)
    outcome = OUTCOMES[chosen(draw, _OUTCOME_WEIGHTS, count)]
    came = day + delay + days(draw, 24, 1.1, count, most=500)
    return {
        "kind": kind,
        "force": force,
        "authority": authorities(force, draw),
        "day": day,
        "report_day": (day + delay).astype(np.int32),
        "episode": full(count, -1),
        "outcome": outcome,
        "outcome_day": np.where(outcome == "", NEVER, came).astype(np.int32),
    }


def _incidents(frame: Frame, draw: Generator) -> Frame:
    """The incident each crime belongs to: mostly its own; sometimes that of the crime reported before it on the same day to the same force."""
    rows = np.arange(size(frame), dtype=np.int32)
    order = np.lexsort((rows, frame["report_day"], frame["force"]))
    before = np.full(len(rows), -1, np.int32)
    before[order[1:]] = order[:-1]
    same = (before >= 0) & (frame["report_day"][before] == frame["report_day"]) & (frame["force"][before] == frame["force"])
    same &= (draw.random(len(rows)) < rates.SAME_INCIDENT) & (frame["episode"] < 0)
    incident = np.where(same, before, rows)
    for _ in range(4):  # a third crime of one incident points to the second, which points to the first
        incident = incident[incident]
    return {"incident": incident.astype(np.int32), "with": np.where(same, before, -1).astype(np.int32)}
