"""Keeping pandas out of a process: pyarrow loads it, where it is installed, with its datasets, and for the first array made from numpy or a list.

The process that opens parts has no use for it, and would spend half its start and a quarter of its memory on it; nor have the commands on
table sets. To be called before pyarrow is imported, and only in a process of its own.
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


def keep_out() -> None:
    """From here on this process finds no pandas."""
    sys.meta_path.insert(0, _WithoutPandas())
