import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from csvw import CSVW
from hypothesis import given
from hypothesis import strategies as st

from agreements.release import Release
from exchange.releases.errors import BadProtected, BadRelease
from exchange.releases.formats import as_csv, plain, published
from exchange.releases.protected import read_protected
from exchange.releases.tabulate import tabulate
from tests.exchange.releases import world

APRIL = world.periods("2021-04", "2021-04")
FACTS = {"edition": "mv7-outcomes-1", "digest": "sha256:00"}


def covered(files: Mapping[str, bytes], hide: int = 10) -> dict[str, bytes]:
    """What protection would hand back if hiding small counts were enough: a stand-in for its file format, safe or not."""
    found = {"certificate.json": b"{}", "report.json": b"{}"}
    for name in files:
        if name.endswith(".csv"):
            header, *rows = csv.reader(io.StringIO(files[name].decode(), newline=""))
            out = io.StringIO(newline="")
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow([*header, "suppressed"])
            writer.writerows([*row[:-1], "", 1] if 0 < int(row[-1]) < hide else [*row, 0] for row in rows)
            found[name] = out.getvalue().encode()
    return found


@cache
def protected(release: Release | None = None) -> dict[str, bytes]:
    chosen = release or world.release()
    return covered(tabulate(chosen, world.agreement(), world.relations(APRIL), APRIL))


def forms(release: Release | None = None, **facts: str) -> dict[str, bytes]:
    chosen = release or world.release()
    return published(chosen, world.agreement(), APRIL, protected(chosen), facts or FACTS)


def relabelled(labels: Mapping[str, str], total: str = "All outcomes") -> Release:
    release = world.release()

    def changed(dimension_categories: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((code, labels.get(code, label)) for code, label in dimension_categories)

    dimensions = tuple(
        replace(dimension, categories=changed(dimension.categories), total=total) if dimension.name == "group" else dimension
        for dimension in release.dimensions
    )
    return replace(release, dimensions=dimensions)


def test_every_table_comes_in_every_form_and_nothing_else_does() -> None:
    suffixes = (".csv", ".csv-metadata.json", ".parquet", ".json")
    assert sorted(forms()) == sorted(table + suffix for table in ("by-area", "by-type", "months-to-outcome") for suffix in suffixes)


def test_csv_has_machine_names_labels_whole_numbers_and_one_marker() -> None:
    content = forms()["by-area.csv"]
    assert not content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    assert header == ["force", "authority", "month", "group", "count"]
    assert rows[0][:4] == ["Both forces", "All places", "All months", "All outcomes"]
    assert {row[2] for row in rows} == {"All months", "2021-04"}
    assert {row[0] for row in rows} == {"Both forces", "Cleveland", "Durham"}
    assert {row[4] for row in rows if not row[4].isdecimal()} == {"[c]"}
    assert all(str(int(row[4])) == row[4] for row in rows if row[4] != "[c]")


def test_all_forms_say_the_same_in_the_same_order() -> None:
    found = forms()
    for table in ("by-area", "by-type", "months-to-outcome"):
        frame = pd.read_csv(io.BytesIO(found[f"{table}.csv"]), na_values=["[c]"], keep_default_na=False, dtype={"count": "Int64"})
        parquet = pq.read_table(pa.BufferReader(found[f"{table}.parquet"]))
        records = json.loads(found[f"{table}.json"])["records"]
        counts = [None if pd.isna(count) else int(count) for count in frame["count"]]
        assert parquet["count"].to_pylist() == counts == [record["count"] for record in records]
        markers = [None if count is not None else "[c]" for count in counts]
        assert parquet["count_marker"].to_pylist() == markers == [record["count_marker"] for record in records]
        for name in frame.columns.drop("count"):
            assert parquet[name].to_pylist() == frame[name].tolist() == [record[name] for record in records]


def test_parquet_is_typed_and_says_what_it_is_without_a_time() -> None:
    schema = pq.read_schema(pa.BufferReader(forms()["by-type.parquet"]))
    assert schema.field("count").type == pa.int64()
    assert schema.field("count").nullable
    assert not schema.field("force").nullable
    told = json.loads(schema.metadata[b"about"])
    assert told["agreement"]["digest"] == world.agreement().digest
    assert told["edition"] == FACTS
    assert told["caveats"] == list(world.release().caveats)
    assert told["markers"].keys() == {"[c]"}


def test_an_independent_reader_follows_the_csvw(tmp_path: Path) -> None:
    for name, content in forms().items():
        (tmp_path / name).write_bytes(content)
    for table in ("by-area", "by-type", "months-to-outcome"):
        web = CSVW(str(tmp_path / f"{table}.csv-metadata.json"), validate=True)
        assert web.is_valid
        rows = list(web.t.tables[0] if hasattr(web.t, "tables") else web.t)
        raw = list(csv.DictReader(io.StringIO((tmp_path / f"{table}.csv").read_text(encoding="utf-8"), newline="")))
        assert len(rows) == len(raw)
        assert [None if row["count"] == "[c]" else int(row["count"]) for row in raw] == [row["count"] for row in rows]


def test_bytes_depend_on_nothing_but_the_input() -> None:
    assert forms() == forms()
    reordered = {}
    for name, content in protected().items():
        header, *rows = content.splitlines(keepends=True)
        reordered[name] = header + b"".join(reversed(rows))
    assert published(world.release(), world.agreement(), APRIL, reordered, dict(reversed(FACTS.items()))) == forms()


def test_nothing_published_holds_a_hidden_count() -> None:
    """Hidden counts are not carried through by any form: two editions that differ only in them are the same bytes."""
    files = tabulate(world.release(), world.agreement(), world.relations(APRIL), APRIL)
    other = {name: content.replace(b",1\n", b",2\n") if name.endswith(".csv") else content for name, content in files.items()}
    assert other != files
    assert covered(files) == covered(other)
    content = b"".join(published(world.release(), world.agreement(), APRIL, covered(files)).values())
    assert b"secondary" not in content
    assert content.count(b"primary") == content.count(b'"primaryKey"') == 3


@pytest.mark.parametrize("label", ["=1+1", "+44", "-x", "@cmd", "＝1", '=HYPERLINK("http://x";"y")'])
def test_a_label_that_looks_like_a_formula_is_text_to_a_spreadsheet(label: str) -> None:
    found = forms(relabelled({"Charged": label}, total="=All"))
    rows = list(csv.DictReader(io.StringIO(found["by-area.csv"].decode(), newline="")))
    assert {row["group"] for row in rows} >= {"'" + label, "'=All"}
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "＝")) for row in rows for value in row.values())
    assert label in {record["group"] for record in json.loads(found["by-area.json"])["records"]}


@pytest.mark.parametrize("label", ['say "so", twice', "a;b", "two\nlines", "naïve — \u202e 統計", "'quoted'", "</script><b>"])
def test_awkward_labels_come_back_as_they_were(label: str) -> None:
    found = forms(relabelled({"Charged": label}))
    rows = list(csv.DictReader(io.StringIO(found["by-area.csv"].decode(), newline="")))
    assert label in {row["group"] for row in rows}
    assert label in pq.read_table(pa.BufferReader(found["by-area.parquet"]))["group"].to_pylist()


@pytest.mark.parametrize("label", ["[c]", "Total", "NA", "null", ""])
def test_labels_that_mean_something_elsewhere_are_still_labels(label: str) -> None:
    found = forms(relabelled({"Charged": label}))
    rows = list(csv.DictReader(io.StringIO(found["by-area.csv"].decode(), newline="")))
    assert sum(row["group"] == label for row in rows) == 3 * 9 * 2


@pytest.mark.parametrize("label", ["\tx", "a\rb", "a\0b", "\x85"])
def test_labels_with_control_characters_are_refused(label: str) -> None:
    with pytest.raises(BadRelease, match="control character"):
        forms(relabelled({"Charged": label}))


def test_labels_that_only_safety_makes_alike_are_refused() -> None:
    with pytest.raises(BadRelease, match="alike"):
        forms(relabelled({"Charged": "=x", "Out of court": "'=x"}))


@given(st.text())
def test_plain_text_never_begins_a_formula_and_loses_nothing(text: str) -> None:
    assert not plain(text).startswith(("=", "+", "-", "@", "\t", "\0"))
    assert plain(text) in {text, "'" + text}


BAD: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "missing": (lambda _: None, "the table is missing"),
    "extra column": (lambda rows: rows.replace(b"suppressed\n", b"primary\n"), "the columns must be"),
    "a row short": (lambda rows: rows[: rows.rstrip().rfind(b"\n") + 1], "must stand there once"),
    "a row twice": (lambda rows: rows + rows[rows.rstrip().rfind(b"\n") + 1 :], "must stand there once"),
    "hidden but filled": (lambda rows: rows.replace(b",0\n", b",1\n", 1), "hidden and empty"),
    "flag of another kind": (lambda rows: rows.replace(b",0\n", b",no\n", 1), "hidden and empty"),
    "shown but empty": (lambda rows: rows.replace(b",,1\n", b",,0\n", 1), "hidden and empty"),
    "a negative count": (lambda rows: rows.replace(b",0,0\n", b",-4,0\n", 1), "hidden and empty"),
    "a category of nobody": (lambda rows: rows.replace(b"Charged", b"SECRET", 1), "1 cells of group are under no category"),
    "ragged": (lambda rows: rows + b"SECRET\n", "as many fields"),
    "not UTF-8": (lambda rows: rows + b"\xff\n", "as many fields|UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_protected_files_that_are_not_whole_are_refused_without_quoting_them(case: str) -> None:
    change, words = BAD[case]
    files = dict(protected())
    changed = change(files["by-area.csv"])
    if changed is None:
        del files["by-area.csv"]
    else:
        assert changed != files["by-area.csv"]
        files["by-area.csv"] = changed
    with pytest.raises(BadProtected, match=words) as caught:
        read_protected(world.release(), APRIL, files)
    assert "SECRET" not in str(caught.value)


def test_a_csv_alone_can_be_made_from_a_table_read_back() -> None:
    shown = read_protected(world.release(), APRIL, protected())["months-to-outcome"]
    assert as_csv(shown) == forms()["months-to-outcome.csv"]
