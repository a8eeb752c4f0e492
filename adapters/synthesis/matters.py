"""What becomes of an episode: out of court, or charge, hearings, plea, trial and outcome. Days, one after the other; nothing is counted."""

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import sitting
from adapters.synthesis.frames import NEVER, Frame, full, size
from adapters.synthesis.sentences import sentenced
from adapters.synthesis.streams import Streams, chosen, days
from adapters.synthesis.trials import CRACKED, EFFECTIVE, NO_LISTINGS, court_of, listed

DROPPED = np.array(["DISCONTINUED", "WITHDRAWN", "NO_EVIDENCE_OFFERED"], object)
CROWN_DROPPED = np.array(["NO_EVIDENCE_OFFERED", "DISCONTINUED", "LEFT_ON_FILE"], object)
ACQUITTED = np.array(["ACQUITTED", "NO_CASE"], object)
VICTIM_WITNESS = np.array(
    ["VICTIM_RETRACTED", "VICTIM_ABSENT", "VICTIM_EVIDENCE", "WITNESS_RETRACTED", "WITNESS_ABSENT", "WITNESS_EVIDENCE"], object
)
OTHER_REASON = np.array(["INSUFFICIENT_EVIDENCE", "LEGAL_ELEMENT_MISSING", "PUBLIC_INTEREST", "OTHER"], object)
_CONVICTED = ("GUILTY_PLEA", "TRIAL_CONVICTION", "PROVED_IN_ABSENCE")


def dealt_with(start: Frame, number: int, streams: Streams) -> Frame:
    """Episodes with everything that follows: see `_blank` for the columns. Days that never come are NEVER."""
    draw = streams.named(f"matters/{number}")
    rows = size(start)
    episode = start | _blank(rows)
    episode["charged"] = draw.random(rows) < rates.CHARGED
    episode["charge_day"] = start["offence_day"] + days(draw, 14, 1.2, rows, most=400)
    _out_of_court(episode, draw)
    _first_hearing(episode, draw)
    _trials(episode, streams.named(f"trials/{number}"))
    _pleas(episode, streams.named(f"pleas/{number}"))
    _ends(episode, streams.named(f"outcomes/{number}"))
    _disposals(episode)
    sentenced(episode, streams.named(f"sentences/{number}"))
    return episode


def _blank(rows: int) -> Frame:
    words = {name: np.full(rows, "", object) for name in ("court", "plea", "outcome", "reason", "disposal", "sentence", "entry", "band")}
    names = (
        "charge_day",
        "hearing_day",
        "sent_day",
        "crown_day",
        "completion_day",
        "disposal_day",
        "entry_day",
        "reception_day",
        "release_day",
    )
    never = {name: full(rows, NEVER) for name in names}
    return {
        **words,
        **never,
        "charged": np.zeros(rows, bool),
        "trial": np.zeros(rows, bool),
        "witness_reason": np.zeros(rows, bool),
        "order_days": full(rows, 0),
        **{name: np.repeat(row, rows, axis=0) for name, row in NO_LISTINGS.items()},
    }


def _out_of_court(episode: Frame, draw: Generator) -> None:
    young = episode["age"] < 18
    for kind, weights in rates.OUT_OF_COURT.items():
        rows = np.flatnonzero(~episode["charged"] & (young == kind))
        episode["disposal"][rows] = np.array(list(weights), object)[chosen(draw, list(weights.values()), len(rows))]
    out = ~episode["charged"]
    episode["disposal_day"] = np.where(out, episode["charge_day"], NEVER).astype(np.int32)


def _first_hearing(episode: Frame, draw: Generator) -> None:
    rows = size(episode)
    crown = episode["charged"] & (draw.random(rows) < rates.TO_CROWN) & (episode["age"] >= 14)
    kept = draw.random(rows) < np.where(crown, rates.REMANDED[1], rates.REMANDED[0])
    wait = np.where(kept, 1, days(draw, 27, 0.35, rows, most=150))
    hearing = sitting(episode["charge_day"] + wait)
    episode["hearing_day"] = np.where(episode["charged"], hearing, NEVER).astype(np.int32)
    episode["reception_day"] = np.where(episode["charged"] & kept, hearing, NEVER).astype(np.int32)
    episode["sent_day"] = np.where(crown, hearing, NEVER).astype(np.int32)
    episode["crown_day"] = np.where(crown, sitting(hearing + 28 + draw.integers(0, 10, rows)), NEVER).astype(np.int32)
    lower = np.where(episode["age"] < 18, "MCY", "MCA").astype(object)
    episode["court"] = np.where(episode["charged"], np.where(crown, "CC", lower), "")


def _trials(episode: Frame, draw: Generator) -> None:
    rows, crown = size(episode), episode["court"] == "CC"
    chance = np.where(crown, rates.TO_TRIAL[1], rates.TO_TRIAL[0])
    episode["trial"] = episode["charged"] & (draw.random(rows) < chance)
    on = np.flatnonzero(episode["trial"])
    before = np.where(crown, episode["crown_day"], episode["hearing_day"])[on]
    for name, column in listed(court_of(episode["force"][on], crown[on], draw), before, crown[on], draw).items():
        episode[name][on] = column


def _pleas(episode: Frame, draw: Generator) -> None:
    """Guilty pleas before any trial, and of these how many at the first hearing, so that of all pleas the plan's share is made there."""
    rows = size(episode)
    crown, waiting = episode["court"] == "CC", episode["charged"] & ~episode["trial"]
    guilty = waiting & (draw.random(rows) < np.where(crown, 0.90, 1 - rates.DROPPED - rates.IN_ABSENCE - rates.ADMINISTRATIVE))
    first = draw.random(rows) < np.array([_first_share(force) for force in (0, 1)])[episode["force"]]
    episode["plea"] = np.where(guilty, np.where(first, "FIRST", "LATER"), "").astype(object)


def _first_share(force: int) -> float:
    """Of pleas before trial in magistrates' courts, how many are made at the first hearing: some are only made on the day of a trial."""
    before = (1 - rates.TO_TRIAL[0]) * (1 - rates.DROPPED - rates.IN_ABSENCE - rates.ADMINISTRATIVE)
    effective, cracked = rates.MAGISTRATES
    at_trial = rates.TO_TRIAL[0] * rates.PLEA_AT_CRACK * cracked / (effective + cracked)
    return rates.FIRST_HEARING_PLEAS[force] * (before + at_trial) / before


def _ends(episode: Frame, draw: Generator) -> None:
    """Outcome, reason and day of completion."""
    rows, crown = size(episode), episode["court"] == "CC"
    last, ending = episode["listing_last"], episode["listing_ending"]
    outcome, done = episode["outcome"], episode["completion_day"]
    base = np.where(crown, episode["crown_day"], episode["hearing_day"])

    early = episode["plea"] == "FIRST"
    wait = np.where(draw.random(rows) < 0.6, 0, draw.integers(14, 29, rows))
    outcome[early], done[early] = "GUILTY_PLEA", (base + wait)[early]
    later = episode["plea"] == "LATER"
    outcome[later], done[later] = "GUILTY_PLEA", (base + 20 + days(draw, 25, 0.5, rows))[later]

    rest = episode["charged"] & ~episode["trial"] & (episode["plea"] == "")
    weights = (rates.DROPPED, rates.IN_ABSENCE, rates.ADMINISTRATIVE)
    way = np.where(crown, 0, chosen(draw, weights, rows))
    dropped = np.where(crown, CROWN_DROPPED[chosen(draw, (3, 2, 1), rows)], DROPPED[chosen(draw, (5, 3, 2), rows)])
    outcome[rest] = np.where(way == 0, dropped, np.where(way == 1, "PROVED_IN_ABSENCE", "ADMINISTRATIVE"))[rest]
    done[rest] = (base + np.where(way == 1, draw.integers(0, 30, rows), 15 + days(draw, 40, 0.6, rows)))[rest]

    tried = episode["trial"] & (ending == EFFECTIVE)
    verdict = np.where(draw.random(rows) < rates.CONVICTED_AT_TRIAL, "TRIAL_CONVICTION", ACQUITTED[chosen(draw, (9, 1), rows)])
    outcome[tried], done[tried] = verdict[tried], (last + np.where(crown, draw.integers(1, 6, rows), 0))[tried]
    cracked = episode["trial"] & (ending == CRACKED)
    pleads = draw.random(rows) < rates.PLEA_AT_CRACK
    outcome[cracked], done[cracked] = np.where(pleads, "GUILTY_PLEA", dropped)[cracked], last[cracked]
    episode["plea"][cracked & pleads] = "TRIAL"
    episode["completion_day"] = np.where(done < NEVER, sitting(done), NEVER).astype(np.int32)
    _reasons(episode, draw)


def _reasons(episode: Frame, draw: Generator) -> None:
    """Why a prosecution failed: by force, because of a victim or witness or not."""
    rows = size(episode)
    failed = np.isin(episode["outcome"], np.concatenate([DROPPED, CROWN_DROPPED, ACQUITTED]))
    theirs = draw.random(rows) < np.array(rates.VICTIM_OR_WITNESS)[episode["force"]]
    reason = np.where(theirs, VICTIM_WITNESS[chosen(draw, (5, 4, 3, 1, 1, 1), rows)], OTHER_REASON[chosen(draw, (6, 3, 2, 3), rows)])
    episode["reason"][failed] = reason[failed]
    episode["witness_reason"] = failed & theirs


def _disposals(episode: Frame) -> None:
    """How the police see the court's result."""
    outcome, charged = episode["outcome"], episode["charged"]
    disposal = np.full(size(episode), "", object)
    disposal[np.isin(outcome, _CONVICTED)] = "CONVICTED"
    disposal[np.isin(outcome, ACQUITTED)] = "NOT_GUILTY"
    disposal[np.isin(outcome, ("DISCONTINUED", "NO_EVIDENCE_OFFERED"))] = "DISCONTINUED"
    disposal[outcome == "WITHDRAWN"] = "WITHDRAWN"
    disposal[np.isin(outcome, ("ADMINISTRATIVE", "LEFT_ON_FILE"))] = "OTHER"
    episode["disposal"] = np.where(charged, disposal, episode["disposal"])
    episode["disposal_day"] = np.where(charged, episode["completion_day"], episode["disposal_day"]).astype(np.int32)
