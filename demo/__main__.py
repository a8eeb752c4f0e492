"""``python -m demo``: play a scenario, show what came of it, say where to look."""

import argparse
import sys
import time
from pathlib import Path

from demo.cast import ROOT, Places
from demo.partnership.show import shown
from demo.partnership.story import run as run_partnership
from demo.screens import open_house
from demo.show import table, where_to_look
from demo.stage import Failed, console
from demo.story import run
from exchange.errors import ExchangeError


def main() -> int:
    """Play it; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description="The main job end to end.")
    parser.add_argument(
        "--scenario",
        choices=["mv7", "partnership"],
        default="mv7",
        help="mv7: outcomes of recorded crime, on real public data (default); partnership: every source, on an invented population",
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "demo-run", help="where to play it; emptied first")
    parser.add_argument("--screens", action="store_true", help="then go on serving, for whoever wants to look at the pages")
    asked = parser.parse_args()
    if asked.screens and asked.scenario != "mv7":
        parser.error("--screens goes with the scenario mv7.")
    began = time.monotonic()
    try:
        if asked.scenario == "partnership":
            shown(run_partnership(asked.folder.resolve()), began)
            return 0
        places: Places = run(asked.folder.resolve())
    except (Failed, ExchangeError) as error:
        console.print(f"The demonstration failed: {error}", style="red", markup=False)
        return 1
    table(places)
    where_to_look(places, time.monotonic() - began)
    if asked.screens:
        open_house(places)
    return 0


if __name__ == "__main__":
    sys.exit(main())
