"""Programs that packages bring."""

import os
import shutil
import sys
from pathlib import Path


def installed(name: str) -> str:
    """A program beside this Python; or beside the packages that it sees, where those are another environment's, as Spark's own sees the tests'."""
    places = [Path(sys.executable).parent, *(Path(one).parents[2] / "bin" for one in sys.path if one.endswith("site-packages"))]
    found = shutil.which(name, path=os.pathsep.join(map(str, places)))
    assert found is not None, f"{name} is not installed: python3 dev.py setup"
    return found
