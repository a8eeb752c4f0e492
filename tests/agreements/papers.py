"""Agreement documents for tests: the shipped one, filled with made-up fingerprints, as data that a test may change and write again."""

import copy
import hashlib
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from agreements.codes import read_lists
from agreements.document import fill, placeholders, read_canonical
from agreements.model import Agreement, Dataset

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "config" / "agreements" / "mv7.toml"
LISTS = read_lists(ROOT / "config" / "codes")
Document = dict[str, Any]
Edit = Callable[[Document], object]


def fingerprint(card: str) -> str:
    kind = "xwing" if card.endswith("/encryption") else "ed25519"
    return f"{kind}:{hashlib.sha256(card.encode()).hexdigest()}"


@cache
def text() -> str:
    """The shipped words, every place filled."""
    template = TEMPLATE.read_text(encoding="utf-8")
    return fill(template, {card: fingerprint(card) for card in placeholders(template)})


def document() -> Document:
    """The shipped agreement as data, a fresh copy."""
    return copy.deepcopy(_parsed())


@cache
def _parsed() -> Document:
    return tomllib.loads(text())


def canonical(parsed: Document) -> bytes:
    """The canonical bytes of a document as TOML gives it."""
    return rfc8785.dumps(plain(parsed))


def build(parsed: Document) -> Agreement:
    return read_canonical(canonical(parsed))


@cache
def agreement() -> Agreement:
    return build(document())


def edited(edit: Edit) -> Agreement:
    """The agreement after one change."""
    parsed = document()
    edit(parsed)
    return build(parsed)


def dataset(name: str = "crimes") -> Dataset:
    found = agreement().dataset(name)
    assert found is not None
    return found


def plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, list) else value


def toml(parsed: Document, chance: random.Random) -> str:
    """The same document as TOML again: tables and keys in any order, comments and blank lines anywhere between them."""
    blocks = [block for key, value in parsed.items() for block in _blocks(key, value, chance)]
    # The members of one array keep their order, for it means something; everything else may move.
    groups: dict[str, list[str]] = {}
    for key, block in blocks:
        groups.setdefault(key, []).append(block)
    keys = list(groups)
    chance.shuffle(keys)
    return "\n# a remark\n\n".join(block for key in keys for block in groups[key]) + "\n"


def _blocks(key: str, value: Any, chance: random.Random) -> Iterator[tuple[str, str]]:
    tables = value if isinstance(value, list) else [value]
    for table in tables:
        members = list(table.items())
        chance.shuffle(members)
        lines = [f"{name} = {_inline(member, chance)}{'  # why' if chance.random() < 0.2 else ''}" for name, member in members]
        yield key, "\n".join([f"[[{key}]]" if isinstance(value, list) else f"[{key}]", *lines])


def _inline(value: Any, chance: random.Random) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case dict():
            members = list(value.items())
            chance.shuffle(members)
            return "{ " + ", ".join(f"{json.dumps(name)} = {_inline(member, chance)}" for name, member in members) + " }"
        case list():
            return "[" + ", ".join(_inline(member, chance) for member in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def tables(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every table in a document."""
    if isinstance(value, dict):
        yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from tables(member, (*place, key))


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every word, number and date."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield place
        return
    for key, member in members:
        yield from leaves(member, (*place, key))


def at(value: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        value = value[key]
    return value
