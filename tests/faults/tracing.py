"""Faults in the kernel's own answers, with strace: which calls a process makes on the hub's folder, and one of them failing or killing it."""

import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# “?”: not every machine has each of them.
READS: tuple[str, ...] = ("openat", "?open", "read", "pread64")
WRITES: tuple[str, ...] = ("write", "pwrite64", "?pwritev", "?rename", "renameat", "renameat2", "?unlink", "unlinkat", "?mkdir", "mkdirat")
WRITES += ("fsync", "fdatasync", "ftruncate", "fallocate", "?link", "linkat")
CALLS = ",".join((*READS, *WRITES))
_NAMES_OF_WRITES = frozenset(name.lstrip("?") for name in WRITES)
_ROOM = frozenset({"write", "pwrite64", "openat", "open", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "ftruncate", "fallocate"})
_ROOM |= {"fsync", "fdatasync"}  # file systems that allocate late find out then
_LINE = re.compile(r"^(?:(\d+) +)?(\w+)\((.*)$")
_FILE = re.compile(r"(?<!AT_FDCWD)[<\"]/[^>\"]*")
KILL, EIO, ENOSPC = "SIGKILL", "EIO", "ENOSPC"


@dataclass(frozen=True)
class Call:
    """One call on the hub's folder.

    Attributes:
        name: of the system call.
        when: it is this process's n-th of that name, counted from 1, whatever it is on.
        text: its arguments, as strace writes them.
    """

    name: str
    when: int
    text: str

    @property
    def changes(self) -> bool:
        """Whether it may change a file."""
        return self.name in _NAMES_OF_WRITES or (self.name in ("open", "openat") and "O_CREAT" in self.text)

    @property
    def file(self) -> str:
        """What it is on, as it is traced: the first path. A database and its journal are one."""
        found = _FILE.search(self.text)
        return found[0].removesuffix("-wal").removesuffix("-shm") if found else ""

    def faults(self) -> tuple[str, ...]:
        """What may happen to it. A kill before a call that changes nothing is the kill before the next."""
        room = self.name in _ROOM and (self.changes or "O_TRUNC" in self.text)
        return (EIO, *((ENOSPC,) if room else ()), *((KILL,) if self.changes else ()))


@cache
def available() -> str:
    """Empty where strace can attach to a process and alter its calls; else why not."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "5"]) as sleeping:
        try:
            tried = subprocess.Popen(["strace", "-p", str(sleeping.pid), "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
            said = tried.stderr.readline() if tried.stderr else ""
            tried.terminate()
            tried.communicate(timeout=10)
        finally:
            sleeping.kill()
    return "" if "attached" in said else "strace may not attach to a process here"


def attach(pid: int, out: Path, fault: str = "", call: Call | None = None, *, threads: bool = False) -> "subprocess.Popen[str]":
    """Trace a process that waits; on return it may go on. With a call, that one meets the fault."""
    inject: Sequence[str] = ()
    if call is not None:
        what = f"signal={fault}" if fault == KILL else f"error={fault}"
        inject = ("-e", f"inject={call.name}:{what}:when={call.when}")
    command = ["strace", "-p", str(pid), *(["-f"] if threads else []), "-y", "-s", "0", "-o", str(out), "-e", f"trace={CALLS}"]
    tracer = subprocess.Popen([*command, "-e", "signal=none", *inject], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    if "attached" not in said:
        tracer.send_signal(signal.SIGTERM)
        raise RuntimeError(f"strace does not attach: {said.strip()}")
    return tracer


def calls(out: Path, folder: Path) -> list[Call]:
    """The calls on files below this folder, in order, each with its number among those of its name and thread."""
    found, seen = [], Counter[tuple[str, str]]()
    for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
        if (match := _LINE.match(line)) is None:
            continue
        thread, name, text = match[1] or "", match[2], match[3]
        seen[thread, name] += 1
        if _concerns(text, folder):
            found.append(Call(name, seen[thread, name], text))
    return found


def _concerns(text: str, folder: Path) -> bool:
    """Whether a traced call is about the folder itself, or something below it."""
    return any(f"{folder}{end}" in text for end in ("/", ">", '"'))


def struck(out: Path, folder: Path) -> str:
    """The call on this folder that met the fault, as traced; empty where none did."""
    lines = out.read_text(encoding="utf-8", errors="replace").splitlines()
    hit = [line for line in lines if _concerns(line, folder) and ("(INJECTED" in line or line.endswith("= ?"))]
    return hit[-1] if hit else ""
