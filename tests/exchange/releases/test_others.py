"""A supplier that corrected its own rows, and knows that the others did not: what two editions tell it of what the others sent."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from agreements.periods import Period
from agreements.release import Dimension, Level, Method, Release, Table, Terms, Zeros
from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from exchange.releases import others, series
from exchange.releases.cells import Counts, axes
from exchange.releases.errors import Unconnected
from exchange.releases.gate import guard
from exchange.releases.past import Past
from exchange.releases.protected import Shown, read_protected
from exchange.releases.tabulate import Tabulated
from tests.exchange.releases import world

MONTH = [Period.parse("2021-04")]
SMALL = Terms(5, Zeros.PUBLISHED, Level.C)
Sent = Mapping[str, Sequence[Sequence[int]]]
"""Supplier → its counts by place and kind."""


def released(*cut: str, terms: Terms = SMALL) -> Release:
    """Counts by month and these of place and kind."""
    dimensions = [Dimension("month", "Month", "crimes.month", (), "All")]
    dimensions += [Dimension(one, one, f"crimes.{one}", tuple((f"{one}{n}", f"{one}{n}") for n in range(2)), "All") for one in cut]
    found = world.release()
    changed = {"lookups": (), "derived": (), "period_dimension": "month", "terms": terms}
    return Release(**{**vars(found), **changed, "dimensions": tuple(dimensions), "tables": (Table("t", "T", ("month", *cut)),)})


def counted(release: Release, sent: Sent) -> Tabulated:
    along = axes(release, MONTH)
    cut = release.tables[0].dimensions[1:]
    shares: dict[str, dict[str, Counts]] = {}
    for supplier, rows in sent.items():
        cells = np.array(rows, dtype=np.int64)
        cells = cells.sum(axis=tuple(place for place, name in enumerate(("place", "kind")) if name not in cut))[np.newaxis]
        for axis in range(cells.ndim):
            cells = np.concatenate([cells.sum(axis=axis, keepdims=True), cells], axis=axis)
        shares[supplier] = {"t": cells}
    return Tabulated(along, {"t": np.asarray(sum(one["t"] for one in shares.values()), dtype=np.int64)}, shares)


class Made:
    """Editions one after another, as the gate makes them: what the newest shows, and what its set and protected set are."""

    def __init__(self) -> None:
        self.pasts: list[Past] = []

    def edition(self, release: Release, sent: Sent) -> Shown:
        self.release, self.now = release, counted(release, sent)
        self.exact = series.joined(release, self.now, self.pasts)
        self.protected, _ = guard(self.exact, release)
        shown = read_protected(release, MONTH, series.newest(release, self.now, self.pasts, self.protected))
        self.before = list(self.pasts)
        names = {dimension.name: dimension.name for dimension in release.dimensions[1:]}
        self.pasts.append(Past(f"edition {len(self.pasts)}", shown, self.now, frozenset(), release, names))
        return shown["t"]

    def require_kept(self) -> None:
        others.require_kept(self.release, self.now, self.before, self.exact, self.protected)


def test_a_correction_does_not_take_the_others_counts_out_of_hiding() -> None:
    """The others have 8 and 1 of the two kinds. The first edition shows the one kind, the second, after a correction, all."""
    made = Made()
    first = made.edition(released("place", "kind"), {"one": [[0, 0], [10, 15]], "two": [[0, 1], [8, 0]]})
    second = made.edition(released("kind"), {"one": [[0, 0], [30, 15]], "two": [[0, 1], [8, 0]]})
    assert (first.counts[1, 0, 1] - 10, first.hidden[1, 0, 1]) == (8, False)
    assert (second.counts[1, 0] - 45, second.hidden[1, 0]) == (9, False)
    assert first.hidden[1, 0, 2]
    assert second.hidden[1, 2]
    with pytest.raises(Unconnected, match="one sent other rows for one than for the other"):
        made.require_kept()


def test_nor_does_one_that_is_corrected_again() -> None:
    """Three of the others came with a correction by twenty, of which eight were taken back: to the public and by the engine's sum of steps that is much."""
    made = Made()
    for own, rest in ((100, 100), (120, 103), (112, 103)):
        made.edition(released("kind", terms=Terms(10, Zeros.PUBLISHED, Level.C)), {"one": [[own, 50], [0, 0]], "two": [[rest, 60], [0, 0]]})
    with pytest.raises(Unconnected):
        made.require_kept()


def test_what_nobody_corrected_and_what_all_did_is_let_through() -> None:
    """And so is what a single supplier sent."""
    made = Made()
    sent = {"one": [[20, 3], [40, 15]], "two": [[30, 1], [8, 20]]}
    made.edition(released("place", "kind"), sent)
    made.edition(released("kind"), sent)
    made.require_kept()
    made.edition(released("kind"), {"one": [[120, 53], [140, 115]], "two": [[230, 71], [108, 120]]})
    made.require_kept()
    alone = Made()
    alone.edition(released("place", "kind"), {"one": [[0, 1], [18, 15]]})
    alone.edition(released("kind"), {"one": [[0, 1], [38, 15]]})
    alone.require_kept()


def test_of_noise_there_is_nothing_to_subtract() -> None:
    made = Made()
    made.edition(released("place", "kind"), {"one": [[0, 0], [10, 15]], "two": [[0, 1], [8, 0]]})
    made.edition(released("kind"), {"one": [[0, 0], [30, 15]], "two": [[0, 1], [8, 0]]})
    made.release = released("kind", terms=Terms(5, Zeros.PUBLISHED, Level.C, Method.CELL_KEY))
    made.require_kept()


def test_what_is_hidden_and_not_at_all_its_own_is_something() -> None:
    """A hidden count is at least 1 where noughts are shown: of that, who has none of it knows that the others have."""
    made = Made()
    made.edition(released("kind"), {"one": [[0, 30], [0, 0]], "two": [[2, 20], [1, 20]]})
    made.edition(released("kind"), {"one": [[0, 60], [0, 0]], "two": [[2, 20], [1, 20]]})
    [(supplier, files, shown)] = others.views(made.release, made.now, made.before, made.exact, made.protected)
    assert supplier == "one"
    table = shown["t~2021-04~2.csv"].decode().splitlines()
    assert table[0].endswith("value,suppressed,least")
    assert [line for line in table if line.startswith("kind0")] == ["kind0,,1,1"]
    assert attack(files, shown, Need(0, 1)).safe
