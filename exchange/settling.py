"""What has become of agreements is drawn through the whole hub: what is held, what is kept of editions, and the drafts that wait."""

from exchange.hub import Hub
from exchange.releases import keeping, kept
from exchange.submissions import endings


def settle(hub: Hub, reference: str | None = None) -> list[str]:
    """Draw the consequences, for rows and for drafts, of what has become of agreements (or of one); what was done. Safe to repeat."""
    ended = endings.settle(hub.engine, hub.keyring, hub.places, hub.clock, reference)
    dropped = keeping.settle(hub.engine, hub.clock, reference)
    spent = endings.spend(hub.engine, hub.clock, keeping.needing, reference)
    return [*ended, *dropped, *spent, *kept.settle(hub.engine, hub.keyring, hub.clock, reference)]
