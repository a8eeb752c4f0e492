"""Drawn pictures, each drawn once: kept in memory, and in a folder that all processes of the hub share, under the digest of what they show."""

import hashlib
import json
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.extras import load
from exchange.framework.pictures import Picture
from exchange.framework.shelf import Recent

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}"
_LONG = re.compile(r"-?\d+\.\d{3,}")
_DROPPED = ("role", "aria-label", "aria-roledescription", "aria-hidden", "class", "style", "pointer-events", "cursor")
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "circle", "clipPath", "defs", "title", "desc", "polygon"})
_REVISION = "framework 2"  # of the drawing: another one draws everything anew


class Gallery:
    """Where drawn pictures hang. ``folder``: shared with other processes; None: in memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.recent = folder, Recent[str, str](2_000)

    def svg(self, picture: Picture) -> str:
        """The picture as an SVG element that can stand in a page: named, described, without a style, a script or an address."""
        document = picture.document()
        name = hashlib.sha256(json.dumps([_REVISION, document], sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        return self.recent.get(name, lambda: self._found(name) or self._drawn(name, document))

    def _found(self, name: str) -> str | None:
        if self.folder is None:
            return None
        try:
            text = (self.folder / f"{name}.svg").read_text(encoding="utf-8")
        except OSError:
            return None
        return text if text.startswith("<svg") and text.endswith("</svg>") else None

    def _drawn(self, name: str, document: Mapping[str, Any]) -> str:
        made = fit(load("charts").draw(document), document["title"], document["says"], name[:12])
        if self.folder is not None:
            self._keep(self.folder, name, made)
        return made

    @staticmethod
    def _keep(folder: Path, name: str, text: str) -> None:
        """Beside the others, whole or not at all; where it cannot be written it is drawn again another time."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
                file.write(text)
            Path(file.name).replace(folder / f"{name}.svg")
        except OSError:
            return


def fit(svg: str, title: str, says: str, prefix: str) -> str:
    """An SVG made fit to stand in a page: role, title and description; nothing that styles, scripts, fetches, or clashes with another picture's ids."""
    root = ET.fromstring(svg)  # noqa: S314  # our own drawing, from our own process
    _clean(root, prefix)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # what prefix a namespace is written with is settled elsewhere in the process
    for child in [one for one in root if one.tag == "rect"]:
        root.remove(child)  # the background: pages have their own
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    box = root.get("viewBox", "0 0 1 1").split()
    root.attrib.update(
        {
            "xmlns": _SVG,
            "width": box[2],
            "height": box[3],
            "role": "img",
            "aria-labelledby": f"{prefix}-t",
            "aria-describedby": f"{prefix}-d",
        }
    )
    root.attrib.update({"focusable": "false", "class": "fw-chart"})
    for place, (name, words, mark) in enumerate((("title", title, "t"), ("desc", says, "d"))):
        element = ET.Element(name, {"id": f"{prefix}-{mark}"})
        element.text = words
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, prefix: str) -> None:
    for child in list(element):
        name = child.tag.rpartition("}")[2]
        empty = name == "path" and (child.get("display") == "none" or "background" in child.get("class", ""))
        if name not in _ELEMENTS or empty:
            element.remove(child)
            continue
        _clean(child, prefix)
        if name == "g" and len(child) == 0:
            element.remove(child)
    for name, value in list(element.attrib.items()):
        if name in _DROPPED or name.startswith((_XLINK, "on")) or (name == "opacity" and value == "1"):
            del element.attrib[name]
        elif name == "id":
            element.set(name, f"{prefix}-{value}")
        elif value.startswith("url(#"):
            element.set(name, f"url(#{prefix}-{value[5:]}")
        else:
            element.set(name, _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value))
