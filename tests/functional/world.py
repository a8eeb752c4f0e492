"""A partnership on real folders: a hub, people's keys, two agencies, a recipient, and the signed MV7 agreement; and its real server.

The steps are those of the demonstration, run in this process for speed. Keys, agreement and linkage secret are made once a session and
copied for each test, with a port of its own.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, Self

import requests

from adapters.agency.cli import run as run_agency
from agreements.document import read
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from demo import steps
from demo.cast import AGENCIES, OPERATOR, PARTIES, RECIPIENT, REFERENCE, ROOT, TEMPLATE, Places
from demo.stage import free_port, hub
from exchange.db import writing
from exchange.hub import Hub, open_hub
from exchange.register import agreements
from exchange.settings import read_settings
from keys.keyfile import read_keyfile
from keys.sign import Use, sign_document
from tests.functional.beside import Beside
from tests.functional.preloaded import Running, start

CLEVELAND, DURHAM = (one.party for one in AGENCIES)
PLACEHOLDER = "http://127.0.0.1:1"  # No test serves here: every copy gets an address of its own.
MAIN = "from exchange.commands import main; main()"
Edit = Callable[[str], str]


def same(text: str) -> str:
    """The agreement as it ships."""
    return text


@dataclass(frozen=True)
class World:
    """One partnership's folders and the address of its hub. ``beside``: what its hub has elsewhere than in its folder, where it has."""

    places: Places
    address: str
    beside: Beside | None = None

    @property
    def config(self) -> Path:
        """The hub's settings."""
        return self.places.hub / "hub.toml"

    @property
    def log(self) -> Path:
        """What the server's processes wrote."""
        return self.places.run / "hub.log"

    def home(self, party: str) -> Path:
        """An agency's folder."""
        return self.places.agency(party)

    def hub(self) -> Hub:
        """The hub, opened in this process."""
        return open_hub(read_settings(self.config))

    def exchange(self, *arguments: str | Path) -> str:
        """An ``exchange`` command on this hub, in this process."""
        return hub(self.config, *arguments)

    def add(self, path: Path, text: str) -> None:
        """More settings, at the end of a file."""
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def make_keys(folder: Path, *init: str, beside: Beside | None = None) -> World:
    """A hub (with more options of ``exchange init``), and everybody's keys, registered. No agreement yet."""
    places = Places(folder)
    init += tuple(beside.options(folder)) if beside else ()
    hub(None, "init", places.hub, "--public-url", PLACEHOLDER, "--operator", OPERATOR, *init)
    for party in PARTIES:
        for role in ("dpo", "signatory", "checker"):
            hub(None, "person", "new", "--owner", party, "--role", role, "--out", places.people(party))
    for one in AGENCIES:
        pin = read_keyfile(places.key(one.party, "signatory")).fingerprint
        _init(one.party, "--home", str(places.agency(one.party)), "--pin-signatory", pin)
    _init(RECIPIENT, "--home", str(places.agency(RECIPIENT)), "--recipient")
    hub(places.hub / "hub.toml", "partner", "add", *places.cards())
    return World(places, PLACEHOLDER, beside)


def _init(party: str, *arguments: str) -> None:
    with redirect_stdout(StringIO()):
        assert run_agency(["init", "--party", party, "--hub", PLACEHOLDER, *arguments, "--quiet"]) == 0


def enter(world: World, edit: Edit = same, name: str = "lcjp-mv7") -> Path:
    """Fill in the agreement (edited) and enter it; the document."""
    places = world.places
    template, document = places.run / f"{name}.template.toml", places.run / f"{name}.toml"
    template.write_text(edit(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    steps.enter(places, world.config, template, document)
    return document


def agree(world: World, edit: Edit = same, name: str = "lcjp-mv7") -> None:
    """Fill in the agreement (edited), and let every DPO advise and every signatory sign."""
    steps.sign(world.places, world.config, enter(world, edit, name), PARTIES)


def agree_at(world: World, edit: Edit, then: datetime) -> None:
    """The same as it was done at another time: everybody's statements, and the hub that recorded them, by the clock of then."""
    agreement, here = read(enter(world, edit).read_text(encoding="utf-8")), world.hub()
    for party in PARTIES:
        for capacity, voice in ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN)):
            said = Statement(party, capacity, speaker(agreement, party, capacity).name, voice, "", then, secrets.token_hex(16))
            key = read_keyfile(world.places.key(party, capacity.value)).signing
            with writing(here.engine) as session:
                agreements.record(session, sign_document(statement_document(agreement, said), Use.STATEMENT, key), lambda: then)


def share_secret(world: World) -> None:
    """The ceremony of the linkage secret, over the real server."""
    first, *others = AGENCIES
    with Server(world) as server:
        server.start()
        for verb, one in (("issue", first), *(("accept", other) for other in others)):
            with redirect_stdout(StringIO()):
                assert run_agency(["keys", verb, REFERENCE, "--home", str(world.home(one.party)), "--quiet"]) == 0


def copied(prepared: World, folder: Path) -> World:
    """A copy of a prepared partnership in another folder, at an address of its own."""
    shutil.copytree(prepared.places.run, folder, ignore=shutil.ignore_patterns("*.lock", "hub.log"))
    world = World(Places(folder), f"http://127.0.0.1:{free_port()}", prepared.beside)
    if world.beside:
        world.config.write_text(world.beside.copied(prepared.config), encoding="utf-8")
    bind = prepared.address.removeprefix("http://"), world.address.removeprefix("http://")
    for path in (world.config, *folder.glob("*/agency.toml")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(str(prepared.places.run), str(folder)).replace(*bind), encoding="utf-8")
    return world


@dataclass
class Server:
    """``exchange serve`` as a process group of its own, which can be killed and started again on the same address."""

    world: World
    process: "Running | subprocess.Popen[bytes] | None" = None
    groups: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start, without waiting."""
        with self.world.log.open("ab") as log:
            self.process = start("exchange", "--config", self.world.config, "serve", log=log, session=True)
        self.groups.append(self.process.pid)

    def ready(self) -> bool:
        """Whether somebody answers at the address and says that all is well."""
        try:
            return requests.get(f"{self.world.address}/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Until it answers; an AssertionError with its log if it ends or does not."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.running:
            if self.ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"the hub did not start:\n{self.world.log.read_text(encoding='utf-8')[-3000:]}")

    @property
    def running(self) -> bool:
        """Whether the main process lives."""
        return self.process is not None and self.process.poll() is None

    def kill(self, *, only_main: bool = False) -> None:
        """SIGKILL: the whole process group, or only its main process."""
        assert self.process is not None
        if only_main:
            os.kill(self.process.pid, signal.SIGKILL)
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """End it as an operator would, then make sure that nothing of any of its groups is left."""
        if self.process is not None and self.running:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        for group in self.groups:
            if alive(group):
                os.killpg(group, signal.SIGKILL)


@dataclass
class Operated(Server):
    """The same as its operator starts it: by the command, of the release in a folder."""

    tree: Path = ROOT

    def launch(self) -> None:
        """Start, without waiting."""
        command = [sys.executable, "-c", MAIN, "--config", str(self.world.config), "serve"]
        with self.world.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.tree, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.groups.append(self.process.pid)


def alive(group: int) -> list[int]:
    """Processes of a group that are there and no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended while we looked
            continue
        if int(pgrp) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


@contextmanager
def serving(world: World) -> Iterator[Server]:
    """The server, for as long as the block runs."""
    with Server(world) as server:
        server.start()
        yield server


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def start_agency(*arguments: str | Path) -> Running:
    """Start an ``exchange-agency`` command as the process that it would be on the agency's machine."""
    return start("exchange-agency", *arguments)


def agency(*arguments: str | Path) -> Ended:
    """Run an ``exchange-agency`` command to its end; one that hangs is killed."""
    return _ended(start_agency(*arguments), arguments[0])


def operator(config: Path, *arguments: str | Path) -> Ended:
    """Run an ``exchange`` command likewise, as the process that the operator starts."""
    return _ended(start("exchange", "--config", config, *arguments), arguments[0])


def _ended(started: Running, what: str | Path, seconds: float = 100) -> Ended:
    with started as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"{what} did not end:\n{out}\n{err}") from late
    return Ended(process.wait(), out, err)


def person(world: World, party: str, role: str) -> Path:
    """A person's key file."""
    return world.places.key(party, role)


def names(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with every pair replaced; each must be there, lest a variant be no variant."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def document_of(answer: requests.Response) -> Any:
    """The problem document of an answer."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.json()
