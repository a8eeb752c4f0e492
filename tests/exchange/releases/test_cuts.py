"""Cuts and comparisons of published tables: every cell is the table's own, and two editions are told apart exactly as a plain count tells them."""

from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agreements.release import Table
from exchange.releases.cells import Axis
from exchange.releases.cuts import COUNT, asked, compare, cut, shows
from exchange.releases.protected import HIDDEN, Figure, Shown


@st.composite
def tables(draw: st.DrawFn, most: int = 3) -> Shown:
    """A small table of one to three dimensions, counts and what is hidden by chance."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=most))
    along = tuple(
        Axis(f"d{number}", f"Dimension {number}", codes, tuple(f"<{code}>" for code in codes), f"All {number}")
        for number, size in enumerate(sizes)
        for codes in [tuple(draw(st.permutations("abcd"))[:size])]
    )
    shape = tuple(size + 1 for size in sizes)
    total = int(np.prod(shape))
    hidden = np.array(draw(st.lists(st.booleans(), min_size=total, max_size=total))).reshape(shape)
    counts = np.array(draw(st.lists(st.integers(0, 5000), min_size=total, max_size=total))).reshape(shape)
    return Shown(Table("t", "A table", tuple(axis.name for axis in along)), along, np.where(hidden, 0, counts), hidden)


@given(tables(), st.data())
def test_every_cell_of_a_cut_is_the_tables_own(shown: Shown, data: st.DataObject) -> None:
    names = [axis.name for axis in shown.along]
    said = {name: data.draw(st.sampled_from([*names, "", "nothing"])) for name in ("down", "across")}
    said |= {f"at-{axis.name}": data.draw(st.sampled_from([*axis.codes, "", "nothing"])) for axis in shown.along}
    wanted = asked(shown, said)
    found = cut(shown, wanted)
    assert wanted.down in names
    assert (wanted.across == "") is (len(names) == 1)
    assert set(wanted.at) | {wanted.down, wanted.across} <= {*names, ""}
    axes = {axis.name: axis for axis in shown.along}
    across = axes[wanted.across].codes if wanted.across else ()
    rows = [*axes[wanted.down].codes, None]
    columns = [*across, None] if wanted.across else [None]
    assert (len(found.lines), len(found.head)) == (len(rows), len(columns))
    for line, row in zip(found.lines, rows, strict=True):
        assert line.total is (row is None)
        for cell, column in zip(line.cells, columns, strict=True):
            code = {**{name: wanted.at.get(name) for name in names}, wanted.down: row, **({wanted.across: column} if wanted.across else {})}
            at = tuple(0 if code[axis.name] is None else axis.codes.index(code[axis.name]) + 1 for axis in shown.along)
            assert cell.hidden == bool(shown.hidden[at])
            assert cell.text == (HIDDEN if shown.hidden[at] else f"{int(shown.counts[at]):,}")
    assert found.hidden == sum(cell.hidden for line in found.lines for cell in line.cells)


@given(tables(2))
def test_a_figure_is_cut_as_the_count_is(shown: Shown) -> None:
    figure = Figure("days", "mean", np.where(shown.hidden, 0, shown.counts * 100 + 25), shown.hidden)
    both = replace(shown, figures=(figure,))
    assert shows(both) == {COUNT: "Count", "days_mean": "Mean of days"}
    counted, meant = (cut(both, asked(both, {"show": show})) for show in (COUNT, "days_mean"))
    for one, other in zip(counted.lines, meant.lines, strict=True):
        for cell, mean in zip(one.cells, other.cells, strict=True):
            assert mean.text == (HIDDEN if cell.hidden else f"{cell.text}.25")


def known(shown: Shown) -> dict[tuple[tuple[str, str | None], ...], int | None]:
    """Cell → count, or None where it is hidden; a cell by its dimensions' codes, in the order of their names."""
    found = {}
    for at in product(*(range(size) for size in shown.counts.shape)):
        codes = tuple(sorted((axis.name, axis.codes[place - 1] if place else None) for axis, place in zip(shown.along, at, strict=True)))
        found[codes] = None if shown.hidden[at] else int(shown.counts[at])
    return found


@given(tables(), tables())
def test_two_editions_are_compared_cell_by_cell(now: Shown, before: Shown) -> None:
    found, mine, theirs = compare([now], [before], most=3), known(now), known(before)
    if {axis.name for axis in now.along} != {axis.name for axis in before.along}:
        assert (found.unmatched, found.changed, found.same) == (now.counts.size, 0, 0)
        return
    common = [(mine[cell], theirs[cell]) for cell in mine if cell in theirs]
    assert found.unmatched == len(mine) - len(common)
    assert found.same == sum(new is not None and new == old for new, old in common)
    assert found.both_hidden == sum(new is old is None for new, old in common)
    assert found.hidden_now_count == sum(new is None and old is not None for new, old in common)
    assert found.shown_now_count == sum(new is not None and old is None for new, old in common)
    differences = sorted((abs(new - old) for new, old in common if new is not None and old is not None and new != old), reverse=True)
    assert found.changed == len(differences)
    assert [abs(one.difference or 0) for one in found.changes] == differences[:3]
    assert all((one.after, one.before) in common for one in (*found.changes, *found.hidden_now, *found.shown_now))


def test_the_order_of_dimensions_does_not_matter() -> None:
    one = Axis("d0", "First", ("a", "b"), ("A", "B"), "All")
    other = Axis("d1", "Second", ("x",), ("X",), "Every")
    counts = np.arange(6).reshape(3, 2)
    now = Shown(Table("t", "T", ("d0", "d1")), (one, other), counts, np.zeros((3, 2), dtype=bool))
    before = Shown(Table("t", "T", ("d1", "d0")), (other, one), counts.T + 1, np.zeros((2, 3), dtype=bool))
    found = compare([now], [before])
    assert (found.changed, found.same) == (6, 0)
    assert {change.difference for change in found.changes} == {-1}
    assert {change.where for change in found.changes} == {"All of them", "X", "A", "B", "A, X", "B, X"}
