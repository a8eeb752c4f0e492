"""The printed agreement: accessible, whole, harmless, and made without asking anybody for anything."""

import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

from agreements.lifecycle import State
from agreements.model import Agreement
from agreements.plain_english import sections
from exchange import extras
from exchange.errors import TooLarge
from exchange.exports.printable import printable
from exchange.exports.version import Version
from exchange.extras import EXTRAS, ExtraMissing, load
from tests.agreements import papers
from tests.exchange.exports.changing import original
from tests.test_architecture import OPTIONAL

try:
    import weasyprint
except (ImportError, OSError):  # OSError: Pango is not there
    pytest.skip("the extra pdf, or Pango, is not installed: PDFs were not tested", allow_module_level=True)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def page(agreement: Agreement) -> str:
    return printable(Version(agreement, State.IN_FORCE), NOW)


@pytest.fixture(scope="module")
def made() -> bytes:
    return bytes(load("pdf").to_pdf(page(original())))


@pytest.fixture(scope="module")
def read(made: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(made))


def close(text: str) -> str:
    """Without blanks: a line of paper ends where it likes."""
    return "".join(text.split())


def words(reader: pypdf.PdfReader) -> str:
    return "".join(close(one.extract_text()) for one in reader.pages)


# ---------------------------------------------------------------------------------------------------------- accessible


def test_it_is_tagged_and_says_so(read: pypdf.PdfReader) -> None:
    root: Any = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert b'pdfuaid:part="1"' in root["/Metadata"].get_data()
    assert read.metadata is not None
    assert read.metadata.title == "LCJP-MV7 version 1: Outcomes of recorded crime"
    assert "/CreationDate" not in read.metadata


def test_its_structure_has_headings_tables_and_lists(read: pypdf.PdfReader) -> None:
    kinds: list[str] = []

    def walk(node: object) -> None:
        found = node.get_object() if isinstance(node, pypdf.generic.PdfObject) else node
        if isinstance(found, pypdf.generic.DictionaryObject):
            if "/S" in found:
                kinds.append(str(found["/S"]))
            walk(found.get("/K"))
        elif isinstance(found, list):
            for member in found:
                walk(member)

    root: Any = read.trailer["/Root"]
    walk(root["/StructTreeRoot"]["/K"])
    assert kinds.count("/H1") == 1
    assert kinds.count("/H2") >= 10
    assert {"/Table", "/TH", "/TD", "/L", "/LI", "/Link"} <= set(kinds)


def test_headings_are_in_order_and_every_table_has_scopes() -> None:
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Reader().feed(page(original()))
    levels = [int(tag[1]) for tag, _ in seen if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in seen if tag == "th")
    assert ("html", {"lang": "en-GB"}) in seen
    assert not {tag for tag, _ in seen} & {"script", "img", "link", "iframe", "object", "base"}
    targets = {attributes.get("id") for _, attributes in seen}
    assert all(str(attributes["href"])[1:] in targets for tag, attributes in seen if tag == "a")


# --------------------------------------------------------------------------------------------------------------- whole


def test_every_sentence_is_on_paper(read: pypdf.PdfReader) -> None:
    text = words(read)
    said = [sentence.words for section in sections(original()) for sentence in section.sentences]
    assert [sentence for sentence in said if close(sentence) not in text] == []
    for party in original().parties:
        assert close(party.dpo.key) in text
        assert close(party.signatory.key) in text
    assert close(original().digest) in text
    assert close("State when this was printed In force") in text
    assert "2026-11-2209:30:00UTC" in text


def test_the_same_page_gives_the_same_bytes(made: bytes) -> None:
    assert load("pdf").to_pdf(page(original())) == made


# ------------------------------------------------------------------------------------------------------------ harmless


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A real server's address, and what was ever asked of it."""
    asked: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with closing(connection):
                    connection.settimeout(1)
                    asked.append(connection.recv(1000))
                    connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        over.set()
        thread.join()


def hostile(address: str) -> str:
    return (
        f'<img src="{address}/a"> <script>fetch("{address}/b")</script> </style><link rel="stylesheet" href="{address}/c"> '
        f'<style>@import url({address}/d);</style> <iframe src="file:///etc/passwd"></iframe> <a href="javascript:alert(1)">x</a>'
    )


def test_a_hostile_agreement_fetches_nothing_and_is_shown_as_text(listener: tuple[str, list[bytes]]) -> None:
    address, asked = listener
    text = hostile(address)

    def edit(parsed: papers.Document) -> None:
        parsed["agreement"] |= {"title": text, "purpose": text}
        parsed["items"]["security"] = text
        parsed["parties"][0]["name"] = text
        parsed["datasets"][0]["fields"][0]["meaning"] = text

    found = load("pdf").to_pdf(page(papers.edited(edit)))
    reader = pypdf.PdfReader(BytesIO(found))
    assert words(reader).count(close(text)) >= 4
    assert asked == []
    for one in reader.pages:
        links = [link.get_object() for link in one.get("/Annots", [])]
        assert not any("/A" in link and link["/A"].get("/S") in ("/URI", "/JavaScript", "/Launch") for link in links)
    assert b"/JavaScript" not in found
    assert b"root:" not in found


def test_a_page_that_does_ask_is_given_nothing(listener: tuple[str, list[bytes]], tmp_path: Path) -> None:
    address, asked = listener
    sheet = tmp_path / "sheet.css"
    sheet.write_text("p::after { content: 'FROM A FILE' }")
    asking = (
        f'<html lang="en-GB"><head><title>x</title><link rel="stylesheet" href="{sheet.as_uri()}">'
        f'<style>@import url("{address}/a"); @font-face {{ font-family: F; src: url("{address}/b") }} p {{ font-family: F;'
        f'background: url("{address}/c") }}</style></head><body><p>Words</p><img src="{address}/d" alt="Picture"></body></html>'
    )
    reader = pypdf.PdfReader(BytesIO(load("pdf").to_pdf(asking)))
    assert asked == []
    assert "FROM A FILE" not in reader.pages[0].extract_text()
    weasyprint.HTML(string=asking).write_pdf()  # the library as it comes would have asked: the trap works
    assert len(asked) >= 2


def test_a_document_of_a_megabyte_is_refused_at_once() -> None:
    def edit(parsed: papers.Document) -> None:
        field = parsed["datasets"][0]["fields"][1]
        many = [{**field, "name": f"m{number}", "meaning": "word " * 790 + ".", "reason": "word " * 790 + "."} for number in range(128)]
        parsed["datasets"][0]["fields"] += many

    agreement = papers.edited(edit)
    assert len(papers.canonical(agreement.document)) > 1_000_000
    begun = time.monotonic()
    with pytest.raises(TooLarge, match="signed export"):
        load("pdf").to_pdf(page(agreement))
    assert time.monotonic() - begun < 10


# ---------------------------------------------------------------------------------------------- where it is not there


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The extra forgotten, to be loaded anew; afterwards as before."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "weasyprint" or name == "exchange.pdf"}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    load.cache_clear()
    yield monkeypatch
    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint" or name == "exchange.pdf"]:
        del sys.modules[name]
    sys.modules.update(kept)
    load.cache_clear()


def missing() -> str:
    with pytest.raises(ExtraMissing) as caught:
        load("pdf")
    return str(caught.value)


def test_without_the_library_it_says_what_to_install(forgetful: pytest.MonkeyPatch) -> None:
    forgetful.setitem(sys.modules, "weasyprint", None)  # what Python has where a module cannot be imported
    said = missing()
    assert "pip install 'lcjp-exchange[pdf]'" in said
    assert "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0" in said


def test_without_pango_too(forgetful: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')\n")
    forgetful.syspath_prepend(tmp_path)
    assert "apt-get install libpango-1.0-0" in missing()


def test_once_it_is_installed_it_is_found(forgetful: pytest.MonkeyPatch) -> None:
    forgetful.setitem(sys.modules, "weasyprint", None)
    missing()
    forgetful.delitem(sys.modules, "weasyprint")
    assert isinstance(load("pdf"), ModuleType)


def test_the_loader_loads_only_what_the_architecture_calls_optional() -> None:
    assert {extra.module for extra in EXTRAS.values()} == OPTIONAL
    with pytest.raises(KeyError):
        extras.load("os")
