"""A hub whose root keys are in a key service or a hardware module: set up, used, and refused in plain words when these do not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exchange.commands.root import cli
from exchange.commands.running import OUR_ERRORS
from exchange.hub import open_hub
from exchange.settings import read_settings
from keys.errors import KeyDestroyed, KeystoreUnreadable
from tests.keys.services import KeyService, hardware, key_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyService]:
    with key_service(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(params=["transit", "pkcs11"])
def further(request: pytest.FixtureRequest) -> str:
    """The settings of a provider."""
    if request.param == "transit":
        found: KeyService = request.getfixturevalue("service")
        return f'root_provider = "transit"\ntransit_address = "{found.address}"\ntransit_token_file = "{found.token_file}"\n'
    token = hardware()
    named = f'pkcs11_module = "{token.module}"\npkcs11_token = "{token.label}"\npkcs11_pin_file = "{token.pin_file}"\n'
    return f'root_provider = "pkcs11"\n{named}'


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_set_up_and_used(further: str, tmp_path: Path) -> None:
    (tmp_path / "further.toml").write_text(further, encoding="utf-8")
    assert (made := run("init", str(tmp_path / "hub"), "--settings", str(tmp_path / "further.toml"))).exit_code == 0, made.output
    config = tmp_path / "hub" / "hub.toml"
    for words in (("status",), ("worker", "--once"), ("log", "verify")):
        assert (done := run("--config", str(config), *words)).exit_code == 0, done.output
    hub = open_hub(read_settings(config))
    hub.keyring.store.create("submission/x")
    hub.keyring.store.destroy("submission/x")
    hub.engine.dispose()
    with pytest.raises(KeyDestroyed):
        open_hub(read_settings(config)).keyring.store.get("submission/x")
    assert len(list((tmp_path / "hub" / "roots").iterdir())) == 1


def test_a_provider_that_does_not_answer_leaves_no_half_hub(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "token").chmod(0o600)
    named = 'root_provider = "transit"\ntransit_address = "http://127.0.0.1:9"\n'
    (tmp_path / "further.toml").write_text(f'{named}transit_token_file = "{tmp_path / "token"}"\n', encoding="utf-8")
    words = ("init", str(tmp_path / "hub"), "--settings", str(tmp_path / "further.toml"))
    refused = run(*words)
    assert isinstance(refused.exception, (*OUR_ERRORS, KeystoreUnreadable, SystemExit))
    assert not (tmp_path / "hub" / "hub.toml").exists()
    (tmp_path / "further.toml").write_text("", encoding="utf-8")
    assert (again := run(*words)).exit_code == 0, again.output
