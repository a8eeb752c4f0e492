"""Everything that can be set, as one frozen value read once. Missing or unknown settings mean no start. No secret is a setting."""

import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Misconfigured

_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?")
_SYSTEMD = "systemd:"
_PROVIDERS = {
    "file": (),
    "transit": ("transit_address", "transit_token_file"),
    "pkcs11": ("pkcs11_module", "pkcs11_token", "pkcs11_pin_file"),
}
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ORIGIN = re.compile(r"[!-*,-~]{1,200}")


@dataclass(frozen=True)
class Settings:
    """Where the hub keeps things and how it is reached.

    Attributes:
        public_url: the address agencies use, without a trailing slash; audience of their tokens.
        origin: the log's name, as in its checkpoints; never changes in the log's life.
        database_url: an SQLAlchemy address.
        objects: folder of held parts, encrypted.
        staging: folder of sealed parts not yet opened; never backed up.
        keystore: folder of the sealed keystore; backed up apart from the database.
        roots: folder of the keystore's root keys; never backed up.
        credential: file that opens the root keys; "systemd:NAME" is the credential NAME that systemd hands to the service.
        codes: folder of code lists.
        measures: the measures of the performance framework; ``measures.toml`` beside ``codes`` unless set.
        leaves: folder of the log's second store, best on another disk; beside ``staging`` unless set.
        bind: address and port to listen on.
        threads: request threads of each web process.
        workers: web processes.
        process_every: seconds between looks for submissions to process.
        open_memory: bytes of address space for the process that opens what strangers send.
        part_bytes: the largest sealed part, in bytes.
        part_rows: the most rows of one part.
        parts: the most parts of one submission.
        unfinished: the most submissions of one supplier that are being sent or wait to be opened.
        staged_bytes: the most bytes of sealed parts of one supplier in such submissions, as their manifests announce them.
        keep_free: bytes of disk that parts and held rows leave free.
        open_seconds: processor seconds that one part may take to be opened.
        edition_memory: DuckDB's memory limit for one edition.
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
        public_licence: address of the licence of public editions; without it the agreement's words on passing on are all that is said.
    """

    public_url: str
    origin: str
    database_url: str
    objects: Path
    staging: Path
    keystore: Path
    roots: Path
    credential: Path
    codes: Path
    measures: Path | None = None
    leaves: Path | None = None
    bind: str = "127.0.0.1:8080"
    threads: int = 8
    workers: int = 1
    process_every: float = 1.0
    open_memory: int = 600 << 20
    part_bytes: int = 16 << 20
    part_rows: int = 262_144
    parts: int = 10_000
    unfinished: int = 500
    staged_bytes: int = 64 << 30
    keep_free: int = 1 << 30
    open_seconds: int = 60
    edition_memory: str = "2GB"
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
    public_licence: str = ""

    @property
    def token_url(self) -> str:
        """Audience of client assertions."""
        return f"{self.public_url}/oauth2/token"

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
    def second_store(self) -> Path:
        """The folder of the log's second store."""
        return self.leaves or self.home / "leaves"

    @property
    def measures_file(self) -> Path:
        """The measures of the performance framework."""
        return self.measures or self.codes.parent / "measures.toml"

    @property
    def charts(self) -> Path:
        """The folder of charts that are drawn already; it may be emptied at any time."""
        return self.home / "charts"

    @property
    def home(self) -> Path:
        """The folder that holds staging, and the locks of running instances."""
        return self.staging.parent


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
    known = {field.name: field for field in fields(Settings)}
    if unknown := sorted(set(found) - set(known)):
        raise Misconfigured(f"{path.name}: unknown setting {', '.join(unknown)}.", remedy=f"There are: {', '.join(known)}.")
    for name, value in found.items():
        wanted = known[name].type
        if wanted is Path or wanted == (Path | None):
            found[name] = _place(path, name, str(value))
        elif type(value) is not wanted and not (wanted is float and type(value) is int):
            raise Misconfigured(f"{path.name}: {name} must be a {getattr(wanted, '__name__', wanted)}.")
    _check(path.name, found)
    try:
        return Settings(**found)
    except TypeError as error:
        missing = [field.name for field in fields(Settings) if field.name not in found and field.name in str(error)]
        raise Misconfigured(f"{path.name}: {', '.join(missing)} missing.") from error


def _place(path: Path, name: str, value: str) -> Path:
    """A path of the settings. The environment says only where systemd keeps a service's credentials, never what they hold."""
    if not value.startswith(_SYSTEMD):
        return (path.parent / value).resolve()
    folder, credential = os.environ.get("CREDENTIALS_DIRECTORY", ""), value.removeprefix(_SYSTEMD)
    if not folder or "/" in credential or not credential.strip("."):
        remedy = f"Start the hub as a service with LoadCredential={credential}:… or LoadCredentialEncrypted=, or name a file."
        raise Misconfigured(f"{path.name}: {name}: systemd hands over no credential of this name.", remedy=remedy)
    return Path(folder) / credential


def _check(name: str, found: dict[str, Any]) -> None:
    """What a value must be beyond its type, where another would only show once the hub runs."""
    if bad := sorted(key for key, value in found.items() if isinstance(value, int | float) and value <= 0 and key != "proxies"):
        raise Misconfigured(f"{name}: {', '.join(bad)} must be more than nought.")
    if not _URL.fullmatch(found.get("public_url", "http://x")):
        raise Misconfigured(f"{name}: public_url must be an http or https address without a slash at its end.")
    if not 0 <= found.get("proxies", 0) <= 5:
        raise Misconfigured(f"{name}: proxies must be from 0 to 5.")
    _check_provider(name, found)
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


def _check_provider(name: str, found: dict[str, Any]) -> None:
    """What wraps the root keys, and what that needs."""
    provider = found.get("root_provider", "file")
    if provider not in _PROVIDERS:
        raise Misconfigured(f"{name}: root_provider is one of {', '.join(_PROVIDERS)}.")
    if lacking := [key for key in _PROVIDERS[provider] if not found.get(key)]:
        raise Misconfigured(f"{name}: root_provider {provider} needs {', '.join(lacking)}.")
    address = urlsplit(found.get("transit_address") or "https://x")
    if address.scheme != "https" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise Misconfigured(f"{name}: transit_address must be an https address.")
    if not _PREFIX.fullmatch(found.get("root_prefix", "x")):
        raise Misconfigured(f"{name}: root_prefix is 1 to 64 letters, digits and ._-.")
