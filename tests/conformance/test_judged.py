"""The judge's rules over what a client sent: a client that does everything right passes, and each deviation fails on its own clause."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.clauses import Outcome, exit_code
from conformance.judged import ANSWER_LOST, CLIENT, FORGED_KEY, FORGED_RECEIPT, REFUSED_ONCE, Exchange, Watched
from keys.encoding import b64

AUDIENCE, CONTRACT, POSTED = "https://hub.example/oauth2/token", "/v1/agreements/A/datasets/d/contract", "/v1/submissions"
PART, STANDS = "/v1/submissions/sub-1/parts/1", "/v1/submissions/sub-1"
BODY = b"sealed"
DIGEST = "sha-256=:" + base64.b64encode(hashlib.sha256(BODY).digest()).decode() + ":"


def token(jti: str, **claims: Any) -> Exchange:
    said = {"jti": jti, "aud": AUDIENCE, "iat": 100, "exp": 220, **claims}
    form = f"client_assertion={b64(b'{}')}.{b64(json.dumps(said).encode())}.{b64(b'x')}".encode()
    return one("POST", "/oauth2/token", form, 200)


def one(method: str, path: str, body: bytes = b"", status: int = 200, did: str = "", at: float = 0, **said: Any) -> Exchange:
    headers = {"content-length": str(len(body))} if body else {}
    return Exchange(at, method, path, headers, body, status, json.dumps(said).encode(), did)


def manifest(upload: str = "u1", status: int = 201, did: str = "", at: float = 0) -> Exchange:
    document = {"upload": upload, "dataset": "d", "period": "2026-01", "rows_digest": "sha256:1"}
    return one("POST", POSTED, json.dumps({"document": document}).encode(), status, did, at, upload=upload)


def part(body: bytes = BODY, did: str = "", digest: str = DIGEST) -> Exchange:
    found = one("PUT", PART, body, 201, did)
    return replace(found, headers={**found.headers, **({"content-digest": digest} if digest else {})})


GOOD = (
    token("j1"),
    one("GET", "/v1/log/checkpoint"),
    one("GET", CONTRACT, did=FORGED_KEY),
    token("j2"),
    one("GET", CONTRACT),
    manifest(status=503, did=REFUSED_ONCE, at=10.0),
    manifest(at=12.1),
    part(did=ANSWER_LOST),
    part(),
    one("POST", f"{STANDS}/complete", b"{}", 202),
    one("GET", STANDS, did=FORGED_RECEIPT, upload="u1", receipt={}),
    token("j3"),
    one("GET", STANDS, upload="u1", receipt={}),
)


def failing(seen: tuple[Exchange, ...]) -> set[str]:
    return {verdict.id for verdict in CLIENT.judge(Watched(AUDIENCE, list(seen))) if verdict.outcome is Outcome.FAIL}


def test_a_client_that_does_everything_right_passes_every_clause() -> None:
    verdicts = CLIENT.judge(Watched(AUDIENCE, list(GOOD)))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}, verdicts
    assert exit_code(verdicts) == 0


def put(at: int, *new: Exchange) -> tuple[Exchange, ...]:
    """The good run with one exchange replaced."""
    return (*GOOD[:at], *new, *GOOD[at + 1 :])


DEVIATIONS: dict[str, tuple[Callable[[], tuple[Exchange, ...]], set[str]]] = {
    "an assertion is used twice": (lambda: put(3, token("j1")), {"client-assertion"}),
    "an assertion is for another hub": (lambda: put(3, token("j2", aud="https://elsewhere.example")), {"client-assertion"}),
    "an assertion lives an hour": (lambda: put(3, token("j2", exp=3_700)), {"client-assertion"}),
    "a body comes without its length": (lambda: put(9, replace(GOOD[9], headers={})), {"client-lengths"}),
    "a body comes packed": (lambda: put(9, replace(GOOD[9], headers={"content-length": "2", "content-encoding": "gzip"})), {"client-lengths"}),
    "a part has no digest": (lambda: put(8, part(digest="")), {"client-digest"}),
    "a part has the digest of other bytes": (lambda: put(8, part(digest=DIGEST.replace("=:", "A:", 1))), {"client-digest"}),
    "it announces on a forged contract": (lambda: put(4, manifest(status=422)), {"client-forged-key"}),
    "it does not wait": (lambda: put(6, manifest(at=10.3)), {"client-waits"}),
    "it never comes again after 503": (lambda: GOOD[:6], {"client-waits", "client-receipt"}),
    "it puts other bytes": (lambda: put(8, part(b"other", digest="sha-256=:" + base64.b64encode(hashlib.sha256(b"other").digest()).decode() + ":")), {"client-resumes"}),
    "it submits twice": (lambda: (*GOOD[:9], manifest("u2"), *GOOD[9:]), {"client-one-upload"}),
    "it takes a forged receipt": (lambda: GOOD[:11], {"client-forged-receipt", "client-receipt"}),
    "it never looks at the log": (lambda: (GOOD[0], *GOOD[2:]), {"client-log"}),
}  # fmt: skip


@pytest.mark.parametrize("what", DEVIATIONS)
def test_a_client_that_deviates_fails_on_that_clause_and_no_other(what: str) -> None:
    make, clauses = DEVIATIONS[what]
    assert failing(make()) == clauses


def test_a_watch_to_which_nobody_came_passes_nothing() -> None:
    verdicts = CLIENT.judge(Watched(AUDIENCE))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.NOT_APPLICABLE, Outcome.FAIL}
    assert exit_code(verdicts) == 1
