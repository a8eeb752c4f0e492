"""Cases that a reading of the ledger must be able to find: each is an ordinary course of events that a measure can get wrong, named with what
it is for. Some are made (dates of one episode are moved); the others occur by themselves and are looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from adapters.synthesis.calendar import Window
from adapters.synthesis.frames import NEVER, Array, Frame, size
from adapters.synthesis.trials import VACATED

EACH = 5
MONTH_19 = 563  # days after entry: eighteen months and a half, in the nineteenth month


@dataclass(frozen=True)
class Planted:
    """One planted case: what it is for, and where it is. `person` is -1 where it is about none; `events` are numbers in `table`."""

    kind: str
    purpose: str
    person: int
    table: str
    events: tuple[int, ...]


def plant(episodes: Frame, window: Window) -> None:
    """Move the ends of some reoffences to the nineteenth month after the entry they follow, before anything is built on them."""
    parent = episodes["parent"]
    back = np.flatnonzero((parent >= 0) & (episodes["disposal"] == "CONVICTED") & (episodes["sentence"] == "FINE") & ~episodes["trial"])
    entry = episodes["entry_day"][parent[back]]
    fits = (
        (entry >= window.first)
        & (entry + MONTH_19 < window.last)
        & (episodes["court"][back] != "CC")
        & (episodes["completion_day"][back] < entry + 548)
    )
    last = ~np.isin(back, parent[parent >= 0])  # nothing came after it, so nothing else has to move
    for row in back[fits & last & (episodes["reception_day"][back] == NEVER)][:EACH]:
        day = int(episodes["entry_day"][parent[row]]) + MONTH_19
        for column in ("completion_day", "disposal_day", "entry_day"):
            episodes[column][row] = day
        episodes["hearing_day"][row] = max(int(episodes["hearing_day"][row]), day - 40)


def planted(tables: Mapping[str, Frame], window: Window) -> list[Planted]:
    """Every planted case, at most some of each kind."""
    makers = (_month_19, _repeat_entries, _vacated, _same_incident, _organisations, _open_cases, _six_agencies, _breach_only)
    return [case for make in makers for case in make(tables, window)]


def _month_19(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    episodes = tables["episodes"]
    parent = np.maximum(episodes["parent"], 0)
    gap = episodes["disposal_day"] - episodes["entry_day"][parent]
    rows = np.flatnonzero((episodes["parent"] >= 0) & (gap == MONTH_19) & window.in_months(episodes["entry_day"][parent]))
    for row in rows[:EACH].tolist():
        purpose = "MR1: committed in follow-up, proven in month 19: not a proven reoffence of the entry it follows"
        yield Planted("proven-in-month-19", purpose, int(episodes["person"][row]), "episodes", (int(parent[row]), row))


def _entries(episodes: Frame, window: Window) -> Array:
    kinds = np.isin(episodes["entry"], ("", "DIVERTED"), invert=True)
    return np.flatnonzero(kinds & window.in_months(episodes["entry_day"]))


def _repeat_entries(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    episodes = tables["episodes"]
    rows = _entries(episodes, window)
    rows = rows[np.lexsort((episodes["entry_day"][rows], episodes["person"][rows]))]
    third = rows[2:][
        (episodes["person"][rows[2:]] == episodes["person"][rows[:-2]])
        & (episodes["entry_day"][rows[2:]] - episodes["entry_day"][rows[:-2]] < 365)
    ]
    for row in third[:EACH].tolist():
        place = int(np.flatnonzero(rows == row)[0])
        events = tuple(int(one) for one in rows[place - 2 : place + 1])
        yield Planted(
            "repeat-entries",
            "MR1: three entries within a year count once, from the first",
            int(episodes["person"][row]),
            "episodes",
            events,
        )


def _vacated(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    listings = tables["listings"]
    rows = np.flatnonzero((listings["end"] == VACATED) & window.in_months(listings["day"]))
    after = rows[rows + 1 < size(listings)]
    after = after[(listings["case"][after + 1] == listings["case"][after]) & window.in_months(listings["day"][after + 1])]
    for row in after[:EACH].tolist():
        yield Planted("vacated-relisting", "ME1: the vacated listing is left out, the one after it counts", -1, "listings", (row, row + 1))


def _same_incident(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    crimes, victims = tables["crimes"], tables["victims"]
    incident, person = crimes["incident"][victims["crime"]], victims["person"]
    rows = np.flatnonzero((person >= 0) & window.in_months(crimes["report_day"][victims["crime"]]))
    rows = rows[np.lexsort((victims["crime"][rows], incident[rows], person[rows]))]
    twice = np.flatnonzero((person[rows[1:]] == person[rows[:-1]]) & (incident[rows[1:]] == incident[rows[:-1]]))
    for place in twice[:EACH].tolist():
        events = (int(rows[place]), int(rows[place + 1]))
        yield Planted(
            "same-incident", "MV5: two crimes of one incident are no repeat victimisation", int(person[events[0]]), "victims", events
        )


def _organisations(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    victims, crimes = tables["victims"], tables["crimes"]
    rows = np.flatnonzero((victims["person"] < 0) & window.in_months(crimes["report_day"][victims["crime"]]))
    for row in rows[:EACH].tolist():
        yield Planted("organisation", "MV5: organisations are no repeat victims", -1, "victims", (row,))


def _open_cases(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    episodes = tables["episodes"]
    rows = np.flatnonzero(episodes["charged"] & (episodes["charge_day"] <= window.last - 90) & (episodes["completion_day"] > window.as_of))
    for row in rows[:EACH].tolist():
        yield Planted("open-case", "ME5: shown beside, not in the medians", int(episodes["person"][row]), "episodes", (row,))


def _breach_only(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    offences, episodes = tables["offences"], tables["episodes"]
    rows = np.flatnonzero(offences["breach"] & window.in_months(episodes["charge_day"][offences["episode"]]))
    for row in rows[:EACH].tolist():
        yield Planted("breach", "MR1, MR2: a breach is no reoffence", int(episodes["person"][offences["episode"][row]]), "offences", (row,))


def seen_by_six(tables: Mapping[str, Frame], window: Window) -> Array:
    """People whom police, prosecution, prison, probation, councils and health all have in an extract of the months written."""
    episodes = tables["episodes"]
    charged = episodes["person"][
        episodes["charged"] & window.in_months(episodes["charge_day"]) & window.in_months(episodes["completion_day"])
    ]
    spells = tables["spells"]
    held = spells["person"][window.in_months(spells["release_day"])]
    orders = tables["orders"]
    seen = (
        (orders["start_day"] <= window.last - 31) & (orders["end_day"] > window.first + 31) & (orders["end_day"] > orders["start_day"] + 62)
    )
    supervised = orders["person"][seen]
    cases = tables["managed"]
    managed = cases["person"][(cases["opened_day"] <= window.last - 31) & (cases["closed_day"] > window.first + 31)]
    referred = tables["referrals"]["person"][window.in_months(tables["referrals"]["day"])]
    found = set(charged.tolist()) & set(held.tolist()) & set(supervised.tolist()) & set(managed.tolist())
    all_six = sorted(found & set(referred.tolist()))
    return np.array((all_six or sorted(found))[:EACH], np.int32)


def _six_agencies(tables: Mapping[str, Frame], window: Window) -> Iterator[Planted]:
    episodes = tables["episodes"]
    for person in seen_by_six(tables, window).tolist():
        rows = tuple(np.flatnonzero(episodes["person"] == person).tolist())
        yield Planted("six-agencies", "Linkage: one person, written differently by every agency", person, "episodes", rows)
