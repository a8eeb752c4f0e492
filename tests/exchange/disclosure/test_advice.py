"""Advice: every method tried and attacked, its costs told without any cell, and drawn."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from exchange.disclosure import Need, protect, read_table_set
from exchange.disclosure.advice import Option, advise, picture
from exchange.disclosure.commands.advising import advise_command
from tests.exchange.disclosure.tables import count_set, load

SVG = "{http://www.w3.org/2000/svg}"


def options_of(files: dict[str, bytes]) -> list[Option]:
    return list(advise(files))


def test_suppression_is_told_as_protect_does_it() -> None:
    files = load("b1")
    first = options_of(files)[0]
    found = protect(read_table_set(files)).hidden
    tables = read_table_set(files)
    assert first.method == "suppress"
    assert first.safe
    assert first.cells_hidden == int(found.sum())
    assert first.value_lost == int(tables.value[found].sum())
    assert first.largest_error == 0


def test_every_level_and_every_method_is_tried_once() -> None:
    options = options_of(load("a2"))
    levels = {(option.need.known_min, option.need.min_width) for option in options if option.method == "suppress"}
    assert {(1, 1), (0, 4), (1, 4)} <= levels
    assert {"suppress", "rounding", "controlled"} <= {option.method for option in options}
    lower = {option.need: option.value_lost for option in options if option.method == "suppress" and option.safe}
    assert lower[Need(1, 1)] <= lower[Need(1, 4)]


def test_a_code_of_two_lines_is_one_row() -> None:
    """Labels may hold line feeds; quoting carries them."""
    files = count_set(np.array([[1, 9, 30], [7, 2, 20]]))
    files = {
        "spec.json": files["spec.json"].replace(b'"d11"', b'"two\\nlines"'),
        "T.csv": files["T.csv"].replace(b"d11", b'"two\nlines"'),
    }
    first = options_of(files)[0]
    assert first.safe
    assert int(first.hidden["T"].sum()) == first.cells_hidden


def test_what_cannot_be_used_says_why() -> None:
    lone = count_set(np.array([3]))  # one cell, and its total is the same cell: nothing can hide it but everything
    for option in options_of(lone):
        assert option.safe == (option.why == "")


def test_the_picture_names_every_usable_method_and_shows_each_hidden_cell() -> None:
    files = load("a2")
    options = options_of(files)
    drawn = ET.fromstring(picture(read_table_set(files), options, options[0]))
    words = {node.text for node in drawn.iter(f"{SVG}text")}
    assert {option.words for option in options if option.safe} <= words
    # One rectangle of paper, one a bar in three charts, one frame: the rest are hidden places.
    squares = len(list(drawn.iter(f"{SVG}rect"))) - 1 - 3 * sum(option.safe for option in options) - 1
    assert squares == sum(int(flags.sum()) for flags in options[0].hidden.values())


def test_from_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name, content in load("a2").items():
        (folder / name).write_bytes(content)
    drawing = tmp_path / "advice.svg"
    found = CliRunner().invoke(advise_command, [str(folder), "--json", "--picture", str(drawing)])
    assert found.exit_code == 0, found.output
    report = json.loads(found.stdout)
    assert report["options"][0]["method"] == "suppress"
    assert "codes" not in found.stdout
    assert drawing.read_text(encoding="utf-8").startswith("<svg")
    again = CliRunner().invoke(advise_command, [str(folder), "--picture", str(drawing)])
    assert again.exit_code == 2, "an old picture is never overwritten"
    (folder / "spec.json").unlink()
    assert CliRunner().invoke(advise_command, [str(folder)]).exit_code == 2
