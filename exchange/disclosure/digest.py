"""What a table set says, as one SHA-256: the same for the same rules, trees and values by place, whatever the order of rows and keys."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exchange.disclosure.columns import Numbers
from exchange.disclosure.derived import Figures
from exchange.disclosure.sheets import Ints, Sheet
from exchange.disclosure.spec import Spec


def digest_of(spec: Spec, sheets: Sequence[Sheet], decimals: int, owned: Mapping[str, Ints], figures: Sequence[Figures]) -> str:
    """SHA-256, in hexadecimal, over the meaning of the input. `owned`: each supplier's part of every cell; `figures`: derived tables."""
    running = hashlib.sha256()
    terms = {
        "rules": {key: _plain(getattr(spec, key)) for key in _terms(spec)},
        "decimals": decimals,
        "tables": [_described(spec, number, sheet) for number, sheet in enumerate(sheets)],
    }
    running.update(json.dumps(terms, sort_keys=True).encode())
    for sheet in sheets:
        order = np.argsort(sheet.position)
        for column in (sheet.value, sheet.lpl, sheet.upl, sheet.cost, *sheet.tops):
            running.update(b"\x00" if column is None else _bytes(column, order))
        running.update(b"\x00" if sheet.single is None else "\x1f".join(sheet.single.take(order).to_pylist()).encode())
        for flags in (sheet.primary, sheet.forced, sheet.suppressed, sheet.contributors, sheet.changed):
            running.update(b"\x00" if flags is None else b"\x01" + flags[order].astype(np.int64).tobytes())
    for name, share in sorted(owned.items()):
        running.update(b"\x00" + name.encode() + b"\x00" + share.tobytes())
    for table in figures:
        running.update(json.dumps([table.columns, table.texts]).encode())
    return running.hexdigest()


def _terms(spec: Spec) -> list[str]:
    """Everything in the specification that has a meaning; tables are described with their sheets."""
    return [field.name for field in dataclasses.fields(spec) if field.name not in {"tables", "ignored"}]


def _plain(found: Any) -> Any:
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return [type(found).__name__, *(_plain(getattr(found, field.name)) for field in dataclasses.fields(found))]
    if isinstance(found, tuple):
        return [_plain(entry) for entry in found]
    return found if isinstance(found, bool | int | float | str | None) else str(found)


def _described(spec: Spec, number: int, sheet: Sheet) -> list[object]:
    trees = [[h.name, sorted(zip(h.codes, h.parents, strict=True))] for h in sheet.hierarchies]
    table = spec.tables[number]
    return [sheet.name, sheet.file, sheet.release, sheet.universe, sheet.published, table.suppliers, sheet.columns, len(sheet.tops), trees]


def _bytes(column: Numbers, order: Ints) -> bytes:
    return b"\x01" + column.whole[order].tobytes() + column.millionths[order].tobytes()
