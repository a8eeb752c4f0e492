"""The page of sources says what the declarations say."""

from adapters.native_codes import OFFENCE_CODE, Codes
from adapters.registry import SOURCES
from tests.adapters import sources_doc


def test_the_page_says_what_the_declarations_say() -> None:
    text = sources_doc.PAGE.read_text(encoding="utf-8")
    assert text.count(sources_doc.BEGIN) == text.count(sources_doc.END) == 1
    assert sources_doc.page(text) == text, "write it anew: python -m tests.adapters.sources_doc"


def test_the_page_says_how_many_sources_there_are() -> None:
    text = sources_doc.PAGE.read_text(encoding="utf-8")
    assert sources_doc.COUNT.findall(text) == [str(len(SOURCES))]
    wrong = sources_doc.COUNT.sub("7", text)
    assert wrong != text
    assert sources_doc.page(wrong) == text


def test_a_form_is_written_as_it_is() -> None:
    """What stands between backticks outside a table is shown as it stands: a stroke needs nothing before it."""
    assert "|" in OFFENCE_CODE
    assert f"Form `{OFFENCE_CODE}`." in sources_doc.told(Codes(form=OFFENCE_CODE))


def test_every_source_has_its_section() -> None:
    text = sources_doc.PAGE.read_text(encoding="utf-8")
    for name in SOURCES:
        assert f"\n### {name}\n" in text
