"""nginx as it ships, real, in front of a real hub: what it lets through, what it refuses, and what it never writes down."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
import requests

from adapters.agency.cli import run
from exchange.settings import read_settings
from tests.adapters.test_doctor import DAY, Authority
from tests.functional.front import SHIPPED, Front, behind, certified, fronting, lay_out, lines_of
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, DURHAM, Ended, World, copied, serving

SECURITY = (
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Referrer-Policy",
    "Cross-Origin-Resource-Policy",
)


@dataclass(frozen=True)
class Deployed:
    """A hub on a socket, nginx in front of it, and another nginx that asks agencies for certificates."""

    world: World
    open: Front
    closed: Front
    authority: Authority
    agencies: Authority

    def told(self, front: Front, party: str, *lines: str) -> Path:
        """An agency's folder whose client goes through this nginx, with more lines of [network]."""
        home = self.world.home(party)
        text = self.pointed(front, (home / "agency.toml").read_text(encoding="utf-8"), *lines)
        other = self.world.places.run / f"{party}-{front.port}-{len(lines)}"
        other.mkdir(exist_ok=True)
        for path in home.iterdir():
            if path.name != "agency.toml":
                (other / path.name).symlink_to(path)
        (other / "agency.toml").write_text(text, encoding="utf-8")
        return other

    def pointed(self, front: Front, text: str, *lines: str) -> str:
        """An agency's settings, by which its client goes through this nginx."""
        text = text.replace(f'hub = "{self.open.address}"', f'hub = "{front.address}"\naudience = "{self.open.address}/oauth2/token"')
        return "\n".join([text, "[network]", "patience = 3", *lines, ""])


@pytest.fixture(scope="module")
def deployed(prepared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("front")
    for name in ("ours", "theirs"):
        (folder / name).mkdir()
    authority, agencies = Authority(folder / "ours"), Authority(folder / "theirs")
    hub = folder / "hub.sock"
    front = lay_out(folder / "open", hub, authority, None, ("client_body_timeout 20s", "client_body_timeout 1s"))
    closed = lay_out(folder / "closed", hub, authority, agencies)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
        world = behind(copied(prepared, folder / "run"), front)
        with fronting(front), fronting(closed), serving(world):
            yield Deployed(world, front, closed, authority, agencies)


def test_nginx_takes_the_files_as_they_ship_without_a_warning(deployed: Deployed) -> None:
    assert (deployed.open.checked(), deployed.closed.checked()) == ("", "")


def test_a_push_goes_through_over_tls(deployed: Deployed, tmp_path: Path) -> None:
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-06", rows=20)
    home = deployed.world.home(CLEVELAND)
    doctor = agency("doctor", "--home", home)
    pushed = agency("push", "crimes", extract.path, "--period", extract.period, "--home", home)
    assert (doctor.code, pushed.code) == (0, 0), (doctor, pushed)


def test_with_the_variant_a_push_needs_a_certificate_that_the_operator_accepts(deployed: Deployed, tmp_path: Path) -> None:
    extract = small(tmp_path, DURHAM, "crimes", "2021-06", rows=20)
    push = ("push", "crimes", extract.path, "--period", extract.period, "--home")
    without = agency(*push, deployed.told(deployed.closed, DURHAM))
    assert without.code == 4, without
    assert "certificate" in without.err
    assert "network.certificate" in without.err
    stranger = certified(Authority(_made(tmp_path / "stranger")))
    refused = agency(*push, deployed.told(deployed.closed, DURHAM, f'certificate = "{stranger}"', "# a stranger's"))
    assert refused.code != 0
    own = certified(deployed.agencies)
    accepted = agency(*push, deployed.told(deployed.closed, DURHAM, f'certificate = "{own}"'))
    assert accepted.code == 0, accepted
    late = certified(Authority(_made(tmp_path / "late")), -DAY)
    for pair, path, status in ((None, "/v1/agreements", 403), (None, "/health", 200), (own, "/v1/agreements", 401), (late, "/health", 400)):
        answer = requests.get(deployed.closed.address + path, cert=str(pair) if pair else None, timeout=5)
        assert answer.status_code == status, (pair, path, answer.text)
    # What a spreadsheet pulls has its own token, and a spreadsheet has no certificate.
    assert requests.get(f"{deployed.closed.address}/v1/releases/A/b/latest", timeout=5).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/x/../v1/agreements", "/%2e%2e/v1/agreements", "/x%2f..%2fv1/agreements", "//v1/agreements", "/%76%31/agreements", "/./v1/log"],
)
def test_no_other_spelling_of_an_address_goes_round_the_certificate(deployed: Deployed, path: str) -> None:
    before = lines_of(deployed.world, ["v1", '"status": 401'])
    told = _raw(deployed.closed, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert told.split(b" ", 2)[1] in (b"400", b"403", b"404"), told
    assert lines_of(deployed.world, ["v1", '"status": 401']) == before


def test_an_address_that_a_client_claims_is_not_believed(deployed: Deployed) -> None:
    word = "claims-another-address"
    for claimed in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}, {"X-Real-IP": "203.0.113.9"}):
        requests.get(f"{deployed.open.address}/{word}", headers=claimed, timeout=5)
    assert [json.loads(line)["from"] for line in lines_of(deployed.world, [word], 3)] == ["127.0.0.1"] * 3
    assert "203.0.113.9" not in deployed.open.logged()


def test_http_leads_to_https_and_to_no_other_name(deployed: Deployed) -> None:
    for host in ("localhost", "evil.example"):
        answer = requests.get(
            f"http://127.0.0.1:{deployed.open.plain}/agreements?a=b", headers={"Host": host}, allow_redirects=False, timeout=5
        )
        assert (answer.status_code, answer.headers["Location"]) == (308, f"{deployed.open.address}/agreements?a=b")


def test_nobody_is_answered_under_another_name_or_an_old_tls(deployed: Deployed) -> None:
    context = ssl.create_default_context(cafile=str(deployed.authority.file))
    with socket.create_connection(("127.0.0.1", deployed.open.port), 5) as one, pytest.raises(ssl.SSLError, match="unrecognized name"):
        context.wrap_socket(one, server_hostname="evil.example")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(str(deployed.authority.file))
    old.set_ciphers("AES128-SHA")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", deployed.open.port), 5) as one, pytest.raises(ssl.SSLError):
        old.wrap_socket(one, server_hostname="localhost")


def test_a_body_too_large_is_refused_before_the_hub_and_the_client_says_so(deployed: Deployed, tmp_path: Path) -> None:
    settings, site = read_settings(deployed.world.config), (SHIPPED / "lcjp-hub.conf").read_text(encoding="utf-8")
    assert f"client_max_body_size {settings.part_bytes // 1024 + 1}k;" in site
    for path, size in (("/v1/submissions", (4 << 20) + 1), ("/oauth2/token", (64 << 10) + 1), ("/v1/submissions/a/parts/1", (17 << 20))):
        answer = requests.request("PUT" if "parts" in path else "POST", deployed.open.address + path, data=bytes(size), timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large"), path
    assert lines_of(deployed.world, ['"status": 413']) == []  # a bare 413 could be of a random id
    narrow = lay_out(
        tmp_path / "narrow", deployed.open.socket, deployed.authority, None, ("client_max_body_size 16385k", "client_max_body_size 1k")
    )
    extract = small(tmp_path, CLEVELAND, "crimes", "2021-07", rows=20)
    home = deployed.world.home(CLEVELAND)
    settled, push = (
        (home / "agency.toml").read_text(encoding="utf-8"),
        ("push", "crimes", extract.path, "--period", extract.period, "--home", home),
    )
    # The same client both times: another one's submission in its name would be an alarm.
    (home / "agency.toml").write_text(deployed.pointed(narrow, settled), encoding="utf-8")
    with fronting(narrow):
        refused = agency(*push)
    (home / "agency.toml").write_text(settled, encoding="utf-8")
    assert refused.code == 8, refused
    assert "larger than anything that is taken here" in refused.err
    pushed = agency(*push)
    assert pushed.code == 0, pushed


def test_a_body_that_trickles_in_is_cut_and_the_hub_never_hears_of_it(deployed: Deployed) -> None:
    head = "PUT /v1/submissions/trickle/parts/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nabc"
    assert _raw(deployed.open, head) == b""
    assert lines_of(deployed.world, ["trickle"]) == []


def test_every_answer_is_locked_down_once_whoever_gives_it(deployed: Deployed) -> None:
    hubs = requests.get(f"{deployed.open.address}/v1/agreements", timeout=5)
    own = requests.get(f"{deployed.open.address}/metrics", timeout=5)
    assert (hubs.status_code, own.status_code) == (401, 404)
    assert own.headers["Content-Type"] == hubs.headers["Content-Type"] == "application/problem+json"
    for answer in (hubs, own):
        assert [len(answer.raw.headers.getlist(name)) for name in SECURITY] == [1] * len(SECURITY), answer.headers
    assert {name: own.headers[name] for name in SECURITY} == {name: hubs.headers[name] for name in SECURITY}
    assert own.headers["Server"] == "nginx"
    for path in ("/metrics", "//metrics", "/metrics/x", "/%6detrics"):
        assert requests.get(deployed.open.address + path, timeout=5).status_code == 404
    assert lines_of(deployed.world, ["metrics"]) == []


def test_whoever_asks_too_often_is_told_when_to_come_back(deployed: Deployed, tmp_path: Path) -> None:
    strict = lay_out(
        tmp_path / "strict", deployed.open.socket, deployed.authority, None, ("rate=10r/s", "rate=1r/m"), ("burst=40", "burst=1")
    )
    with fronting(strict), requests.Session() as session:
        answers = [session.post(f"{strict.address}/oauth2/token", timeout=5) for _ in range(4)]
    assert [answer.status_code for answer in answers][2:] == [429, 429]
    assert (answers[-1].headers["Retry-After"], answers[-1].json()["code"]) == ("5", "too-many-requests")


def test_no_log_has_an_invitation_or_what_follows_a_question_mark(deployed: Deployed) -> None:
    requests.get(f"{deployed.open.address}/enrol/SECRET-WORD", timeout=5)
    requests.get(f"{deployed.open.address}/health?q=SECRET-QUERY", timeout=5)
    logged = deployed.open.logged() + deployed.world.log.read_text(encoding="utf-8")
    assert "/enrol/..." in logged
    assert "SECRET" not in logged


def test_a_hub_that_is_away_is_said_to_be(deployed: Deployed, tmp_path: Path) -> None:
    with fronting(lay_out(tmp_path / "alone", tmp_path / "nobody.sock", deployed.authority)) as alone:
        answer = requests.get(f"{alone.address}/v1/agreements", timeout=5)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "unavailable", "10")


def agency(*arguments: str | Path) -> Ended:
    """An ``exchange-agency`` command, in this process for speed."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(one) for one in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _raw(front: Front, request: str) -> bytes:
    """What comes back over TLS for these very bytes, to the end of the connection."""
    context = ssl.create_default_context(cafile=str(front.folder.parent / "ours" / "authority.pem"))
    with socket.create_connection(("127.0.0.1", front.port), 10) as one, context.wrap_socket(one, server_hostname="localhost") as wrapped:
        wrapped.sendall(request.encode())
        told = b""
        try:
            while more := wrapped.recv(65536):
                told += more
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return told
