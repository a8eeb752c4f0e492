"""The road to the hub, a step at a time: clock, DNS, proxy, TLS, key, token, agreement, witnesses.

Every step says what it tried, what it found and what to do. A step that needs one that failed is not tried, and says of which; the others are.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, should_bypass_proxies

from adapters.agency.agreements_store import Verified
from adapters.agency.client import new_session, untrusted
from adapters.agency.contract import utc_now
from adapters.agency.run import Run, refusal
from adapters.agency.session import Agency
from adapters.agency.settings import Settings
from adapters.agency.watched import cosigned
from adapters.errors import AdapterError, AuthenticationFailed, ConfigError, NetworkFailed
from agreements.decisions import Refused
from agreements.rules import in_force

SKEW = 60
_HTTPS, _HTTP = 443, 80
_SOCKET_TIMEOUT = 10.0


class Mark(StrEnum):
    """How a step ended: well; well, with something to look at; badly; or not tried."""

    OK = "ok"
    LOOK = "look"
    STOP = "STOP"
    SKIPPED = "-"


@dataclass(frozen=True)
class Step:
    """One step: what was tried and found, what to do, and the error that it ended with, if it did."""

    name: str
    mark: Mark
    tried: str
    found: str
    remedy: str = ""
    error: AdapterError | None = None


@dataclass(frozen=True)
class Found:
    """What a step found where nothing is in the way; with a remedy, somebody should look at it."""

    what: str
    remedy: str = ""


@dataclass(frozen=True)
class _Check:
    """A step to come: its name, what it tries in words, the steps that it needs, and how it looks."""

    name: str
    tried: str
    needs: tuple[str, ...]
    look: Callable[[], Found]


def walk(agency: Agency) -> Iterator[Step]:
    """The steps in order. One that fails, or was not tried, keeps those that need it from being tried."""
    settings = replace(agency.settings, patience=0.0)  # a doctor looks once
    agency = Agency(settings)
    barred: dict[str, str] = {}
    for check in _checks(agency, settings, _Health(settings)):
        if needed := next((name for name in check.needs if name in barred), ""):
            barred[check.name] = barred[needed]
            yield Step(check.name, Mark.SKIPPED, "Not tried", f"It needs {barred[needed]}, which failed.")
            continue
        try:
            found = check.look()
        except AdapterError as error:
            barred[check.name] = check.name
            yield Step(check.name, Mark.STOP, check.tried, " ".join(filter(None, (error.what, error.why))), error.remedy, error)
        else:
            yield Step(check.name, Mark.LOOK if found.remedy else Mark.OK, check.tried, found.what, found.remedy)


def _checks(agency: Agency, settings: Settings, health: "_Health") -> list[_Check]:
    host, _ = host_of(settings)
    return [
        _Check("clock", "Compared this machine's time with the hub's", (), lambda: _clock(health.date())),
        _Check("DNS", f"Asked for the address of {host}", (), lambda: _dns(settings)),
        _Check("proxy", "Read the proxy settings, and tried the proxy if there is one", (), lambda: _proxy(settings)),
        _Check("TLS", f"Asked {settings.hub}/health", ("DNS", "proxy"), lambda: _tls(settings, health)),
        _Check("key", "Read our key files", (), lambda: _keys(agency)),
        _Check("token", f"Asked for a token as {settings.party}", ("clock", "TLS", "key"), lambda: _token(agency)),
        _Check("agreement", "Fetched our agreements and verified every signature", ("token",), lambda: _agreements(agency)),
        _Check("witnesses", "Read what is kept of the log and of its witnesses", (), lambda: _witnesses(agency)),
    ]


@dataclass
class _Health:
    """The hub's public answer, asked for once: it tells its time, and whether the road is open."""

    settings: Settings
    answer: requests.Response | None = None
    failed: requests.RequestException | None = None

    def ask(self) -> requests.Response | None:
        if self.answer is None and self.failed is None:
            try:
                session = new_session(self.settings.certificate)
                self.answer = session.get(f"{self.settings.hub}/health", timeout=self.settings.timeout, allow_redirects=False)
            except requests.RequestException as error:
                self.failed = error
        return self.answer

    def date(self) -> str:
        answer = self.ask()
        return answer.headers.get("Date", "") if answer is not None else ""


def _now() -> datetime:
    return datetime.now(UTC)


def _clock(hub_date: str) -> Found:
    try:
        ahead = (_now() - parsedate_to_datetime(hub_date)).total_seconds()
    except (TypeError, ValueError):
        return Found(f"Here it is {_now():%Y-%m-%d %H:%M:%S} UTC; the hub's time could not be had.", "Compare it with a clock you trust.")
    if abs(ahead) > SKEW:
        raise ConfigError(
            f"This machine's clock is {abs(ahead):,.0f} seconds {'ahead of' if ahead > 0 else 'behind'} the hub's.",
            remedy="Set the clock (NTP); the hub takes no assertion from another time.",
        )
    return Found(f"Within {SKEW} seconds of each other.")


def host_of(settings: Settings) -> tuple[str, int]:
    """The hub's host and port."""
    parts = urlsplit(settings.hub)
    return parts.hostname or "", parts.port or (_HTTPS if parts.scheme == "https" else _HTTP)


def _proxied(settings: Settings) -> str:
    """The proxy that requests would use, or empty."""
    if should_bypass_proxies(settings.hub, no_proxy=None):
        return ""
    found = get_environ_proxies(settings.hub)
    return str(found.get(urlsplit(settings.hub).scheme) or found.get("all") or "")


def _dns(settings: Settings) -> Found:
    host, port = host_of(settings)
    if _proxied(settings):
        return Found("Left to the proxy, which asks for us.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the second of a name that no network could know
        raise NetworkFailed(f"The name {host} is not known here.", remedy="Check “hub” in agency.toml, and this network's DNS.") from None
    return Found(f"{found[0][4][0]}.")


def _proxy(settings: Settings) -> Found:
    proxy = _proxied(settings)
    if not proxy:
        return Found("None in the way.")
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host, port = parts.hostname or "", parts.port or _HTTP
    except ValueError:
        raise ConfigError("The proxy's address is none.", remedy="Correct HTTPS_PROXY: http://host:port.") from None
    try:
        socket.create_connection((host, port), timeout=min(settings.timeout, _SOCKET_TIMEOUT)).close()
    except OSError:
        raise NetworkFailed(
            f"The proxy {host}:{port} does not answer.",
            remedy="Correct HTTPS_PROXY; or, if the hub is reached without one, name its host in NO_PROXY.",
        ) from None
    return Found(f"Through {host}:{port}; it may re-sign the traffic, but what is sent stays sealed for the hub.")


def _tls(settings: Settings, health: _Health) -> Found:
    answer = health.ask()
    if health.failed is not None:
        raise _closed(settings, health.failed)
    if answer is None or answer.status_code >= requests.codes.bad_request:
        status = "nothing" if answer is None else f"HTTP status {answer.status_code}"
        raise NetworkFailed(
            f"{settings.hub} answers {status}.",
            remedy="Check that “hub” is the hub's address; if it is, ask the operator whether it is up.",
        )
    if settings.hub.startswith("http://"):
        return Found("It answers; no TLS: the hub is on this machine.")
    return Found(f"Its certificate is trusted ({ssl.OPENSSL_VERSION}).")


def _closed(settings: Settings, failed: requests.RequestException) -> NetworkFailed:
    """Why the road is closed, by what the certificate check or the connection says."""
    if not untrusted(failed):
        proxied = isinstance(failed, requests.exceptions.ProxyError)
        why = "The proxy did not let the request through." if proxied else f"{type(failed).__name__}."
        remedy = "Ask whoever runs the proxy to let it through." if proxied else "Check address, firewall and proxy; or the hub is down."
        return NetworkFailed(f"{settings.hub} does not answer.", why=why, remedy=remedy)
    said = str(failed)
    if "expired" in said or "not yet valid" in said:
        return NetworkFailed(
            f"The hub's certificate {'has expired' if 'expired' in said else 'is not valid yet'}, as this machine's clock has it.",
            why=f"Here it is {_now():%Y-%m-%d %H:%M} UTC.",
            remedy="If that is wrong, set the clock (NTP). If it is right, tell the operator.",
        )
    if "ostname mismatch" in said or "IP address mismatch" in said:
        return NetworkFailed(
            "The certificate is of another name than the hub's.",
            why="A proxy or another server answers in its place.",
            remedy="Check “hub” in agency.toml; then ask whoever runs the network.",
        )
    return NetworkFailed(
        "The hub's certificate is not one this machine trusts.",
        why="A proxy that re-signs traffic looks like this too.",
        remedy="Install your network's certificate authority on this machine, or name its file in REQUESTS_CA_BUNDLE.",
    )


def _keys(agency: Agency) -> Found:
    read = [agency.client_key.public.fingerprint]
    if not agency.settings.recipient:
        read += [agency.manifest_key.public.fingerprint, agency.encryption_key.fingerprint]
        read += [witness.public.fingerprint] if (witness := agency.witness_key) else []
    return Found(f"{len(read)} key file(s), private to their owner; client key {read[0]}")


def _token(agency: Agency) -> Found:
    agency.client().authenticate()
    return Found(f"The hub knows us as {agency.settings.party}.")


def _agreements(agency: Agency) -> Found:
    found = Run(agency, agency.client()).verified()
    if not found:
        raise AuthenticationFailed(
            "The hub knows of no agreement in force for us.", remedy="Ask the operator which party id your cards are registered under."
        )
    stopped = {one.agreement.reference: stops for one in found if (stops := _stopped(one))}
    refused = [in_force(one.standing, utc_now()) for one in found]
    if all(isinstance(one, Refused) for one in refused):
        raise refusal(next(one for one in refused if isinstance(one, Refused)))
    named = [f"{one.agreement.reference} version {one.agreement.version}{stopped.get(one.agreement.reference, '')}" for one in found]
    pinned = bool(agency.settings.pin_signatory)
    remedies = [] if pinned else ["Set pins.signatory in agency.toml: your signatory's fingerprint, brought by hand."]
    remedies += ["What is suspended moves again when every party that suspended it has resumed."] if stopped else []
    return Found(f"{', '.join(named)}: verified; {'own signatory as pinned' if pinned else 'NO PIN'}.", " ".join(remedies))


def _stopped(one: Verified) -> str:
    """What of an agreement does not move."""
    if isinstance(in_force(one.standing, utc_now()), Refused):
        return f" ({one.standing.state})"
    stopped = sorted(name for name in one.standing.suspended if one.agreement.dataset(name) is not None)
    return f" (suspended: {', '.join(stopped)})" if stopped else ""


def _witnesses(agency: Agency) -> Found:
    """Of what is kept here: watch asks the hub."""
    if agency.witness.last() is None:
        return Found("The log has not been watched from here yet.", "Run exchange-agency watch, daily.")
    now = int(utc_now().timestamp())
    seen, warnings = agency.witnesses.standing(agency.store.all(), now)
    said = " ".join([*(f"{cosigned(one)}." for one in seen), *warnings])
    return Found(
        said or "No other party has cosigned the log yet.", "Ask the partners to run exchange-agency watch daily." if warnings else ""
    )
