"""Rows named and not opened: which parts hold them, and the keystore's name for what opens those. Only the process that reads a part opens its key."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class PartReference:
    """One held part: its object, the keystore's name of the key that wraps its data key, that wrapped key, what it is bound to, and its rows."""

    object: str
    key: str
    wrapped: bytes = field(repr=False)
    aad: str
    rows: int


@dataclass(frozen=True)
class HeldRows:
    """Rows of one dataset from one supplier, in the order of their parts, with the fields of ``schema``.

    ``brought``: those that had to be brought under a newer version, which are made in memory; they come after all parts. None where there are none.
    """

    schema: pa.Schema
    parts: tuple[PartReference, ...]
    brought: pa.Table | None = field(default=None, repr=False)


Bundle = tuple[int, tuple[PartReference, ...]]
"""Parts that are read one after another, and the number of the first of their rows."""


def bundles(parts: Sequence[PartReference], rows: int) -> list[Bundle]:
    """Parts in order, gathered until each bundle but the last has at least so many rows."""
    found: list[Bundle] = []
    mine: list[PartReference] = []
    begin = 0
    for part in parts:
        mine.append(part)
        if sum(one.rows for one in mine) >= rows:
            found.append((begin, tuple(mine)))
            begin += sum(one.rows for one in mine)
            mine = []
    return [*found, (begin, tuple(mine))] if mine else found


def written(parts: Sequence[PartReference]) -> str:
    """References as text: there is no key among them, only its name and its wrapping."""
    return json.dumps([[one.object, one.key, base64.b64encode(one.wrapped).decode(), one.aad, one.rows] for one in parts])


def read(text: str) -> tuple[PartReference, ...]:
    """:func:`written` backwards."""
    found: list[list[Any]] = json.loads(text)
    return tuple(PartReference(name, key, base64.b64decode(wrapped), aad, rows) for name, key, wrapped, aad, rows in found)
