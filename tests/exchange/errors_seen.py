"""Which problem documents the hub answers at each operation, seen by making it answer them; and the file that the served OpenAPI has them from.

``python -m tests.exchange.errors_seen`` writes the file anew. ``tests/exchange/test_errors_seen.py`` holds that it is what is seen.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exchange.api.documented import FILE
from tests.answered import Seen, watching
from tests.exchange.provoked import every, others, pulling, submitting
from tests.exchange.provoked.scene import Scene
from tests.exchange.standing import World

SCENES: tuple[Scene, ...] = (*every.SCENES, *others.SCENES, *submitting.SCENES, *pulling.SCENES)
ADDRESS, REQUEST = "/the/address/that/was/asked", "0123456789abcdef"
_IDS = re.compile(r"[0-9a-f]{12,}")
_TIMES = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def played(first: World, folder: Path, scenes: Iterable[Scene]) -> list[Seen]:
    """What is seen while each scene is played on a copy of this hub."""
    found: list[Seen] = []
    for scene in scenes:
        world = first.copy(folder / f"{scene.__module__}.{scene.__name__}")
        with watching() as seen:
            scene(world)
        found += seen
        world.close()
    return found


def constant(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what differs each time made the same: ids, digests, times, the request's id and its address."""
    text = _TIMES.sub("2026-11-22T09:30:00Z", _IDS.sub(lambda one: "0" * len(one[0]), json.dumps(document)))
    made: dict[str, Any] = json.loads(text)
    return {**made, "instance": ADDRESS, "request": REQUEST}


def table(found: Iterable[Seen], anywhere: Iterable[Seen]) -> dict[str, Any]:
    """The file: every example by its name, and for each operation its statuses, their codes, and the name of each one's example."""
    examples: dict[str, dict[str, Any]] = {}
    operations: dict[str, dict[str, dict[str, str]]] = {}
    for one in sorted(found, key=lambda seen: seen.operation):
        if one.status >= 500 and one.code == "internal-error":
            raise AssertionError(f"{one.operation} failed while it was to refuse")
        codes = operations.setdefault(one.operation, {}).setdefault(str(one.status), {})
        if one.code not in codes:
            codes[one.code] = _name(examples, one)
    befalling = {one.code: _name(examples, one) for one in anywhere}
    return {
        "examples": dict(sorted(examples.items())),
        "anywhere": befalling,
        "operations": {where: {status: dict(sorted(of[status].items())) for status in sorted(of)} for where, of in operations.items()},
    }


def _name(examples: dict[str, dict[str, Any]], one: Seen) -> str:
    """The name of an example that says just this; a new one where none does."""
    document, number = constant(one.document), 1
    while examples.setdefault(name := one.code if number == 1 else f"{one.code}-{number}", document) != document:
        number += 1
    return name


def written(made: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def everything(first: World, folder: Path) -> dict[str, Any]:
    """All scenes, each on a copy of this hub, and what the file is to say."""
    return table(played(first, folder, SCENES), played(first, folder, every.ANYWHERE))


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        first = World.build(Path(folder) / "first")
        made = everything(first, Path(folder))
        first.close()
    FILE.write_text(written(made), encoding="utf-8")
    print(f"{FILE.name}: {len(made['operations'])} operations, {len(made['examples'])} examples")  # noqa: T201  # a command's word


if __name__ == "__main__":
    main()
