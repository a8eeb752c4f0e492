"""A sandbox and a real hub keep apart, both ways."""

from pathlib import Path

import pytest

from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unacceptable
from exchange.register import agreements, partners, sandbox
from exchange.settings import read_settings
from keys.encoding import b64
from keys.formats import Card
from keys.sign import SigningKey
from tests.exchange.standing import World

SOUND = """
public_url = "http://localhost:8080"
origin = "lcjp-exchange/sandbox/20260101T000000"
database_url = "sqlite:///hub.sqlite"
objects = "objects"
staging = "staging"
keystore = "keystore"
roots = "roots"
credential = "credential"
codes = "codes"
bind = "localhost:8080"
"""


def test_a_real_hub_takes_nothing_of_a_sandbox(world: World) -> None:
    key = SigningKey.generate()
    with pytest.raises(Unacceptable) as refused, writing(world.hub.engine) as session:
        partners.register(session, Card("ed25519", "sandbox-northmoor", "client", b64(key.public.raw)), world.clock())
    assert refused.value.code == "sandbox"
    with pytest.raises(Unacceptable), writing(world.hub.engine) as session:
        sandbox.require_agreement(session, "SANDBOX-OUTCOMES", ["cleveland-police"])
    with pytest.raises(Unacceptable), writing(world.hub.engine) as session:
        sandbox.require_agreement(session, "LCJP-MV7", ["cleveland-police", "sandbox-eastvale"])
    with reading(world.hub.engine) as session:
        assert not sandbox.is_one(session)
        assert agreements.by_digest(session, world.agreement.digest) is not None
        sandbox.require_same(session, declared=False)
        with pytest.raises(Misconfigured, match="origin"):
            sandbox.require_same(session, declared=True)


def test_an_ordinary_answer_does_not_say_that_it_is_a_sandbox(world: World) -> None:
    answer = world.call("get", "/health")
    assert "Exchange-Sandbox" not in answer.headers
    assert "x-sandbox" not in world.call("get", "/openapi.json").get_json()["info"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('public_url = "http://localhost:8080"', 'public_url = "https://hub.example"'),
        ('bind = "localhost:8080"', 'bind = "0.0.0.0:8080"'),
        ('database_url = "sqlite:///hub.sqlite"', 'database_url = "postgresql+psycopg:///hub"'),
        ('codes = "codes"', 'codes = "codes"\noidc_issuer = "https://login.example"\noidc_client_id = "hub"'),
        ('codes = "codes"', 'codes = "codes"\nroot_provider = "pkcs11"\npkcs11_module = "m"\npkcs11_token = "t"\npkcs11_pin_file = "p"'),
    ],
)
def test_a_sandbox_reaches_for_nothing_of_a_real_hub(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(SOUND, encoding="utf-8")
    assert read_settings(path).sandbox
    assert old in SOUND
    path.write_text(SOUND.replace(old, new), encoding="utf-8")
    with pytest.raises(Misconfigured, match="sandbox"):
        read_settings(path)
    path.write_text(SOUND.replace(old, new).replace("/sandbox/", "/log/"), encoding="utf-8")
    assert not read_settings(path).sandbox
