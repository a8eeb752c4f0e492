"""The exclusion list: nobody on it is sent, everybody else is; it names nobody; and without it nothing goes out."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.agency.exclusions import Entry, Exclusions
from adapters.agency.prepare import prepare
from adapters.errors import AdapterError, ConfigError, IntegrityFailed, UsageError, ValidationFailed
from adapters.police_crimes import PoliceCrimes
from agreements.rights import Right
from keys.errors import BadIdentifier
from tests.adapters.conftest import CRIMES, generate
from tests.adapters.partnership import Partnership
from tests.adapters.test_prepare import Batched, opened, target, work
from tests.adapters.test_scan import found as lying_about

REFERENCE, KIND, DAY = "LCJP-MV7", "published_crime", date(2026, 11, 22)


def ids(path: Path) -> list[str]:
    return [line.partition(",")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def add(home: Path, *identifiers: str, right: Right = Right.ERASURE, datasets: tuple[str, ...] = ()) -> list[Entry]:
    return Exclusions(home).add(REFERENCE, datasets, KIND, identifiers, right, DAY)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False), sizes=st.lists(st.integers(0, 15), max_size=5), part_rows=st.integers(1, 20))
def test_exactly_those_on_the_list_stay_here(
    partnership: Partnership,
    tmp_path_factory: pytest.TempPathFactory,
    chance: random.Random,
    sizes: list[int],
    part_rows: int,
) -> None:
    home = tmp_path_factory.mktemp("home")
    extract = generate(home / "extract.csv", 40, seed=chance.randrange(99))
    there = sorted({one for one in ids(extract) if one})
    gone = set(chance.sample(there, chance.randrange(len(there))))
    add(home, *(one.upper() for one in gone), "0" * 64)
    dataset = target(partnership).dataset
    told: list[int] = []
    whole, some = home / "whole", home / "some"
    prepare(PoliceCrimes(), extract, [target(partnership)], work(partnership, whole))
    _, [everything] = opened(whole, partnership)
    source = Batched()
    source.sizes[:] = sizes
    excluded = Exclusions(home).of(REFERENCE, dataset)
    with_list = _replace(work(partnership, some), left_out=lambda _, rows: told.append(rows))
    prepare(source, extract, [_replace(target(partnership, part_rows), excluded=excluded)], with_list)
    manifest, tables = opened(some, partnership)
    keep = pa.array([one not in gone for one in ids(extract)])
    rest = everything.filter(keep)
    assert pa.concat_tables(tables, promote_options="none").combine_chunks() == rest.combine_chunks() if tables else rest.num_rows == 0
    assert manifest.rows == rest.num_rows == 40 - sum(told)
    assert manifest.totals == {name: rest.column(name).null_count for name in rest.schema.names}


def _replace(one: Any, **members: Any) -> Any:
    return type(one)(**{**vars(one), **members})


def test_a_list_is_nobody_to_whoever_finds_it(partnership: Partnership, tmp_path: Path) -> None:
    crimes = [one for one in ids(CRIMES) if one]
    add(tmp_path, *crimes)
    add(tmp_path, *crimes, right=Right.RESTRICTION, datasets=("crimes",))
    assert lying_about(tmp_path, crimes) == []
    assert {path.name for path in tmp_path.iterdir()} == {"exclusions.json", "exclusions.key"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    other = tmp_path / "other"
    other.mkdir()
    add(other, *crimes)  # another agency's list of the same people has nothing in common with it
    assert not {one.mac for one in Exclusions(tmp_path).entries()} & {one.mac for one in Exclusions(other).entries()}


def test_who_is_covered(partnership: Partnership, tmp_path: Path) -> None:
    crimes, outcomes = (partnership.agreement.dataset(name) for name in ("crimes", "outcomes"))
    assert crimes is not None
    assert outcomes is not None
    here = Exclusions(tmp_path)
    assert here.of(REFERENCE, crimes) is None
    add(tmp_path, "1" * 64, datasets=("crimes",))
    assert here.of(REFERENCE, crimes) is not None
    assert here.of(REFERENCE, outcomes) is None
    assert here.of("LCJP-OTHER", crimes) is None
    add(tmp_path, "1" * 64)
    assert here.of(REFERENCE, outcomes) is not None
    assert "1" * 64 not in repr(here.of(REFERENCE, outcomes))


def test_the_same_person_stands_once_and_is_lifted_by_id(tmp_path: Path) -> None:
    [first] = add(tmp_path, "1" * 64, " " + "1" * 64, right=Right.OBJECTION)
    assert add(tmp_path, "1" * 64, right=Right.OBJECTION) == [first]
    [forever] = add(tmp_path, "1" * 64)
    here = Exclusions(tmp_path)
    assert here.entries() == (first, forever)
    assert here.lift(first.id) == first
    assert here.entries() == (forever,)
    with pytest.raises(UsageError, match="no such entry"):
        here.lift(first.id)
    with pytest.raises(UsageError, match="stays erased"):
        here.lift(forever.id)
    with pytest.raises(BadIdentifier):
        add(tmp_path, "no crime")


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (lambda home: (home / "exclusions.json").unlink(), IntegrityFailed),
        (lambda home: (home / "exclusions.key").unlink(), IntegrityFailed),
        (lambda home: (home / "exclusions.json").write_text("{}"), IntegrityFailed),
        (lambda home: (home / "exclusions.key").write_text("{}"), IntegrityFailed),
        (lambda home: (home / "exclusions.json").chmod(0o640), ConfigError),
        (lambda home: (home / "exclusions.key").chmod(0o604), ConfigError),
    ],
)
def test_without_the_list_nothing_goes_out(partnership: Partnership, tmp_path: Path, harm: Any, error: type[AdapterError]) -> None:
    add(tmp_path, "1" * 64)
    harm(tmp_path)
    with pytest.raises(error):
        Exclusions(tmp_path).of(REFERENCE, target(partnership).dataset)


def test_a_list_that_was_only_begun_is_begun_again(tmp_path: Path) -> None:
    add(tmp_path, "1" * 64)
    here = Exclusions(tmp_path)
    (tmp_path / "exclusions.key").unlink()
    (tmp_path / "exclusions.json").write_text('{"entries":[],"format":1}\n')
    (tmp_path / "exclusions.json").chmod(0o600)
    assert here.entries() == ()
    [entry] = add(tmp_path, "1" * 64)
    assert here.entries() == (entry,)


def test_reports_number_the_rows_of_the_extract(partnership: Partnership, tmp_path: Path) -> None:
    text = CRIMES.read_text(encoding="utf-8").splitlines()
    person = next(number for number, one in enumerate(ids(CRIMES)) if one)
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([*text[:-1], text[-1].replace("2021-04", "2021-05")]) + "\n", encoding="utf-8")
    add(tmp_path, ids(CRIMES)[person])
    excluded = Exclusions(tmp_path).of(REFERENCE, target(partnership).dataset)
    with pytest.raises(ValidationFailed) as told:
        prepare(PoliceCrimes(), bad, [_replace(target(partnership), excluded=excluded)], work(partnership, tmp_path / "spool"))
    assert {row for line in told.value.report for row in line["rows"]} == {len(text) - 1}
