"""One page of text from a report, for the person at the shell."""

from collections.abc import Mapping
from typing import Any

_MOST_CELLS = 40


def protect_page(report: Mapping[str, Any]) -> str:
    """What was hidden, at what level, and what the independent attack found."""
    attacked = report["attack"]
    lines = [
        f"Level            known minimum {report['known_min']}, at least {report['min_width'] + 1} possible values for every primary cell",
        f"Cells            {report['cells']:,}",
        f"Primary          {report['primary']:,} (value {report['primary_value']:,})",
        f"Secondary        {report['secondary']:,} (value {report['secondary_value']:,})",
        f"Certificate      {report['witnesses']:,} witnesses, checked in whole numbers",
        f"Attack           {_verdict(attacked)}",
        f"Time             {report['seconds']} s"
        + (", stopped by the time limit: a smaller pattern may exist" if report["stopped_early"] else ""),
        "",
        *(f"  {name}: {entry['suppressed']:,} of {entry['cells']:,} cells hidden" for name, entry in report["tables"].items()),
    ]
    if report["ignored_keys"]:
        lines += ["", f"Keys of spec.json that were not understood and changed nothing: {', '.join(report['ignored_keys'])}"]
    return "\n".join([*lines, "", "certificate.json and report.json are internal: publish neither."])


def attack_page(report: Mapping[str, Any]) -> str:
    """The verdict, and the cells that fell."""
    lines = [
        f"Level            known minimum {report['known_min']}, at least {report['min_width'] + 1} possible values for every primary cell",
        f"Cells            {report['cells']:,}, {report['suppressed']:,} hidden in {report['components']:,} components",
        f"Primary          {report['primary']:,}",
        f"Verdict          {_verdict(report)}",
        f"Time             {report['seconds']} s",
    ]
    for cell in report["vulnerable"][:_MOST_CELLS]:
        high = "no bound" if cell["high"] is None else cell["high"]
        who = " to a contributor" if cell["insider"] else ""
        lines.append(f"  {cell['table']} {', '.join(cell['codes'])}: {cell['low']} to {high}{who}")
    if len(report["vulnerable"]) > _MOST_CELLS:
        lines.append(f"  and {len(report['vulnerable']) - _MOST_CELLS} more; --json lists all")
    return "\n".join(lines)


def _verdict(report: Mapping[str, Any]) -> str:
    if report["safe"]:
        return "safe" + (", insiders included" if report["insiders"] else "")
    return f"VULNERABLE: {report['exact']} exactly recoverable, {report['narrow']} too narrow, {report['to_insiders']} to insiders"
