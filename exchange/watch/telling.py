"""Tell the operator's people, once, that something about the hub has become worse, or well again."""

from exchange.db import queue, writing
from exchange.hub import Hub
from exchange.notify import outbox
from exchange.notify.kinds import Kind
from exchange.watch.condition import Severity, findings
from exchange.watch.facts import look
from exchange.watch.tables import NotedRow

_NAME = "condition"


def tell(hub: Hub) -> list[Kind]:
    """Look, compare with what was found the last time, and put what has changed into the outbox in the transaction that notes it."""
    now = hub.clock()
    found = sorted({one.cause.value for one in findings(look(hub)) if one.severity >= Severity.ATTENTION})
    with writing(hub.engine) as session:
        queue(session, [_NAME], alone=True)  # of two that look at once, the second sees what the first noted
        row = session.get(NotedRow, _NAME, with_for_update=True, populate_existing=True)
        before = set(row.told) if row is not None else set()
        changed = [*([Kind.WORSENED] if set(found) - before else []), *([Kind.MENDED] if before - set(found) else [])]
        if row is None:
            session.add(NotedRow(name=_NAME, at=now, told=found))
        else:
            row.at, row.told = now, found
        if changed:
            outbox.about_the_hub(session, changed, now.isoformat(), now)
    return changed
