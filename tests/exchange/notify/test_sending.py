"""Notices that really leave: to a mail server under TLS, to an HTTPS receiver that checks the signature with the published library."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unacceptable
from exchange.hub import Hub
from exchange.notify import hook, outbox, sending, subscriptions
from exchange.notify.kinds import Kind
from exchange.notify.message import Notice
from exchange.notify.outbox import AFTER
from exchange.notify.sending import Sent
from exchange.notify.subscriptions import Wanted, Way
from exchange.notify.tables import DeliveryRow
from exchange.notify.ways import Mail, Ways, Webhooks, read_ways
from tests.adapters.test_doctor import Authority
from tests.exchange.notify.servers import Mailbox, Received, in_folder, mail_server, receiver
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World

ADDRESS = "duty@police.example"
NOBODY = Notice("msg_1", Kind.TEST, "", datetime(2026, 1, 1, tzinfo=UTC), "https://hub.example")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return in_folder(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def hooks(authority: Authority, tmp_path: Path) -> Iterator[tuple[Webhooks, Received]]:
    """A receiver, and settings that allow it."""
    with receiver(authority) as got:
        yield Webhooks((f"localhost:{got.port}",), tmp_path / "secrets", ("127.0.0.0/8", "::1/128"), authority.file), got


def waits(world: World, ways: Ways, address: str, *, named: bool = True) -> str:
    """Somebody is to be told of a suspension, which waits in the outbox."""
    way = Way.WEBHOOK if address.startswith("https") else Way.MAIL
    with writing(world.hub.engine) as session:
        wanted = Wanted(CLEVELAND, way, address, [Kind.SUSPENDED], named)
        identity = subscriptions.add(session, wanted, "operator", world.clock()).id
        outbox.gather(session, world.clock())
    if way is Way.WEBHOOK and ways.webhooks:
        hook.renew(ways.webhooks, identity, keep=False)
    world.say(DURHAM, Capacity.SIGNATORY, Voice.SUSPEND)
    with writing(world.hub.engine) as session:
        assert outbox.gather(session, world.clock()) == 1
    return identity


def only(world: World) -> DeliveryRow:
    with reading(world.hub.engine) as session:
        return session.execute(select(DeliveryRow)).scalar_one()


# -------------------------------------------------------------------------------------------------------------------- mail


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_under_tls_with_a_password_and_says_no_more_than_it_may(
    world: World, authority: Authority, tmp_path: Path, security: str
) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    with mail_server(authority, implicit=security == "tls", password="open sesame") as box:
        ways = Ways(Mail("localhost", "hub@hub.example", box.port, security, "hub", tmp_path / "password", authority.file))
        waits(world, ways, ADDRESS)
        assert sending.deliver(world.hub, ways) == Sent(1, 0)
        assert sending.deliver(world.hub, ways) == Sent(0, 0)
    assert box.logins == ["hub"]
    assert [secure for *_, secure in box.envelopes] == [True]
    assert "duty@police.example" in box.envelopes[0][1]
    assert {line.split()[0].upper() for line in box.clear} <= {b"EHLO", b"STARTTLS"}
    said = box.messages[0]
    assert (said["To"], said["From"], said["Auto-Submitted"]) == (ADDRESS, "hub@hub.example", "auto-generated")
    assert said["Message-ID"] == f"<{only(world).id}@hub.example>"
    assert said["Subject"] == "LCJP Exchange: an agreement was suspended"
    text = said.get_content()
    assert REFERENCE in text
    assert world.hub.settings.public_url in text
    assert DURHAM not in said.as_string()


def test_without_its_name_a_mail_names_no_agreement(world: World, authority: Authority) -> None:
    with mail_server(authority) as box:
        ways = Ways(Mail("localhost", "hub@hub.example", box.port, ca_file=authority.file))
        waits(world, ways, ADDRESS, named=False)
        assert sending.deliver(world.hub, ways) == Sent(1, 0)
    assert REFERENCE not in box.messages[0].as_string()


def fails(world: World, box: Mailbox, mail: Mail) -> None:
    """Nothing but the beginning of a conversation was said in the clear, and the notice waits."""
    waits(world, Ways(mail), ADDRESS)
    assert sending.deliver(world.hub, Ways(mail)) == Sent(0, 1)
    assert box.messages == []
    assert {line.split()[0].upper() for line in box.clear} <= {b"EHLO", b"STARTTLS", b"QUIT", b"RSET"}
    assert only(world).next_at == world.clock() + AFTER[0]


def test_a_mail_server_without_tls_is_told_nothing(world: World, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame")
    with mail_server(authority, offers=False) as box:
        fails(world, box, Mail("localhost", "hub@hub.example", box.port, "starttls", "hub", tmp_path / "password", authority.file))


def test_a_mail_server_of_another_authority_is_told_nothing(world: World, authority: Authority, tmp_path: Path) -> None:
    with mail_server(in_folder(tmp_path / "other")) as box:
        fails(world, box, Mail("localhost", "hub@hub.example", box.port, ca_file=authority.file))


def test_a_wrong_password_is_tried_again_later(world: World, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    with mail_server(authority, password="open sesame") as box:
        fails(world, box, Mail("localhost", "hub@hub.example", box.port, "starttls", "hub", tmp_path / "password", authority.file))
    assert only(world).why == "SMTPAuthenticationError"


# ----------------------------------------------------------------------------------------------------------------- webhooks


def key_of(way: Webhooks, subscription: str, number: int = 0) -> str:
    return (way.secrets / f"{subscription}.secret").read_text().split()[number]


def test_a_webhook_verifies_with_the_published_library_before_and_after_a_rotation(hooks: tuple[Webhooks, Received], world: World) -> None:
    way, got = hooks
    mine = waits(world, Ways(webhooks=way), got.address)
    world.clock.now = datetime.now(UTC)
    old = key_of(way, mine)
    hook.renew(way, mine, keep=True)
    assert (way.secrets / f"{mine}.secret").stat().st_mode & 0o77 == 0
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(1, 0)
    for secret in (old, key_of(way, mine)):
        said = Webhook(secret).verify(got.bodies[0], got.headers[0])
        assert (said["type"], said["data"]) == ("agreement.suspended", {"link": world.hub.settings.public_url, "reference": REFERENCE})
    assert got.headers[0]["webhook-id"] == only(world).id
    assert got.paths == ["/hook?one=two"]
    assert DURHAM.encode() not in got.bodies[0]
    hook.renew(way, mine, keep=False)
    assert len(hook.secrets_of(way, mine)) == 1


def test_a_receiver_that_fails_is_tried_again_with_the_same_id_and_later_each_time(hooks: tuple[Webhooks, Received], world: World) -> None:
    way, got = hooks
    got.answers = [500, 302, 204]
    waits(world, Ways(webhooks=way), got.address)
    for number in range(2):
        assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(0, 1)
        assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(0, 0)  # not before its time
        world.clock.now += AFTER[number]
    assert only(world).why == "answered 302"
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(1, 0)
    assert len({one["webhook-id"] for one in got.headers}) == 1
    assert len({one["webhook-timestamp"] for one in got.headers}) == 3
    assert got.paths == ["/hook?one=two"] * 3  # no redirect was followed


def test_what_is_never_taken_is_given_up_and_said(hooks: tuple[Webhooks, Received], world: World) -> None:
    way, got = hooks
    got.answers = [503]
    waits(world, Ways(webhooks=way), got.address)
    for after in (*AFTER, timedelta()):
        assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(0, 1)
        world.clock.now += after
    world.clock.forward(days=9)
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(0, 0)
    with reading(world.hub.engine) as session:
        assert outbox.given_up(session) == 1


def test_who_dies_between_sending_and_noting_sends_it_again_under_the_same_id(
    hooks: tuple[Webhooks, Received], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, got = hooks
    waits(world, Ways(webhooks=way), got.address)

    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "sent", dies)
        with pytest.raises(Killed):
            sending.deliver(world.hub, Ways(webhooks=way))
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(0, 0)  # it may still be at it
    world.clock.now += outbox.LEASE
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(1, 0)
    assert len({one["webhook-id"] for one in got.headers}) == 1
    assert len(got.headers) == 2


def test_one_that_fails_holds_up_no_other(hooks: tuple[Webhooks, Received], world: World) -> None:
    way, got = hooks
    gone = waits(world, Ways(webhooks=way), got.address)
    shutil.rmtree(way.secrets)
    with writing(world.hub.engine) as session:
        fine = subscriptions.add(session, Wanted(CLEVELAND, Way.WEBHOOK, got.address, [Kind.RESUMED]), "operator", world.clock()).id
    hook.renew(way, fine, keep=False)
    world.say(DURHAM, Capacity.SIGNATORY, Voice.RESUME)
    with writing(world.hub.engine) as session:
        outbox.gather(session, world.clock())
    assert sending.deliver(world.hub, Ways(webhooks=way)) == Sent(1, 1)
    with reading(world.hub.engine) as session:
        found = {row.subscription: row.why for row in session.execute(select(DeliveryRow)).scalars()}
    assert found == {gone: "Misconfigured", fine: ""}


def post(way: Webhooks, address: str) -> None:
    hook.send(way, address, NOBODY, [bytes(32)], int(time.time()))


def test_only_hosts_on_the_list_are_told(hooks: tuple[Webhooks, Received]) -> None:
    way, got = hooks
    for address in ("https://localhost/hook", f"https://other.example:{got.port}/", f"https://localhost.evil.example:{got.port}/"):
        with pytest.raises(Unacceptable):
            post(way, address)
    assert got.headers == []


def test_private_addresses_are_not_reached_unless_they_are_on_the_list(hooks: tuple[Webhooks, Received]) -> None:
    way, got = hooks
    with pytest.raises(hook.NotTakenError, match="address not allowed"):
        post(replace(way, networks=()), got.address)
    post(way, got.address)
    assert len(got.headers) == 1


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4009::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("10.2.0.9", True),
    ],
)
def test_which_addresses_are_the_internets(address: str, *, admitted: bool) -> None:
    assert Webhooks(("h",), Path(), ("10.2.0.0/16",)).admits(address) is admitted


def test_a_receiver_of_another_authority_is_told_nothing(hooks: tuple[Webhooks, Received], tmp_path: Path) -> None:
    way, got = hooks
    with pytest.raises(OSError, match="certificate"):
        post(replace(way, ca_file=in_folder(tmp_path / "other").file), got.address)
    assert got.headers == []


def test_a_receiver_that_answers_a_byte_now_and_then_is_left(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "SECONDS", 0.4)

    def drip(handler: Any) -> None:
        for _ in range(200):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" if _ == 0 else b"X: y\r\n")
            time.sleep(0.05)

    with receiver(authority, drip) as got:
        began = time.monotonic()
        with pytest.raises((OSError, hook.NotTakenError)):
            post(Webhooks((f"localhost:{got.port}",), tmp_path, ("127.0.0.0/8", "::1/128"), authority.file), got.address)
        assert time.monotonic() - began < 3


# ----------------------------------------------------------------------------------------------------------------- settings


def test_without_a_way_nothing_is_sent_and_everything_waits(world: World) -> None:
    waits(world, Ways(), ADDRESS)
    assert sending.run(world.hub) == Sent(0, 1)
    assert only(world).why == "Misconfigured"


WHOLE = """
[mail]
host = "smtp.example"
sender = "hub@hub.example"
user = "hub"
password_file = "smtp.password"
[webhooks]
hosts = ["Hooks.example"]
secrets = "webhook-secrets"
"""


def test_the_settings_of_notices_are_read_relative_to_their_file(tmp_path: Path) -> None:
    path = tmp_path / "notices.toml"
    path.write_text(WHOLE)
    found = read_ways(path)
    assert found.mail == Mail("smtp.example", "hub@hub.example", 587, "starttls", "hub", tmp_path / "smtp.password")
    assert found.webhooks == Webhooks(("hooks.example",), tmp_path / "webhook-secrets")
    path.write_text(WHOLE.replace("sender", 'security = "tls"\nsender'))
    mail = read_ways(path).mail
    assert mail is not None
    assert mail.port == 465
    assert read_ways(None) == Ways()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('user = "hub"\n', ""),
        ('host = "smtp.example"\n', ""),
        ("sender", "password = 'x'\nsender"),
        ("sender", 'security = "none"\nsender'),
        ('["Hooks.example"]', '"hooks.example"'),
        ('["Hooks.example"]', "[1]"),
        ("secrets", 'networks = ["ten"]\nsecrets'),
        ("[mail]", "[pigeon]\n[mail]"),
        ("[mail]", "[mail"),
        ('host = "smtp.example"', "host = 25"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_no_password_is_one(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "notices.toml"
    assert old in WHOLE
    path.write_text(WHOLE.replace(old, new))
    with pytest.raises(Misconfigured):
        read_ways(path)


def test_what_the_schedule_does_is_gather_and_send(hooks: tuple[Webhooks, Received], world: World, tmp_path: Path) -> None:
    way, got = hooks
    path = tmp_path / "notices.toml"
    said = {"hosts": list(way.hosts), "secrets": str(way.secrets), "networks": list(way.networks), "ca_file": str(way.ca_file)}
    path.write_text("[webhooks]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
    waits(world, Ways(webhooks=way), got.address)
    here = Hub(replace(world.hub.settings, notices=path), world.hub.engine, world.hub.keyring, world.hub.places, world.clock)
    assert sending.run(here) == Sent(1, 0)
    world.say(DURHAM, Capacity.SIGNATORY, Voice.RESUME)  # nobody asked for that
    assert sending.run(here) == Sent(0, 0)
