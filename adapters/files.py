"""Extracts as files: plain or gzip, opened and read in bounded memory; what goes wrong says so without quoting the file."""

import codecs
import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO

from adapters.errors import NotThisEncoding, ValidationFailed

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
CHUNK = 1 << 20
LONGEST_RECORD = 16 << 20


class Reading:
    """A plain or gzip file read once, forward.

    It refuses, with ValidationFailed, a file that goes on for LONGEST_RECORD bytes without a record being finished: nothing of a hostile
    file is ever held but one record. `read(size)` is what parsers call.
    """

    def __init__(self, path: Path, raw: BinaryIO, recode: str = "") -> None:
        self.path = path
        self.total = path.stat().st_size
        self._raw = raw
        self._stream: Any = gzip.GzipFile(fileobj=raw) if is_gzip(raw) else raw
        self._decoder = codecs.getincrementaldecoder(recode)() if recode else None
        self._since = 0

    @property
    def done(self) -> int:
        """Bytes of the file read so far."""
        return min(self._raw.tell(), self.total)

    def finished(self) -> None:
        """A record is finished."""
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as UTF-8 where the file is recoded."""
        if self._since > LONGEST_RECORD:
            raise ValidationFailed(
                f"{self.path.name}: a record is longer than {LONGEST_RECORD >> 20} MB, or there is none.",
                remedy="Export the file again.",
            )
        data = bytes(self._stream.read(CHUNK if size < 0 else size))
        self._since += len(data)
        if self._decoder is None:
            return data
        text = self._decoder.decode(data, final=not data)
        return text.encode() or (self.read(size) if data else b"")


@contextmanager
def reading(path: Path, encoding: str = "utf-8", *, recode: bool = False) -> Iterator[Reading]:
    """Open an extract for one reading. What the file system or gzip raise inside becomes ValidationFailed, and bytes that are not text in
    the encoding NotThisEncoding.

    Args:
        recode: whether text in another encoding is handed on as UTF-8.
    """
    try:
        with path.open("rb") as raw:
            yield Reading(path, raw, encoding if recode and encoding != "utf-8" else "")
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise not_encoded(path, encoding) from None


def state(path: Path) -> tuple[int, ...]:
    """What tells a file from another, and from itself once somebody has written to it.

    Raises:
        ValidationFailed: there is none, or it is no file: a pipe or a device would be waited for, and could not be read twice.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    if not S_ISREG(found.st_mode):
        raise ValidationFailed(f"{path.name}: this is no file.", remedy="Name the extract itself, not a folder, a pipe or a device.")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def not_encoded(path: Path, encoding: str) -> NotThisEncoding:
    """The bytes of a file are not text in this encoding."""
    return NotThisEncoding(f"{path.name}: the text is not {encoding}.", remedy="Export it as UTF-8 or as Windows-1252.")


def unreadable(path: Path, error: BaseException) -> ValidationFailed:
    """A file cannot be opened or read to its end."""
    reasons: Mapping[type[BaseException], str] = {FileNotFoundError: "there is no such file", PermissionError: "it may not be read"}
    reason = reasons.get(type(error), "it breaks off or is damaged (gzip says so, or the disk)")
    return ValidationFailed(f"{path.name}: {reason}.", remedy="Nothing was sent. Copy or export the file again.")


def is_gzip(raw: BinaryIO) -> bool:
    """Whether a file is packed; it is read from its beginning afterwards."""
    compressed = raw.read(2) == GZIP
    raw.seek(0)
    return compressed
