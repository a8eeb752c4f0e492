"""Where public test vectors are found: `$LCJP_SHARED`, else `../shared` beside the project."""

import gzip
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
VECTORS = Path(__file__).resolve().parent / "vectors"


def shared(path: str) -> Path:
    """A file of the shared folder, or skip the test."""
    root = Path(os.environ.get("LCJP_SHARED", PROJECT.parent / "shared"))
    found = root / path
    if not found.exists():
        pytest.skip(f"public vectors not found: set LCJP_SHARED to a folder that holds {path}")
    return found


def wycheproof(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(group, test) pairs of a Wycheproof file."""
    with gzip.open(shared(f"vectors/wycheproof/{name}_test.json.gz")) as file:
        groups = json.load(file)["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]


def merkle_cases(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """(name, case) pairs of a folder of the RFC 9162 proofs."""
    with tarfile.open(shared("vectors/merkle/testdata.tar.gz")) as archive:
        names = [name for name in archive.getnames() if name.startswith(f"testdata/{folder}/") and name.endswith(".json")]
        return [(name, json.load(archive.extractfile(name) or pytest.fail(name))) for name in names]


def vector(name: str) -> dict[str, Any]:
    """One of our own vector files."""
    document: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return document
