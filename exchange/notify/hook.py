"""A notice by webhook: to a host on the list, at an address that may be reached, signed (Standard Webhooks), with no redirect followed.

The name is looked up once and that very address connected to, so that a name that changes its mind between the two leads nowhere.
"""

import http.client
import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Timer
from urllib.parse import urlsplit

from exchange.errors import Misconfigured
from exchange.notify.message import Notice
from exchange.notify.ways import HTTPS, Webhooks
from keys.webhook import headers, new_secret, read_secret

SECONDS = 10.0
"""For each step; all of it may take twice as long."""
KEPT = 2
"""Secrets of an endpoint that sign at once while one is being replaced."""


class NotTakenError(Exception):
    """The receiver did not take it: what it answered, in a word."""


def send(way: Webhooks, address: str, notice: Notice, keys: Sequence[bytes], now: int) -> None:
    """Post the notice. OSError, ``NotTakenError`` or an HTTP error where it was not taken; Unacceptable where the host is not allowed."""
    way.require(address)
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or HTTPS
    said = {
        **headers(keys, notice.id, now, notice.body),
        "Content-Type": "application/json",
        "User-Agent": "lcjp-exchange",
        "Connection": "close",
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(host, port, timeout=SECONDS)
    connection.sock = _connected(way, host, port)
    # A receiver that answers a byte now and then would otherwise hold whoever sends for as long as it likes.
    slow = Event()
    patience = Timer(2 * SECONDS, _cut, [connection.sock, slow])
    patience.start()
    try:
        connection.request("POST", path, notice.body, said)
        with connection.getresponse() as answer:
            status = answer.status
        if slow.is_set() or not 200 <= status < 300:
            raise NotTakenError("too slow" if slow.is_set() else f"answered {status}")
    except (http.client.HTTPException, ValueError) as error:
        raise NotTakenError("no HTTP answer") from error
    finally:
        patience.cancel()
        connection.close()


def _cut(found: socket.socket, slow: Event) -> None:
    """End a connection that lasts too long, whoever waits for it."""
    slow.set()
    with suppress(OSError):
        socket.socket.shutdown(found, socket.SHUT_RDWR)  # under TLS, which another thread is in the middle of


def _connected(way: Webhooks, host: str, port: int) -> ssl.SSLSocket:
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise NotTakenError("no host name") from error
    if not (admitted := [str(one[4][0]) for one in places if way.admits(str(one[4][0]).partition("%")[0])]):
        raise NotTakenError("address not allowed")
    context = ssl.create_default_context(cafile=way.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection((admitted[0], port), timeout=SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


# -------------------------------------------------------------------------------------------------- secrets of the endpoints


def secrets_of(way: Webhooks, subscription: str) -> list[bytes]:
    """The secrets that sign for an endpoint, the newest first. Misconfigured where there is none."""
    path = _place(way, subscription)
    try:
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError as error:
        remedy = "Every host that sends needs the same folder; or make a new one: exchange notify rotate ID"
        raise Misconfigured("the endpoint's secret is not here.", remedy=remedy) from error
    return [read_secret(line) for line in lines[:KEPT]]


def renew(way: Webhooks, subscription: str, *, keep: bool) -> Path:
    """Make a secret for an endpoint, before the one it has, which goes on signing if ``keep``. The file that holds them, for the operator alone."""
    path = _place(way, subscription)
    way.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = path.read_text(encoding="ascii").split()[: KEPT - 1] if keep and path.exists() else []
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join([new_secret(), *old]) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def forget(way: Webhooks, subscription: str) -> None:
    """Remove an endpoint's secrets."""
    _place(way, subscription).unlink(missing_ok=True)


def _place(way: Webhooks, subscription: str) -> Path:
    return way.secrets / f"{subscription}.secret"
