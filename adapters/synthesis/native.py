"""From what a source delivers back to what its system writes: headers, code spellings, forms of dates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.fixed_width import FixedWidthSource
from adapters.native_codes import Codes
from adapters.source import Source
from adapters.synthesis.feeds import Made
from adapters.synthesis.frames import Array

ISO, STROKES, MONTHS = "%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y"
# How each supplier's system writes dates; others write YYYY-MM-DD.
DATES: Mapping[str, str] = {
    "cleveland-police": STROKES,
    "cps-north-east": MONTHS,
    "witness-care-units": STROKES,
    "durham-tees-valley-crc": STROKES,
    "legal-aid-agency": MONTHS,
    "vcas": STROKES,
    "rj-hub": STROKES,
    "nhs-liaison-diversion": MONTHS,
    "tees-wear-prisons": MONTHS,
}
RETIRED = 0.004  # share of values that are still written in a code no longer issued
Luck = Callable[[str], Array]  # by name, a share in [0, 1) for each row


@dataclass(frozen=True)
class Sheet:
    """One extract as text by native header, in the order of the file. Nulls are empty."""

    columns: Mapping[str, pa.Array]

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(next(iter(self.columns.values())))


def sheet(source: Source, supplier: str, made: Made, luck: Luck) -> Sheet:
    """The columns as the source's system would write them; those that the supplier's export does not have are left out."""
    columns: dict[str, pa.Array] = {}
    widths = _widths(source, made)
    for header, column in source.columns.items():
        if column.name not in made.columns:
            continue
        values = made.columns[column.name]
        width = widths.get(header, 0)
        if pa.types.is_date(values.type):
            values = _dates(values, DATES.get(supplier, ISO), width)
        elif column.codes is not None:
            values = _spelt(values, column.codes, supplier, width, luck(column.name))
        columns[header] = values
    return Sheet(columns)


def _dates(days: pa.Array, form: str, width: int) -> pa.Array:
    if width >= 19:  # the system adds a time of day, which it does not know
        form = f"{ISO} 00:00:00"
    text = pc.strftime(days, form)
    return pc.utf8_upper(text) if form == MONTHS else text


def layout_of(source: FixedWidthSource, names: set[str]) -> str:
    """The record type whose columns are these."""
    return max(
        source.layouts,
        key=lambda kind: sum(source.columns[header].name in names for header in source.layouts[kind].at) / len(source.layouts[kind].at),
    )


def _widths(source: Source, made: Made) -> Mapping[str, int]:
    """How many characters a value may have, by header; a header that is not there may have any number."""
    if not isinstance(source, FixedWidthSource):
        return {}
    at = source.layouts[layout_of(source, set(made.columns))].at
    return {header: length for header, (_, length) in at.items()}


def _spelt(values: pa.Array, codes: Codes, supplier: str, width: int, luck: Array) -> pa.Array:
    """Delivered codes as one of the spellings of the system: the same one always for a supplier, now and then a retired one."""
    encoded = values.dictionary_encode()
    known = [str(value) for value in encoded.dictionary.to_pylist()]
    current = pa.array([_spelling(tuple(codes.current.items()), value, len(supplier), width) or value for value in known], pa.string())
    text = current.take(encoded.indices)
    old = [_spelling(tuple(codes.retired.items()), value, 0, width) for value in known]
    if not any(old):
        return text
    retired = pa.array([one or now for one, now in zip(old, current.to_pylist(), strict=True)], pa.string()).take(encoded.indices)
    return pc.if_else(pa.array(np.asarray(luck < RETIRED)), retired, text)


@cache
def _spelling(codes: tuple[tuple[str, str], ...], value: str, choice: int, width: int) -> str:
    found = [native for native, delivered in codes if delivered == value and (not width or len(native) <= width)]
    return found[choice % len(found)] if found else ""
