"""The doors to the exports: the pages and the commands give the same, to those who may have it, and to nobody else."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agreements.signing import Capacity, Statement, Voice, statement_document
from exchange.commands.root import cli
from exchange.db import reading, writing
from exchange.errors import Misconfigured, Unacceptable
from exchange.exports.printable import printable
from exchange.exports.public_register import COLUMNS
from exchange.exports.version import signed_version_of
from exchange.extras import load
from exchange.register import agreements
from keys.sign import Use, sign_document
from tests.exchange.configured import configured
from tests.exchange.extra import needs_pdf
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World
from tests.exchange.web.signed_in import sign_in

HERE = f"/agreements/{REFERENCE}/versions/1"
FILES = {
    "document.pdf": "application/pdf",
    "signed.json": "application/json",
    "policy.jsonld": "application/ld+json",
    "processing-record": "text/csv",
}


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return sign_in(world, CLEVELAND, "dpo")


@pytest.fixture
def exchange(world: World) -> Callable[..., Any]:
    def run(*words: str | Path) -> Any:
        return cli.main(["--config", str(configured(world)), "--json", *map(str, words)], standalone_mode=False)

    return partial(run, "agreement")


# --------------------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_pdf) if name.endswith(".pdf") else name for name in FILES])
def test_a_party_downloads_each(browser: FlaskClient, name: str) -> None:
    answer = browser.get(f"{HERE}/{name}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == FILES[name]
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{REFERENCE}-1')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.data


def _plain(answer: TestResponse, reference: str) -> str:
    """An answer without what is of this one request: its address, its id, and the words that are used once."""
    text = answer.text.replace(reference, "X").replace(answer.headers["X-Request-Id"], "Y")
    return re.sub(r'(nonce|csrf_token" value)="[^"]*"', "", text)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("party", ["cps-north-east", TEAM])
def test_to_people_of_no_party_it_is_unknown(world: World, party: str, name: str) -> None:
    theirs = sign_in(world, party, "dpo", "signatory", "analyst")
    for accept in ("application/json", "text/html"):
        answer = theirs.get(f"{HERE}/{name}", headers={"Accept": accept})
        nowhere = theirs.get(f"/agreements/LCJP-NONE/versions/1/{name}", headers={"Accept": accept})
        assert answer.status_code == nowhere.status_code == 404
        assert _plain(answer, REFERENCE) == _plain(nowhere, "LCJP-NONE")
    assert theirs.get(f"{HERE.removesuffix('1')}7/{name}").status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_without_a_session_one_is_sent_to_sign_in(world: World, name: str) -> None:
    answer = world.app.test_client().get(f"{HERE}/{name}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")


def test_each_organisation_gets_its_own_record(world: World) -> None:
    for party in (CLEVELAND, DURHAM, OPERATOR):
        theirs = sign_in(world, party, "analyst")
        found = theirs.get(f"{HERE}/processing-record?format=json").get_json()
        assert found["party"] == party
        rows = list(csv.DictReader(io.StringIO(theirs.get(f"{HERE}/processing-record?format=csv").get_data(as_text=True), newline="")))
        assert [row["dataset"] for row in rows] == [entry["dataset"] for entry in found["entries"]]


def test_an_operator_of_no_party_has_no_record_but_sees_the_rest(world: World) -> None:
    theirs = sign_in(world, "somewhere-else", "operator")
    assert theirs.get(f"{HERE}/signed.json").status_code == 200
    answer = theirs.get(f"{HERE}/processing-record")
    assert answer.status_code == 404
    assert "keeps no record under it" in answer.text


def test_another_format_is_refused(browser: FlaskClient) -> None:
    answer = browser.get(f"{HERE}/processing-record?format=xml", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "bad-format")


@needs_pdf
def test_the_printed_agreement_shows_who_signed(world: World) -> None:
    pypdf = pytest.importorskip("pypdf")
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    answer = sign_in(world, DURHAM, "dpo").get(f"{HERE}/document.pdf")
    text = "".join("".join(one.extract_text().split()) for one in pypdf.PdfReader(io.BytesIO(answer.data)).pages)
    assert "StatewhenthiswasprintedSuspended" in text
    for party in world.agreement.parties:
        assert text.count("".join(f"{party.signatory.name} signed it, 2026-11-22 09:30:00 UTC".split())) == 1
        assert party.signatory.key in text
    assert "suspendedit" in text
    assert "keyfile" in text


def test_what_was_said_of_one_dataset_is_shown_and_a_comment_that_deceives_is_not(world: World) -> None:
    person = world.agreement.parties[0].dpo
    said = Statement(CLEVELAND, Capacity.DPO, person.name, Voice.SUSPEND, "fine \u202egnp.exe", world.clock(), "0" * 32, "crimes")
    signed = sign_document(statement_document(world.agreement, said), Use.STATEMENT, world.signing(f"{CLEVELAND}/dpo"))
    with writing(world.hub.engine) as session:
        row, _ = agreements.record(session, signed, world.clock)
        page = printable(signed_version_of(row), world.clock())
    assert "In force; suspended by themselves: crimes" in page
    assert "suspended it (dataset crimes)" in page
    assert "the signed export holds it" in page
    assert "\u202e" not in page
    status = world.app.test_client().get("/register.csv").text
    assert "In force; suspended in part: Recorded crimes, as published by month" in status


def test_a_proposal_is_printed_as_one(world: World) -> None:
    agreement = world.version(2)
    world.enter(agreement)
    with reading(world.hub.engine) as session:
        row = agreements.by_digest(session, agreement.digest)
        assert row is not None
        page = printable(signed_version_of(row), world.clock())
    assert "<td>Proposed</td>" in page
    assert "Nobody has made a statement about this version yet." in page
    assert page.count("<td>not yet</td>") == 2 * len(agreement.parties)


def test_a_statement_that_was_tampered_with_is_not_printed(world: World, browser: FlaskClient) -> None:
    with writing(world.hub.engine) as session:
        row = agreements.by_digest(session, world.agreement.digest)
        assert row is not None
        first = row.statements[0]
        first.signed = {**first.signed, "document": {**first.signed["document"], "comment": "otherwise"}}
    answer = browser.get(f"{HERE}/document.pdf", headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert not answer.data.startswith(b"%PDF")


def test_without_the_extra_the_page_says_what_is_missing_and_all_else_works(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.delitem(sys.modules, "exchange.pdf", raising=False)
    load.cache_clear()
    try:
        answer = browser.get(f"{HERE}/document.pdf", headers={"Accept": "text/html"})
        assert answer.status_code == 503
        assert answer.mimetype == "text/html"
        assert "pip install &#39;lcjp-exchange[pdf]&#39;" in answer.text
        assert "libpango-1.0-0" in answer.text
        for name in set(FILES) - {"document.pdf"}:
            assert browser.get(f"{HERE}/{name}").status_code == 200
    finally:
        load.cache_clear()
        sys.modules.pop("exchange.pdf", None)


# ------------------------------------------------------------------------------------------------------ public register


def test_anybody_reads_the_register(world: World) -> None:
    visitor = world.app.test_client()
    page, table = visitor.get("/register"), visitor.get("/register.csv")
    assert page.status_code == table.status_code == 200
    (row,) = csv.DictReader(io.StringIO(table.get_data(as_text=True), newline=""))
    assert tuple(row) == tuple(COLUMNS)
    assert (row["reference"], row["version"], row["status"]) == (REFERENCE, "1", "In force")
    assert row["digest"] in page.text
    assert "Outcomes of recorded crime (LCJP-MV7 version 1)" in page.text
    for heading in COLUMNS.values():
        if heading not in ("Name", "Reference", "Version"):
            assert heading in page.text


def test_nobody_is_named_in_the_register_and_no_proposal_is_in_it(world: World) -> None:
    world.enter(world.version(2, title='"A secret plan"'))
    visitor = world.app.test_client()
    text = visitor.get("/register").text + visitor.get("/register.csv").text
    assert "A secret plan" not in text
    for party in world.agreement.parties:
        for one in (party.dpo, party.signatory, *party.checkers):
            assert one.name not in text
            assert one.key not in text


def test_words_in_the_register_are_text(world: World) -> None:
    agreement = world.version(2, title='"<script>alert(1)</script>"')
    world.enter(agreement)
    world.sign_all(agreement)
    text = world.app.test_client().get("/register").text
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


# ------------------------------------------------------------------------------------------------------------ commands


def test_commands_write_what_the_pages_give(browser: FlaskClient, exchange: Callable[..., Any], tmp_path: Path) -> None:
    exchange("odrl", REFERENCE, "--out", tmp_path / "a.jsonld")
    exchange("export", REFERENCE, "--out", tmp_path / "a.json")
    exchange("processing-record", REFERENCE, "--party", CLEVELAND, "--out", tmp_path / "r.json")
    exchange("processing-record", REFERENCE, "--party", CLEVELAND, "--csv", "--out", tmp_path / "r.csv")
    exchange("register", "--out", tmp_path / "register.csv")
    assert browser.get(f"{HERE}/policy.jsonld").data == (tmp_path / "a.jsonld").read_bytes()
    assert browser.get(f"{HERE}/signed.json").data == (tmp_path / "a.json").read_bytes()
    assert browser.get(f"{HERE}/processing-record?format=json").data == (tmp_path / "r.json").read_bytes()
    assert browser.get(f"{HERE}/processing-record").data == (tmp_path / "r.csv").read_bytes()
    assert browser.get("/register.csv").data == (tmp_path / "register.csv").read_bytes()


def test_the_signed_export_of_the_page_verifies(browser: FlaskClient, exchange: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(browser.get(f"{HERE}/signed.json").data)
    assert not exchange("verify", file)
    broken = json.loads(file.read_text())
    broken["statements"][0]["document"]["comment"] = "otherwise"
    file.write_text(json.dumps(broken))
    assert exchange("verify", file) == 10


@needs_pdf
def test_the_pdf_command_writes_a_pdf_and_overwrites_nothing(exchange: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "paper" / "a.pdf"
    exchange("pdf", REFERENCE, "--version", "1", "--out", out)
    first = out.read_bytes()
    assert first.startswith(b"%PDF-")
    with pytest.raises(Misconfigured, match="not overwritten"):
        exchange("pdf", REFERENCE, "--out", out)
    assert out.read_bytes() == first


@pytest.mark.parametrize("command", [pytest.param(("pdf",), marks=needs_pdf), ("odrl",), ("processing-record", "--party", CLEVELAND)])
def test_an_agreement_or_party_that_is_not_there(exchange: Callable[..., Any], tmp_path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(Unacceptable, match="no such agreement"):
        exchange(*command, "LCJP-NONE", "--out", tmp_path / "x")
    with pytest.raises(Unacceptable, match="no such party"):
        exchange("processing-record", REFERENCE, "--party", "nobody", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()
