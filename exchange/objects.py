"""Files that appear whole or not at all: written beside their place, flushed, renamed, and the folder flushed."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from exchange.errors import Unacceptable

_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{0,119}$")


class Objects:
    """A folder of objects. Names are ours (ids), never a caller's text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where an object is, or would be. Two letters of its name make its folder."""
        if not _NAME.fullmatch(name) or ".." in name:
            raise Unacceptable("this is not the name of an object.")
        return self.folder / name[:2] / name

    def draft(self, name: str) -> Path:
        """A place to write before :meth:`keep`, in the same file system."""
        place = self.path(name)
        if not place.parent.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)  # or a loss of power could take the folder, and with it what was kept in it
        return place.with_name(f"{name}.{secrets.token_hex(4)}.part")

    def keep(self, draft: Path, name: str) -> None:
        """Make a finished draft durable under its name."""
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        place = self.path(name)
        draft.replace(place)
        sync_folder(place.parent)

    def holds(self, name: str, size: int) -> bool:
        """Whether an object of this size is there."""
        try:
            return self.path(name).stat().st_size == size
        except FileNotFoundError:
            return False

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        self.path(name).unlink(missing_ok=True)

    def beginning(self, prefix: str) -> list[str]:
        """Every object whose name begins so: two letters at least, which are those of its folder."""
        folder = self.path(prefix).parent
        return sorted(path.name for path in folder.glob(f"{prefix}*") if not path.name.endswith(".part"))

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects for good: once this returns, no loss of power brings one back. One that is not there is no error."""
        folders = set()
        for name in names:
            self.delete(name)
            folders.add(self.path(name).parent)
        for folder in sorted(folders):
            if folder.is_dir():
                sync_folder(folder)

    def names(self) -> Iterator[str]:
        """Every object there is; drafts are not objects."""
        for path in sorted(self.folder.glob("??/*")):
            if not path.name.endswith(".part"):
                yield path.name

    def sweep(self) -> int:
        """Remove every draft: leftovers of a process that was killed. Only while nobody writes one."""
        drafts = list(self.folder.glob("??/*.part"))
        for path in drafts:
            path.unlink(missing_ok=True)
        return len(drafts)


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in this folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
