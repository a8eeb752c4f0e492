"""Importing this keeps pandas out of the process: pyarrow loads it, where it is installed, for the first array made from numpy.

The process that opens parts has no use for it, and would spend half its start and a quarter of its memory on it. To be imported before
pyarrow does anything, and only in a process of its own.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _WithoutPandas(MetaPathFinder):
    """Finds nothing, and says of pandas that it is not there."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is kept out of this process", name=fullname)
        return None


sys.meta_path.insert(0, _WithoutPandas())
