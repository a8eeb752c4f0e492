"""`spec.json` of a table set: hierarchies, tables and rules, read strictly into frozen values (format: DESIGN section 6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from exchange.disclosure.errors import BadTables

Files = Mapping[str, bytes]
"""A table set in memory: file name -> content, "spec.json" and one CSV a table; the same bytes as on disk."""

NOTES = {"name", "note", "size", "known_optimum"}
"""Keys that describe a set to people and change nothing."""

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
    """One table as declared: its file, its dimensions (column, hierarchy) and the release it belongs to."""

    name: str
    file: str
    dims: tuple[tuple[str, Hierarchy], ...]
    release: str


@dataclass(frozen=True)
class Spec:
    """The rules and the tables of a set. `zeros_published`: no zero is ever hidden."""

    tables: tuple[TableSpec, ...]
    counts: bool
    zeros_published: bool
    threshold: int | None
    min_width: int | None
    p_percent: float | None
    relation: str
    ignored: tuple[str, ...]

    def need(self) -> Need:
        """The level of the specification itself: width `threshold - 1` for counts, and a known minimum of 1 where zeros are published."""
        width = self.min_width
        if width is None:
            width = self.threshold - 1 if self.counts and self.threshold is not None and self.threshold > 1 else 1
        return Need(int(self.counts and self.zeros_published), width)


def read_spec(files: Files) -> Spec:
    """Read "spec.json" of `files`; BadTables where it is missing, malformed or says something not supported."""
    try:
        document = json.loads(files["spec.json"].decode("utf-8"))
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
    if len({table.file for table in tables}) < len(tables):
        raise BadTables("spec.json: two tables share one file")
    known = {"hierarchies", "tables", "measure", "zeros", "threshold", "min_width", "p_percent", "releases"}
    return Spec(
        tables=tables,
        counts=_choice(document, "measure", ("count", "magnitude"), None) == "count",
        zeros_published=_choice(document, "zeros", ("published", "suppressible"), "published") == "published",
        threshold=_whole(document, "threshold"),
        min_width=_whole(document, "min_width"),
        p_percent=_percent(document),
        relation=_relation(document, tables),
        ignored=tuple(sorted(set(document) - known - NOTES)),
    )


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
    if found is not None and (isinstance(found, bool) or not isinstance(found, int) or found < 1):
        raise BadTables(f"spec.json: {key} must be a whole number of at least 1")
    return found


def _percent(document: Mapping[str, Any]) -> float | None:
    found = document.get("p_percent")
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 100):
        raise BadTables("spec.json: p_percent must be a number above 0 and at most 100")
    return found


def _relation(document: Mapping[str, Any], tables: tuple[TableSpec, ...]) -> str:
    releases = document.get("releases", {"relation": "same"})
    relation = releases.get("relation") if isinstance(releases, dict) else None
    if relation not in ("same", "additive", "revised"):
        raise BadTables("spec.json: releases must give a relation: same, additive or revised")
    if relation == "additive" and len({table.release for table in tables}) > 1:
        raise BadTables("spec.json: several releases of an additive series are not supported yet; nothing was protected")
    return str(relation)


def _table(name: str, entry: object, hierarchies: Mapping[str, Hierarchy]) -> TableSpec:
    if not isinstance(entry, dict) or not isinstance(entry.get("dims"), dict) or not entry["dims"]:
        raise BadTables(f"{name}: needs a file and dims")
    file = entry.get("file")
    if not isinstance(file, str) or not file or "/" in file or "\\" in file or file.startswith(".") or file.endswith(".json"):
        raise BadTables(f"{name}: file must be a plain name of a CSV beside spec.json")
    if not all(isinstance(hierarchy, str) and hierarchy in hierarchies for hierarchy in entry["dims"].values()):
        raise BadTables(f"{name}: a dimension stands under a hierarchy that is not given")
    release = entry.get("release", "")
    if isinstance(release, bool) or not isinstance(release, str | int):
        raise BadTables(f"{name}: release must be a name or a whole number")
    dims = tuple((column, hierarchies[hierarchy]) for column, hierarchy in sorted(entry["dims"].items()))
    return TableSpec(name, file, dims, str(release))


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
