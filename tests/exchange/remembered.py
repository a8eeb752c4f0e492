"""What each application would make anew, though it depends on nothing of its hub: made once in a process, where a test has an application of its own.

Together these are over half of what making one costs, and a test makes one; a hub makes one a process.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from exchange.framework.measures import Measure
from exchange.framework.reading import read_measures
from exchange.web import framework


class _InMemory(BytecodeCache):
    """Compiled templates, by what they are compiled from."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._found.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._found[bucket.key, bucket.checksum] = bucket.code


TEMPLATES = _InMemory()


def remember(patch: pytest.MonkeyPatch) -> None:
    """From here on the builder of an address is compiled once for each rule, and a file of measures is read once as long as it stands."""
    compiled = Rule._compile_builder
    builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, repr(self._trace), repr(self.defaults), append_unknown)
        if key not in builders:
            builders[key] = compiled(self, append_unknown)
        return builders[key]

    @cache
    def at(path: Path, _changed: int, _size: int) -> tuple[Measure, ...]:
        return read_measures(path)

    def read_once(path: Path) -> tuple[Measure, ...]:
        if not path.is_file():
            return read_measures(path)
        found = path.stat()
        return at(path, found.st_mtime_ns, found.st_size)

    patch.setattr(Rule, "_compile_builder", once)
    patch.setattr(framework, "read_measures", read_once)
