"""``exchange-agency doctor``: walks the road to the hub, a step at a time: what was tried, what was found, what to do."""

import shutil
import textwrap
from typing import Any

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.road import Mark, Step, walk

_INDENT = " " * 17


@click.command()
@common
def doctor(context: Context) -> int:
    """Check clock, DNS, proxy, TLS, key, token and agreement, in that order"""
    steps = []
    for step in walk(context.agency()):
        steps.append(step)
        for line in lines(step, shutil.get_terminal_size().columns):
            context.console.line(line)
    shown = [_document(step) for step in steps]
    if failed := next((step.error for step in steps if step.error is not None), None):
        context.console.failure(failed, steps=shown)
        return failed.exit_code
    context.console.result(steps=shown)
    return 0


def lines(step: Step, width: int) -> list[str]:
    """A step for people: what was tried and found, and indented under it what to do."""
    said = f"{step.tried}. {step.found}"
    told = _wrapped(said, width)
    remedy = _wrapped(f"Remedy: {step.remedy}", width) if step.remedy else []
    return [f"{step.mark:<5}{step.name:<12}{told[0]}", *(_INDENT + line for line in (*told[1:], *remedy))]


def _wrapped(text: str, width: int) -> list[str]:
    """In lines beside the names of the steps. A word, such as a fingerprint, is never cut."""
    return textwrap.wrap(text, max(width, 60) - len(_INDENT), break_long_words=False, break_on_hyphens=False)


def _document(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "ok": step.mark in (Mark.OK, Mark.LOOK),
        "mark": str(step.mark),
        "tried": step.tried,
        "found": step.found,
        "remedy": step.remedy,
    }
