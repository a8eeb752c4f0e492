"""What a place is, as settings name it: a folder of this host, or part of a bucket on an S3-compatible service."""

import re
from pathlib import Path
from typing import NamedTuple

from exchange.errors import Misconfigured

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9][A-Za-z0-9._/-]{0,200}))?/?")


class InBucket(NamedTuple):
    """A place on an S3-compatible service: what begins with a prefix (without a slash at its end; empty for everything) in a bucket."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


Place = Path | InBucket


def in_bucket(file: str, name: str, value: str) -> InBucket:
    """The place that a setting names, of which the value begins with ``s3:``."""
    match = _BUCKET.fullmatch(value)
    if match is None or "//" in (match[2] or ""):
        raise Misconfigured(f"{file}: {name} is a folder or s3://bucket/prefix.")
    return InBucket(match[1], (match[2] or "").rstrip("/"))
