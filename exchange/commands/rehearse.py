"""Before a version is signed: what it changes (``compare``), what it asks for beyond need (``findings``), what it would have done (``rehearse``)."""

import click

from agreements.changes import Risk
from agreements.difference import difference
from agreements.minimisation import findings as more_than_needed
from exchange.commands.agreement import load
from exchange.commands.shared import hub_of, say
from exchange.db import reading
from exchange.errors import Unacceptable
from exchange.questions import rehearsal
from exchange.register import agreements

_DOCUMENT = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("old", type=_DOCUMENT)
@click.argument("new", type=_DOCUMENT)
@click.pass_context
def compare(context: click.Context, old: str, new: str) -> None:
    """What changes from OLD to NEW, by what it means, the riskiest first. Works offline."""
    before, after = load(old), load(new)
    found = difference(before, after)
    lines = [f"From {before.clause()} to {after.clause()}: {len(found)} change{'' if len(found) == 1 else 's'}."]
    for risk in Risk:
        told = [one for one in found if one.risk is risk]
        lines += [click.style(f"{risk.title} ({len(told)})", bold=True)] if told else []
        for one in told:
            lines.append(f"  {one.clause}: {one.words}")
            lines += [f"      {side}: {' '.join(text.split())}" for side, text in (("was", one.before), ("is", one.after)) if text]
    changes = [
        {"risk": one.risk.name.lower(), "clause": one.clause, "words": one.words, "before": one.before, "after": one.after} for one in found
    ]
    say(context, {"from": before.digest, "to": after.digest, "changes": changes}, *lines)


@click.command()
@click.argument("document", type=_DOCUMENT)
@click.pass_context
def findings(context: click.Context, document: str) -> None:
    """Where DOCUMENT asks for more than its releases need. Works offline; no data are read."""
    read = load(document)
    found = more_than_needed(read)
    lines = [f"{read.clause(one.clause)}: {one.words} {one.remedy}" for one in found]
    told = [{"clause": one.clause, "words": one.words, "remedy": one.remedy} for one in found]
    say(context, {"agreement": read.digest, "findings": told}, *(lines or ["Nothing is more than its releases need."]))


@click.command()
@click.argument("document", type=_DOCUMENT)
@click.pass_context
def rehearse(context: click.Context, document: str) -> None:
    """What DOCUMENT would have done with everything that was submitted and published before. Nothing is changed; no rows are read."""
    read, hub = load(document), hub_of(context)
    with reading(hub.engine) as session:
        if agreements.current(session, read.reference) is None:
            raise Unacceptable("nothing was ever submitted under an agreement of this reference.", remedy="Look at it with: findings")
        found = rehearsal.rehearse(session, read)
    say(context, found.as_json(), *found.lines())
