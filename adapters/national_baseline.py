"""National statistics as comparison series: published aggregates, about nobody, one figure a row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from adapters.baseline_files import Published, Series, Span
from adapters.baseline_tables import PUBLISHED
from adapters.csv_extract import CsvSource
from adapters.errors import rows_refused
from adapters.sheet_extract import SheetSource
from adapters.source import Column, Seen, Source
from agreements.fields import FieldType

_NUMBER = re.compile(r"(-?(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(?:\.\d{1,20})?(?:[eE]-?\d{1,2})?)\s*%?", re.ASCII)
_MARKED = re.compile(r"(.*?)\s*(\[[a-z]{1,3}\])", re.ASCII)
_UNAVAILABLE = frozenset({"", "NA", "N/A", "..", ":", "[x]"})
_NOT_APPLICABLE = frozenset({"-", "[z]"})
_ZIP = b"PK\x03\x04"


class NationalBaseline(Source):
    """One row a published figure: area × period × measure, broken down where the publication is.

    Traps of the publications: a figure that is not there stays away and is marked `[x]`, a percentage of nothing `[z]`, a figure that
    cannot be compared with those before it `[b]`; marks of the publisher stay. No figure is made, filled in or summed here: columns that a
    file makes from its own others are not read. `value` is the text as published, or the mark of what is not there; `number` the figure as
    a plain decimal; `millionths` the same as a whole number (a seventh decimal is rounded, halves to the even). A file in the form that is
    delivered here is read as it stands.
    """

    name = "national_baseline"
    system = "Open statistics of the Ministry of Justice, the Crown Prosecution Service and the Home Office"
    grain = "published figure: area, period, measure"
    format = "CSV or ODS as published, with header"
    not_header = "the headers are not those of any publication"
    columns: ClassVar[Mapping[str, Column]] = {
        "publication": Column("publication", FieldType.TEXT),
        "definition": Column("definition", FieldType.TEXT),
        "measure": Column("measure", FieldType.TEXT),
        "category": Column("category", FieldType.TEXT),
        "area": Column("area", FieldType.TEXT),
        "area_kind": Column("area_kind", FieldType.TEXT),
        "period": Column("period", FieldType.TEXT),
        "period_start": Column("period_start", FieldType.DATE),
        "period_end": Column("period_end", FieldType.DATE),
        "value": Column("value", FieldType.TEXT),
        "number": Column("number", FieldType.TEXT),
        "millionths": Column("millionths", FieldType.INTEGER),
        "unit": Column("unit", FieldType.TEXT),
        "marker": Column("marker", FieldType.TEXT),
    }

    def headers(self, path: Path, *, encoding: str = "utf-8") -> list[str]:
        """The columns of the series, once the file is known for one of the publications; else its own, which may be the series already."""
        present = _reader(path).headers(path, encoding=encoding)
        return list(self.columns) if _published(present) else present

    def texts(self, path: Path, headers: Sequence[str], *, encoding: str = "utf-8", seen: Seen | None = None) -> Iterator[pa.RecordBatch]:
        reader = _reader(path)
        published = _published(reader.headers(path, encoding=encoding))
        if published is None:
            yield from reader.texts(path, headers, encoding=encoding, seen=seen)
            return
        first = 0
        for batch in reader.texts(path, published.needed, encoding=encoding, seen=seen):
            figures = list(_figures(published, batch, first))
            yield pa.RecordBatch.from_arrays(
                [pa.array([figure[header] for figure in figures], pa.string()) for header in headers], names=list(headers)
            )
            first += batch.num_rows


class _PublishedCsv(CsvSource):
    newlines_in_values = True


class _PublishedSheet(SheetSource):
    """A workbook of one of the publications: its header is looked for below titles and notes."""

    name = "national_baseline"
    system = "Open statistics"
    grain = "row of a publication"
    format = "ODS, first sheet"
    columns: ClassVar[Mapping[str, Column]] = {
        header: Column(f"column_{place}", FieldType.TEXT)
        for place, header in enumerate(dict.fromkeys((*NationalBaseline.columns, *(header for one in PUBLISHED for header in one.headers))))
    }


_CSV, _SHEET = _PublishedCsv(), _PublishedSheet()


def _reader(path: Path) -> CsvSource | SheetSource:
    try:
        with path.open("rb") as file:
            return _SHEET if file.read(4) == _ZIP else _CSV
    except OSError:
        return _CSV  # which says what is wrong with the file


def _published(present: Sequence[str]) -> Published | None:
    """The publication with exactly these headers, in whatever order."""
    named = [header for header in present if header]
    return next((one for one in PUBLISHED if sorted(one.headers) == sorted(named)), None)


def _figures(published: Published, batch: pa.RecordBatch, first: int) -> Iterator[dict[str, str | None]]:
    """The figures of the rows of a batch, row by row, in the order of the series."""
    for number, row in enumerate(batch.to_pylist(), first):
        texts = {header: (text or "").strip() for header, text in row.items()}
        area = texts[published.area] if published.area else published.fixed_area
        told = published.read_period([texts[header] for header in published.period]) if published.period else None
        category = [texts[header] for header in published.categories if texts[header]]
        for series in published.series:
            span = series.period or told
            if span is None:
                raise rows_refused(" and ".join(published.period), "a period of this publication", [number])
            yield _figure(published, series, span, texts[series.header], number) | {
                "area": area or None,
                "area_kind": published.kind_of(area),
                "category": "; ".join([*category, *([series.category] if series.category else [])]) or None,
            }


def _figure(published: Published, series: Series, span: Span, text: str, row: int) -> dict[str, str | None]:
    period, start, end = span
    marked = _MARKED.fullmatch(text)
    bare, marker = (marked[1], marked[2]) if marked else (text, None)
    number = _number(bare)
    if text in _UNAVAILABLE:
        marker = "[x]"
    elif text in _NOT_APPLICABLE:
        marker = "[z]"
    elif number is None and not (marker and not bare):
        raise rows_refused(series.header, "a figure, or the mark of one that is not there", [row])
    elif marker is None and start in published.breaks:
        marker = "[b]"
    return {
        "publication": published.key,
        "definition": published.definition,
        "measure": series.measure,
        "unit": series.unit,
        "period": period,
        "period_start": start.isoformat(),
        "period_end": end.isoformat(),
        "value": marker if number is None else text,
        "number": None if number is None else f"{number:f}",
        "millionths": None if number is None else str(int((number * 1_000_000).to_integral_value(ROUND_HALF_EVEN))),
        "marker": marker,
    }


def _number(text: str) -> Decimal | None:
    """A figure without its thousands commas, percent sign and needless noughts after the point."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number = Decimal(found[1].replace(",", ""))
    return Decimal(int(number)) if number == int(number) else number.normalize()
