"""Sentences, and the day from which somebody is in the community again: release, the sentence itself, or the caution."""

import numpy as np
from numpy.random import Generator

from adapters.synthesis import rates
from adapters.synthesis.frames import NEVER, Array, Frame, size
from adapters.synthesis.streams import chosen, days

CAUTIONS = ("CAUTION", "YOUTH_CAUTION", "CONDITIONAL_CAUTION")
YEAR = 365


def sentenced(episode: Frame, draw: Generator) -> None:
    """Give convictions their sentence, and every episode that has one its entry: kind and day."""
    rows = size(episode)
    guilty = episode["disposal"] == "CONVICTED"
    court = np.where(episode["court"] == "CC", "crown", np.where(episode["court"] == "MCY", "youth", "magistrates"))
    for place, weights in rates.SENTENCES.items():
        here = np.flatnonzero(guilty & (court == place))
        episode["sentence"][here] = np.array(list(weights), object)[chosen(draw, list(weights.values()), len(here))]
    absent = episode["outcome"] == "PROVED_IN_ABSENCE"
    episode["sentence"][absent] = "FINE"
    _custody(episode, draw)
    orders = np.isin(episode["sentence"], ("COMMUNITY", "SUSPENDED", "REFERRAL"))
    length = np.where(episode["sentence"] == "REFERRAL", draw.integers(90, 366, rows), draw.choice([180, 365, 365, 540, 730], rows))
    episode["order_days"] = np.where(orders, length, episode["order_days"]).astype(np.int32)
    _entries(episode)


def _custody(episode: Frame, draw: Generator) -> None:
    """Half of a sentence is served inside, days on remand counted; afterwards a licence."""
    rows = size(episode)
    custody, held = episode["sentence"] == "CUSTODY", episode["reception_day"] < NEVER
    inside = np.where(episode["court"] == "CC", days(draw, 620, 0.75, rows, most=5500), days(draw, 105, 0.5, rows, most=YEAR))
    done = episode["completion_day"]
    served = np.where(held, np.maximum(done - episode["reception_day"], 0), 0)
    release = np.maximum(done + inside // 2 - served, done)
    freed = np.where(episode["disposal"] == "", NEVER, done)  # remanded, and then no custody
    episode["release_day"] = np.where(custody, release, np.where(held, freed, NEVER)).astype(np.int32)
    episode["reception_day"] = np.where(held, episode["reception_day"], np.where(custody, done, NEVER)).astype(np.int32)
    episode["band"] = np.where(custody, band(inside), "").astype(object)
    licence = np.maximum(inside - inside // 2, YEAR)
    episode["order_days"] = np.where(custody, licence, 0).astype(np.int32)


def band(length: Array) -> Array:
    """The sentence band of a length in days."""
    return np.where(length < YEAR, "UNDER_12M", np.where(length < 4 * YEAR, "12M_TO_4Y", "4Y_AND_OVER")).astype(object)


def _entries(episode: Frame) -> None:
    kind = episode["sentence"].copy()
    cautioned = np.isin(episode["disposal"], CAUTIONS)
    kind[cautioned] = "CAUTION"
    diverted = ~episode["charged"] & ~cautioned
    kind[diverted] = "DIVERTED"
    day = np.where(kind == "CUSTODY", episode["release_day"], episode["disposal_day"])
    episode["entry"], episode["entry_day"] = kind, np.where(kind == "", NEVER, day).astype(np.int32)
