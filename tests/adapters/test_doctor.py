"""The doctor against real trouble: certificates, names, proxies, clocks, keys and agreements that are not as they should be."""

import re
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.serving import make_server

from adapters.agency.commands.doctor import lines
from adapters.agency.road import Mark, Step
from keys.keyfile import write_keyfile
from keys.sign import SigningKey
from tests.adapters.conftest import Answer, Desk
from tests.adapters.partnership import SUPPLIERS, Partnership
from tests.adapters.standin import Quiet, StandIn
from tests.adapters.test_commands import command

DAY = timedelta(days=1)


def marks(answer: Answer) -> dict[str, str]:
    return {one["step"]: one["mark"] for one in answer.json["steps"]}


def step(answer: Answer, name: str) -> dict[str, Any]:
    return next(one for one in answer.json["steps"] if one["step"] == name)


# ------------------------------------------------------------------------------------------------- a hub behind TLS


@dataclass
class Authority:
    """A certificate authority of a test, whose certificates are for loopback."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - 90 * DAY)
            .not_valid_after(now + 90 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=True,
                    crl_sign=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.file = self.folder / "authority.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, begins: timedelta, ends: timedelta, *names: x509.GeneralName) -> tuple[str, str]:
        """A server's certificate and key files."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        files = self.folder / "server.pem", self.folder / "server.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return str(files[0]), str(files[1])


@contextmanager
def secured(hub: StandIn, files: tuple[str, str]) -> Iterator[str]:
    """The same hub behind TLS; it calls itself by that address."""
    server = make_server("127.0.0.1", 0, hub, threaded=True, request_handler=Quiet, ssl_context=files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.address, plain = f"https://127.0.0.1:{server.server_port}", hub.address
    try:
        yield hub.address
    finally:
        hub.address = plain
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


HERE = x509.IPAddress(ip_address("127.0.0.1"))
CERTIFICATES: list[tuple[timedelta, timedelta, x509.GeneralName, bool, str, str]] = [
    (-DAY, DAY, HERE, True, "ok", "trusted"),
    (-9 * DAY, -DAY, HERE, True, "STOP", "has expired"),
    (DAY, 9 * DAY, HERE, True, "STOP", "not valid yet"),
    (-DAY, DAY, x509.DNSName("elsewhere.example"), True, "STOP", "another name"),
    (-DAY, DAY, HERE, False, "STOP", "not one this machine trusts"),
]


@pytest.mark.parametrize(("begins", "ends", "name", "known", "mark", "said"), CERTIFICATES, ids=[one[-1] for one in CERTIFICATES])
def test_certificates(
    cleveland: Desk,
    hub: StandIn,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    begins: timedelta,
    ends: timedelta,
    name: x509.GeneralName,
    known: bool,
    mark: str,
    said: str,
) -> None:
    if known:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with secured(hub, authority.issue(begins, ends, name)) as address:
        answer = cleveland("doctor", "--hub", address, "--json")
    found = step(answer, "TLS")
    assert (found["mark"], said in found["found"]) == (mark, True), found
    if mark == "ok":
        assert answer.code == 0
        assert marks(answer)["agreement"] == "ok"
        return
    assert answer.code == 8
    assert found["remedy"]
    after = marks(answer)
    assert (after["token"], after["agreement"]) == ("-", "-")
    assert after["key"] == "ok"  # what needs no network is looked at all the same
    assert step(answer, "clock")["mark"] == "look"  # the hub's time cannot be had: it is not taken for right


# ------------------------------------------------------------------------------------------------- behind a proxy


class Tunnel(socketserver.StreamRequestHandler):
    """One client of the proxy: CONNECT, then bytes both ways; or a refusal."""

    timeout = 10

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            continue
        if not line:  # whoever only looks whether it is there
            return
        proxy: Any = self.server
        proxy.asked.append(line.strip())
        if proxy.refuses:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, port = line.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as onward:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            both = {self.connection: onward, onward: self.connection}
            while ready := select.select(list(both), [], [], 10)[0]:
                for source in ready:
                    block = source.recv(65_536)
                    if not block:
                        return
                    both[source].sendall(block)


@contextmanager
def proxy(*, refuses: bool = False) -> Iterator[tuple[str, list[str]]]:
    """A proxy on loopback that tunnels CONNECT, or refuses to; its address, and what it was asked."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as server:
        server.daemon_threads = True
        server.block_on_close = False
        asked: list[str] = []
        vars(server).update(asked=asked, refuses=refuses)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_up(address: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")

    return set_up


def test_through_a_proxy(
    cleveland: Desk, hub: StandIn, authority: Authority, monkeypatch: pytest.MonkeyPatch, proxied: Callable[[str], None]
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with proxy() as (address, asked), secured(hub, authority.issue(-DAY, DAY, HERE)) as hub_address:
        proxied(address)
        answer = cleveland("doctor", "--hub", hub_address, "--json")
    assert answer.code == 0, answer.err
    assert address.removeprefix("http://") in step(answer, "proxy")["found"]
    assert "left to the proxy" in step(answer, "DNS")["found"].lower()
    assert asked
    assert all(one.startswith("CONNECT 127.0.0.1:") for one in asked)


def test_a_proxy_that_refuses_and_one_that_is_not_there(
    cleveland: Desk, hub: StandIn, authority: Authority, proxied: Callable[[str], None]
) -> None:
    with secured(hub, authority.issue(-DAY, DAY, HERE)) as hub_address:
        with proxy(refuses=True) as (address, _):
            proxied(address)
            refused = cleveland("doctor", "--hub", hub_address, "--json")
        assert (refused.code, marks(refused)["proxy"], marks(refused)["TLS"]) == (8, "ok", "STOP")
        assert "proxy" in step(refused, "TLS")["found"]
        gone = cleveland("doctor", "--hub", hub_address, "--json")  # nobody listens there any more
    assert (gone.code, marks(gone)["proxy"], marks(gone)["TLS"]) == (8, "STOP", "-")
    assert "NO_PROXY" in step(gone, "proxy")["remedy"]


# ------------------------------------------------------------------------------------------------- clock, name, key, agreement


@pytest.mark.parametrize(("hours", "said"), [(-3, "ahead of"), (2, "behind"), (0, "")])
def test_a_clock_that_is_wrong(cleveland: Desk, monkeypatch: pytest.MonkeyPatch, hours: int, said: str) -> None:
    def date_time_string(_here: Quiet, _timestamp: float | None = None) -> str:
        return f"{datetime.now(UTC) + timedelta(hours=hours):%a, %d %b %Y %H:%M:%S} GMT"

    monkeypatch.setattr(Quiet, "date_time_string", date_time_string)
    answer = cleveland("doctor", "--json")
    found = step(answer, "clock")
    if not hours:
        assert (answer.code, found["mark"]) == (0, "ok")
        return
    told = re.fullmatch(r"This machine's clock is ([0-9,]+) seconds (ahead of|behind) the hub's\.", found["found"])
    assert told, found
    assert abs(int(told[1].replace(",", "")) - abs(hours) * 3600) <= 5
    assert told[2] == said
    assert (answer.code, found["mark"], marks(answer)["token"]) == (3, "STOP", "-")
    assert "NTP" in found["remedy"]
    assert marks(answer)["TLS"] == "ok"  # what does not depend on the clock is looked at


def test_a_name_that_nobody_can_know(cleveland: Desk) -> None:
    host = ".".join(["a" * 60] * 5)  # longer than a name may be: the system says so itself, and asks no name server
    done = command("doctor", "--home", cleveland.home, "--hub", f"https://{host}", "--json")
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert (answer.code, marks(answer)["DNS"], marks(answer)["TLS"]) == (8, "STOP", "-"), done.stderr
    assert f"{host} is not known here" in step(answer, "DNS")["found"]


def test_a_key_that_the_hub_does_not_know(cleveland: Desk, tmp_path: Path) -> None:
    write_keyfile(tmp_path / "other.json", SigningKey.generate(), owner=SUPPLIERS[0], role="client")
    (cleveland.home / "keys" / "client.json").unlink()
    (tmp_path / "other.json").rename(cleveland.home / "keys" / "client.json")
    answer = cleveland("doctor", "--json")
    assert (answer.code, marks(answer)["key"], marks(answer)["token"], marks(answer)["agreement"]) == (4, "ok", "STOP", "-")
    assert "not the one the operator registered" in step(answer, "token")["remedy"]


def test_an_agreement_that_is_suspended(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    hub.exports["LCJP-MV7"] = partnership.export("suspended")
    answer = cleveland("doctor", "--json")
    assert (answer.code, marks(answer)["token"], marks(answer)["agreement"]) == (5, "ok", "STOP")
    assert "is suspended" in step(answer, "agreement")["found"]
    assert "resumed" in step(answer, "agreement")["remedy"]


def test_a_dataset_that_is_suspended_is_something_to_look_at(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    hub.exports["LCJP-MV7"] = {**partnership.export(), "suspended": ["crimes"]}
    answer = cleveland("doctor", "--json")
    assert (answer.code, marks(answer)["agreement"]) == (0, "look")
    assert "suspended: crimes" in step(answer, "agreement")["found"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_step_fits_the_terminal(width: int) -> None:
    found = lines(Step("TLS", Mark.STOP, "Asked https://hub.example/health", "word " * 60, "do this " * 20), width)
    assert all(len(line) <= width for line in found)
    assert [line for line in found if not line.startswith(" ")] == found[:1]
