"""The pages of the performance framework: who sees which, what is said on them, and what happens when something is stopped or withdrawn."""

import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from agreements.document import read
from agreements.model import Agreement
from agreements.openly import may_be_shown
from agreements.signing import Capacity, Voice
from exchange.db import reading, writing
from exchange.framework import export, targets
from exchange.framework.editions import PUBLIC
from exchange.framework.gallery import Gallery
from exchange.framework.targets import Wanted
from exchange.framework.views import Framework
from exchange.people import people
from exchange.register import agreements
from exchange.releases.tables import EditionState
from tests.exchange.extra import needs_pdf
from tests.exchange.framework.conftest import charts, framework, looked_at, made_public
from tests.exchange.framework.published import publish
from tests.exchange.framework.test_targets import BOARD, MV7, row, series
from tests.exchange.framework.test_targets import enter as enter_baseline
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, RELEASE, ROOT, World
from tests.exchange.web.hostile import HARM
from tests.exchange.web.signed_in import sign_in

__all__ = ["charts", "framework", "looked_at"]  # fixtures
HOME, MEASURE = "/framework", "/framework/measures/MV7"
STATIC = ROOT / "exchange" / "web" / "static"


def words(html: str) -> str:
    """What a reader sees of the page's own part, charts left out."""
    main = html.split("<main")[1].split("</main>", maxsplit=1)[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<svg.*?</svg>", " ", main, flags=re.DOTALL))).split())


@pytest.fixture
def shown(looked_at: World) -> World:
    """Four months published, not public."""
    publish(looked_at, "2021-04", "2021-07", "ed-1")
    return looked_at


def page(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("role", ["dpo", "signatory", "checker", "analyst"])
def test_a_partys_people_see_what_is_published_under_its_agreement(shown: World, role: str) -> None:
    browser = sign_in(shown, CLEVELAND, role)
    home, measure = words(page(browser, HOME)), words(page(browser, MEASURE))
    for said in ("Crimes that end in a charge", "Victims and witnesses", "2 of 3 measures published", "No target set", "Not published yet"):
        assert said in home, said
    for said in (
        "Crimes charged, July 2021",
        "95% interval",
        "Nothing to compare with yet",
        "12.1%",
        "of Cleveland Police and Durham Constabulary, edition ed-1",
    ):
        assert said in measure or said == "Nothing to compare with yet", said
    assert "From agreement LCJP-MV7 version 1, 16 submissions" in measure
    assert "[x] The national series has not been entered here" in measure


def test_to_others_the_agreement_is_unknown(shown: World) -> None:
    stranger = sign_in(shown, "somebody-else", "analyst")
    assert "No measure has been published here yet" in words(page(stranger, HOME))
    for path in (MEASURE, f"{MEASURE}/charged.csv", "/framework/board-packs/victims.pdf"):
        there, nowhere = stranger.get(path), stranger.get(path.replace("MV7", "MV1").replace("victims", "nobody"))
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert words(there.text) == words(nowhere.text)
    assert shown.app.test_client().get(HOME).status_code == 303
    assert page(sign_in(shown, OPERATOR, "operator"), MEASURE)


def test_in_public_is_only_what_the_agreement_marks_public(shown: World) -> None:
    nobody = shown.app.test_client()
    assert "No measure has been published here yet" in words(page(nobody, "/public/framework"))
    assert nobody.get("/public/framework/MV7").status_code == 404
    second = made_public(shown)
    assert "No measure" in words(page(nobody, "/public/framework"))  # the edition was made under a version that does not say so
    publish(shown, "2021-04", "2021-08", "ed-2", agreement=second, days=1)
    found = page(nobody, "/public/framework/MV7")
    assert "Crimes charged, August 2021" in words(found)
    assert "edition ed-2" in words(found)
    assert "ed-1" not in found
    assert "Not published yet" not in words(page(nobody, "/public/framework"))
    words_of_third = shown.words(version="3")
    shown.enter(read(words_of_third))
    shown.sign_all(read(words_of_third))
    assert nobody.get("/public/framework/MV7").status_code == 404  # what is no longer public by the version that stands is not shown


@pytest.fixture
def in_public(looked_at: World) -> World:
    second = made_public(looked_at)
    publish(looked_at, "2021-04", "2021-07", "ed-1", agreement=second)
    return looked_at


def test_a_public_page_is_the_same_for_everybody_and_may_be_kept(in_public: World) -> None:
    nobody, somebody = in_public.app.test_client(), sign_in(in_public, CLEVELAND, "analyst")
    for path in ("/public/framework", "/public/framework/MV7", "/public/framework/MV7/charged.csv"):
        found = nobody.get(path)
        assert found.headers["Cache-Control"] == "no-cache"
        assert "Set-Cookie" not in found.headers
        assert somebody.get(path).data == found.data
        again = nobody.get(path, headers={"If-None-Match": found.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert "<script" not in found.text
    assert page(nobody, "/public/framework/MV7").count("Entered by") == 0


def test_a_suspension_hides_figures_at_once_and_says_why_to_those_who_may_know(in_public: World) -> None:
    browser, nobody = sign_in(in_public, DURHAM, "analyst"), in_public.app.test_client()
    assert page(nobody, "/public/framework/MV7")
    in_public.say(CLEVELAND, Capacity.DPO, Voice.SUSPEND, in_agreement(in_public))
    assert nobody.get("/public/framework/MV7").status_code == 404
    found = words(page(browser, MEASURE))
    assert "the agreement is suspended" in found
    assert "95% interval" not in found
    assert "Not shown at present" in words(page(browser, HOME))


def test_what_was_public_stays_public_when_the_agreement_ends(in_public: World) -> None:
    """As its files do: what was published once is a record. What was not public is shown to nobody any more."""
    before = in_public.app.test_client().get("/public/framework/MV7")
    assert before.headers["X-Robots-Tag"] == "all"
    in_public.say(CLEVELAND, Capacity.SIGNATORY, Voice.TERMINATE, in_agreement(in_public))
    assert in_public.app.test_client().get("/public/framework/MV7").status_code == 200
    assert "95% interval" in words(page(sign_in(in_public, DURHAM, "analyst"), MEASURE))
    with reading(in_public.hub.engine) as session:
        standing = agreements.standing(agreements.by_digest(session, in_agreement(in_public).digest))
    assert standing is not None
    assert standing.state == "terminated"
    assert may_be_shown(standing, RELEASE, in_public.clock())
    kept = replace(standing.agreement, releases=tuple(replace(one, public=False) for one in standing.agreement.releases))
    assert not may_be_shown(replace(standing, agreement=kept), RELEASE, in_public.clock())


def in_agreement(world: World) -> Agreement:
    """The public version, read again."""
    release = 'recipients = ["lcjp-performance-team"]\n'
    return read(world.words(version="2").replace(f"{release}caveats", f"{release}public = true\ncaveats"))


def test_a_withdrawn_edition_is_told_of_and_its_figures_are_gone(shown: World) -> None:
    publish(shown, "2021-08", "2021-08", "ed-2", days=1, state=EditionState.WITHDRAWN)
    publish(shown, "2021-07", "2021-07", "ed-3", days=2, seed=9, status="provisional")
    found = words(page(sign_in(shown, CLEVELAND, "analyst"), MEASURE))
    assert "Crimes charged, July 2021 [p] [r]" in found
    assert "August 2021" not in found
    assert re.search(r"edition ed-2 of release mv7-outcomes, 2021-08, published \d+ \w+ 2026\. Withdrawn", found)
    assert "[p] provisional: may still change" in found
    assert "[r] revised since it was first published" in found


def test_target_and_baseline_stand_beside(shown: World) -> None:
    with writing(shown.hub.engine) as session:
        person = people.create(
            session, party=OPERATOR, name=HARM[:100], position="Analyst", roles=["analyst"], who="hub", now=shown.clock()
        ).id
        targets.place(session, MV7, Wanted("", "18", date(2027, 3, 31), None, f"board {HARM}"), person, shown.clock)
    enter_baseline(shown, series(row()), person)
    found = page(sign_in(shown, CLEVELAND, "analyst"), MEASURE)
    assert "<script>alert" not in found
    assert "<img src=x" not in found
    said = words(found)
    for one in (
        "At least 18.0% by 31 March 2027: not met yet",
        f"Decided: board {HARM}".replace("  ", " "),
        "7.8%",
        "England and Wales, year ending 2019-03",
        "definition tables of March 2019",
    ):
        assert one in said, one
    assert "Not met yet" in words(page(sign_in(shown, CLEVELAND, "dpo"), HOME))
    assert BOARD not in said


def test_the_csv_holds_every_period_and_area(shown: World) -> None:
    answer = sign_in(shown, CLEVELAND, "analyst").get(f"{MEASURE}/charged.csv")
    lines = answer.text.splitlines()
    assert lines[0] == "period,area,numerator,denominator,value,low95,high95,marks"
    assert len(lines) == 1 + 4 * 9
    assert 'filename="mv7-charged.csv"' in answer.headers["Content-Disposition"]
    assert any(",[c],,," in line for line in lines)
    assert sign_in(shown, CLEVELAND, "analyst").get(f"{MEASURE}/charging.csv").status_code == 404


@needs_pdf
def test_the_board_pack_has_every_measure_of_its_workstream(shown: World) -> None:
    pypdf = pytest.importorskip("pypdf")
    browser = sign_in(shown, CLEVELAND, "signatory")
    for stream, said in (("victims", "Crimes that end in a charge"), ("reoffending", "Nothing has been published yet")):
        answer = browser.get(f"/framework/board-packs/{stream}.pdf")
        assert answer.mimetype == "application/pdf", answer.text
        path = shown.folder / f"{stream}.pdf"
        path.write_bytes(answer.data)
        assert said in " ".join(" ".join(one.extract_text() for one in pypdf.PdfReader(path).pages).split())
    assert browser.get("/framework/board-packs/everything.pdf").status_code == 404


# ------------------------------------------------------------------------------------------------------------- the export


def test_the_export_is_plain_files_that_lead_to_each_other_and_nowhere_else(in_public: World, framework: Framework, charts: Path) -> None:
    here = in_public.hub
    with writing(here.engine) as session:
        views = framework.views(session, PUBLIC, here.clock())
    assets = {name: (STATIC / name).read_bytes() for name in (export.STYLE, export.ICON)}
    files = export.files(views, Gallery(charts), assets, here.clock())
    wanted, seen = ["index.html"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        text = files[name].decode()
        if not name.endswith(".html"):
            continue
        links = [unescape(one) for one in re.findall(r'\b(?:href|src)="([^"]*)"', text)]
        assert all(re.fullmatch(r"[a-z0-9-]+\.(html|css|svg|csv)|#[a-z0-9-]+", one) for one in links), links
        ids = set(re.findall(r'\bid="([^"]+)"', text))
        assert {one[1:] for one in links if one.startswith("#")} <= ids
        wanted += [one for one in links if not one.startswith("#")]
        assert not re.search(r"<(script|iframe|object|embed|form|link rel=\"(?!stylesheet|icon))|\son[a-z]+=|\sstyle=|http-equiv", text)
    assert seen == set(files)
    assert "@import" not in files[export.STYLE].decode()
    assert "url(" not in files[export.STYLE].decode()
    assert {"me9.html", "mv7.html", "mv7-charged.csv", "mv7-charged-time.svg", "mv7-charged-areas.svg"} <= set(files)
    assert "mr9.html" not in files


def test_the_pages_are_the_same_as_the_public_ones(in_public: World, framework: Framework, charts: Path) -> None:
    with writing(in_public.hub.engine) as session:
        views = framework.views(session, PUBLIC, in_public.clock())
    files = export.files(views, Gallery(charts), {}, in_public.clock())
    public = in_public.app.test_client().get("/public/framework/MV7").text
    drawn = re.compile(r"<a class=\"fw-link\" href=\"[^\"]*svg\">Chart.*?</a>|<br>", re.DOTALL)
    assert words(drawn.sub(" ", files["mv7.html"].decode())) == words(drawn.sub(" ", public))
