"""How notices leave the hub: the file that the setting ``notices`` names, read once and checked. docs/operating.md shows one.

Passwords and secrets are files of their own, never in it. Paths are relative to it.
"""

import ipaddress
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import Misconfigured, Unacceptable
from exchange.filled import made, types_of

STARTTLS, TLS = "starttls", "tls"
_PORTS = {STARTTLS: 587, TLS: 465}
HTTPS = 443


@dataclass(frozen=True)
class Mail:
    """The server that takes mail. It is always asked for TLS, and its certificate checked."""

    host: str
    sender: str
    port: int = 0
    security: str = STARTTLS
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None


@dataclass(frozen=True)
class Webhooks:
    """Which hosts may be told, at which addresses, and where the secrets of the endpoints are."""

    hosts: tuple[str, ...]
    secrets: Path
    networks: tuple[str, ...] = ()
    ca_file: Path | None = None

    def require(self, address: str) -> None:
        """Unacceptable where the address's host is not on the list."""
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        named = {host, f"{host}:{parts.port or HTTPS}"} if parts.port in (None, HTTPS) else {f"{host}:{parts.port}"}
        if not named & set(self.hosts):
            raise Unacceptable(
                "webhooks to this host are not allowed.", remedy="Its name goes into [webhooks] hosts of the notices' settings."
            )

    def admits(self, address: str) -> bool:
        """Whether an IP address may be connected to: one of the internet's, or of a network on the list. Anything else could be a way inside."""
        found = ipaddress.ip_address(address)
        mapped = getattr(found, "ipv4_mapped", None) or found
        if any(mapped in ipaddress.ip_network(one) for one in self.networks):
            return True
        return bool(mapped.is_global) and not mapped.is_multicast


@dataclass(frozen=True)
class Ways:
    """The ways that are set up."""

    mail: Mail | None = None
    webhooks: Webhooks | None = None


def read_ways(path: Path | None) -> Ways:
    """Read the file. Without one, nothing is told to anybody. Misconfigured for what cannot be."""
    if path is None:
        return Ways()
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"the notices' settings {path.name} cannot be read as TOML.", remedy="See docs/operating.md.") from error
    if unknown := sorted(set(found) - {"mail", "webhooks"}):
        raise Misconfigured(f"{path.name}: unknown part {', '.join(unknown)}.", remedy="There are: mail, webhooks.")
    mail = _mail(path, found["mail"]) if "mail" in found else None
    return Ways(mail, _webhooks(path, found["webhooks"]) if "webhooks" in found else None)


def _mail(path: Path, found: dict[str, Any]) -> Mail:
    mail: Mail = _part(path, Mail, found)
    if mail.security not in _PORTS:
        raise Misconfigured(f"{path.name}: security is one of {', '.join(_PORTS)}.", remedy="Mail is never sent in the clear.")
    if bool(mail.user) != (mail.password_file is not None):
        raise Misconfigured(f"{path.name}: user and password_file go together.")
    return replace(mail, port=mail.port or _PORTS[mail.security])


def _webhooks(path: Path, found: dict[str, Any]) -> Webhooks:
    hooks: Webhooks = _part(path, Webhooks, found)
    try:
        for network in hooks.networks:
            ipaddress.ip_network(network)
    except ValueError as error:
        raise Misconfigured(f"{path.name}: networks are written like 10.1.0.0/16.") from error
    return replace(hooks, hosts=tuple(host.lower() for host in hooks.hosts))


def _part(path: Path, kind: type[Any], found: dict[str, Any]) -> Any:
    """A part of the file. Paths are relative to it."""
    known = types_of(path.name, kind, found)
    values: dict[str, Any] = {}
    for name, value in found.items():
        wanted = known[name]
        is_path = wanted is Path or wanted == (Path | None)
        several = wanted == tuple[str, ...]
        if type(value) is not (str if is_path else list if several else wanted) or (several and {*map(type, value)} - {str}):
            raise Misconfigured(f"{path.name}: {name} is not of its kind.", remedy="See docs/operating.md.")
        values[name] = (path.parent / str(value)).resolve() if is_path else tuple(value) if several else value
    return made(path.name, kind, values)
