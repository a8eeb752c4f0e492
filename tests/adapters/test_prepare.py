"""What leaves: only what is listed, the same whatever the batches, sealed for the hub alone."""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.agency.agreements_store import verify_export
from adapters.agency.contract import Contract, Linkage
from adapters.agency.parts import encode
from adapters.agency.prepare import Target, Work, prepare
from adapters.agency.settings import PRODUCT_CODES
from adapters.agency.spool import leftovers
from adapters.doubts import Doubts
from adapters.errors import LeakStopped, ValidationFailed
from adapters.native_codes import Codes
from adapters.police_crimes import PoliceCrimes
from adapters.source import Column, Seen
from agreements.codes import read_lists
from agreements.columns import minimise
from agreements.fields import FieldType, Means
from agreements.periods import Period
from keys.encoding import b64
from keys.errors import CannotOpen
from keys.formats import Manifest, SealingKeyNotice
from keys.pseudonym import pseudonym_key, pseudonymise
from keys.rows import RowsDigest
from keys.seal import EncryptionKey, part_info, unseal
from keys.sign import Use, verify_document
from tests.adapters.conftest import CRIMES
from tests.adapters.partnership import Partnership

SECRET = bytes(range(32))
HUB = EncryptionKey.generate()
NOTICE = SealingKeyNotice("sealing-1", b64(HUB.public), "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
LISTS = read_lists(PRODUCT_CODES)
APRIL = Period.parse("2021-04")


class Batched(PoliceCrimes):
    """The same source, in batches of a chosen size."""

    name = "police_crimes"
    sizes: ClassVar[list[int]] = []

    def extract(
        self, path: Path, wanted: Collection[str], *, encoding: str = "utf-8", seen: Seen | None = None, doubts: Doubts | None = None
    ) -> Iterator[pa.RecordBatch]:
        table = pa.Table.from_batches(super().extract(path, wanted, encoding=encoding)).combine_chunks()
        start = 0
        for size in [*self.sizes, table.num_rows]:
            yield from table.slice(start, size).to_batches()
            start += size


def target(partnership: Partnership, part_rows: int = 262_144, part_bytes: int = 16 << 20) -> Target:
    verified = verify_export(partnership.export())
    dataset = verified.agreement.dataset("crimes")
    assert dataset is not None
    contract = Contract(dataset, NOTICE, part_bytes, part_rows, 10_000, Linkage(1, "0" * 16), {})
    return Target(verified, contract, APRIL, Linkage(1, "0" * 16), SECRET, None)


def work(partnership: Partnership, spool: Path) -> Work:
    key = partnership.signing("cleveland-police/manifest")
    return Work("cleveland-police", spool, LISTS, key, lambda: datetime(2026, 11, 22, tzinfo=UTC))


def opened(upload_folder: Path, partnership: Partnership) -> tuple[Manifest, list[pa.Table]]:
    """The manifest, verified, and every part as the hub would open it."""
    [upload] = leftovers(upload_folder)
    key = partnership.signing("cleveland-police/manifest")
    manifest = Manifest.parse(verify_document(upload.manifest, Use.MANIFEST, key.public.fingerprint))
    tables = []
    for number, _ in enumerate(manifest.parts, 1):
        info = part_info(agreement=manifest.agreement, dataset="crimes", supplier="cleveland-police", upload=manifest.upload, part=number)
        tables.append(pa.ipc.open_stream(unseal(upload.read_part(number), HUB, info)).read_all())
    return manifest, tables


def test_what_arrives_is_what_the_rules_make_and_nothing_else(partnership: Partnership, tmp_path: Path) -> None:
    one = target(partnership)
    prepare(PoliceCrimes(), CRIMES, [one], work(partnership, tmp_path))
    manifest, [table] = opened(tmp_path, partnership)
    assert table.schema.equals(one.dataset.schema, check_metadata=True)
    source = PoliceCrimes()
    [batch] = source.extract(CRIMES, {field.source for field in one.dataset.fields})
    key = pseudonym_key(SECRET, "LCJP-MV7", "published_crime", 1)
    expected = minimise(batch, one.dataset, Means(lambda column, kind: pseudonymise(column, kind, key), LISTS))
    assert table.to_batches() == [expected]
    digest = RowsDigest(one.dataset.schema)
    digest.update(expected)
    assert (manifest.rows, manifest.rows_digest) == (7, digest.hexdigest())


class Retiring(PoliceCrimes):
    """The same source, in which one type of crime is a code no longer issued; ASCII is tried first."""

    name = "police_crimes"
    encodings = ("ascii", "utf-8")
    columns: ClassVar[Mapping[str, Column]] = {
        **PoliceCrimes.columns,
        "Crime type": Column("crime_type", FieldType.TEXT, codes=Codes({}, {"DRUGS": "Drugs"})),
        "Last outcome category": Column("last_outcome", FieldType.TEXT, codes=Codes({}, {"UNDER INVESTIGATION": "Under investigation"})),
    }


def test_what_is_doubtful_is_told_once_of_the_reading_that_counts(partnership: Partnership, tmp_path: Path) -> None:
    told: list[Doubts] = []
    doubtful = replace(work(partnership, tmp_path / "spool"), doubtful=told.append)
    lines = CRIMES.read_text(encoding="utf-8").splitlines()
    head, row = lines[0], lines[1].split(",")
    row[head.split(",").index("Crime type")] = "drugs"
    row[head.split(",").index("Last outcome category")] = "Under investigation"
    path = tmp_path / "extract.csv"
    many = [",".join(row)] * 40_000
    many[-1] = many[-1].replace("CANARY", "Café")  # beyond what the first, wrong reading has counted by then
    path.write_text("\n".join([head, *many]) + "\n", encoding="utf-8")
    prepare(Retiring(), path, [target(partnership)], doubtful)
    [doubts] = told
    assert [(column, count) for column, _, count in doubts.items()] == [("crime_type", 40_000), ("last_outcome", 40_000)]
    assert opened(tmp_path / "spool", partnership)[0].rows == 40_000


def test_an_unlisted_column_never_gets_through(partnership: Partnership, tmp_path: Path) -> None:
    """Whatever an unlisted column holds, every sealed byte's plaintext stays the same."""
    plain = []
    for number, words in enumerate(("CANARY", "Other words, “quoted”", "x" * 5000)):
        changed = tmp_path / f"{number}.csv"
        changed.write_text(CRIMES.read_text().replace("CANARY", words.replace('"', "").replace(",", "")), encoding="utf-8")
        prepare(PoliceCrimes(), changed, [target(partnership)], work(partnership, tmp_path / f"spool-{number}"))
        plain.append(opened(tmp_path / f"spool-{number}", partnership)[1])
    assert plain[0] == plain[1] == plain[2]
    assert "CANARY" not in str(plain[0][0].to_pylist())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 4), max_size=5), part_rows=st.integers(1, 8))
def test_neither_batches_nor_parts_change_the_rows_digest(
    partnership: Partnership, tmp_path_factory: pytest.TempPathFactory, sizes: list[int], part_rows: int
) -> None:
    spool = tmp_path_factory.mktemp("spool")
    source = Batched()
    source.sizes[:] = sizes
    prepare(source, CRIMES, [target(partnership, part_rows)], work(partnership, spool))
    manifest, tables = opened(spool, partnership)
    whole = tmp_path_factory.mktemp("whole")
    prepare(PoliceCrimes(), CRIMES, [target(partnership)], work(partnership, whole))
    expected, [table] = opened(whole, partnership)
    assert (manifest.rows_digest, manifest.totals) == (expected.rows_digest, expected.totals)
    assert [part.num_rows for part in tables] == [part_rows] * (7 // part_rows) + [7 % part_rows] * bool(7 % part_rows)
    assert pa.concat_tables(tables).combine_chunks() == table.combine_chunks()


def test_a_part_too_large_is_halved(partnership: Partnership, tmp_path: Path, big: Path) -> None:
    limit = 100_000
    prepare(PoliceCrimes(), big, [target(partnership, part_bytes=limit)], work(partnership, tmp_path / "spool"))
    manifest, tables = opened(tmp_path / "spool", partnership)
    assert len(tables) > 2
    assert all(part.size <= limit for part in manifest.parts)
    assert sum(part.num_rows for part in tables) == 20_000


def test_one_reading_serves_several_agreements(partnership: Partnership, tmp_path: Path) -> None:
    other = Partnership(keys=partnership.keys, edit=lambda text: text.replace("LCJP-MV7", "LCJP-TWO"))
    both = prepare(PoliceCrimes(), CRIMES, [target(partnership), target(other)], work(partnership, tmp_path))
    assert [upload.plan.reference for upload in both] == ["LCJP-MV7", "LCJP-TWO"]
    digests = {Manifest.parse(upload.manifest["document"]).rows_digest for upload in both}
    assert len(digests) == 2  # one secret, two references: pseudonyms of two agreements never join


def test_one_row_at_fault_leaves_nothing_behind(partnership: Partnership, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(CRIMES.read_text().replace("Robbery", "Piracy"))
    with pytest.raises(ValidationFailed) as caught:
        prepare(PoliceCrimes(), spoiled, [target(partnership, part_rows=1)], work(partnership, tmp_path / "spool"))
    assert caught.value.report[0]["rows"] == [6]
    assert list((tmp_path / "spool").iterdir()) == []


def test_kept_text_that_looks_like_an_identifier_is_stopped(partnership: Partnership, tmp_path: Path) -> None:
    rule = 'from = "location"\ntype = "text"\nrule = { keep = { pattern = "^.{1,60}$" } }\nmay_be_empty = true\nmeaning = "x"\nreason = "x"'
    edit = f'[[datasets.fields]]\nname = "place"\n{rule}\n\n[[datasets]]\nname = "outcomes"'
    loose = Partnership(keys=dict(partnership.keys), edit=lambda text: text.replace('[[datasets]]\nname = "outcomes"', edit))
    spoiled = tmp_path / "spoiled.csv"
    spoiled.write_text(CRIMES.read_text().replace("On or near CANARY Lane", "ask QQ 12 34 56 C or CANARY@example.org", 1))
    with pytest.raises(LeakStopped, match="an e-mail address") as caught:
        prepare(PoliceCrimes(), spoiled, [target(loose)], work(partnership, tmp_path / "spool"))
    assert caught.value.exit_code == 7
    assert "CANARY" not in str(caught.value)


def test_a_part_opens_only_as_what_it_is(partnership: Partnership, tmp_path: Path) -> None:
    prepare(PoliceCrimes(), CRIMES, [target(partnership)], work(partnership, tmp_path))
    [upload] = leftovers(tmp_path)
    good = {"agreement": partnership.agreement.digest, "dataset": "crimes", "supplier": "cleveland-police", "upload": upload.id, "part": 1}
    unseal(upload.read_part(1), HUB, part_info(**good))  # type: ignore[arg-type]
    for name, other in (("dataset", "outcomes"), ("supplier", "durham-constabulary"), ("upload", "0" * 32), ("part", 2)):
        with pytest.raises(CannotOpen):
            unseal(upload.read_part(1), HUB, part_info(**{**good, name: other}))  # type: ignore[arg-type]


def test_sealing_is_for_the_hub_alone_and_never_twice_the_same(partnership: Partnership, tmp_path: Path) -> None:
    sealed = []
    for number in range(2):
        [upload] = prepare(PoliceCrimes(), CRIMES, [target(partnership)], work(partnership, tmp_path / str(number)))
        sealed.append(upload.read_part(1))
    assert sealed[0] != sealed[1]


def test_windows_text_is_read_on_the_second_attempt_and_the_first_is_thrown_away(partnership: Partnership, tmp_path: Path) -> None:
    keep = 'rule = { keep = { values = ["Café", "Drugs"] } }'
    loose = Partnership(keys=dict(partnership.keys), edit=lambda text: _with_rule(text, "crime_type", keep))
    path = tmp_path / "windows.csv"
    lines = CRIMES.read_text().splitlines()[:1] + [line for line in CRIMES.read_text().splitlines() if "Drugs" in line]
    path.write_bytes(("\n".join([*lines, lines[1].replace("Drugs", "Café")]) + "\n").encode("cp1252"))
    prepare(PoliceCrimes(), path, [target(loose)], work(partnership, tmp_path / "spool"))
    _, [table] = opened(tmp_path / "spool", partnership)
    assert table["crime_type"].to_pylist() == ["Drugs", "Café"]


def _with_rule(text: str, name: str, rule: str) -> str:
    head, _, rest = text.partition(f'name = "{name}"\n')
    lines = rest.split("\n")
    lines = [rule if line.startswith("rule = ") and number < 5 else line for number, line in enumerate(lines)]
    return head + f'name = "{name}"\n' + "\n".join(lines)


def test_an_encoded_part_is_one_stream_without_metadata() -> None:
    schema = pa.schema([pa.field("a", pa.string(), metadata={"k": "v"})], metadata={"pandas": "CANARY"})
    chance = random.Random(1)
    batch = pa.RecordBatch.from_arrays([pa.array([f"{chance.random()}" for _ in range(50)])], schema=schema)
    stream = pa.ipc.open_stream(encode(batch))
    assert stream.schema.metadata is None
    assert b"CANARY" not in encode(batch)
