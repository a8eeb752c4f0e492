"""The files of an edition as they are kept: their digests, their media types."""

import hashlib
from collections.abc import Mapping

from exchange.releases.tables import EditionFileRow

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".csv-metadata.json": "application/csvm+json",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}


def file_rows(files: Mapping[str, bytes]) -> list[EditionFileRow]:
    """One row a file, to be kept with its edition."""
    return [
        EditionFileRow(name=name, media_type=_media_type(name), sha256=sha256, content=files[name])
        for name, sha256 in file_digests(files).items()
    ]


def file_digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Each file's digest, ``sha256:`` and hexadecimal, by its name."""
    return {name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _media_type(name: str) -> str:
    # The longest ending wins: a CSVW description is JSON too.
    return next(_MEDIA_TYPES[ending] for ending in sorted(_MEDIA_TYPES, key=len, reverse=True) if name.endswith(ending))
