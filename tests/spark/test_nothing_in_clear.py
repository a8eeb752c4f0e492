"""What Spark spills and shuffles is unreadable, and no key comes near the JVM: shown with planted values, and that the same look finds them where encryption is off."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.spark.planted import ROWS

ROOT = Path(__file__).parents[2]
# Two runs of Spark are made before the first test; on busy cores each takes minutes.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", params=["one host", "two hosts"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    found, more = {}, ["hosts"] if request.param == "two hosts" else []
    for way in ("on", "off"):
        command = [sys.executable, "-m", "tests.spark.planted", str(tmp_path_factory.mktemp(f"planted-{way}")), way, *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True)
        found[way] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_work_was_done_by_spilling_and_shuffling(seen: dict[str, dict[str, Any]]) -> None:
    for one in seen.values():
        assert one["answer"][0]["rows"] == ROWS
        assert one["spilled"] > 1 << 20
        assert one["files"]["temp_local"] > 10
        assert one["files"]["shuffle"] > 10


def test_without_encryption_planted_values_are_found_in_spill_and_in_shuffle(seen: dict[str, dict[str, Any]]) -> None:
    assert all(seen["off"]["planted in"][kind] > 0 for kind in ("temp_local", "temp_shuffle", "shuffle"))


def test_with_encryption_no_file_has_one_in_any_spelling(seen: dict[str, dict[str, Any]]) -> None:
    assert set(seen["on"]["planted in"].values()) == {0}
    assert seen["on"]["planted in events"] == 0


def test_no_data_key_is_in_a_file_a_plan_or_the_memory_of_the_jvm(seen: dict[str, dict[str, Any]]) -> None:
    for one in seen.values():
        assert one["keys in files"] == 0
        assert not one["keys in plan"]
        assert not one["keys in JVM"]
        assert one["wrapped keys in JVM"], "the look into memory finds what is there"


def test_what_hosts_say_to_each_other_is_heard_only_without_encryption(seen: dict[str, dict[str, Any]]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root hears what others say")
    if seen["off"]["hosts"] == 1:
        assert {one["heard"] for one in seen.values()} == {0}
        return
    assert seen["off"]["planted heard"]
    assert seen["on"]["heard"] > 1 << 20
    assert not seen["on"]["planted heard"]
    assert not any(one["keys heard"] for one in seen.values())


def test_nothing_is_left_when_an_edition_ends(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["on"]["left behind"] == 0
