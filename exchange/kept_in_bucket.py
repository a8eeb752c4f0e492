"""Held parts and sealed parts in a bucket: :class:`exchange.objects.Store` for any number of hosts.

A draft is a file of the host's own folder, and goes to the service at :meth:`BucketObjects.keep`, which returns when it is durable there. A
held part is read by one request and into memory, never onto a disk: parts are small (a sealed one has at most 16 MiB), and footer, column
chunks and rows of one, asked for by ranges, would be three requests or more for what one brings.
"""

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from exchange.bucket import AT_ONCE, Space
from exchange.errors import Conflict
from exchange.objects import checked

DRAFTS = "drafts"


class BucketObjects:
    """Objects of one space. ``home``: this host's own folder. ``renews``: a name that is taken by other content is written anew, not refused."""

    own_drafts = True  # no other host's

    def __init__(self, space: Space, home: Path, *, renews: bool = False) -> None:
        self._space, self._renews = space, renews
        self.room = home / DRAFTS
        self.room.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def filesystem(self) -> fs.FileSystem:
        """Reads objects by their name."""
        return fs.PyFileSystem(_Reading(self._space))

    def place(self, name: str) -> str:
        """See :meth:`Store.place`."""
        return checked(name)

    def draft(self, name: str) -> Path:
        """See :meth:`Store.draft`."""
        return self.room / f"{checked(name)}.{secrets.token_hex(4)}.part"

    def keep(self, draft: Path, name: str) -> None:
        """See :meth:`Store.keep`."""
        with draft.open("rb") as file:
            kept = self._space.create(checked(name), file)
            while kept is None and self._renews:
                file.seek(0)
                stamp = self._space.stamp(name)
                kept = self._space.swap(name, file, stamp) if stamp else self._space.create(name, file)
        if kept is None:
            raise Conflict(
                f"the object store has another object of this name ({name}).", remedy="Nothing was written over: tell the operator."
            )
        draft.unlink(missing_ok=True)

    def keep_all(self, drafts: Sequence[tuple[Path, str]]) -> None:
        """See :meth:`Store.keep_all`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda one: self.keep(*one), drafts))

    def holds(self, name: str, size: int) -> bool:
        """See :meth:`Store.holds`."""
        found = self._space.head(checked(name))
        return found is not None and found["ContentLength"] == size

    def sizes(self, prefix: str) -> dict[str, int]:
        """See :meth:`Store.sizes`."""
        return {name: size for name, size, _ in self._space.listed(checked(prefix))}

    def delete(self, name: str) -> None:
        """See :meth:`Store.delete`."""
        self._space.erase(checked(name))

    def beginning(self, prefix: str) -> list[str]:
        """See :meth:`Store.beginning`."""
        return self._space.names(checked(prefix))

    def remove(self, names: Iterable[str]) -> None:
        """See :meth:`Store.remove`."""
        if found := [checked(name) for name in names]:
            self._space.erase_all(found)

    def names(self, older: timedelta | None = None) -> Iterator[str]:
        """See :meth:`Store.names`."""
        return (name for name, _, age in self._space.listed("") if older is None or age > older)

    def sweep(self) -> int:
        """See :meth:`Store.sweep`."""
        drafts = list(self.room.glob("*.part"))
        for path in drafts:
            path.unlink(missing_ok=True)
        return len(drafts)

    def save(self, name: str, into: Path) -> None:
        """See :meth:`Store.save`."""
        found = self._space.read(checked(name))
        if found is None:
            raise FileNotFoundError(name)
        into.write_bytes(found[0])

    @contextlib.contextmanager
    def at_hand(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """See :meth:`Store.at_hand`."""
        places = [self.draft(name) for name in names]
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.save, names, places))
            yield places
        finally:
            for place in places:
                place.unlink(missing_ok=True)


class _Reading(fs.FileSystemHandler):
    """What pyarrow reads a data set through: whole objects, by their names."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reading) and other._space is self._space

    def __hash__(self) -> int:
        return id(self._space)

    def get_type_name(self) -> str:
        return "s3"

    def normalize_path(self, path: str) -> str:
        return path

    def open_input_file(self, path: str) -> Any:
        found = self._space.read(path)
        if found is None:
            raise FileNotFoundError(path)
        return pa.BufferReader(found[0])

    open_input_stream = open_input_file

    def get_file_info(self, paths: Sequence[str]) -> list[fs.FileInfo]:
        found = [(path, self._space.head(path)) for path in paths]
        return [
            fs.FileInfo(path, fs.FileType.File, size=head["ContentLength"]) if head else fs.FileInfo(path, fs.FileType.NotFound)
            for path, head in found
        ]

    def _reads_only(self, *_: object, **__: object) -> Any:
        raise NotImplementedError

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _reads_only
    delete_file = move = copy_file = open_output_stream = open_append_stream = _reads_only
