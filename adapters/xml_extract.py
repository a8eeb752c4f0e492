"""Extracts written as XML: streamed, one record at a time. A document type is refused; no entity is expanded and nothing is fetched."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from lxml import etree

from adapters.errors import InvalidSource, ValidationFailed, rows_refused
from adapters.files import BOM, Reading, not_encoded, reading
from adapters.records import RecordSource, groups, malformed, tell
from adapters.source import Seen

_PROLOG = 1 << 14
_MOST_ATTRIBUTES = 256
# What may stand before the root element. Whatever else does, a document type above all, is refused.
_BEFORE_ROOT = re.compile(rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(?P<begins>.)", re.DOTALL)
_NOT_ENCODED = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
        etree.ErrorTypes.I18N_CONV_FAILED,
    }
)
_PATH = re.compile(r"(?:[^/@\s]+/)*@?[^/@\s]+")


class XmlSource(RecordSource):
    """A source whose extract is an XML document.

    Headers are paths from the record's element: `CaseURN`, `Hearing/Date`, `@id`, `Hearing/@type`. Namespaces are left out of them.
    Records stand in one place: elements of the same names around each, and none in another. An element outside them is not looked at. A
    document's own declaration names its encoding; where its bytes are not that, the next of `encodings` is tried in its place.

    Attributes:
        root: the name of the document's root element.
        row: the name of the element that is one record.
    """

    root: ClassVar[str]
    row: ClassVar[str]

    @classmethod
    def check_format(cls, place: str) -> None:
        super().check_format(place)
        if not all(isinstance(getattr(cls, word, None), str) for word in ("root", "row")):
            raise InvalidSource(f"{place}: root or row is missing.")
        for header in cls.columns:
            if not _PATH.fullmatch(header):
                raise InvalidSource(f"{place}: “{header}” is no path of elements, perhaps with an attribute at its end.")

    def records(self, path: Path, encoding: str, seen: Seen | None = None) -> Iterator[Mapping[str, str | None]]:
        count, within = 0, groups(self.columns, "/")
        try:
            with reading(path, encoding) as stream:
                for element in self._elements(path, stream, encoding):
                    record = self._record(element, count, within)
                    count += 1
                    _forget(element)
                    tell(stream, seen)
                    yield record
        except etree.XMLSyntaxError as error:
            if getattr(error, "code", 0) in _NOT_ENCODED:
                raise not_encoded(path, encoding) from None
            raise malformed(path, "well-formed XML", count) from None

    def _elements(self, path: Path, stream: Reading, encoding: str) -> Iterator[etree._Element]:
        begun = _Begun(path, stream)
        events = etree.iterparse(
            begun,
            events=("start", "end"),
            encoding=None if encoding == "utf-8" else encoding,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        at: list[str] = []
        place: list[str] = []  # where the first record stands
        count = 0
        for event, element in events:
            if event == "end":
                if at == place:
                    count += 1
                    yield element
                at.pop()
                continue
            at.append(_local(element.tag))
            if len(element.attrib) > _MOST_ATTRIBUTES:  # to read them takes time by the square of their number
                raise rows_refused("", f"elements of {_MOST_ATTRIBUTES} attributes at most", [count])
            if len(at) == 1 and at[0] != self.root:
                raise self._not_ours(path)
            if at[-1] == self.row:
                place = place or [*at]
                if at != place:  # within a record it would be read twice, elsewhere it may be there because it does not count
                    raise rows_refused("", "a record in the place of the others", [count])

    def _not_ours(self, path: Path) -> ValidationFailed:
        return ValidationFailed(
            f"{path.name}: this is not a document of {self.name}.",
            why=f"Its root element is not {self.root}.",
            remedy="Name the dataset that the file belongs to.",
        )

    def _record(self, element: etree._Element, row: int, within: frozenset[str]) -> dict[str, str | None]:
        record: dict[str, str | None] = {}
        for path, value in _values(element, ""):
            if path in record:
                raise rows_refused(path if path in self.columns else "", "one value a path", [row])
            if value or path not in within:  # else an empty group of elements
                record[path] = value
        return record


class _Begun:
    """A stream whose beginning has been looked at: no document type, and no encoding in which one could hide."""

    def __init__(self, path: Path, stream: Reading) -> None:
        self._stream = stream
        self._start = stream.read(_PROLOG)
        found = _BEFORE_ROOT.match(self._start.removeprefix(BOM))
        if found is None or b"\0" in self._start:
            raise malformed(path, "XML", 0)
        if found["begins"] == b"!":
            raise ValidationFailed(
                f"{path.name}: it has a document type (DOCTYPE), and none is read.",
                why="A document type can fetch and multiply what is not in the file.",
                remedy="Export the file without one.",
            )

    def read(self, size: int = -1) -> bytes:
        start, self._start = self._start, b""
        return start or self._stream.read(size)


def _values(element: etree._Element, at: str) -> Iterator[tuple[str, str | None]]:
    """Every attribute, and every element that holds text or no element: its path and its text."""
    for name, value in element.attrib.items():
        if not str(name).startswith("{http://www.w3.org/"):  # xsi:nil, xml:lang
            yield f"{at}@{_local(name)}", str(value)
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if at and (text.strip() or not len(element)):
        yield at[:-1], text.strip()
    for child in element:
        yield from _values(child, f"{at}{_local(child.tag)}/")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _forget(element: etree._Element) -> None:
    """Let go of a record that has been read, and of what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
