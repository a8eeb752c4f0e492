"""The page of sources says what the declarations say."""

from adapters.registry import SOURCES
from tests.adapters import sources_doc


def test_the_page_says_what_the_declarations_say() -> None:
    text = sources_doc.PAGE.read_text(encoding="utf-8")
    assert text.count(sources_doc.BEGIN) == text.count(sources_doc.END) == 1
    assert sources_doc.page(text) == text, "write it anew: python -m tests.adapters.sources_doc"


def test_every_source_has_its_section() -> None:
    text = sources_doc.PAGE.read_text(encoding="utf-8")
    for name in SOURCES:
        assert f"\n### {name}\n" in text
