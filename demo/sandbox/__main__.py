"""``python -m demo.sandbox``: make a sandbox, say exactly how to use it, and serve until it is told to end."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

import click

from agreements.errors import AgreementError
from demo.sandbox.story import running
from demo.sandbox.told import told
from demo.stage import Failed, console
from exchange.errors import ExchangeError


def main() -> int:
    """0 when it was ended by whoever started it; 1 where it could not be made."""
    parser = argparse.ArgumentParser(prog="dev.py sandbox", description="A hub of invented partners on this machine, until Ctrl-C.")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep it in this folder; one that was kept there serves again")
    parser.add_argument("--port", type=int, default=0, help="of a new sandbox (default: one that is free)")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    folder = asked.keep.resolve() if asked.keep else Path(tempfile.mkdtemp(prefix="lcjp-sandbox-"))
    began = time.monotonic()
    try:
        with running(folder, asked.port) as card:
            told(card, time.monotonic() - began, kept=asked.keep is not None)
            while True:
                time.sleep(3600)
    except (KeyboardInterrupt, click.Abort):  # a hub's command makes the second of the first
        console.print("The sandbox ends." if asked.keep else "The sandbox ends, and nothing of it is left.")
    except (Failed, ExchangeError, AgreementError) as error:
        console.print(f"No sandbox: {error}", style="red", markup=False)
        return 1
    finally:
        if asked.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C, once: what is being stopped is not to be interrupted again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
