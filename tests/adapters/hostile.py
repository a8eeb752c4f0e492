"""Hostile values and damaged files for extracts of any format, and the watch that nothing of them is ever said."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings

from adapters.errors import AdapterError

ROOT = Path(__file__).resolve().parents[2]
CANARY = "CANARY"

HOSTILE = (
    CANARY,
    f'"{CANARY}',
    f"{CANARY}\n{CANARY}",
    f"{CANARY},{CANARY};{CANARY}\t",
    f"={CANARY}()",
    f"]]>&{CANARY};<{CANARY}>",
    f'{{"{CANARY}": [',
    f"%s{{0}}{CANARY}\x00\x1b[31m",
    f"99/99/9999 {CANARY}",
    f"9999999999999999999999{CANARY}",
    f"Ａ\u202eé{CANARY}",
    CANARY * 2_000,
)


@contextmanager
def nothing_said() -> Iterator[list[AdapterError]]:
    """What is raised inside is one of ours and handed out; neither it, what it is chained to, its report nor any log line holds a value."""
    caught: list[AdapterError] = []
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        yield caught
    except AdapterError as raised:
        caught.append(raised)
        said = [str(raised.document()), log.getvalue()]
        error: BaseException | None = raised
        while error is not None:  # also what a traceback would print
            said.append(str(error))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        assert CANARY not in "".join(said)
    finally:
        logging.getLogger().removeHandler(handler)
        assert CANARY not in log.getvalue()


def peak_of_reading(path: Path, module: str) -> int:
    """How much more memory, in MB, a fresh process comes to take while it reads an extract of 10,000 rows with a test module's SOURCE."""
    code = (
        f"import pathlib; from {module} import SOURCE\n"
        "most = lambda: int(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) >> 10\n"
        "before = most()\n"
        f"rows = sum(batch.num_rows for batch in SOURCE.extract(pathlib.Path({str(path)!r}), {{'id'}}))\n"
        "assert rows == 10_000; print(most() - before)"
    )
    return int(subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout)


# One method is run for many sources, each of which is another class. LCJP_FUZZ=2000 looks longer.
FUZZ = settings(
    max_examples=int(os.environ.get("LCJP_FUZZ") or 25),
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)


def _flip(data: bytearray, at: int, value: int) -> None:
    if data:
        data[at] = value


def _cut(data: bytearray, at: int, _: int) -> None:
    del data[at:]


def _drop_line(data: bytearray, at: int, _: int) -> None:
    start = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at)
    del data[start : end + 1 if end >= 0 else len(data)]


def _repeat(data: bytearray, at: int, value: int) -> None:
    data[at:at] = data[at : at + value]


DAMAGES: tuple[Callable[[bytearray, int, int], None], ...] = (_flip, _cut, _drop_line, _repeat)
