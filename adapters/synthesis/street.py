"""What data.police.uk would publish of the crimes: street rows, anti-social behaviour among them, and rows of outcomes."""

from collections.abc import Mapping

import numpy as np

from adapters.synthesis import rates
from adapters.synthesis.calendar import Window, first_day
from adapters.synthesis.crimes import TYPES
from adapters.synthesis.frames import NEVER, Frame, full, joined, size
from adapters.synthesis.places import Places, authorities, forces
from adapters.synthesis.streams import Streams

NUISANCE = "Anti-social behaviour"
# Home Office outcome type → the label published.
LABELS: Mapping[str, str] = {
    "1": "Suspect charged",
    "1A": "Suspect charged",
    "2": "Offender given a caution",
    "3": "Offender given a caution",
    "5": "Unable to prosecute suspect",
    "6": "Offender given penalty notice",
    "8": "Local resolution",
    "10": "Formal action is not in the public interest",
    "14": "Unable to prosecute suspect",
    "15": "Unable to prosecute suspect",
    "16": "Unable to prosecute suspect",
    "18": "Investigation complete; no suspect identified",
    "20": "Action to be taken by another organisation",
    "21": "Further investigation is not in the public interest",
}
OPEN = "Under investigation"
_RESULTS: Mapping[str, str] = {
    "CUSTODY": "Offender sent to prison",
    "SUSPENDED": "Offender given suspended prison sentence",
    "COMMUNITY": "Offender given community sentence",
    "FINE": "Offender fined",
    "DISCHARGE": "Offender given conditional discharge",
    "REFERRAL": "Offender given community sentence",
    "OTHER": "Offender otherwise dealt with",
}


def street(crimes: Frame, window: Window, places: Places, streams: Streams) -> Frame:
    """One row a street row: the number of the crime, or -1 for anti-social behaviour; force, day, area, type."""
    draw = streams.named("nuisance")
    rows = np.flatnonzero(window.in_months(crimes["report_day"]))
    count = int(draw.poisson(rates.NUISANCE * window.scale * window.written))
    force = forces(count, draw)
    authority = authorities(force, draw)
    day = draw.integers(int(first_day(window.months[0])), window.last + 1, count).astype(np.int32)
    frame = joined(
        [
            {
                "crime": rows.astype(np.int32),
                "force": crimes["force"][rows],
                "day": crimes["report_day"][rows],
                "area": crimes["area"][rows],
                "type": TYPES[crimes["kind"][rows]],
            },
            {
                "crime": full(count, -1),
                "force": force,
                "day": day,
                "area": places.areas(authority, draw),
                "type": np.full(count, NUISANCE, object),
            },
        ]
    )
    frame["placed"] = draw.random(size(frame)) >= rates.MISSING_LSOA
    return frame


def outcomes(crimes: Frame, episodes: Frame, window: Window) -> Frame:
    """One row an outcome published: of the police, and of the court later. `crime`, `day`, `label`."""
    told = np.flatnonzero(window.in_months(crimes["report_day"]) & (crimes["outcome_day"] <= window.as_of) & (crimes["outcome"] != ""))
    label = np.array([LABELS[code] for code in crimes["outcome"][told]], object)
    episode = crimes["episode"][told]
    court = told[(episode >= 0) & episodes["charged"][np.maximum(episode, 0)]]
    episode = crimes["episode"][court]
    done = episodes["completion_day"][episode]
    result = np.array([_RESULTS.get(sentence, "Defendant found not guilty") for sentence in episodes["sentence"][episode]], object)
    dropped = np.isin(episodes["disposal"][episode], ("DISCONTINUED", "WITHDRAWN", "OTHER"))
    result[dropped] = "Court case unable to proceed"
    came = (done < NEVER) & (done <= window.as_of)
    frame = joined(
        [
            {"crime": told.astype(np.int32), "day": crimes["outcome_day"][told], "label": label},
            {"crime": court[came].astype(np.int32), "day": done[came], "label": result[came]},
        ]
    )
    frame["force"] = crimes["force"][frame["crime"]]
    return frame
