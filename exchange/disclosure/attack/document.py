"""`spec.json` as the intruder reads it: what is counted, in which tables, under which rules. Strict, and never an echo of what it holds."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from exchange.disclosure.attack.long import Tree, read_tree
from exchange.disclosure.errors import BadTables

RULES = {"threshold": "k", "min_contributors": "n", "dominance": "k", "p_percent": "p", "group": "column"}


@dataclass(frozen=True)
class Document:
    """The whole of spec.json. `threshold`: the key alone, 0 = not given; `strictest`: with those of the rules; `fewest`: with all least numbers.

    `tables`: name -> entry, with file, dims, release, universe, published and suppliers made sure; `order`: releases, first to last.
    """

    trees: dict[str, Tree]
    tables: dict[str, dict[str, Any]]
    counts: bool
    zeros_published: bool
    threshold: int
    strictest: int
    fewest: int
    min_width: int
    percent: Fraction
    rules: tuple[dict[str, Any], ...]
    relation: str
    order: tuple[str, ...]
    sums: tuple[tuple[str, ...], ...]
    derived: dict[str, dict[str, Any]]


def read_document(files: Mapping[str, bytes]) -> Document:
    """Read "spec.json"; BadTables where it is missing or says what cannot be."""
    try:
        document = json.loads(files["spec.json"].decode("utf-8-sig"))
        json.dumps(document, ensure_ascii=False).encode()  # Half a surrogate pair, written with an escape, is no text.
    except (KeyError, ValueError, RecursionError):
        raise BadTables("spec.json is missing or not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise BadTables("spec.json must be one object")
    trees = {name: read_tree(name, entry) for name, entry in _part(document, "hierarchies", dict).items()}
    tables = {name: _table(name, entry, trees) for name, entry in sorted(_part(document, "tables", dict).items())}
    if not tables:
        raise BadTables("spec.json names no table")
    if document.get("measure") not in ("count", "magnitude") or document.get("zeros", "published") not in ("published", "suppressible"):
        raise BadTables("spec.json: measure must be count or magnitude, and zeros published or suppressible")
    relation = _part({"releases": {"relation": "same"}, **document}, "releases", dict).get("relation")
    if relation not in ("same", "additive", "revised"):
        raise BadTables("spec.json: releases must give a relation: same, additive or revised")
    rules = tuple(_rule(entry) for entry in _part({"rules": [], **document}, "rules", list))
    threshold = _whole(document, "threshold")
    return Document(
        trees=trees,
        tables=tables,
        counts=document["measure"] == "count",
        zeros_published=document.get("zeros", "published") == "published",
        threshold=threshold,
        strictest=max([threshold, *(int(rule["k"]) for rule in rules if rule["rule"] == "threshold")]),
        fewest=max([threshold, *(int(rule[RULES[rule["rule"]]]) for rule in rules if rule["rule"] in {"threshold", "min_contributors"})]),
        min_width=_whole(document, "min_width"),
        percent=exact(0 if document.get("p_percent") is None else document["p_percent"], "p_percent", 0, 100),
        rules=rules,
        relation=str(relation),
        order=tuple(natural({entry["release"] for entry in tables.values()})),
        sums=tuple(_sum(entry, tables, trees) for entry in _part({"sums": [], **document}, "sums", list)),
        derived={name: _derived(name, entry, tables, trees) for name, entry in _part({"derived": {}, **document}, "derived", dict).items()},
    )


def natural(names: set[str]) -> list[str]:
    """Names in natural order: runs of digits count as numbers, however long, and come before other text."""
    return sorted(names, key=lambda name: ([_rank(part) for part in _runs(name)], name))


def _rank(part: str) -> tuple[bool, int, str]:
    digits = part.lstrip("0") if part[0] in "0123456789" else None
    return (True, 0, part) if digits is None else (False, len(digits), digits)


def _runs(name: str) -> list[str]:
    # "not a digit" sorts after a digit, as "b" comes after "1".
    return re.findall(r"[0-9]+|[^0-9]+", name)


def exact(found: object, what: str, least: int, most: float) -> Fraction:
    """A number of JSON as written; BadTables where it is none or lies outside."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise BadTables(f"spec.json: {what} must be a number from {least} to {most}")
    return Fraction(repr(found))


def _part(document: Mapping[str, Any], key: str, kind: type) -> Any:
    found = document.get(key)
    if not isinstance(found, kind):
        raise BadTables(f"spec.json: {key} must be {'an object' if kind is dict else 'a list'}")
    return found


def _whole(document: Mapping[str, Any], key: str) -> int:
    found = document.get(key)
    if found is None:
        return 0
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise BadTables(f"spec.json: {key} must be a whole number of at least 1")
    return found


def _file(name: str, found: object) -> str:
    if not isinstance(found, str) or not found or found.endswith(".json"):
        raise BadTables(f"{name}: needs the name of a CSV as its file")
    return found


def _table(name: str, entry: object, trees: Mapping[str, Tree]) -> dict[str, Any]:
    dims = entry.get("dims") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(dims, dict) or not dims:
        raise BadTables(f"{name}: needs a file and dims")
    if not all(isinstance(tree, str) and tree in trees for tree in dims.values()):
        raise BadTables(f"{name}: a dimension stands under a hierarchy that is not given")
    release, universe, published = entry.get("release", ""), entry.get("universe", ""), entry.get("published", True)
    if isinstance(release, bool) or not isinstance(release, str | int) or not isinstance(universe, str) or not isinstance(published, bool):
        raise BadTables(f"{name}: release and universe must be names, and published true or false")
    return {
        "file": _file(name, entry.get("file")),
        "dims": dims,
        "release": str(release),
        "universe": universe,
        "published": published,
        "suppliers": _file(name, entry["suppliers"]) if "suppliers" in entry else "",
    }


def _rule(entry: object) -> dict[str, Any]:
    kind = entry.get("rule") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or kind not in RULES:
        raise BadTables(f"spec.json: a rule must be one of {', '.join(RULES)}")
    found = entry.get(RULES[kind])
    if kind == "group":
        if not isinstance(found, str):
            raise BadTables("spec.json: the rule group needs a column")
    elif kind in {"threshold", "min_contributors"}:
        if not _whole(entry, RULES[kind]):
            raise BadTables(f"spec.json: the rule {kind} needs {RULES[kind]}")
    elif exact(found, f"{RULES[kind]} of the rule {kind}", 0, 100) == 0 or (kind == "dominance" and not 0 < _whole(entry, "n") < 100):
        raise BadTables(f"spec.json: the rule {kind} needs its numbers")
    return entry


def _sum(entry: object, tables: Mapping[str, Any], trees: Mapping[str, Tree]) -> tuple[str, ...]:
    parts = entry.get("parts") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(parts, list) or not parts:
        raise BadTables("spec.json: a sum needs a total and parts")
    named = (entry.get("total"), *parts)
    if not all(isinstance(name, str) and name in tables for name in named) or len(set(named)) < len(named):
        raise BadTables("spec.json: a sum names what is no table, or one twice")
    if not all(_alike(tables[name]["dims"], tables[named[0]]["dims"], trees) for name in parts):
        raise BadTables("spec.json: tables of a sum must have the same dims")
    return named


def _derived(name: str, entry: object, tables: Mapping[str, Any], trees: Mapping[str, Tree]) -> dict[str, Any]:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or kind not in ("ratio", "median") or name in tables:
        raise BadTables(f"{name}: a derived table must be a ratio or a median, under a name of its own")
    sources = [entry.get(key) for key in (("numerator", "denominator") if kind == "ratio" else ("table",))]
    if not all(isinstance(source, str) and source in tables for source in sources):
        raise BadTables(f"{name}: is derived from what is no table")
    if kind == "ratio" and not _alike(tables[str(sources[0])]["dims"], tables[str(sources[1])]["dims"], trees):
        raise BadTables(f"{name}: its numerator and denominator must have the same dims")
    return {**entry, "file": _file(name, entry.get("file"))}


def _alike(one: Mapping[str, str], other: Mapping[str, str], trees: Mapping[str, Tree]) -> bool:
    """Whether two tables have the same columns under the same codes, whatever their hierarchies are called."""

    def codes(tree: Tree) -> tuple[list[str], list[int]]:
        return list(tree.number), [int(above) for above in tree.parent]

    return set(one) == set(other) and all(codes(trees[one[column]]) == codes(trees[other[column]]) for column in one)
