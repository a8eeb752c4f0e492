"""The folder map: which file of which watched folder is of which dataset and period. Pure: it reads no disk.

A file's name is matched as a whole by a pattern: ``{period}`` is a period as agreements write it (``2021-04``, ``2021-Q2``, ``2021-04-30``,
``2021``); ``{year}``, ``{quarter}``, ``{month}`` and ``{day}`` are its parts where they stand in another way; ``*`` is anything; the rest is itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from adapters.errors import ConfigError
from agreements.errors import InvalidPeriod
from agreements.periods import Period

QUIET = 60.0
_PARTS: Mapping[str, str] = {
    "period": r"(?P<period>\d{4}(?:-(?:Q[1-4]|\d{2}(?:-\d{2})?))?)",
    "year": r"(?P<year>\d{4})",
    "quarter": r"(?P<quarter>[1-4])",
    "month": r"(?P<month>\d{2})",
    "day": r"(?P<day>\d{2})",
}
_WHOLE = (
    {"period"},
    {"year"},
    {"year", "quarter"},
    {"year", "month"},
    {"year", "month", "day"},
)
_MEMBERS = ("folder", "file", "dataset", "agreement", "quiet")


@dataclass(frozen=True)
class Folder:
    """One line of the folder map.

    Attributes:
        folder: where the files appear. Nothing in it is ever written, moved or deleted.
        file: the pattern of their names.
        dataset: what they are of.
        agreement: serve only the agreement of this reference; empty: every one that names the dataset.
        quiet: seconds for which a file must not have changed before it is taken to be whole.
    """

    folder: Path
    file: str
    dataset: str
    agreement: str = ""
    quiet: float = QUIET

    def period_of(self, name: str) -> Period | None:
        """The period that a file's name says; None where the name is not of the pattern, or says a day that the calendar has not."""
        found = re.fullmatch(_expression(self.file), name, re.ASCII)
        if found is None:
            return None
        parts = found.groupdict()
        text = parts.get("period") or "-".join(
            (parts["year"], *(f"Q{parts[one]}" if one == "quarter" else parts[one] for one in ("quarter", "month", "day") if one in parts))
        )
        try:
            return Period.parse(text)
        except InvalidPeriod:
            return None


def _expression(pattern: str) -> str:
    pieces = re.split(r"(\{[a-z]+\}|\*)", pattern)
    return "".join(
        ".*" if one == "*" else _PARTS[one[1:-1]] if one[:1] == "{" and one[1:-1] in _PARTS else re.escape(one) for one in pieces
    )


def nearest(name: str, known: Sequence[str]) -> str:
    """``Did you mean “party”?``, or nothing where no known name is near."""
    near = get_close_matches(name, known, 1, 0.6) or get_close_matches(name, [one.rpartition(".")[2] for one in known], 1, 0.8)
    full = next((one for one in known if near and one.rpartition(".")[2] == near[0].rpartition(".")[2]), "")
    return f"Did you mean “{near[0] if near[0] in known else full}”?" if near else ""


def read_folders(written: Any, home: Path, origin: str) -> tuple[Folder, ...]:
    """The folder map as agency.toml has it; ConfigError names the entry and the member.

    Args:
        home: paths are from here.
        origin: where it is written, for messages.
    """
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        raise ConfigError(f"{origin}: “folders” must be written as [[folders]], one table a kind of file.", remedy="Correct it.")
    return tuple(_folder(one, home, f"{origin}, entry {number}") for number, one in enumerate(written, 1))


def _folder(written: Mapping[str, Any], home: Path, origin: str) -> Folder:
    for name in written:
        if name not in _MEMBERS:
            remedy = nearest(name, _MEMBERS) or "Take it out."
            raise ConfigError(
                f"{origin}: “{name}” is not a member of [[folders]].", why=f"There are: {', '.join(_MEMBERS)}.", remedy=remedy
            )
    for name in _MEMBERS[:4]:
        if not isinstance(written.get(name, ""), str) or (name != "agreement" and not written.get(name)):
            raise ConfigError(f"{origin}: “{name}” must be a text.", remedy="docs/agency.md shows an entry.")
    quiet = written.get("quiet", QUIET)
    if isinstance(quiet, bool) or not isinstance(quiet, int | float) or not 0 <= quiet <= 86_400:
        raise ConfigError(f"{origin}: “quiet” must be a number of seconds from 0 to 86400.", remedy="Correct it.")
    names = re.findall(r"\{([^}]*)\}", written["file"])
    if set(names) not in _WHOLE or len(names) != len(set(names)) or re.search(r"[/\\]", written["file"]):
        raise ConfigError(
            f"{origin}: “file” must be a file's name that says its period once.",
            why="{period}, or {year} with {quarter}, {month} or {month} and {day}; * is anything.",
            remedy="Write it as “crimes-{period}.csv” or “CRIMES_{year}{month}_*.csv”.",
        )
    folder = home / Path(written["folder"]).expanduser()
    return Folder(folder, written["file"], written["dataset"], written.get("agreement", ""), float(quiet))
