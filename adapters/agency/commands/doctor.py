"""``exchange-agency doctor``: walks the road to the hub, a step a line, and says at the first fault what to do."""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import click
import requests
from requests.utils import get_environ_proxies, should_bypass_proxies

from adapters.agency.client import new_session, untrusted
from adapters.agency.commands.common import Context, common
from adapters.agency.contract import utc_now
from adapters.agency.run import Run
from adapters.agency.session import Agency
from adapters.agency.settings import Settings
from adapters.agency.watched import cosigned
from adapters.errors import AdapterError, AuthenticationFailed, ConfigError, NetworkFailed

SKEW = 60


@dataclass(frozen=True)
class Step:
    """One step of the road: ok, and what was found; or the error that says what to do."""

    name: str
    found: str = ""
    error: AdapterError | None = None


@click.command()
@common
def doctor(context: Context) -> int:
    """Check clock, DNS, proxy, TLS, key, token and agreement, in that order"""
    steps = []
    for step in walk(context.agency()):
        steps.append(step)
        mark = "ok  " if step.error is None else "STOP"
        context.console.line(f"{mark} {step.name:<10} {step.found if step.error is None else step.error.what}")
    shown = [{"step": one.name, "ok": one.error is None, "found": one.found or (one.error.what if one.error else "")} for one in steps]
    if failed := next((step.error for step in steps if step.error is not None), None):
        context.console.failure(failed)
        return failed.exit_code
    context.console.result(steps=shown)
    return 0


def walk(agency: Agency) -> Iterator[Step]:
    """The steps in order, up to the first that fails."""
    settings = replace(agency.settings, patience=0.0)  # a doctor looks once
    agency = Agency(settings)
    health = _Health(settings)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("clock", lambda: _clock(health.date())),
        ("DNS", lambda: _dns(settings)),
        ("proxy", lambda: _proxy(settings)),
        ("TLS", lambda: _tls(settings, health)),
        ("key", lambda: _keys(agency)),
        ("token", lambda: _token(agency)),
        ("agreement", lambda: _agreements(agency)),
        ("witnesses", lambda: _witnesses(agency)),
    ]
    for name, look in checks:
        try:
            yield Step(name, look())
        except AdapterError as error:
            yield Step(name, error=error)
            return


@dataclass
class _Health:
    """The hub's public answer, asked for once: it tells its time, and whether the road is open."""

    settings: Settings
    answer: requests.Response | None = None
    failed: str = ""

    def ask(self) -> requests.Response | None:
        if self.answer is None and not self.failed:
            try:
                self.answer = new_session().get(f"{self.settings.hub}/health", timeout=self.settings.timeout, allow_redirects=False)
            except requests.RequestException as error:
                self.failed = "certificate" if untrusted(error) else type(error).__name__
        return self.answer

    def date(self) -> str:
        answer = self.ask()
        return answer.headers.get("Date", "") if answer is not None else ""


def _clock(hub_date: str) -> str:
    try:
        ahead = (datetime.now(UTC) - parsedate_to_datetime(hub_date)).total_seconds()
    except (TypeError, ValueError):
        return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC (the hub's time is not known yet)"
    if abs(ahead) > SKEW:
        raise ConfigError(
            f"This machine's clock is {abs(ahead):,.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the hub's.",
            remedy="Set the clock (NTP); the hub takes no assertion from another time.",
        )
    return f"within {SKEW} seconds of the hub's"


def _host(settings: Settings) -> tuple[str, int]:
    parts = urlsplit(settings.hub)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _proxied(settings: Settings) -> str:
    """The proxy that requests would use, or empty."""
    if should_bypass_proxies(settings.hub, no_proxy=None):
        return ""
    return str(get_environ_proxies(settings.hub).get(urlsplit(settings.hub).scheme, ""))


def _dns(settings: Settings) -> str:
    host, port = _host(settings)
    if _proxied(settings):
        return f"left to the proxy ({host})"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise NetworkFailed(f"The name {host} is not known here.", remedy="Check “hub” in agency.toml, and this network's DNS.") from None
    return f"{host} is {found[0][4][0]}"


def _proxy(settings: Settings) -> str:
    proxy = _proxied(settings)
    if not proxy:
        return "none in the way"
    parts = urlsplit(proxy)
    return f"through {parts.hostname}:{parts.port}; it may re-sign the traffic, but what is sent stays sealed for the hub"


def _tls(settings: Settings, health: _Health) -> str:
    health.ask()
    if health.failed == "certificate":
        raise NetworkFailed(
            "The hub's certificate is not one this machine trusts.",
            why="A proxy that re-signs traffic looks like this too.",
            remedy="Install your network's certificate authority on this machine, or name its file in REQUESTS_CA_BUNDLE.",
        )
    if health.failed or health.answer is None:
        raise NetworkFailed(
            f"{settings.hub} does not answer.", why=f"{health.failed}.", remedy="Check address, firewall and proxy; or the hub is down."
        )
    if settings.hub.startswith("http://"):
        return "none: the hub is on this machine"
    return f"trusted ({ssl.OPENSSL_VERSION})"


def _keys(agency: Agency) -> str:
    read = [agency.client_key.public.fingerprint]
    if not agency.settings.recipient:
        read += [agency.manifest_key.public.fingerprint, agency.encryption_key.fingerprint]
        read += [witness.public.fingerprint] if (witness := agency.witness_key) else []
    return f"{len(read)} key file(s), private to their owner; client key {read[0]}"


def _token(agency: Agency) -> str:
    agency.client().authenticate()
    return f"the hub knows us as {agency.settings.party}"


def _witnesses(agency: Agency) -> str:
    """Of what is kept here: watch asks the hub."""
    if agency.witness.last() is None:
        return "the log has not been watched from here yet: run exchange-agency watch daily"
    now = int(utc_now().timestamp())
    seen, warnings = agency.witnesses.standing(agency.store.all(), now)
    return " ".join([*(f"{cosigned(one)}." for one in seen), *warnings]) or "no other party has cosigned the log yet"


def _agreements(agency: Agency) -> str:
    found = Run(agency, agency.client()).verified()
    if not found:
        raise AuthenticationFailed(
            "The hub knows of no agreement in force for us.", remedy="Ask the operator which party id your cards are registered under."
        )
    pinned = "own signatory's key as pinned" if agency.settings.pin_signatory else "NO PIN: set pins.signatory in agency.toml"
    return f"{', '.join(f'{one.agreement.reference} version {one.agreement.version}' for one in found)}: verified; {pinned}"
