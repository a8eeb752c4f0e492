"""The house, checked: which room and floor may import what, who may use which library, and how long things may be.

`docs` say it in words (shared design, section 2); the tables below say it once more, and everything after them only compares.
To add a module on the hub's side, give its name a floor in FLOORS.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The four rooms, and which of the others each may import.
ROOMS: dict[str, set[str]] = {
    "agreements": set(),
    "keys": set(),
    "adapters": {"agreements", "keys"},
    "exchange": {"agreements", "keys"},
}

# The hub from top to bottom. A floor imports what lies below it, and itself only where marked.
FLOORS: list[set[str]] = [
    {
        "app",
        "commands",
        "metrics",
        "background",
        "schedule",
        "serve",
        "workers",
        "migrations",
        "tables",
    },  # `tables` gathers every floor's, for the migrations
    {"web", "api"},
    {"framework"},  # the performance framework: it reads published tables
    # What every door shares: the hub, who calls, how a refusal is answered.
    {"hub", "access", "asked", "problems", "questions", "exports", "restore", "settling", "watch", "notify"},
    {"releases"},
    {"submissions"},
    {"people"},  # accounts of those who sign in
    {"register"},
    {"log"},
    {
        "db",
        "filled",
        "migrate",
        "objects",
        "places",
        "where",
        "bucket",
        "kept_in_bucket",
        "s3_service",
        "settings",
        "settings_checks",
        "keyring",
        "times",
        "leader",
        "logs",
        "limits",
        "errors",
        "pdf",
        "extras",
        "keystores",
        "references",
        "version",
        "without_pandas",
    },
]
SIDEWAYS = FLOORS[0] | FLOORS[3] | FLOORS[-1]  # Not web and api: two audiences, two doors.

# Disclosure control stands beside the floors: it imports nothing of ours, and only these import it.
DISCLOSURE_USERS = {"exchange.releases", "exchange.commands"}
# The attack must not believe what the protection believes: it shares the file format and nothing of the method.
PROTECTION = {"protect", "suppress", "sensitive", "certificate", "witnesses", "prune", "boxes", "pins"}
PROTECTION |= {"problem", "relations", "exchanges", "result", "history", "perturb", "figures", "pattern", "resort"}

# Libraries with one home. "!" takes a part of that home out again.
WEB = (
    "exchange.app",
    "exchange.metrics",
    "exchange.serve",
    "exchange.api",
    "exchange.web",
    "exchange.access",
    "exchange.asked",
    "exchange.problems",
)
HOMES: dict[str, tuple[str, ...]] = {
    "cryptography": ("keys",),
    "webauthn": ("keys",),
    "authlib": ("exchange.web",),
    "flask_wtf": ("exchange.web", "exchange.app"),
    "govuk_frontend_jinja": ("exchange.web",),
    "altair": ("exchange.framework.charts",),
    "vl_convert": ("exchange.framework.charts",),
    "weasyprint": ("exchange.pdf",),
    "psycopg": (),  # SQLAlchemy loads it by the database's address
    "flask": WEB,
    "flask_smorest": WEB,
    "werkzeug": WEB,
    "sqlalchemy": ("exchange", "!exchange.disclosure"),
    "alembic": ("exchange", "!exchange.disclosure"),
    "prometheus_client": ("exchange.metrics",),
    "apscheduler": ("exchange.schedule", "exchange.background"),
    "gunicorn": ("exchange.serve",),
    "highspy": ("exchange.disclosure",),
    "duckdb": ("exchange.releases",),
    "ibis": ("exchange.releases",),
    "pkcs11": ("keys.hardware",),
    "pyspark": ("exchange.releases.on_spark", "exchange.releases.held_source"),
    "boto3": ("exchange.s3_service",),
    "botocore": ("exchange.s3_service",),
    "requests": ("adapters", "keys.transit"),
    "truststore": ("adapters",),
}
# What reaches outside the process has no place where everything is to be pure.
IMPURE = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "time",
    "urllib",
}

COMPUTED = "<computed>"  # What stands for the target of an import whose name only the running program knows.
# Modules that need an extra which not every hub has. This one module loads them, by names written in it; nobody else reaches them.
# Commands are loaded by name too, so that a small one need not wait for the whole hub.
LOADER, BY_NAME, OPTIONAL = (
    "exchange.extras",
    {"exchange.extras", "exchange.commands.lazy"},
    {"exchange.pdf", "exchange.framework.charts", "keys.transit", "keys.hardware", "exchange.releases.on_spark"},
)
OPTIONAL |= {"exchange.s3_service"}

FILE_LINES, FUNCTION_LINES = 300, 50
# "module" or "module:function" → the reason it may be longer.
LONGER: dict[str, str] = {
    "exchange.migrations.versions.0001_the_first_schema:upgrade": "one table after another; a migration is a record, never changed afterwards",
}


@dataclass(frozen=True)
class Import:
    """One import of one module, from the line where it stands."""

    target: str
    line: int
    nested: bool  # inside a function


@dataclass
class Module:
    """What the checks need to know of one file."""

    name: str
    lines: int
    functions: dict[str, int] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)

    def imports_inside(self, tree: "Tree") -> set[str]:
        return {item.target for item in self.imports if item.target in tree}


Tree = dict[str, Module]


def inside(name: str, *places: str) -> bool:
    """Whether a module is one of the places or lies below one."""
    return any(name == place or name.startswith(place + ".") for place in places)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def targets(node: ast.AST, package: str, known: set[str]) -> Iterator[str]:
    """The modules an import statement reaches: `from a import b` is a.b where that is a module, otherwise a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names)
    elif isinstance(node, ast.Call):
        # The ways around the import statement count as imports in a function, of a module nobody can know.
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in {"__import__", "import_module"}:
            yield COMPUTED


def read_module(path: Path, root: Path, known: set[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    name = module_name(path, root)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    module = Module(name, lines=len(text.splitlines()))

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = f"{function}.{node.name}".lstrip(".")
            module.functions[function] = (node.end_lineno or node.lineno) - node.lineno + 1
        for target in targets(node, package, known):
            nested = bool(function) or target == COMPUTED
            module.imports.append(Import(target, getattr(node, "lineno", 0), nested))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(text), "")
    return module


def read_tree(root: Path) -> Tree:
    """Every module of the four rooms, as far as they have been built."""
    paths = [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]
    known = {module_name(path, root) for path in paths}
    return {module.name: module for module in (read_module(path, root, known) for path in paths)}


def floor(name: str) -> int | None:
    """Which floor of the hub a module stands on; None for what is no floor."""
    part = name.split(".")[1] if "." in name else ""
    return next((number for number, names in enumerate(FLOORS) if part in names), None)


def room_faults(module: Module, tree: Tree) -> Iterator[str]:
    room = module.name.split(".")[0]
    for target in sorted(module.imports_inside(tree)):
        other = target.split(".")[0]
        if other != room and other not in ROOMS[room]:
            yield f"{module.name} imports {target}: {room} may not import {other}"
        if module.name == room:
            yield f"{module.name} imports {target}: a room's __init__ stays empty, or every module would import all"


def floor_faults(module: Module, tree: Tree) -> Iterator[str]:
    if module.name == "exchange" or not inside(module.name, "exchange") or inside(module.name, "exchange.disclosure"):
        return
    here, part = floor(module.name), module.name.split(".")[1]
    if here is None:
        yield f"{module.name} stands on no floor: give {part!r} one in FLOORS"
        return
    for target in sorted(module.imports_inside(tree)):
        there = floor(target)
        if there is None or target.split(".")[0] != "exchange" or target.split(".")[1] == part:
            continue
        if there < here or (there == here and part not in SIDEWAYS):
            yield f"{module.name} imports {target}: imports inside exchange only go down"
        if part == "releases" and inside(target, "exchange.submissions") and target != "exchange.submissions.holdings":
            yield f"{module.name} imports {target}: releases sees submissions through holdings alone"


def disclosure_faults(module: Module, tree: Tree) -> Iterator[str]:
    home = "exchange.disclosure"
    for target in sorted(module.imports_inside(tree)):
        if inside(module.name, home) and not inside(target, home):
            yield f"{module.name} imports {target}: disclosure stands alone"
        if inside(target, home) and not inside(module.name, home, *DISCLOSURE_USERS):
            yield f"{module.name} imports {target}: only releases and commands use disclosure"
    if inside(module.name, f"{home}.attack"):
        for name in sorted(reach(module.name, tree) & {f"{home}.{part}" for part in PROTECTION}):
            yield f"{module.name} reaches {name}: the attack shares nothing of the method with the protection"


def library_faults(module: Module) -> Iterator[str]:
    for item in module.imports:
        library = item.target.split(".")[0]
        homes = HOMES.get(library, (module.name,))
        taken = tuple(home[1:] for home in homes if home.startswith("!"))
        if not inside(module.name, *homes) or inside(module.name, *taken):
            yield f"{module.name}:{item.line} imports {item.target}: {library} belongs in {', '.join(homes)}"
        if inside(module.name, "agreements") and library in IMPURE:
            yield f"{module.name}:{item.line} imports {item.target}: agreements is pure"
        if item.target in OPTIONAL:
            yield f"{module.name}:{item.line} imports {item.target}: an extra is loaded by {LOADER} alone"
        if item.nested and (item.target != COMPUTED or module.name not in BY_NAME):
            yield f"{module.name}:{item.line} imports {item.target} where it is not seen: imports stand at the top of the file"


def length_faults(module: Module) -> Iterator[str]:
    if module.lines > FILE_LINES and module.name not in LONGER:
        yield f"{module.name} has {module.lines} lines, more than {FILE_LINES}"
    for function, lines in module.functions.items():
        if lines > FUNCTION_LINES and f"{module.name}:{function}" not in LONGER:
            yield f"{module.name}:{function} has {lines} lines, more than {FUNCTION_LINES}"


def reach(start: str, tree: Tree) -> set[str]:
    """Every module that importing this one brings in, by way of others too."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for target in tree[waiting.pop()].imports_inside(tree) - found:
            found.add(target)
            waiting.append(target)
    return found


def cycle_faults(tree: Tree) -> Iterator[str]:
    reached = {name: reach(name, tree) for name in tree}
    told: set[str] = set()
    for name in sorted(tree):
        if name in reached[name] and name not in told:
            circle = sorted(other for other in reached[name] if name in reached[other])
            told |= set(circle)
            yield f"import cycle: {', '.join(circle)}"


def faults(root: Path) -> list[str]:
    """Everything in a tree that breaks the rules above, as sentences."""
    tree = read_tree(root)
    found = list(cycle_faults(tree))
    for module in tree.values():
        for check in (room_faults, floor_faults, disclosure_faults):
            found += check(module, tree)
        found += [*library_faults(module), *length_faults(module)]
    return found


def test_the_house_stands() -> None:
    found = faults(ROOT)
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed() -> None:
    tree = read_tree(ROOT)
    for name, reason in LONGER.items():
        module, _, function = name.partition(":")
        assert reason
        assert module in tree, f"{module} is gone, and its exception may go too"
        lines = tree[module].functions.get(function, 0) if function else tree[module].lines
        assert lines > (FUNCTION_LINES if function else FILE_LINES), f"{name} no longer needs its exception"


def test_each_room_imports_only_what_its_side_installs() -> None:
    """An agency installs no web server: whatever a room imports is declared for that room, not merely brought along by something."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    both, extras = project["dependencies"], project["optional-dependencies"]
    hub = (
        both + extras["hub"] + extras["spark"] + extras["pdf"] + extras["s3"]
    )  # HOMES and OPTIONAL keep the second extra to the module that is loaded only where it is
    services = extras["pkcs11"] + [one for one in extras["hub"] if one.startswith("requests")]  # those of keys.hardware and keys.transit
    sides = {"agreements": both, "keys": both + services, "adapters": both + extras["agency"], "exchange": hub}
    declared = {room: {distribution(requirement) for requirement in side} for room, side in sides.items()}
    providers = packages_distributions()
    wrong = []
    for module in read_tree(ROOT).values():
        for item in module.imports:
            library, room = item.target.split(".")[0], module.name.split(".")[0]
            if library in ROOMS or library in sys.stdlib_module_names or item.target == COMPUTED:
                continue
            if not {distribution(name) for name in providers.get(library, (library,))} & declared[room]:
                wrong.append(f"{module.name}:{item.line} imports {library}, which pyproject.toml does not declare for {room}")
    assert not wrong, "\n".join(wrong)


def distribution(requirement: str) -> str:
    """`Flask-Smorest[x]>=1` → `flask-smorest`."""
    end = next((at for at, letter in enumerate(requirement) if letter in "[<>=!~; "), len(requirement))
    return requirement[:end].lower().replace("_", "-").replace(".", "-")


# -------------------------------------------------------------------------------- the checks themselves, on small houses

SOUND = {
    "agreements/rules.py": "import pyarrow as pa\n",
    "keys/seal.py": "from cryptography.hazmat.primitives import hashes\n",
    "adapters/agency/client.py": "import requests\nfrom agreements import rules\nfrom keys.seal import seal\n",
    "exchange/app.py": "import flask\nfrom exchange import schedule\nfrom exchange.web import agreements\n",
    "exchange/schedule.py": "from exchange.releases import edition\n",
    "exchange/web/agreements.py": "from exchange.releases import edition\nfrom agreements.rules import may\n",
    "exchange/releases/edition.py": "from exchange.submissions import holdings\nfrom exchange.disclosure import protect\n",
    "exchange/submissions/holdings.py": "from .. import db\nfrom . import tables\n",
    "exchange/submissions/tables.py": "from sqlalchemy import orm\n",
    "exchange/db.py": "import sqlalchemy\nfrom exchange import errors\n",
    "exchange/errors.py": "",
    "exchange/extras.py": "import importlib\nfrom exchange import errors\nx = importlib.import_module('exchange.pdf')\n",
    "exchange/pdf.py": "import weasyprint\n",
    "exchange/access.py": "from exchange.submissions import holdings\n",
    "exchange/disclosure/protect.py": "from exchange.disclosure import table\n",
    "exchange/disclosure/attack.py": "from exchange.disclosure.table import read\n",
    "exchange/disclosure/table.py": "import numpy\n",
}
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50

PLANTED = {
    "agreements imports keys": ("agreements/rules.py", "import keys.seal", "agreements may not import keys"),
    "keys imports agreements": ("keys/seal.py", "from agreements import rules", "keys may not import agreements"),
    "adapters imports exchange": ("adapters/agency/client.py", "from exchange import db", "adapters may not import exchange"),
    "exchange imports adapters": ("exchange/schedule.py", "import adapters.agency.client", "exchange may not import adapters"),
    "a busy __init__": ("keys/__init__.py", "from keys.seal import seal", "__init__ stays empty"),
    "upwards": ("exchange/submissions/tables.py", "from exchange.releases import edition", "only go down"),
    "upwards, relative": ("exchange/db.py", "from .submissions import tables", "only go down"),
    "sideways": ("exchange/api/agencies.py", "from exchange.web import agreements", "only go down"),
    "doors below": ("exchange/submissions/tables.py", "from exchange import access", "only go down"),
    "no floor": ("exchange/helpers.py", "", "stands on no floor"),
    "past holdings": ("exchange/releases/edition.py", "from exchange.submissions import tables", "through holdings alone"),
    "past holdings, by the name": ("exchange/releases/edition.py", "import exchange.submissions.tables", "through holdings alone"),
    "disclosure leans on the hub": ("exchange/disclosure/table.py", "from exchange import errors", "stands alone"),
    "disclosure leans on keys": ("exchange/disclosure/table.py", "import keys.seal", "stands alone"),
    "a screen protects": ("exchange/web/agreements.py", "from exchange.disclosure import protect", "only releases and commands"),
    "the attack trusts": ("exchange/disclosure/attack.py", "from exchange.disclosure.protect import x", "shares nothing"),
    "a part of the attack trusts": ("exchange/disclosure/attack/view.py", "from exchange.disclosure import certificate", "shares nothing"),
    "the attack trusts by way": ("exchange/disclosure/table.py", "from exchange.disclosure import suppress", "shares nothing"),
    "cryptography outside keys": ("exchange/db.py", "from cryptography import fernet", "belongs in keys"),
    "flask below the doors": ("exchange/register.py", "from flask import g", "belongs in exchange.app"),
    "sqlalchemy in disclosure": ("exchange/disclosure/table.py", "import sqlalchemy", "sqlalchemy belongs in"),
    "sqlalchemy at the agency": ("adapters/agency/client.py", "import sqlalchemy", "sqlalchemy belongs in"),
    "requests at the hub": ("exchange/db.py", "import requests", "belongs in adapters"),
    "agreements reaches out": ("agreements/rules.py", "import socket", "agreements is pure"),
    "hidden import": ("exchange/db.py", "def f():\n    from exchange import errors\n", "top of the file"),
    "computed import": ("exchange/db.py", "import importlib\nx = importlib.import_module('exchange.app')\n", "top of the file"),
    "hidden import in the loader": ("exchange/extras.py", "def f():\n    from exchange import db\n", "top of the file"),
    "an extra by its name": ("exchange/app.py", "from exchange.pdf import to_pdf", "loaded by exchange.extras alone"),
    "an extra's library": ("exchange/app.py", "import weasyprint", "belongs in exchange.pdf"),
    "cycle": ("exchange/errors.py", "from exchange import db", "import cycle: exchange.db, exchange.errors"),
    "long function": ("exchange/errors.py", LONG_FUNCTION, "exchange.errors:f has 51 lines"),
    "long method": ("exchange/errors.py", "class A:\n" + "".join(f"    {line}\n" for line in LONG_FUNCTION.splitlines()), "f has 51 lines"),
    "long file": ("exchange/errors.py", "x = 1\n" * 301, "has 301 lines"),
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_sound_house_has_no_faults(tmp_path: Path) -> None:
    assert faults(build(tmp_path, SOUND)) == []


@pytest.mark.parametrize(("name", "added", "words"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, name: str, added: str, words: str) -> None:
    method = {"exchange/disclosure/suppress.py": "", "exchange/disclosure/certificate.py": ""}
    house = build(tmp_path, SOUND | method | {name: SOUND.get(name, "") + added})
    found = faults(house)
    assert any(words in fault for fault in found), found
