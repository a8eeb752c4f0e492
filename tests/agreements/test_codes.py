"""Code lists: pinned by digest, strictly read."""

from pathlib import Path

import pytest

from agreements.codes import CodeList, agreed, read_list, read_lists
from agreements.errors import UnknownCodeList
from tests.agreements import papers


def test_every_shipped_list_that_the_agreement_names_is_the_agreed_one() -> None:
    for dataset in papers.agreement().datasets:
        for field in dataset.fields:
            if name := getattr(field.rule, "list_name", ""):
                found = agreed(papers.LISTS, name, field.rule.list_digest)  # type: ignore[attr-defined]  # it has a list, so it is a map
                assert set(found.values) <= set(field.rule.products)  # type: ignore[attr-defined]


def test_the_digest_is_of_the_content_and_of_nothing_else() -> None:
    one, other = CodeList("a", {"x": "1", "y": "2"}), CodeList("b", {"y": "2", "x": "1"})
    assert one.digest == other.digest
    assert one.digest != CodeList("a", {"x": "1", "y": "3"}).digest
    with pytest.raises(UnknownCodeList, match="is not the one that was agreed"):
        agreed({"a": one}, "a", "sha256:" + "0" * 64)
    with pytest.raises(UnknownCodeList, match="is not here"):
        agreed({}, "a", one.digest)


@pytest.mark.parametrize("text", ["", "code,value\n", "kode,value\na,b\n", "code,value,more\na,b,c\n", "code,value\na,b\na,c\n"])
def test_a_list_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnknownCodeList):
        read_list(path)


def test_a_folder_of_lists_is_read_by_name() -> None:
    assert {"lsoa_authority", "outcome_group", "crime_type"} <= set(read_lists(papers.ROOT / "config" / "codes"))
