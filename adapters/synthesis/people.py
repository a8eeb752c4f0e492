"""Who the invented people are: names, homes and their moves, identifiers. One row a person, by number."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adapters.errors import UsageError
from adapters.synthesis import names, numbers, rates
from adapters.synthesis.calendar import Window, year_of
from adapters.synthesis.frames import NEVER, Array, Frame, size
from adapters.synthesis.numbers import masked, scattered
from adapters.synthesis.places import Places
from adapters.synthesis.streams import Streams, chosen

ETHNICITIES = ("W1", "W9", "A1", "A2", "A4", "A9", "B1", "B2", "M1", "O9", "NS")
ETHNICITY_SHARES = (91, 2, 0.6, 1.2, 0.3, 0.6, 0.3, 0.5, 0.6, 0.6, 2.3)


@dataclass(frozen=True)
class People:
    """Everybody, true: what agencies write down may differ (`recorded`).

    Attributes:
        frame: `female`, `birth`, `offender`; `forename`, `nickname`, `surname`, `married` (object; "" if the name stays), `married_day`;
            `area` and `postcode` (object), and those of a second home with `moved_day`.
        pnc, cro, noms, crn, nhs: identifiers of offenders, as text, null for everybody else; an agency holds only those it would.
    """

    frame: Frame
    pnc: pa.Array
    cro: pa.Array
    noms: pa.Array
    crn: pa.Array
    nhs: pa.Array


def people(crowd: Frame, window: Window, places: Places, streams: Streams) -> People:
    """Give everybody a name, a home and numbers."""
    count = size(crowd)
    frame = crowd | _named(crowd, streams) | _homes(crowd, window, places, streams)
    frame |= _married(frame, window, streams)
    # Only who has been an offender has such numbers; running numbers among them never meet.
    serial = np.cumsum(crowd["offender"]) - 1
    if count and serial[-1] >= numbers.MOST:
        raise UsageError("So many offenders would not have a number each.", remedy="Give a smaller scale or fewer months.")
    # A file is opened at the first arrest: for half of them in an earlier year than any that is told.
    before = np.where(serial % 2 == 1, scattered(serial, 11, 7), 0)
    known = np.maximum(year_of(crowd["since_day"]) - before, year_of(crowd["birth"]) + 11)
    return People(
        frame,
        *(
            masked(column, ~crowd["offender"])
            for column in (
                numbers.pnc_ids(serial, known),
                numbers.cro_numbers(serial, known),
                numbers.noms_numbers(serial),
                numbers.probation_numbers(serial),
                numbers.health_numbers(serial),
            )
        ),
    )


def _named(crowd: Frame, streams: Streams) -> Frame:
    draw, count, women = streams.named("people/names"), size(crowd), crowd["female"]
    forename, nickname = np.empty(count, object), np.empty(count, object)
    for female in (False, True):
        full, short = names.forenames(women=female)
        here = np.flatnonzero(women == female)
        which = chosen(draw, names.frequencies(len(full), evenness=12), len(here))
        forename[here], nickname[here] = full[which], short[which]
    listed = names.surnames()
    # Parts make few names as common as a real Smith; a second part for some keeps surnames as telling as they are.
    surname = listed[chosen(draw, names.frequencies(len(listed), evenness=60), count)]
    double = np.flatnonzero(draw.random(count) < 0.012)
    surname[double] = surname[double] + "-" + listed[chosen(draw, names.frequencies(len(listed), evenness=60), len(double))]
    codes = np.array(ETHNICITIES, object)[chosen(draw, ETHNICITY_SHARES, count)]
    return {"forename": forename, "nickname": nickname, "surname": surname, "ethnicity": codes}


def _married(frame: Frame, window: Window, streams: Streams) -> Frame:
    draw, count = streams.named("people/marriages"), size(frame)
    changes = draw.random(count) < np.where(frame["female"], 0.10, 0.008)
    other = np.roll(frame["surname"], 1)
    grown = window.begin - frame["birth"] > 18 * 365
    day = draw.integers(window.begin, window.as_of, count)
    return {
        "married": np.where(changes & grown, other, "").astype(object),
        "married_day": np.where(changes & grown, day, NEVER).astype(np.int32),
    }


def _homes(crowd: Frame, window: Window, places: Places, streams: Streams) -> Frame:
    draw, count = streams.named("people/homes"), size(crowd)
    moves = draw.random(count) < 0.28
    nearby = np.where(draw.random(count) < 0.85, crowd["authority"], chosen(draw, (1,) * len(rates.AUTHORITIES), count))
    area, later = places.areas(crowd["authority"], draw), places.areas(nearby, draw)
    day = np.where(moves, draw.integers(window.begin, window.as_of, count), NEVER)
    return {
        "area": area,
        "postcode": places.postcodes(area, draw),
        "later_area": later,
        "later_postcode": places.postcodes(later, draw),
        "moved_day": day.astype(np.int32),
    }


def home_on(frame: Frame, person: Array, day: Array) -> tuple[Array, Array]:
    """Area (a place in the list of areas) and postcode of people on days."""
    moved = frame["moved_day"][person] <= day
    area = np.where(moved, frame["later_area"][person], frame["area"][person])
    return area, np.where(moved, frame["later_postcode"][person], frame["postcode"][person])
