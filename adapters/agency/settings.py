"""An agency's settings: one frozen object, from flags, then the environment (nothing secret), then ``agency.toml``.

Keys and secrets are files: no flag and no variable ever holds one.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

import adapters
from adapters.agency.folders import Folder, nearest, read_folders
from adapters.errors import ConfigError

FILE = "agency.toml"
FOLDERS = "folders"  # a list of tables: a setting that only the file can hold
PREFIX = "EXCHANGE_AGENCY_"
PRODUCT_CODES = Path(adapters.__file__).parent.parent / "config" / "codes"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_SIGNATORY = re.compile(r"(ed25519|passkey):[0-9a-f]{64}")
_ADDRESS = re.compile(r"[A-Za-z0-9:/._~%\[\]-]+")
COMMAND_LINE = "command line"
_PATHS = ("codes", "manifest_key", "client_key", "encryption_key", "witness_key")
_LABEL = 63  # characters between two dots of a name (RFC 1035 section 2.3.4)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# Setting → (its key in agency.toml, default). None: it must be given. The environment's name is PREFIX and the setting in capitals.
KEYS: Mapping[str, tuple[str, Any]] = {
    "party": ("party", None),
    "hub": ("hub", None),
    "audience": ("audience", ""),
    "recipient": ("recipient", False),
    "codes": ("codes", str(PRODUCT_CODES)),
    "manifest_key": ("keys.manifest", "keys/manifest.json"),
    "client_key": ("keys.client", "keys/client.json"),
    "encryption_key": ("keys.encryption", "keys/encryption.json"),
    "witness_key": ("keys.witness", "keys/witness.json"),
    "pin_signatory": ("pins.signatory", ""),
    "certificate": ("network.certificate", ""),
    "timeout": ("network.timeout", 30),
    "patience": ("network.patience", 120),
    "wait": ("network.wait", 900),
}


@dataclass(frozen=True)
class Settings:
    """Everything the client is told.

    Attributes:
        home: the folder of agency.toml, and of the state that the client keeps.
        party: the id by which agreements know this organisation (for a recipient, the recipient's id).
        hub: the hub's base address.
        audience: the token address the hub calls its own, where it differs from ``{hub}/oauth2/token``.
        recipient: whether this is a recipient, who only pulls.
        codes: the folder of code lists.
        manifest_key, client_key, encryption_key, witness_key: private key files; the last need not be there.
        pin_signatory: the fingerprint of our own signatory's key, brought by another road than the hub.
        certificate: file of this machine's certificate and its private key (PEM), for a hub that asks for one; None without.
        timeout: seconds to wait for one answer.
        patience: seconds to go on trying one request that fails for a passing reason.
        wait: seconds to wait for a receipt.
        folders: the folder map: which files of which folders are of which dataset.
        origins: setting → where its value came from.
    """

    home: Path
    party: str
    hub: str
    audience: str
    recipient: bool
    codes: Path
    manifest_key: Path
    client_key: Path
    encryption_key: Path
    witness_key: Path
    pin_signatory: str
    certificate: Path | None
    timeout: float
    patience: float
    wait: float
    folders: tuple[Folder, ...]
    origins: Mapping[str, str]

    @property
    def token_audience(self) -> str:
        """What the hub must find as the audience of our assertions."""
        return self.audience or f"{self.hub}/oauth2/token"

    @property
    def spool(self) -> Path:
        """Where sealed parts wait for their receipt."""
        return self.home / "spool"

    @property
    def receipts(self) -> Path:
        """Where signed receipts are kept."""
        return self.home / "receipts"

    @property
    def agreements(self) -> Path:
        """Where verified agreements are kept."""
        return self.home / "agreements"

    @property
    def linkage(self) -> Path:
        """Where linkage secrets are kept."""
        return self.home / "linkage"


def home_of(flag: Path | None, environment: Mapping[str, str] | None = None) -> tuple[Path, str]:
    """The state folder, and where it came from: the flag, else the environment, else the current folder, else the user's own."""
    found = os.environ if environment is None else environment
    if flag is not None:
        return flag, COMMAND_LINE
    if named := found.get(PREFIX + "HOME"):
        return Path(named), f"environment, {PREFIX}HOME"
    if (Path.cwd() / FILE).is_file():
        return Path.cwd(), f"the current folder, which has an {FILE}"
    return platformdirs.user_data_path("exchange-agency", appauthor=False), "default"


def load(
    home: Path,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    written: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings of one home; ConfigError names file and key. Flags that are None were not given.

    Args:
        written: what agency.toml says, by dotted key, in place of the file.
    """
    path, lines = home / FILE, dict[str, int]()
    if written is None:
        text = _read(path)
        lines = lines_of(text)
        written = _flatten(_parsed(text, path), path, lines)
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, (key, default) in KEYS.items():
        variable = PREFIX + name.upper()
        if flags and flags.get(name) is not None:
            values[name], origins[name] = flags[name], COMMAND_LINE
        elif variable in env:
            values[name], origins[name] = env[variable], f"environment, {variable}"
        elif key in written:
            values[name], origins[name] = written[key], _place(path, key, lines)
        elif default is None:
            raise ConfigError(f"{path}: “{key}” is missing.", remedy=f"Add it, or set {variable}.")
        else:
            values[name], origins[name] = default, "default"
    origins[FOLDERS] = _place(path, FOLDERS, lines) if FOLDERS in written else "default"
    values[FOLDERS] = read_folders(written.get(FOLDERS, []), home, origins[FOLDERS])
    return _checked(home, values, origins)


def _place(path: Path, key: str, lines: Mapping[str, int]) -> str:
    return f"line {lines[key]} of {path}, {key}" if key in lines else f"{path}, {key}"


def lines_of(text: str) -> dict[str, int]:
    """Dotted key → the line (from 1) on which a TOML document first says it: the first line after the longest beginning without it.

    Values may go over several lines, and tables may be written in any way that TOML has: only its own parser decides.
    """
    found: dict[str, int] = {}
    lines, begins = text.splitlines(), None
    for number, line in enumerate(lines, 1):
        if begins is None and line.strip() and not line.lstrip().startswith("#"):
            begins = number
        try:
            document = tomllib.loads("\n".join(lines[:number]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
        for key in _keys(document):
            found.setdefault(key, begins or number)
        begins = None
    return found


def _keys(document: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in document.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file.", remedy="Run exchange-agency init, or name the folder with --home.") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: the file cannot be read.", remedy="Check who owns it, and that it is UTF-8 text.") from None


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}.") from None


def _flatten(document: Mapping[str, Any], path: Path, lines: Mapping[str, int], prefix: str = "") -> dict[str, Any]:
    known = [*(key for key, _ in KEYS.values()), FOLDERS]
    flat: dict[str, Any] = {}
    for name, value in document.items():
        key = prefix + name
        if isinstance(value, dict) and any(one.startswith(key + ".") for one in known):
            flat.update(_flatten(value, path, lines, key + "."))
        elif key in known:
            flat[key] = value
        else:
            place = f"line {lines[key]} of {path}" if key in lines else str(path)
            tables = [*known, *{one.partition(".")[0] for one in known if "." in one}]
            remedy = nearest(key, tables) or "Take it out."
            raise ConfigError(f"{place}: “{key}” is not a setting.", why=f"There are: {', '.join(sorted(known))}.", remedy=remedy)
    return flat


def _checked(home: Path, values: dict[str, Any], origins: dict[str, str]) -> Settings:
    def fail(name: str, wanted: str) -> ConfigError:
        return ConfigError(f"{origins[name]}: “{KEYS[name][0]}” must be {wanted}.", remedy="Correct it.")

    for name in ("party", "hub", "audience", "pin_signatory", "certificate", *_PATHS):
        if not isinstance(values[name], str | Path):
            raise fail(name, "text")
    if not _NAME.fullmatch(values["party"]):
        raise fail("party", "a party's id: lower-case letters and digits joined by - or _")
    if values["pin_signatory"] and not _SIGNATORY.fullmatch(values["pin_signatory"]):
        raise fail("pin_signatory", "a fingerprint: ed25519: or passkey: and 64 hex digits")
    for name in ("timeout", "patience", "wait"):
        values[name] = _seconds(values[name])
        if values[name] is None:
            raise fail(name, "a number of seconds from 0 to 86400")
    if str(values["recipient"]).lower() not in ("true", "false"):
        raise fail("recipient", "true or false")
    values["recipient"] = str(values["recipient"]).lower() == "true"
    values["hub"] = _address(values["hub"]) or ""
    if not values["hub"]:
        raise fail("hub", "https:// and a host (http:// only for this machine itself), with no query and no password")
    for name in _PATHS:
        values[name] = home / Path(values[name]).expanduser()
    values["certificate"] = home / Path(values["certificate"]).expanduser() if values["certificate"] else None
    return Settings(home=home, origins=origins, **values)


def _seconds(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if not isinstance(value, bool) and 0 <= number <= 86400 else None


def _address(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not all(0 < len(label) <= _LABEL for label in (parts.hostname or "").rstrip(".").split(".")):
        return None
    if not (local or (parts.scheme == "https" and parts.hostname)) or parts.query or parts.fragment or parts.username or parts.password:
        return None
    return text.rstrip("/") if _ADDRESS.fullmatch(text) else None
