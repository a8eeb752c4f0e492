"""Prison and probation, the youth offending services, integrated offender management, liaison and recovery."""

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import Window
from adapters.synthesis.crowd import Crowd
from adapters.synthesis.frames import NEVER, Frame, full, joined, size, take
from adapters.synthesis.offending import newcomers
from adapters.synthesis.places import forces
from adapters.synthesis.streams import Streams, chosen, days

PRISONS = np.array(["HHI", "DMI", "DTI", "KVI", "FKI", "LNI"], object)
NEEDS = ("accommodation", "employment", "relationships", "lifestyle", "drugs", "alcohol", "thinking", "attitudes")
_NEEDED = np.array((0.34, 0.52, 0.41, 0.47, 0.44, 0.33, 0.6, 0.55))
HOMES = np.array(["SETTLED", "TEMPORARY", "HOSTEL", "NONE", ""], object)
WORK = np.array(["EMPLOYED", "TRAINING", "NONE", ""], object)


def custody(episodes: Frame, crowd: Crowd, window: Window, streams: Streams) -> Frame:
    """One row a spell inside: reception, sentence, release. Those already inside on the first day come last, without an episode."""
    draw = streams.named("custody")
    inside = np.flatnonzero(episodes["reception_day"] < NEVER)
    mine = {
        "episode": inside.astype(np.int32),
        "person": episodes["person"][inside],
        "age": episodes["age"][inside],
        "reception_day": episodes["reception_day"][inside],
        "sentence_day": np.where(episodes["band"][inside] != "", episodes["completion_day"][inside], NEVER).astype(np.int32),
        "release_day": episodes["release_day"][inside],
        "band": episodes["band"][inside],
        "order_days": episodes["order_days"][inside],
    }
    spells = joined([mine, _already(crowd, window, streams.named("custody/already"))])
    woman, rows = crowd.female(spells["person"]), size(spells)
    adult = PRISONS[chosen(draw, (46, 34, 3, 9, 8), rows)]
    spells["prison"] = np.where(woman, "LNI", np.where((spells["age"] < 22) & (draw.random(rows) < 0.75), "DTI", adult)).astype(object)
    spells["home"] = HOMES[chosen(draw, (60, 12, 9, 9, 10), rows)]
    spells["work"] = WORK[chosen(draw, (13, 7, 62, 18), rows)]
    return spells


def _already(crowd: Crowd, window: Window, draw: Generator) -> Frame:
    """Long sentences from before: spells that end, if they do, in the years told."""
    count = int(draw.poisson(rates.LONG_SENTENCES * window.scale))
    came = (window.begin - 30 - draw.integers(0, 2500, count)).astype(np.int32)
    life = draw.random(count) < 0.12
    left = window.begin + draw.integers(1, 2900, count)
    force = forces(count, draw)
    who = newcomers(crowd, draw, came - 6 * 365, force)  # a few years older than the day of the offence makes them
    band = np.where(life, "INDETERMINATE", np.where(left - came < 720, "12M_TO_4Y", "4Y_AND_OVER")).astype(object)
    return {
        "episode": full(count, -1),
        "person": who,
        "age": full(count, 30),
        "reception_day": came,
        "sentence_day": came,
        "release_day": np.where(life, NEVER, left).astype(np.int32),
        "band": band,
        "order_days": np.maximum(left - came, 365).astype(np.int32),
    }


def orders(episodes: Frame, spells: Frame, streams: Streams) -> Frame:
    """One row an order or licence under probation (adults): who supervises, from when to when, risk, needs."""
    draw = streams.named("orders")
    court = np.flatnonzero(np.isin(episodes["sentence"], ("COMMUNITY", "SUSPENDED")) & (episodes["age"] >= 18))
    freed = np.flatnonzero((spells["release_day"] < NEVER) & (spells["band"] != "") & (spells["age"] >= 18))
    frame = joined(
        [
            {
                "person": episodes["person"][court],
                "episode": court.astype(np.int32),
                "kind": episodes["sentence"][court],
                "start_day": episodes["disposal_day"][court],
                "days": episodes["order_days"][court],
                "high": draw.random(len(court)) < 0.2,
            },
            {
                "person": spells["person"][freed],
                "episode": spells["episode"][freed],
                "kind": np.full(len(freed), "LICENCE", object),
                "start_day": spells["release_day"][freed],
                "days": spells["order_days"][freed],
                "high": draw.random(len(freed)) < np.where(spells["band"][freed] == "UNDER_12M", 0.2, 0.55),
            },
        ]
    )
    rows = size(frame)
    low = np.array(["D", "C"], object)[chosen(draw, (45, 55), rows)]
    high = np.array(["B", "A"], object)[chosen(draw, (93, 7), rows)]
    frame["end_day"] = (frame["start_day"] + frame.pop("days")).astype(np.int32)
    frame["national"] = frame.pop("high")
    frame["risk"] = np.where(frame["national"], high, low).astype(object)
    # A person has one set of needs, whichever order they are assessed for; each order's assessment takes a few weeks.
    needs = streams.named("needs").random((int(frame["person"].max(initial=0)) + 1, len(NEEDS))) < _NEEDED
    frame["needs"] = needs[frame["person"]]
    frame["assessed_day"] = np.where(draw.random(rows) < 0.9, frame["start_day"] + days(draw, 18, 0.6, rows), NEVER).astype(np.int32)
    return frame


def youth(episodes: Frame, streams: Streams) -> Frame:
    """One row an intervention of a youth offending service."""
    draw = streams.named("youth")
    young = np.flatnonzero((episodes["age"] < 18) & (episodes["entry_day"] < NEVER))
    disposal, sentence = episodes["disposal"][young], episodes["sentence"][young]
    kind = np.full(len(young), "OTHER", object)
    kind[disposal == "YOUTH_CAUTION"], kind[disposal == "CONDITIONAL_CAUTION"] = "YOUTH_CAUTION", "YOUTH_CONDITIONAL_CAUTION"
    kind[np.isin(sentence, ("REFERRAL", "COMMUNITY"))], kind[sentence == "CUSTODY"] = "COURT_ORDER", "CUSTODY_LICENCE"
    diverted = disposal == "COMMUNITY_RESOLUTION"
    kind[diverted] = np.array(["TRIAGE", "PREVENTION"], object)[chosen(draw, (7, 3), len(young))][diverted]
    kept = kind != "OTHER"
    rows, day = young[kept], episodes["entry_day"][young][kept] + draw.integers(0, 10, int(kept.sum()))
    order = np.argsort(day, kind="stable")
    rows, day, kind = rows[order], day[order].astype(np.int32), kind[kept][order]
    formal = ~np.isin(kind, ("TRIAGE", "PREVENTION"))
    person = episodes["person"][rows]
    _, firsts = np.unique(np.where(formal, person, -1 - np.arange(len(rows))), return_index=True)
    entrant = np.zeros(len(rows), bool)
    entrant[firsts] = True
    return {
        "person": person,
        "episode": rows.astype(np.int32),
        "kind": kind,
        "day": day,
        "end_day": (day + 90 + days(draw, 90, 0.5, len(rows))).astype(np.int32),
        "first": entrant & formal,
        "vulnerable": draw.random(len(rows)) < 0.35,
        "placed": draw.random(len(rows)) >= rates.MISSING_LSOA,
    }


def managed(episodes: Frame, streams: Streams) -> Frame:
    """Cohorts of integrated offender management: people who came back, for a year or two. One row a case in ECINS."""
    draw = streams.named("managed")
    back = np.flatnonzero((episodes["parent"] >= 0) & (episodes["entry_day"] < NEVER))
    back = back[draw.random(len(back)) < rates.IOM]
    _, first = np.unique(episodes["person"][back], return_index=True)
    rows = back[np.sort(first)]
    opened = episodes["entry_day"][rows] + draw.integers(1, 40, len(rows))
    began = np.where(draw.random(len(rows)) < 0.8, opened + draw.integers(0, 20, len(rows)), NEVER)
    ends = opened + 300 + days(draw, 200, 0.5, len(rows))
    return {
        "person": episodes["person"][rows],
        "episode": rows.astype(np.int32),
        "opened_day": opened.astype(np.int32),
        "iom_start_day": began.astype(np.int32),
        "iom_end_day": np.where(began < NEVER, ends - 75, NEVER).astype(np.int32),
        "closed_day": ends.astype(np.int32),
        "home": np.array(["SETTLED", "TEMPORARY", "NONE", ""], object)[chosen(draw, (55, 20, 12, 13), len(rows))],
        "work": WORK[chosen(draw, (17, 8, 60, 15), len(rows))],
        "troubled_family": draw.random(len(rows)) < 0.22,
    }


def referrals(episodes: Frame, streams: Streams) -> Frame:
    """Referrals to liaison and diversion in custody (service 0) and to drug and alcohol services after it (service 1)."""
    found = []
    for service, share in enumerate((rates.LIAISON, rates.RECOVERY)):
        draw = streams.named(f"referrals/{service}")
        rows = np.flatnonzero(draw.random(size(episodes)) < share)
        needs = (("MENTAL_HEALTH", "LEARNING_DISABILITY", "SUBSTANCES", "SOCIAL"), ("DRUGS", "ALCOHOL", "SUBSTANCES"))[service]
        found.append(
            {
                "person": episodes["person"][rows],
                "episode": rows.astype(np.int32),
                "service": full(len(rows), service),
                "day": (episodes["charge_day"][rows] + draw.integers(0, (3, 45)[service], len(rows))).astype(np.int32),
                "need": np.array(needs, object)[chosen(draw, (5, 2, 3, 2)[: len(needs)], len(rows))],
                "engaged": draw.random(len(rows)) < (0.58, 0.49)[service],
            }
        )
    frame = joined(found)
    return take(frame, np.argsort(frame["day"], kind="stable"))
