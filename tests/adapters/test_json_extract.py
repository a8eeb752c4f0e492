"""JSON: paths, what a value becomes, what is refused, and that a large document is not held."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import InvalidSource, NotThisEncoding, ValidationFailed
from adapters.json_extract import JsonSource
from adapters.source import Column
from agreements.fields import FieldType
from tests.adapters.contract import read, refusal
from tests.adapters.hostile import nothing_said, peak_of_reading

COLUMNS: Mapping[str, Column] = {
    "id": Column("id", FieldType.TEXT),
    "person.surname": Column("surname", FieldType.TEXT),
    "person.home.postcode": Column("postcode", FieldType.TEXT),
    "amount": Column("amount", FieldType.INTEGER),
    "note": Column("note", FieldType.TEXT),
}


class Cases(JsonSource):
    """An array of cases in a document."""

    name = "invented_cases"
    system = "invented"
    grain = "case"
    format = "JSON"
    rows = "export.cases"
    columns: ClassVar[Mapping[str, Column]] = COLUMNS
    sparse: ClassVar[frozenset[str]] = frozenset(COLUMNS)


class Whole(Cases):
    """The array is the document."""

    name = "invented_whole"
    rows = ""


class Lines(Cases):
    """A record a line."""

    name = "invented_lines"
    lines = True


SOURCE, WHOLE, LINES = Cases(), Whole(), Lines()
CASE = '{"id": "1", "person": {"surname": "Smith", "home": {"postcode": "TS1 1AA"}}, "amount": 12, "note": "CANARY"}'


def written(tmp_path: Path, body: str | bytes) -> Path:
    path = tmp_path / "extract.json"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def document(*cases: str) -> str:
    return f'{{"export": {{"produced": "2018", "cases": [{", ".join(cases)}]}}, "more": [1, {{"cases": [2]}}]}}'


def test_an_array_at_a_path_a_whole_document_and_lines_are_read_the_same(tmp_path: Path) -> None:
    expected = [{"id": "1", "surname": "Smith", "postcode": "TS1 1AA", "amount": 12, "note": "CANARY"}] * 2
    assert read(SOURCE, written(tmp_path, document(CASE, CASE))).to_pylist() == expected
    assert read(WHOLE, written(tmp_path, f"[{CASE},{CASE}]")).to_pylist() == expected
    for lines in (f"{CASE}\n{CASE}\n", f"\ufeff{CASE}\r\n\r\n{CASE}"):
        assert read(LINES, written(tmp_path, lines)).to_pylist() == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("null", None), ('""', None), ("true", "TRUE"), ("false", "FALSE"), ("0", "0"), ("-12", "-12"), ("12.0", "12"), ("12.50", "12.50"),
        ("1e3", "1000"), ("1.5E-3", "0.0015"), ("1e300", "1E+300"), ('"12.0"', "12.0"), ('"\\u00e9"', "é"), ("12345678901234567890123", "12345678901234567890123"),
    ],
)  # fmt: skip
def test_what_a_value_becomes(tmp_path: Path, value: str, text: str | None) -> None:
    case = f'{{"note": {value}}}'
    for source, body in ((SOURCE, document(case)), (LINES, case)):
        assert read(source, written(tmp_path, body), "note")["note"].to_pylist() == [text]


def test_what_a_record_leaves_out_is_null(tmp_path: Path) -> None:
    path = written(tmp_path, document(CASE, "{}", '{"person": null}', '{"person": {"home": {}}}'))
    assert read(SOURCE, path, "postcode")["postcode"].to_pylist() == ["TS1 1AA", None, None, None]


@pytest.mark.parametrize(
    "case", ['{"note": ["CANARY"]}', '{"note": {"CANARY": 1}}', '{"id": 1, "id": 2}', '{"person": {"surname": 1}, "person.surname": 2}', '{"person": {"surname": "CANARY", "surname": 1}}', "[1]", '"CANARY"', "7", '{"note": "\\ud800"}'],
)  # fmt: skip
def test_what_is_no_record_of_values_is_refused_by_row(tmp_path: Path, case: str) -> None:
    assert refusal(LINES, written(tmp_path, f"{CASE}\n{case}\n")).report[0]["rows"] == [2]
    if "ud800" not in case:  # the other reader puts a question mark for it
        assert refusal(SOURCE, written(tmp_path, document(CASE, case))).report[0]["rows"] == [2]


def test_an_undeclared_key_is_refused_and_said_only_where_most_records_have_it(tmp_path: Path) -> None:
    other = CASE.replace('"note"', '"Shoe size"')
    assert "“Shoe size”, is unknown" in refusal(SOURCE, written(tmp_path, document(other, other, CASE))).what
    assert "“?”, is unknown" in refusal(SOURCE, written(tmp_path, document(CASE, CASE.replace('"note"', '"CANARY"')))).what
    assert "“?”, is unknown" in refusal(SOURCE, written(tmp_path, document(CASE.replace('"note"', '"CANARY"')))).what


@pytest.mark.parametrize(
    "body",
    [
        "", "CANARY", "{", document(CASE)[:-1], document(CASE) + "CANARY", document(CASE).replace("12", "012"), document(CASE).replace("12", "NaN"),
        "[" * 100_000, document("[" * 100_000), "{}", '{"export": {}}', '{"export": {"cases": {"item": {"id": "CANARY"}}}}', "[]",
        '{"export": {"cases": []}, "export": {"cases": []}}', document(CASE.replace("12", "9" * 5_000)),
    ],
)  # fmt: skip
def test_what_is_no_document_of_the_source_is_refusal(tmp_path: Path, body: str) -> None:
    refusal(SOURCE, written(tmp_path, body))


@pytest.mark.parametrize("line", ["CANARY", "{", CASE + CASE, CASE.replace("12", "NaN"), "[" * 100_000, CASE.replace("12", "9" * 5_000)])
def test_a_line_that_is_no_json_is_refusal(tmp_path: Path, line: str) -> None:
    refusal(LINES, written(tmp_path, f"{CASE}\n{line}\n"))


def test_no_record_is_a_nil_return(tmp_path: Path) -> None:
    assert read(SOURCE, written(tmp_path, document()), "id", "surname").num_rows == 0
    assert read(WHOLE, written(tmp_path, "[]"), "id").num_rows == 0
    assert read(LINES, written(tmp_path, ""), "id").num_rows == 0


def test_windows_text_is_read_as_such_and_not_guessed(tmp_path: Path) -> None:
    for source, body in ((SOURCE, document(CASE.replace("CANARY", "Café"))), (LINES, CASE.replace("CANARY", "Café"))):
        path = written(tmp_path, body.encode("cp1252"))
        with pytest.raises(NotThisEncoding):
            read(source, path, "note")
        assert read(source, path, "note", encoding="cp1252")["note"].to_pylist() == ["Café"]


texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    cases=st.lists(st.fixed_dictionaries({"id": texts, "note": texts, "amount": st.none() | st.integers(-(10**17), 10**17)}), max_size=8)
)
def test_whatever_text_json_writes_is_read_back(tmp_path: Path, cases: list[dict[str, Any]]) -> None:
    for source, body in ((SOURCE, document(*map(json.dumps, cases))), (LINES, "\n".join(map(json.dumps, cases)))):
        found = read(source, written(tmp_path, body), "id", "note", "amount").to_pylist()
        assert found == [
            {name: (value.strip() or None) if isinstance(value, str) else value for name, value in case.items()} for case in cases
        ]


def test_a_large_document_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "extract.json"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write(document(*[CASE.replace("CANARY", "x" * 5_000)] * 10_000))
    assert (
        peak_of_reading(path, "tests.adapters.test_json_extract") < 100
    )  # MB; the values alone are 50 MB, and several times that as objects


@pytest.mark.parametrize("source", [SOURCE, LINES])
def test_a_record_without_end_is_not_held(tmp_path: Path, source: JsonSource) -> None:
    path = tmp_path / "extract.json"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write('{"export": {"cases": [{"note": "CANARY' if source is SOURCE else '{"note": "CANARY')
        for _ in range(40):
            file.write("x" * (1 << 20))
    assert "16 MB" in refusal(source, path).what


def test_a_declaration_that_contradicts_itself_cannot_be_defined() -> None:
    body = {"name": "x", "system": "x", "grain": "x", "format": "x", "columns": {"a..b": Column("a", FieldType.TEXT)}}
    with pytest.raises(InvalidSource):
        type("Broken", (JsonSource,), body)


@pytest.mark.parametrize("source", [SOURCE, WHOLE, LINES])
@pytest.mark.parametrize("number", ["9" * 100_000, "1e99999999999999999999", "-1e-99999999999999999999", "1." + "9" * 100_000])
def test_a_number_beyond_all_numbers_is_refused_or_read(tmp_path: Path, source: JsonSource, number: str) -> None:
    case = CASE.replace('"1"', number)
    assert case != CASE
    with nothing_said() as caught:
        read(source, written(tmp_path, document(case) if source is SOURCE else case if source is LINES else f"[{case}]"), "id")
    assert all(isinstance(error, ValidationFailed) for error in caught)
