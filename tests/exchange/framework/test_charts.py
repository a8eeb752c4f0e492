"""Charts: drawn once, named and described, and nothing in them that styles, scripts or fetches, whatever areas are called."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from agreements.periods import Period
from exchange.framework import pictures
from exchange.framework.comparing import Target, against, change, compared
from exchange.framework.figures import ALL, HIDDEN, Value, point
from exchange.framework.gallery import Gallery, fit
from exchange.framework.measures import Direction
from exchange.framework.pictures import Picture
from exchange.framework.series import Series, latest
from exchange.framework.views import FigureView
from tests.exchange.framework.test_comparing import AIM, TODAY
from tests.exchange.framework.test_figures import CHARGED, MV7
from tests.exchange.web.hostile import HARM

AREAS = {"Hartlepool": 90, HARM: 110, "'});alert(3);({'": 150, "Elsewhere": None}
FORBIDDEN = re.compile(r"<(script|style|image|foreignObject|a|use)\b|\son\w+=|href|url\((?!#)|style=|javascript", re.IGNORECASE)


def view(target: Target | None = AIM) -> FigureView:
    """Thirty months of four areas, one of them always hidden, and the whole hidden once."""
    months = [Period.parse(f"{2021 + number // 12}-{number % 12 + 1:02}") for number in range(30)]

    def line(area: str, over: int | None, under: int) -> list[object]:
        return [
            point(
                CHARGED,
                month,
                area,
                {
                    "numerator": Value(marker=HIDDEN) if over is None or (number == 7 and not area) else Value(over + number),
                    "denominator": Value(under),
                },
            )
            for number, month in enumerate(months)
        ]

    points = {ALL: tuple(line(ALL, 600, 2600)), **{area: tuple(line(area, over, 700)) for area, over in AREAS.items()}}
    found = Series(points, tuple(AREAS))  # type: ignore[arg-type]  # the same list, made by one function
    here = latest(found.whole)
    return FigureView(
        CHARGED,
        found,
        here,
        change(CHARGED, Direction.UP, found.whole, ()),
        against(CHARGED, target, here, TODAY),
        compared(CHARGED, found),
        (),
    )


EVERY = pictures.every(replace(MV7, breaks=(replace(MV7.breaks[0], period="2022-04"),)), view())


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return Gallery(tmp_path_factory.mktemp("drawn") / "charts")


@pytest.mark.parametrize("picture", EVERY, ids=[f"{one.kind}-{one.width}-{number}" for number, one in enumerate(EVERY)])
def test_a_chart_is_named_and_described_and_does_nothing(gallery: Gallery, picture: Picture) -> None:
    svg = gallery.svg(picture)
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    assert root.get("role") == "img"
    named = {one.get("id"): one.text for one in root if one.tag in (f"{space}title", f"{space}desc")}
    assert named == {root.get("aria-labelledby"): picture.title, root.get("aria-describedby"): picture.says}
    texts = "".join(root.itertext())
    stripped = re.sub(r">[^<]*<", "><", svg)  # words are words; what counts is what is not
    assert FORBIDDEN.search(stripped) is None, FORBIDDEN.search(stripped)
    assert "alert(1)" not in stripped
    assert not re.search(r"NaN|undefined|Infinity", texts.replace(HARM, "") + stripped)
    assert len(svg) < 40_000


def test_ids_of_two_charts_on_one_page_never_meet(gallery: Gallery) -> None:
    ids = [found for picture in EVERY for found in re.findall(r'\bid="([^"]+)"', gallery.svg(picture))]
    assert len(ids) == len(set(ids))


def test_what_is_drawn_says_the_target_the_break_and_what_is_hidden(gallery: Gallery) -> None:
    words = "".join(ET.fromstring(gallery.svg(EVERY[0])).itertext())
    for said in ("Target 18.0%", "[b]", HIDDEN, "Jun 2023"):
        assert said in words, said
    assert "parted where a figure is missing" in EVERY[0].says
    assert "Target" not in "".join(ET.fromstring(gallery.svg(pictures.trend(MV7, view(None)) or EVERY[0])).itertext())


def test_the_funnel_says_in_words_who_lies_outside() -> None:
    funnel = next(one for one in EVERY if one.kind == "funnel")
    assert "Hartlepool is lower than chance" in funnel.says
    assert [row["is"] for row in funnel.rows] == ["signal", "watch", "within"]


def test_each_is_drawn_once_and_found_by_other_processes(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    first = gallery.svg(EVERY[0])

    def never(name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr("exchange.framework.gallery.load", never)
    assert gallery.svg(EVERY[0]) == first
    assert Gallery(gallery.folder).svg(EVERY[0]) == first
    with pytest.raises(AssertionError, match="charts"):
        Gallery(gallery.folder).svg(replace(EVERY[0], title="Another"))


def test_a_half_written_file_is_drawn_again_and_a_folder_that_cannot_be_written_is_no_fault(gallery: Gallery, tmp_path: Path) -> None:
    whole = gallery.svg(EVERY[0])
    folder = tmp_path / "charts"
    assert Gallery(folder).svg(EVERY[0]) == whole
    (file,) = folder.iterdir()
    file.write_text("<svg", encoding="utf-8")
    assert Gallery(folder).svg(EVERY[0]) == whole
    assert file.read_text(encoding="utf-8") == whole
    (tmp_path / "a file").write_text("x", encoding="utf-8")
    assert Gallery(tmp_path / "a file" / "charts").svg(EVERY[0]) == whole


def test_whatever_might_do_harm_is_taken_out() -> None:
    raw = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" onload="alert(1)"><script>1</script>'
        '<image href="http://x/y"/><g style="fill:red" id="clip1"><path clip-path="url(#clip1)" d="M0.123456,1" onclick="x()" xlink:href="y"/></g></svg>'
    )
    found = fit(raw, HARM, HARM, "abc")
    assert FORBIDDEN.search(re.sub(r">[^<]*<", "><", found)) is None
    assert 'id="abc-clip1"' in found
    assert "url(#abc-clip1)" in found
    assert "M0.12,1" in found
    assert found.count("<script") == 0
