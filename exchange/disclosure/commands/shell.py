"""What the commands of this package share: options, folders, exit codes.

Exit codes: 0 safe, 1 vulnerable or unprotectable, 2 bad input, 70 unexpected.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from exchange.disclosure.errors import BadCertificate, BadTables, DisclosureError, Unprotectable
from exchange.disclosure.spec import Need

SAFE, VULNERABLE, BAD_INPUT, UNEXPECTED = 0, 1, 2, 70

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
known_min = click.option(
    "--known-min",
    type=click.IntRange(0, 1),
    help="Least value an intruder knows of a hidden cell: 1 where zeros are always published. Left out: as spec.json says.",
)
min_width = click.option(
    "--min-width",
    type=click.IntRange(1),
    help="Width of the range that must remain for every primary cell: W leaves W + 1 counts. Left out: as spec.json says.",
)
LEVELS = """\b
Levels in common use, for counts with threshold t:
  A  --known-min 1 --min-width 1    nothing exactly recoverable
  B  --known-min 0 --min-width t-1  t possible counts, zeros unknown
  C  --known-min 1 --min-width t-1  both; usual where zeros are published
\b
Exit codes: 0 safe, 1 vulnerable or unprotectable, 2 bad input, 70 unexpected."""


def _here_or_before(context: click.Context, _: click.Parameter, given: bool) -> bool:  # noqa: FBT001 -- click passes flags so
    """Whether JSON is asked for, after the command's name or before it."""
    before = context.find_root().obj
    return given or (isinstance(before, dict) and bool(before.get("json")))


as_json = click.option("--json", "as_json", is_flag=True, callback=_here_or_before, help="Print the report as JSON.")


def level(default: Need, known_min: int | None, min_width: int | None) -> Need:
    """The level asked for: what is not given is as the set itself says."""
    return Need(default.known_min if known_min is None else known_min, default.min_width if min_width is None else min_width)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every plain file of a folder, by name."""
    try:
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    except OSError as error:
        raise BadTables(f"a file cannot be read: {error.strerror}") from None


@contextmanager
def outcomes() -> Iterator[None]:
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


def progress() -> Callable[[str, int, int], None]:
    """Draws one line on a terminal, and nothing anywhere else."""
    terminal = sys.stderr.isatty()

    def draw(step: str, done: int, total: int) -> None:
        if terminal:
            click.echo(f"\r\x1b[2K{step}: {done} of {total}" if done < total else "\r\x1b[2K", nl=False, err=True)

    return draw
