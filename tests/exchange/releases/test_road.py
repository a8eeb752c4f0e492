"""From held rows to what is downloaded: tabulate, protect, attack, publish, on the real data."""

import csv
import io
import json

import pytest

from exchange.disclosure import Need, check_certificate, protect, read_table_set
from exchange.disclosure.attack import attack
from exchange.releases.formats import published
from exchange.releases.protected import read_protected
from exchange.releases.tabulate import tabulate
from tests.exchange.releases import naive, world


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2021-04", "2021-04"),
        pytest.param("2021-04", "2021-05", marks=pytest.mark.slow),
        pytest.param("2021-04", "2021-07", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(1200)
def test_what_is_published_is_safe_and_true_wherever_it_is_shown(first: str, last: str) -> None:
    release, periods = world.release(), world.periods(first, last)
    need = Need(release.terms.known_min, release.terms.min_width)
    assert (need.known_min, need.min_width) == (1, 9)
    files = tabulate(release, world.agreement(), world.relations(periods), periods)
    protected = protect(read_table_set(files), need).files()
    check_certificate(files, protected, need)
    assert attack(files, protected, need).safe
    found = published(release, world.agreement(), periods, protected)
    places = naive.authorities(world.SHARED, world.ROOT / "config" / "codes")
    expected = naive.count(world.folder(periods), [period.name for period in periods], places)
    shown_tables = read_protected(release, periods, protected)
    for table, counter in expected.items():
        codes_of = {axis.name: dict(zip(axis.all_labels, axis.all_codes, strict=True)) for axis in shown_tables[table].along}
        rows = list(csv.DictReader(io.StringIO(found[f"{table}.csv"].decode(), newline="")))
        assert len(rows) == shown_tables[table].counts.size
        for row in rows:
            count = row.pop("count")
            true = counter.get(tuple(codes_of[name][label] for name, label in row.items()), 0)
            assert count in {str(true), "[c]"}
            assert count == "[c]" or not 0 < true < release.terms.threshold
        assert [record["count"] for record in json.loads(found[f"{table}.json"])["records"]] == shown_tables[table].values()
