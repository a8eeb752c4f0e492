"""Programs of a Spark cluster ("standalone": a master that hands out work, and a worker on each host), bound by the rules of a hub's own Spark.

They are Spark's, started with settings that no operator has to know: everybody on the cluster knows its one secret, what is said is encrypted,
and their pages, which nobody needs, ask for a token that nobody has. A worker opens rows by the settings of its own host (``SETTINGS``).
"""

import importlib.util
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from exchange.errors import Misconfigured
from exchange.extras import EXTRAS
from exchange.settings import Settings
from keys.encoding import b64
from keys.files import readable_by_others

SETTINGS = "LCJP_EXCHANGE_SETTINGS"
"""Where a worker's host has its settings file: told by the worker to the processes that it starts, and by nobody else to them."""

BOUND: Mapping[str, str] = {
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    # Messages quote values; what went wrong is told by the kind of error alone.
    "spark.log.level": "OFF",
    "spark.executor.syncLogLevel.enabled": "true",
}
"""What no setting changes, on one host and on many: nothing is written or sent in clear, and nothing is told."""

LEAST_SECRET = 32
_CLASSES = {"master": "org.apache.spark.deploy.master.Master", "worker": "org.apache.spark.deploy.worker.Worker"}
_ONLY_DAEMONS = {
    "spark.master.rest.enabled": "false",
    "spark.ui.killEnabled": "false",
    "spark.ui.filters": "org.apache.spark.ui.JWSFilter",
    "spark.worker.cleanup.enabled": "true",
    "spark.worker.cleanup.appDataTtl": "3600",
}


@dataclass(frozen=True)
class Program:
    """What to run, and in which environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def secret_of(settings: Settings) -> str:
    """The cluster's secret; never said anywhere. Misconfigured where it is no secret."""
    remedy = f"It holds {LEAST_SECRET} letters and digits or more (openssl rand -hex 32), the same on every host, and only the hub's account reads it (mode 0600)."
    file = settings.spark_secret_file
    if file is None:
        raise Misconfigured("a Spark cluster needs spark_secret_file.", remedy=remedy)
    try:
        if readable_by_others(file, group=False):
            raise Misconfigured("spark_secret_file is readable by everyone.", remedy=remedy)
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("spark_secret_file cannot be read.", remedy=remedy) from error.with_traceback(None)
    if len(found) < LEAST_SECRET or not (found.isascii() and found.isalnum()):
        raise Misconfigured("spark_secret_file holds no secret.", remedy=remedy)
    return found


def program(settings: Settings, file: Path, kind: str, more: Mapping[str, str] = MappingProxyType({})) -> Program:
    """The master or a worker of a cluster on this host.

    Args:
        settings: of the cluster; ``home`` and ``spark_address`` are this host's.
        file: the settings file of this host, by which its workers open rows.
        kind: ``master`` or ``worker``.
        more: further settings of Spark's, for tests.
    """
    if not settings.spark_master.startswith("spark://"):
        raise Misconfigured(
            "there is no Spark cluster by these settings.",
            remedy="Let spark_master name its master: spark://spark-1.example.org:7077, say.",
        )
    spark, home = _installed(), settings.home.resolve() / "spark"
    for folder in (home, home / "spill", home / "work"):
        folder.mkdir(mode=0o700, exist_ok=True)
    conf = home / f"{kind}.conf"
    token = {"spark.org.apache.spark.ui.JWSFilter.param.secretKey": b64(secrets.token_bytes(32))}
    write(conf, {**BOUND, **_ONLY_DAEMONS, **token, "spark.authenticate.secret": secret_of(settings), **more})
    own = ["-d", str(home / "work"), settings.spark_master] if kind == "worker" else ["-p", settings.spark_master.rpartition(":")[2]]
    arguments = ["--host", settings.spark_address, "--webui-port", "0", "--properties-file", str(conf), *own]
    environment = {
        **os.environ,
        "SPARK_HOME": str(spark),
        "SPARK_LOCAL_IP": settings.spark_address,
        "SPARK_LOCAL_DIRS": str(home / "spill"),
        SETTINGS: str(file.resolve()),
    }
    return Program((str(spark / "bin" / "spark-class"), _CLASSES[kind], *arguments), environment)


def write(file: Path, conf: Mapping[str, str]) -> None:
    """Settings by a file that nobody else reads: as arguments every user of the machine could read the secret among them."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text("".join(f"{name} {value}\n" for name, value in conf.items()), encoding="utf-8")


def _installed() -> Path:
    """Where PySpark lies."""
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise Misconfigured("Spark is not installed here.", remedy=EXTRAS["spark"].remedy)
    return Path(found.submodule_search_locations[0])
