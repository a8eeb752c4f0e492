"""A real Spark cluster on this machine: a master and two workers, each at a loopback address of its own, as `exchange spark` starts them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exchange.releases.spark_hosts import Program
from tests.functional.hosts import until


@dataclass
class Cluster:
    """Its programs by name, each in a process group of its own, and what each wrote."""

    folder: Path
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start(self, name: str, found: Program) -> None:
        """Start a program and wait until it says that it is there."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(found.arguments, env=found.environment, stdout=log, stderr=log, start_new_session=True)
        there = "Successfully registered with master" if name.startswith("worker") else "I have been elected leader"
        until(lambda: there in self.log(name).read_text() or self.running[name].poll() is not None, f"{name} is there", 90)
        assert self.running[name].poll() is None, self.log(name).read_text()[-2000:]

    def log(self, name: str) -> Path:
        """What a program said."""
        return self.folder / f"{name}.log"

    def kill(self, name: str) -> None:
        """As a host dies, executors and all."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running.pop(name).wait(30)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """None of it is left at the end."""
    folder.mkdir()
    found = Cluster(folder)
    try:
        yield found
    finally:
        for name in list(found.running):
            found.kill(name)
