"""What every test gets: no network beyond this machine, and the same Hypothesis settings everywhere."""

import gc
import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.answered import Seen, undocumented, watching, watching_http

# Two shared cores: wall-clock deadlines fail at random. In CI the examples are fixed, so a red run is about the change.
settings.register_profile("house", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("house"), derandomize=True, max_examples=40)
settings.load_profile("ci" if os.environ.get("CI") else "house")

# A shell ignores Ctrl-C for what it starts in the background, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOCAL_NAMES = {None, "", "localhost", "ip6-localhost", socket.gethostname()}


ROOT = Path(__file__).resolve().parents[1]


# What starts servers, browsers and services takes longest, in files of few tests: it begins first, so that no process is still at one
# of these files when the others have nothing left.
LONGEST = ("tests/functional/", "tests/faults/", "tests/exchange/test_intake_machine.py", "tests/exchange/test_lives_machine.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """See tests/exchange/conftest.py."""
    parser.addoption("--engines", choices=("some", "all"), default="some", help="all: each on SQLite and on PostgreSQL with S3")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order in which `dev.py test` hands files to its processes; without these, files stay in their order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """What was imported is not searched for garbage again and again: a sixth of the time of the tests that start nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_sessionfinish() -> None:
    """At the end everything is looked at once: what is let go of unclosed is a warning, and a failure."""
    gc.unfreeze()


class NetworkUseError(RuntimeError):
    """A test tried to reach another machine."""


def is_local(host: object) -> bool:
    """Whether a socket address's host part is this machine; anything that cannot be told counts as elsewhere."""
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if host is None or host in LOCAL_NAMES:
        return True
    try:
        # A scope id ("fe80::1%eth0") is no part of the address.
        return ipaddress.ip_address(str(host).split("%", 1)[0]).is_loopback
    except ValueError:
        return False


def refuse_elsewhere(address: object) -> None:
    """Raise unless the address is loopback or a file system socket."""
    if isinstance(address, tuple) and not is_local(address[0]):
        raise NetworkUseError(f"tests reach no other machine than this one, but {address[0]!r} was asked for")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets of this process reach loopback only; name look-ups of other hosts fail too."""
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    look_up = socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        refuse_elsewhere(address)
        real["connect"](self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        refuse_elsewhere(address)
        return int(real["connect_ex"](self, address))

    def sendto(self: socket.socket, *args: Any) -> int:
        refuse_elsewhere(args[-1])
        return int(real["sendto"](self, *args))

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_elsewhere((host,))
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", sendto)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(autouse=True)
def every_problem_is_documented() -> Iterator[list[Seen]]:
    """No hub answers a problem that the served OpenAPI does not list at its operation: written anew by `python -m tests.exchange.errors_seen`."""
    with watching() as here, watching_http() as over_http:
        yield here
    assert undocumented([*here, *over_http]) == []


def shared_folder() -> Path:
    """Where the collection is, if it is here."""
    return Path(os.environ.get("LCJP_SHARED") or ROOT.parent / "shared") / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The project's collection of real public data, beside the checkout or where LCJP_SHARED says; without it the test is skipped.

    `.ci/run` refuses to start where it was promised the data and they are not there, so it cannot go green by skipping.
    """
    if not (folder := shared_folder()).is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder
