"""What a power cut would take: from the calls that an operation made, files and names that were never flushed to the disk."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.faults.tracing import Call

_PATH = re.compile(r'<(/[^>]*)>|"(/[^"]*)"')
_FLUSHES = frozenset({"fsync", "fdatasync"})
_RENAMES = frozenset({"rename", "renameat", "renameat2"})
# What need not last: memory shared through a file, lock files without content, and what is itself on its way out.
_PASSING = (".sqlite-shm", ".lock", "/lock")


def not_durable(calls: Sequence[Call]) -> list[str]:
    """Each file that was written and not flushed afterwards, each folder whose new or changed names were not."""
    dirty: dict[str, str] = {}
    for call in calls:
        if " = -1" in call.text:
            continue
        paths = [one or other for one, other in _PATH.findall(call.text)]
        paths = [path for path in paths if path.startswith("/")]
        if not paths:
            continue
        last = paths[-1] if call.name in (*_RENAMES, "openat", "open") else paths[0]
        if call.name in _FLUSHES:
            dirty.pop(paths[0], None)
        elif call.name in _RENAMES:
            if (what := dirty.pop(paths[-2], None)) is not None:
                dirty[last] = what
            dirty[str(Path(last).parent)] = f"the name of {_short(last)} was never flushed"
        elif call.name in ("mkdir", "mkdirat"):
            dirty[str(Path(paths[-1]).parent)] = f"the name of the folder {_short(paths[-1])} was never flushed"
        elif call.name in ("unlink", "unlinkat"):
            dirty.pop(paths[-1], None)
        elif call.name in ("write", "pwrite64", "ftruncate", "fallocate"):
            dirty[paths[0]] = f"{_short(paths[0])} was written and never flushed"
    return sorted(what for path, what in dirty.items() if not path.endswith(_PASSING))


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])
