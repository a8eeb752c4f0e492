"""XML: paths, what is refused before it is read, and that a large document is not held."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.errors import InvalidSource, NotThisEncoding, ValidationFailed
from adapters.source import Column
from adapters.xml_extract import XmlSource
from agreements.fields import FieldType
from tests.adapters.contract import read, refusal
from tests.adapters.hostile import peak_of_reading


class Trials(XmlSource):
    """Listings with elements, groups of elements and attributes."""

    name = "invented_trials"
    system = "invented"
    grain = "listing"
    format = "XML"
    root = "Trials"
    row = "Trial"
    columns: ClassVar[Mapping[str, Column]] = {
        "@id": Column("id", FieldType.TEXT),
        "Court": Column("court", FieldType.TEXT),
        "Court/@code": Column("court_code", FieldType.TEXT),
        "Hearing/Date": Column("day", FieldType.DATE),
        "Note": Column("note", FieldType.TEXT),
    }
    sparse: ClassVar[frozenset[str]] = frozenset({"Note"})


SOURCE = Trials()
ROW = '<Trial id="1"><Court code="C17TE">Teesside</Court><Hearing><Date>2018-07-04</Date></Hearing><Note>CANARY</Note></Trial>'


def written(tmp_path: Path, body: str | bytes) -> Path:
    path = tmp_path / "extract.xml"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def document(*rows: str) -> str:
    return f"<Trials><Produced>2018-08-01</Produced>{''.join(rows)}</Trials>"


def refused(path: Path) -> ValidationFailed:
    return refusal(SOURCE, path)


def test_elements_attributes_and_groups_are_paths(tmp_path: Path) -> None:
    table = read(SOURCE, written(tmp_path, document(ROW)), "id", "court", "court_code", "day")
    assert [str(value) for value in table.to_pylist()[0].values()] == ["1", "Teesside", "C17TE", "2018-07-04"]


def test_namespaces_comments_and_instructions_make_no_difference(tmp_path: Path) -> None:
    dressed = document(ROW).replace(
        "<Trials>", '<?a b?><!-- CANARY --><Trials xmlns="urn:cjs" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    )
    dressed = dressed.replace("<Note>", '<!-- x --><Note xsi:nil="false">').replace("Teesside", "Tees<!-- y -->side")
    assert read(SOURCE, written(tmp_path, dressed)) == read(SOURCE, written(tmp_path, document(ROW)))


def test_what_a_record_leaves_out_is_null(tmp_path: Path) -> None:
    path = written(tmp_path, document(ROW, "<Trial id='2'><Court/><Hearing/></Trial>"))
    assert [value is None for value in read(SOURCE, path).to_pylist()[1].values()] == [False, True, True, True, True]


def test_a_column_that_every_record_leaves_out_is_missing_unless_the_system_does_so(tmp_path: Path) -> None:
    path = written(tmp_path, document('<Trial id="1"><Court code="C17TE">Teesside</Court></Trial>'))
    assert read(SOURCE, path, "id", "note").to_pylist() == [{"id": "1", "note": None}]
    with pytest.raises(ValidationFailed, match="“Hearing/Date” is missing"):
        read(SOURCE, path, "day")


@pytest.mark.parametrize("extra", ["<Shoesize>CANARY</Shoesize>", "<Hearing><Room>CANARY</Room></Hearing>", "<Shoesize/>", "CANARY"])
def test_what_nobody_declared_is_refused(tmp_path: Path, extra: str) -> None:
    row = ROW.replace("<Hearing>", extra + "<Hearing>") if "<Hearing>" not in extra else ROW.replace("<Date>", "<Room>CANARY</Room><Date>")
    path = written(tmp_path, document(row))
    if extra == "CANARY":  # text beside the elements of a record belongs to no column
        assert read(SOURCE, path, "id").num_rows == 1
    else:
        assert "is unknown" in refused(path).what


def test_an_undeclared_name_that_few_records_have_is_not_repeated(tmp_path: Path) -> None:
    assert "“?”" in refused(written(tmp_path, document(ROW, ROW, ROW.replace("Note>", "CANARY>")))).what


def test_an_element_twice_in_a_record_is_refused_by_row(tmp_path: Path) -> None:
    assert refused(written(tmp_path, document(ROW, ROW.replace("<Note>", "<Note>a</Note><Note>")))).report[0]["rows"] == [2]


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE Trials>",
        '<!DOCTYPE Trials SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Trials [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        f'<!DOCTYPE Trials [<!ENTITY a0 "CANARY">{BOMB}]>',
        '<?xml version="1.0"?>\n<!-- CANARY --><!DOCTYPE Trials [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_parsed(tmp_path: Path, prolog: str) -> None:
    assert "document type" in refused(written(tmp_path, prolog + document(ROW.replace("Teesside", "&a9;")))).what


def test_a_beginning_made_to_take_for_ever_does_not(tmp_path: Path) -> None:
    refused(written(tmp_path, "<!---->" * 2_000 + " CANARY " + document(ROW)))
    assert read(SOURCE, written(tmp_path, "<!-- a --><?b c?>\n" * 500 + document(ROW))).num_rows == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7"])
def test_a_document_type_cannot_hide_in_an_encoding(tmp_path: Path, encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE Trials [<!ENTITY a "CANARY">]>{document(ROW)}'
    refused(written(tmp_path, body.encode(encoding)))


@pytest.mark.parametrize(
    "body",
    [
        "", "CANARY", "<Trials>", document(ROW)[:-9], document(ROW.replace("</Note>", "</Nota>")), document(ROW) + "CANARY", "<!-- " + " " * 20_000,
        document(ROW.replace("CANARY", "&nbsp;")), document(ROW.replace("CANARY", "\x01")), f"<Others>{ROW}</Others>",
    ],
)  # fmt: skip
def test_what_is_no_document_of_the_source_is_refused(tmp_path: Path, body: str) -> None:
    refused(written(tmp_path, body))


def test_no_record_is_a_nil_return(tmp_path: Path) -> None:
    assert read(SOURCE, written(tmp_path, document()), "id", "day").num_rows == 0


def test_the_declaration_names_the_encoding_and_without_one_windows_is_tried(tmp_path: Path) -> None:
    body = document(ROW.replace("CANARY", "Café ’"))
    declared = written(tmp_path, b'<?xml version="1.0" encoding="windows-1252"?>' + body.encode("cp1252"))
    assert read(SOURCE, declared, "note")["note"].to_pylist() == ["Café ’"]
    bare = written(tmp_path, body.encode("cp1252"))
    with pytest.raises(NotThisEncoding):
        read(SOURCE, bare, "note")
    assert read(SOURCE, bare, "note", encoding="cp1252")["note"].to_pylist() == ["Café ’"]


def test_a_large_document_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "extract.xml"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("<Trials>" + (ROW.replace("CANARY", "x" * 5_000) + "\n") * 10_000 + "</Trials>")
    assert peak_of_reading(path, "tests.adapters.test_xml_extract") < 100  # MB; 170 if records stayed in the tree


def test_what_never_becomes_a_record_is_not_collected_without_end(tmp_path: Path) -> None:
    path = tmp_path / "extract.xml"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("<Trials>" + "<Other>CANARY</Other>" * 1_000_000)
    assert "longer than 16 MB" in refused(path).what


@pytest.mark.parametrize("change", [{"root": None}, {"sparse": frozenset({"Other"})}, {"columns": {"a//b": Column("a", FieldType.TEXT)}}])
def test_a_declaration_that_contradicts_itself_cannot_be_defined(change: dict[str, Any]) -> None:
    body = {"name": "x", "system": "x", "grain": "x", "format": "x", "columns": Trials.columns, "root": "Trials", "row": "Trial"} | change
    with pytest.raises(InvalidSource):
        type("Broken", (XmlSource,), body)


@pytest.mark.parametrize(
    "body",
    [
        document(ROW, ROW.replace("<Note>", ROW + "<Note>")),
        document(ROW, f"<Deleted>{ROW}</Deleted>"),
        document(f"<Deleted>{ROW}</Deleted>", ROW),
    ],
)
def test_records_in_another_place_are_refused_not_lost_or_taken(tmp_path: Path, body: str) -> None:
    error = refused(written(tmp_path, body))
    assert error.report == [{"field": "", "rule": "must be a record in the place of the others", "rows": [2], "count": 1}]


def test_records_in_groups_of_one_name_are_read(tmp_path: Path) -> None:
    group = f"<Day>{ROW}{ROW}</Day>"
    assert read(SOURCE, written(tmp_path, document(group, group)), "id").num_rows == 4


def test_an_element_of_thousands_of_attributes_is_refused_at_once(tmp_path: Path) -> None:
    many = " ".join(f'a{number}="CANARY"' for number in range(300_000))
    assert "attributes" in refused(written(tmp_path, document(f"<Trial {many}/>"))).what
