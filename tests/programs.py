"""Programs that packages bring, and folders for what they serve."""

import os
import shutil
import sys
import tempfile
from pathlib import Path


def installed(name: str) -> str:
    """A program beside this Python; or beside the packages that it sees, where those are another environment's, as Spark's own sees the tests'."""
    places = [Path(sys.executable).parent, *(Path(one).parents[2] / "bin" for one in sys.path if one.endswith("site-packages"))]
    found = shutil.which(name, path=os.pathsep.join(map(str, places)))
    assert found is not None, f"{name} is not installed: python3 dev.py setup"
    return found


def short_folder(prefix: str) -> Path:
    """A new folder whose path leaves room for a socket's name: that has at most 107 bytes, and macOS begins with half of them."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=None if len(tempfile.gettempdir()) < 50 else "/tmp"))
