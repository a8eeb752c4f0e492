"""Standard Webhooks: the published example, the published library on anything, and nothing else verifies."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from keys.errors import BadFormat, BadSignature
from keys.webhook import LEAST, MOST, TOLERANCE, headers, new_secret, read_secret, signature, verify

# The example of the Standard Webhooks specification 1.0.0, section “Verifying signatures”.
SECRET, IDENTITY, AT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY, SIGNED = b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SECRETS = st.binary(min_size=LEAST, max_size=MOST)
IDS = st.from_regex(r"msg_[A-Za-z0-9]{1,32}", fullmatch=True)


def test_the_published_example() -> None:
    assert signature(read_secret(SECRET), IDENTITY, AT, BODY) == SIGNED
    verify(read_secret(SECRET), headers([read_secret(SECRET)], IDENTITY, AT, BODY), BODY, AT)


@given(
    secret=SECRETS, other=SECRETS, identity=IDS, said=st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=4)
)
def test_the_published_library_takes_what_we_sign_with_either_secret(
    secret: bytes, other: bytes, identity: str, said: dict[str, object]
) -> None:
    body, now = json.dumps(said).encode(), int(datetime.now(UTC).timestamp())  # the library takes nothing older than five minutes
    for key in (secret, other):
        found = headers([secret, other], identity, now, body)
        assert Webhook(key).verify(body, found) == said
        verify(key, found, body, now)


@given(
    secret=SECRETS, other=SECRETS, identity=IDS, body=st.binary(max_size=60), at=st.integers(0, 4_000_000_000), off=st.integers(-900, 900)
)
def test_nothing_else_verifies(secret: bytes, other: bytes, identity: str, body: bytes, at: int, off: int) -> None:
    found = headers([secret], identity, at, body)
    if other != secret:
        with pytest.raises(BadSignature):
            verify(other, found, body, at)
    with pytest.raises(BadSignature):
        verify(secret, found, body + b" ", at)
    for name, changed in (("id", identity + "x"), ("timestamp", str(at + 1)), ("signature", ""), ("timestamp", "now"), ("id", "a.b")):
        with pytest.raises(BadSignature):
            verify(secret, {**found, f"webhook-{name}": changed}, body, at)
    if abs(off) > TOLERANCE:
        with pytest.raises(BadSignature):
            verify(secret, found, body, at + off)
    else:
        verify(secret, found, body, at + off)


@given(SECRETS)
def test_a_secret_is_read_as_it_is_written(secret: bytes) -> None:
    assert read_secret("whsec_" + base64.b64encode(secret).decode()) == secret


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_§", "whsec_" + "A" * 100, SECRET + "\n"]
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(BadFormat):
        read_secret(text)


def test_a_new_secret_is_one_and_another_each_time() -> None:
    assert len(read_secret(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize("identity", ["", "a.b", "ä"])
def test_an_id_that_would_make_another_message_look_the_same_is_refused(identity: str) -> None:
    with pytest.raises(BadFormat):
        headers([bytes(32)], identity, 1, b"")


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(BadFormat):
        headers([], "msg_1", 1, b"")
