"""Where people live and crimes happen: real lower layer super output areas of the six authorities, and invented postcodes beside them."""

import csv
from pathlib import Path

import numpy as np
from numpy.random import Generator

from adapters.errors import ConfigError
from adapters.synthesis.frames import Array
from adapters.synthesis.rates import AUTHORITIES, AUTHORITY_SHARES, CLEVELAND_SHARE
from adapters.synthesis.streams import chosen

LIST = "lsoa_authority.csv"
# Postal districts of each authority, in the order of rates.AUTHORITIES. The inward part is invented.
DISTRICTS = (
    ("TS24", "TS25", "TS26", "TS27"),
    ("TS1", "TS3", "TS4", "TS5", "TS7", "TS8"),
    ("TS6", "TS10", "TS11", "TS12", "TS13", "TS14"),
    ("TS15", "TS16", "TS17", "TS18", "TS19", "TS20", "TS21", "TS22", "TS23"),
    ("DH1", "DH2", "DH6", "DH7", "DH8", "DH9", "DL4", "DL5", "DL12", "DL13", "DL14", "DL15", "DL16", "DL17", "SR7", "SR8"),
    ("DL1", "DL2", "DL3"),
)
CENTRES = ((-1.21, 54.69), (-1.23, 54.57), (-1.05, 54.60), (-1.32, 54.57), (-1.65, 54.75), (-1.55, 54.53))  # longitude, latitude
_INWARD = np.array(list("ABDEFGHJLNPQRSTUWXYZ"), object)  # the letters inward parts use


def forces(count: int, draw: Generator) -> Array:
    """The force of each of so many events, as a place in rates.FORCES."""
    return (draw.random(count) >= CLEVELAND_SHARE).astype(np.int32)


def authorities(force: Array, draw: Generator) -> Array:
    """An authority in the area of each force, as a place in rates.AUTHORITIES."""
    return np.where(force == 0, *(chosen(draw, shares, len(force)) for shares in AUTHORITY_SHARES)).astype(np.int8)


class Places:
    """The areas of the list of areas, by number."""

    def __init__(self, codes: Path) -> None:
        try:
            with (codes / LIST).open(encoding="utf-8", newline="") as stream:
                rows = [(row["code"], row["value"]) for row in csv.DictReader(stream)]
        except (OSError, KeyError) as error:
            raise ConfigError(
                f"The list of areas, {LIST}, is missing or is not one ({type(error).__name__}).",
                remedy="Name the folder of code lists with --codes.",
            ) from None
        self.codes = np.array([code for code, _ in rows], object)
        self.authority = np.array([AUTHORITIES.index(value) for _, value in rows], np.int8)
        self._of = [np.flatnonzero(self.authority == place) for place in range(len(AUTHORITIES))]

    def areas(self, authority: Array, draw: Generator) -> Array:
        """An area of each authority, by number."""
        found = np.empty(len(authority), np.int32)
        for place, members in enumerate(self._of):
            here = np.flatnonzero(authority == place)
            found[here] = members[draw.integers(0, len(members), len(here))]
        return found

    def postcodes(self, area: Array, draw: Generator) -> Array:
        """A postcode in each area: districts of its authority, an inward part that a few dozen homes share."""
        found = np.empty(len(area), object)
        inward = np.array([f"{digit}{one}{two}" for digit in range(1, 10) for one in _INWARD for two in _INWARD], object)
        unit = (area.astype(np.int64) * 7919 + draw.integers(0, 40, len(area))) % len(inward)
        for place, districts in enumerate(DISTRICTS):
            here = np.flatnonzero(self.authority[area] == place)
            district = np.array(districts, object)[area[here] % len(districts)]
            found[here] = district + " " + inward[unit[here]]
        return found
