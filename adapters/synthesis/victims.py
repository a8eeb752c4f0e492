"""Victims of recorded crime, and what services do for them: needs assessments, restorative justice, the survey."""

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.calendar import YEAR, Window, age_on, first_day
from adapters.synthesis.crimes import ORGANISATION, PERSON, SEXUAL, TYPES, VIOLENT
from adapters.synthesis.crowd import Crowd
from adapters.synthesis.frames import NEVER, Array, Frame, full, joined, size, take
from adapters.synthesis.streams import Streams, chosen, days

NEEDS = ("health", "safety", "family", "work", "substances", "money", "outlook", "social")
GROUPS = np.array(["Burglary", "Vehicle crime", "Violent crime", "Hate crime", "Domestic abuse", "Anti-social behaviour"], object)
MARKERS = ("domestic_abuse", "sexual_violence", "hate_crime", "child_sexual_abuse", "mental_health")


def victims(crimes: Frame, crowd: Crowd, streams: Streams) -> Frame:
    """One row a victim of a crime. `person` is -1 for an organisation; repeat victims and same-incident victims are the same person."""
    draw = streams.named("victims")
    kind, rows = crimes["kind"], size(crimes)
    luck = draw.random(rows)
    person, organisation = luck < PERSON[kind], (luck >= PERSON[kind]) & (luck < PERSON[kind] + ORGANISATION[kind])
    crime = np.flatnonzero(person)
    who = _people(crimes, crime, crowd, draw)
    second = crime[draw.random(len(crime)) < rates.SECOND_VICTIM]
    with_them = crowd.add(draw.random(len(second)) < 0.5, _births(crimes["report_day"][second], draw), crimes["authority"][second])
    theirs = np.flatnonzero(organisation)
    frame = joined(
        [
            {"crime": crime.astype(np.int32), "person": who},
            {"crime": second.astype(np.int32), "person": with_them},
            {"crime": theirs.astype(np.int32), "person": full(len(theirs), -1)},
        ]
    )
    frame = take(frame, np.argsort(frame["crime"], kind="stable"))
    return frame | _markers(crimes, frame, crowd, draw)


def _births(day: Array, draw: Generator) -> Array:
    years = np.where(draw.random(len(day)) < 0.12, draw.uniform(1, 18, len(day)), draw.gamma(7.0, 5.6, len(day)).clip(18, 97))
    return (day - years * YEAR).astype(np.int32)


def _people(crimes: Frame, crime: Array, crowd: Crowd, draw: Generator) -> Array:
    """Whose crime each is: mostly somebody new; else an offender, or the person of a crime reported some months before to the same force."""
    rows = len(crime)
    own = np.arange(rows)
    source = _earlier(crimes["report_day"][crime], crimes["force"][crime], draw)
    where = np.full(size(crimes), -1, np.int64)
    where[crime] = own
    partner = crimes["with"][crime]
    beside = np.where(partner >= 0, where[partner], -1)
    source = np.where(beside >= 0, beside, source)
    while True:  # follow each to the first crime of its chain
        further = source[source]
        if np.array_equal(further, source):
            break
        source = further
    roots = np.flatnonzero(source == own)
    people = crowd.frame()
    offenders = np.flatnonzero(people["offender"]) if people else np.zeros(0, int)
    who = np.full(rows, -1, np.int32)
    too = roots[draw.random(len(roots)) < (rates.OFFENDER_TOO if len(offenders) else 0.0)]
    new = np.setdiff1d(roots, too, assume_unique=True)
    born = _births(crimes["report_day"][crime[new]], draw)
    who[new] = crowd.add(draw.random(len(new)) < 0.5, born, crimes["authority"][crime[new]])
    if len(too):
        who[too] = offenders[draw.integers(0, len(offenders), len(too))]
    return who[source]


def _earlier(report: Array, force: Array, draw: Generator) -> Array:
    """For each victim in order of report the place of an earlier one whom they are, or their own place."""
    found = np.arange(len(report))
    again = draw.random(len(report)) < rates.REPEAT_VICTIM
    since = 1 + days(draw, rates.REPEAT_AFTER, 1.0, len(report), most=900)
    for one in (0, 1):
        here = np.flatnonzero(force == one)
        before = np.searchsorted(report[here], report[here] - since[here], side="right") - 1
        repeat = again[here] & (before >= 0)
        found[here[repeat]] = here[before[repeat]]
    return found


def _markers(crimes: Frame, frame: Frame, crowd: Crowd, draw: Generator) -> Frame:
    rows, crime = size(frame), frame["crime"]
    human = frame["person"] >= 0
    kind = crimes["kind"][crime]
    birth = crowd.birth(np.maximum(frame["person"], 0)) if crowd.size else full(rows, 0)
    young = human & (age_on(birth, crimes["report_day"][crime]) < 18)
    violent, sexual = np.isin(kind, VIOLENT), np.isin(kind, SEXUAL)
    luck = draw.random((5, rows))
    return {
        "domestic_abuse": human & (luck[0] < np.where(violent, rates.DOMESTIC, np.where(sexual, 0.2, 0.04))),
        "sexual_violence": human & sexual,
        "hate_crime": human & (luck[2] < np.where(np.isin(TYPES[kind], ["Public order"]), 0.07, 0.012)),
        "child_sexual_abuse": human & sexual & young,
        "mental_health": human & (luck[4] < rates.MENTAL_HEALTH),
    }


def _each_month(window: Window, monthly: float, rows_in: list[Array], draw: Generator) -> tuple[Array, Array]:
    """Rows drawn for each month written, without repeats in a month, and the first day of that month."""
    found, at = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for month, candidates in zip(window.months, rows_in, strict=True):
        many = min(int(draw.poisson(monthly * window.scale)), len(candidates))
        found.append(draw.choice(candidates, many, replace=False))
        at.append(np.full(many, int(first_day(month)), np.int32))
    return np.concatenate(found), np.concatenate(at)


def _reported(window: Window, report: Array, back: int, until: int, allowed: Array) -> list[Array]:
    """For each month, the allowed rows that were reported between so many days before its first day."""
    found = []
    for month in window.months:
        first = int(first_day(month))
        low, high = np.searchsorted(report, [first - back, first - until])
        rows = np.arange(low, high)
        found.append(rows[allowed[low:high]])
    return found


def assessments(victims: Frame, crimes: Frame, window: Window, streams: Streams) -> Frame:
    """Cases of the Victim Care and Advice Service: an opening assessment of every need, and a closing one where the case is closed. A score of 0: not asked."""
    draw = streams.named("assessments")
    report = crimes["report_day"][victims["crime"]]
    row, month = _each_month(window, rates.ASSESSMENTS, _reported(window, report, 45, 0, victims["person"] >= 0), draw)
    day = np.maximum(month + draw.integers(0, 28, len(row)), report[row]).astype(np.int32)
    supported = draw.random(len(row)) < 0.62
    closing = np.where(supported, day + 21 + days(draw, 60, 0.6, len(row)), NEVER).astype(np.int32)
    opening = draw.integers(2, 8, (len(row), len(NEEDS)))
    gained = np.rint(draw.normal(1.6, 1.5, opening.shape)).astype(int)
    answered = supported & (draw.random(len(row)) < 0.55)
    words = np.array(["STRONGLY_AGREE", "AGREE", "NEITHER", "DISAGREE", "STRONGLY_DISAGREE"], object)
    answer = words[chosen(draw, (52, 35, 7, 4, 2), len(row))]
    asked, after = (draw.random(opening.shape) >= rates.NOT_ASKED for _ in range(2))
    return {
        "victim": row.astype(np.int32),
        "day": day,
        "closed_day": closing,
        "crime_known": draw.random(len(row)) >= rates.UNKNOWN_CRIME,
        "opening": np.where(asked, opening, 0).astype(np.int8),
        "closing": np.where(asked & after, (opening + gained).clip(1, 10), 0).astype(np.int8),
        "answer": np.where(answered, answer, "").astype(object),
    }


def offers(victims: Frame, crimes: Frame, window: Window, streams: Streams) -> Frame:
    """Offers of restorative justice, to victims of crimes for which somebody answered."""
    draw = streams.named("offers")
    crime = victims["crime"]
    allowed = (victims["person"] >= 0) & (crimes["episode"][crime] >= 0)
    row, month = _each_month(window, rates.OFFERS, _reported(window, crimes["report_day"][crime], 150, 30, allowed), draw)
    day = (month + draw.integers(0, 28, len(row))).astype(np.int32)
    accepted = draw.random(len(row)) < 0.31
    accepted_day = np.where(accepted, day + draw.integers(3, 40, len(row)), NEVER)
    done = accepted & (draw.random(len(row)) < 0.58)
    completed = np.where(done, accepted_day + 20 + days(draw, 50, 0.5, len(row)), NEVER)
    return {
        "victim": row.astype(np.int32),
        "day": day,
        "accepted_day": accepted_day.astype(np.int32),
        "completed_day": completed.astype(np.int32),
    }


def answers(victims: Frame, crimes: Frame, window: Window, streams: Streams) -> Frame:
    """Victims asked by the two forces' surveys; `answer` is empty where nobody answered."""
    found = []
    crime = victims["crime"]
    group = _group(victims, crimes)
    for force, monthly in enumerate(rates.SURVEYED):
        draw = streams.named(f"survey/{force}")
        allowed = (victims["person"] >= 0) & (crimes["force"][crime] == force) & (group >= 0)
        row, month = _each_month(window, monthly, _reported(window, crimes["report_day"][crime], 84, 42, allowed), draw)
        rows = len(row)
        happy = np.array(["COMPLETELY", "VERY", "FAIRLY"], object)[chosen(draw, (40, 28, 19), rows)]
        unhappy = np.array(["NEITHER", "FAIRLY_DIS", "VERY_DIS", "COMPLETELY_DIS"], object)[chosen(draw, (4, 4, 3, 4), rows)]
        said = np.where(draw.random(rows) < rates.SATISFIED[force], happy, unhappy)
        said = np.where(draw.random(rows) < 0.02, "DONT_KNOW", said)
        answer = np.where(draw.random(rows) < rates.RESPONDS, said, "").astype(object)
        excluded = draw.random(rows) < 0.03
        day = (month + draw.integers(0, 28, rows)).astype(np.int32)
        found.append({"victim": row.astype(np.int32), "day": day, "group": group[row], "answer": answer, "excluded": excluded})
    return joined(found)


def _group(victims: Frame, crimes: Frame) -> Array:
    """The survey's crime group, as a place in GROUPS; -1 where the survey does not ask."""
    kind = TYPES[crimes["kind"][victims["crime"]]]
    group = np.full(size(victims), -1)
    group[kind == "Burglary"], group[kind == "Vehicle crime"] = 0, 1
    group[np.isin(kind, ["Violence and sexual offences", "Robbery"])] = 2
    group[kind == "Public order"] = 5
    group[victims["domestic_abuse"]], group[victims["hate_crime"]] = 4, 3
    group[victims["sexual_violence"]] = -1
    return group
