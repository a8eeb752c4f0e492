"""`exchange protect` and `exchange attack`: table sets in folders, from the shell.

Exit codes: 0 safe, 1 vulnerable or unprotectable, 2 bad input, 70 unexpected.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from exchange.disclosure.attack import Attack, attack
from exchange.disclosure.certificate import check_certificate
from exchange.disclosure.errors import BadCertificate, BadTables, DisclosureError, Unprotectable
from exchange.disclosure.protect import protect
from exchange.disclosure.report import attack_page, protect_page
from exchange.disclosure.spec import Need
from exchange.disclosure.table import read_table_set

SAFE, VULNERABLE, BAD_INPUT, UNEXPECTED = 0, 1, 2, 70

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_known_min = click.option("--known-min", type=click.IntRange(0, 1), help="Least value an intruder may assume for a hidden cell.")
_min_width = click.option("--min-width", type=click.IntRange(1), help="Possible values that must remain for a primary cell, less one.")
_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")


@click.command("protect")
@click.argument("folder", metavar="SET", type=_FOLDER)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the protected set.")
@_known_min
@_min_width
@click.option("--time-limit", type=click.FloatRange(0), help="Seconds after which no smaller pattern is sought.")
@click.option("--thorough", is_flag=True, help="Look longer for a smaller pattern; the same input still gives the same bytes.")
@_json
def protect_command(  # noqa: PLR0917 -- click passes every option by name
    folder: Path,
    out: Path,
    known_min: int | None,
    min_width: int | None,
    time_limit: float | None,
    thorough: bool,  # noqa: FBT001 -- click passes flags so
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Hide cells of a table set until no primary cell can be worked out too closely; prove it, attack it, write it."""
    with _outcomes():
        if out.resolve() == folder.resolve() or (out / "spec.json").exists():
            raise BadTables("--out must not be a folder that holds a table set")
        files = _read(folder)
        began = time.perf_counter()
        tables = read_table_set(files)
        need = _need(tables.default_need(), known_min, min_width)
        result = protect(tables, need, time_limit=time_limit, thorough=thorough, progress=_progress())
        protected = result.files()
        check_certificate(files, protected, need)
        found = attack(files, protected, need, insiders=result.insiders)
        seconds = time.perf_counter() - began
        if found.safe:
            out.mkdir(parents=True, exist_ok=True)
            for name, content in protected.items():
                (out / name).write_bytes(content)
        report = {**result.report, "attack": found.report, "seconds": round(seconds, 2)}
        click.echo(json.dumps(report, indent=1) if as_json else protect_page(report))
        sys.exit(SAFE if found.safe else VULNERABLE)


@click.command("attack")
@click.argument("folder", metavar="SET", type=_FOLDER)
@click.option("--protected", required=True, type=_FOLDER, help="Folder with the protected tables; anyone's output.")
@_known_min
@_min_width
@click.option("--insiders", is_flag=True, help="Also every contributor who alone makes up hidden cells.")
@_json
def attack_command(
    folder: Path,
    protected: Path,
    known_min: int | None,
    min_width: int | None,
    insiders: bool,  # noqa: FBT001 -- click passes flags so
    as_json: bool,  # noqa: FBT001 -- click passes flags so
) -> None:
    """Attack a protected table set: which primary cells can be worked out, and how closely."""
    with _outcomes():
        files = _read(folder)
        began = time.perf_counter()
        need = _need(read_table_set(files).default_need(), known_min, min_width)
        found = attack(files, _read(protected), need, insiders=insiders)
        report = {**found.report, "seconds": round(time.perf_counter() - began, 2), "vulnerable": _cells(found)}
        click.echo(json.dumps(report, indent=1) if as_json else attack_page(report))
        sys.exit(SAFE if found.safe else VULNERABLE)


def _cells(found: Attack) -> list[dict[str, Any]]:
    return [{"table": x.table, "codes": list(x.codes), "low": x.low, "high": x.high, "insider": x.insider} for x in found.vulnerable]


def _need(default: Need, known_min: int | None, min_width: int | None) -> Need:
    return Need(default.known_min if known_min is None else known_min, default.min_width if min_width is None else min_width)


def _read(folder: Path) -> dict[str, bytes]:
    """Every plain file of a folder, by name."""
    try:
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    except OSError as error:
        raise BadTables(f"a file cannot be read: {error.strerror}") from None


@contextmanager
def _outcomes() -> Iterator[None]:
    """The one table from errors to exit codes; messages go to stderr."""
    try:
        yield
    except Unprotectable as error:
        click.echo(f"unprotectable: {error}", err=True)
        for table, codes in error.cells:
            click.echo(f"  pinned down by {table}: {', '.join(codes)}", err=True)
        sys.exit(VULNERABLE)
    except BadTables as error:
        click.echo(f"bad input: {error}", err=True)
        sys.exit(BAD_INPUT)
    except BadCertificate as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(VULNERABLE)
    except (DisclosureError, OSError, MemoryError) as error:
        click.echo(f"unexpected: {error}", err=True)
        sys.exit(UNEXPECTED)
    except Exception as error:  # noqa: BLE001 -- the door: a fault must have its own exit code, and a traceback could show values
        click.echo(f"unexpected: {type(error).__name__}", err=True)
        sys.exit(UNEXPECTED)


def _progress() -> Callable[[str, int, int], None]:
    """Draws one line on a terminal, and nothing anywhere else."""
    terminal = sys.stderr.isatty()

    def draw(step: str, done: int, total: int) -> None:
        if terminal:
            click.echo(f"\r\x1b[2K{step}: {done} of {total}" if done < total else "\r\x1b[2K", nl=False, err=True)

    return draw
