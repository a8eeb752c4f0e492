"""A real S3-compatible service for tests (SeaweedFS), begun when the first test asks for one, thrown away at the end."""

import atexit
import ctypes
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import exchange.bucket as s3
from exchange.where import InBucket
from tests.programs import installed, short_folder

EVERYTHING = ("Admin", "Read", "Write", "List", "Tagging")
_PR_SET_PDEATHSIG = 1
_GRPC = 10_000  # the server listens there too, above each of its ports


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _ports(count: int) -> list[int]:
    """Ports that are free, and with them those of gRPC."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(20_000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + _GRPC))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Service:
    """One server on this machine, its data in a folder of its own. ``credentials``: the file that a hub is told of."""

    def __init__(self, tls: tuple[str, str, str] | None = None) -> None:
        """``tls``: files of its authority, its certificate and its key, with which it answers at every address of this machine."""
        self.folder = short_folder("lcjp-s3-")
        self.numbers = itertools.count(1)
        self.credentials = self.folder / "credentials"
        secret = secrets.token_hex(16)
        self.credentials.write_text(f"[default]\naws_access_key_id = hub\naws_secret_access_key = {secret}\n")
        self.credentials.chmod(0o600)
        self._secret, self._identities = secret, self.folder / "s3.json"
        self._write_identities(EVERYTHING)
        here, master, volume, filer = _ports(4)
        self.port, self.ca_file = here, Path(tls[0]) if tls else None
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{here}"
        (self.folder / "data").mkdir()
        self.command = [
            installed("weed"),
            "server",
            f"-dir={self.folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            f"-s3.port={here}",
            f"-s3.config={self._identities}",
            f"-master.port={master}",
            f"-volume.port={volume}",
            f"-filer.port={filer}",
            "-volume.max=0",
            "-master.volumeSizeLimitMB=64",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            *([f"-s3.cert.file={tls[1]}", f"-s3.key.file={tls[2]}", "-s3.ip.bind=0.0.0.0"] if tls else []),
        ]
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.server = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # one call of the kernel; a killed test run must leave no server behind
            )
        self._wait()

    def crash(self) -> None:
        """Kill it; what it had answered for is there after :meth:`start`."""
        self.server.kill()
        self.server.wait()

    @property
    def settings(self) -> dict[str, Any]:
        """What a hub's settings say of it."""
        trusted = {"s3_ca_file": self.ca_file} if self.ca_file else {}
        return {"s3_endpoint": self.endpoint, "s3_region": "us-east-1", "s3_credentials_file": self.credentials, **trusted}

    @property
    def service(self) -> "s3.Service":
        """As a hub reaches it."""
        return s3.Service(self.endpoint, "us-east-1", self.credentials, self.ca_file)

    @property
    def client(self) -> Any:
        """As the service's operator."""
        return self.service.client

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            assert self.server.poll() is None, f"the S3 server ended: {(self.folder / 'log').read_text()[-2000:]}"
            try:
                with suppress(self.client.exceptions.BucketAlreadyOwnedByYou, self.client.exceptions.BucketAlreadyExists):
                    self.client.create_bucket(Bucket="tests")
                self.client.put_object(Bucket="tests", Key="up", Body=b"up")
            except Exception:  # noqa: BLE001  # not yet: its parts come up one after the other
                assert time.monotonic() < until, "the S3 server does not answer"
                time.sleep(0.1)
            else:
                return

    def may(self, *actions: str) -> None:
        """Give the hub these rights, and no others, from now on: all of :data:`EVERYTHING` to begin with."""
        self._write_identities(actions)
        self.server.send_signal(signal.SIGHUP)
        until = time.monotonic() + 30
        while self._writes() != ("Write" in actions):
            assert time.monotonic() < until, "the S3 server does not take up other rights"
            time.sleep(0.05)

    def _write_identities(self, actions: Sequence[str]) -> None:
        one = {"name": "hub", "credentials": [{"accessKey": "hub", "secretKey": self._secret}], "actions": actions}
        self._identities.write_text(json.dumps({"identities": [one]}))

    def _writes(self) -> bool:
        try:
            self.client.put_object(Bucket="tests", Key="up", Body=b"up")
        except ClientError:
            return False
        return True

    def place(self, name: str = "") -> InBucket:
        """A place that nobody has used before."""
        return InBucket("tests", f"{next(self.numbers)}-{secrets.token_hex(3)}{f'/{name}' if name else ''}")

    def locking(self) -> str:
        """A new bucket that can lock objects."""
        name = f"locking-{next(self.numbers)}-{secrets.token_hex(3)}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        return name

    def space(self, place: InBucket | None = None) -> "s3.Space":
        """What lies in a place, as the hub has it."""
        return s3.Space(self.service, place or self.place())

    def copy(self, source: InBucket, into: InBucket) -> None:
        """Everything under one place once more under another."""
        theirs, ours, client = self.space(source), self.space(into), self.client

        def copy(name: str) -> None:
            client.copy_object(CopySource={"Bucket": source.bucket, "Key": theirs.key(name)}, Bucket=into.bucket, Key=ours.key(name))

        with ThreadPoolExecutor(s3.AT_ONCE) as pool:
            list(pool.map(copy, theirs.names("")))

    def close(self) -> None:
        """Stop the server and remove everything."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


class LazyS3:
    """The server of this process, begun at the first call."""

    server: Service | None = None

    def __call__(self) -> Service:
        if LazyS3.server is None:
            LazyS3.server = Service()
            atexit.register(LazyS3.server.close)
        return LazyS3.server


@pytest.fixture(scope="session")
def s3_service() -> LazyS3:
    """Call it for the server."""
    return LazyS3()
