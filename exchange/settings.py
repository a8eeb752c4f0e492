"""Everything that can be set, as one frozen value read once. Missing or unknown settings mean no start. No secret is a setting."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Misconfigured

_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?")
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
        credential: file that opens the root keys.
        codes: folder of code lists.
        bind: address and port to listen on.
        threads: request threads of each web process.
        workers: web processes.
        process_every: seconds between looks for submissions to process.
        open_memory: bytes of address space for the process that opens what strangers send.
        part_bytes: the largest sealed part, in bytes.
        part_rows: the most rows of one part.
        parts: the most parts of one submission.
        edition_memory: DuckDB's memory limit for one edition.
        proxies: how many reverse proxies of the operator's own stand before the hub; as many forwarded addresses are believed.
        oidc_issuer: the OpenID provider people may sign in at; empty for none.
        oidc_client_id: the hub's name there.
        oidc_client_secret_file: file of the hub's secret there; without one the hub is a public client (PKCE alone).
        oidc_name: what people call the provider.
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
    bind: str = "127.0.0.1:8080"
    threads: int = 8
    workers: int = 1
    process_every: float = 1.0
    open_memory: int = 600 << 20
    part_bytes: int = 16 << 20
    part_rows: int = 262_144
    parts: int = 10_000
    edition_memory: str = "2GB"
    proxies: int = 0
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret_file: Path | None = None
    oidc_name: str = "your organisation's account"

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
            found[name] = (path.parent / str(value)).resolve()
        elif type(value) is not wanted and not (wanted is float and type(value) is int):
            raise Misconfigured(f"{path.name}: {name} must be a {getattr(wanted, '__name__', wanted)}.")
    _check(path.name, found)
    try:
        return Settings(**found)
    except TypeError as error:
        missing = [field.name for field in fields(Settings) if field.name not in found and field.name in str(error)]
        raise Misconfigured(f"{path.name}: {', '.join(missing)} missing.") from error


def _check(name: str, found: dict[str, Any]) -> None:
    """What a value must be beyond its type, where another would only show once the hub runs."""
    if bad := sorted(key for key, value in found.items() if isinstance(value, int | float) and value <= 0 and key != "proxies"):
        raise Misconfigured(f"{name}: {', '.join(bad)} must be more than nought.")
    if not _URL.fullmatch(found.get("public_url", "http://x")):
        raise Misconfigured(f"{name}: public_url must be an http or https address without a slash at its end.")
    if not 0 <= found.get("proxies", 0) <= 5:
        raise Misconfigured(f"{name}: proxies must be from 0 to 5.")
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
