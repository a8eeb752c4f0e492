"""How commands speak: results on stdout, everything else on stderr; JSON for programs, plain lines for people, colour only on a terminal."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console as Rich
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from adapters.errors import AdapterError

JSON_FORMAT = 1
Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Console:
    """One command's voice."""

    command: str
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False

    def say(self, message: str) -> None:
        """Something worth knowing while it goes on."""
        if not self.quiet:
            print(message, file=sys.stderr)  # noqa: T201 - this class is how the command speaks

    def detail(self, message: str) -> None:
        """Something worth knowing only when asked (-v)."""
        if self.verbose:
            self.say(message)

    def line(self, text: str) -> None:
        """A line of the result, for people; nothing under --json."""
        if not self.json:
            print(text)  # noqa: T201

    def result(self, **members: Any) -> None:
        """The whole result, for programs; nothing without --json."""
        if self.json:
            self._print({"ok": True, "exit": 0, **members})

    def failure(self, error: AdapterError, **members: Any) -> None:
        """What happened, why, and what to do; and the same as JSON on stdout, with what was found until then."""
        if self.json:
            self._print({"ok": False, **error.document(), **members})
        red, plain = ("\033[31m", "\033[0m") if colourful(sys.stderr) else ("", "")
        print(f"{red}{error.what}{plain}", file=sys.stderr)  # noqa: T201
        for part in (error.why, error.remedy):
            if part:
                print(f"  {part}", file=sys.stderr)  # noqa: T201

    def _print(self, members: Mapping[str, Any]) -> None:
        print(json.dumps({"format": JSON_FORMAT, "command": self.command, **members}, ensure_ascii=False))  # noqa: T201

    @contextmanager
    def progress(self) -> Iterator[tuple[Advance, Advance]]:
        """Two functions, for reading and for sending, each told (what, done, total); bars on a terminal, nothing elsewhere."""
        if self.quiet or self.json or not colourful(sys.stderr):
            yield _silent, _silent
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Rich(stderr=True), transient=True, redirect_stdout=False) as bars:
            tasks: dict[str, Any] = {}

            def advance(label: str, done: int, total: int) -> None:
                task = tasks.setdefault(label, None)
                if task is None:
                    tasks[label] = task = bars.add_task(label, total=total)
                bars.update(task, completed=done, total=total)

            yield (
                lambda what, done, total: advance(f"Reading {what}", done, total),
                lambda what, done, total: advance(f"Sending {what}", done, total),
            )


def colourful(stream: Any) -> bool:
    """Whether colour and animation are welcome: a terminal that is not dumb, and no NO_COLOR."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
