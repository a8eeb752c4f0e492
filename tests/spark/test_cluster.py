"""An edition on a cluster: a grown hub's rows, opened on other hosts by their own settings; a host that dies in the middle; strangers who are not let in."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from demo.cast import ROOT
from exchange.releases.spark_hosts import Program
from keys.files import write_new
from tests.functional.hosts import until
from tests.functional.test_grown_hub import MONTH, Engines, bao, engines, held, published, world
from tests.functional.world import CLEVELAND, DURHAM, MAIN, World, serving
from tests.postgres import free_port, postgres
from tests.s3 import s3_service
from tests.spark.cluster import Cluster, cluster

__all__ = ["bao", "engines", "postgres", "s3_service", "world"]
pytestmark = pytest.mark.timeout(900)
WORKERS = {"worker-1": "127.0.0.2", "worker-2": "127.0.0.3"}


def settings_of(world: World, name: str, address: str, master: str) -> Path:
    """The settings file of a host of the cluster: the hub's, but for the host's own home and address."""
    own = {"home": name, "edition_engine": "spark", "edition_memory": "1GB", "spark_master": master, "spark_address": address}
    own |= {"spark_secret_file": "cluster-secret"}
    kept = [line for line in world.config.read_text(encoding="utf-8").splitlines() if line.split(" ")[0] not in own]
    file = world.config.with_name(f"{name}.toml")
    file.with_suffix("").mkdir()
    file.write_text("\n".join([*(f'{key} = "{value}"' for key, value in own.items()), *kept]) + "\n", encoding="utf-8")
    return file


def exchange(config: Path, *arguments: str) -> Program:
    """A command of the hub's as a host's operator starts it."""
    return Program((sys.executable, "-c", MAIN, "--config", str(config), *arguments), {**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture
def edition(world: World, tmp_path: Path) -> str:
    with serving(world):
        for party, dataset in ((CLEVELAND, "crimes"), (CLEVELAND, "outcomes"), (DURHAM, "crimes"), (DURHAM, "outcomes")):
            held(world, tmp_path, party, dataset, MONTH)
        return published(world)


@pytest.fixture
def hosts(world: World, tmp_path: Path) -> Iterator[tuple[Cluster, dict[str, Path]]]:
    """The cluster, and each host's settings file; ``hub`` is the one that makes the edition."""
    write_new(world.config.parent / "cluster-secret", b"0123456789abcdef" * 4)
    master = f"spark://127.0.0.1:{free_port()}"
    files = {
        name: settings_of(world, name, address, master) for name, address in {"hub": "127.0.0.1", "master": "127.0.0.1", **WORKERS}.items()
    }
    with cluster(tmp_path / "said") as found:
        found.start("master", exchange(files["master"], "spark", "master"))
        for name in WORKERS:
            found.start(name, exchange(files[name], "spark", "worker"))
        yield found, files


def executors(file: Path) -> list[Path]:
    """What a host's executors have of their own to write in: an edition's each."""
    return list((file.with_suffix("") / "spark" / "work").glob("app-*/*"))


def cleared(file: Path) -> bool:
    """Whether nothing is left of what a host's executors spilled and shuffled."""
    return not any(path.is_file() for path in (file.with_suffix("") / "spark" / "spill").rglob("*"))


def reproduce(config: Path, edition: str) -> "subprocess.Popen[str]":
    found = exchange(config, "--json", "release", "reproduce", edition)
    return subprocess.Popen(found.arguments, cwd=ROOT, env=found.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def same(running: "subprocess.Popen[str]") -> bool:
    out, said = running.communicate(timeout=300)
    assert running.returncode == 0, said[-3000:]
    return bool(json.loads(out)["same"])


def test_an_edition_made_on_two_hosts_is_byte_for_byte_the_one_made_on_none(
    edition: str, hosts: tuple[Cluster, dict[str, Path]], engines: Engines
) -> None:
    found, files = hosts
    assert same(reproduce(files["hub"], edition))
    assert all(executors(files[name]) for name in WORKERS)
    for name in WORKERS:
        until(partial(cleared, files[name]), "nothing is left of the edition")
        said = b"".join(path.read_bytes() for path in executors(files[name])[0].iterdir()) + found.log(name).read_bytes()
        assert b"0123456789abcdef" not in said
        assert b"No suspect identified" not in said

    running = reproduce(files["hub"], edition)
    until(lambda: len(executors(files["worker-2"])) > 1, "the second edition is at work there")
    found.kill("worker-2")
    assert same(running)


def test_who_does_not_know_the_secret_is_no_part_of_it(edition: str, hosts: tuple[Cluster, dict[str, Path]]) -> None:
    found, files = hosts
    secret = files["hub"].with_name("another-secret")
    write_new(secret, b"f" * 64)
    file = files["hub"].with_name("stranger.toml")
    file.write_text(files["hub"].read_text(encoding="utf-8").replace("cluster-secret", secret.name), encoding="utf-8")
    running = reproduce(file, edition)
    out, said = running.communicate(timeout=300)
    assert (running.returncode, out) == (6, ""), said
    assert "Traceback" not in said
    assert "know the secret of spark_secret_file?" in said
    assert not any(executors(files[name]) for name in WORKERS)
    for one in found.running.values():
        assert b"0123456789abcdef" not in Path(f"/proc/{one.pid}/cmdline").read_bytes()
        for port in listening(one.pid):
            with pytest.raises((urllib.error.URLError, ConnectionError, TimeoutError, ValueError)):
                urllib.request.urlopen(f"http://{port}/", timeout=5)


def listening(group: int) -> list[str]:
    """Where the processes of a group listen."""
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[3].replace("[::ffff:", "").replace("]", "") for line in lines if f"pid={group}," in line]
