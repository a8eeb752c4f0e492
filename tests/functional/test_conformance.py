"""The sandbox as a process, the kit as another: our hub and our client pass over HTTP, and whatever deviates fails on the right clauses."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from conformance.asking import Asker
from conformance.clauses import Outcome, Suite
from conformance.hub import HubStage
from conformance.hub_agreements import AGREED, READ
from conformance.hub_entry import ENTRY
from conformance.hub_submitting import SENT
from conformance.judge import Answer, Door, Judge, _passed_on
from conformance.judged import Exchange, Watched
from demo.cast import ROOT
from demo.sandbox.cast import CARD, Card
from demo.sandbox.told import commands
from demo.stage import free_port, hub
from exchange.errors import Unacceptable
from keys.encoding import b64
from keys.keyfile import read_keyfile
from keys.sign import SigningKey, Use, sign_document
from tests.functional.browser import visitor
from tests.functional.world import agency

SANDBOX = [sys.executable, "-P", "-m", "demo.sandbox"]


@pytest.fixture(autouse=True)
def every_problem_is_documented() -> None:
    """Not here: planted deviations answer what no hub of ours does (tests/conftest.py looks everywhere else)."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Card]:
    """A sandbox as ``dev.py sandbox --keep`` runs it."""
    folder = tmp_path_factory.mktemp("sandbox") / "kept"
    with subprocess.Popen([*SANDBOX, "--keep", folder], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("It ends with"):
                break
        assert (folder / CARD).exists(), "".join(said)
        found = Card.read(folder)
        for _, command in commands(found):
            assert command in "".join(said)
        yield found
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()


def asker(card: Card, party: str, url: str = "") -> Asker:
    return Asker(url or card.url, party, read_keyfile(card.key(party, "client")).signing, said_audience=card.url)


def stage(card: Card, url: str = "") -> HubStage:
    """What the printed command gives the suite."""
    manifest = read_keyfile(card.key(card.tried, "manifest")).signing
    recipient = asker(card, card.recipient, url)
    return HubStage(asker(card, card.tried, url), manifest, recipient, card.reference, card.dataset, card.free_period)


def kit(command: str, *more: str, seconds: float = 100) -> subprocess.CompletedProcess[str]:
    """A printed command of the kit, as a process of its own."""
    words = [sys.executable if word == ".venv/bin/python" else word for word in shlex.split(command)]
    return subprocess.run([*words, *more], cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


def test_our_hub_passes_every_clause(card: Card) -> None:
    suite = next(command for what, command in commands(card) if "suite" in what)
    done = kit(suite, "--json")
    verdicts = json.loads(done.stdout)
    assert [one for one in verdicts if one["outcome"] != "pass"] == []
    assert len(verdicts) > 50
    assert done.returncode == 0
    for one in verdicts:
        file, _, section = one["cites"].partition(", ")
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        assert not section or f"\n## {section.removeprefix('section ')}" in text, one["cites"]


@pytest.mark.slow
def test_the_other_commands_that_are_printed_do_what_they_say(card: Card, tmp_path: Path) -> None:
    found = dict(commands(card))
    token = next(command for what, command in found.items() if "access token" in what)
    got = kit(token.removeprefix('TOKEN="$(').removesuffix(')"'))
    listed = requests.get(f"{card.url}/v1/agreements", headers={"Authorization": f"Bearer {got.stdout.strip()}"}, timeout=10)
    assert [one["reference"] for one in listed.json()["agreements"]] == [card.reference]
    released = next(command for what, command in found.items() if "release with a token" in what).split()
    user, password = released[2].split(":", 1)
    table = requests.get(released[3], auth=(user, password), timeout=10)
    assert table.text.startswith("force,month,crime_type,group,"), table.text[:100]
    assert agency(*shlex.split(next(c for w, c in found.items() if "everything as it must" in w))[1:]).code == 0
    assert agency(*shlex.split(next(c for w, c in found.items() if "what would leave" in w))[1:]).code == 0
    pulled = shlex.split(next(c for w, c in found.items() if "download" in w))[1:]
    assert agency(*[str(tmp_path / "out") if word == "FOLDER" else word for word in pulled]).code == 0
    assert list((tmp_path / "out").glob("*/by-type.csv"))


def test_our_client_passes_every_clause_of_the_judge(card: Card, tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "agency"
    shutil.copytree(card.places.agency(card.supplier), home)
    told = (home / "agency.toml").read_text(encoding="utf-8")
    before = f'hub = "http://localhost:{port}"\naudience = "{card.url}/oauth2/token"'
    (home / "agency.toml").write_text(told.replace(f'hub = "{card.url}"', before), encoding="utf-8")
    command = next(command for what, command in commands(card) if "judge" in what)
    words = [sys.executable, *shlex.split(command)[1:], "--port", str(port), "--seconds", "90", "--json"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout is not None
        assert judge.stdout.readline().startswith("The judge stands at")
        extract = card.places.run / "extracts" / f"{card.supplier}-{card.ready_period}.csv"
        pushed = ("push", card.dataset, extract, "--period", card.ready_period, "--home", home)
        ended = [agency(*pushed), agency(*pushed), agency("push", "--resume", "--home", home)]
        out, _ = judge.communicate(timeout=100)
    assert [one.code == 0 for one in ended] == [False, False, True], ended
    verdicts = json.loads(out[out.index("[\n") :])
    assert [one for one in verdicts if one["outcome"] != "pass"] == []
    assert judge.returncode == 0


# -------------------------------------------------------------------------------------------- what makes it a sandbox


def test_every_answer_says_that_it_is_a_sandbox(card: Card) -> None:
    for path in ("/health", "/v1/agreements", "/openapi.json", "/sign-in", "/register", "/public/framework"):
        assert "invented" in requests.get(card.url + path, headers={"Accept": "text/html"}, timeout=10).headers["Exchange-Sandbox"], path
    for path in ("/sign-in", "/register", "/nothing-here"):
        page = requests.get(card.url + path, headers={"Accept": "text/html"}, timeout=10).text
        assert "Every organisation, person and row here is invented" in page, path
        assert "Sandbox of the" in page, path
    assert "Sandbox:" in requests.get(f"{card.url}/public/framework", headers={"Accept": "text/html"}, timeout=10).text
    assert requests.get(f"{card.url}/openapi.json", timeout=10).json()["info"]["x-sandbox"] is True


def test_a_real_key_and_a_real_agreement_do_not_come_in(card: Card, tmp_path: Path) -> None:
    config = card.places.hub / "hub.toml"
    hub(None, "person", "new", "--owner", "cleveland-police", "--role", "dpo", "--out", tmp_path)
    with pytest.raises(Unacceptable, match="sandbox") as refused:
        hub(config, "partner", "add", tmp_path / "cleveland-police-dpo.card.json")
    assert refused.value.code == "sandbox"
    text = card.places.run.joinpath("agreement.toml").read_text(encoding="utf-8")
    for old, new in (('"SANDBOX-OUTCOMES"', '"LCJP-OUTCOMES"'), ("sandbox-eastvale", "durham-constabulary")):
        document = tmp_path / "real.toml"
        document.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(Unacceptable, match="sandbox"):
            hub(config, "agreement", "enter", document)


@pytest.mark.slow
def test_a_sandbox_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(SANDBOX, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("lcjp-sandbox-*/hub/hub.toml")):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------- hubs that deviate, planted


@dataclass
class Deviating(Judge):
    """Stands before the hub, and alters its answers."""

    alter: Callable[[Exchange, Answer], Answer] = lambda _, answer: answer

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        found = _passed_on(self.hub, method, path, headers, body)
        return self.alter(Exchange(0, method, path, headers, body, found.status, found.body), found)


def without(found: Answer, name: str) -> Answer:
    return replace(found, headers=[one for one in found.headers if one[0].lower() != name.lower()])


def said(found: Answer, **members: Any) -> Answer:
    return replace(found, body=json.dumps({**json.loads(found.body), **members}).encode())


def as_token(asked: Exchange, found: Answer) -> Answer:
    """An assertion that was used before, or lives too long, gets a token all the same."""
    if asked.is_("POST", "/oauth2/token") and json.loads(found.body).get("code") in ("replayed-assertion", "expired-assertion"):
        return Answer(200, found.headers, json.dumps({"access_token": "x", "token_type": "Bearer", "expires_in": 300}).encode())
    return found


def forged(member: str, use: Use) -> Callable[[Exchange, Answer], Answer]:
    def alter(asked: Exchange, found: Answer) -> Answer:
        had = json.loads(found.body).get(member) if b'"' + member.encode() + b'"' in found.body else None
        return said(found, **{member: sign_document(had["document"], use, SigningKey.generate())}) if had else found

    return alter


def on(path: str, alter: Callable[[Answer], Answer]) -> Callable[[Exchange, Answer], Answer]:
    return lambda asked, found: alter(found) if path in asked.path else found


DEVIATIONS: list[tuple[str, Suite[HubStage], Callable[[Exchange, Answer], Answer], set[str]]] = [
    ("a replayed assertion is answered", ENTRY, as_token, {"in-once", "in-lifetime"}),
    ("401 does not say how to come in", ENTRY, lambda _, found: without(found, "WWW-Authenticate"), {"in-none"}),
    ("answers may be stored", ENTRY, lambda _, found: without(found, "Cache-Control"), {"every-answer"}),
    ("405 does not say what is allowed", ENTRY, lambda _, found: without(found, "Allow"), {"method"}),
    ("unknown parameters pass", ENTRY, on("more=1", lambda found: replace(found, status=200)), {"parameters"}),
    ("the sealing key is forged", AGREED, forged("sealing_key", Use.SEALING_KEY), {"contract-key"}),
    ("the agreement is reformatted", AGREED, on("/v1/agreements/SANDBOX-OUTCOMES", lambda found: said(found, canonical=json.loads(found.body)["canonical"] + "\n") if b'"canonical"' in found.body else found), {"agreement-canonical", "agreement-signed"}),
    ("a signature is left out", AGREED, on("/v1/agreements/SANDBOX-OUTCOMES", lambda found: said(found, statements=json.loads(found.body)["statements"][:-1]) if b'"statements"' in found.body else found), {"agreement-signed"}),
    ("who is no party is told of an agreement", AGREED, on("NO-SUCH", lambda found: said(replace(found, status=403), status=403)), {"agreement-unknown"}),
    ("a file has another ETag", READ, lambda _, found: replace(found, headers=[(n, f"W/{v}" if n == "ETag" else v) for n, v in found.headers]), {"edition-files"}),
    ("digests are stripped from files", READ, lambda _, found: without(found, "Repr-Digest"), {"edition-files"}),
    ("a proof of the log is false", READ, on("/log/consistency", lambda found: said(found, proof=["00" * 32]) if found.status == 200 else found), {"log-grows"}),
    ("the checkpoint is another's", READ, on("/log/checkpoint", lambda found: replace(found, body=found.body[:-10] + b64(bytes(6)).encode() + b"=\n")), {"log-checkpoint", "log-grows", "log-sizes", "log-own"}),
    ("the signed edition is altered", READ, on("/v1/editions/ed-", lambda found: forged("edition", Use.EDITION)(Exchange(0, "", "", {}, b"", 200, b""), found) if b'"tables"' in found.body and b'"edition"' in found.body else found), {"edition-signed"}),
]  # fmt: skip


def failed(card: Card, suite: Suite[HubStage], alter: Callable[[Exchange, Answer], Answer]) -> set[str]:
    judge = Deviating(card.url, Watched(""), alter=alter)
    with Door(0, judge) as door:
        threading.Thread(target=door.serve_forever, args=(0.02,), daemon=True).start()
        verdicts = suite.judge(stage(card, f"http://localhost:{door.server_address[1]}"))
        door.shutdown()
    return {one.id for one in verdicts if one.outcome is Outcome.FAIL}


ALWAYS = {
    "a replayed assertion is answered",
    "the sealing key is forged",
    "a signature is left out",
    "a proof of the log is false",
    "the signed edition is altered",
}
"""Deviations that every run of the tests plants; the others are slow."""
PLANTED = [pytest.param(*one, id=one[0], marks=() if one[0] in ALWAYS else pytest.mark.slow) for one in DEVIATIONS]


@pytest.mark.parametrize(("what", "suite", "alter", "clauses"), PLANTED)
def test_a_hub_that_deviates_fails_on_that_clause_and_no_other(
    card: Card, what: str, suite: Suite[HubStage], alter: Callable[[Exchange, Answer], Answer], clauses: set[str]
) -> None:
    assert failed(card, suite, alter) == clauses, what


def only(*names: str) -> Suite[HubStage]:
    """Some of the clauses about a submission."""
    found: Suite[HubStage] = Suite()
    found.clauses = [one for one in SENT.clauses if one.id in names]
    assert len(found.clauses) == len(names)
    return found


def test_a_hub_that_forges_receipts_fails_on_what_rests_on_them(card: Card) -> None:
    suite = only("manifest-opens", "part-taken", "acknowledged", "receipt")
    assert failed(card, suite, forged("receipt", Use.RECEIPT)) == {"receipt"}


@pytest.mark.slow
def test_a_hub_that_takes_damaged_parts_and_completes_too_early_fails_there(card: Card) -> None:
    def lenient(asked: Exchange, found: Answer) -> Answer:
        if found.status in (409, 411, 422) and ("/parts/" in asked.path or asked.path.endswith("/complete")):
            return Answer(201, found.headers, b'{"part": 1, "missing": []}')
        return found

    suite = only("manifest-opens", "part-digest", "part-damaged", "part-other", "part-number", "complete-early")
    assert failed(card, suite, lenient) == {"part-digest", "part-damaged", "part-other", "complete-early"}


@pytest.mark.slow
def test_a_hub_that_signs_acknowledgements_anew_fails_there(card: Card) -> None:
    suite = only("manifest-opens", "manifest-again", "part-taken", "acknowledged")
    assert failed(card, suite, forged("acknowledgement", Use.ACKNOWLEDGEMENT)) == {"acknowledged"}


def test_a_hub_that_cannot_be_reached_passes_nothing() -> None:
    away = HubStage(Asker(f"http://localhost:{free_port()}", "sandbox-northmoor", SigningKey.generate()))
    assert {one.outcome for one in ENTRY.judge(away)} <= {Outcome.FAIL, Outcome.NOT_APPLICABLE}


def test_a_developer_sees_on_a_page_why_each_request_was_refused(card: Card, chromium: Browser) -> None:
    client = Asker(card.url, card.supplier, read_keyfile(card.key(card.supplier, "client")).signing)
    _, answer = (client.ask("GET", "/v1/agreements/NOBODYS-OWN") for _ in range(2))
    with visitor(chromium, card.url) as robin:
        robin.enrol(card.invitation)
        page = robin.go("/requests")
        row = page.locator("tr", has_text=answer.headers["X-Request-Id"])
        for words in ("404", "unknown-agreement", "the last of 2 alike", "/v1/agreements/{reference}"):
            assert words in row.inner_text()
        assert "NOBODYS" not in page.content()
        robin.check("requests")
