"""Two runs never overlap in one state folder. The operating system drops the lock when a run dies, however it dies."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from adapters.errors import AlreadyRunning

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def only_run(home: Path) -> Iterator[None]:
    """Hold the state folder's lock; AlreadyRunning if another run has it."""
    with (home / ".lock").open("ab") as file:
        try:
            _take(file)
        except OSError:
            raise AlreadyRunning(
                "Another run of exchange-agency is at work in this folder.",
                why=f"It holds {home / '.lock'}.",
                remedy="Wait for it to end; a run that was killed holds nothing.",
            ) from None
        yield
