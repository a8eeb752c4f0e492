"""Listings for trial: each goes ahead, cracks, is ineffective or is vacated, and after the last two there is another."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import sitting
from adapters.synthesis.frames import NEVER, Array, Frame, full, size
from adapters.synthesis.streams import Streams, chosen, days

EFFECTIVE, CRACKED, INEFFECTIVE, VACATED, NOT_LISTED = range(5)
ENDINGS = np.array(["E", "C", "I", "V", ""], object)
MOST = 8  # listings of one case: whoever has not been tried by then stays open
NO_LISTINGS: Mapping[str, Array] = {
    "listing_day": np.full((1, MOST), NEVER, np.int32),
    "listing_end": np.full((1, MOST), NOT_LISTED, np.int8),
    "listing_last": full(1, NEVER),
    "listing_ending": np.full(1, NOT_LISTED, np.int8),
    "listing_court": np.zeros(1, np.int8),
}
_CHANCES = (rates.MAGISTRATES,) * 4 + (rates.TEESSIDE_CROWN, rates.DURHAM_CROWN)  # in the order of rates.COURTS

PROSECUTION_ENDS = np.array(["I", "K", "L", "E", "F", "G", "H"], object)  # a cracked trial with no plea and no witness to blame
GUILTY = np.array(["A", "B", "C", "D"], object)
CODES_I = (
    [
        "M1",
        "M2",
        "M3",
        "N1",
        "N2",
        "N3",
        "O1",
        "O2",
        "P",
        "Q1",
        "Q2",
        "Q3",
        "R",
        "S1",
        "S2",
        "S3",
        "S4",
        "T",
        "U1",
        "U2",
        "V",
        "W1",
        "W2",
        "W3",
        "W4",
        "W5",
        "X",
        "Y",
    ],
    (4, 9, 5, 6, 4, 14, 1, 1, 1, 4, 8, 2, 3, 13, 4, 2, 1, 2, 2, 1, 1, 5, 2, 14, 1, 2, 1, 1),
)


def court_of(force: Array, crown: Array, draw: Generator) -> Array:
    """The court, as a place in rates.COURTS. Two in three of Durham's Crown Court trials stay in Durham."""
    rows = len(force)
    durham = 1 + chosen(draw, (3, 4, 4), rows)
    away = draw.random(rows) < 0.35
    return np.where(crown, np.where((force == 0) | away, 4, 5), np.where(force == 0, 0, durham)).astype(np.int8)


def listed(court: Array, before: Array, crown: Array, draw: Generator) -> Frame:
    """Listings of each case after a day `before`, up to the one that ends it."""
    rows = len(court)
    found = {name: np.repeat(row, rows, axis=0) for name, row in NO_LISTINGS.items()}
    found["listing_court"] = court
    effective, cracked = (np.array([pair[place] for pair in _CHANCES])[court] for place in (0, 1))
    day = sitting(before + np.where(crown, 75, 35) + days(draw, 45, 0.6, rows))
    going = np.ones(rows, bool)
    for place in range(MOST):
        luck, kept = draw.random(rows), draw.random(rows) >= rates.VACATED
        end = np.where(luck < effective, EFFECTIVE, np.where(luck < effective + cracked, CRACKED, INEFFECTIVE))
        end = np.where(kept, end, VACATED)
        found["listing_day"][:, place] = np.where(going, day, NEVER)
        found["listing_end"][:, place] = np.where(going, end, NOT_LISTED)
        over = going & (end <= CRACKED)
        found["listing_last"][over], found["listing_ending"][over] = day[over], end[over]
        going &= ~over
        day = sitting(day + np.where(end == VACATED, 14, 28) + days(draw, 30, 0.5, rows))
    return found


def listings(episodes: Frame, streams: Streams) -> Frame:
    """One row a case listed on a day: case, court, day, ending, reason code, video link, and whether the court said the result. Co-defendants share it."""
    draw = streams.named("listings")
    leaders = np.flatnonzero(episodes["trial"] & (episodes["leader"] < 0))
    days_of, ends = episodes["listing_day"][leaders], episodes["listing_end"][leaders]
    row, place = np.nonzero(days_of < NEVER)
    episode = leaders[row].astype(np.int32)
    end = ends[row, place]
    frame: Frame = {
        "case": episode,
        "court": episodes["listing_court"][episode],
        "day": days_of[row, place],
        "end": end,
        "place": place.astype(np.int8),
    }
    frame["reason"] = _codes(episodes, frame, draw)
    frame["video"] = draw.random(size(frame)) < rates.VIDEO_LINK
    frame["said"] = draw.random(size(frame)) >= rates.UNSAID
    return frame


def _codes(episodes: Frame, frame: Frame, draw: Generator) -> Array:
    rows, case = size(frame), frame["case"]
    codes = np.full(rows, "", object)
    names, weights = CODES_I
    lost = frame["end"] == INEFFECTIVE
    codes[lost] = np.array(names, object)[chosen(draw, weights, rows)][lost]
    cracked = frame["end"] == CRACKED
    plea = GUILTY[chosen(draw, (70, 8, 18, 4), rows)]
    ends = np.where(episodes["witness_reason"][case], "J", PROSECUTION_ENDS[chosen(draw, (50, 16, 8, 10, 3, 3, 3), rows)])
    codes[cracked] = np.where(episodes["outcome"][case] == "GUILTY_PLEA", plea, ends)[cracked]
    return codes
