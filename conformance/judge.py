"""A judge that stands before a hub: it passes everything on, does four things to the client once each, and watches what the client makes of them.

In this order: the first contract comes with a forged sealing key; the first manifest meets 503 with Retry-After; the answer to the first
part is lost on the way, the part itself having arrived; the first receipt is forged. A client that refuses forgeries ends its run at the first
and at the last, so it is to be run three times.
"""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from conformance.clauses import Verdict
from conformance.judged import ANSWER_LOST, CLIENT, FORGED_KEY, FORGED_RECEIPT, PLANTED_PAUSE, REFUSED_ONCE, Exchange, Watched
from keys.encoding import b64
from keys.seal import EncryptionKey
from keys.sign import SigningKey, Use, sign_document

WAIT = 60
QUIET = 4.0  # seconds without a request after which a client has ended
LARGEST = 64 << 20
_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "date", "server", "content-length"})
_BUSY = {
    "type": "urn:lcjp-exchange:problem:unavailable",
    "title": "Not now",
    "status": 503,
    "detail": "the judge answers so once.",
    "code": "unavailable",
    "remedy": "Try again later.",
    "instance": "/v1/submissions",
}


@dataclass
class Answer:
    """What is sent back; ``lost``: nothing is, and the connection is closed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    did: str = ""
    lost: bool = False


@dataclass
class Judge:
    """The judge's memory: what was seen, and which of its four deeds are done."""

    hub: str
    seen: Watched
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def first(self, deed: str) -> bool:
        """Whether this deed is still to be done; from now on it is not."""
        with self.lock:
            if deed in self.done:
                return False
            self.done.add(deed)
            return True

    def note(self, exchange: Exchange) -> None:
        """Remember a request; the true receipt, told after the forged one, ends the watch."""
        with self.lock:
            self.seen.exchanges.append(exchange)
        told = (exchange.asks or exchange.announces) and exchange.said().get("receipt") is not None
        if told and exchange.did == "" and FORGED_RECEIPT in self.done:
            self.over.set()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Pass a request on, or not, and do to the answer what is still to be done."""
        asked = Exchange(0, method, path, headers, body, 0, b"")
        if asked.announces and FORGED_KEY in self.done and self.first(REFUSED_ONCE):
            busy = [("Content-Type", "application/problem+json"), ("Retry-After", str(PLANTED_PAUSE))]
            return Answer(503, busy, json.dumps(_BUSY).encode(), REFUSED_ONCE)
        found = _passed_on(self.hub, method, path, headers, body)
        if found.status >= 300:
            return found
        if asked.is_("GET", "/contract") and self.first(FORGED_KEY):
            return _changed(found, "sealing_key", Use.SEALING_KEY, FORGED_KEY)
        if asked.part and self.first(ANSWER_LOST):
            return Answer(found.status, [], b"", ANSWER_LOST, lost=True)
        if asked.asks and json.loads(found.body).get("receipt") is not None and self.first(FORGED_RECEIPT):
            return _changed(found, "receipt", Use.RECEIPT, FORGED_RECEIPT)
        return found


def _changed(found: Answer, member: str, use: Use, did: str) -> Answer:
    """The answer with a signed member signed anew, by a key that nobody named."""
    said: dict[str, Any] = json.loads(found.body)
    document = dict(said[member]["document"])
    if use is Use.SEALING_KEY:
        document["public"] = b64(EncryptionKey.generate().public)
    said[member] = sign_document(document, use, SigningKey.generate())
    return Answer(found.status, found.headers, json.dumps(said).encode(), did)


def _passed_on(hub: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """The hub's own answer. Its name of itself is kept: what it demands of Host is for it to say."""
    to = urlsplit(hub)
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    connection = kind(to.hostname or "", to.port, timeout=WAIT)
    try:
        sent = {name: value for name, value in headers.items() if name not in ("host", "connection")}
        connection.request(method, to.path + path, body=body or None, headers={**sent, "Host": to.netloc})
        answer = connection.getresponse()
        return Answer(answer.status, [one for one in answer.getheaders() if one[0].lower() not in _HOP], answer.read())
    finally:
        connection.close()


class Door(ThreadingHTTPServer):
    """Where the client comes in."""

    daemon_threads = True

    def __init__(self, port: int, judge: Judge) -> None:
        super().__init__(("127.0.0.1", port), Desk)
        self.judge = judge


class Desk(BaseHTTPRequestHandler):
    """One request of the client."""

    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        assert isinstance(self.server, Door)
        judge, at = self.server.judge, time.monotonic()
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = int(headers.get("content-length", "0"))
        body = self.rfile.read(min(length, LARGEST))
        try:
            answer = judge.answer(self.command, self.path, headers, body)
        except OSError:
            answer = Answer(502, [], b"")
        judge.note(Exchange(at, self.command, self.path, headers, body, answer.status, answer.body, answer.did))
        if answer.lost:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815  # the standard library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # likewise
        """Nothing: what is to be said is in the verdicts."""


def judging(hub: str, port: int, seconds: float) -> list[Verdict]:
    """Stand before a hub until a client has been given its true receipt, or the time is over; the verdicts."""
    judge = Judge(hub, Watched(f"{hub}/oauth2/token"))
    with Door(port, judge) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        here = f"http://localhost:{door.server_address[1]}"
        print(
            f"The judge stands at {here} before {hub}.\n"
            f"Set your client's hub to {here}, and the audience of its assertions to {hub}/oauth2/token (agency.toml: hub, audience).\n"
            "Then push one extract of at least one row that the hub does not hold yet, and again: each run meets a forgery and must end without\n"
            "success. A third run (exchange-agency push --resume) must end with the receipt. Ctrl-C ends the watch.",
            flush=True,
        )
        try:
            judge.over.wait(seconds)
        except KeyboardInterrupt:
            print("Ended by hand.", flush=True)
        while judge.over.is_set() and time.monotonic() - judge.seen.exchanges[-1].at < QUIET:
            time.sleep(0.1)  # what the client asks after the receipt, it asks of us
        door.shutdown()
    return CLIENT.judge(judge.seen)
