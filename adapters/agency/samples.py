"""Invented values, to show what becomes of a column from the extract to the hub without showing a record: none of them comes from an extract.

Every value is made up from the declaration of the source and from the field's rule: as the native system writes it, as the adapter delivers it,
and as it leaves. A derived field is shown with invented parts; its own value is made of them by the very code that makes it of a record.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from adapters.agency.prepare import means, pseudonym_fields
from adapters.errors import ConfigError
from adapters.source import Column, Source
from agreements.coarsen import BandEdges, Flag, Generalise, Round, TopCode
from agreements.codes import CodeList
from agreements.errors import UnknownCodeList
from agreements.fields import ARROW, FieldType, KeepPattern, KeepRange, KeepValues, Map, Means
from agreements.model import Dataset, Field

DAY = date(2021, 4, 17)
BORN = date(1990, 2, 1)
PUBLISHED = hashlib.sha256(b"an invented crime").hexdigest()
_IDENTIFIERS: Mapping[str, str] = {
    "pnc": "81/34U",
    "cro": "65656/91H",
    "asn": "21/01AB/01/1234567890T",
    "urn": "01 ZD 0303208",
    "noms": "A1234BC",
    "crn": "x123456",
    "nhs": "943 476 5870",
    "crime_reference": "CD/12345/21",
    "incident_reference": "INC-20210417-042",
}
_PERSON: Mapping[str, str] = {"surname": "O'Sample-Jones", "forename": "Robin", "postcode": "ZZ12 9ZZ"}
_DAYS: Mapping[str, date] = {"date_of_birth": BORN}
# Forms that agreements keep by pattern; one of them fits, or the form itself is shown.
_FORMS = (
    "AB12345",
    "ABCD123",
    "AB12345A",
    "001/01",
    "B01AB00",
    "C01AB00",
    "B01AB",
    "E01000001",
    "E06000001",
    "W01000001",
    "01AB",
    "A1",
    "1",
    "12",
    "123",
)


@dataclass(frozen=True)
class Sample:
    """What becomes of one invented value.

    Attributes:
        columns: the native headers that it is read from; several for a derived field.
        parts: source column → what stands in it, for a derived field; empty for a plain column.
        written: as the native system writes it; empty for a derived field.
        delivered: as the adapter delivers it to the rule.
        after: what leaves.
    """

    columns: tuple[str, ...]
    parts: Mapping[str, str] = field(default_factory=dict)
    written: str = ""
    delivered: str = ""
    after: str = ""

    def document(self) -> dict[str, Any]:
        """As ``--json`` shows it. ``before`` is what the adapter delivers."""
        return {"written": self.written, "parts": dict(self.parts), "before": self.delivered, "after": self.after}


def fitting(one: Field, lists: Mapping[str, CodeList]) -> str | int | date | None:
    """A value that the field's rule is made for, as an adapter delivers it; None where the rule takes anything of its type."""
    found: str | int | date | None = None
    match one.rule:
        case KeepValues(values) | Flag(values):
            found = values[0]
        case Map(codes=codes, list_name=name):
            found = next(iter(lists[name].codes)) if name in lists else codes[0][0] if codes else None
        case KeepRange(low=low, high=high):
            found = DAY if isinstance(low, date) and isinstance(high, date) and low <= DAY <= high else low
        case BandEdges(edges):
            found = edges[0]
        case TopCode(limit=limit):
            found = limit + 1
        case Round(step=step):
            found = 2 * step + 1
        case KeepPattern(pattern):
            found = next((form for form in _FORMS if re.fullmatch(pattern, form)), f"(a text of the form {pattern})")
        case Generalise() if one.type is FieldType.TEXT:
            found = _PERSON["postcode"]
    return found


def written(column: Column, wanted: str | int | date | None, *, packed: bool = False) -> str:
    """How the native system writes a value of this column: a code by which it is known there, or an identifier as it is often typed."""
    if column.identifier:
        return _IDENTIFIERS.get(column.identifier, "SAMPLE-1")
    if isinstance(wanted, str):
        known = {**column.codes.current, **column.codes.retired} if column.codes else {}
        return next((code for code, delivered in known.items() if delivered == wanted), wanted)
    if column.type is FieldType.INTEGER:
        return str(wanted if isinstance(wanted, int) else 1234)
    if column.type is not FieldType.TEXT:
        day = wanted if isinstance(wanted, date) else _DAYS.get(column.name, DAY)
        return f"{day:%Y-%m}" if column.type is FieldType.MONTH else f"{day:%Y%m%d}" if packed else f"{day:%d/%m/%Y}"
    if column.codes and column.codes.current:
        return next(iter(column.codes.current))
    return _PERSON.get(column.name, PUBLISHED)


def sample(source: Source, one: Field, lists: Mapping[str, CodeList], with_means: Means) -> Sample:
    """One invented value of a field, on its way out."""
    headers = {column.name: header for header, column in source.columns.items()}
    derived = source.derived.get(one.source)
    wanted = fitting(one, lists)
    if derived is None:
        column = next((column for column in source.columns.values() if column.name == one.source), Column(one.source, one.type))
        text = written(column, wanted, packed=source.packed_dates)
        read = _read(column, text, source)
        return Sample((headers.get(one.source, one.source),), {}, text, _said(read), _said(_after(one, read, with_means)))
    columns = {column.name: column for column in source.columns.values()}
    parts = {name: written(columns[name], None, packed=source.packed_dates) for name in derived.parts}
    read = derived.make([_read(columns[name], text, source) for name, text in parts.items()])
    return Sample(tuple(headers[name] for name in parts), parts, "", _said(read), _said(_after(one, read, with_means)))


def _read(column: Column, text: str, source: Source) -> pa.Array:
    """One value as the adapter reads it. A value that stands for a form, in brackets, is not read."""
    if text.startswith("("):
        return pa.array([text], ARROW[column.type])
    return column.read(pa.array([text], pa.string()), packed=source.packed_dates)


def _after(one: Field, read: pa.Array, with_means: Means) -> pa.Array:
    try:
        return one.rule.apply(read, with_means)
    except UnknownCodeList as error:
        raise ConfigError(f"{error}", remedy="Set “codes” in agency.toml to the folder that holds the agreed lists.") from None


def _said(column: pa.Array) -> str:
    value = column[0].as_py()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(empty)" if value is None else value.hex() if isinstance(value, bytes) else str(value)


def before_and_after(source: Source, dataset: Dataset, lists: Mapping[str, CodeList]) -> dict[str, Sample]:
    """Field name → an invented value, and what leaves of it. Pseudonyms are made with a secret thrown away at once."""
    kinds: Sequence[str] = sorted(set(pseudonym_fields(dataset).values()))
    throwaway = means("INVENTED", 1, secrets.token_bytes(32), lists, kinds)
    return {one.name: sample(source, one, lists, throwaway) for one in dataset.fields}
