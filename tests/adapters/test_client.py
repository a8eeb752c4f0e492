"""The client against servers that are slow, rude, far away or not the hub; and the settings that say where the hub is."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import generate_adhoc_ssl_context, make_server, make_ssl_devcert
from werkzeug.wrappers import Request, Response

from adapters.agency.client import Client, new_session
from adapters.agency.problems import as_error, plain
from adapters.agency.settings import load
from adapters.errors import AdapterError, AgreementRefused, AuthenticationFailed, ConfigError, IntegrityFailed, NetworkFailed, ServerRefused
from keys.sign import SigningKey
from tests.adapters.standin import Quiet

Answers = Callable[[Request], Response]
TOKEN = '{"access_token": "t", "token_type": "Bearer", "expires_in": 300}'


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve a function; returns the address."""
    running = []

    def start(answers: Answers, context: ssl.SSLContext | None = None) -> str:
        def app(environ: dict[str, Any], start_response: Any) -> Any:
            request = Request(environ)
            request.get_data()
            found = Response(TOKEN) if request.path == "/oauth2/token" else answers(request)
            return found(environ, start_response)

        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet, ssl_context=context)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def noting(asked: list[str]) -> Answers:
    def answer(request: Request) -> Response:
        asked.append(request.url)
        return Response("{}")

    return answer


def client(hub: str, tmp_path: Path, patience: float = 0.0, timeout: float = 5.0) -> Client:
    flags = {"hub": hub, "party": "cleveland-police", "patience": patience, "timeout": timeout}
    return Client(load(tmp_path, flags, {}, written={}), SigningKey.generate(), new_session())


def test_a_password_of_the_users_netrc_never_takes_the_place_of_our_token(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password CANARY\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    hub = serve(lambda request: Response(f'{{"said": "{request.headers["Authorization"]}"}}'))
    assert client(hub, tmp_path).get("/", "asking") == {"said": "Bearer t"}


def test_a_redirect_is_not_followed_with_our_token(serve: Callable[..., str], tmp_path: Path) -> None:
    asked: list[str] = []
    elsewhere = serve(noting(asked))
    hub = serve(lambda _: Response(status=302, headers={"Location": elsewhere + "/there"}))
    with pytest.raises(IntegrityFailed):
        client(hub, tmp_path).get("/", "asking")
    assert asked == []


def test_a_token_the_hub_forgot_is_renewed_once(serve: Callable[..., str], tmp_path: Path) -> None:
    answers = iter([401, 200, 401, 401])
    hub = serve(lambda _: Response('{"code": "expired-token"}', status=next(answers)))
    found = client(hub, tmp_path)
    assert found.get("/", "asking") == {"code": "expired-token"}
    with pytest.raises(AuthenticationFailed):
        found.get("/", "asking")


def test_the_wait_that_the_hub_asks_for_is_kept(serve: Callable[..., str], tmp_path: Path) -> None:
    answers = iter([429, 200])
    hub = serve(lambda _: Response("{}", status=next(answers), headers={"Retry-After": "0"}))
    assert client(hub, tmp_path, patience=5).get("/", "asking") == {}


def test_who_asks_too_often_waits_as_long_as_the_hub_says(serve: Callable[..., str], tmp_path: Path) -> None:
    times: list[float] = []

    def answer(_: Request) -> Response:
        times.append(time.monotonic())
        return Response("{}", status=429 if len(times) == 1 else 200, headers={"Retry-After": "2"})

    assert client(serve(answer), tmp_path, patience=9).get("/", "asking") == {}
    assert 2 <= times[1] - times[0] < 6


def test_a_hub_that_does_not_answer_in_time_is_a_network_failure(serve: Callable[..., str], tmp_path: Path) -> None:
    stop = threading.Event()
    hub = serve(lambda _: (stop.wait(3), Response("{}"))[1])
    with pytest.raises(NetworkFailed, match="in time"):
        client(hub, tmp_path, timeout=0.2).get("/", "asking")
    stop.set()


def test_a_page_of_a_proxy_is_not_taken_for_an_answer(serve: Callable[..., str], tmp_path: Path) -> None:
    hub = serve(lambda _: Response("<html>Please log in</html>", mimetype="text/html"))
    with pytest.raises(IntegrityFailed, match="not a JSON object"):
        client(hub, tmp_path).get("/", "asking")


def test_a_certificate_nobody_here_trusts_is_said_to_be_one(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    hub = serve(lambda _: Response("{}"), generate_adhoc_ssl_context())
    with pytest.raises(NetworkFailed, match="not one this machine trusts"):
        client(hub, tmp_path, patience=30).get("/", "asking")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_certificate_that_the_machine_was_told_to_trust_is_trusted(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    certificate, key = make_ssl_devcert(str(tmp_path / "hub"), cn="localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    hub = serve(lambda _: Response("{}"), context).replace("127.0.0.1", "localhost")
    monkeypatch.setenv(variable, certificate)
    assert client(hub, tmp_path).get("/", "asking") == {}


def test_a_proxy_is_used_where_the_environment_names_one(
    serve: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    proxy = serve(noting(seen))
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    assert client("http://localhost:9", tmp_path).get("/v1", "asking") == {}
    assert seen == ["http://localhost:9/v1"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid-client", AuthenticationFailed),
        (403, "refused-by-agreement", AgreementRefused),
        (404, "unknown-agreement", AgreementRefused),
        (404, "unknown-submission", ServerRefused),
        (409, "upload-conflict", ServerRefused),
        (409, "head-moved", ServerRefused),
        (422, "bad-manifest", ServerRefused),
        (413, "too-large", NetworkFailed),
        (429, "", NetworkFailed),
        (500, "", NetworkFailed),
        (503, "no-space", NetworkFailed),
    ],
)
def test_each_problem_means_one_thing(status: int, code: str, kind: type[AdapterError]) -> None:
    problem = {"code": code, "detail": "words", "clause": "LCJP-MV7 version 1, term", "remedy": "do this"}
    error = as_error(status, problem, "asking")
    assert type(error) is kind
    assert "words" in error.what
    assert error.remedy == "do this"
    assert "LCJP-MV7 version 1, term" in error.why
    assert type(as_error(status, "not a problem", "asking")) is (ServerRefused if code == "unknown-agreement" else kind)


def test_what_the_hub_says_cannot_write_on_the_terminal() -> None:
    assert plain("a\x1b[31mred\nline\u202e") == "a [31mred line "
    assert plain(7) == ""
    assert len(plain("x" * 10_000)) == 500


# ---------------------------------------------------------------------------------------------------------------- settings

WRITTEN = {"party": "cleveland-police", "hub": "https://hub.example/"}


def test_flags_come_before_the_environment_and_it_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "agency.toml").write_text('party = "a"\nhub = "https://file.example"\n[network]\ntimeout = 1\npatience = 2\n')
    environment = {"EXCHANGE_AGENCY_HUB": "https://environment.example", "EXCHANGE_AGENCY_TIMEOUT": "3"}
    found = load(tmp_path, {"hub": "https://flag.example", "party": None}, environment)
    assert (found.hub, found.party, found.timeout, found.patience, found.wait) == ("https://flag.example", "a", 3, 2, 900)
    assert found.token_audience == "https://flag.example/oauth2/token"
    assert [found.origins[name].split(",")[0] for name in ("hub", "timeout")] == ["command line", "environment"]
    assert found.origins["patience"].endswith("agency.toml, network.patience")
    assert found.manifest_key == tmp_path / "keys" / "manifest.json"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('party = "a"\nhub = "https://x"\nspeed = 1\n', "speed"),
        ('party = "a"\nhub = "https://x"\n[keys]\nsecret = "x"\n', "keys.secret"),
        ('party = "a"\nhub = "https://x"\nkeys = "x"\n', "keys"),
        ('party = "a"\n', "hub"),
        ('hub = "https://x"\n', "party"),
        ('party = "A B"\nhub = "https://x"\n', "party"),
        ('party = "a"\nhub = "http://elsewhere.example"\n', "hub"),
        ('party = "a"\nhub = "https://user:word@x"\n', "hub"),
        ('party = "a"\nhub = "https://x:port"\n', "hub"),
        ('party = "a"\nhub = 7\n', "hub"),
        ('party = "a"\nhub = "https://x"\n[network]\nwait = "long"\n', "network.wait"),
        ('party = "a"\nhub = "https://x"\nrecipient = "perhaps"\n', "recipient"),
        ('party = "a"\nhub = "https://x"\n[pins]\nsignatory = "x"\n', "pins.signatory"),
        ("party = ", "agency.toml"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "agency.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {}, {})
    assert named in caught.value.what
    assert "agency.toml" in caught.value.what


def test_the_example_is_a_whole_configuration(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "config" / "agency.example.toml"
    (tmp_path / "agency.toml").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    assert load(tmp_path, {}, {}).hub == "https://hub.lcjp.example"


def test_a_hub_on_this_machine_needs_no_tls() -> None:
    given: Mapping[str, str] = {**WRITTEN, "hub": "http://[::1]:8080"}
    assert load(Path("/nowhere"), {}, {}, written=given).hub == "http://[::1]:8080"
