"""What every source must keep: a test class a source inherits it, names its sample, and gets all of this."""

import gzip
import inspect
import os
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from adapters.errors import ValidationFailed
from adapters.registry import SOURCES
from adapters.source import Source
from agreements.fields import ARROW

HERE = Path(__file__).parent
DATA = HERE / "data"
SHARED = Path(os.environ.get("LCJP_SHARED") or HERE.parents[2] / "shared")


def read(source: Source, path: Path, *names: str, encoding: str = "utf-8") -> pa.Table:
    """The named source fields of an extract; all of them where none is named."""
    wanted = names or tuple(column.name for column in source.columns.values())
    return pa.Table.from_batches(source.extract(path, wanted, encoding=encoding), schema=source.schema(wanted))


class SourceContract:
    """Inherit it, and set `source`, `sample` and `rows`; `real` is a pattern below the shared data, where it is there."""

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

    def test_is_in_the_registry_under_its_name(self) -> None:
        assert SOURCES[self.source.name] is not None
        assert type(SOURCES[self.source.name]) is type(self.source)

    def test_says_what_it_is(self) -> None:
        assert inspect.getdoc(type(self.source))
        assert all((self.source.system, self.source.grain, self.source.format))

    def test_reads_every_row_of_its_sample_in_the_declared_types(self) -> None:
        table = read(self.source, self.sample)
        assert table.num_rows == self.rows
        declared = {column.name: ARROW[column.type] for column in self.source.columns.values()}
        assert dict(zip(table.schema.names, table.schema.types, strict=True)) == declared
        table.validate(full=True)

    def test_reads_only_what_is_wanted(self) -> None:
        for column in self.source.columns.values():
            assert read(self.source, self.sample, column.name).column_names == [column.name]

    def test_is_lazy(self) -> None:
        assert inspect.isgenerator(self.source.extract(self.sample, {"month"}))

    def test_empty_text_is_null_and_never_empty(self) -> None:
        table = read(self.source, self.sample)
        for name in table.column_names:
            if table.schema.field(name).type == pa.string():
                assert "" not in table.column(name).to_pylist()

    def test_gzip_and_byte_order_mark_make_no_difference(self, edited: Path) -> None:
        plain = read(self.source, self.sample)
        edited.write_bytes(b"\xef\xbb\xbf" + self.sample.read_bytes())
        assert read(self.source, edited) == plain
        edited.write_bytes(gzip.compress(self.sample.read_bytes()))
        assert read(self.source, edited) == plain

    def test_windows_line_ends_make_no_difference(self, edited: Path) -> None:
        edited.write_bytes(self.sample.read_bytes().replace(b"\n", b"\r\n"))
        assert read(self.source, edited) == read(self.source, self.sample)

    def test_an_unknown_column_is_refused_by_its_name(self, edited: Path) -> None:
        lines = self.sample.read_text(encoding="utf-8").splitlines()
        edited.write_text("\n".join([lines[0] + ",Surname", *(line + ",CANARY" for line in lines[1:])]) + "\n", encoding="utf-8")
        with pytest.raises(ValidationFailed, match="“Surname”, is unknown") as caught:
            read(self.source, edited)
        assert "CANARY" not in str(caught.value)

    def test_every_wanted_column_that_is_missing_is_named(self, edited: Path) -> None:
        text = self.sample.read_text(encoding="utf-8")
        for header, column in self.source.columns.items():
            edited.write_text(text.replace(header, "", 1).replace(",,", ",", 1).strip(","), encoding="utf-8")
            with pytest.raises(ValidationFailed) as caught:
                read(self.source, edited, column.name)
            assert "CANARY" not in str(caught.value)

    def test_a_file_without_header_is_refused_without_repeating_its_first_record(self, edited: Path) -> None:
        edited.write_bytes(self.sample.read_bytes().split(b"\n", 1)[1])
        with pytest.raises(ValidationFailed, match="not the header") as caught:
            read(self.source, edited)
        assert "CANARY" not in str(caught.value)

    def test_reads_the_real_files(self) -> None:
        paths = sorted((SHARED / "data").glob(self.real)) if self.real and SHARED.is_dir() else []
        if not paths:
            pytest.skip("the shared data are not here")
        for path in paths:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                lines = sum(1 for _ in file) - 1
            assert sum(batch.num_rows for batch in self.source.extract(path, {"crime_id", "month"})) == lines
