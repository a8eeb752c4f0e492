"""The framework in a real browser: home, a measure, the public page, and the static export on another server; axe at both widths; hostile words inert."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog
from werkzeug.serving import make_server

from agreements.document import read
from exchange.db import reading, writing
from exchange.framework import export, targets
from exchange.framework.editions import PUBLIC
from exchange.framework.gallery import Gallery
from exchange.framework.reading import read_measures
from exchange.framework.targets import Wanted
from exchange.framework.views import Framework
from exchange.people import people
from exchange.web import framework as pages
from tests.exchange.framework.conftest import MEASURES
from tests.exchange.framework.published import publish
from tests.exchange.standing import CLEVELAND, OPERATOR, ROOT, World
from tests.exchange.web.hostile import HARM
from tests.exchange.web.signed_in import sign_in
from tests.functional.browser import Visitor, visitor

STATIC = ROOT / "exchange" / "web" / "static"


@contextmanager
def running(server: HTTPServer) -> Iterator[str]:
    """A server in a thread of its own, at an address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(world: World) -> Iterator[str]:
    """The hub of this process, at an address."""
    with running(make_server("localhost", 0, world.app, threaded=True)) as address:
        yield address


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that keeps no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        return


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """A folder as the standard library's server hosts it."""
    with running(ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=str(folder)))) as address:
        yield address


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three years published, in three editions, public, under words that mean harm; one target."""
    folder = tmp_path_factory.mktemp("framework")
    world = World.build(folder / "hub")
    text = MEASURES.read_text(encoding="utf-8").replace("Crimes that end in a charge", HARM.replace("\\", "").replace('"', "“"))
    (folder / "measures.toml").write_text(text, encoding="utf-8")
    measures = read_measures(folder / "measures.toml")
    world.app.extensions[pages.NAME] = (Framework(measures), Gallery(folder / "charts"))
    mine = 'recipients = ["lcjp-performance-team"]\ncaveats'
    harm = HARM.replace("\\", "").replace('"', '\\"')
    words = world.words(version="2").replace(mine, mine.replace("\n", "\npublic = true\n"))
    second = read(words.replace('"Crimes without a published id (anti-social behaviour) are not counted."', f'"{harm}"'))
    world.enter(second)
    world.sign_all(second)
    publish(world, "2021-04", "2023-12", "ed-1", agreement=second)
    publish(world, "2024-01", "2024-03", "ed-2", agreement=second, days=1, status="provisional")
    publish(world, "2024-03", "2024-03", "ed-3", agreement=second, days=2, seed=8)
    with writing(world.hub.engine) as session:
        person = people.create(
            session, party=OPERATOR, name="Robin", position="Analyst", roles=["analyst"], who="hub", now=world.clock()
        ).id
        targets.place(session, measures[0], Wanted("", "18", date(2027, 3, 31), None, f"board {HARM}"), person, world.clock)
    yield world
    world.close()


@pytest.fixture
def reader(stage: World, chromium: Browser) -> Iterator[Visitor]:
    """An analyst of a party, signed in."""
    cookie = sign_in(stage, CLEVELAND, "analyst").get_cookie("exchange")
    assert cookie is not None
    with served(stage) as address, visitor(chromium, address) as found:
        found.page.context.add_cookies([{"name": "exchange", "value": cookie.value, "url": address}])
        yield found


def test_the_pages_are_accessible_at_both_widths_and_hostile_words_inert(reader: Visitor) -> None:
    reader.page.set_default_timeout(120_000)  # the first to ask waits for the charts
    dialogs: list[str] = []

    def heard(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    reader.page.on("dialog", heard)
    for name, path in (
        ("framework", "/framework"),
        ("measure", "/framework/measures/MV7"),
        ("public", "/public/framework"),
        ("public-measure", "/public/framework/MV7"),
    ):
        reader.page.goto(reader.address + path, timeout=120_000)
        assert reader.page.locator("h1").count() == 1
        assert reader.page.locator("main script, main img").count() == 0
        reader.check(name)
    assert "<script>alert(1)</script>" in reader.page.locator("main").inner_text()
    assert dialogs == []


def test_from_home_to_a_measure_by_keyboard_and_the_charts_have_names(reader: Visitor) -> None:
    reader.page.goto(f"{reader.address}/framework", timeout=120_000)
    reader.page.get_by_role("link", name="Crimes without an outcome yet").focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**/framework/measures/ME9", timeout=120_000)
    chart = reader.page.get_by_role("img", name="Crimes without an outcome over time")
    assert chart.count() == 1  # the other width's is not there for anybody
    assert (
        reader.page.get_by_role("region", name="Crimes without an outcome over time, the most recent first").locator("tbody tr").count()
        == 36
    )
    assert reader.complaints == []


def test_the_export_on_any_web_server(stage: World, chromium: Browser, tmp_path: Path) -> None:
    with reading(stage.hub.engine) as session:
        framework, gallery = stage.app.extensions[pages.NAME]
        views = framework.views(session, PUBLIC, stage.clock())
    assets = {name: (STATIC / name).read_bytes() for name in (export.STYLE, export.ICON)}
    for name, content in export.files(views, gallery, assets, stage.clock()).items():
        (tmp_path / name).write_bytes(content)
    with hosted(tmp_path) as address:
        with visitor(chromium, address, java_script_enabled=False) as plain:
            plain.go("/index.html")
            plain.page.get_by_role("link", name="Crimes without an outcome yet").click()
            assert plain.page.url.endswith("/me9.html")
            assert "18." in plain.page.locator(".fw-hero__value").inner_text()
        with visitor(chromium, address) as found:
            for name in ("index", "mv7"):
                found.go(f"/{name}.html")
                found.check(f"exported-{name}")
