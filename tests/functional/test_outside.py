"""What the real server says to whoever knocks oddly: its limits are its own even where the application is not asked."""

import socket
from urllib.parse import urlsplit

import requests

from tests.functional.world import Server, World


def raw(address: str, request: bytes) -> bytes:
    """All that the server answers to these bytes."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        connection.sendall(request)
        found = b""
        while chunk := connection.recv(65_536):
            found += chunk
    return found


def test_what_is_odd_outside_is_refused_and_what_serves_says_no_name(world: World) -> None:
    with Server(world) as server:
        server.start()
        found = requests.get(f"{world.address}/openapi.json", timeout=10)
        assert found.status_code == 200
        assert found.headers["Server"] == "lcjp-exchange"
        assert requests.get(f"{world.address}/openapi.json", headers={"Host": "elsewhere.example"}, timeout=10).status_code == 421
        assert requests.get(f"{world.address}/health", headers={"Host": "elsewhere.example"}, timeout=10).status_code == 200
        assert requests.get(f"{world.address}/openapi.json?{'x' * 3_000}", timeout=10).status_code == 414
        assert requests.get(f"{world.address}/openapi.json?{'x' * 6_000}", timeout=10).status_code == 414
        assert requests.get(f"{world.address}/openapi.json", headers={"X-One": "x" * 9_000}, timeout=10).status_code == 431
        many = {f"X-{number}": "x" for number in range(70)}
        assert requests.get(f"{world.address}/openapi.json", headers=many, timeout=10).status_code == 431
        host = urlsplit(world.address).netloc.encode()
        for two in (
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 3\r\nContent-Length: 4\r\n",
            b"Transfer-Encoding: chunked\r\n",
        ):
            begun = b"POST /oauth2/token HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + two + b"\r\n3\r\nabc\r\n0\r\n\r\n"
            told = raw(world.address, begun)
            assert told.split(b" ", 2)[1:2] in ([b"400"], [b"411"]), (two, told)
        for chunk in server.world.log.read_text(encoding="utf-8").splitlines():
            assert "elsewhere.example" not in chunk
