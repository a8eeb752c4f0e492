import io

import pytest
from rich.console import Console

from exchange.releases.errors import BadRelease
from exchange.releases.protected import Shown, read_protected
from exchange.releases.screen import grid
from tests.exchange.releases import world
from tests.exchange.releases.test_formats import APRIL, protected, relabelled


def table(name: str = "by-area") -> Shown:
    return read_protected(world.release(), APRIL, protected())[name]


def printed(shown: Shown, **cut: str) -> str:
    console = Console(file=io.StringIO(), width=240)
    console.print(grid(shown, rows="authority", columns="group", at=cut))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_table_on_the_terminal_shows_counts_totals_and_the_marker() -> None:
    shown = table()
    text = printed(shown)
    assert "Both forces, All months" in text
    assert "[c] = confidential" in text
    assert text.count("[c]") - 1 == int(shown.hidden[0, :, 0, :].sum()) > 0
    assert f"{int(shown.counts[0, 0, 0, 0]):,}" in text
    assert text.index("County Durham") < text.index("All places")


def test_it_can_be_cut_at_one_force() -> None:
    assert "Durham, All months" in printed(table(), force="durham-constabulary")


def test_labels_are_text_and_not_markup() -> None:
    release = relabelled({"Charged": "[bold red]x[/]"})
    shown = read_protected(release, APRIL, protected(release))["by-area"]
    assert "[bold red]x[/]" in printed(shown)


@pytest.mark.parametrize(
    ("rows", "columns", "at"),
    [
        ("authority", "authority", {}),
        ("authority", "nothing", {}),
        ("authority", "group", {"place": "x"}),
        ("authority", "group", {"force": "x"}),
    ],
)
def test_what_the_table_does_not_have_cannot_be_shown(rows: str, columns: str, at: dict[str, str]) -> None:
    with pytest.raises(BadRelease):
        grid(table(), rows=rows, columns=columns, at=at)
