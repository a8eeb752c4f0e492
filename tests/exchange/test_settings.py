"""Settings: each one documented, none missing, none unknown, none that only fails once the hub runs."""

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import Misconfigured
from exchange.settings import Settings, read_settings

NEEDED = {
    "public_url": "https://hub.example",
    "origin": "lcjp-exchange/log",
    "database_url": "sqlite:///hub.sqlite",
    "objects": "objects",
    "staging": "staging",
    "keystore": "keystore",
    "roots": "/elsewhere/roots",
    "credential": "credential",
    "codes": "codes",
}


def written(tmp_path: Path, **values: Any) -> Path:
    path = tmp_path / "hub.toml"
    members = {**NEEDED, **values}
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in members.items() if value is not None
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    documented = re.findall(r"^\s{4}(?:\s{4})?(\w+): ", inspect.getdoc(Settings) or "", re.MULTILINE)
    assert documented == [field.name for field in fields(Settings)]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    found = read_settings(written(tmp_path))
    assert found.objects == tmp_path / "objects"
    assert found.roots == Path("/elsewhere/roots")
    assert found.home == tmp_path
    assert found.token_url == "https://hub.example/oauth2/token"


def test_the_pages_have_an_origin_a_host_and_perhaps_a_secrets_file(tmp_path: Path) -> None:
    found = read_settings(written(tmp_path, public_url="https://hub.example:8443/exchange", oidc_client_secret_file="openid.secret"))
    assert (found.web_origin, found.web_host) == ("https://hub.example:8443", "hub.example")
    assert found.oidc_client_secret_file == tmp_path / "openid.secret"
    assert read_settings(written(tmp_path)).oidc_client_secret_file is None


def test_systemd_hands_over_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/exchange.service")
    found = read_settings(written(tmp_path, credential="systemd:hub", oidc_client_secret_file="systemd:openid"))
    assert found.credential == Path("/run/credentials/exchange.service/hub")
    assert found.oidc_client_secret_file == Path("/run/credentials/exchange.service/openid")
    for bad in ("systemd:", "systemd:..", "systemd:../hub"):
        with pytest.raises(Misconfigured, match="hands over no credential"):
            read_settings(written(tmp_path, credential=bad))


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.default is MISSING])
def test_a_missing_setting_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=f"hub.toml: {name} missing"):
        read_settings(written(tmp_path, **{name: None}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"colour": "blue"}, "unknown setting colour"),
        ({"threads": "8"}, "threads must be a int"),
        ({"threads": True}, "threads must be a int"),
        ({"threads": 8.0}, "threads must be a int"),
        ({"threads": 0}, "threads must be more than nought"),
        ({"spark_master": "yarn"}, r"spark_master is local\[N\]"),
        ({"spark_master": "spark://a:7077,b:7077"}, "spark_master is"),
        ({"spark_master": "spark://a:7077", "spark_secret_file": "secret"}, "needs spark_address and spark_secret_file"),
        ({"spark_master": "spark://a:7077", "spark_address": "b"}, "needs spark_address and spark_secret_file"),
        (
            {"spark_master": "spark://a:7077", "spark_address": "b", "spark_secret_file": "secret"},
            "hosts of a Spark cluster do not see objects and keystore",
        ),
        ({"process_every": -1}, "process_every must be more than nought"),
        ({"part_bytes": -1}, "part_bytes must be more than nought"),
        ({"public_url": "https://hub.example/"}, "public_url must be"),
        ({"public_url": "hub.example"}, "public_url must be"),
        ({"public_url": 5}, "public_url must be a str"),
        ({"origin": "two words"}, "origin must be"),
        ({"proxies": -1}, "proxies must be"),
        ({"oidc_issuer": "http://provider.example", "oidc_client_id": "hub"}, "oidc_issuer must be an https address"),
        ({"oidc_issuer": "https://provider.example"}, "oidc_client_id is missing"),
        ({"root_provider": "cloud"}, "root_provider is one of file, transit, pkcs11"),
        ({"root_provider": "transit", "transit_address": "https://keys.example"}, "transit needs transit_token_file"),
        ({"root_provider": "pkcs11"}, "pkcs11 needs pkcs11_module, pkcs11_token, pkcs11_pin_file"),
        ({"transit_address": "http://keys.example"}, "transit_address must be an https address"),
        ({"root_prefix": "a/b"}, "root_prefix is"),
        ({"credential": "systemd:hub"}, "credential: systemd hands over no credential"),
        ({"origin": "a+b"}, "origin must be"),
        ({"database_url": "mysql://hub"}, "database_url must begin with"),
        ({"database_url": "postgresql+psycopg://hub:secret@db/hub"}, "database_url must hold no password"),
        ({"database_url": "postgresql+psycopg://hub@db/hub?password=secret"}, "database_url must hold no password"),
    ],
)
def test_a_wrong_value_is_named_before_anything_starts(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        read_settings(written(tmp_path, **values))


def test_no_file_and_no_toml(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no settings file"):
        read_settings(tmp_path / "hub.toml")
    (tmp_path / "hub.toml").write_text("public_url = ", encoding="utf-8")
    with pytest.raises(Misconfigured, match="not TOML"):
        read_settings(tmp_path / "hub.toml")
