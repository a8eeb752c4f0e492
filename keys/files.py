"""Files that hold keys: durable on return, private to their owner, overwritten before they are removed."""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from keys.errors import KeyExists

TEMPORARY = ".writing-"


def write_new(path: Path, data: bytes) -> None:
    """Create `path` (mode 0600) with `data`, durably; KeyExists if it is there, under whatever race.

    A crash may leave an incomplete file, which no reader accepts and nothing refers to.
    """
    try:
        _write(path, data)
    except FileExistsError as error:
        raise KeyExists("a file of that name is already there") from error
    sync_folder(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Put `data` in `path` (mode 0600), durably: a crash leaves the old content or the new, never a mixture."""
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    _write(temporary, data)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def erase(path: Path) -> None:
    """Overwrite a file with random bytes and remove it, durably; nothing happens if it is not there."""
    with contextlib.suppress(FileNotFoundError), opened_to_scrub(path) as scrub:
        scrub()
        path.unlink()
    sync_folder(path.parent)


@contextlib.contextmanager
def opened_to_scrub(path: Path) -> Iterator[Callable[[], None]]:
    """Hold a file open, and give a function that overwrites its content with random bytes, even once its name is gone or another file's.

    Overwriting is what software can do: a copy-on-write file system or a wear-levelled disk may keep old blocks.
    """
    descriptor = os.open(path, os.O_WRONLY | _BINARY)

    def scrub() -> None:
        left = os.fstat(descriptor).st_size
        os.lseek(descriptor, 0, os.SEEK_SET)
        while left:
            left -= os.write(descriptor, secrets.token_bytes(min(left, 1 << 20)))
        os.fsync(descriptor)

    try:
        yield scrub
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make names created, replaced or removed in `folder` durable (a no-op on Windows, which has no such call)."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Erase temporary files that a crash left in `folder`. Only while nobody else writes there."""
    for path in folder.glob(f"{TEMPORARY}*"):
        erase(path)


def readable_by_others(path: Path, *, group: bool) -> bool:
    """Whether everyone on the machine (and, if asked, the file's group) may read or change it. Windows has no such bits."""
    mask = stat.S_IRWXO | (stat.S_IRWXG if group else 0)
    return sys.platform != "win32" and bool(path.stat().st_mode & mask)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
