"""What each application would make anew, though it depends on nothing of its hub: made once in a process, where a test has an application of its own.

Together these are over half of what making one costs, and a test makes one; a hub makes one a process.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from apispec import APISpec
from flask_smorest import Api, Blueprint
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, create_engine, make_url
from werkzeug.routing import Rule

from exchange import app, db
from exchange.api.openapi import describe
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
    """From here on all of this is made once."""
    for each in (_addresses, _measures, _statements, _document):
        each(patch)


def _addresses(patch: pytest.MonkeyPatch) -> None:
    """The builder of an address is compiled once for each rule."""
    compiled = Rule._compile_builder
    builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}

    def once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, repr(self._trace), repr(self.defaults), append_unknown)
        if key not in builders:
            builders[key] = compiled(self, append_unknown)
        return builders[key]

    patch.setattr(Rule, "_compile_builder", once)


def _measures(patch: pytest.MonkeyPatch) -> None:
    """A file of measures is read once as long as it stands."""

    @cache
    def at(path: Path, _changed: int, _size: int) -> tuple[Measure, ...]:
        return read_measures(path)

    def read_once(path: Path) -> tuple[Measure, ...]:
        if not path.is_file():
            return read_measures(path)
        found = path.stat()
        return at(path, found.st_mtime_ns, found.st_size)

    patch.setattr(framework, "read_measures", read_once)


def _statements(patch: pytest.MonkeyPatch) -> None:
    """Engines of one kind share the dialect of the first that has met its server, and what was compiled for it."""
    firsts: dict[str, Engine] = {}

    def alike(url: str, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        kind = f"{make_url(url).drivername} {options}"
        first = firsts.setdefault(kind, engine)
        if getattr(first.dialect, "server_version_info", None) is None:
            firsts[kind] = engine
        else:
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    patch.setattr(db, "create_engine", alike)


def _document(patch: pytest.MonkeyPatch) -> None:
    """The first application's document is the others' too."""
    collect, complete = Blueprint.register_views_in_doc, describe
    documents: dict[str, APISpec] = {}

    def once(self: Blueprint, api: Api, *given: Any, **options: Any) -> None:
        if repr(api.spec.options) not in documents:
            collect(self, api, *given, **options)

    def described(api: Api) -> None:
        options = repr(api.spec.options)
        if options not in documents:
            complete(api)
            documents[options] = api.spec
        api.spec = documents[options]

    patch.setattr(Blueprint, "register_views_in_doc", once)
    patch.setattr(app, "describe", described)
