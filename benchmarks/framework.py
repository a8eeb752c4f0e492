"""How long the hub takes to answer each page of the performance framework, at the server, without the network and the browser.

    python -m benchmarks.framework [--months 60] [--times 20]

One hub on SQLite in this process, LCJP-MV7 published month by month with invented counts, the shipped measures. For each page: the first
answer with every chart drawn and nothing else remembered (as after a restart), then the median and the slowest of many.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agreements.periods import Period, months
from exchange.framework import drawing
from exchange.web import framework as pages
from tests.exchange.framework.conftest import made_public
from tests.exchange.framework.published import publish
from tests.exchange.standing import CLEVELAND, World
from tests.exchange.web.signed_in import sign_in

PATHS = ("/framework", "/framework/measures/MV7", "/framework/measures/MV7/charged.csv", "/public/framework", "/public/framework/MV7")
LIMIT = 0.2


def took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.framework", description="Server time of each page of the framework.")
    parser.add_argument("--months", type=int, default=60, help="how many months, one edition each (default 60)")
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for (default 20)")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="framework-"))
    try:
        world = World.build(folder / "hub")
        agreement = made_public(world)
        spans = months(Period.parse("2019-01"), Period.parse("2031-12"))[: asked.months]
        for number, month in enumerate(spans):
            publish(world, month.name, month.name, f"ed-{number:03}", agreement=agreement, days=number)
        hub = world.hub
        drawn = took(lambda: drawing.draw(hub.engine, hub.settings, hub.clock(), again=True))
        print(f"{asked.months} monthly editions; every chart drawn in {drawn:.1f} s")
        browser = sign_in(world, CLEVELAND, "analyst")
        slow = [path for path in PATHS if not fast(world, browser.get, path, asked.times)]
        world.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("every page within" if not slow else "not within", f"{1000 * LIMIT:.0f} ms", *slow)
    return 1 if slow else 0


def fast(world: World, get: Callable[[str], object], path: str, times: int) -> bool:
    """Print what one page takes; whether it answers in time once it has been asked for."""
    pages.set_up(world.app, world.hub)  # nothing is remembered but what lies in the folder of charts
    first = took(lambda: get(path))
    later = sorted(took(lambda: get(path)) for _ in range(times))
    print(f"{path:40} first {1000 * first:7.1f} ms   median {1000 * statistics.median(later):6.1f} ms   slowest {1000 * later[-1]:6.1f} ms")
    return later[-1] <= LIMIT


if __name__ == "__main__":
    sys.exit(main())
