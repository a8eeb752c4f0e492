"""Objects on an S3-compatible service: every one written whole and once, or put in place of one that is named by its ETag.

Written for the service that a partnership has: path-style addresses, conditional puts (``If-None-Match``, ``If-Match``: asked for at the
start, :meth:`Space.check`), nothing that only one maker offers. A put whose answer was lost is told by the digest that it carries.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from exchange import extras
from exchange.errors import Misconfigured, Unavailable
from exchange.where import InBucket
from keys.errors import KeystoreUnreadable

AT_ONCE = 8  # requests of one call that run beside each other
_MANY = 1000  # names in one request, at most
_HASHED = 1 << 20
_NO_ETAG = '"00000000000000000000000000000000"'  # no object's
_DIGEST = "sha256"  # the name of the digest among an object's own words
_MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchVersion"})
_REFUSED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
_OUTRUN = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})


class ServiceFailedError(Unavailable, KeystoreUnreadable, OSError):
    """The service does not answer, or not as it should. To whoever writes files it is a disk that fails, to the keystore one that is not there."""

    code = "object-store-unavailable"


class Said(Exception):
    """What the service, or the library, answered instead: its code alone."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Service:
    """Where the service is, and the file of the hub's credentials there (an AWS credentials file, its ``[default]`` part)."""

    endpoint: str
    region: str
    credentials: Path
    ca_file: Path | None = None

    @property
    def client(self) -> Any:
        """The library's own client of this process."""
        return extras.load("s3").client(self, os.getpid())

    def call(self, what: str, **request: Any) -> dict[str, Any]:
        """One request. Said."""
        found: dict[str, Any] = extras.load("s3").call(self, os.getpid(), what, request)
        return found


class Space:
    """Everything whose key begins with one prefix of one bucket; a shelf for keys (`keys.places.Shelf`), and more."""

    def __init__(self, service: Service, place: InBucket) -> None:
        self.service, self.place = service, place
        self._prefix = f"{place.prefix}/" if place.prefix else ""

    def __str__(self) -> str:
        return str(self.place)

    def key(self, name: str) -> str:
        """The key of a name."""
        return f"{self._prefix}{name}"

    def within(self, more: str) -> "Space":
        """A space in this one."""
        return Space(self.service, InBucket(self.place.bucket, self.key(more)))

    @cached_property
    def versioned(self) -> bool:
        """Whether the bucket keeps what was removed or replaced as older versions."""
        return bool(self._ask("get_bucket_versioning").get("Status"))

    @cached_property
    def locks(self) -> bool:
        """Whether the bucket can lock objects against being removed."""
        try:
            found = self.service.call("get_object_lock_configuration", Bucket=self.place.bucket)
        except Said as error:
            if error.code in {"ObjectLockConfigurationNotFoundError", "NotImplemented", *_MISSING}:
                return False
            raise self._failed(error) from None
        return bool(found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")

    # ---------------------------------------------------------------------------------------------------------------- one

    def head(self, name: str) -> dict[str, Any] | None:
        """What the service says of an object; None where there is none."""
        return self._ask("head_object", missing=True, Key=self.key(name)) or None

    def stamp(self, name: str) -> str | None:
        """See `keys.places.Shelf.stamp`: its ETag."""
        found = self.head(name)
        return str(found["ETag"]) if found else None

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See `keys.places.Shelf.read`."""
        found = self._ask("get_object", missing=True, Key=self.key(name))
        if not found:
            return None
        return found["Body"], str(found["ETag"])

    def create(self, name: str, data: bytes | BinaryIO, *, locked: timedelta | None = None) -> str | None:
        """See `keys.places.Shelf.create`. ``locked``: for how long not even the bucket's owner may remove it (COMPLIANCE)."""
        more: dict[str, Any] = {"IfNoneMatch": "*"}
        if locked:
            more |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": datetime.now(UTC) + locked}
        return self._put(name, data, **more)

    def swap(self, name: str, data: bytes | BinaryIO, stamp: str) -> str | None:
        """See `keys.places.Shelf.swap`."""
        return self._put(name, data, IfMatch=stamp)

    def _put(self, name: str, data: bytes | BinaryIO, **more: Any) -> str | None:
        digest = hashlib.sha256(data) if isinstance(data, bytes) else _hash(data)
        more["ChecksumSHA256"] = base64.b64encode(digest.digest()).decode()  # the service takes nothing else than this
        more |= {"Bucket": self.place.bucket, "Key": self.key(name), "Body": data, "Metadata": {_DIGEST: digest.hexdigest()}}
        try:
            return str(self.service.call("put_object", **more)["ETag"])
        except Said as error:
            if error.code not in _OUTRUN | _MISSING:
                raise self._failed(error) from None
        there = self.head(name)
        # The answer to a put that was done may have been lost, and the client have tried again: then this very content is there.
        return str(there["ETag"]) if there and there.get("Metadata", {}).get(_DIGEST) == digest.hexdigest() else None

    def try_put(self) -> None:
        """Raise what a put would raise now, and write nothing: the service looks at the hub's rights before it refuses for the condition.

        Whether it has room is not told.
        """
        self.swap("tried", b"", _NO_ETAG)

    def erase(self, name: str) -> None:
        """See `keys.places.Shelf.erase`: in a versioned bucket every version, but those that are locked."""
        self.erase_all([name])

    def erase_all(self, names: list[str]) -> None:
        """The same of many."""
        keys = [{"Key": self.key(name)} for name in names]
        for at in range(0, len(keys), _MANY):
            self._ask("delete_objects", Delete={"Objects": keys[at : at + _MANY], "Quiet": True})
        if self.versioned:
            list(self._each(lambda name: self.erase_older(name, everything=True), names))

    def erase_older(self, name: str, *, everything: bool = False) -> int:
        """Remove what earlier versions of an object hold (or all of them); how many could not be, for they are locked.

        What hides a locked version stays: without it that version would be what is read.
        """
        found = self._ask("list_object_versions", Prefix=self.key(name))
        mine = [one for one in found.get("Versions", []) if one["Key"] == self.key(name) and (everything or not one["IsLatest"])]
        locked = sum(not self._erase_version(one) for one in mine)
        if everything and not locked:
            for one in found.get("DeleteMarkers", []):
                if one["Key"] == self.key(name):
                    self._erase_version(one)
        return locked

    def _erase_version(self, one: dict[str, Any]) -> bool:
        """False where it is locked."""
        try:
            self.service.call("delete_object", Bucket=self.place.bucket, Key=one["Key"], VersionId=one["VersionId"])
        except Said as error:
            if error.code != "AccessDenied":
                raise self._failed(error) from None
            return False
        return True

    # --------------------------------------------------------------------------------------------------------------- many

    def names(self, prefix: str) -> list[str]:
        """See `keys.places.Shelf.names`."""
        return [name for name, _, _ in self.listed(prefix)]

    def listed(self, prefix: str, *, most: int = 0, after: str = "") -> Iterator[tuple[str, int, timedelta]]:
        """Name, size and age (by the service's clock) of what begins so, by name; ``most`` of them, from the first ``after`` a name on."""
        found = self._pages(prefix, most or _MANY, after)
        return islice(found, most) if most else found

    def _pages(self, prefix: str, size: int, after: str) -> Iterator[tuple[str, int, timedelta]]:
        more: dict[str, Any] = {"StartAfter": self.key(after)} if after else {}
        while True:
            said = self._ask("list_objects_v2", Prefix=self.key(prefix), MaxKeys=min(size, _MANY), **more)
            now = parsedate_to_datetime(said["ResponseMetadata"]["HTTPHeaders"]["date"])
            for one in said.get("Contents", []):
                yield one["Key"].removeprefix(self._prefix), int(one["Size"]), now - one["LastModified"]
            if not said.get("IsTruncated"):
                return
            more = {"ContinuationToken": said["NextContinuationToken"]}

    def read_each(self, names: Iterator[str]) -> Iterator[tuple[bytes, str] | None]:
        """The contents of many, in their order, a few beside each other."""
        while some := list(islice(names, 4 * AT_ONCE)):
            yield from self._each(self.read, some)

    def _each(self, what: Any, names: list[str]) -> Iterator[Any]:
        if len(names) < 2:
            yield from map(what, names)
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(names))) as pool:
            yield from pool.map(what, names)

    # -------------------------------------------------------------------------------------------------------------- checks

    def check(self) -> None:
        """That the bucket is there, may be written, and that conditions of puts are honoured: Misconfigured if not."""
        name, remedy = f"check-{secrets.token_hex(8)}", "Use a service that honours If-None-Match and If-Match of PutObject."
        if not self._ask("head_bucket", missing=True):
            raise Misconfigured(f"{self}: there is no such bucket.", remedy="The operator makes it; the hub makes none.")
        if (stamp := self.create(name, b"first")) is None:
            raise Misconfigured(f"{self}: the service says that a new object is there already.", remedy=remedy)
        try:
            again = self.create(name, b"second"), self.swap(name, b"third", _NO_ETAG)
            if again != (None, None) or self.swap(name, b"fourth", stamp) is None:
                raise Misconfigured(f"{self}: the service ignores the conditions of a put.", remedy=remedy)
        finally:
            self.erase(name)

    def _ask(self, what: str, *, missing: bool = False, **more: Any) -> dict[str, Any]:
        """One request; empty where the thing asked for is not there and may be so."""
        try:
            return self.service.call(what, Bucket=self.place.bucket, **more)
        except Said as error:
            if missing and error.code in _MISSING:
                return {}
            raise self._failed(error) from None

    def _failed(self, error: Said) -> ServiceFailedError:
        """What is said: which place, and the service's own code; nothing of a request, for that is signed."""
        remedy = "Try again in a minute; if it stays so, the operator looks at the service, its bucket and the hub's rights there."
        if error.code in _REFUSED:
            remedy = "The operator looks at s3_credentials_file, and gives the hub the right to read, list, write and remove objects there."
        return ServiceFailedError(f"the object store does not do what it is asked ({self.place.bucket}: {error.code}).", remedy=remedy)


def _hash(file: BinaryIO) -> Any:
    digest = hashlib.sha256()
    while chunk := file.read(_HASHED):
        digest.update(chunk)
    file.seek(0)
    return digest
