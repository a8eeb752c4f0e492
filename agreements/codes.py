"""Code lists: small published tables from a source code to an agreed value, named in an agreement by their digest."""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import rfc8785

from agreements.errors import UnknownCodeList


@dataclass(frozen=True)
class CodeList:
    """A code list and the digest by which an agreement pins its content."""

    name: str
    codes: Mapping[str, str]

    @cached_property  # asked for at every batch of an extract
    def digest(self) -> str:
        """SHA-256 of the canonical JSON (RFC 8785) of the mapping."""
        return "sha256:" + hashlib.sha256(rfc8785.dumps(dict(self.codes))).hexdigest()

    @property
    def values(self) -> tuple[str, ...]:
        """What the codes become, each once, sorted."""
        return tuple(sorted(set(self.codes.values())))


def read_list(path: Path) -> CodeList:
    """Read one ``code,value`` CSV; the file's stem is the list's name. A code twice is an error."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or list(rows[0]) != ["code", "value"]:
        raise UnknownCodeList(f"code list {path.name}: the header must be “code,value”.")
    codes = {row["code"]: row["value"] for row in rows}
    if len(codes) != len(rows):
        raise UnknownCodeList(f"code list {path.name}: a code stands twice.")
    return CodeList(path.stem, codes)


def read_lists(folder: Path) -> dict[str, CodeList]:
    """Every code list in a folder, by name."""
    return {path.stem: read_list(path) for path in sorted(folder.glob("*.csv"))}


def agreed(lists: Mapping[str, CodeList], name: str, digest: str) -> CodeList:
    """The list of that name, refused unless its content is the one that was agreed."""
    found = lists.get(name)
    if found is None:
        raise UnknownCodeList(f"the code list “{name}” is not here: put {name}.csv in the folder of code lists.")
    if found.digest != digest:
        raise UnknownCodeList(
            f"the code list “{name}” here is not the one that was agreed ({found.digest[:19]}…, agreed {digest[:19]}…): "
            "install the agreed list, or sign a version of the agreement that names this one."
        )
    return found
