"""A process that works on a keystore until it is killed: by the parent, or by itself at its n-th step on the disk.

crashing.py FOLDER ROOTS CREDENTIAL loop              create and destroy for ever, saying so before and after each
crashing.py FOLDER ROOTS CREDENTIAL STEP VERB NAME    one create, destroy, open or initialise, killed just before step STEP
"""

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from keys.keystore import SealedFileKeystore
from keys.providers import CredentialFileRoots

WATCHED = {"open", "os.remove", "os.rename", "os.mkdir", "fcntl.flock"}


def say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


def loop(store: SealedFileKeystore) -> None:
    choice = random.Random()
    for number in range(10_000):
        name = f"{os.getpid()}-{number}"
        say("creating", name)
        say("created", name, store.create(name).hex())
        if choice.random() < 0.6:
            victim = choice.choice(store.names())
            say("destroying", victim)
            store.destroy(victim)
            say("destroyed", victim)


def killed_at(step: int, folders: tuple[str, ...]) -> None:
    """Send this process SIGKILL when it is about to take its step-th step in one of the folders."""
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "fcntl.flock" or (event in WATCHED and str(arguments[0]).startswith(folders)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main() -> None:
    folder, roots_folder, credential, what, *rest = sys.argv[1:]
    roots = CredentialFileRoots(roots_folder, credential)
    if what == "loop":
        loop(SealedFileKeystore(folder, roots))
        return
    verb, name = rest
    if verb in {"open", "initialise"}:
        killed_at(int(what), (folder, roots_folder))
        _ = SealedFileKeystore(folder, roots) if verb == "open" else SealedFileKeystore.initialise(folder, roots)
        return
    store = SealedFileKeystore(Path(folder), roots)
    killed_at(int(what), (folder, roots_folder))
    if verb == "create":
        store.create(name)
    else:
        store.destroy(name)


if __name__ == "__main__":
    main()
