"""The sources there are. To add one, write its file and add its class here."""

from collections.abc import Mapping

from adapters.errors import ConfigError
from adapters.police_crimes import PoliceCrimes
from adapters.police_outcomes import PoliceOutcomes
from adapters.source import Source

SOURCES: Mapping[str, Source] = {source.name: source for source in (PoliceCrimes(), PoliceOutcomes())}


def find(adapter: str) -> Source:
    """The source that agreements call by this name; ConfigError if this version has none."""
    if adapter not in SOURCES:
        raise ConfigError(
            f"This version of exchange-agency has no adapter “{adapter}”.",
            why=f"It has: {', '.join(SOURCES)}.",
            remedy="Install the version that has it.",
        )
    return SOURCES[adapter]
