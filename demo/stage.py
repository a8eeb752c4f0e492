"""How the demonstration runs things: hub commands, agency commands and the server, all the real ones, and a line a step."""

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import requests
from rich.console import Console
from rich.text import Text

from demo.cast import ROOT
from exchange.commands.root import cli

console = Console(highlight=False)
PATIENCE = 1_800
"""Seconds for one agency command: two years of a dataset are pushed by one, and a small machine may be busy with others."""


class Failed(Exception):
    """A step did not do what it should; its own words are in the message."""


def step(text: str) -> None:
    """Say what happens now."""
    say(f"• {text}", indent=2)


def say(text: str, *, indent: int = 0, style: str = "") -> None:
    """A line for people: broken between words where the screen ends, what follows set in as far as ``indent``."""
    for line in textwrap.wrap(text, console.width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False):
        console.print(Text(line, style=style), soft_wrap=True)


def hub(config: Path | None, *arguments: str | Path) -> str:
    """Run an ``exchange`` command, in this process for speed; returns what it printed."""
    printed = StringIO()
    flags = ["--config", str(config)] if config else []
    with redirect_stdout(printed):
        found = cli.main([*flags, *map(str, arguments)], standalone_mode=False)
    if isinstance(found, int) and found != 0:
        raise Failed(f"exchange {' '.join(map(str, arguments[:2]))} ended with {found}: {printed.getvalue()}")
    return printed.getvalue()


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start an ``exchange-agency`` command as the process that it would be on the agency's machine."""
    command = [sys.executable, "-m", "adapters.agency.cli", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Wait for agency commands; what each printed, or Failed with the first one's words."""
    printed = []
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        if process.returncode != 0:
            raise Failed(f"exchange-agency ended with {process.returncode}:\n{err or out}")
        printed.append(out)
    return printed


def agency(*arguments: str | Path) -> str:
    """Run one agency command to its end."""
    return finish([start(*arguments)])[0]


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(config: Path, address: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The hub's own server, for as long as the block runs."""
    command = [sys.executable, "-c", "from exchange.commands import main; main()", "--config", str(config), "serve"]
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_ready(process, address, log)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{address}/ready", timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise Failed(f"the hub did not start: {log.read_text(encoding='utf-8')[-2000:]}")
