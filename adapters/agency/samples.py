"""Invented values, to show what a field's rule does without showing a record: none of them ever comes from an extract."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from adapters.agency.prepare import means, pseudonym_fields
from adapters.errors import ConfigError
from agreements.coarsen import BandEdges, Flag, Generalise
from agreements.codes import CodeList
from agreements.errors import UnknownCodeList
from agreements.fields import ARROW, FieldType, KeepRange, KeepValues, Map
from agreements.model import Dataset, Field

_DAY = date(2021, 4, 17)


def invented(field: Field, lists: Mapping[str, CodeList]) -> str | int | date:
    """A value that a source column of this field might hold, made up from the rule itself."""
    match field.rule:
        case KeepValues(values) | Flag(values):
            return values[0]
        case Map(codes=codes, list_name=name):
            return next(iter(lists[name].codes)) if name in lists else codes[0][0] if codes else "CODE"
        case KeepRange(low=low):
            return low
        case BandEdges(edges):
            return edges[0]
        case Generalise() if field.type is FieldType.TEXT:
            return "ZZ9 9ZZ"
    if field.type in (FieldType.DATE, FieldType.MONTH):
        return _DAY.replace(day=1) if field.type is FieldType.MONTH else _DAY
    return 1234 if field.type is FieldType.INTEGER else hashlib.sha256(b"an invented crime").hexdigest()


def before_and_after(dataset: Dataset, lists: Mapping[str, CodeList]) -> dict[str, tuple[str, str]]:
    """Field name → an invented source value, and what leaves of it. Pseudonyms are made with a secret thrown away at once."""
    kinds = set(pseudonym_fields(dataset).values())
    throwaway = means("INVENTED", 1, secrets.token_bytes(32), lists, kinds)
    shown: dict[str, tuple[str, str]] = {}
    for field in dataset.fields:
        value = invented(field, lists)
        try:
            left = field.rule.apply(pa.array([value], ARROW[field.type]), throwaway)[0].as_py()
        except UnknownCodeList as error:
            raise ConfigError(f"{error}", remedy="Set “codes” in agency.toml to the folder that holds the agreed lists.") from None
        shown[field.name] = (str(value), left.hex() if isinstance(left, bytes) else str(left))
    return shown
