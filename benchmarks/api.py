"""How many times a second an agency can ask how its submission stands: ``GET /v1/submissions/{id}`` with its token.

Ours is ``exchange serve`` as installed: token authenticated, its key looked up and not revoked, role and owner checked, answer read and
serialised. The other (``benchmarks.bare``) is a Flask route that reads the same row of the same database and gives the same answer to
anybody, under the same server (gunicorn gthread, one worker, eight threads, access log). Both are asked by the same client over kept connections.

    .venv/bin/python -m benchmarks.api --requests 500 --repeats 12
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.intake import stage
from benchmarks.measure import ROOT, SUPPLIER, Result, paired
from benchmarks.rig import Rig, build
from demo.stage import free_port, serving
from exchange.access import Caller, Role, issue
from exchange.db import reading
from exchange.submissions.process import process
from exchange.submissions.tables import SubmissionRow
from keys.sign import SigningKey

CONNECTIONS = 8
LIMIT = 0.6


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=12)
    given = parser.parse_args()
    run(given.requests, given.repeats).show()


def run(requests: int, repeats: int) -> Result:
    """Both servers up, asked in turn."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, port, other = Path(scratch) / "hub", free_port(), free_port()
        rig = build(folder, f"http://127.0.0.1:{port}")
        submission, token = held(rig), token_of(rig)
        path = f"/v1/submissions/{submission}"
        found: dict[str, list[float]] = {"ours": [], "bare": []}
        with serving(rig.config, f"http://127.0.0.1:{port}", folder / "hub.log") as server, bare(rig.config, other, folder / "bare.log"):
            assert ask(port, path, token) == ask(other, path, ""), "the two answers differ"
            for _ in range(repeats):
                found["bare"].append(rate(other, path, "", requests))
                found["ours"].append(rate(port, path, token, requests))
            peak = family_mb(server.pid)
    ours, plain = statistics.median(found["ours"]), statistics.median(found["bare"])
    ratio = paired(found["ours"], found["bare"])
    work = f"{requests * repeats:,} status reads over {CONNECTIONS} connections"
    return Result("api", work, f"{ours:,.0f}/s", f"{plain:,.0f}/s", ratio, f">= {LIMIT}", ratio >= LIMIT, peak, {"runs": found})


def held(rig: Rig) -> str:
    """A submission with its receipt."""
    stage(rig, 1_000)
    hub = rig.hub
    with reading(hub.engine) as session:
        [submission] = session.execute(select(SubmissionRow.id)).scalars()
    assert process(hub.engine, hub.settings, hub.keyring, hub.places, submission, hub.clock) == "held"
    return submission


def token_of(rig: Rig) -> str:
    """An access token, as the token endpoint would issue it."""
    key = rig.keys[f"{SUPPLIER}/client"]
    assert isinstance(key, SigningKey)
    return issue(rig.hub.keyring.tokens, Caller(SUPPLIER, Role.SUPPLIER, key.public.fingerprint), datetime.now(UTC))


@contextmanager
def bare(config: Path, port: int, log: Path) -> Iterator[None]:
    """The bare route, for as long as the block runs."""
    command = [sys.executable, "-m", "benchmarks.bare", str(config), str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


# -------------------------------------------------------------------------------------------------------------- the client


def request_bytes(path: str, token: str) -> bytes:
    """The request, made once: the client must cost as little as it can."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n{authorization}\r\n".encode()


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer, whose body is returned. Anything but 200 is an error."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0].split()[1] == b"200", lines[0]
    [length] = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 16)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def ask(port: int, path: str, token: str) -> Any:
    """One answer, parsed."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return json.loads(exchange(connection, request_bytes(path, token)))


def rate(port: int, path: str, token: str, requests: int) -> float:
    """Requests a second, over several connections at once."""
    request, share = request_bytes(path, token), requests // CONNECTIONS
    failures: list[BaseException] = []

    def keep_asking() -> None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for _ in range(share):
                    exchange(connection, request)
        except (OSError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=keep_asking) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if failures:
        raise failures[0]
    return share * CONNECTIONS / seconds


def family_mb(pid: int) -> int:
    """Resident megabytes of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    total = 0
    for one in (str(pid), *children):
        [line] = [line for line in Path(f"/proc/{one}/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")]
        total += int(line.split()[1])
    return total // 1024


if __name__ == "__main__":
    main()
