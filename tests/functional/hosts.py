"""Several hosts on one machine: each a network namespace of its own and private folders, with nothing in common but the servers.

These are PostgreSQL, an S3 service and OpenBao, at the other end of each host's cable. That takes root. Without it a host is a process with a
folder of its own, and what lies between it and each server a process that passes on what each end says, and can be put to sleep.
``LCJP_TEST_HOSTS=proxies`` has root do the same.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from demo.cast import ROOT
from exchange.leader import LEADER
from exchange.settings import read_settings
from tests.functional.servers import Servers, subnet
from tests.functional.world import MAIN, World, alive
from tests.postgres import free_port

PROXY = """
import socket, sys, threading
here, there = int(sys.argv[1]), int(sys.argv[2])
def pump(one, other):
    try:
        while piece := one.recv(65536):
            other.sendall(piece)
    except OSError:
        pass
    for end in (one, other):
        try: end.shutdown(socket.SHUT_RDWR)
        except OSError: pass
listening = socket.create_server(("127.0.0.1", here))
while True:
    one, _ = listening.accept()
    try:
        other = socket.create_connection(("127.0.0.1", there))
    except OSError:
        one.close()
        continue
    for pair in ((one, other), (other, one)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def namespaces() -> bool:
    """Whether hosts can be namespaces here."""
    if os.geteuid() != 0 or os.environ.get("LCJP_TEST_HOSTS") == "proxies" or not all(map(shutil.which, ("ip", "unshare"))):
        return False
    return not subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, check=False).returncode


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> float:
    """Wait until it is true; how many seconds that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


@dataclass
class Host:
    """One host. ``hidden``: the folder of the hub's first host, of which it sees nothing."""

    name: str
    number: int
    base: Path
    hidden: Path
    isolated: bool
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    proxies: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Its own folder."""
        return self.base / "hosts" / self.name

    @property
    def space(self) -> str:
        """Its namespace; and the name of its cable's end here."""
        return f"lx{os.getpid() % 1_000_000}{self.name}"

    def wire(self, *ports: int) -> list[str]:
        """Lay its cable; the address and port at which it finds what listens on each of these ports here."""
        if not self.isolated:
            mine = [(free_port(), port) for port in ports]
            self.proxies += [subprocess.Popen([sys.executable, "-c", PROXY, *map(str, pair)]) for pair in mine]
            self.home.mkdir(parents=True, exist_ok=True)
            return [f"127.0.0.1:{here}" for here, _ in mine]
        (self.base / "hosts").mkdir(exist_ok=True)
        inner = f"{self.space}i"
        for line in (
            f"netns add {self.space}",
            f"link add {self.space} type veth peer name {inner}",
            f"link set {inner} netns {self.space}",
            f"addr add {subnet(self.number, 1)}/30 dev {self.space}",
            f"link set {self.space} up",
            f"-n {self.space} addr add {subnet(self.number, 2)}/30 dev {inner}",
            f"-n {self.space} link set {inner} up",
            f"-n {self.space} link set lo up",
        ):
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        return [f"{subnet(self.number, 1)}:{port}" for port in ports]

    def start(self, config: Path, *command: str) -> "subprocess.Popen[bytes]":
        """One of the hub's programs on this host, as a process group of its own."""
        program = [sys.executable, "-c", MAIN, "--config", str(config), *command]
        if self.isolated:  # of every host's folder it sees its own alone, empty; of the first host's nothing
            hide = f"mount -t tmpfs -o mode=700 tmpfs {self.hidden}"
            inside = f'{hide} && mount -t tmpfs -o mode=700 tmpfs {self.base}/hosts && mkdir {self.home} && exec "$@"'
            program = ["ip", "netns", "exec", self.space, "unshare", "-m", "sh", "-c", inside, "sh", *program]
        with (self.base / f"{self.name}.log").open("ab") as log:
            process = subprocess.Popen(program, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(process)
        return process

    def ids(self) -> list[str]:
        """The ids by which its processes are known, while they live."""
        found = []
        for process in self.processes:
            root = Path(f"/proc/{process.pid}/root") if self.isolated else Path("/")
            with suppress(OSError):
                found.append((root / str(self.home / "host").lstrip("/")).read_text())
        return found

    def opens(self) -> bool:
        """Whether a confined process of its is opening parts."""
        return any(len(alive(process.pid)) > 1 for process in self.processes)

    def kill(self) -> None:
        """SIGKILL to all of it."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
        self.processes.clear()

    def cut(self) -> None:
        """Pull out its cable: nothing it says arrives any more, and nobody tells it so."""
        for proxy in self.proxies:
            proxy.send_signal(signal.SIGSTOP)
        if self.isolated:
            subprocess.run(["ip", "link", "set", self.space, "down"], check=True)

    def mend(self) -> None:
        """Put it back."""
        for proxy in self.proxies:
            proxy.send_signal(signal.SIGCONT)
        if self.isolated:
            subprocess.run(["ip", "link", "set", self.space, "up"], check=True)

    def remove(self) -> None:
        """Take all of it away."""
        self.kill()
        for proxy in self.proxies:
            proxy.kill()
            proxy.wait()
        if self.isolated:
            subprocess.run(["ip", "link", "del", self.space], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "del", self.space], check=False, capture_output=True)


@dataclass
class Hosts:
    """Hosts that work for one hub, and the servers that they share."""

    world: World
    servers: Servers
    every: Sequence[Host]
    configs: dict[str, Path] = field(default_factory=dict)

    def wire(self, *settings: str) -> None:
        """Lay every cable, and carry to every host what an operator would: settings, the hub's credentials, the authority."""
        lines = self.world.config.read_text(encoding="utf-8").splitlines()
        own = ("database_url", "home", "work", "schedule", "s3_endpoint", "s3_credentials_file", "s3_ca_file")
        kept = [line for line in lines if line.split(" ")[0] not in (*own, "transit_address", "transit_token_file", "transit_ca_file")]
        name, shared = make_url(self.database).database, self.servers
        for host in self.every:
            database, s3, bao = host.wire(shared.postgres.port, shared.s3.port, shared.bao_port)
            folder = self.world.places.run / f"given-{host.name}"
            folder.mkdir()
            for file, given in ((shared.s3.credentials, "s3"), (shared.bao.token_file, "token"), (shared.authority, "ca.pem")):
                shutil.copy(file, folder / given)
            mine = [f'database_url = "postgresql+psycopg://postgres@{database}/{name}"', f'home = "{host.home}"', *settings]
            mine += [f's3_endpoint = "https://{s3}"', 's3_credentials_file = "s3"', 's3_ca_file = "ca.pem"']
            mine += [f'transit_address = "https://{bao}"', 'transit_token_file = "token"', 'transit_ca_file = "ca.pem"']
            self.configs[host.name] = folder / "hub.toml"
            self.configs[host.name].write_text("\n".join([*mine, *kept]) + "\n", encoding="utf-8")

    @property
    def database(self) -> str:
        """The address of the hub's database for this process."""
        return read_settings(self.world.config).database_url

    def ask(self, statement: str, *given: object) -> list[tuple[object, ...]]:
        """What the database says, on its socket."""
        with psycopg.connect(self.database.replace("+psycopg", ""), autocommit=True) as connection:
            return connection.execute(statement.encode(), given).fetchall()

    def worker(self, host: Host) -> None:
        """Start a worker there."""
        host.start(self.configs[host.name], "worker")

    def up(self) -> None:
        """Have one worker on every host, connected, and one of them leading."""
        for host in self.every:
            if not host.processes:
                self.worker(host)
        until(lambda: all(host.ids() and self.there(host) for host in self.every), "every host is there")
        until(lambda: self.leader() is not None, "somebody leads")

    def there(self, host: Host) -> bool:
        """Whether a process of this host says that it is there."""
        names = [f"lcjp {one}" for one in host.ids()]
        return bool(self.ask("SELECT 1 FROM pg_stat_activity WHERE application_name = ANY(%s)", names))

    def _leading(self) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted AND l.objid = %s AND d.datname = current_database()",
            LEADER,
        )

    def leader(self) -> Host | None:
        """The host that runs the schedule."""
        found = [str(name) for _, name in self._leading()]
        return next((host for host in self.every if found and found[0].removeprefix("lcjp ") in host.ids()), None)

    def end_leader(self) -> None:
        """Have the server end the leader's session."""
        for pid, _ in self._leading():
            self.ask("SELECT pg_terminate_backend(%s)", pid)

    def asleep_in_a_transaction(self) -> bool:
        """Whether somebody began a transaction and then said nothing for a second."""
        time.sleep(1.2)
        query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' "
        return bool(self.ask(query + "AND state_change < clock_timestamp() - interval '1 second'"))

    def holder(self, submission: str) -> Host | None:
        """Whose lease of this submission is live."""
        query = "SELECT holder FROM leases WHERE submission = %s AND until > clock_timestamp() AT TIME ZONE 'UTC' AND holder IS NOT NULL"
        found = [str(name).partition("/")[0] for (name,) in self.ask(query, submission)]
        return next((host for host in self.every if found and found[0] in host.ids()), None)

    def state(self, submission: str) -> str:
        """How it stands."""
        return str(self.ask("SELECT state FROM submissions WHERE id = %s", submission)[0][0])

    def other(self, than: Host) -> Host:
        """Another host."""
        return next(host for host in self.every if host is not than)

    def logs(self) -> str:
        """What the hosts wrote, the end of each."""
        return json.dumps({host.name: (host.base / f"{host.name}.log").read_text()[-2000:] for host in self.every}, indent=1)


@contextmanager
def connected(world: World, shared: Servers, count: int, *settings: str) -> Iterator[Hosts]:
    """That many hosts for this hub, wired; nothing runs on them yet."""
    isolated = namespaces()
    hosts = Hosts(world, shared, [Host("abcdef"[n], n, world.places.run, world.places.hub, isolated) for n in range(count)])
    try:
        hosts.wire(*settings)
        yield hosts
    finally:
        for host in hosts.every:
            host.remove()
            assert all(alive(process.pid) == [] for process in host.processes)
