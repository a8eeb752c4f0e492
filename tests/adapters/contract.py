"""What every source must keep: a test class a source inherits it, names its sample, and gets all of this."""

import gzip
import inspect
import os
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.doubts import Doubts
from adapters.errors import NotThisEncoding, ValidationFailed
from adapters.registry import SOURCES
from adapters.sheet_extract import SheetSource
from adapters.source import Source
from agreements.fields import ARROW, FieldType
from tests.adapters.copies import Copier, copier
from tests.adapters.hostile import CANARY, DAMAGES, FUZZ, HOSTILE, nothing_said

HERE = Path(__file__).parent
DATA = HERE / "data"
SHARED = Path(os.environ.get("LCJP_SHARED") or HERE.parents[2] / "shared")


def read(source: Source, path: Path, *names: str, encoding: str = "utf-8", doubts: Doubts | None = None) -> pa.Table:
    """The named source fields of an extract; where none is named, all that its columns can give."""
    wanted = names or present_fields(source, path, encoding=encoding)
    return pa.Table.from_batches(source.extract(path, wanted, encoding=encoding, doubts=doubts), schema=source.schema(wanted))


def present_fields(source: Source, path: Path, *, encoding: str = "utf-8") -> tuple[str, ...]:
    """The source fields that an extract has, and the derived ones whose parts it has."""
    headers = source.headers(path, encoding=encoding)
    columns = [source.columns[header].name for header in headers if header in source.columns]
    return (*columns, *(name for name, derived in source.derived.items() if set(derived.parts) <= set(columns)))


def read_any(source: Source, path: Path, *names: str) -> pa.Table:
    """As `read`, in whichever of its encodings the text is: as push tries them."""
    for encoding in source.encodings:
        try:
            return read(source, path, *names, encoding=encoding, doubts=Doubts())
        except NotThisEncoding:
            if encoding == source.encodings[-1]:
                raise
    raise AssertionError("a source has encodings")


def refusal(source: Source, path: Path, *names: str, encoding: str = "utf-8") -> ValidationFailed:
    """The refusal of an extract that is read as by `read`; it repeats none of it."""
    with nothing_said() as caught:
        read(source, path, *names, encoding=encoding)
    assert caught, "it is refused"
    assert isinstance(caught[0], ValidationFailed)
    return caught[0]


class SourceContract:
    """Inherit it, and set `source`, `sample` and `rows`; `real` is a pattern below the shared data, of sources whose files are public.

    `sample` may be of one layout, where a source has several: inherit once a layout, with its sample.
    """

    source: ClassVar[Source]
    sample: ClassVar[Path]
    rows: ClassVar[int]
    real: ClassVar[str] = ""

    @pytest.fixture
    def edited(self, tmp_path: Path) -> Path:
        """A copy of the sample to spoil."""
        path = tmp_path / self.sample.name
        path.write_bytes(self.sample.read_bytes())
        return path

    @property
    def copies(self) -> Copier:
        """Writes extracts of this format."""
        return copier(self.source)

    def content(self) -> tuple[list[str], list[list[str | None]]]:
        """The sample's headers, and its rows as text."""
        encoding = self.encoding()
        headers = [header for header in self.source.headers(self.sample, encoding=encoding) if header]
        batches = list(self.source.texts(self.sample, headers, encoding=encoding))
        return headers, [[row[header] for header in headers] for batch in batches for row in batch.to_pylist()]

    def refused(self, path: Path, *names: str) -> ValidationFailed:
        """The refusal of a spoilt extract, which repeats none of it."""
        return refusal(self.source, path, *(names or self.present()), encoding=self.encoding())

    def test_is_in_the_registry_under_its_name(self) -> None:
        assert SOURCES[self.source.name] is not None
        assert type(SOURCES[self.source.name]) is type(self.source)

    def test_says_what_it_is(self) -> None:
        assert inspect.getdoc(type(self.source))
        assert all((self.source.system, self.source.grain, self.source.format))

    def test_reads_every_row_of_its_sample_in_the_declared_types(self) -> None:
        table = read_any(self.source, self.sample)
        assert table.num_rows == self.rows
        types = self.source.types()
        assert dict(zip(table.schema.names, table.schema.types, strict=True)) == {name: ARROW[types[name]] for name in table.schema.names}
        table.validate(full=True)

    def test_delivers_columns_then_derived_fields_in_declared_order(self) -> None:
        names = read_any(self.source, self.sample).schema.names
        assert names == [name for name in self.source.types() if name in names]

    def test_reads_only_what_is_wanted(self) -> None:
        for name in self.present():
            assert read(self.source, self.sample, name, encoding=self.encoding()).column_names == [name]

    def test_is_lazy(self) -> None:
        assert inspect.isgenerator(self.source.extract(self.sample, set(self.present()[:1])))

    def test_empty_text_is_null_and_never_empty(self) -> None:
        table = read_any(self.source, self.sample)
        for name in table.column_names:
            if table.schema.field(name).type == pa.string():
                values = table.column(name).drop_null().to_pylist()
                assert all(value == value.strip() != "" for value in values)

    def test_written_again_it_is_read_the_same(self, edited: Path) -> None:
        self.copies.write(edited, *self.content())
        assert read_any(self.source, edited) == read_any(self.source, self.sample)

    def test_gzip_makes_no_difference(self, edited: Path) -> None:
        edited.write_bytes(gzip.compress(self.sample.read_bytes()))
        if self.copies.gzips:
            assert read_any(self.source, edited) == read_any(self.source, self.sample)
        else:
            self.refused(edited)

    def test_a_byte_order_mark_makes_no_difference(self, edited: Path) -> None:
        if not self.copies.names or isinstance(self.source, SheetSource):
            pytest.skip("the format is not UTF-8 text")
        self.copies.write(edited, *self.content())
        edited.write_bytes(b"\xef\xbb\xbf" + edited.read_bytes())
        assert read(self.source, edited) == read_any(self.source, self.sample)

    def test_windows_line_ends_make_no_difference(self, edited: Path) -> None:
        if isinstance(self.source, SheetSource):
            pytest.skip("a workbook has no lines")
        edited.write_bytes(self.sample.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        assert read_any(self.source, edited) == read_any(self.source, self.sample)

    def test_other_encodings_are_read_as_such(self, edited: Path) -> None:
        headers, rows = self.content()
        place = next((headers.index(header) for header in headers if self.is_plain(header)), None)
        if place is None:
            pytest.skip("no column is plain text")
        name = self.source.columns[headers[place]].name
        rows[0][place] = "Zoë O’Café" if "cp1252" in self.copies.encodings else "Zoë"
        for encoding in self.copies.encodings:
            self.copies.write(edited, headers, rows, encoding=encoding)
            assert read_any(self.source, edited)[name][0].as_py() == rows[0][place]

    def test_an_unknown_column_is_refused_by_its_name(self, edited: Path) -> None:
        if not self.copies.names:
            pytest.skip("the format names no columns")
        headers, rows = self.content()
        self.copies.write(edited, [*headers, "Shoesize"], [[*row, CANARY] for row in rows])
        assert "“Shoesize”, is unknown" in self.refused(edited, self.present()[0]).what

    def test_every_wanted_column_that_is_missing_is_named(self, edited: Path) -> None:
        if not self.copies.names:
            pytest.skip("the format names no columns")
        headers, rows = self.content()
        for place, header in enumerate(headers):
            if header in getattr(self.source, "sparse", ()) or len(headers) == 1:
                continue
            self.copies.write(edited, headers[:place] + headers[place + 1 :], [row[:place] + row[place + 1 :] for row in rows])
            assert f"“{header}” is missing" in self.refused(edited, self.source.columns[header].name).what
            for name in self.present():  # and whatever is made without it is read all the same
                if self.source.columns[header].name not in self.source.needed({name}):
                    assert read(self.source, edited, name).num_rows == self.rows

    def test_a_retitled_column_is_unknown_or_missing(self, edited: Path) -> None:
        if not self.copies.names:
            pytest.skip("the format names no columns")
        headers, rows = self.content()
        self.copies.write(edited, ["Retitled", *headers[1:]], rows)
        self.refused(edited)

    def test_a_file_without_header_is_refused_without_repeating_its_first_record(self, edited: Path) -> None:
        headers, rows = self.content()
        self.copies.headless(edited, headers, [[cell or CANARY for cell in row] for row in rows])
        assert self.source.not_header in self.refused(edited).what

    def test_an_extract_without_records_has_none(self, edited: Path) -> None:
        headers, _ = self.content()
        self.copies.write(edited, headers, [])
        assert read(self.source, edited, *self.present()).num_rows == 0

    def test_what_is_no_such_file_is_refused(self, tmp_path: Path) -> None:
        assert "no such file" in self.refused(tmp_path / self.sample.name, self.present()[0]).what
        for content in (b"", b"\n", b"\x00\x01\x02", b"\x1f\x8b", b"PK\x03\x04", b"<", b"{", bytes(range(256))):
            if not content.strip() and getattr(self.source, "lines", False):
                continue  # JSON Lines without a line: an extract without records
            path = tmp_path / self.sample.name
            path.write_bytes(content)
            self.refused(path, self.present()[0])

    def test_repeated_rows_stay(self, edited: Path) -> None:
        headers, rows = self.content()
        self.copies.write(edited, headers, [row for row in rows for _ in range(2)])
        assert read_any(self.source, edited).num_rows == 2 * self.rows

    @FUZZ
    @given(cells=st.data())
    def test_hostile_values_are_read_or_refused_and_never_said(self, cells: st.DataObject, edited: Path) -> None:
        headers, rows = self.content()
        for _ in range(cells.draw(st.integers(1, 4))):
            row, place = cells.draw(st.integers(0, len(rows) - 1)), cells.draw(st.integers(0, len(headers) - 1))
            rows[row][place] = cells.draw(st.sampled_from(HOSTILE) | st.text(max_size=20).map(lambda text: text + CANARY))
        self.copies.write(edited, headers, rows)
        doubts = Doubts()
        with nothing_said():
            read(self.source, edited, doubts=doubts)
        assert CANARY not in "".join(doubts.lines())

    @FUZZ
    @given(bits=st.data())
    def test_damaged_files_are_read_or_refused_and_never_said(self, bits: st.DataObject, edited: Path) -> None:
        data = bytearray(self.sample.read_bytes())
        for _ in range(bits.draw(st.integers(1, 3))):
            bits.draw(st.sampled_from(DAMAGES))(data, bits.draw(st.integers(0, max(len(data) - 1, 0))), bits.draw(st.integers(0, 255)))
        edited.write_bytes(bytes(data))
        with nothing_said():
            read_any(self.source, edited)

    def test_reads_the_real_files(self) -> None:
        if not self.real:
            pytest.skip("there are no real files of this source")
        paths = sorted((SHARED / "data").glob(self.real))
        if not paths:
            pytest.skip("the shared data are not here")
        for path in paths:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                lines = sum(1 for _ in file) - 1
            assert sum(batch.num_rows for batch in self.source.extract(path, self.present()[:2])) == lines

    def encoding(self) -> str:
        """In which of the source's encodings the sample is."""
        for encoding in self.source.encodings:
            try:
                headers = [header for header in self.source.headers(self.sample, encoding=encoding) if header]
                list(self.source.texts(self.sample, headers, encoding=encoding))
            except NotThisEncoding:
                continue
            return encoding
        raise AssertionError("the sample is in none of the source's encodings")

    def present(self) -> tuple[str, ...]:
        """The fields that the sample gives."""
        return present_fields(self.source, self.sample, encoding=self.encoding())

    def is_plain(self, header: str) -> bool:
        column = self.source.columns[header]
        return column.type is FieldType.TEXT and column.codes is None and not column.identifier
