"""The ``exchange`` command: the hub's operator, and the people who advise, sign and check with their own key files."""

import sys

from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.without_pandas import keep_out

_WITHOUT_PANDAS = {"advise", "attack", "protect"}
"""Commands on table sets, which have no use for what pyarrow would load: a third of a second, more than most of them take."""


def main() -> None:
    """Run the command and end with its exit code."""
    if next((word for word in sys.argv[1:] if not word.startswith("-")), "") in _WITHOUT_PANDAS:
        keep_out()
    sys.exit(run(cli))
