"""A real mail server and a real HTTPS receiver, on loopback, with certificates of a test's own authority."""

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.adapters.test_doctor import Authority

DAY = timedelta(days=1)


def tls(authority: Authority) -> ssl.SSLContext:
    """A server's side, with a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(-DAY, DAY, x509.DNSName("localhost")))
    return context


@dataclass
class Mailbox:
    """What a mail server was handed: each message with its envelope and whether it came under TLS; and who logged in."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, str, bool]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)  # every line that came before TLS


class _Mail(socketserver.StreamRequestHandler):
    box: Mailbox
    context: ssl.SSLContext
    implicit: bool
    offers: bool
    password: str
    secure = False

    def setup(self) -> None:
        if self.implicit:
            self.request = self.context.wrap_socket(self.request, server_side=True)
            self.secure = True
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("220 localhost ESMTP")
        sender = receiver = ""
        while line := self.rfile.readline():
            if not self.secure:
                self.box.clear.append(line)
            word, rest = line.strip().decode().partition(" ")[::2]
            match word.upper():
                case "EHLO":
                    extra = ["AUTH PLAIN"] if self.secure else ["STARTTLS"] if self.offers else []
                    for item in ["localhost", *extra]:
                        self.say(f"250-{item}")
                    self.say("250 8BITMIME")
                case "STARTTLS":
                    self.say("220 go on")
                    self.request = self.context.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                    self.secure = True
                case "AUTH":
                    found = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    self.box.logins.append(found[1])
                    self.say("235 welcome" if found[2] == self.password else "535 no")
                case "MAIL":
                    sender = rest
                    self.say("250 ok")
                case "RCPT":
                    receiver = rest
                    self.say("250 ok")
                case "DATA":
                    self.say("354 go on")
                    self.take(sender, receiver)
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def take(self, sender: str, receiver: str) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        self.box.messages.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.box.envelopes.append((sender, receiver, self.secure))
        self.say("250 taken")


class _Quiet(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up because it does not trust us is what some tests want."""


@contextmanager
def mail_server(authority: Authority, *, implicit: bool = False, offers: bool = True, password: str = "") -> Iterator[Mailbox]:
    """A mail server, for as long as the block runs. ``offers``: STARTTLS."""
    box = Mailbox()
    how = {"box": box, "context": tls(authority), "implicit": implicit, "offers": offers, "password": password}
    with _Quiet(("127.0.0.1", 0), type("Mail", (_Mail,), how)) as server:
        box.port = server.server_address[1]
        with running(server):
            yield box


@dataclass
class Received:
    """What a receiver of webhooks was sent; ``answers``: what it says to each, the last one for ever."""

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [204])
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}/hook?one=two"


class _Https(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        found, address = super().get_request()
        found.settimeout(5)
        return self.context.wrap_socket(found, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_: Any) -> None:
        """As above."""


@contextmanager
def receiver(authority: Authority, drip: Callable[[Any], None] | None = None) -> Iterator[Received]:
    """An HTTPS receiver, for as long as the block runs. ``drip``: answers in the receiver's stead."""
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.headers.append({name.lower(): value for name, value in self.headers.items()})
            got.paths.append(self.path)
            got.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            if drip is not None:
                drip(self)
                return
            status = got.answers.pop(0) if len(got.answers) > 1 else got.answers[0]
            self.send_response(status)
            self.send_header("Location", f"https://localhost:{got.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with _Https(("127.0.0.1", 0), Handler) as server:
        server.context = tls(authority)
        got.port = server.server_address[1]
        with running(server):
            yield got


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """The server, in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def in_folder(folder: Path) -> Authority:
    """An authority of a test's own."""
    folder.mkdir(exist_ok=True)
    return Authority(folder)
