"""``python -m conformance vectors``: every test vector in one folder, with a description of each and its digest."""

import hashlib
import json
from pathlib import Path

from conformance.clauses import Deviates

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "tests/keys/vectors", ROOT / "tests/adapters/vectors", ROOT / "conformance/vectors_own")
HEAD = """\
# Test vectors

What another client or hub must make, and what it must refuse: the negative cases of each file name the error that is expected. The formats are in
docs/formats.md, the assertion and the headers in docs/api.md. Binary values are base64url without padding or hexadecimal, as each file says.

"""


def found() -> list[Path]:
    """Every file of vectors, by name."""
    return sorted((path for folder in FOLDERS for path in folder.glob("*.json")), key=lambda path: path.name)


def about(path: Path) -> str:
    """What a file says of itself."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return str(said.get("about") or said["note"])


def export(out: Path) -> int:
    """Write the files as they are, and a README.md that describes each; 0. Refused where the folder holds something."""
    if out.exists() and any(out.iterdir()):
        raise Deviates(f"{out.name} holds something already")
    out.mkdir(parents=True, exist_ok=True)
    text = HEAD
    for path in found():
        content = path.read_bytes()
        (out / path.name).write_bytes(content)
        text += f"## `{path.name}`\n\n{about(path)}\n\nSHA-256 `{hashlib.sha256(content).hexdigest()}`\n\n"
    (out / "README.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    print(f"{len(found())} files of vectors and their README.md are in {out}.")
    return 0
