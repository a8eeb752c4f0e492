"""Connections that send a little and then nothing: they hold up the hub for seconds, and not for ever."""

import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from tests.functional.world import World, serving

BEGINNINGS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Never: ",
    b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\na",
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("beginning", BEGINNINGS, ids=["header", "body"])
def test_silence_ends_a_request(world: World, beginning: bytes) -> None:
    with serving(world), ExitStack() as opened:
        host, port = urlsplit(world.address).hostname, urlsplit(world.address).port
        for _ in range(8):  # as many as there are threads
            one = opened.enter_context(socket.create_connection((host, port)))
            one.sendall(beginning)
        time.sleep(1)
        assert requests.get(f"{world.address}/health", timeout=60).status_code == 200
