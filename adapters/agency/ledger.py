"""Every upload id this agency ever chose, one a line: by it the agency knows its own submissions from those of somebody in its name."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


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
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{upload}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def known(self) -> frozenset[str]:
        """Every id noted. A line that a crash cut short is no id of anything sent."""
        return frozenset(self.path.read_text(encoding="ascii").split()) if self.path.is_file() else frozenset()
