"""Two runs never overlap in one state folder. The operating system drops the lock when a run dies, however it dies."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from adapters.errors import AlreadyRunning, ConfigError

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})  # how systems say that another has it


@contextlib.contextmanager
def only_run(home: Path) -> Iterator[None]:
    """Hold the state folder's lock; AlreadyRunning if another run has it."""
    with (home / ".lock").open("ab") as file:
        try:
            _take(file)
        except OSError as error:
            if error.errno not in _HELD:
                raise ConfigError(
                    f"{home / '.lock'}: this file system keeps no locks.",
                    why="Without one, two runs could overlap. A network folder without its lock service is such a file system.",
                    remedy="Put the state folder on a disk of this machine: --home, or EXCHANGE_AGENCY_HOME.",
                ) from None
            raise AlreadyRunning(
                "Another run of exchange-agency is at work in this folder.",
                why=f"It holds {home / '.lock'}.",
                remedy="Wait for it to end; a run that was killed holds nothing.",
            ) from None
        yield
