"""The lines of the log's second store as bytes, and how they come to the disk: ``exchange.log.second``."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.errors import Misconfigured

Line = Mapping[str, Any]
_LINE = re.compile(rb'\{"number": ([0-9]+), "leaf": "([A-Za-z0-9_-]{43})"(?:, "salt": "[A-Za-z0-9_-]{43}", "entry": \{.*\})?\}\n')


def write_line(line: Line) -> bytes:
    """The line, its end included."""
    members = {name: line[name] for name in ("number", "leaf", "salt", "entry") if name in line}
    return json.dumps(members, ensure_ascii=False).encode() + b"\n"


def read_line(raw: bytes, number: int, path: Path) -> dict[str, Any]:
    """The line that must be of this number; ``Misconfigured`` if it is no such line."""
    match = _LINE.fullmatch(raw)
    if match is None or int(match[1]) != number:
        raise damaged(path, number)
    try:
        found: dict[str, Any] = json.loads(raw)
    except ValueError as error:
        raise damaged(path, number) from error
    return found


def scan(path: Path, first: int) -> tuple[dict[int, str], int]:
    """Leaves of a segment's whole lines, and where they end: a last line without its end is not one."""
    leaves, length = {}, 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, first):
            match = _LINE.fullmatch(raw)
            if match is None and (not raw.endswith(b"\n") or b"\0" in raw):
                if any(_LINE.fullmatch(later) for later in file):  # a crash leaves nothing whole behind what it tore
                    raise damaged(path, number)
                break
            if match is None or int(match[1]) != number:
                raise damaged(path, number)
            leaves[number] = match[2].decode()
            length += len(raw)
    return leaves, length


def damaged(path: Path, number: int) -> Misconfigured:
    """What is said of a segment that no crash has left so."""
    return Misconfigured(
        f"the second store of the log is damaged at entry {number} ({path.name}).",
        remedy="If the database is whole, move the folder away: it is written anew at the next start. See docs/log.md.",
    )


def write_durably(path: Path, content: bytes, how: int) -> None:
    """Write all of it and flush it. ``how``: ``os.O_APPEND`` or ``os.O_TRUNC``."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
