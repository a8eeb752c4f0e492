"""What is the matter with the hub, for the operator's people: the same words, and the same order, as ``exchange status``."""

from flask.typing import ResponseReturnValue

from exchange.watch.condition import Severity, findings, worst
from exchange.watch.facts import look
from exchange.web.door import blueprint, hub, page

SIGNS = {
    Severity.STOPPED: ("Not serving", "red"),
    Severity.ATTENTION: ("Needs you", "orange"),
    Severity.NOTE: ("For others to do", "grey"),
}


@blueprint.get("/condition")
def condition() -> ResponseReturnValue:
    """Looked at now, whenever somebody asks."""
    facts = look(hub())
    found = findings(facts)
    return page("condition.html", findings=found, signs=SIGNS, now=facts.now, jobs=facts.jobs, well=worst(found) < Severity.ATTENTION)
