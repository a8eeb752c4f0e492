"""The ``exchange`` command: the hub's operator, and the people who advise, sign and check with their own key files."""

import sys

from exchange.commands.root import cli
from exchange.commands.running import run


def main() -> None:
    """Run the command and end with its exit code."""
    sys.exit(run(cli))
