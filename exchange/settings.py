"""Everything that can be set, as one frozen value read once. Missing or unknown settings mean no start. No secret is a setting."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Misconfigured
from exchange.filled import made, types_of
from exchange.settings_checks import SANDBOX, check
from exchange.where import Place, in_bucket

_SYSTEMD = "systemd:"


_HERE = Path()


@dataclass(frozen=True)
class Settings:
    """Where the hub keeps things and how it is reached.

    Attributes:
        public_url: the address agencies use, without a trailing slash; audience of their tokens.
        origin: the log's name, as in its checkpoints; never changes in the log's life.
        database_url: an SQLAlchemy address.
        objects: held parts, encrypted: a folder, or "s3://bucket/prefix" for several hosts.
        staging: sealed parts not yet opened, likewise; never backed up.
        keystore: the sealed keystore, likewise; backed up apart from the database. In a bucket its root keys are beside it, wrapped.
        roots: folder of the keystore's root keys, where it is in a folder; never backed up.
        credential: file that opens the root keys; "systemd:NAME" is the credential NAME that systemd hands to the service.
        codes: folder of code lists.
        measures: the measures of the performance framework; ``measures.toml`` beside ``codes`` unless set.
        leaves: the log's second store, best on another disk; a folder in ``home`` unless set, or "s3://bucket/prefix".
        leaves_lock_days: for how long the service lets nobody remove what is flushed there, if the bucket can lock objects; 0: not at all.
        home: this host's own folder of locks, drafts and charts; the one that ``staging`` is in unless set.
        s3_endpoint: the address of the S3-compatible service; without one, Amazon's.
        s3_region: its region.
        s3_credentials_file: file of the hub's credentials there, as AWS' tools have it (``[default]``).
        s3_ca_file: certificates that the service's must come from; without it, those of the system.
        bind: address and port to listen on.
        threads: request threads of each web process.
        workers: web processes.
        process_every: seconds between looks for submissions to process.
        schedule: whether processes of this host may run the schedule; of all that may, on every host, one does.
        work: whether ``exchange serve`` opens submissions too; ``exchange worker`` always does.
        lease_seconds: how long a submission stays with a worker that gives no sign of life.
        open_memory: bytes of address space for the process that opens what strangers send.
        part_bytes: the largest sealed part, in bytes.
        part_rows: the most rows of one part.
        parts: the most parts of one submission.
        unfinished: the most submissions of one supplier that are being sent or wait to be opened.
        staged_bytes: the most bytes of sealed parts of one supplier in such submissions, as their manifests announce them.
        keep_free: bytes of disk that parts and held rows leave free.
        open_seconds: processor seconds that one part may take to be opened.
        edition_memory: DuckDB's memory limit for one edition, or that of Spark's driver and of each host's executor.
        edition_engine: what editions are made on: "duckdb", in this process, or "spark" (needs the extra ``spark``, and Java).
        spark_master: "local[N]" or "local[*]": how many threads of this machine Spark runs on; "spark://HOST:PORT": a cluster (docs/scale.md).
        spark_address: by which the hosts of the cluster reach this one.
        spark_secret_file: by which they know each other; 32 letters and digits or more.
        hosts: further names by which the hub may be asked, between spaces; public_url's and bind's always may.
        tries_per_minute: requests of one address whose sender is not known, to each web process.
        calls_per_minute: requests of one client or person, to each web process.
        clock_leap_days: how far the clock may be ahead of when it was last believed before destruction waits for a confirmation.
        proxies: how many reverse proxies of the operator's own stand before the hub; as many forwarded addresses are believed.
        root_provider: what wraps the root keys: "file" (the credential), "transit" (OpenBao, Vault) or "pkcs11" (a hardware module).
        transit_address: the key service.
        transit_token_file: file of the hub's token there.
        transit_mount: where its transit engine is mounted.
        transit_ca_file: certificates that the service's must come from; without it, those of the system.
        transit_namespace: the namespace there; empty for none.
        pkcs11_module: the hardware module's library.
        pkcs11_token: the label of the token.
        pkcs11_pin_file: file of the user's PIN.
        root_prefix: how the names of root keys begin in a service or module; another one for each hub that shares it.
        oidc_issuer: the OpenID provider people may sign in at; empty for none.
        oidc_client_id: the hub's name there.
        oidc_client_secret_file: file of the hub's secret there; without one the hub is a public client (PKCE alone).
        oidc_name: what people call the provider.
        metrics_bind: address and port of this machine alone where Prometheus finds the figures of this host; empty for none.
        notices: how notices leave the hub (``exchange.notify.ways``); without it none does.
        requests_kept: how many last requests of each client are kept, for it and its people to look at; 0: none.
        public_licence: address of the licence of public editions; without it the agreement's words on passing on are all that is said.
    """

    public_url: str
    origin: str
    database_url: str
    objects: Place
    staging: Place
    keystore: Place
    roots: Path
    credential: Path
    codes: Path
    measures: Path | None = None
    leaves: Place | None = None
    leaves_lock_days: int = 0
    home: Path = _HERE
    s3_endpoint: str = ""
    s3_region: str = "us-east-1"
    s3_credentials_file: Path | None = None
    s3_ca_file: Path | None = None
    bind: str = "127.0.0.1:8080"
    threads: int = 8
    workers: int = 1
    process_every: float = 1.0
    schedule: bool = True
    work: bool = True
    lease_seconds: float = 6.0
    open_memory: int = 600 << 20
    part_bytes: int = 16 << 20
    part_rows: int = 262_144
    parts: int = 10_000
    unfinished: int = 500
    staged_bytes: int = 64 << 30
    keep_free: int = 1 << 30
    open_seconds: int = 60
    edition_memory: str = "2GB"
    edition_engine: str = "duckdb"
    spark_master: str = "local[*]"
    spark_address: str = ""
    spark_secret_file: Path | None = None
    hosts: str = ""
    tries_per_minute: int = 3_000
    calls_per_minute: int = 12_000
    clock_leap_days: float = 1.0
    proxies: int = 0
    root_provider: str = "file"
    transit_address: str = ""
    transit_token_file: Path | None = None
    transit_mount: str = "transit"
    transit_ca_file: Path | None = None
    transit_namespace: str = ""
    pkcs11_module: Path | None = None
    pkcs11_token: str = ""
    pkcs11_pin_file: Path | None = None
    root_prefix: str = "lcjp-root"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret_file: Path | None = None
    oidc_name: str = "your organisation's account"
    metrics_bind: str = ""
    notices: Path | None = None
    requests_kept: int = 0
    public_licence: str = ""

    def __post_init__(self) -> None:
        if self.home == _HERE and isinstance(self.staging, Path):
            object.__setattr__(self, "home", self.staging.parent)

    @property
    def token_url(self) -> str:
        """Audience of client assertions."""
        return f"{self.public_url}/oauth2/token"

    @property
    def sandbox(self) -> bool:
        """Whether this hub is for trying out, and every organisation on it invented."""
        return self.origin.startswith(SANDBOX)

    @property
    def web_origin(self) -> str:
        """Scheme, host and port of the pages: what passkeys are bound to."""
        scheme, rest = self.public_url.split("://", 1)
        return f"{scheme}://{rest.split('/', 1)[0]}"

    @property
    def web_host(self) -> str:
        """The host of the pages, without port: the relying party of passkeys (an IP address cannot be one)."""
        return urlsplit(self.public_url).hostname or ""

    @property
    def trusted_hosts(self) -> list[str]:
        """Names and addresses, without port, by which the hub may be asked."""
        listens = "" if self.bind.startswith("unix:") else self.bind.rpartition(":")[0].strip("[]")
        return sorted({self.web_host, *self.hosts.split(), *({listens} - {"", "::", "0.0.0.0"})})  # noqa: S104  # no name of the hub's

    @property
    def second_store(self) -> Place:
        """Where the log's second store is."""
        return self.leaves or self.home / "leaves"

    @property
    def measures_file(self) -> Path:
        """The measures of the performance framework."""
        return self.measures or self.codes.parent / "measures.toml"

    @property
    def charts(self) -> Path:
        """The folder of charts that are drawn already; it may be emptied at any time."""
        return self.home / "charts"


def read_settings(path: Path) -> Settings:
    """Read ``hub.toml``. Relative paths are relative to the file. Unknown and missing names are errors that name them."""
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(
            f"there is no settings file {path.name}.", remedy="Make one with: exchange init DIR --public-url URL"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path.name} is not TOML.", remedy=str(error)) from error
    known = types_of(path.name, Settings, found)
    for name, value in found.items():
        wanted = known[name]
        if wanted in (Place, Place | None) and str(value).startswith("s3:"):
            found[name] = in_bucket(path.name, name, str(value))
        elif wanted in (Path, Path | None, Place, Place | None):
            found[name] = _place(path, name, str(value))
        elif type(value) is not wanted and not (wanted is float and type(value) is int):
            raise Misconfigured(f"{path.name}: {name} must be a {getattr(wanted, '__name__', wanted)}.")
    check(path.name, found)
    return made(path.name, Settings, found)


def _place(path: Path, name: str, value: str) -> Path:
    """A path of the settings. The environment says only where systemd keeps a service's credentials, never what they hold."""
    if not value.startswith(_SYSTEMD):
        return (path.parent / value).resolve()
    folder, credential = os.environ.get("CREDENTIALS_DIRECTORY", ""), value.removeprefix(_SYSTEMD)
    if not folder or "/" in credential or not credential.strip("."):
        remedy = f"Start the hub as a service with LoadCredential={credential}:… or LoadCredentialEncrypted=, or name a file."
        raise Misconfigured(f"{path.name}: {name}: systemd hands over no credential of this name.", remedy=remedy)
    return Path(folder) / credential
