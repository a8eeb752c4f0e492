"""Extracts written as JSON (RFC 8259): an array of objects at a named path, or JSON Lines; streamed, one record at a time."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import ijson

from adapters.errors import InvalidSource, ValidationFailed, rows_refused
from adapters.files import BOM, CHUNK, Reading, not_encoded, reading
from adapters.records import RecordSource, groups, malformed, tell
from adapters.source import Seen

_PATH = re.compile(r"[^.\s][^.]*(?:\.[^.]+)*")
_BUFFER = 1 << 16
_MOST_DIGITS = 40
_DEEPEST = 64
_ENDLESS = re.compile(rb"[0-9]{1000}")


class JsonSource(RecordSource):
    """A source whose extract is JSON text in UTF-8, with or without a byte-order mark, or in one of `encodings`.

    Headers are paths of keys from the record: `id`, `person.surname`. true and false are read as TRUE and FALSE, numbers as they would be
    written without exponent (12.0 as 12), null and an absent key as empty. A key twice in one object, and a list where a value should be,
    are refused by row number.

    Attributes:
        rows: where the array of records is, as a path of keys; empty where it is the document itself.
        lines: whether each line is a record instead (JSON Lines).
    """

    rows: ClassVar[str] = ""
    lines: ClassVar[bool] = False

    @classmethod
    def check_format(cls, place: str) -> None:
        super().check_format(place)
        for header in cls.columns:
            if not _PATH.fullmatch(header):
                raise InvalidSource(f"{place}: “{header}” is no path of keys joined by points.")

    def records(self, path: Path, encoding: str, seen: Seen | None = None) -> Iterator[Mapping[str, str | None]]:
        count, within = 0, groups(self.columns, ".")
        try:
            with reading(path, encoding, recode=True) as stream:
                begun = _Begun(stream)
                for found in _lines(begun) if self.lines else self._items(path, begun):
                    if not isinstance(found, dict):
                        raise rows_refused("", "an object", [count])
                    record = _once(list(self._values(found, "", count, within)))  # a key may have a point in it, and so a group's name
                    count += 1
                    tell(stream, seen)
                    yield record
        except _Twice:
            raise rows_refused("", "each key once", [count]) from None
        except UnicodeDecodeError:
            raise not_encoded(path, encoding) from None
        except (ijson.JSONError, ValueError, ArithmeticError, RecursionError) as error:  # ArithmeticError: an exponent of twenty digits
            if "UTF8" in str(error):
                raise not_encoded(path, encoding) from None
            raise malformed(path, "JSON", count) from None

    def _items(self, path: Path, stream: "_Begun") -> Iterator[Any]:
        """The records of the array; ValidationFailed where there is none, or another."""
        target: list[str | None] = [*self.rows.split(".")] if self.rows else []
        at: list[str | None] = []  # where the next value is: keys, and None for a place in an array
        arrays = 0
        events = ijson.basic_parse(stream, buf_size=_BUFFER)
        for event, value in events:
            if at == [*target, None] and event != "end_array":
                yield _built(events, event, value)
            elif event == "map_key":
                at[-1] = value
            elif event in {"start_map", "start_array"}:
                arrays += at == target and event == "start_array"
                at.append("" if event == "start_map" else None)
                _refuse_deep(len(at))
            elif event in {"end_map", "end_array"}:
                at.pop()
        if arrays != 1:
            raise ValidationFailed(
                f"{path.name}: there is no list of records{f' at “{self.rows}”' if self.rows else ''}, or there are several.",
                remedy="Export it again; a nil return is an empty list.",
            )

    def _values(self, found: Mapping[str, Any], at: str, row: int, within: frozenset[str]) -> Iterator[tuple[str, str | None]]:
        for key, value in found.items():
            path = f"{at}{key}"
            if isinstance(value, dict) and path in within:
                yield from self._values(value, f"{path}.", row, within)
            elif path in self.columns and isinstance(value, dict | list):
                raise rows_refused(path, "one value", [row])
            elif value is not None or path not in within:  # else an empty group of keys
                yield path, None if isinstance(value, dict | list) else _text(value)


def _built(events: Iterator[tuple[str, Any]], event: str, value: Any) -> Any:
    """The value that begins with an event, and takes as many more as it needs."""
    builder = ijson.ObjectBuilder(map_type=_Once)
    builder.event(event, value)
    depth = int(event in {"start_map", "start_array"})
    while depth:
        event, value = next(events)
        builder.event(event, value)
        depth += (event in {"start_map", "start_array"}) - (event in {"end_map", "end_array"})
        _refuse_deep(depth)
    return builder.value


def _refuse_deep(depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")


class _Twice(Exception):
    """A key stands twice in one object."""


class _Once(dict[str, Any]):
    """An object as it is read; it takes each key once."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            raise _Twice
        super().__setitem__(key, value)


class _Begun:
    """A stream of UTF-8 without its byte-order mark. ValueError at a thousand digits in a row: Python refuses to read a number of some
    thousands, and ijson goes on all the same, until the process breaks down.
    """

    def __init__(self, stream: Reading) -> None:
        self._stream = stream
        self._start = stream.read(_BUFFER).removeprefix(BOM)
        self._before = b""

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        start, self._start = self._start, b""
        data = start or self._stream.read(size)
        if _ENDLESS.search(seen := self._before + data):
            raise ValueError("a number without end")
        self._before = seen[-1000:]
        return data


def _lines(stream: _Begun) -> Iterator[Any]:
    held = b""
    while data := stream.read(CHUNK):
        *whole, held = (held + data).split(b"\n")
        yield from map(_line, filter(bytes.strip, whole))
    if held.strip():
        yield _line(held)


def _line(line: bytes) -> Any:
    return json.loads(line.decode("utf-8"), object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found


def _no_number(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal) and abs(value.adjusted()) <= _MOST_DIGITS:
        return f"{value:f}" if value != value.to_integral_value() else f"{value.to_integral_value():f}"
    return None if value is None else str(value)
