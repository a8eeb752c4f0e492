"""Every feed there is, agency by agency."""

from collections.abc import Iterator

from adapters.synthesis.extracts import courts, custody, partners, police
from adapters.synthesis.feeds import Feed
from adapters.synthesis.world import World


def all_feeds(world: World) -> Iterator[Feed]:
    """The feeds of every supplier of the example agreements. The ministry's series are public data and are not invented."""
    for agencies in (police, courts, custody, partners):
        yield from agencies.feeds(world)
