"""Everything a checkout can do, with nothing but Python and its venv: `python3 dev.py` lists the commands.

Only the standard library is used, since this is what installs the rest.
"""

import argparse
import contextlib
import ctypes.util
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Before Python 3.11: say so, rather than trip over it later.
    sys.exit(f"dev.py needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

if os.name != "posix":
    sys.exit("dev.py is for Linux and macOS. On Windows use WSL, or install the agency's side alone: pip install '.[agency]'.")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
SPARK_VENV = ROOT / ".venv-spark"
UNFINISHED = VENV / ".lcjp-unfinished"  # There while something is being installed: whoever finds it later starts again.

# Two levels in one environment: what runs the exchange installs in half the time of what tests it, and the second adds to the first.
LEVELS = {
    "run": ("requirements-hub.lock", "requirements-agency.lock"),
    "all": ("requirements.lock",),
}
LOCKS = {
    # Everything but Spark: 950 MB, no wheel, and only for an agreement that has outgrown one machine.
    "requirements.lock": ("--extra", "hub", "--extra", "agency", "--extra", "pdf", "--extra", "pkcs11", "--extra", "s3", "--group", "dev"),
    "requirements-spark.lock": ("--extra", "hub", "--extra", "s3", "--extra", "spark"),
    "requirements-hub.lock": ("--extra", "hub"),
    "requirements-agency.lock": ("--extra", "agency"),
}
OWN_HELP = {
    "demo": "run",
    "sandbox": "run",
    "serve": "run",
    "bench": "all",
    "faults": "all",
    "scale": "all",
}  # what tells its options itself, and its level
AUDITED = ("requirements-hub.lock", "requirements-agency.lock")  # what is installed where data are
ROOM = 6 << 30  # Bytes: a run of all tests leaves 2 GB behind, and its servers work in as much again.
UV = "uv==0.13.9"  # Only `dev.py lock` needs it, and installs it out of the way if it is not on the PATH.

# What is type-checked and linted, as far as it exists.
CHECKED = ("agreements", "keys", "adapters", "exchange", "demo", "conformance", "benchmarks", "tests", "wsgi.py", "dev.py")

FAILED, NOT_THERE = 1, 2  # Exit codes: something is wrong; or what was asked for does not exist or cannot be had here.


@dataclass(frozen=True)
class SystemPackage:
    """A program, or a library, that some tests need and Python's registries do not carry."""

    name: str
    debian: tuple[str, ...]
    without: str  # What is left out where it is missing.
    there: Callable[[str], object] = shutil.which
    bare: bool = False  # Without what Debian recommends beside it, which is a gigabyte of compilers and offices.


def fonts(folder: str) -> bool:
    """Whether the system has fonts of this name."""
    return any((Path(place) / "truetype" / folder).is_dir() for place in ("/usr/share/fonts", "/usr/local/share/fonts"))


def administrators(name: str) -> object:
    """Whether a program is here, where an ordinary user's PATH does not lead too."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


_PDF = "tests/exchange/exports cannot make a PDF"
SYSTEM_PACKAGES = (
    SystemPackage("git", ("git",), "tests/test_house.py reads the list of tracked files from it"),
    SystemPackage("chromium", ("chromium",), "the tests of pages in a browser need it"),
    SystemPackage("atomic", ("libatomic1",), "what drives the browser in tests does not start without it", ctypes.util.find_library),
    SystemPackage("pango-1.0", ("libpango-1.0-0",), _PDF, ctypes.util.find_library),
    SystemPackage("pangoft2-1.0", ("libpangoft2-1.0-0",), _PDF, ctypes.util.find_library),
    SystemPackage("harfbuzz-subset", ("libharfbuzz-subset0",), _PDF, ctypes.util.find_library),
    SystemPackage("strace", ("strace",), "the fault matrix kills and fails by other means alone"),
    SystemPackage("prometheus", ("prometheus",), "tests/functional/test_prometheus.py reads the figures without it, unchecked", bare=True),
    SystemPackage("nginx", ("nginx",), "tests/functional/test_deployment.py is not run", administrators, bare=True),
    SystemPackage("systemd-analyze", ("systemd",), "nobody checks the systemd units", bare=True),
    SystemPackage("softhsm2-util", ("softhsm2",), "the tests of keys in a hardware module need it"),
    SystemPackage("dejavu", ("fonts-dejavu-core",), "PDFs of the tests have no letters", fonts),
    SystemPackage("Rscript", ("r-base-core", "r-cran-jsonlite"), "the lines for R are not tried", bare=True),
    SystemPackage("soffice", ("libreoffice-calc-nogui",), "no office program opens the spreadsheet", bare=True),
)


class StopError(Exception):
    """Ends the command with a message for the person at the terminal."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


# ---------------------------------------------------------------------------------------------------- saying and doing


def say(text: str) -> None:
    """Print one line at once, so that it stands before the output of the programs started after it."""
    print(text, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and when it is over say how long it took."""
    say(f"-> {title}")
    begun = time.monotonic()
    yield
    say(f"   {title}: {time.monotonic() - begun:.1f} s")


def run(command: Sequence[str | Path], **environment: str) -> int:
    """Run a program in the checkout and return its exit code. Its output goes where ours goes."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def become(command: Sequence[str | Path]) -> int:
    """Turn into a program, so that signals sent to dev.py reach it. The person's own directory stays: options may name files."""
    parts = [str(part) for part in command]
    os.execv(parts[0], parts)


def demand(command: Sequence[str | Path], otherwise: str) -> None:
    """Run a program that must succeed."""
    if code := run(command):
        raise StopError(f"{otherwise} (exit code {code} from: {' '.join(str(part) for part in command)})")


def as_root() -> bool:
    """Whether system packages can be installed from here."""
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_debian(*packages: str, bare: bool = False) -> None:
    """Install Debian packages; only called where `as_root`. ``bare``: without those that they recommend."""
    with step(f"install Debian packages: {', '.join(packages)}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        # A list of packages from an older image would name versions that are gone.
        codes = [
            run(["apt-get", "update", "-qq"], **quiet),
            run(
                ["apt-get", "install", "-y", "-qq", "-o", "Dpkg::Use-Pty=0", *(["--no-install-recommends"] if bare else []), *packages],
                **quiet,
            ),
        ]
        if any(codes):
            raise StopError(f"apt-get could not install {' '.join(packages)}; see its messages above", NOT_THERE)


def ensure_system_packages() -> None:
    """Install the system packages that the tests use, or say what is left out without them."""
    missing = [package for package in SYSTEM_PACKAGES if not package.there(package.name)]
    if missing and as_root():
        for bare in (False, True):
            if wanted := [debian for package in missing if package.bare is bare for debian in package.debian]:
                install_debian(*wanted, bare=bare)
        return
    for package in missing:
        say(f"   {package.name} is not installed: {package.without}. To have it: apt-get install {' '.join(package.debian)}")


# -------------------------------------------------------------------------------------------------------- installation


def scripts() -> dict[str, str]:
    """The commands that pyproject.toml declares: name and where it is defined."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared: dict[str, str] = tomllib.load(file)["project"]["scripts"]
    return declared


def fingerprint(level: str) -> str:
    """What an installation was made from: Python, the place (scripts carry paths), the commands and the locks."""
    locks = [hashlib.sha256((ROOT / lock).read_bytes()).hexdigest() for lock in LEVELS[level]]
    return hashlib.sha256("\n".join([sys.version, str(ROOT), repr(scripts()), *locks]).encode()).hexdigest()


def stamp(level: str) -> Path:
    """The file written last, when a level is wholly installed."""
    return VENV / f".lcjp-{level}"


def installed(level: str) -> bool:
    """Whether a level is wholly installed, from the locks of today."""
    return stamp(level).is_file() and PYTHON.exists() and stamp(level).read_text() == fingerprint(level) and not UNFINISHED.exists()


def make_venv() -> None:
    """Make an empty virtual environment, getting Debian's missing piece of Python where that is possible."""
    if VENV.is_symlink():  # Emptying it would empty what it points to, and its scripts carry the other checkout's place.
        raise StopError(f"{VENV.name} is a link to another checkout's environment: remove the link, then run this again")
    if importlib.util.find_spec("ensurepip") is None:  # Debian takes it out of Python and into a package of its own.
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not as_root():
            raise StopError(f"this Python cannot make virtual environments. As root: apt-get install {package}", NOT_THERE)
        install_debian(package)
    for level in LEVELS:
        stamp(level).unlink(missing_ok=True)
    demand([sys.executable, "-m", "venv", "--clear", VENV], "the virtual environment could not be made")


def write_scripts() -> None:
    """Put the checkout on the environment's path and write the commands that pyproject.toml declares.

    An editable install would do both, but would first download a build backend that no lock pins.
    """
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    (packages / "lcjp-exchange.pth").write_text(f"{ROOT}\n")
    for name, target in scripts().items():
        module, function = target.split(":")
        script = BIN / name
        # Through sh, because a path with a space or of more than 127 characters cannot stand in a #! line.
        script.write_text(
            f"#!/bin/sh\n'''exec' \"{PYTHON}\" \"$0\" \"$@\"\n' '''\n"
            f"import sys\n\nfrom {module} import {function}\n\nif __name__ == '__main__':\n    sys.exit({function}())\n"
        )
        script.chmod(0o755)


def install(level: str) -> None:
    """Install a level exactly as locked; instant where that was done before. An interrupted installation starts again."""
    if installed(level) or (level == "run" and installed("all")):
        return
    # The one shortcut: "all" adds to a sound "run". Anything else that is found might hold what no lock names.
    if not installed("run") or stamp("all").exists():
        with step(f"make {VENV.name} with Python {sys.version.split()[0]}"):
            make_venv()
    with step(f"install {' and '.join(LEVELS[level])}"):
        UNFINISHED.touch()
        # --no-compile halves the time: Python compiles what is really imported, when it is.
        pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq", "--no-compile"]
        exactly = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
        files = [part for lock in LEVELS[level] for part in ("-r", ROOT / lock)]
        demand([*pip, *exactly, *files], "not everything could be installed; the next call starts again")
        write_scripts()
        stamp(level).write_text(fingerprint(level))
        UNFINISHED.unlink()


def need(path: str, what: str) -> None:
    """Stop plainly where a part of the project has not been built yet."""
    if not (ROOT / path).exists():
        raise StopError(f"{what} is not there yet: this checkout has no {path}", NOT_THERE)


# ------------------------------------------------------------------------------------------------------------ commands


def setup(_arguments: list[str]) -> int:
    """Make .venv with all that demo, serve and test need"""
    install("all")
    say(f"   ready: {BIN / 'exchange'} and {BIN / 'exchange-agency'}")
    return 0


def demo(arguments: list[str]) -> int:
    """The whole road on real public data (--scenario partnership: on invented data; --folder DIR; --screens)"""
    need("demo/__main__.py", "the demonstration")
    install("run")
    return become([PYTHON, "-P", "-m", "demo", *arguments])


def sandbox(arguments: list[str]) -> int:
    """A hub of invented partners to build a client against, until Ctrl-C (--keep DIR: it stays there)"""
    need("demo/sandbox/__main__.py", "the sandbox")
    install("run")
    return become([PYTHON, "-P", "-m", "demo.sandbox", *arguments])


def serve(arguments: list[str]) -> int:
    """Run a hub with the embedded defaults (`exchange serve`)"""
    need("exchange/app.py", "the hub")
    install("run")
    return become([BIN / "exchange", "serve", *arguments])


def checks(arguments: list[str]) -> dict[str, list[str | Path]]:
    """The static checks by name; `--fix` lets ruff mend what it can first."""
    present: list[str | Path] = [name for name in CHECKED if (ROOT / name).is_file() or any((ROOT / name).rglob("*.py"))]
    check, mend = (["--fix"], []) if "--fix" in arguments else ([], ["--diff"])
    return {
        "ruff check": [BIN / "ruff", "check", *check, *present],
        "ruff format": [BIN / "ruff", "format", *mend, *present],
        "mypy --strict": [BIN / "mypy", "-n", "auto", *present],
    }


def materials(lock: str) -> list[str | Path]:
    """The program that writes the list of what a lock installs (CycloneDX); the same lock gives the same bytes."""
    out = ROOT / "build" / f"{Path(lock).stem}.cdx.json"
    out.parent.mkdir(exist_ok=True)
    return [BIN / "cyclonedx-py", "requirements", ROOT / lock, "--output-reproducible", "--of", "JSON", "-o", out]


def audit() -> int:
    """Ask which of the locked packages are known to be weak. A finding fails; where nobody could be asked, that is said and does not."""
    files = [part for lock in AUDITED for part in ("-r", str(ROOT / lock))]
    options = ["--require-hashes", "--disable-pip", "--vulnerability-service", "pypi", "--progress-spinner", "off", "--timeout", "5"]
    command = [str(BIN / "pip-audit"), *files, *options, "-f", "json"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        found = []
    return told(found)


def told(found: list[dict[str, Any]]) -> int:
    """Say what an audit found, package by package (``name``, ``version``, ``vulns``; ``skip_reason`` where nobody knew it); its exit code."""
    asked = [one for one in found if "skip_reason" not in one]
    weak = [one for one in asked if one.get("vulns")]
    for one in weak:
        known = ", ".join(f"{each['id']} (mended in {', '.join(each.get('fix_versions') or ['no release'])})" for each in one["vulns"])
        say(f"   {one['name']} {one['version']}: {known}")
    if not asked:
        say("   not audited: no vulnerability service reachable")
    elif len(asked) < len(found):
        names = ", ".join(one["name"] for one in found if "skip_reason" in one)
        say(f"   {len(asked)} packages audited; not audited, since the service does not know them: {names}")
    else:
        say(f"   {len(asked)} packages audited, {len(weak)} of them weak")
    return FAILED if weak else 0


def all_pass(commands: Mapping[str, list[str | Path] | Callable[[], int]]) -> int:
    """Run every command, whatever the others say, and end with one line for each."""
    outcomes = []
    for name, command in commands.items():
        begun = time.monotonic()
        say(f"-> {name}")
        code = command() if callable(command) else run(command)
        outcomes.append((name, code, time.monotonic() - begun))
    for name, code, seconds in outcomes:
        say(f"   {'ok    ' if code == 0 else 'FAILED'}  {name}  {seconds:.1f} s")
    return FAILED if any(code for _, code, _ in outcomes) else 0


def lint(arguments: list[str]) -> int:
    """Ruff, mypy, lists of materials, known weaknesses (--fix: let ruff mend what it can)"""
    install("all")
    lists = {f"materials of {Path(lock).stem} (build/)": materials(lock) for lock in AUDITED}
    return all_pass({**checks(arguments), **lists, "pip-audit": audit})


def test(arguments: list[str]) -> int:
    """Ruff, mypy and the tests: all that .ci/run runs (further words go to pytest)"""
    ensure_system_packages()
    install("all")
    # A process a core; whole files, so that what a file prepares is prepared once, in the order that tests/conftest.py gives them.
    together = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
    pytest: list[str | Path] = [PYTHON, "-m", "pytest", "-m", "not slow and not faults", "--durations=10", *together, *arguments]
    with quick_folder() as where:
        return all_pass({**checks([]), "pytest": lambda: run(pytest, **where)})


@contextlib.contextmanager
def quick_folder() -> Iterator[dict[str, str]]:
    """Where tests put what they throw away, as TMPDIR: in memory where there is room, for on a disk every file of every database costs.

    Nobody's own choice is overridden. What a failing test left goes with the rest: run it by itself to look.
    """
    memory = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    if "TMPDIR" in os.environ or not memory.is_dir() or not os.access(memory, os.W_OK) or room_of(memory) < ROOM:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="lcjp-tests-", dir=memory) as folder:
        Path(folder).chmod(0o1777)  # as /tmp: servers that root starts for tests run as others
        yield {"TMPDIR": folder}


def room_of(folder: Path) -> int:
    """Bytes that a folder in memory may take without the machine lacking them: half of what is available, or what the folder has left."""
    said = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return min(shutil.disk_usage(folder).free, int(said["MemAvailable"].split()[0]) * 1024 // 2)


def bench(arguments: list[str]) -> int:
    """The benchmarks, as ratios"""
    need("benchmarks/__main__.py", "the benchmark suite")
    install("all")
    return run([PYTHON, "-m", "benchmarks", *arguments])


def faults(arguments: list[str]) -> int:
    """Every operation struck at every call; kills; load (--quick: a cut; --matrix, --load: that alone; --slow: slow tests elsewhere)"""
    need("tests/faults/matrix.py", "the fault suite")
    ensure_system_packages()
    install("all")
    rest = [one for one in arguments if one not in ("--matrix", "--load")]
    matrix: list[str | Path] = [PYTHON, "-m", "tests.faults.matrix"]
    load: list[str | Path] = [PYTHON, "-m", "tests.faults.load"]
    if "--load" in arguments:
        return run([*load, *rest])
    if "--slow" in arguments:
        elsewhere = ["-m", "slow or faults", "tests", "--ignore", "tests/faults", *[one for one in rest if one != "--slow"]]
        return run([PYTHON, "-m", "pytest", "-q", *elsewhere])
    if rest or "--matrix" in arguments:
        return run([*matrix, *rest])
    marked: list[str | Path] = [PYTHON, "-m", "pytest", "-q", "-m", "slow or faults or not slow", "tests/faults"]
    failed = [name for name, command in {"the tests": marked, "the load": load}.items() if run(command)]
    return run([*matrix, *(["--besides", ", ".join(failed)] if failed else [])])


def install_spark() -> Path:
    """Spark's own environment, as locked; the Python in it. It sees what tests need of .venv, behind its own."""
    need("requirements-spark.lock", "Spark's lock")
    if shutil.which("java") is None:
        if not as_root():
            raise StopError("Spark needs Java 17 or later. As root: apt-get install openjdk-17-jre-headless", NOT_THERE)
        install_debian("openjdk-17-jre-headless")
    python, mark = SPARK_VENV / "bin" / "python", SPARK_VENV / ".lcjp-spark"
    made_from = hashlib.sha256(sys.version.encode() + (ROOT / "requirements-spark.lock").read_bytes()).hexdigest()
    if not (mark.is_file() and mark.read_text() == made_from):
        with step(f"make {SPARK_VENV.name}"):
            demand([sys.executable, "-m", "venv", "--clear", SPARK_VENV], "Spark's environment could not be made")
            pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq", "--no-compile"]
            # PySpark is published as source alone.
            exactly = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-binary", "pyspark"]
            demand(
                [*pip, *exactly, "-r", ROOT / "requirements-spark.lock"], "not everything could be installed; the next call starts again"
            )
            mark.write_text(made_from)
    packages = [Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)})) for venv in (SPARK_VENV, VENV)]
    (packages[0] / "lcjp-exchange.pth").write_text(f"{ROOT}\n{packages[1]}\n")
    return python


def scale(arguments: list[str]) -> int:
    """The same work at ten and a hundred times the size, on Spark and with more workers too (--spark-tests: the tests of Spark alone)"""
    need("benchmarks/scale.py", "the scale run")
    ensure_system_packages()
    install("all")
    if "--spark-tests" in arguments:
        rest = [one for one in arguments if one != "--spark-tests"]
        return run([install_spark(), "-m", "pytest", "-q", "tests/spark", "-p", "no:cacheprovider", *rest])
    if "--only" not in arguments or "spark" in arguments:
        try:
            install_spark()
        except StopError as trouble:
            say(f"   Spark is left out: {trouble}")
    return run([PYTHON, "-m", "benchmarks.scale", *arguments])


def lock(arguments: list[str]) -> int:
    """Write the lock files from pyproject.toml (--upgrade: move to the newest releases)"""
    common = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    with tempfile.TemporaryDirectory() as scratch:
        uv = shutil.which("uv")
        if uv is None:
            with step(f"fetch {UV}"):
                demand([sys.executable, "-m", "venv", scratch], "a virtual environment for uv could not be made")
                demand([Path(scratch) / BIN.name / "python", "-m", "pip", "install", "--quiet", UV], "uv could not be installed")
            uv = str(Path(scratch) / BIN.name / "uv")
        for name, groups in LOCKS.items():
            # The smaller locks take their versions from the whole one, so that the levels fit into one environment.
            follow = arguments if name == "requirements.lock" else ["--constraint", "requirements.lock"]
            with step(f"lock {name}"):
                demand([uv, "pip", "compile", "--quiet", *common, *groups, *follow, "pyproject.toml", "--output-file", name], "not locked")
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    function.__name__: function for function in (demo, sandbox, test, lint, serve, setup, lock, bench, faults, scale)
}


def helped(command: str, arguments: list[str]) -> bool:
    """Answer `COMMAND --help` with the command's line, so that nothing is installed for it; False where the program itself can answer."""
    if not {"-h", "--help"} & set(arguments) or (command in OWN_HELP and (installed(OWN_HELP[command]) or installed("all"))):
        return False
    say(f"usage: python3 dev.py {command} [OPTION...]\n\n{COMMANDS[command].__doc__}.")
    if command in OWN_HELP:
        say("Its options are shown here once it is installed: python3 dev.py setup")
    return True


def main(arguments: list[str]) -> int:
    """Read the command, run it, and turn a stop into its message and exit code."""
    lines = "\n".join(f"  {name:<7} {function.__doc__}" for name, function in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python3 dev.py", usage="%(prog)s COMMAND [OPTION...]", epilog=lines, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below; what follows goes to it")
    if not arguments:
        parser.print_help()
        return NOT_THERE
    command = parser.parse_args(arguments[:1]).command
    # Tests and demonstrations start our commands hundreds of times: without what Python has compiled, each takes three seconds more.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return 0 if helped(command, arguments[1:]) else COMMANDS[command](arguments[1:])
    except StopError as stop:
        say(f"dev.py {command}: {stop}")
        return stop.code
    except KeyboardInterrupt:
        say(f"dev.py {command}: interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
