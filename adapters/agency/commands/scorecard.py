"""``exchange-agency scorecard``: how complete, conforming and punctual our own submissions are, as the hub counts them, for us alone."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import click

from adapters.agency.commands.common import Context, common
from adapters.agency.commands.sheet import wrapped
from adapters.agency.problems import plain
from adapters.errors import ConfigError, IntegrityFailed

_TRENDS = ("completeness", "conformance", "timeliness")
_HEAD = f"  {'period':<11}{'rows':>11}{'filled in':>11}{'agreed codes':>14}{'days late':>11}{'refused':>9}"


@click.command()
@click.option("--agreement", "reference", default="", help="Only the agreement of this reference.")
@common
def scorecard(context: Context, reference: str) -> None:
    """Show how complete, conforming and punctual our submissions are, and what is late"""
    agency, console = context.agency(), context.console
    if agency.settings.recipient:
        raise ConfigError("This folder is of a recipient, who sends nothing.", remedy="A supplier has a scorecard.")
    query = {"reference": reference} if reference else {}
    found = agency.client().get("/v1/scorecard", "fetching our scorecard", query).get("cards")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IntegrityFailed("The hub's scorecard is not a list.")
    width = shutil.get_terminal_size().columns
    for card in found:
        for line in card_lines(card, width):
            console.line(line)
    if not found:
        console.line("We supply nothing at present.")
    console.result(cards=found)


def card_lines(card: Mapping[str, Any], width: int) -> list[str]:
    """One dataset: where it stands, what is late, and a line a period. Nothing of the hub's answer is printed as it came."""
    trend = _table(card.get("trend"))
    told = ", ".join(f"{name} {plain(trend.get(name))}" for name in _TRENDS)
    lines = [f"{plain(card.get('reference'))} {plain(card.get('dataset'))}: {plain(card.get('title'))}"]
    for late in _tables(card.get("overdue")):
        lines.append(f"  LATE {plain(late.get('period'))}: was due on {plain(late.get('due'))}, {_count(late.get('days'))} days ago")
    periods = _tables(card.get("periods"))
    if not periods:
        return [*lines, "  Nothing has been sent yet."]
    lines += [wrapped(f"The newest period beside those before it: {told}.", width), _HEAD]
    for one in periods:
        late_by = "back-fill" if one.get("back_fill") is True else _count(one.get("late_by_days"))
        lines.append(
            f"  {plain(one.get('period')):<11}{_count(one.get('rows')):>11}{_percent(one.get('completeness')):>11}"
            f"{_percent(one.get('conformance')):>14}{late_by:>11}{_count(one.get('refused')):>9}"
        )
        doubtful = one.get("doubts")
        doubts = [plain(doubt) for doubt in doubtful if isinstance(doubt, str)] if isinstance(doubtful, list) else []
        broken = [
            f"{plain(rule.get('field'))} {plain(rule.get('rule'))}: {_count(rule.get('count'))}" for rule in _tables(one.get("rules"))
        ]
        lines += [wrapped(f"doubtful, and accepted: {', '.join(doubts)}", width, " ")] if doubts else []
        lines += [wrapped(f"refused: {'; '.join(broken)}", width, " ")] if broken else []
    newest = periods[0]
    empty = {name: rows for name, rows in _table(newest.get("present")).items() if rows != newest.get("rows")}
    if empty:
        said = ", ".join(f"{plain(name)} {_count(rows)}" for name, rows in empty.items())
        lines.append(wrapped(f"Of {_count(newest.get('rows'))} rows in {plain(newest.get('period'))}, filled in: {said}.", width))
    return lines


def _table(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _tables(found: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _count(found: object) -> str:
    return f"{found:,}" if isinstance(found, int) and not isinstance(found, bool) else "-"


def _percent(found: object) -> str:
    return f"{100 * found:.1f}%" if isinstance(found, int | float) and not isinstance(found, bool) else "-"
