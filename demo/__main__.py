"""``python -m demo``: play the story, show the table, say where to look."""

import argparse
import sys
import time
from pathlib import Path

from demo.cast import ROOT, Places
from demo.screens import open_house
from demo.show import table, where_to_look
from demo.stage import Failed, console
from demo.story import run


def main() -> int:
    """Play it; 0 when everything held."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description="The main job end to end on real public data.")
    parser.add_argument("--scenario", choices=["mv7"], default="mv7", help="what to play (default: outcomes of recorded crime)")
    parser.add_argument("--folder", type=Path, default=ROOT / "demo-run", help="where to play it; emptied first")
    parser.add_argument("--screens", action="store_true", help="then go on serving, for whoever wants to look at the pages")
    asked = parser.parse_args()
    began = time.monotonic()
    try:
        places: Places = run(asked.folder.resolve())
    except Failed as error:
        console.print(f"The demonstration failed: {error}", style="red", markup=False)
        return 1
    table(places)
    where_to_look(places, time.monotonic() - began)
    if asked.screens:
        open_house(places)
    return 0


if __name__ == "__main__":
    sys.exit(main())
