"""The housekeeping, checked: nothing of a machine, an index or a secret in the repository; data credited; locks true; tools honest."""

import csv
import gzip
import hashlib
import io
import re
import shutil
import socket
import subprocess
import tomllib
from importlib.metadata import distribution, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev
from tests.conftest import NetworkUseError

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {
    "requirements.lock": ["hub", "pdf", "pkcs11", "s3", "agency", "dev"],
    "requirements-hub.lock": ["hub"],
    "requirements-agency.lock": ["agency"],
}
APART = "requirements-spark.lock"  # of an environment of its own, which is not the one that tests run in
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.+!]+)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")

# Written in two halves, so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.\]/-])/(?:work|root|home/\w+|Users/\w+)" + "/"),
    "a package index": re.compile(
        r"py" + r"pi\.org|python" + r"hosted\.org|registry\.npm" + r"js\.org|(?:deb|security)\.debian" + r"\.org"
    ),
    "an index option": re.compile(r"--(?:extra-)?index" + r"-url[ =]\S*:|--find" + r"-links[ =]\S*:"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----|AGE-SECRET" + r"-KEY-1"),
}
PLANTED = {
    "a path of one machine": "see /ho" + "me/ann/project/notes",
    "a package index": "https://files.python" + "hosted.org/packages/x",
    "an index option": "--index" + "-url https://mirror.example/simple",
    "a private key": "-----BEGIN OPENSSH PRIVATE" + " KEY-----",
}


def repository_files() -> list[Path]:
    """What is tracked, and what would be if it were added now."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return content.decode("utf-8", "replace")


def traces(text: str) -> list[str]:
    return [f"{what}: {found.group()}" for what, pattern in FORBIDDEN.items() if (found := pattern.search(text))]


def test_no_machine_no_index_and_no_secret_in_the_repository() -> None:
    found = {str(path.relative_to(ROOT)): traces(text_of(path)) for path in repository_files()}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_planted_trace_is_found(what: str) -> None:
    assert [trace.split(":")[0] for trace in traces(f"some text, {PLANTED[what]}")] == [what]


# ------------------------------------------------------------------------------------------------- data and their credit


def test_whoever_names_the_licence_gives_the_credit() -> None:
    """The Open Government Licence asks for one thing: the statement of source and licence."""
    lacking = []
    for path in repository_files():
        text = text_of(path) if path.suffix == ".md" else ""
        words = " ".join(text.split())
        named = "OGL" in words or "Open Government Licence" in words
        if named and not ("Contains public sector information licensed under the" in words and "Source:" in words):
            lacking.append(str(path.relative_to(ROOT)))
    assert lacking == []


def test_every_data_file_is_described_beside_it() -> None:
    for folder in ("demo/data", "config/codes"):
        readme = (ROOT / folder / "README.md").read_text(encoding="utf-8")
        names = {path.name for path in (ROOT / folder).iterdir()} - {"README.md"}
        assert set(re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE)) == names


def test_the_shipped_slice_is_what_its_readme_says() -> None:
    readme = (ROOT / "demo/data/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([\d,]+) \| `([0-9a-f]{64})` \| `([0-9a-f]{64})` \|$", readme, re.MULTILINE)
    assert len(rows) == 8
    for name, count, packed, plain in rows:
        content = (ROOT / "demo/data" / name).read_bytes()
        unpacked = gzip.decompress(content)
        assert hashlib.sha256(content).hexdigest() == packed, name
        assert hashlib.sha256(unpacked).hexdigest() == plain, name
        assert sum(1 for _ in csv.reader(io.StringIO(unpacked.decode("utf-8")))) - 1 == int(count.replace(",", "")), name


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(path))))


@pytest.mark.parametrize("path", sorted((ROOT / "config/codes").glob("*.csv")), ids=lambda path: path.name)
def test_a_code_list_has_two_columns_and_each_code_once_in_order(path: Path) -> None:
    rows = rows_of(path)
    codes = [row["code"] for row in rows]
    assert list(rows[0]) == ["code", "value"]
    assert codes == sorted(set(codes))
    assert all(value and value == value.strip() for row in rows for value in row.values())
    assert "\r" not in text_of(path)


def codes_in(name: str) -> dict[str, str]:
    return {row["code"]: row["value"] for row in rows_of(ROOT / "config/codes" / name)}


def test_the_code_lists_know_every_label_in_the_shipped_slice() -> None:
    types, groups = codes_in("crime_type.csv"), codes_in("outcome_group.csv")
    for path in (ROOT / "demo/data").glob("*-street.csv.gz"):
        rows = rows_of(path)
        assert {row["Crime type"] for row in rows} <= types.keys()
        assert {row["Last outcome category"] for row in rows} - {""} <= groups.keys()
    for path in (ROOT / "demo/data").glob("*-outcomes.csv.gz"):
        assert {row["Outcome type"] for row in rows_of(path)} <= groups.keys()


def test_the_area_list_is_the_union_of_its_sources(shared_data: Path) -> None:
    found = codes_in("lsoa_authority.csv")
    authorities = set(found.values())
    assert len(authorities) == 6
    old = {row["LSOA11CD"]: row["LAD17NM"] for row in rows_of(shared_data / "ref/lsoa2011_ward2017_la2017.csv.gz")}
    seen = {row["lsoa_code"]: row["la_name"] for row in rows_of(shared_data / "ref/lsoa_seen_police_uk_six_authorities.csv.gz")}
    assert found == {code: name for code, name in old.items() if name in authorities} | seen


# -------------------------------------------------------------------------------------------------------------- the locks


def read_lock(name: str) -> dict[str, tuple[str, bool]]:
    """Package → version and whether it is for this machine."""
    pins: dict[str, tuple[str, bool]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if match := PINNED.fullmatch(line):
            here = Marker(match["marker"]).evaluate() if match["marker"] else True
            pins[canonicalize_name(match["name"])] = (match["version"], here)
    return pins


@pytest.mark.parametrize("name", [*LOCKS, APART])
def test_a_lock_holds_pins_and_hashes_and_nothing_else(name: str) -> None:
    """No address, no host, no option: where packages come from is the business of the machine that installs them."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not (PINNED.fullmatch(line) or HASH.fullmatch(line))] == []
    assert sum(1 for line in lines if HASH.fullmatch(line)) >= len(read_lock(name)) > 10


def declared(groups: list[str]) -> list[str]:
    """What pyproject.toml asks for: always the base, and the groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"] | project["dependency-groups"]
    return [*project["project"]["dependencies"], *(line for group in groups for line in extras[group])]


def closure(wanted: list[str]) -> set[str]:
    """Those packages and all that they need here, as the installed packages themselves tell."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in found:
                found.add((name, extra))
                needs = [Requirement(line) for line in requires(name) or ()]
                waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


@pytest.mark.parametrize(("name", "groups"), LOCKS.items(), ids=LOCKS)
def test_a_lock_holds_its_groups_and_no_more(name: str, groups: list[str]) -> None:
    pins = read_lock(name)
    assert {package for package, (_, here) in pins.items() if here} == closure(declared(groups))
    for line in declared(groups):
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)][0]), line


def test_the_locks_agree_and_are_what_is_installed() -> None:
    whole = read_lock("requirements.lock")
    for name in LOCKS:
        assert read_lock(name).items() <= whole.items(), name
    assert {package: distribution(package).version for package, (_, here) in whole.items() if here} == {
        package: version for package, (version, here) in whole.items() if here
    }


def test_the_lock_of_spark_adds_spark_alone() -> None:
    whole, spark = read_lock("requirements.lock"), read_lock(APART)
    assert spark.keys() - whole.keys() == {"pyspark", "py4j"}
    assert {name: pin for name, pin in spark.items() if name in whole} == {name: whole[name] for name in spark if name in whole}
    assert read_lock("requirements-hub.lock").items() <= spark.items()


def test_an_agency_installs_no_web_server_and_no_database() -> None:
    assert read_lock("requirements-agency.lock").keys().isdisjoint({"flask", "werkzeug", "gunicorn", "sqlalchemy", "alembic", "duckdb"})


def test_no_installed_package_takes_the_name_of_a_room() -> None:
    """The checkout comes last on the path: a package with the same name would be imported in its place."""
    installed = packages_distributions()
    # One of our libraries ships its own tests. Ours are only ever imported by pytest, which puts the checkout first (`pythonpath`).
    known = {"tests": {"lcjp-exchange", "govuk-frontend-jinja"}}
    rooms = ("adapters", "agreements", "benchmarks", "conformance", "demo", "exchange", "keys", "tests")
    assert {name for name in rooms if not set(installed.get(name, ())) <= known.get(name, {"lcjp-exchange"})} == set()


def test_a_wheel_carries_what_the_rooms_read() -> None:
    """Templates, static files, code lists and measures; sources of the style sheet and of migrations are read by nobody who runs a hub."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    rooms = [one.removesuffix("*") for one in told["packages"]["find"]["include"]]
    folders = {ROOT / room.replace(".", "/"): kinds for room, kinds in told["package-data"].items()}
    carried = {one for folder, kinds in folders.items() for kind in kinds for one in folder.glob(f"{kind}/*")}
    sources = (ROOT / "exchange/web/style", ROOT / "exchange/migrations/script.py.mako")
    files = [path for path in repository_files() if path.relative_to(ROOT).parts[0] in rooms and path.suffix != ".py"]
    assert [path for path in files if path not in carried and not {path, *path.parents} & set(sources)] == []
    assert {ROOT / "config/measures.toml", ROOT / "exchange/web/templates/base.html"} <= carried


# ------------------------------------------------------------------------------------------------------------- the tools


def test_tests_reach_no_other_machine() -> None:
    for address in (("192.0.2.1", 9), ("2001:db8::1", 9), ("example.invalid", 9)):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(family) as outside, pytest.raises(NetworkUseError):
            outside.connect(address)
    with pytest.raises(NetworkUseError):
        socket.getaddrinfo("example.invalid", 443)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_every_lint_opt_out_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = text[text.index("\nignore = [") : text.index("[tool.ruff.lint.pydocstyle]")].splitlines()
    assert [line for line in ignored if re.search(r'"[A-Z]+[0-9]*"', line) and "#" not in line and "]" not in line] == []


def test_the_makefile_and_ci_call_dev() -> None:
    listed = re.search(r"^COMMANDS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split()) == set(dev.COMMANDS)
    assert "exec python3 dev.py test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """dev.py on an empty checkout, with a pip that only notes what it is asked for, and fails when the note says so."""
    notes: list[str] = []
    for name in [*LOCKS, APART, "pyproject.toml"]:
        shutil.copy(ROOT / name, tmp_path)
    venv = tmp_path / ".venv"
    places = {"ROOT": tmp_path, "VENV": venv, "BIN": venv / "bin", "PYTHON": venv / "bin/python", "UNFINISHED": venv / ".lcjp-unfinished"}
    for name, place in places.items():
        monkeypatch.setattr(dev, name, place)

    def make_venv() -> None:
        notes.append("venv")
        shutil.rmtree(venv, ignore_errors=True)
        (venv / "bin").mkdir(parents=True)
        (venv / "bin/python").touch()

    def demand(command: list[object], otherwise: str) -> None:
        if "fail" in notes:
            raise dev.StopError(otherwise)
        notes.extend(Path(str(part)).name for part in command if str(part).endswith(".lock"))

    monkeypatch.setattr(dev, "make_venv", make_venv)
    monkeypatch.setattr(dev, "demand", demand)
    monkeypatch.setattr(dev, "write_scripts", lambda: None)
    return notes


def test_an_installation_is_made_once_and_in_two_levels(installer: list[str]) -> None:
    dev.install("run")
    dev.install("run")
    assert installer == ["venv", "requirements-hub.lock", "requirements-agency.lock"]
    dev.install("all")
    dev.install("run")
    dev.install("all")
    assert installer[3:] == ["requirements.lock"]


def test_an_interrupted_installation_starts_again(installer: list[str]) -> None:
    dev.install("run")
    installer[:] = ["fail"]
    with pytest.raises(dev.StopError):
        dev.install("all")
    installer.clear()
    dev.install("run")
    assert installer == ["venv", "requirements-hub.lock", "requirements-agency.lock"]


@pytest.mark.parametrize(
    ("level", "name"), [("run", "requirements-hub.lock"), ("run", "requirements-agency.lock"), ("all", "requirements.lock")]
)
def test_a_changed_lock_makes_a_new_environment(installer: list[str], level: str, name: str) -> None:
    """Not an added-to one: what the new lock no longer names must be gone."""
    for each in {"run", level}:
        dev.install(each)
    installer.clear()
    with (dev.ROOT / name).open("a") as file:
        file.write("# changed\n")
    dev.install(level)
    assert installer == ["venv", *dev.LEVELS[level]]


def test_a_linked_environment_is_never_emptied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs, venv = tmp_path / "theirs", tmp_path / ".venv"
    theirs.mkdir()
    (theirs / ".lcjp-all").write_text("theirs")
    venv.symlink_to(theirs)
    places = {"VENV": venv, "BIN": venv / "bin", "PYTHON": venv / "bin/python", "UNFINISHED": venv / ".lcjp-unfinished"}
    for name, place in places.items():
        monkeypatch.setattr(dev, name, place)
    assert dev.main(["setup"]) == 1
    assert "remove the link" in capsys.readouterr().out
    assert [path.name for path in theirs.iterdir()] == [".lcjp-all"]
    assert (theirs / ".lcjp-all").read_text() == "theirs"


@pytest.mark.parametrize("command", sorted(dev.COMMANDS))
def test_help_installs_nothing(installer: list[str], command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("--help", "-h"):
        assert dev.main([command, word]) == 0
    said = capsys.readouterr().out
    assert f"{dev.COMMANDS[command].__doc__}." in said
    assert ("once it is installed" in said) == (command in dev.OWN_HELP)
    assert (installer, dev.VENV.exists()) == ([], False)


def test_a_program_that_is_installed_tells_its_options_itself(installer: list[str]) -> None:
    dev.install("run")
    assert not dev.helped("demo", ["--help"])
    assert not dev.helped("demo", ["--screens"])
    assert dev.helped("bench", ["--help"])


def test_what_is_not_there_yet_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    assert dev.main(["bench"]) == 2
    assert "not there yet" in capsys.readouterr().out
