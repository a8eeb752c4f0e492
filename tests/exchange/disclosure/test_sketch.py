"""The outline of a large set: what it leads to holds an exchange for the cell, and patterns found by way of it are as safe as any."""

import numpy as np
import pytest

from exchange.disclosure import Need, check_certificate, protect, read_table_set, suppress
from exchange.disclosure.attack import attack
from exchange.disclosure.exchanges import ExchangeModel
from exchange.disclosure.models import Model
from exchange.disclosure.problem import Problem, pose
from exchange.disclosure.sheets import Ints
from exchange.disclosure.sketch import leading
from tests.exchange.disclosure import generate


def test_an_outline_leads_to_a_small_part_of_the_set_in_which_most_cells_find_an_exchange() -> None:
    tables = read_table_set(generate.large("c1"))
    problem = pose(tables, Need(1, 4))
    found = tried = 0
    for cell in problem.primary[::8].tolist():
        cells = leading(tables, problem, problem.must, cell)
        assert (np.diff(cells) > 0).all()
        if len(cells):
            assert cell in cells
            tried += 1
            found += ExchangeModel(problem, cells).move(cell, 4) is not None
    assert tried > 10
    assert found > tried / 2


@pytest.mark.parametrize("need", [Need(1, 1), Need(0, 4), Need(1, 4)])
def test_sets_protected_by_way_of_outlines_are_proven_and_safe(need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(*arguments: object) -> object:
        asked.append(arguments)
        return leading(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(suppress, "leading", counted)
    monkeypatch.setattr(suppress, "VAST", 0)
    monkeypatch.setattr(suppress, "FAR", 100)
    files = generate.large("c1")
    output = protect(read_table_set(files), need).files()
    assert asked
    check_certificate(files, output, need)
    assert attack(files, output, need).safe
    assert protect(read_table_set(files), need).files() == output


def test_ways_too_dear_are_looked_for_again_among_hidden_and_cheap_cells_and_models_let_go_are_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again = []
    made = suppress.Suppression._made

    def counted(self: suppress.Suppression, view: Problem, cells: Ints) -> Model:
        again.append(bool(np.isin(np.flatnonzero(self.hidden), cells).all()))
        return made(self, view, cells)

    monkeypatch.setattr(suppress.Suppression, "_made", counted)
    for name, value in (("VAST", 0), ("FAR", 100), ("DEAR", -1.0), ("ABSURD", np.inf), ("MOST_KEPT", 5000)):
        monkeypatch.setattr(suppress, name, value)
    files = generate.large("c1")
    result = protect(read_table_set(files), Need(1, 4))
    assert any(again)
    output = result.files()
    check_certificate(files, output, Need(1, 4))
    assert attack(files, output, Need(1, 4), insiders=result.insiders).safe
    assert protect(read_table_set(files), Need(1, 4)).files() == output
