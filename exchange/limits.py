"""How often somebody may ask: a bucket of tries for each address, client and person, in this process's memory.

A bucket holds a minute's allowance and fills again evenly, so that a burst passes and a flood does not. Each web process counts by itself:
with several, everybody may ask as many times more. Nothing is written anywhere, so a flood costs no disk and holds no lock.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from exchange.errors import TooMany

MINUTE = 60.0
MOST = 20_000  # buckets that are remembered; a bucket forgotten is a full one


def network(address: str) -> str:
    """Where an address is: of IPv6 the network of 64 bits, for whoever has one address there has them all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))


def drawn(level: float, seconds: float, allowance: int) -> tuple[float, float]:
    """A bucket of ``allowance`` tries a minute, ``seconds`` after it stood at ``level``, with one more try.

    Returns its new level, and the seconds until a try is there: 0 where there was one.
    """
    filled = min(float(allowance), level + max(seconds, 0.0) * allowance / MINUTE)
    if filled >= 1.0:
        return filled - 1.0, 0.0
    return filled, (1.0 - filled) * MINUTE / allowance


class Buckets:
    """Buckets by name, all of one allowance a minute. The ones not asked for longest are forgotten first."""

    def __init__(self, allowance: int, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self.allowance, self.clock, self.most = allowance, clock, most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, name: str) -> float:
        """Seconds to wait: 0 where the try is allowed, and counted."""
        with self._lock:
            now = self.clock()
            level, since = self._levels.pop(name, (float(self.allowance), now))
            level, wait = drawn(level, now - since, self.allowance)
            self._levels[name] = (level, now)
            if len(self._levels) > self.most:
                self._levels.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._levels)


class Limits:
    """What strangers (by address) and those who are known (by client or person) may ask of this process in a minute."""

    def __init__(self, tries: int, calls: int) -> None:
        self.strangers, self.known = Buckets(tries), Buckets(calls)

    def stranger(self, address: str | None) -> None:
        """Count a request of somebody who has not said who they are; :class:`TooMany` where their address has none left."""
        _admit(self.strangers.take(network(address or "")), "from this address")

    def caller(self, who: str) -> None:
        """Count a request of a client or person who is known; :class:`TooMany` where none is left, whatever strangers do."""
        _admit(self.known.take(who), "by this client or person")


def _admit(wait: float, whose: str) -> None:
    if wait > 0:
        error = TooMany(f"there are too many requests {whose}.", remedy="Wait as long as Retry-After says.", code="too-many-requests")
        error.seconds = max(1, math.ceil(wait))
        raise error
