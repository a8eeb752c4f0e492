"""Looks for identifiers and names in every byte of some folders, in whatever form they might have been written."""

import base64
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

PREFIX = 8  # Bytes by which needles are found; the rest is compared.


def forms_of_id(identifier: str) -> dict[str, bytes]:
    """A 64-hex id as text, as its 32 bytes, and as what encodings make of either."""
    raw = bytes.fromhex(identifier)
    text = identifier.lower()
    return {
        "hex": text.encode(),
        "upper-case hex": text.upper().encode(),
        "UTF-16": text.encode("utf-16-le"),
        "binary": raw,
        "base64": base64.b64encode(raw).rstrip(b"=")[:-1],
        "base64url": base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1],
        "base64 of hex": base64.b64encode(text.encode())[:80],
    }


def forms_of_name(name: str) -> dict[str, bytes]:
    """A name as text, and as what encodings make of it, in base64 at each of its three places."""
    raw = name.encode()
    found = {"text": raw, "upper case": name.upper().encode(), "lower case": name.lower().encode(), "UTF-16": name.encode("utf-16-le")}
    found["hex"], found["upper-case hex"] = raw.hex().encode(), raw.hex().upper().encode()
    for shift in range(3):
        # Characters of base64 that also depend on what stands before or after are cut off.
        encoded = base64.b64encode(b"\0" * shift + raw)
        found[f"base64, shifted by {shift}"] = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
    return found


@dataclass(frozen=True)
class Hit:
    """Where what was found: never the needle itself."""

    place: str
    form: str
    offset: int


class Scanner:
    """Finds many needles at once."""

    def __init__(self, needles: Iterable[tuple[str, bytes]]) -> None:
        self._by_prefix: dict[int, list[tuple[str, bytes]]] = {}
        for form, needle in needles:
            assert len(needle) >= PREFIX, "a needle so short would be found by chance"
            self._by_prefix.setdefault(int.from_bytes(needle[:PREFIX], "big"), []).append((form, needle))
        self._prefixes = np.array(sorted(self._by_prefix), dtype=np.uint64)
        # Three bytes tell most places apart from every needle; only the others are looked at more closely.
        self._first = np.zeros(1 << 24, dtype=bool)
        self._first[(self._prefixes >> np.uint64(40)).astype(np.int64)] = True

    @classmethod
    def of(cls, identifiers: Iterable[str], names: Iterable[str]) -> "Scanner":
        """For ids and names in all their forms."""
        needles = [item for one in identifiers for item in forms_of_id(one).items()]
        return cls([*needles, *(item for one in names for item in forms_of_name(one).items())])

    def search(self, place: str, data: bytes) -> list[Hit]:
        """Every needle in these bytes."""
        if len(data) < PREFIX:
            return []
        array = np.frombuffer(data, dtype=np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(array, PREFIX)
        wide = array.astype(np.int32)
        first = (wide[:-2] << 16) | (wide[1:-1] << 8) | wide[2:]
        candidates = np.flatnonzero(self._first[first[: len(windows)]])
        keys = np.ascontiguousarray(windows[candidates]).view(">u8").ravel().astype(np.uint64)
        near = np.isin(keys, self._prefixes)
        return [
            Hit(place, form, int(offset))
            for offset, key in zip(candidates[near], keys[near], strict=True)
            for form, needle in self._by_prefix[int(key)]
            if data[offset : offset + len(needle)] == needle
        ]

    def scan(self, *folders: Path) -> list[Hit]:
        """Every file below these folders, its name, and what its tables say if it is a database."""
        return [hit for folder in folders for place, data in everything(folder) for hit in self.search(place, data)]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file's name and bytes; each SQLite database also row by row, for a page may end in the midst of a value."""
    for path in sorted(folder.rglob("*")):
        place = str(path.relative_to(folder))
        yield f"name of {place}", place.encode()
        if path.is_file():
            yield place, path.read_bytes()
        if path.suffix == ".sqlite":
            yield f"rows of {place}", rows(path)


def rows(path: Path) -> bytes:
    """Everything that a database says, as SQL text; binary values are upper-case hex there.

    Of a copy: whoever opens and closes a database takes its write-ahead log away, and what stood there.
    """
    with TemporaryDirectory() as scratch:
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, scratch)
        with closing(sqlite3.connect(Path(scratch) / path.name)) as connection:
            return "\n".join(connection.iterdump()).encode()


def planted(needles: Mapping[str, bytes]) -> bytes:
    """Bytes that hold every form once, in other bytes."""
    return b"\xff".join([b"before", *needles.values(), b"after"])
