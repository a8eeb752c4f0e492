"""Around a trial: witnesses required, what they say afterwards, and the defence's legal aid."""

import numpy as np

from adapters.synthesis import rates
from adapters.synthesis.crowd import Crowd
from adapters.synthesis.frames import NEVER, Array, Frame, changes, joined, size, spans, take
from adapters.synthesis.streams import Streams, chosen, days
from adapters.synthesis.trials import CRACKED, EFFECTIVE, INEFFECTIVE, VACATED

ATTENDANCE = np.array(["ATTENDED", "ABSENT", "DEWARNED"], object)
MEASURES = np.array(["NONE", "USED", "NOT_USED"], object)
# For each ending of a listing: attended, absent, de-warned.
_CAME = {EFFECTIVE: (90, 8, 2), CRACKED: (48, 10, 42), INEFFECTIVE: (66, 14, 20), VACATED: (0, 0, 100)}


def witness_days(listings: Frame, episodes: Frame, victims: Frame, crime_of: Array, crowd: Crowd, streams: Streams) -> Frame:
    """One row a witness required on a day. The victims of the case's crime come first; others are new people."""
    draw = streams.named("witnesses")
    leaders = np.unique(listings["case"])
    victim = _victim_of(leaders, victims, crime_of)
    many = 1 + draw.poisson(1.4, len(leaders))
    case = np.repeat(leaders, many)
    who = crowd.add(
        draw.random(len(case)) < 0.5, episodes["offence_day"][case] - draw.integers(6000, 29000, len(case)), _home(episodes, case)
    )
    witnesses = joined(
        [
            {"case": case, "person": who, "victim": np.zeros(len(case), bool)},
            {"case": leaders[victim >= 0], "person": victim[victim >= 0], "victim": np.ones(int((victim >= 0).sum()), bool)},
        ]
    )
    witnesses = take(witnesses, np.argsort(witnesses["case"], kind="stable"))
    low, high = (np.searchsorted(witnesses["case"], listings["case"], side) for side in ("left", "right"))
    listing, row = spans(low, high)
    end = listings["end"][listing]
    attendance = np.full(len(listing), "", object)
    for ending, weights in _CAME.items():
        here = np.flatnonzero(end == ending)
        attendance[here] = ATTENDANCE[chosen(draw, weights, len(here))]
    missed = np.isin(listings["reason"][listing], ["J", "N3"])
    attendance[missed & changes(listing)] = "ABSENT"
    days_required = {
        "listing": listing.astype(np.int32),
        "case": listings["case"][listing],
        "person": witnesses["person"][row].astype(np.int32),
        "victim": witnesses["victim"][row],
        "day": listings["day"][listing],
        "attendance": attendance,
    }
    return days_required | _measures(days_required, listings["video"][listing], streams)


def _home(episodes: Frame, case: Array) -> Array:
    return np.where(episodes["force"][case] == 0, 3, 4)


def _victim_of(leaders: Array, victims: Frame, crime_of: Array) -> Array:
    """For each case the person who was the victim of its first crime, or -1. `crime_of`: episode → crime or -1."""
    found = np.full(len(leaders), -1, np.int64)
    place = np.searchsorted(victims["crime"], crime_of[leaders])
    inside = (crime_of[leaders] >= 0) & (place < size(victims))
    where = np.minimum(place, max(size(victims) - 1, 0))
    if size(victims):
        same = inside & (victims["crime"][where] == crime_of[leaders])
        found[same] = victims["person"][where][same]
    return found


def _measures(frame: Frame, video: Array, streams: Streams) -> Frame:
    draw, rows = streams.named("special measures"), size(frame)
    needed = draw.random(rows) < np.where(frame["victim"], 1.6, 0.8) * rates.SPECIAL_MEASURES
    came = frame["attendance"] == "ATTENDED"
    used = np.where(came & (draw.random(rows) < 0.9), 1, 2)
    special = MEASURES[np.where(needed, used, 0)]
    link = needed & (draw.random(rows) < 0.35)
    linked = np.where(came & (video | (draw.random(rows) < 0.8)), 1, 2)
    return {"special_measures": special, "video_link": MEASURES[np.where(link, linked, 0)]}


def after_court(witness_days: Frame, streams: Streams) -> Frame:
    """Witnesses asked after court whether they would attend again: one row a witness asked, "" where there was no answer."""
    draw = streams.named("after court")
    came = np.flatnonzero(witness_days["attendance"] == "ATTENDED")
    asked = came[draw.random(len(came)) < rates.ASKED]
    said = np.where(draw.random(len(asked)) < rates.WOULD_AGAIN, "YES", "NO")
    return {
        "witness_event": asked.astype(np.int32),
        "day": (witness_days["day"][asked] + draw.integers(7, 45, len(asked))).astype(np.int32),
        "answer": np.where(draw.random(len(asked)) < 0.12, "", said).astype(object),
    }


def claims(episodes: Frame, streams: Streams) -> Frame:
    """Legal aid claims paid: one for a magistrates' case, a litigator's and an advocate's for one at the Crown Court."""
    draw = streams.named("legal aid")
    aided = np.flatnonzero((episodes["completion_day"] < NEVER) & (draw.random(size(episodes)) < rates.LEGAL_AID))
    crown = episodes["court"][aided] == "CC"
    lower, upper = aided[~crown], aided[crown]
    stages = [(lower, "MAGISTRATES", 380.0), (upper, "LGFS", 1450.0), (upper, "AGFS", 1250.0)]
    found = []
    for rows, stage, usual in stages:
        tried = episodes["listing_ending"][rows] == EFFECTIVE
        cost = usual * np.where(tried, 2.6, 1.0) * np.exp(0.55 * draw.standard_normal(len(rows)))
        found.append(
            {
                "episode": rows.astype(np.int32),
                "stage": np.full(len(rows), stage, object),
                "amount": np.rint(cost).astype(np.int64),
                "tried": tried,
                "day": (episodes["completion_day"][rows] + 20 + days(draw, 50, 0.5, len(rows))).astype(np.int32),
            }
        )
    special = np.flatnonzero((draw.random(size(episodes)) < 0.002) & (episodes["completion_day"] < NEVER))
    frame = joined([*found, _experts(special, episodes)])
    frame["case_known"] = draw.random(size(frame)) >= rates.UNKNOWN_CASE
    return frame


def _experts(rows: Array, episodes: Frame) -> Frame:
    """Experts' fees are claimed by themselves, at a stage of their own."""
    return {
        "episode": rows.astype(np.int32),
        "stage": np.full(len(rows), "EXPERT", object),
        "amount": (300 + rows % 700).astype(np.int64),
        "tried": episodes["listing_ending"][rows] == EFFECTIVE,
        "day": (episodes["completion_day"][rows] + 20).astype(np.int32),
    }
