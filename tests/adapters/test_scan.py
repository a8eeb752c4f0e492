"""No crime's id and no unlisted value in anything the client leaves on disk, in any spelling; and a control that would be found."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.standin import StandIn


def spellings(value: str) -> Iterator[bytes]:
    """A value as text, in both cases, as UTF-16, in hexadecimal, base64 at each offset, and as the bytes it is hexadecimal of."""
    for text in (value, value.upper(), value.lower()):
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
        for offset in range(3):
            # Only the characters that the value alone decides, whatever stands before and after it.
            first, last = -(-offset * 8 // 6), (offset + len(text)) * 8 // 6
            yield base64.b64encode(b"\0" * offset + text.encode())[first:last]
    if len(value) == 64:
        yield bytes.fromhex(value)


def found(folder: Path, values: list[str]) -> list[str]:
    """The files below a folder, names included, that hold any value in any spelling."""
    wanted = [spelling for value in values for spelling in spellings(value)]
    hits = []
    for path in sorted(folder.rglob("*")):
        content = str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        if any(spelling in content for spelling in wanted):
            hits.append(path.name)
    return hits


def secrets_of(extract: Path) -> list[str]:
    ids = [line.split(",")[0].lower() for line in extract.read_text().splitlines()[1:]]
    return [*sorted({one for one in ids if one})[:200], "CANARY", "On or near"]


@pytest.mark.parametrize("moment", ["spooled", "receipted", "refused"])
def test_nothing_of_the_extract_is_left_in_the_clear(cleveland: Desk, hub: StandIn, big: Path, moment: str) -> None:
    hub.part_rows = 7000
    arguments = {"spooled": ["--no-wait"], "receipted": [], "refused": ["--nil"]}[moment]
    answer = cleveland("push", "crimes", big, "--period", "2021-04", "-v", *arguments)
    assert answer.code == (6 if moment == "refused" else 0)
    assert bool(cleveland.spooled) == (moment == "spooled")
    assert found(cleveland.home, secrets_of(big)) == []
    for value in secrets_of(big):
        assert value not in answer.out + answer.err


def test_the_scan_would_find_them(tmp_path: Path) -> None:
    values = secrets_of(CRIMES)
    planted = {
        "text": values[0].encode(),
        "upper": values[1].upper().encode(),
        "bytes": b"x" + bytes.fromhex(values[2]) + b"y",
        "base64": base64.b64encode(b"abcde" + values[3].encode()),
        "json": json.dumps({"where": "near CANARY Lane"}).encode(),
        "utf16": "On or near".encode("utf-16-le"),
    }
    for name, content in planted.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "innocent").write_bytes(b"nothing")
    (tmp_path / f"named-{values[0]}").write_bytes(b"")
    assert sorted(found(tmp_path, values)) == sorted([*planted, f"named-{values[0]}"])
