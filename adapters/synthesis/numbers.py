"""Identifiers with the check characters that the real ones have, from running numbers: no two people share one by chance."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.synthesis.frames import Array
from agreements.detectors import CHECK_LETTERS

MOST = 909_091  # running numbers there are, a prime: as many as there are NHS numbers in the range for tests, the smallest space of all
_CHECK = np.array(list(CHECK_LETTERS), object)
_LETTERS = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), object)


def padded(numbers: Array, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def text(*parts: pa.Array | str) -> pa.Array:
    """Columns and constants, joined row by row; null where a part is."""
    return pc.binary_join_element_wise(*parts, "")


def masked(column: pa.Array, gone: Array) -> pa.Array:
    """The column of text with nulls where a mask is true."""
    return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), column)


def scattered(numbers: Array, modulus: int, step: int) -> Array:
    """Running numbers spread over 0 … modulus-1 without meeting: step and modulus have no common divisor."""
    return (numbers.astype(np.int64) * step) % modulus


def pnc_ids(serials: Array, years: Array) -> pa.Array:
    """PNC ids, YYYY/NNNNNNNL."""
    serial = scattered(serials, 9_999_991, 7_654_321) + 1
    check = _CHECK[(years % 100 * 10_000_000 + serial) % 23]
    return text(padded(years, 4), "/", padded(serial, 7), pa.array(check, pa.string()))


def cro_numbers(serials: Array, years: Array) -> pa.Array:
    """CRO numbers, NNNNNN/YYL."""
    serial = scattered(serials, MOST, 654_323) + 1
    check = _CHECK[(years % 100 * 1_000_000 + serial) % 23]
    return text(padded(serial, 6), "/", padded(years % 100, 2), pa.array(check, pa.string()))


def noms_numbers(serials: Array) -> pa.Array:
    """Prisoner numbers, A9999AA."""
    spread = scattered(serials, 24 * 24 * 9999, 1_234_567)
    digits, ends = spread % 9999 + 1, spread // 9999
    last = [pa.array(_LETTERS[place], pa.string()) for place in (ends // 24, ends % 24)]
    return text("A", padded(digits, 4), *last)


def probation_numbers(serials: Array) -> pa.Array:
    """Case reference numbers of probation, A999999."""
    return text("X", padded(scattered(serials, MOST, 345_679) + 1, 6))


def health_numbers(serials: Array) -> pa.Array:
    """NHS numbers: ten digits of which the last checks the others (modulus 11). Of the range 999, which is kept for tests and given to nobody."""
    body, check = _health()
    place = scattered(serials, MOST, 246_811)
    return text(padded(body[place], 9), padded(check[place], 1))


@cache
def _health() -> tuple[Array, Array]:
    """The nine digits that have a check digit, and it: where it would be ten there is no such number."""
    body = np.arange(999_000_000, 1_000_000_000)
    total = sum((body // 10**power % 10) * (power + 2) for power in range(9))
    check = (11 - total % 11) % 11
    return body[check < 10], check[check < 10]


def case_urns(cases: Array, force: Array, years: Array) -> pa.Array:
    """Case URNs: force, unit, serial, year."""
    unit = np.array([["ZA", "ZB", "ZC"], ["DA", "DB", "DC"]], object)[force, cases // 100_000 % 3]
    return text(
        pa.array(np.array(["17", "11"], object)[force], pa.string()),
        pa.array(unit, pa.string()),
        padded(cases % 100_000, 5),
        padded(years % 100, 2),
    )


def arrest_numbers(episodes: Array, force: Array, years: Array) -> pa.Array:
    """Arrest or summons numbers: year, force and unit, system, serial of eleven digits, check letter."""
    letters = np.array(list("ABCDEFGHJKLMNPQRTUVWXYZ"), object)
    place = np.array(["17CC01", "11DD01"], object)[force]
    return text(
        padded(years % 100, 2),
        pa.array(place, pa.string()),
        padded(episodes, 11),
        pa.array(letters[(episodes * 7 + years) % 23], pa.string()),
    )


def crime_references(crimes: Array, force: Array, years: Array) -> pa.Array:
    """The forces' own crime references."""
    return text(pa.array(np.array(["CVP", "DHM"], object)[force], pa.string()), "/", padded(crimes, 7), "/", padded(years % 100, 2))


def incident_references(incidents: Array, force: Array, days: Array) -> pa.Array:
    """Command and control references: force, running number, day."""
    mark = pa.array(np.array(["SE", "DU"], object)[force], pa.string())
    return text(mark, padded(incidents, 7), "-", pc.strftime(pa.array(days.astype(np.int32), pa.date32()), "%d%m%Y"))
