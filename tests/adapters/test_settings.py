"""agency.toml: every value with the line it stands on, and a wrong key with the name that was meant."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.agency.folders import Folder
from adapters.agency.settings import KEYS, lines_of, load
from adapters.errors import ConfigError
from tests.adapters.test_commands import command

HEAD = 'party = "cleveland-police"\nhub = "https://hub.example"\n'


def home(tmp_path: Path, rest: str = "") -> Path:
    (tmp_path / "agency.toml").write_text(HEAD + rest, encoding="utf-8")
    return tmp_path


def test_every_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    folder = home(
        tmp_path,
        '\n# ours\n[keys]\nclient = """\nc.json"""\n[network]\nwait = 5\n[[folders]]\nfolder = "in"\nfile = "{period}.csv"\ndataset = "crimes"\n',
    )
    found = load(folder, {"hub": "https://other.example"}, {"EXCHANGE_AGENCY_PATIENCE": "7"})
    path = folder / "agency.toml"
    assert found.origins == {
        **dict.fromkeys([*KEYS, "folders"], "default"),
        "party": f"line 1 of {path}, party",
        "hub": "command line",
        "client_key": f"line 6 of {path}, keys.client",
        "wait": f"line 9 of {path}, network.wait",
        "patience": "environment, EXCHANGE_AGENCY_PATIENCE",
        "folders": f"line 10 of {path}, folders",
    }
    assert found.folders == (Folder(folder / "in", "{period}.csv", "crimes"),)


def test_the_command_shows_them_all(tmp_path: Path) -> None:
    done = command("config", "--origin", "--home", home(tmp_path), "--hub", "https://other.example")
    assert done.returncode == 0
    shown = [line.partition(" = ")[0] for line in done.stdout.splitlines()]
    assert shown == ["home", *(key for key, _ in KEYS.values()), "folders"]
    assert "hub = https://other.example    (command line)" in done.stdout
    assert f"home = {tmp_path}    (command line)" in done.stdout
    assert all(line.endswith(")") for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("rest", "line", "said"),
    [
        ('hubb = "x"\n', 3, "Did you mean “hub”?"),
        ("[network]\ntimout = 3\n", 4, "Did you mean “network.timeout”?"),
        ("\nwait = 3\n", 4, "Did you mean “network.wait”?"),
        ('[kyes]\nclient = "x"\n', 3, "Did you mean “keys”?"),
        ("[[folder]]\n", 3, "Did you mean “folders”?"),
        ("colour = 3\n", 3, "Take it out."),
    ],
)
def test_a_key_that_is_none_is_refused_with_the_one_that_was_meant(tmp_path: Path, rest: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError, match=f"line {line} of ") as refused:
        load(home(tmp_path, rest), {}, {})
    assert said in refused.value.remedy


TABLES = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(st.integers(), st.text("xy\n", max_size=5), st.lists(st.integers(), max_size=3)), max_size=5
)


@given(tables=st.dictionaries(st.sampled_from("ghijk"), TABLES, max_size=4), blank=st.integers(0, 2))
def test_the_line_of_every_key_is_the_one_it_begins_on(tables: dict[str, dict[str, object]], blank: int) -> None:
    lines: list[str] = []
    expected: dict[str, int] = {}
    for table, members in tables.items():
        lines += ["# a comment = 1"] * blank
        expected[table] = len(lines) + 1
        lines.append(f"[{table}]")
        for name, value in members.items():
            expected[f"{table}.{name}"] = len(lines) + 1
            if isinstance(value, str):
                lines += [f"{name} = '''", *value.split("\n"), "'''"]
            elif isinstance(value, list):
                lines += [f"{name} = [", *(f"  {one}," for one in value), "]"]
            else:
                lines.append(f"{name} = {value}")
    text = "\n".join(lines)
    tomllib.loads(text)
    assert lines_of(text) == expected
