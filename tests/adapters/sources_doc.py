"""The part of `docs/sources.md` that says again what the declarations say: `python -m tests.adapters.sources_doc` writes it anew."""

import inspect
import re
from collections.abc import Iterator

from adapters.baseline_tables import PUBLISHED
from adapters.cjs_codes import ETHNICITY
from adapters.fixed_width import FixedWidthSource
from adapters.identifiers import IDENTIFIERS
from adapters.national_baseline import NationalBaseline
from adapters.native_codes import YES_NO, Codes
from adapters.records import RecordSource
from adapters.registry import SOURCES
from adapters.source import Column, Source
from agreements.fields import FieldType
from tests.agreements.papers import ROOT

PAGE = ROOT / "docs" / "sources.md"
COUNT = re.compile(r"(?<=^What the agency client reads: )[0-9]+(?= native extracts, each declared in one file)", re.MULTILINE)
BEGIN, END = "<!-- begin: what the declarations say -->\n", "<!-- end: what the declarations say -->\n"


def written() -> str:
    """The part, in Markdown."""
    lines = ["| adapter | system | format | one row is | layouts |", "| --- | --- | --- | --- | --- |"]
    for name, source in SOURCES.items():
        lines.append(f"| [`{name}`](#{name}) | {source.system} | {source.format} | {source.grain} | {_layouts(source)} |")
    for source in SOURCES.values():
        lines += ["", *_section(source)]
    return "\n".join([*lines, ""])


def page(text: str) -> str:
    """The page with this part anew, and with the number of sources in its first sentence."""
    before, _, rest = COUNT.sub(str(len(SOURCES)), text).partition(BEGIN)
    return f"{before}{BEGIN}{written()}{END}{rest.partition(END)[2]}"


def _layouts(source: Source) -> str:
    if isinstance(source, FixedWidthSource):
        return "; ".join(f"record {kind}, {layout.width} characters" for kind, layout in source.layouts.items())
    return f"{len(PUBLISHED)} publications, told by their headers" if isinstance(source, NationalBaseline) else "one"


def _section(source: Source) -> Iterator[str]:
    yield f"### {source.name}"
    yield ""
    yield " ".join((inspect.getdoc(type(source)) or "").split())
    yield ""
    if isinstance(source, NationalBaseline):
        yield from _publications()
        return
    yield "| in the extract | field | holds | how it is read |"
    yield "| --- | --- | --- | --- |"
    for header, column in source.columns.items():
        sparse = isinstance(source, RecordSource) and header in source.sparse
        yield f"| `{header}` | `{column.name}` | {column.type} | {'; '.join(_reading(column, sparse=sparse)) or 'as written'} |"
    for name, derived in source.derived.items():
        yield f"| - | `{name}` | {derived.type} | made of {', '.join(f'`{part}`' for part in derived.parts)} |"
    if isinstance(source, FixedWidthSource):
        for kind, layout in source.layouts.items():
            yield ""
            places = ", ".join(f"`{header}` {start}-{start + length - 1}" for header, (start, length) in layout.at.items())
            yield f"Positions in {kind}: {places}."
    for name, codes in _codes(source):
        yield ""
        yield f"`{name}`: {told(codes)}"


def _reading(column: Column, *, sparse: bool) -> Iterator[str]:
    if column.identifier:
        yield f"{IDENTIFIERS[column.identifier].label}; what is none is missing"
    if column.codes is YES_NO:
        yield "yes or no"
    elif column.codes is ETHNICITY:
        yield "ethnicity 18+1"
    elif column.codes is not None:
        yield "codes below"
    if column.type is FieldType.DATE:
        yield "a date in any of its forms"
    if sparse:
        yield "may be left out"


def _codes(source: Source) -> Iterator[tuple[str, Codes]]:
    for column in source.columns.values():
        if column.codes is not None and column.codes is not YES_NO and column.codes is not ETHNICITY:
            yield column.name, column.codes


def told(codes: Codes) -> str:
    """How a column's codes are read, in words."""
    becomes: dict[str, list[str]] = {}
    for code, product in codes.current.items():
        becomes.setdefault(product, []).append(code)
    told = [f"{product} ← {', '.join(written)}" if written != [product] else product for product, written in becomes.items()]
    said = ["; ".join(told)] if told else []
    if codes.retired:
        said.append(f"no longer issued: {'; '.join(f'{code} → {product}' for code, product in codes.retired.items())}")
    if codes.form:
        said.append(f"form `{codes.form}`")
    said.append("any other is refused" if codes.strict else "any other is delivered in capitals")
    return ". ".join(f"{one[0].upper()}{one[1:]}" for one in said) + "."


def _publications() -> Iterator[str]:
    yield "| publication | definition | areas | broken down by | figures | breaks `[b]` |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in PUBLISHED:
        areas = one.fixed_area or one.area_kind
        measures = list(dict.fromkeys(f"{series.measure} ({series.unit})" for series in one.series))
        breaks = ", ".join(f"period from {day}" for day in sorted(one.breaks)) or "-"
        yield f"| `{one.key}` | {one.definition} | {areas} | {', '.join(one.categories) or '-'} | {'; '.join(measures)} | {breaks} |"
    yield ""
    yield "Fields: " + ", ".join(f"`{column.name}` ({column.type})" for column in NationalBaseline.columns.values()) + "."


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
