"""Pictures drawn: Altair says what, vl-convert draws it as SVG in this process, without a network, a browser or a font of others.

An extra only because loading it takes seconds and pages whose pictures are drawn already need none of it: reached through ``exchange.extras`` alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
INK, QUIET, GRID = "#0b0c0c", "#505a5f", "#dcdfe2"
BLUE, PLUM, ORANGE, STEEL = "#12436d", "#801650", "#c2410c", "#8a949c"
Rows = Sequence[Mapping[str, Any]]
Chart = alt.LayerChart | alt.FacetChart


def draw(picture: Mapping[str, Any]) -> str:
    """SVG of a picture's document, as vl-convert makes it: without title and description, and not yet fit to stand in a page."""
    made = {"trend": _trend, "small": _small, "spark": _spark, "funnel": _funnel}[picture["kind"]](picture)
    return str(vl_convert.vegalite_to_svg(made.to_dict(), allowed_base_urls=[]))


def _finished(chart: Chart, picture: Mapping[str, Any]) -> Chart:
    axis: dict[str, Any] = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 14,
        "titleFontSize": 14,
        "labelColor": QUIET,
        "titleColor": QUIET,
    }
    axis |= {"titleFontWeight": "normal", "domainColor": STEEL, "tickColor": STEEL, "gridColor": GRID, "labelPadding": 6}
    padding = 4 if picture["kind"] == "spark" else 6
    sized: Chart = chart.properties(
        width=picture["width"], height=picture["height"], padding=padding, autosize=alt.AutoSizeParams(type="fit", contains="padding")
    )
    finished: Chart = sized.configure_axis(**axis).configure_view(stroke=None).configure_text(font=FONT, fontSize=14)
    return finished


def _x(picture: Mapping[str, Any], *, bare: bool = False) -> alt.X:
    ticks = picture["more"].get("ticks", [])
    if bare or not ticks:
        return alt.X("day:T", scale=alt.Scale(type="utc", nice=False), axis=None)
    names = ", ".join(f"'{one['day']}': '{one['label']}'" for one in ticks)  # days and names of periods: digits, capitals and hyphens
    axis = alt.Axis(
        values=[one["day"] for one in ticks],
        labelExpr=f"({{{names}}})[utcFormat(datum.value, '%Y-%m-%d')]",
        grid=False,
        title=None,
        labelOverlap="greedy",
        labelBound=False,
        labelFlush=picture["kind"] == "small",
    )
    return alt.X("day:T", scale=alt.Scale(type="utc", nice=False), axis=axis)


def _label(picture: Mapping[str, Any]) -> str:
    """The expression that writes a value on the axis, with its unit."""
    number = f"format(datum.value, ',.{picture['places']}f')"
    return f"{number} + '%'" if picture["unit"] == "%" else f"'£' + {number}" if picture["unit"] == "£" else number


def _y(picture: Mapping[str, Any], name: str = "value", *, count: int = 5, bare: bool = False) -> alt.Y:
    scale = alt.Scale(domain=list(picture["domain"]), zero=False, nice=False, clamp=True)
    axis = None if bare else alt.Axis(labelExpr=_label(picture), title=None, domain=False, ticks=False, tickCount=count)
    return alt.Y(f"{name}:Q", scale=scale, axis=axis)


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _lines(picture: Mapping[str, Any], x: alt.X, y: alt.Y, *, width: float = 3) -> list[alt.Chart]:
    """The line within each run, and a point for a run of one."""
    rows = picture["rows"]
    base = alt.Chart(_data([row for row in rows if not row["alone"]])).encode(x=x, y=y, detail="run:N")
    alone = alt.Chart(_data([row for row in rows if row["alone"]])).encode(x=x, y=y)
    return [
        base.mark_line(color=BLUE, strokeWidth=width, strokeJoin="round", strokeCap="round"),
        alone.mark_point(color=BLUE, filled=True, size=36),
    ]


def _trend(picture: Mapping[str, Any]) -> Chart:
    more, rows = picture["more"], picture["rows"]
    x, y = _x(picture), _y(picture)
    low, high = alt.Y("low:Q", scale=y["scale"]), alt.Y2("high:Q")
    ranged = [row for row in rows if row["low"] is not None]
    layers = [
        alt.Chart(_data([row for row in ranged if not row["alone"]]))
        .mark_area(color=BLUE, opacity=0.16)
        .encode(x=x, y=low, y2=high, detail="run:N"),
        alt.Chart(_data([row for row in ranged if row["alone"]]))
        .mark_rule(color=BLUE, opacity=0.4, strokeWidth=5)
        .encode(x=x, y=low, y2=high),
        *_lines(picture, x, y),
        *_breaks(picture, x),
        *_target(picture, y),
    ]
    if len(rows) <= 40:
        layers.append(alt.Chart(_data(rows)).mark_point(color=BLUE, filled=True, size=30, opacity=1).encode(x=x, y=y))
    layers += _markers(picture, x)
    if more["last"]:
        layers += _last(picture, x, y)
    return _finished(alt.layer(*layers), picture)


def _breaks(picture: Mapping[str, Any], x: alt.X) -> list[alt.Chart]:
    """A dashed rule where figures can no longer be compared, and the shorthand at its head."""
    base = alt.Chart(_data([{"day": day} for day in picture["more"]["breaks"]])).encode(x=x)
    text = base.mark_text(text="[b]", align="left", dx=5, fontSize=14, color=QUIET, baseline="top").encode(y=alt.value(2))
    return [base.mark_rule(color=QUIET, strokeDash=[3, 4], strokeWidth=1.5), text]


def _target(picture: Mapping[str, Any], y: alt.Y) -> list[alt.Chart]:
    aim = picture["more"]["target"]
    if aim is None:
        return []
    base = alt.Chart(_data([aim])).encode(y=y)
    upper = aim["value"] > picture["domain"][0] + 0.85 * (picture["domain"][1] - picture["domain"][0])
    text = base.mark_text(align="left", dx=4, dy=14 if upper else -9, color=PLUM, fontSize=14, fontWeight="bold").encode(
        x=alt.value(0), text="label:N"
    )
    return [base.mark_rule(color=PLUM, strokeDash=[9, 5], strokeWidth=2), text]


def _markers(picture: Mapping[str, Any], x: alt.X) -> list[alt.Chart]:
    """The shorthand of what is not shown, at the foot of its period; where there are many of one kind in a row, the first of them."""
    marks, kept = picture["more"]["marks"], []
    room = max(1, len(picture["rows"]) * 30 // picture["width"])
    for number, one in enumerate(marks):
        if number % room == 0:
            kept.append(one)
    base = alt.Chart(_data(kept)).encode(x=x, y=alt.value(picture["height"] - 52))
    return [base.mark_text(fontSize=13, color=QUIET).encode(text="marker:N")] if kept else []


def _last(picture: Mapping[str, Any], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    here = picture["more"]["last"]
    row = next(row for row in picture["rows"] if row["day"] == here["day"])
    base = alt.Chart(_data([{**row, "label": here["label"]}])).encode(x=x, y=y)
    text = base.mark_text(align="left", dx=10, fontSize=16, fontWeight="bold", color=INK, clip=False).encode(text="label:N")
    return [base.mark_point(color=BLUE, filled=True, size=110, opacity=1, stroke="#fff", strokeWidth=1.5), text]


def _spark(picture: Mapping[str, Any]) -> Chart:
    x, y = _x(picture, bare=True), _y(picture, bare=True)
    end = alt.Chart(_data(picture["rows"][-1:])).mark_point(color=BLUE, filled=True, size=60, opacity=1).encode(x=x, y=y)
    return _finished(alt.layer(*_lines(picture, x, y, width=2.5), end), picture)


def _small(picture: Mapping[str, Any]) -> Chart:
    x, y = _x(picture), _y(picture, count=3)
    behind = [row for row in picture["more"]["behind"] if not row["alone"]]
    grey = alt.Chart(_data(behind)).mark_line(color=STEEL, strokeWidth=1.5, strokeDash=[4, 3]).encode(x=x, y=y, detail="run:N")
    end = alt.Chart(_data(picture["rows"][-1:])).mark_point(color=BLUE, filled=True, size=50, opacity=1).encode(x=x, y=y)
    return _finished(alt.layer(grey, *_lines(picture, x, y, width=2.5), end), picture)


def _funnel(picture: Mapping[str, Any]) -> Chart:
    more, rows = picture["more"], picture["rows"]
    sizes = [row["size"] for row in more["limits"]]
    axis = alt.Axis(title="How many it rests on", format=",.0f", grid=False, tickCount=6 if picture["width"] > 400 else 3)
    x = alt.X("size:Q", scale=alt.Scale(domain=[0, max(sizes)], nice=False), axis=axis)
    y = _y(picture)
    clipped = [_clipped(row, picture["domain"]) for row in more["limits"]]
    layers = [
        _limit(clipped, x, y, name, dash) for name, dash in (("low998", [2, 4]), ("high998", [2, 4]), ("low95", [8, 4]), ("high95", [8, 4]))
    ]
    whole = alt.Chart(_data([{"value": more["whole"]}])).encode(y=y).mark_rule(color=INK, strokeWidth=1.5)
    base = alt.Chart(_data(rows)).encode(x=x, y=y)
    kinds = alt.Scale(domain=["within", "watch", "signal"], range=["circle", "diamond", "triangle-up"])
    inks = alt.Scale(domain=["within", "watch", "signal"], range=[BLUE, PLUM, ORANGE])
    points = base.mark_point(filled=True, size=130, opacity=1, stroke="#fff", strokeWidth=1).encode(
        shape=alt.Shape("is:N", scale=kinds, legend=None), color=alt.Color("is:N", scale=inks, legend=None)
    )
    return _finished(alt.layer(*layers, whole, *_names(picture, x, y), points), picture)


def _clipped(row: Mapping[str, float], domain: Sequence[float]) -> dict[str, float | None]:
    """A limit outside the picture is not drawn along its edge."""
    return {name: one if name == "size" or domain[0] <= one <= domain[1] else None for name, one in row.items()}


def _limit(rows: Rows, x: alt.X, y: alt.Y, name: str, dash: list[int]) -> alt.Chart:
    values = [{"size": row["size"], "value": row[name]} for row in rows if row[name] is not None]
    drawn: alt.Chart = alt.Chart(_data(values)).mark_line(color=QUIET, strokeWidth=1.5, strokeDash=dash).encode(x=x, y=y)
    return drawn


def _names(picture: Mapping[str, Any], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Areas' names beside their points, moved apart where they would lie on each other; where there is little room, of those outside alone."""
    low, high = picture["domain"]
    widest, tall = max(row["size"] for row in picture["more"]["limits"]), (high - low) * 17 / picture["height"]
    placed: list[tuple[float, float]] = []
    rows = []
    named = [row for row in picture["rows"] if picture["width"] > 400 or row["is"] != "within"]
    for row in sorted(named, key=lambda one: -one["value"]):
        at, size = row["value"], row["size"] / widest
        if abs(at - picture["more"]["whole"]) < tall * 0.5:  # not upon the line of the whole
            at = picture["more"]["whole"] + (tall * 0.55 if at >= picture["more"]["whole"] else -tall * 0.55)
        while any(abs(at - other) < tall and abs(size - where) < 0.3 for other, where in placed):
            at -= tall / 4
        placed.append((at, size))
        rows.append({**row, "value": max(low, at)})
    layers = []
    for left in (False, True):
        mine = [row for row in rows if (row["size"] / widest > 0.72) == left]
        base = alt.Chart(_data(mine)).encode(x=x, y=y, text="area:N")
        side: dict[str, Any] = {"align": "right" if left else "left", "dx": -11 if left else 11, "fontSize": 13}
        layers += [base.mark_text(color="#fff", stroke="#fff", strokeWidth=4, **side), base.mark_text(color=INK, **side)]
    return layers
