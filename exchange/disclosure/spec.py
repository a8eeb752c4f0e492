"""`spec.json` of a table set: hierarchies, tables and rules, read strictly into frozen values (format: DESIGN section 6)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from exchange.disclosure.declared import GREATEST, Median, Ratio, Rule, Sum, percent, plain_file, read_derived, read_rules, read_sums
from exchange.disclosure.errors import BadTables

Files = Mapping[str, bytes]
"""A table set in memory: file name -> content, "spec.json" and one CSV a table; the same bytes as on disk."""

NOTES = {"name", "note", "size", "known_optimum"}
"""Keys that describe a set to people and change nothing."""

KEYS = {"hierarchies", "tables", "measure", "zeros", "threshold", "min_width", "p_percent", "releases", "rules", "sums", "derived"}
"""Keys that mean something; any other is reported as ignored."""

TABLE_KEYS = {"file", "dims", "release", "universe", "published", "suppliers"}
"""The same of each table."""

DEEPEST = 50
"""Levels a hierarchy may have."""


@dataclass(frozen=True)
class Need:
    """What protection must achieve. Levels: A (1, 1), B (0, threshold - 1), C (1, threshold - 1).

    `known_min`: the least value an intruder may assume for any hidden cell (1 where zeros are always published).
    `min_width`: possible whole numbers that must remain for every primary cell, less one; 1 = only not exactly recoverable.
    """

    known_min: int
    min_width: int

    def __post_init__(self) -> None:
        if self.known_min not in (0, 1):
            raise BadTables("known_min must be 0 or 1")
        if self.min_width < 1:
            raise BadTables("min_width must be at least 1")


@dataclass(frozen=True)
class Hierarchy:
    """A tree of codes. `codes` is in preorder, so the subtree of node i is the slice i to `ends[i]`; node 0 is the root."""

    name: str
    codes: tuple[str, ...]
    parents: tuple[int, ...]
    ends: tuple[int, ...]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Node number of each code."""
        return {code: number for number, code in enumerate(self.codes)}

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """The children's numbers of each inner node."""
        found: dict[int, list[int]] = {}
        for node, parent in enumerate(self.parents[1:], start=1):
            found.setdefault(parent, []).append(node)
        return {parent: tuple(nodes) for parent, nodes in found.items()}


@dataclass(frozen=True)
class TableSpec:
    """One table as declared: its file, its dimensions (column, hierarchy) and the release it belongs to.

    `universe`: what is counted, and of whom: tables of different universes share no cell; `published`: false = only figures derived
    from it are; `suppliers`: the file of each supplier's part, or "".
    """

    name: str
    file: str
    dims: tuple[tuple[str, Hierarchy], ...]
    release: str
    universe: str = ""
    published: bool = True
    suppliers: str = ""


@dataclass(frozen=True)
class Spec:
    """The rules and the tables of a set. `zeros_published`: no zero is ever hidden."""

    tables: tuple[TableSpec, ...]
    counts: bool
    zeros_published: bool
    threshold: int | None
    min_width: int | None
    p_percent: Fraction | None
    relation: str
    ignored: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    sums: tuple[Sum, ...] = ()
    derived: tuple[Ratio | Median, ...] = ()

    @property
    def strictest(self) -> int:
        """The largest threshold asked for, by key or by rule; 0 where there is none."""
        return max([self.threshold or 0, *(rule.least for rule in self.rules if rule.kind == "threshold")])

    @property
    def fewest(self) -> int:
        """How many contributors, or records, anything must have: the largest threshold, or more where a rule asks for it."""
        return max([self.strictest, *(rule.least for rule in self.rules)])

    def need(self) -> Need:
        """The level of the specification itself: width `threshold - 1` for counts, and a known minimum of 1 where zeros are published."""
        width = self.min_width
        if width is None:
            width = max(self.strictest - 1, 1) if self.counts else 1
        return Need(int(self.counts and self.zeros_published), width)


def read_spec(files: Files) -> Spec:
    """Read "spec.json" of `files`; BadTables where it is missing, malformed or says something not supported."""
    try:
        document = json.loads(files["spec.json"].decode("utf-8"), object_pairs_hook=_once)
        json.dumps(document, ensure_ascii=False).encode()  # Half a surrogate pair, written with an escape, is no text.
    except KeyError:
        raise BadTables("spec.json is missing") from None
    except (ValueError, RecursionError):
        raise BadTables("spec.json is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise BadTables("spec.json must be one object")
    hierarchies = {name: _hierarchy(name, tree) for name, tree in _object(document, "hierarchies").items()}
    tables = tuple(_table(name, entry, hierarchies) for name, entry in sorted(_object(document, "tables").items()))
    if not tables:
        raise BadTables("spec.json names no table")
    names = frozenset(table.name for table in tables)
    rules, derived = read_rules(document), read_derived(document, names)
    used = [
        *(table.file for table in tables),
        *(table.suppliers for table in tables if table.suppliers),
        *(entry.file for entry in derived),
    ]
    if len(set(used)) < len(used):
        raise BadTables("spec.json: two tables share one file")
    zeros_published = _choice(document, "zeros", ("published", "suppressible"), "published") == "published"
    if zeros_published and any(rule.kind == "group" for rule in rules):
        raise BadTables("spec.json: the rule group hides zeros, yet zeros are published; make zeros suppressible or leave the rule out")
    used_columns = {column for table in tables for column, _ in table.dims}
    if not {rule.column for rule in rules if rule.kind == "group"} <= used_columns:
        raise BadTables("spec.json: the rule group needs a column that is a dimension of a table")
    return Spec(
        tables=tables,
        counts=_choice(document, "measure", ("count", "magnitude"), None) == "count",
        zeros_published=zeros_published,
        threshold=_whole(document, "threshold"),
        min_width=_whole(document, "min_width"),
        p_percent=_percent(document),
        relation=_relation(document),
        ignored=_ignored(document),
        rules=rules,
        sums=read_sums(document, names),
        derived=derived,
    )


def _ignored(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that nothing is made of, for the report: a key misspelt may leave a table less protected than was meant."""
    of_tables = {f"tables.{name}.{key}" for name, entry in document["tables"].items() for key in set(entry) - TABLE_KEYS - NOTES}
    return tuple(sorted({*(set(document) - KEYS - NOTES), *of_tables}))


def in_order(releases: Iterable[str]) -> list[str]:
    """Releases from the first to the last: numbers within their names count as numbers, so "10" comes after "9"."""

    def parts(name: str) -> tuple[list[tuple[int, int, str]], str]:
        found = [part for part in re.split(r"([0-9]+)", name) if part]
        # A number by how many digits it has, then by these: as long as anybody writes it.
        digits = [part.lstrip("0") if part[0] in "0123456789" else None for part in found]
        return [(1, 0, part) if plain is None else (0, len(plain), plain) for part, plain in zip(found, digits, strict=True)], name

    return sorted(set(releases), key=parts)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the document; a key that comes twice would silently lose a table or a tree."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadTables("spec.json: a key comes twice in one object")
    return found


def _object(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    if not isinstance(found, dict):
        raise BadTables(f"spec.json: {key} must be an object")
    return found


def _choice(document: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str | None) -> str:
    found = document.get(key, default)
    if found not in allowed:
        raise BadTables(f"spec.json: {key} must be one of {', '.join(allowed)}")
    return str(found)


def _whole(document: Mapping[str, Any], key: str) -> int | None:
    found = document.get(key)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= GREATEST):
        raise BadTables(f"spec.json: {key} must be a whole number of at least 1, and of at most 15 digits")
    return found


def _percent(document: Mapping[str, Any]) -> Fraction | None:
    return None if document.get("p_percent") is None else percent("spec.json", "p_percent", document["p_percent"])


def _relation(document: Mapping[str, Any]) -> str:
    releases = document.get("releases", {"relation": "same"})
    relation = releases.get("relation") if isinstance(releases, dict) else None
    if relation not in ("same", "additive", "revised"):
        raise BadTables("spec.json: releases must give a relation: same, additive or revised")
    return str(relation)


def _table(name: str, entry: object, hierarchies: Mapping[str, Hierarchy]) -> TableSpec:
    if not isinstance(entry, dict) or not isinstance(entry.get("dims"), dict) or not entry["dims"]:
        raise BadTables(f"{name}: needs a file and dims")
    if not all(isinstance(hierarchy, str) and hierarchy in hierarchies for hierarchy in entry["dims"].values()):
        raise BadTables(f"{name}: a dimension stands under a hierarchy that is not given")
    release = entry.get("release", "")
    if isinstance(release, bool) or not isinstance(release, str | int):
        raise BadTables(f"{name}: release must be a name or a whole number")
    universe, published = entry.get("universe", ""), entry.get("published", True)
    if not isinstance(universe, str) or not isinstance(published, bool):
        raise BadTables(f"{name}: universe must be text, and published true or false")
    return TableSpec(
        name=name,
        file=plain_file(name, entry.get("file")),
        dims=tuple((column, hierarchies[hierarchy]) for column, hierarchy in sorted(entry["dims"].items())),
        release=str(release),
        universe=universe,
        published=published,
        suppliers=plain_file(name, entry["suppliers"]) if "suppliers" in entry else "",
    )


def _hierarchy(name: str, tree: object) -> Hierarchy:
    if not isinstance(tree, dict) or not isinstance(tree.get("root"), str) or not isinstance(tree.get("children"), dict):
        raise BadTables(f"hierarchy {name}: needs a root and children")
    children: dict[str, Any] = tree["children"]
    for listed in children.values():
        if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
            raise BadTables(f"hierarchy {name}: children must be lists of codes")
    codes: list[str] = []
    parents: list[int] = []
    seen: set[str] = set()
    # Depth first with an explicit stack: a hostile specification must not exhaust Python's own.
    waiting = [(tree["root"], -1)]
    while waiting:
        code, parent = waiting.pop()
        if code in seen:
            raise BadTables(f"hierarchy {name}: a code has two parents or is its own ancestor")
        seen.add(code)
        waiting.extend((child, len(codes)) for child in reversed(children.get(code, [])))
        codes.append(code)
        parents.append(parent)
    if set(children) - seen:
        raise BadTables(f"hierarchy {name}: some codes do not hang from the root")
    depth = [0] * len(codes)
    for node in range(1, len(codes)):
        depth[node] = depth[parents[node]] + 1
    if max(depth) > DEEPEST:
        raise BadTables(f"hierarchy {name}: more than {DEEPEST} levels")
    return Hierarchy(name, tuple(codes), tuple(parents), _ends(parents))


def _ends(parents: list[int]) -> tuple[int, ...]:
    ends = list(range(1, len(parents) + 1))
    for node in range(len(parents) - 1, 0, -1):
        ends[parents[node]] = max(ends[parents[node]], ends[node])
    return tuple(ends)
