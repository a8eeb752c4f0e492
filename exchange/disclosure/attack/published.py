"""What a protected set publishes: anyone's output, as long as it has the rows of the original, `value`, and `suppressed` 0 or 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.disclosure.attack.document import Document
from exchange.disclosure.attack.long import DIGITS, Array, Long, Mask, places, read_text, units
from exchange.disclosure.attack.programs import Floats
from exchange.disclosure.attack.rounded import read_method
from exchange.disclosure.errors import BadTables


@dataclass(frozen=True)
class Seen:
    """(cells,) `exact`: published as it is; elsewhere a value from `low` to `high`, and where `assumed` at least what intruders assume."""

    exact: Mask
    low: Floats
    high: Floats
    assumed: Mask


def seen(
    document: Document, longs: Sequence[Long], same: Sequence[Array], protected: Mapping[str, bytes], value: Array, decimals: int
) -> Seen:
    """What all tables together publish. BadTables where the protected set does not fit the original, or its own method."""
    method = read_method(protected, 10**decimals)
    low, high = np.zeros(len(value)), np.full(len(value), np.inf)
    tabled = np.zeros(len(value), dtype=np.bool_)
    for long, numbers in zip(longs, same, strict=True):
        past = _past(long, document)
        if past is not None:
            shown = numbers[~past]
            low[shown] = high[shown] = value[shown]
        if long.entry["file"] not in protected and (past is not None or not long.entry["published"]):
            continue
        tabled[numbers] = True
        hidden, told = _rows(protected, long, value[numbers], decimals, exact=method is None)
        shown = numbers[~hidden]
        least, most = (told[~hidden], told[~hidden]) if method is None else method.interval(told[~hidden])
        np.maximum.at(low, shown, least.astype(np.float64))
        np.minimum.at(high, shown, most.astype(np.float64))
        np.maximum.at(low, numbers, np.where(hidden, _least(protected, long, len(numbers), decimals), 0).astype(np.float64))
    if ((value < low) | (value > high)).any():
        raise BadTables("the protected tables publish values that the original's cannot have become")
    return Seen(low == high, low, high, (tabled | (value > 0)) & (method is None))


def _past(long: Long, document: Document) -> Mask | None:
    """(rows,) what an earlier release hid; None for a table that does not say."""
    if not long.has("suppressed"):
        return None
    if long.release == document.order[-1]:
        raise BadTables(f"{long.name}: only a table of an earlier release may say what was suppressed")
    flags = units(long.text, long.name, "suppressed", 0)
    if (flags > 1).any():
        raise BadTables(f"{long.name}, row {int(np.argmax(flags > 1)) + 2}: suppressed must be 0 or 1")
    return np.asarray(flags == 1)


def _least(protected: Mapping[str, bytes], long: Long, size: int, decimals: int) -> Array:
    """(rows of the original,) the least that a cell can be for all that this intruder knows, where the protected file has a column for it; else 0."""
    text, least = read_text(protected, long.name, long.entry["file"]), np.zeros(size, dtype=np.int64)
    if "least" in text.column_names and "least" not in long.columns:
        least[np.argsort(long.place)] = units(text, long.name, "least", decimals)[np.argsort(places(long, text))]
    return least


def _rows(protected: Mapping[str, bytes], long: Long, value: Array, decimals: int, *, exact: bool) -> tuple[Mask, Array]:
    """(rows of the original,) what is hidden, and the values published; a true value left standing in a hidden row is published as well."""
    text = read_text(protected, long.name, long.entry["file"])
    if (
        not {"suppressed", "value"} <= set(text.column_names)
        or not pc.all(pc.is_in(text.column("suppressed"), pa.array(["0", "1"]))).as_py()
    ):
        raise BadTables(f"{long.name}: its protected file needs value, and suppressed 0 or 1")
    place = places(long, text)
    if len(place) != len(value):
        raise BadTables(f"{long.name}: its protected file has other rows")
    marked = pc.equal(text.column("suppressed"), "1").to_numpy()
    # Others write 5 as 5.0; what follows the point but zeros counts.
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(text.column("value")), r"^([0-9]+)(?:\.0*|(\.[0-9]*[1-9])0*)$", r"\1\2")
    number = pc.match_substring_regex(plain, DIGITS).to_numpy()
    shown = ~marked | number
    told = np.zeros(len(place), dtype=np.int64)
    told[shown] = units(pa.table({"value": plain.filter(pa.array(shown))}), long.name, "value", decimals)
    order, theirs = np.argsort(long.place), np.argsort(place)
    hidden, values = np.zeros(len(value), dtype=np.bool_), np.zeros(len(value), dtype=np.int64)
    hidden[order], values[order] = ~shown[theirs], told[theirs]
    said = np.zeros(len(value), dtype=np.bool_)
    said[order] = marked[theirs]
    if exact:
        wrong = ~hidden & (values != value)
        if (wrong & ~said).any():
            raise BadTables(f"{long.name}: its protected file publishes values that are not the original's")
        # Another number in a hidden row stands for nothing.
        hidden |= wrong
    return hidden if exact else said, values
