"""Every upload id this agency ever chose, one a line: by it the agency knows its own submissions from those of somebody in its name."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keys.files import sync_folder


@dataclass(frozen=True)
class Ledger:
    """``uploads.txt`` in the state folder; it only grows (33 bytes an upload)."""

    path: Path

    @classmethod
    def beside(cls, spool: Path) -> Self:
        """The ledger of the folder that a spool lies in."""
        return cls(spool.parent / "uploads.txt")

    def add(self, upload: str) -> None:
        """Note an upload id; it is on disk before this returns, and so before the hub can have heard of it."""
        new = not self.path.is_file()
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            # On a line of its own, whatever a crash left of the one before.
            file.write(f"\n{upload}\n".encode() if self._torn() else f"{upload}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path.parent)

    def known(self) -> frozenset[str]:
        """Every id noted. A line that a crash cut short is no id of anything sent."""
        return frozenset(self.path.read_text(encoding="ascii", errors="replace").split()) if self.path.is_file() else frozenset()

    def _torn(self) -> bool:
        if not self.path.is_file() or self.path.stat().st_size == 0:
            return False
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"
