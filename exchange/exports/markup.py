"""HTML from values: every word is escaped here, so that what somebody wrote into an agreement is shown and never run."""

from collections.abc import Iterable, Sequence
from html import escape


def tag(name: str, *inside: str, **attributes: str) -> str:
    """An element around finished markup. An attribute is written as Python can: ``class_``, ``aria_label``."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inside)}</{name}>"


def text(name: str, words: str, **attributes: str) -> str:
    """An element around words; line breaks in them are kept."""
    return tag(name, "<br>".join(escape(line) for line in words.split("\n")), **attributes)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], **attributes: str) -> str:
    """A table of words: column headings, and each row's first cell the heading of its row. A heading may stand for an empty caption."""
    headings = tag("tr", *(text("th", words, scope="col") for words in head))
    body = (tag("tr", text("th", row[0], scope="row"), *(text("td", words) for words in row[1:])) for row in rows)
    return tag("table", text("caption", caption) if caption else "", tag("thead", headings), tag("tbody", *body), **attributes)
