"""What settings must be, beyond their types: ``exchange.settings`` asks before it makes a value of them."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, urlsplit

from exchange.errors import Misconfigured
from exchange.where import InBucket

_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?")
_PROVIDERS = {
    "file": (),
    "transit": ("transit_address", "transit_token_file"),
    "pkcs11": ("pkcs11_module", "pkcs11_token", "pkcs11_pin_file"),
}
_SPARK = re.compile(r"local\[(\*|[1-9][0-9]{0,3})\]|spark://[A-Za-z0-9.-]+:[0-9]{1,5}")
_SPARK_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ORIGIN = re.compile(r"[!-*,-~]{1,200}")
_MOST = {"proxies": 5, "requests_kept": 1_000, "leaves_lock_days": 3_650}  # each may be nought
_HERE = ("localhost", "127.0.0.1", "::1")
SANDBOX = "lcjp-exchange/sandbox"
"""How the log's name begins where every organisation is invented (``exchange.register.sandbox``)."""


def check(name: str, found: dict[str, Any]) -> None:
    """What a value must be beyond its type, where another would only show once the hub runs."""
    _check_numbers(name, found)
    if not _URL.fullmatch(found.get("public_url", "http://x")):
        raise Misconfigured(f"{name}: public_url must be an http or https address without a slash at its end.")
    if (figures := found.get("metrics_bind", "")) and figures.rpartition(":")[0] not in ("127.0.0.1", "localhost", "[::1]"):
        raise Misconfigured(f"{name}: metrics_bind must be a port of this machine alone: 127.0.0.1:9464, say.")
    _check_provider(name, found)
    _check_buckets(name, found)
    if found.get("edition_engine", "duckdb") not in ("duckdb", "spark"):
        raise Misconfigured(f"{name}: edition_engine is duckdb or spark.")
    _check_spark(name, found)
    _check_sandbox(name, found)
    issuer = found.get("oidc_issuer", "")
    if issuer and not (issuer.startswith("https://") or urlsplit(issuer).hostname == "localhost"):
        raise Misconfigured(f"{name}: oidc_issuer must be an https address.")
    if issuer and not found.get("oidc_client_id"):
        raise Misconfigured(f"{name}: oidc_client_id is missing.", remedy="It is the hub's name at the OpenID provider.")
    database = found.get("database_url", "sqlite:///")
    if not database.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise Misconfigured(f"{name}: database_url must begin with sqlite:/// or postgresql+psycopg://.")
    if urlsplit(database).password or "password=" in database:
        remedy = "PostgreSQL reads passwords from ~/.pgpass or a service file; better is a socket or a client certificate."
        raise Misconfigured(f"{name}: database_url must hold no password: no secret is a setting.", remedy=remedy)
    if not _ORIGIN.fullmatch(found.get("origin", "x")):
        raise Misconfigured(f"{name}: origin must be a name without spaces or +, of at most 200 characters.")


def _check_spark(name: str, found: dict[str, Any]) -> None:
    """Where Spark runs; on a cluster, that every host of it can come to what it must open."""
    master = found.get("spark_master", "local[*]")
    if not _SPARK.fullmatch(master):
        raise Misconfigured(f"{name}: spark_master is local[N], local[*] or spark://HOST:PORT.")
    if master.startswith("local"):
        return
    if not _SPARK_ADDRESS.fullmatch(found.get("spark_address", "")) or not found.get("spark_secret_file"):
        raise Misconfigured(
            f"{name}: a Spark cluster needs spark_address and spark_secret_file.",
            remedy="The first is how the cluster's hosts reach this one; the second a file that all of them have.",
        )
    if here := [key for key in ("objects", "keystore") if not isinstance(found.get(key), InBucket)]:
        raise Misconfigured(f"{name}: the hosts of a Spark cluster do not see {' and '.join(here)}.", remedy="Let both be in a bucket.")


def _check_numbers(name: str, found: dict[str, Any]) -> None:
    """What a number must be."""
    if bad := sorted(
        key for key, value in found.items() if isinstance(value, int | float) and value is not False and value <= 0 and key not in _MOST
    ):
        raise Misconfigured(f"{name}: {', '.join(bad)} must be more than nought.")
    for key, most in _MOST.items():
        if not 0 <= found.get(key, 0) <= most:
            raise Misconfigured(f"{name}: {key} must be from 0 to {most}.")


def _check_sandbox(name: str, found: dict[str, Any]) -> None:
    """A sandbox is on one machine and reaches for nothing of a real hub's: no server's database, no key service, no sign-in of real people."""
    if not str(found.get("origin", "")).startswith(SANDBOX):
        return
    addresses = [urlsplit(str(found.get("public_url", ""))).hostname, str(found.get("bind", "127.0.0.1:0")).rpartition(":")[0].strip("[]")]
    if any(address not in _HERE for address in addresses):
        raise Misconfigured(f"{name}: a sandbox is served on this machine alone.", remedy="Let public_url and bind name localhost.")
    engine = not str(found.get("database_url", "sqlite:///")).startswith("sqlite:///") or found.get("root_provider", "file") != "file"
    if engine or any(isinstance(value, InBucket) for value in found.values()):
        raise Misconfigured(f"{name}: a sandbox keeps everything in its own folder.", remedy="Use sqlite:/// and the root provider “file”.")
    if found.get("oidc_issuer"):
        raise Misconfigured(f"{name}: nobody signs in to a sandbox with a real account.", remedy="Leave out oidc_issuer.")


def _check_buckets(name: str, found: dict[str, Any]) -> None:
    """What lies on an S3-compatible service, and what that needs."""
    there = {key: found[key] for key in ("objects", "staging", "keystore", "leaves") if isinstance(found.get(key), InBucket)}
    if there and not found.get("s3_credentials_file"):
        raise Misconfigured(f"{name}: {', '.join(there)} in a bucket needs s3_credentials_file.")
    if "staging" in there and "home" not in found:
        raise Misconfigured(f"{name}: home is missing.", remedy="Where staging is in a bucket, home names this host's own folder.")
    if "keystore" in there and found.get("root_provider", "file") == "file":
        remedy = "Use root_provider transit, or pkcs11 with a module that every host reaches: what it erases, no old copy of a bucket brings back."
        raise Misconfigured(f"{name}: a keystore in a bucket must not be sealed by a credential file alone.", remedy=remedy)
    places = sorted((one.bucket, f"{one.prefix}/" if one.prefix else "") for one in there.values())
    if any(one[0] == other[0] and other[1].startswith(one[1]) for one, other in pairwise(places)):
        raise Misconfigured(
            f"{name}: {', '.join(there)} must not lie one in the other.", remedy="Give each a prefix, or a bucket, of its own."
        )
    address = _safe(name, "s3_endpoint", found)
    if address.username or address.password:
        raise Misconfigured(f"{name}: s3_endpoint must hold no credentials: no secret is a setting.")


def _safe(name: str, key: str, found: dict[str, Any]) -> SplitResult:
    """The address of a service, asked for by https unless it is on this machine."""
    address = urlsplit(found.get(key) or "https://x")
    if address.scheme != "https" and address.hostname not in _HERE:
        raise Misconfigured(f"{name}: {key} must be an https address.")
    return address


def _check_provider(name: str, found: dict[str, Any]) -> None:
    """What wraps the root keys, and what that needs."""
    provider = found.get("root_provider", "file")
    if provider not in _PROVIDERS:
        raise Misconfigured(f"{name}: root_provider is one of {', '.join(_PROVIDERS)}.")
    if lacking := [key for key in _PROVIDERS[provider] if not found.get(key)]:
        raise Misconfigured(f"{name}: root_provider {provider} needs {', '.join(lacking)}.")
    _safe(name, "transit_address", found)
    if not _PREFIX.fullmatch(found.get("root_prefix", "x")):
        raise Misconfigured(f"{name}: root_prefix is 1 to 64 letters, digits and ._-.")
